"""Keys and types: is every key known, there, in its place, and of the right form?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kei_assembler.diagnostics import Finding, KeyPath, Severity, did_you_mean, listed, nearest, rule
from kei_assembler.kit import stem
from kei_assembler.rules.subject import Subject
from kei_assembler.shapes import Misfit, describe
from kei_assembler.targets import TARGETS

_TABLES = {"handoff": "a `[[handoff]]`", "references": "`[references]`", "target": "a `[target.…]`"}
_TOOL_WITH_SCOPE = re.compile(r"(?P<tool>\w+)\(.*\)")


@rule("K101")
def unknown_key(subject: Subject) -> Iterable[Finding]:
    """A key that does not exist.

    It would be silently without effect. Often it is a misspelling of another. A kit that wants keys of its own
    declares them in its settings, under `extra-keys`.

    Fails::

        name = "critic"
        descripton = "Reviews code."

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    for misfit in _unknown(subject):
        if not _is_swallowed(subject, misfit):
            key = str(misfit.path[-1])
            known = [field.key for field in misfit.shape.fields]
            otherwise = f"the keys here are {listed(known)}"
            yield Finding(misfit.path, f"unknown key `{key}`", did_you_mean(key, known, otherwise))


@rule("K102")
def wrong_type(subject: Subject) -> Iterable[Finding]:
    """A value of another type than its key takes.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = "Read, Grep"

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Grep"]
    """
    for misfit in _of_kind(subject, "type"):
        hint = _TYPE_HINTS.get((misfit.shape.type, type(misfit.value)), "")
        yield Finding(misfit.path, describe(misfit), hint.format(misfit.path[-1]))


_TYPE_HINTS: dict[tuple[type, type], str] = {
    (list, str): 'put each entry in quotes, all in brackets: ["…", "…"]',
    (list, dict): "write its header with two brackets: `[[{}]]`",
    (dict, list): "write its header with one bracket: `[{}]`",
    (str, list): "write one string, without brackets",
}


@rule("K103")
def missing_key(subject: Subject) -> Iterable[Finding]:
    """A key that must be there is missing, or its value is empty.

    Which keys a manifest must have is the kit's setting `required`, by default `name` and `description`. A
    `[[handoff]]` must have `target` and `trigger`.

    Fails::

        name = "critic"

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    for key in subject.kit.settings.required:
        if not subject.data.get(key) and subject.fits(key) and not _is_elsewhere(subject, key):
            where, state = ((key,), "empty") if key in subject.data else ((), "missing")
            yield Finding(where, f"`{key}` is {state}", f"the kit requires it; {_how_to_add(key)}")
    for misfit in _of_kind(subject, "missing"):
        if not _is_misspelt(subject, misfit):
            yield Finding(misfit.path, f"`{misfit.path[-1]}` is missing in this `{_table_name(misfit.path)}`")


@rule("K104")
def blank_value(subject: Subject) -> Iterable[Finding]:
    """A value or a list entry that must say something is blank.

    Fails::

        name = "critic"
        description = " "

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    for misfit in _of_kind(subject, "blank"):
        hint = "remove the entry, or fill it in" if isinstance(misfit.path[-1], int) else "fill it in"
        yield Finding(misfit.path, describe(misfit), hint)


@rule("K105")
def several_lines(subject: Subject) -> Iterable[Finding]:
    """A value that must be one line has several.

    Fails::

        name = "critic"
        description = "Reviews code."
        model = \"\"\"
        opus
        sonnet
        \"\"\"

    Passes::

        name = "critic"
        description = "Reviews code."
        model = "opus"
    """
    yield from _described(subject, "lines")


@rule("K106")
def wrong_value(subject: Subject) -> Iterable[Finding]:
    """A value outside of what its key allows: a name with other characters, a word that is not in the fixed set.

    Fails::

        name = "critic"
        description = "Reviews code."
        targets = ["claude"]

    Passes::

        name = "critic"
        description = "Reviews code."
        targets = ["claude-code"]
    """
    for misfit in _of_kind(subject, "value"):
        is_choice = misfit.shape.choices and isinstance(misfit.value, str)
        hint = did_you_mean(misfit.value, misfit.shape.choices) if is_choice else ""
        yield Finding(misfit.path, describe(misfit), hint)


@rule("K107")
def name_differs_from_file(subject: Subject) -> Iterable[Finding]:
    """The agent's name is not the name of its file.

    Handoffs, outputs and people find an agent by its file, AI tools by its name: they must be the same.

    Fails::

        name = "critique"
        description = "Reviews code."

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    name, expected = subject.manifest.name, stem(subject.source.file)
    if name and subject.fits("name") and name != expected:
        yield Finding(("name",), f"the name `{name}` is not the file's, `{expected}`", "rename one of the two")


@rule("K108")
def name_twice(subject: Subject) -> Iterable[Finding]:
    """Two manifests of the kit have one name.

    An agent's name is unique in its kit, also across the folders of its manifests.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # agents/research/critic.toml
        name = "critic"
        description = "Reviews papers."

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        # agents/research/paper-critic.toml
        name = "paper-critic"
        description = "Reviews papers."
    """
    for other in subject.kit.namesakes.get(stem(subject.source.file), ()):
        if other != subject.source.file:
            yield Finding(("name",), f"`{other}` has the same name", "rename one of the two")


@rule("K109", may_ignore=True)
def repeated_entry(subject: Subject) -> Iterable[Finding]:
    """A tool or a target is listed twice.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Grep", "Read"]

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Grep"]
    """
    for key in ("tools", "targets"):
        yield from repeats(key, getattr(subject.manifest, key) or ())


@rule("K110")
def swallowed_key(subject: Subject) -> Iterable[Finding]:
    """A key of the manifest stands below a table's header, so that it belongs to that table.

    In TOML, a key belongs to the last header above it, whatever the blank lines or the indentation suggest. A
    key of the manifest itself must therefore stand above the first `[[handoff]]`, `[references]` or `[target.…]`.

    Fails::

        name = "critic"
        description = "Reviews code."

        [references]
        extra = ["docs/review.md"]

        model = "opus"

    Passes::

        name = "critic"
        description = "Reviews code."
        model = "opus"

        [references]
        extra = ["docs/review.md"]
    """
    for misfit in _unknown(subject):
        if _is_swallowed(subject, misfit):
            key, table = str(misfit.path[-1]), misfit.path[:-1]
            first = min((subject.source.locate(path) for path in _tables(subject)), key=lambda span: span[:2])
            message = f"`{key}` belongs to `{_header(table)}`, because it stands below that header"
            meant = _meant(misfit, subject.keys)
            hint = f"move it above line {first.line}, the manifest's first table header"
            if meant != key:
                hint = f"did you mean `{meant}`? If so, {hint}"
            yield Finding(misfit.path, message, hint, ((table, "this header takes every key below it"),))


@rule("K111", Severity.WARNING)
def unknown_tool(subject: Subject) -> Iterable[Finding]:
    """A tool that no AI tool brings along.

    AI tools drop a name that they do not know silently, and the agent lacks the tool. Tool names are Claude Code's;
    `Agent(name)`, `Bash(git:*)` and `mcp__server__tool` are known forms. A tool from elsewhere is made known by the
    setting `known-tools`.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = ["Raed"]

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Bash(git:*)", "mcp__tracker__search"]
    """
    known = KNOWN_TOOLS.union(subject.kit.settings.known_tools)
    for index, tool in enumerate(subject.manifest.tools or ()):
        if tool and tool not in known and not _is_known_form(tool, known):
            yield Finding(("tools", index), f"unknown tool `{tool}`", did_you_mean(tool, known, _UNKNOWN_TOOL_HELP))


KNOWN_TOOLS = frozenset(tool for target in TARGETS.values() for tool in target.tools)
_UNKNOWN_TOOL_HELP = "if it is right, add it to the setting `known-tools`"


@rule("K112")
def empty_manifest(subject: Subject) -> Iterable[Finding]:
    """The manifest holds no key at all.

    Fails::

        # agents/critic.toml

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    if not subject.data:
        yield Finding((), "the manifest is empty", "it must at least have a `name` and a `description`")


def repeats(key: str, entries: Iterable[str]) -> Iterator[Finding]:
    """Yield a finding for every entry of a list that stands in it before."""
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if entry and entry in seen:
            first = ((key, seen[entry]), "listed here first")
            yield Finding((key, index), f"`{entry}` is listed twice in `{key}`", "remove one of the two", (first,))
        seen.setdefault(entry, index)


def _of_kind(subject: Subject, kind: str) -> Iterator[Misfit]:
    return (misfit for misfit in subject.misfits if misfit.kind == kind)


def _described(subject: Subject, kind: str) -> Iterator[Finding]:
    return (Finding(misfit.path, describe(misfit)) for misfit in _of_kind(subject, kind))


def _unknown(subject: Subject) -> Iterator[Misfit]:
    return _of_kind(subject, "unknown")


def _is_swallowed(subject: Subject, misfit: Misfit) -> bool:
    return len(misfit.path) > 1 and _meant(misfit, subject.keys) is not None


def _meant(misfit: Misfit, known: tuple[str, ...]) -> str | None:
    """The key of the manifest that an unknown key was meant to be; its own table's keys are nearer to it."""
    word, own = str(misfit.path[-1]), [field.key for field in misfit.shape.fields]
    if len(misfit.path) > 1 and word not in known and nearest(word, own):
        return None
    return nearest(word, known)


def _is_elsewhere(subject: Subject, key: str) -> bool:
    """A required key that was misspelt or swallowed by a table is reported as that, once."""
    return any(_meant(misfit, subject.keys) == key for misfit in _unknown(subject))


def _is_misspelt(subject: Subject, missing: Misfit) -> bool:
    own = [field.key for field in missing.shape.fields]
    beside = (misfit for misfit in _unknown(subject) if misfit.path[:-1] == missing.path[:-1])
    return any(nearest(str(misfit.path[-1]), own) == missing.path[-1] for misfit in beside)


def _tables(subject: Subject) -> Iterator[KeyPath]:
    return ((key,) for key in _TABLES if key in subject.data)


def _header(table: KeyPath) -> str:
    name = ".".join(str(step) for step in table if isinstance(step, str))
    return f"[[{name}]]" if isinstance(table[-1], int) else f"[{name}]"


def _how_to_add(key: str) -> str:
    if key in _TABLES:
        return f"add {_TABLES[key]} at the end of the file"
    return f"write `{key} = …` above the first table header"


def _table_name(path: KeyPath) -> str:
    return _header(path[:-1])


def _is_known_form(tool: str, known: frozenset[str]) -> bool:
    scoped = _TOOL_WITH_SCOPE.fullmatch(tool)
    return tool == "*" or tool.startswith("mcp__") or (scoped is not None and scoped["tool"] in known)


RULES = (
    empty_manifest,
    unknown_key,
    swallowed_key,
    wrong_type,
    missing_key,
    blank_value,
    several_lines,
    wrong_value,
    name_differs_from_file,
    name_twice,
    repeated_entry,
    unknown_tool,
)
