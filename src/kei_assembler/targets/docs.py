"""The documentation of the targets, generated from their rows, for the command and as a Markdown page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kei_assembler.suggestions import listed
from kei_assembler.targets import ALIASES, CLAUDE_TOOLS, TARGETS
from kei_assembler.targets.facts import Verified
from kei_assembler.targets.instructions import SHARED_FILE, Instructions
from kei_assembler.targets.presence import signs
from kei_assembler.targets.sentences import folder_readers
from kei_assembler.targets.target import BuiltIn, Key, Limit, Right, Target
from kei_assembler.targets.tools import Tools
from kei_assembler.validation import Shape
from kei_assembler.value_types import NO_TEXT


def facts(row: Target, output: str = "") -> list[tuple[str, str]]:
    """Return all facts about a target, each as a label and inline Markdown.

    `output` is the path pattern of a kit's files, if there is a kit.
    """
    return [*_facts(row, output or row.output)]


def page() -> str:
    """Return the documentation of all targets as one Markdown page."""
    return "\n".join(["# Targets\n", _PREFACE.replace("<folders>", _folders()), *map(_section, TARGETS.values())])


_PREFACE = """\
A target is a client that agent files are generated for. The setting `targets` names a kit's targets, `targets` in a
manifest names one agent's, and `--target` names those of one run. `assemble targets` lists the targets, and with a
name, it prints the facts below. `make docs` generates this page.

Clients change. The lines *verified* say which version a section describes, and how that is known: the client was run,
its code was read, or only its documentation. If a newer version behaves differently, please report it.

## The clients of a repository

`assemble targets --present` prints the clients that people use in a repository, one per line. `assemble init` names
them in the settings of a new kit, so that a build depends on the settings only.

A client counts if the working directory, or a folder around it up to the top of the git work tree, has one of the files
or folders in the lines *shown by*, which are only this client's. What many clients read, such as `AGENTS.md` and
`.agents/skills`, shows none of them. Files that git ignores do not count, because nobody else has them, and neither do
empty folders. Files that are not committed yet do count. Without git, all files do.

## Permissions

A manifest's `tools` say what its agent may use, in every client. A key of `[target.NAME]` can give the agent more than
that. The column *permissions* says for each key whether it does:

- A *right* goes beyond `tools`: to act without asking, to run commands at events, to use servers, or to use tools that
  are not in `tools`. It is an error until the setting `allow-rights` allows it to that agent, with a reason.
- Without `tools`, an agent has all tools that its client gives it, so none of them is a right.
- Some clients have one tool for several of Claude Code's. An agent gets it if `tools` lists any of them. The lines
  *tools* show which ones: in Copilot, for example, an agent with `Write` can also edit.
- `acceptEdits` and `auto-edit` only stop the questions about edits, which git shows before anybody uses them. They are
  rights only if `tools` do not list `Edit` and `Write`.
- A client's own list of tools can name other tools than `tools` do, because a reviewer sees the names. An entry that
  stands for many tools is a right.
- The lines *table* name the keys in such a table that the client checks or reads: in `hooks`, its events. `assemble`
  checks their values as the client does, because a client often drops the whole entry, or the agent, without a word.
- Everything in a table that grants a right, such as `hooks` or `mcpServers`, belongs to that right.
- `assemble` writes only keys whose permissions somebody has decided on. A client may have others. Those that a section
  lists as *not written* are keys, or values of a key, that the client accepts and `assemble` leaves to people.

## Where files have to be

A client loads the agents of a project from its own folder. For the default target, `output` has to say so, because by
default its files are beside the manifests:

    [target.claude-code]
    output = ".claude/agents/{name}.md"

If a client does not load an output from where it is, a note says that, once for each client
([O627](diagnostics.md#o627-output-not-loaded)). The lines *loads* name the folders.

Some clients also load agents from a plugin or an extension: a folder that contains a certain file. The lines *plugin*
name these files. In a plugin, Claude Code ignores some keys. A manifest that sets one of them gets a warning
([O628](diagnostics.md#o628-ignored-in-plugin)): a hook that guards something never runs there.

Claude Code also calls an agent of a plugin by another name: `critic` of the plugin `team` is `team:critic`, and
`team:review:critic` if its file is in the subfolder `review`. With `Agent(critic)` in its `tools`, an agent there could
start no other one, so that becomes `Agent(team:critic)` in the file. The name comes from the file that makes the folder
a plugin. Handoffs in the body keep the short name, because the model sees the full names.

## Clients that read each other's folders

The lines *also reads* say which folders of other clients a client reads. If it has a file of its own for an agent, that
file wins. So an agent of both clients needs nothing, with one exception: VS Code shows both files
([O630](diagnostics.md#o630-shown-twice)). To stop that, set `"chat.agentFilesLocations": { ".claude/agents": false }`
in `.vscode/settings.json`.

If `targets` in a manifest leaves such a client out, the client uses the other one's file
([O631](diagnostics.md#o631-served-by-foreign-file)), and perhaps does not understand what limits the agent there
([O632](diagnostics.md#o632-limits-lost)). Give the agent a file of its own, unless one file is what you want. Then say
so in the settings:

    targets = ["claude-code", "copilot"]

    [target.copilot]
    use-files-of = "claude-code"

Agents of both targets get only Claude Code's file, and `assemble` reports what Copilot does not understand there. An
agent of Copilot alone still gets its file.

Several clients can look into one folder, such as `.agents/agents`. If `output` puts the files of two targets there,
each client finds two files for an agent, and loads one of them. A warning says so
([O651](diagnostics.md#o651-other-file-loaded)).

| folder | is read by |
|---|---|
<folders>

## Descriptions in Cursor

Cursor does not read YAML. It takes everything after `description: ` as it is, so quotes would become part of the
description. No form of a description with `: ` or ` #` is both clean in Cursor and YAML for everybody else. By default,
`assemble` writes for Cursor: without quotes. The other readers are linters and GitHub's pages, which then report an
error, and one note for the whole kit says so ([O629](diagnostics.md#o629-description-not-quoted)). You can

- rephrase these descriptions
- set `plain-descriptions = true` under `[target.cursor]`, which writes ` – ` for `: ` and ` #` in Cursor's files
- ignore O629
"""


def _folders() -> str:
    return "\n".join(f"| {_code(folders)} | {', '.join(labels)} |" for folders, labels in folder_readers().items())


def _facts_of_other_kinds(row: Target) -> Iterator[tuple[str, str]]:
    yield "instructions", _instructions(row.instructions)
    if rules := row.instructions.rules:
        yield "scoped rules", f"`{rules.output}`, with the patterns in `{rules.key}`"
    if row.skill_folders:
        yield "skills", f"reads {_code(row.skill_folders)}"
    if shown_by := [path for path, name in signs().items() if name == row.name]:
        yield "shown by", _code(shown_by)


def _instructions(row: Instructions) -> str:
    """What a client reads of a project's instructions."""
    parts = [f"reads `{SHARED_FILE}`"]
    if row.other and row.other.required:
        parts = [f"reads `{row.other.name}`, which can import `{SHARED_FILE}`"]
        if row.other.settings_file:
            parts.append(
                f"`{'.'.join(row.other.settings_key)}` in `{row.other.settings_file}` can name `{SHARED_FILE}`, too"
            )
    elif row.other:
        parts.append(f"if there is a `{row.other.name}`, reads that instead, which can import `{SHARED_FILE}`")
    if row.hidden_by:
        where = " in the same folder or in one around it" if row.hides_below else " in the same folder"
        parts.append(f"does not read it if there is {listed(row.hidden_by, joint='or')}{where}")
    if row.also:
        parts.append(f"{row.program} also reads {_code(row.also)}")
    if row.own_files:
        parts.append(f"also reads its own {_code(row.own_files)}")
    if row.maximum:
        parts.append(f"stops after {row.maximum:,} bytes of all files from the root down")
    return "; ".join(parts)


def _section(row: Target) -> str:
    known = "".join(f"- **{label}**: {fact}\n" for label, fact in facts(row))
    lines = "".join(_line(key) for key in row.table if key.permissions)
    table = f"| `[target.{row.name}]` | must be | meaning | permissions |\n|---|---|---|---|\n{lines}"
    return f"## {row.label}: `{row.name}`\n\n{known}\n{table}"


def _line(key: Key) -> str:
    field, rights = key.field, ", ".join(f"`{right.name}`" for right in key.rights)
    permissions = f"{f'**right**: {rights}; ' if rights else ''}{key.permissions}"
    return f"| `{field.key}` | {field.shape.expects} | {field.doc} | {permissions} |\n"


def _facts(row: Target, output: str) -> Iterator[tuple[str, str]]:
    yield from (("verified", _verified(one)) for one in row.verified)
    yield from _facts_of_files(row, output)
    yield from _facts_of_other_kinds(row)
    if row.agent_settings:
        settings, tables = row.agent_settings, _code(map(".".join, row.agent_settings.tables))
        yield (
            "overrides",
            f"{tables} in {_code(settings.files)}: the client {settings.effect} those of the agent's file",
        )
    yield "keys", _code(row.keys)
    yield from (
        ("table", f"`{field.key}`: {_code(keys)}") for field in row.fields if (keys := _inner_keys(field.shape))
    )
    yield from (("tools", fact) for fact in _tools(row.tools))
    if row.placeholder.pattern:
        yield (
            "variable",
            f"{_code(row.placeholder.forms)} in the body: the client replaces it, {row.placeholder.effect}",
        )
    yield "model", _models(row)
    yield "handoffs", f"in the body{f', and in the front matter as `{row.handoffs.key}`' if row.handoffs else ''}"
    yield from (("settings", f"`{field.key}`: {field.doc}") for field in row.settings)
    yield from (("limit", _limit(limit)) for limit in row.limits)
    if row.budget:
        estimate = f"{row.budget.characters_per_token} characters count as one"
        yield (
            "limit",
            f"descriptions: at most {row.budget.maximum:,} tokens for all agents together; {estimate} (advice)",
        )
    yield "display name", _display_name(row)
    yield from (("built in", _built_in(names)) for names in row.built_in)
    yield from (("right", _right(right)) for right in row.rights)
    yield from (("not written", f"`{key}`, because it {why}") for key, why in row.refused.items())
    if row.loader.folds_case:
        yield "unsupported", "Two agents whose names differ only in case."
    yield from (("unsupported", fact) for fact in (*_unsupported(row.tools), *row.unsupported))


def _facts_of_files(row: Target, output: str) -> Iterator[tuple[str, str]]:
    yield "file", f"`{output}`, {row.form.label}{'' if output == row.output else f'; by default `{row.output}`'}"
    yield "loads", _loads(row)
    if row.foreign:
        yield "also reads", f"{_code(each.folder for each in row.foreign)}; a file of its own wins"
    if row.plugin.markers:
        yield "plugin", _plugin(row)


_WAYS = {"run": "run", "code": "code read", "docs": "only documentation read"}


def _verified(one: Verified) -> str:
    version = one.version or "(version not noted)"
    return f"{one.program} {version} on {one.date}: {', '.join(_WAYS[way] for way in one.how)}"


def _inner_keys(shape: Shape) -> tuple[str, ...]:
    """The keys of a table, or of the tables in a list or in a table with any names."""
    if shape.fields:
        keys = tuple(field.key for field in shape.fields if field.shape.pattern != NO_TEXT)
        return keys if shape.unlisted or not shape.item else ()
    inner = (*shape.any_of, *((shape.item,) if shape.item else ()))
    return tuple(dict.fromkeys(key for each in inner for key in _inner_keys(each)))


def _display_name(row: Target) -> str:
    form = row.display_name
    limits = [limit for limit in row.limits if limit.part == "name" and form.is_identity]
    bounds = "; ".join(filter(None, (form.expects, *(_limit(limit).partition(": ")[2] for limit in limits))))
    role = "which other agents call it by" if form.is_identity else "which only people see"
    return f"`{form.key}`, {role}{f'; {bounds}' if bounds else ''}"


def _built_in(row: BuiltIn) -> str:
    key, values = row.unless
    unless = f", unless `{key}` is {' or '.join(f'`{_spelled(value)}`' for value in values)}" if values else ""
    return f"{_code(row.names)}: {row.effect.replace('this one', 'an agent of the same name')}{unless}"


def _spelled(value: str | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()


def _right(right: Right) -> str:
    return f"`{right.name}`, which lets the agent {right.grants}{_unless(right)}"


def _unless(right: Right) -> str:
    if not right.covered_by:
        return ""
    return f", unless the manifest has no `tools`, or lists {listed(right.covered_by)} there"


def _tools(tools: Tools) -> Iterator[str]:
    if tools.names is None:
        yield "as the manifest lists them"
        return
    renamed = ((name, group) for name, group in tools.by_name.items() if group != [name])
    pairs = (
        f"{_code(group)} → {name if ' ' in name else _code((name, *tools.companions.get(name, ())))}"
        for name, group in renamed
    )
    yield "; ".join(pairs) or "the same names as in Claude Code"
    for tool, others in tools.substitutes.items():
        yield f"`{tool}`: none of its own; {listed(others, joint='or')} can do the same"
    server, tool = "SERVER", "TOOL"
    given = filter(None, (tools.mcp_tool, tools.mcp_server))
    patterns = [pattern.format(server=server, tool=tool) for pattern in given]
    if patterns:
        yield f"MCP tools: {' or '.join(each if ' ' in each else f'`{each}`' for each in patterns)}"


def _models(row: Target) -> str:
    own = f"`[target.{row.name}] {row.model_key}`"
    if row.model_key not in row.keys:
        return "none: the client ignores it"
    if row.models is None:
        return f"the manifest's `model`, or {own}"
    kept = f"the manifest's `model` if it is {_code(row.models)}, otherwise " if row.models else ""
    return f"{kept}only {own}"


def _limit(limit: Limit) -> str:
    unit = "bytes" if limit.part == "file" else "characters"
    rules = (
        (limit.minimum > 1, f"at least {limit.minimum:,} {unit}"),
        (limit.minimum == 1, "not empty"),
        (limit.maximum, f"at most {limit.maximum:,} {unit}"),
        (limit.pattern, limit.expects),
        (limit.reserved, f"not {_code(limit.reserved)}"),
    )
    applicable = ", ".join(text for applies, text in rules if applies)
    return f"{limit.part}: {applicable}{' (advice)' if limit.is_advisory else ''}"


def _unsupported(tools: Tools) -> Iterator[str]:
    known = {*(tools.names or {}), *tools.substitutes, *ALIASES}
    missing = [tool for tool in CLAUDE_TOOLS if tool not in known]
    if tools.names is not None and not tools.fallback_name:
        yield f"Tools without a counterpart: {_code(missing)}."
    if tools.names is not None and not tools.mcp_tool:
        yield "Tools of MCP servers in the manifest's `tools`."
    if tools.names is not None and len(tools.scoped) < len(CLAUDE_TOOLS):
        kept = [*tools.scoped, *(["Agent"] if tools.agents_key else [])]
        yield f"Scopes of tools, as in `Bash(git:*)`{f', except for {_code(kept)}' if kept else ''}."
    for tool, other in tools.needs.items():
        yield f"`{tool}` without `{other}`."
    if tools.unknown_means_all:
        yield "Unknown names of tools. With one in the list, the agent has all tools."
    if tools.empty_means_all:
        yield "An empty list of tools. It means all tools here, so it is an error."


def _loads(row: Target) -> str:
    prefix, others = row.loader.ignored_prefix, row.loader.other_files
    exception = f", except for names that start with `{prefix}`" if prefix else ""
    exception += f", but not {_code(others)}" if others else ""
    needs_front_matter = row.form.syntax != "toml" and not row.loads_any_text
    front_matter = ", with front matter" if needs_front_matter else ""
    skipped = f", except in {_code(row.loader.skipped_folders)}" if row.loader.skipped_folders else ""
    where = f"in {_code(row.agent_folders)}{f' and below{skipped}' if row.searches_subfolders else ''}"
    return f"{_code(f'*{suffix}' for suffix in row.suffixes)} {where}{front_matter}{exception}"


def _plugin(row: Target) -> str:
    plugin = row.plugin
    markers = " or ".join(f"`{each}`" for each in plugin.markers)
    where = f"a folder with {markers} is a plugin; its agents are in `{plugin.folder}`"
    return f"{where}, and {_code(plugin.ignored)} are ignored there" if plugin.ignored else where


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
