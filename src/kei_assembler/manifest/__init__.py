"""The manifest: the table of its fields, and the typed values that everything else works with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from kei_assembler.source.shapes import (
    FILLED,
    LINE,
    STRINGS,
    TEXT,
    Field,
    Misfit,
    Shape,
    list_of,
    matching,
    one_of,
    reader,
    table,
)
from kei_assembler.targets import CODEX, DEFAULT_TARGET, TARGETS
from kei_assembler.text.frontmatter import Value

NAME = matching(
    "[a-z][a-z0-9-]*",
    "a lower-case letter, then lower-case letters, digits and `-`, at most 64 in all, and no device such as `nul`",
    64,
    names_file=True,
)

_HANDOFF = table(
    Field(
        "target",
        FILLED,
        "The agent that the work is passed on to.",
        required=True,
        default="",
        examples=("implementer",),
    ),
    Field("trigger", FILLED, "For which work.", required=True, default="", examples=("findings that are to be fixed",)),
)
_REFERENCES = table(
    Field(
        "extra",
        STRINGS,
        "Sources the agent should know: paths and addresses, or prose.",
        default=(),
        examples=(("docs/review.md",),),
    ),
)
_TARGET_TABLES = table(
    *(
        Field(name, table(*target.fields), f"Further front matter for {target.label}.")
        for name, target in TARGETS.items()
    )
)

FIELDS = (
    Field(
        "name", NAME, "The agent's name, equal to the file's name without `.toml`.", default="", examples=("critic",)
    ),
    Field(
        "description",
        FILLED,
        "What the agent is for; AI tools choose an agent by it.",
        default="",
        examples=("Reviews a diff before it is merged: correctness first, style last.",),
    ),
    Field(
        "tools",
        STRINGS,
        "The tools it may use, by Claude Code's names. Absent: the AI tool's default.",
        examples=(("Read", "Grep", "Glob"), ("Read", "Bash(git:*)", "mcp__tracker__search"), ("*",)),
    ),
    Field(
        "model",
        LINE,
        "The model it runs on, such as `opus` or `inherit`.",
        default="",
        examples=("inherit", "opus", "sonnet", "haiku"),
    ),
    Field(
        "role",
        TEXT,
        "Who the agent is and is not, in Markdown.",
        default="",
        examples=("You review code. You are no fixer (hand off to `implementer`).",),
    ),
    Field("blocks", STRINGS, "The names of the blocks it is made of, in their order.", default=()),
    Field("domain_in", STRINGS, "What its work is.", default=(), examples=(("Errors that tests do not catch",),)),
    Field(
        "forbidden_domain",
        STRINGS,
        "What it must not do.",
        default=(),
        examples=(("Findings without file and line",),),
    ),
    Field(
        "output_extra_fields",
        STRINGS,
        "Lines that its report has beyond the kit's own.",
        default=(),
        examples=(("Findings: path:line, what goes wrong, with which input",),),
    ),
    Field("handoff", list_of(_HANDOFF, "a list of tables"), "Work that it passes on, and to whom.", default=()),
    Field("references", _REFERENCES, "What it can look up.", default={"extra": ()}),
    Field(
        "targets",
        list_of(one_of(*TARGETS), "a list of target names", least=1),
        "The AI tools its file is written for, in place of the kit's.",
        examples=((DEFAULT_TARGET, CODEX.name),),
    ),
    Field("target", _TARGET_TABLES, "Further front matter, one table for each AI tool.", default={}),
)
"""The manifest's keys, in the order in which they are best written."""

HEAD_KEYS = ("name", "description", "tools", "model", "targets", "target")
"""The keys for the front matter and the choice of clients. The texts of all other keys go into the body."""

OPTIONS = {
    "description": "--description",
    "tools": "--tool",
    "model": "--model",
    "blocks": "--block",
    "handoff": "--handoff",
}
"""The keys for which the command that begins a manifest has options of their own."""

EXTRA_SHAPES = {"string": TEXT, "strings": STRINGS}
"""What a key that the kit declares in its settings may hold."""


class Handoff(NamedTuple):
    """For `trigger`, pass the work on to `target`."""

    target: str
    trigger: str


class References(NamedTuple):
    """What the agent can look up."""

    extra: tuple[str, ...]


class Manifest(NamedTuple):
    """One agent. Absent keys hold the empty value of their type; `tools` and `targets` are None when absent."""

    name: str
    description: str
    tools: tuple[str, ...] | None
    model: str
    role: str
    blocks: tuple[str, ...]
    domain_in: tuple[str, ...]
    forbidden_domain: tuple[str, ...]
    output_extra_fields: tuple[str, ...]
    handoff: tuple[Handoff, ...]
    references: References
    targets: tuple[str, ...] | None
    target: Mapping[str, Mapping[str, Value]]
    extra: Mapping[str, str | tuple[str, ...]]


def manifest_shape(extra_keys: Mapping[str, str]) -> Shape:
    """Return what a manifest of a kit with these extra keys (key to `string` or `strings`) must be."""
    return table(*FIELDS, *extra_fields(extra_keys))


def extra_fields(extra_keys: Mapping[str, str]) -> Iterable[Field]:
    """Yield the fields that a kit adds by its setting `extra-keys`."""
    for key, kind in extra_keys.items():
        shape = EXTRA_SHAPES[kind]
        yield Field(key, shape, "A key of this kit's own.", default="" if shape is TEXT else ())


def settable(extra_keys: Mapping[str, str]) -> Mapping[str, Field]:
    """Return the fields of text or of a list, by key, for which nothing else is given when a manifest is begun."""
    fields = (*FIELDS, *extra_fields(extra_keys))
    return {field.key: field for field in fields if not field.is_table and field.key not in ("name", *OPTIONS)}


def with_defaults(data: Mapping[str, Any], defaults: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a manifest's data with the kit's defaults for what it does not say; the targets' tables key by key."""
    if not defaults:
        return data
    tables = {name: _not_said(data, table, name) for name, table in defaults.get("target", {}).items()}
    return {**defaults, **data, **_with_tables(data.get("target", {}), tables)}


def _not_said(data: Mapping[str, Any], table: Mapping[str, Any], target: str) -> Mapping[str, Any]:
    """A target's defaults but for those of which the manifest itself speaks, for all targets."""
    said = {"model": "model", TARGETS[target].tools.key: "tools"}
    return {key: value for key, value in table.items() if key not in said or said[key] not in data}


def _with_tables(own: Any, defaults: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    if not (defaults and isinstance(own, Mapping)):
        return {}
    tables = {name: own.get(name, {}) for name in {**defaults, **own}}
    merged = {
        name: {**defaults.get(name, {}), **table} if isinstance(table, Mapping) else table
        for name, table in tables.items()
    }
    return {"target": merged}


def manifest_reader(shape: Shape) -> Callable[[Mapping[str, Any]], tuple[Manifest, list[Misfit]]]:
    """Return a function that gives the manifest that parsed TOML holds, and in how far that does not fit `shape`.

    `shape` is a `manifest_shape`. Whatever does not fit is replaced by an empty value (see `shapes.reader`), so the
    manifest can be checked further, but is worth rendering only when there are no misfits.
    """
    read = reader(shape)

    def read_manifest(data: Mapping[str, Any]) -> tuple[Manifest, list[Misfit]]:
        found: list[Misfit] = []
        values = {**_NOTHING, **read(data, (), found)}
        values["handoff"] = tuple([Handoff(**entry) for entry in values["handoff"]])
        values["references"] = References(**values["references"])
        known = {key: values.pop(key) for key in _NOTHING}
        return Manifest(**known, extra=values), found

    return read_manifest


_NOTHING = {field.key: field.default for field in FIELDS}
