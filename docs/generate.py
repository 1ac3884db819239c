"""Generate the reference pages of the documentation from the code. Run it with `make docs`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

import click

from kei_assembler.cli.app import assemble
from kei_assembler.model.manifest import FIELDS
from kei_assembler.model.settings import SETTINGS
from kei_assembler.rules import catalog
from kei_assembler.targets import docs as target_docs
from kei_assembler.validation import Field, Shape

FOLDER = Path(__file__).resolve().parent

_MANIFEST = """\
# Manifest

`agents/NAME.toml` is the single source of truth for one agent, written in TOML 1.1. Only `name` and `description` are
required, unless the setting `required` says otherwise. An unknown key is an error, unless the setting `extra-keys`
declares it. Manifests in `instructions/` and `skills/` have some of these keys, and generate
[AGENTS.md, scoped rules and skills](instructions.md).

- In TOML, a key belongs to the last table header above it. So write keys first, then `[[handoff]]`, `[references]` and
  `[target.…]`. If you mix them up, an error tells you.
- `name` is the key of the agent: its file, its outputs and the handoffs to it have this name. `display-name` is what a
  client calls the agent, if it accepts that name; otherwise a warning says which client does not. Generated handoffs,
  and `Agent(…)` in `tools`, then use it, so that calls work. A table `[target.NAME]` is written as it is: use the
  client's name of an agent there.
- `tools = ["*"]` means all tools.
- [Composition](composition.md) says how manifests share keys and texts: `extends`, `"@NAME"` and `"NAME#SLUG"` in
  `blocks`, `"..."` in lists, and `role = { file = "…" }`.
- `{{CAPITALS}}` in a text is a placeholder, which a [value](composition.md#values) fills. Without a value, it is an
  error, except in code.

## Where each key goes

The default template prints the sections in this order. A section without content is left out. A kit can change all of
this with a [template](templates.md).

| key | in the generated file |
|---|---|
| `name`, `display-name`, `description` | the front matter, in the form that the client reads |
| `tools`, `model`, `[target.NAME]` | the front matter, too |
| `role` | `# ROLE` |
| `blocks` | the text of each block, with its own headings |
| `domain_in` | `# DOMAIN SCOPE`, below **In:** |
| `[[handoff]] target` | `# DOMAIN SCOPE`, below **Out (hand off):** |
| `[[handoff]]` | `# HANDOFFS`, one entry each; some clients also get it in the front matter |
| `tools` | `# TOOLS`, only for clients without a list of tools |
| `output_extra_fields` | `# OUTPUT FORMAT`, in a code fence |
| `forbidden_domain` | `# FORBIDDEN` |
| `[references] extra` | `# REFERENCES` |
| `values` | wherever they fill a placeholder |
| `kind`, `folder`, `paths`, `also-skill`, `targets` | nowhere: they decide which files are generated |
| `extends`, `abstract`, `unset` | nowhere: they decide what is [inherited](composition.md#bases) |

## Editors

`assemble lsp` checks, completes and corrects manifests and all other sources [in your editor](editors.md). Without it,
JSON Schemas do a part of that.

Editors with Taplo or Tombi complete and check manifests that begin with the following line. `assemble init` and
`assemble new` write it. In a kit without schemas, for example after an import, `assemble init` adds both.

    #:schema ../.assemble/manifest.schema.json

If blocks, agents or settings change, `assemble --all` updates the schema, and `assemble --all --check` fails until it
has. A schema that somebody edited is reported and left as it is. A schema that you wrote yourself, or whose `$comment`
you removed, is ignored.

## All keys

`make docs` generates this page. The keys of `[target.NAME]` are in [Targets](targets.md).
"""
_SETTINGS = """\
# Settings

All settings are optional. Put them at the top of `assemble.toml` or in `[tool.assemble]` of `pyproject.toml`, but not
in both. Folders are relative to the kit.

    targets = ["claude-code", "codex"]

    [target.claude-code]
    output = ".claude/agents/{name}.md"
    limit-agents = true

    [defaults]
    model = "inherit"
    tools = ["Read", "Grep", "Glob"]

    [defaults.target.codex]
    sandbox_mode = "read-only"

- `targets` names clients, or groups of them: `"@all"` stands for all clients except those that `assemble targets` marks
  as *docs only*, and `"@verified"` for those whose every program somebody has run, or read the code of. A new version
  of `assemble` may add clients to a group. Names and groups can be mixed, as in `["codex", "@verified"]`.
- `[target.NAME] output` says where a client's files go. `{name}` is the agent's name, and `{dir}` is the folder of its
  manifest. `{subdir}` is that folder too, but below the folder of manifests: with
  `output = "plugins/{subdir}/agents/{name}.md"`, `agents/docs/writer.toml` generates `plugins/docs/agents/writer.md`.
  One of the two can occur, once.
- With `use-files-of = "claude-code"` in the table of a client that also reads Claude Code's folder, such as
  `[target.copilot]`, an agent of both targets gets only Claude Code's file. [Targets](targets.md) says which clients
  have this setting.
- Without `output`, Claude Code's files are beside the manifests, where it does not load them. Set it as above.
- With `limit-agents = true` under `[target.claude-code]`, an agent with the tool `Agent` can start only the agents that
  it hands off to.
- `[defaults]` holds what you would repeat in every manifest. A manifest wins over it.
- `required`, `obligatory` and `[defaults]` are for agents. `[kind.instructions]` and `[kind.skill]` have `required` and
  `obligatory` for the manifests of [instructions and skills](instructions.md), and `[kind.skill.defaults]` has `tools`.
- `[values]` holds texts that fill `{{NAME}}` in manifests and blocks; see [Values](#values).
- If several folders in `blocks` have the same block, the run stops. With `block-conflicts = "first"`, the block in the
  first of these folders replaces the others, so put your own folder before the one that you share. Each
  [text for one client](composition.md#text-for-one-client) is compared in the same way.
- `extra-keys` gives each key a type: `"string"`, `"strings"`, `"integer"`, `"boolean"` or `"table"`. A table holds
  anything except dates and infinite numbers. These keys are metadata: [templates](templates.md) read them as
  `extra.KEY`, and nothing prints them otherwise.
- `ignore` can't silence an error that would make the output wrong.
- `root` can't reach higher than the top of the git work tree. Outside of one, it can't contain your home folder, or the
  folders there in which clients find agents, unless you run `assemble` with `--user`.
- An `output` that begins with `~/` is in your home folder. It needs `--user`, and a kit outside of any git repository;
  see [agents for all your projects](ownership.md#agents-for-all-your-projects).
- With `commit-outputs = false`, git does not track the generated files; see
  [CI and hooks](ci.md#outputs-that-are-not-committed).
- With `stamp = "plain"`, stamps have no digest, so that branches [merge without
  conflicts](ci.md#stamps-that-merge) in them. That needs a git work tree.

## Values

A [value](composition.md#values) in the settings is for all manifests that do not set it themselves. A table declares a
value:

    [values]
    TEAM = "the platform team"

    [values.PROJECT]
    required = true
    doc = "The project's name, as users know it."
    pattern = "[A-Z][a-z]+"

    [values.LANGUAGE]
    default = "Python"
    one-of = ["Python", "Rust"]

    [target.codex.values]
    TEAM = "the maintainers"

- With `required = true`, each agent needs a value from its manifest or from a base.
- `one-of` and `pattern` apply wherever the value is set, and to each entry of a list. A pattern is a regular expression
  that the whole text must match, without look-around and references.

## Budgets

A budget is the most tokens that you want to spend on something. Above it, there is a warning with the largest parts.

    [budget]
    agent = 4000
    descriptions = 3000
    block = 800

    [target.codex.budget]
    agent = 6000

- `agent` is for each generated file, `block` for each block, and `descriptions` for the names and descriptions of all
  agents together, which clients send with every request.
- A budget for one target replaces the general one.
- `descriptions` is only checked with `--all`.

Tokens are an estimate. Each model splits text into tokens in its own way, so there is no exact number. The estimate
counts pieces of text that are usually one token of `o200k_base`, a public vocabulary: a short word with the space
before it, up to three digits, a few punctuation marks. Long words are several pieces, and so are words in other
scripts: a piece has about five Cyrillic letters, or one and a half Chinese characters. Then it adds 2%. The tests
compare it with a real tokenizer. For agents and blocks it is mostly within 5%, and rarely off by more than 12%. It
is less exact for a few words, for random characters such as keys, and for some languages, such as Polish and
Vietnamese.

Claude Code has its own limit for the descriptions of all agents, and its own estimate: four characters are a token.
`assemble` warns above that limit (L803) even without a budget, and at 80% or more there is a note (L810). Your own
budget for `descriptions` replaces that note, but not the warning.

## All settings

`make docs` generates this page. Settings that only some clients have are in [Targets](targets.md).
"""
_COMMANDS = """\
# Commands

| exit status | meaning |
|---|---|
| 0 | all is well; `watch` was stopped |
| 1 | there are errors, generated files are out of date, or `doctor` has found problems |
| 2 | the run isn't possible as requested |
| 130 | the run was interrupted |

## Output

A build prints a line for each file that it changed, then findings, then a summary. Unchanged files get no line.
`--quiet` prints only findings and the summary.

A check ends with the command that brings everything up to date. If that needs `--force` or `--prune`, the lines above
it say which files they overwrite or delete. After a check of several kits, one command at the end does it for all of
them. If it leaves errors, it says how many.

On a terminal, the output is in colour, unless `NO_COLOR` is set or `TERM` is `dumb`. `FORCE_COLOR` turns colours on
everywhere, except in what programs read: reports in other formats, diffs and generated files. `doctor`, `explain`
and `targets` fit the width of the terminal, or 60 columns if it is unknown. `list`, `show` and `graph` fit the width of
a terminal, and print each row as one line in a pipe.

Options of `assemble` may come before a command that has them too: `assemble --kit DIR schema` is
`assemble schema --kit DIR`. An option that the command lacks is an error, except `--no-cache`: only builds use a
cache.

## Shell completion

Shells can complete commands and options, and also manifests, blocks, agents, tools, keys, targets, codes and folders.
Add the line for your shell to its configuration file:

| shell | line | file |
|---|---|---|
| bash | `eval "$(_ASSEMBLE_COMPLETE=bash_source assemble)"` | `~/.bashrc` |
| zsh | `eval "$(_ASSEMBLE_COMPLETE=zsh_source assemble)"` | `~/.zshrc` |
| fish | `_ASSEMBLE_COMPLETE=fish_source assemble \\| source` | `~/.config/fish/config.fish` |

`make docs` generates this page.
"""
_TARGET_KEYS = ("target", "defaults")
"""Keys whose tables contain the targets' own keys, which `targets.md` documents."""


def manifest_page() -> str:
    """Return the reference of the manifest's keys."""
    return f"{_MANIFEST}\n{_table(FIELDS)}"


def settings_page() -> str:
    """Return the reference of the settings."""
    return f"{_SETTINGS}\n{_table(SETTINGS)}"


def _table(fields: tuple[Field, ...]) -> str:
    rows = "".join(f"| {' | '.join(cells)} |\n" for field in fields for cells in _rows(field, field.key))
    return f"| key | must be | default | meaning |\n|---|---|---|---|\n{rows}"


def _rows(field: Field, path: str, header: str = "") -> Iterator[tuple[str, ...]]:
    yield f"`{header}{field.key}`", field.shape.expects, _default(field.default), field.doc
    inner = field.shape.item.fields if field.shape.type is list and field.shape.item else field.shape.fields
    for sub_field in inner if field.key not in _TARGET_KEYS else ():
        yield from _rows(sub_field, f"{path}.{sub_field.key}", f"{_header(field.shape, path)} ")


def _header(shape: Shape, path: str) -> str:
    return f"[[{path}]]" if shape.type is list else f"[{path}]"


def _default(value: Any) -> str:
    return "" if value in (None, "", ()) or isinstance(value, dict) else f"`{json.dumps(value)}`"


def commands_page() -> str:
    """Return the reference of the commands: the text of each `--help`, without its line breaks."""
    with click.Context(assemble) as context:
        names = assemble.list_commands(context)
        others = [(f"assemble {name}", assemble.get_command(context, name)) for name in names]
    return "\n".join([_COMMANDS, *(_command(name, command) for name, command in [_BUILD, *others] if command)])


_BUILD = ("assemble", assemble.default)


def _command(name: str, command: click.Command) -> str:
    arguments = [
        argument.metavar or (argument.name or "").upper()
        for argument in command.params
        if isinstance(argument, click.Argument)
    ]
    options = [option for option in command.params if isinstance(option, click.Option)]
    rows = "".join(f"| `{_usage(option)}` | {option.help} |\n" for option in options)
    usage = " ".join([name, *["[OPTIONS]"] * bool(options), *arguments])
    text = cleandoc(command.help or "").partition("\b")[0].strip()
    return f"## {name}\n\n`{usage}`\n\n{text}\n" + (f"\n| option | meaning |\n|---|---|\n{rows}" if rows else "")


def _usage(option: click.Option) -> str:
    choices = "\\|".join(option.type.choices) if isinstance(option.type, click.Choice) else ""
    value = "" if option.is_flag else f" {option.metavar or choices or option.type.name.upper()}"
    return ", ".join(option.opts) + value


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "diagnostics.md": catalog.reference,
    "manifest.md": manifest_page,
    "settings.md": settings_page,
    "targets.md": target_docs.page,
}


def main() -> None:
    """Write all pages."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())


if __name__ == "__main__":
    main()
