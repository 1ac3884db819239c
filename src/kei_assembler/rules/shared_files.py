"""Rules about files that several programs read: clients that read each other's folders, and other readers of YAML.

The notes are reported once for the whole kit, at the first manifest that they concern.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from kei_assembler.diagnostics import Severity, Span
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown.front_matter import needs_quotes
from kei_assembler.model.adaptation import EVERYTHING, client_name, description_for, plain
from kei_assembler.model.manifest import Manifest
from kei_assembler.model.settings import value_at
from kei_assembler.model.values import filled_description
from kei_assembler.paths import normalize, upwards
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.suggestions import counted, listed
from kei_assembler.targets import ALIASES, TARGETS
from kei_assembler.targets.target import Foreign, Target
from kei_assembler.toml.source import MAX_BYTES
from kei_assembler.whitespace import collapse_whitespace


@rule("O629", Severity.NOTE)
def description_not_quoted(kit: LoadedKit, target: str, agents: Sequence[str]) -> Iterable[Violation]:
    """A description needs quotes in YAML, but the client would keep them, so it is written without.

    Cursor reads everything after `description: ` as it is. To it, a description with `: ` or ` #` is fine without
    quotes, and with them it would begin and end with a quote. Everybody else reads the front matter as YAML: linters
    and GitHub's pages report an error there. The setting `plain-descriptions` writes ` – ` instead. There is one note
    for each client.

    Fails::

        name = "critic"
        description = "Reviews code: correctness first."
        role = "You review code."
        targets = ["cursor"]

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code: correctness first."
        role = "You review code."
        targets = ["cursor"]

        # assemble.toml
        [target.cursor]
        plain-descriptions = true
    """
    row = TARGETS[target]
    others = f", as in {counted(len(agents) - 1, 'other agent')}" if len(agents) > 1 else ""
    effect = "other readers of YAML refuse or misread this text"
    message = f"{row.label} keeps quotes, so none are written here{others}, and {effect}"
    setting = f", or set `plain-descriptions = true` in `[target.{target}]` of the settings"
    description = str(kit.read_manifest(agents[0]).data.get("description"))
    yield Violation(("description",), message, f"rephrase it{'' if needs_quotes(plain(description)) else setting}")


@rule("O630", Severity.NOTE)
def shown_twice(kit: LoadedKit, target: str, agents: Sequence[str]) -> Iterable[Violation]:
    """A program shows an agent twice, because it reads the files of two targets.

    VS Code reads `.github/agents` and `.claude/agents`. If a kit has files in both, its picker lists every agent twice.
    Copilot CLI does not: there, the file of its own folder wins. The note goes away if `.vscode/settings.json` turns
    the second folder off. There is one note for each client.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        targets = ["claude-code", "copilot"]

        [target.claude-code]
        output = ".claude/agents/{name}.md"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        targets = ["claude-code", "copilot"]

        [target.claude-code]
        output = ".claude/agents/{name}.md"

        [target.copilot]
        use-files-of = "claude-code"
    """
    row = TARGETS[target]
    for foreign in _in_kit(kit, row):
        can_share = any(foreign.target in field.shape.choices for field in row.settings if field.key == _SHARING)
        shared = (
            f'; or set `{_SHARING} = "{foreign.target}"` in `[target.{target}]` of the settings' if can_share else ""
        )
        if foreign.shows_both and not is_turned_off(kit, foreign):
            message = f"{foreign.shows_both} shows {_agents(agents)} twice, because it also reads `{foreign.folder}`"
            yield Violation((), message, f"{foreign.remedy}{shared}")
        elif foreign.target and not foreign.shows_both:
            what = "it has another name" if not foreign.is_known_by_file else "the file has another name"
            message = f"{row.label} shows {_agents(agents)} twice, because {what} in `{foreign.folder}`"
            remedy = f"choose a display name that {row.label} accepts"
            remedy = f"remove it, which {row.label} compares with file names" if foreign.is_known_by_file else remedy
            yield Violation(("display-name",), message, f"{remedy}{shared}")


_SHARING = "use-files-of"


def _in_kit(kit: LoadedKit, row: Target) -> list[Foreign]:
    """The folders of other clients for which the kit generates files, too."""
    return [foreign for foreign in row.foreign if foreign.target in kit.settings.targets]


@rule("O631", Severity.NOTE)
def served_by_foreign_file(kit: LoadedKit, target: str, agents: Sequence[str]) -> Iterable[Violation]:
    """A client finds an agent that is not generated for it, because it also reads another client's folder.

    <which clients read other clients' folders>. Reported if the settings name the client in `targets` and a manifest
    leaves it out. There is one note for each client. If the agent gets other tools there than its manifest says, there
    is a warning instead.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        targets = ["claude-code"]

        # assemble.toml
        targets = ["claude-code", "copilot"]

        [target.claude-code]
        output = ".claude/agents/{name}.md"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        targets = ["claude-code"]

        # assemble.toml
        targets = ["claude-code"]

        [target.claude-code]
        output = ".claude/agents/{name}.md"
    """
    row = TARGETS[target]
    folders = listed(foreign.folder for foreign in _in_kit(kit, row))
    message = f"{row.label} also finds {_agents(agents)}, which `targets` leaves out, because it reads {folders}"
    remedy = next((f"; or {foreign.remedy}" for foreign in _in_kit(kit, row) if foreign.remedy), "")
    yield Violation(("targets",), message, f"to give it a file of its own, add `{target}`{remedy}")


@rule("O640", Severity.NOTE)
def shown_beside_another(foreign: Foreign, where: Span, name: str, path: str) -> Iterable[Violation]:
    """A program shows an agent twice: the generated one, and one that somebody wrote for another client.

    VS Code also reads `.claude/agents`. The note goes away if `.vscode/settings.json` turns that folder off.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        targets = ["copilot"]

        # .claude/agents/critic.md
        ---
        name: critic
        description: Written by hand.
        ---

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        targets = ["copilot"]
    """
    message = f"{foreign.shows_both} shows `{name}` twice: this file, and the generated `{path}`"
    yield Violation(where, message, f"delete this file; or {foreign.remedy}")


def is_turned_off(kit: LoadedKit, foreign: Foreign) -> bool:
    """Return whether the project, or one around it up to `root`, turns off the folder in the program's settings."""
    from kei_assembler.kit.client_json import read_table  # few kits have such a file

    for project in upwards(kit.files.resolve(kit.folder), kit.root):
        with suppress(OSError, UnicodeDecodeError):
            content = kit.tree.read(os.path.join(project, *foreign.settings_file.split("/")), MAX_BYTES)
            locations = read_table(content.decode()).get(foreign.settings_key)
            if isinstance(locations, dict):
                return any(value is False and normalize(key) == foreign.folder for key, value in locations.items())
    return False


def _agents(agents: Sequence[str]) -> str:
    return "this agent" if len(agents) == 1 else f"{counted(len(agents), 'agent')} such as this one"


@rule("O632", Severity.WARNING)
def limits_lost(context: ManifestContext) -> Iterable[Violation]:
    """A client reads the file of another client for an agent, and does not understand what limits the agent there.

    <which clients read other clients' folders>. Such a client may ignore the list of tools, or not know a name in it,
    such as `mcp__server__tool` or one with a scope, as in `Bash(git:*)`. The agent then has all tools there, or lacks
    some. Keys such as `disallowedTools` can have no effect there, too. An agent with a file of its own is not affected,
    because that file wins.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        tools = ["Read", "mcp__tracker__search"]
        targets = ["claude-code"]

        # assemble.toml
        targets = ["claude-code", "copilot"]

        [target.claude-code]
        output = ".claude/agents/{name}.md"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        tools = ["Read", "mcp__tracker__search"]

        # assemble.toml
        targets = ["claude-code", "cursor"]

        [target.claude-code]
        output = ".claude/agents/{name}.md"

        [target.cursor]
        use-files-of = "claude-code"
    """
    for row, foreign in _readers(context.kit, context.manifest, context.source.file):
        for where, effect in _losses(context.manifest, row, foreign):
            hint = f"for a file of its own, {_own_file(context.kit, row)}"
            yield Violation(where, f"{row.label} uses the file in `{foreign.folder}`, {effect}", hint)


def _own_file(kit: LoadedKit, row: Target) -> str:
    if _uses_other_files(kit, row):
        return f"remove `use-files-of` from `[target.{row.name}]` of the settings"
    return f"add `{row.name}` to the agent's `targets`"


def _losses(manifest: Manifest, row: Target, foreign: Foreign) -> Iterator[tuple[tuple[str, ...], str]]:
    """What limits the agent in a foreign file, and is lost on the client: where, and the effect."""
    own = manifest.target.get(foreign.target, {})
    tools = manifest.tools or ()
    if not row.tools.key and manifest.tools is not None and EVERYTHING not in tools:
        yield ("tools",), "where it ignores `tools`, so the agent has all tools there"
        tools = ()
    lost = [tool for tool in tools if tool != EVERYTHING and not _is_understood(tool, row, foreign)]
    if lost and EVERYTHING not in tools:
        rest = "so the agent has no tool there" if len(lost) == len(tools) else "which the agent then lacks"
        rest = "so the agent has all tools there" if row.tools.unknown_means_all else rest
        yield ("tools",), f"where it does not understand {listed(lost)}, {rest}"
    for key in own.keys() & foreign.ignored.keys():
        yield ("target", foreign.target, key), f"where it ignores `{key}`: {foreign.ignored[key]}"


def _is_understood(entry: str, row: Target, foreign: Foreign) -> bool:
    if entry.startswith("mcp__"):
        return foreign.has_mcp_names
    tool, written = ALIASES.get(entry, entry), TARGETS[foreign.target].tools.names
    return foreign.has_tool_names and (tool if written is None else written.get(tool)) in (row.tools.names or {})


@rule("O633", Severity.WARNING, about="target")
def table_without_file(context: ManifestContext) -> Iterable[Violation]:
    """A manifest has a table for a client that gets no file of its own, so the table has no effect.

    With the setting `use-files-of`, the client uses another client's file.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [target.copilot]
        argument-hint = "a diff"

        # assemble.toml
        targets = ["claude-code", "copilot"]

        [target.claude-code]
        output = ".claude/agents/{name}.md"

        [target.copilot]
        use-files-of = "claude-code"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # assemble.toml
        targets = ["claude-code", "copilot"]

        [target.claude-code]
        output = ".claude/agents/{name}.md"

        [target.copilot]
        use-files-of = "claude-code"
    """
    for target in context.manifest.target:
        used = context.kit.settings.of(target).get("use-files-of")
        if used in context.kit.targets_of(context.manifest):
            message = f"{TARGETS[target].label} uses the files of `{used}`, so this table has no effect"
            yield Violation(("target", target), message, "remove the table, or the setting `use-files-of`")


def _readers(kit: LoadedKit, manifest: Manifest, file: str) -> Iterator[tuple[Target, Foreign]]:
    """The clients of the kit that read the file of another client for an agent, and where they find it."""
    if kit.selected_targets:
        return
    targets = kit.targets_of(manifest)
    for name in kit.settings.targets:
        for foreign in TARGETS[name].foreign if name not in targets else ():
            if foreign.target in targets and _is_in_project(kit, manifest, file, foreign.target):
                yield TARGETS[name], foreign


def _is_in_project(kit: LoadedKit, manifest: Manifest, file: str, target: str) -> bool:
    """Whether the output of a manifest's file for a target is where that client, and others, look for its agents."""
    return any(kit.placement.projects(target, os.path.dirname(kit.output(target, manifest.name, file))))


def kit_notes(kit: LoadedKit, manifest: Manifest, file: str) -> tuple[tuple[str, str], ...]:
    """Return what the manifest in a file contributes to the notes about the kit: pairs of a code and a target."""
    served = (row for row, foreign in _readers(kit, manifest, file) if not any(_losses(manifest, row, foreign)))
    found = [(served_by_foreign_file.code, row.name) for row in served if not _uses_other_files(kit, row)]
    targets = kit.targets_of(manifest)
    for row in (TARGETS[name] for name in targets if name in _CONCERNED):
        if row.form.keeps_quotes and _is_unquoted(kit, manifest, row.name):
            found.append((description_not_quoted.code, row.name))
        both = (each.target for each in row.foreign if each.target in targets and shows_both(manifest, row, each))
        if any(_is_in_project(kit, manifest, file, target) for target in both):
            found.append((shown_twice.code, row.name))
    return tuple(found)


def is_shown(kit: LoadedKit, file: str, row: Target, foreign: Foreign) -> bool:
    """Return whether the program that shows both files of an agent shows the one of the manifest in a file."""
    key, value = foreign.unless
    return bool(value_at(kit.read_manifest(file).data, ("target", row.name, key)) != value)


def shows_both(manifest: Manifest, row: Target, foreign: Foreign) -> bool:
    """Return whether a client, or its program, shows an agent's own file and the one in another client's folder.

    For a program, the project's settings can turn that off, see `is_turned_off`.
    """
    if not foreign.shows_both:
        own, other = (
            client_name(manifest.name, manifest.display_name, each) for each in (row, TARGETS[foreign.target])
        )
        return own != (manifest.name if foreign.is_known_by_file else other)
    key, value = foreign.unless
    return manifest.target.get(row.name, {}).get(key) != value


def _uses_other_files(kit: LoadedKit, row: Target) -> bool:
    return bool(kit.settings.of(row.name).get("use-files-of"))


_CONCERNED = frozenset(name for name, row in TARGETS.items() if row.form.keeps_quotes or row.foreign)


def _is_unquoted(kit: LoadedKit, manifest: Manifest, target: str) -> bool:
    filled = manifest._replace(description=filled_description(manifest, target))
    description = collapse_whitespace(description_for(filled, kit.settings.of(target)))
    return description != "" and needs_quotes(description)


OF_KIT = {each.code: each for each in (description_not_quoted, shown_twice, served_by_foreign_file)}
"""The rules whose findings are notes about the whole kit, by their codes."""

OF_MANIFEST = (limits_lost, table_without_file)
