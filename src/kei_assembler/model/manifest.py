"""Manifests: their fields, and their decoded values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kei_assembler.markdown.front_matter import Value
from kei_assembler.model.kinds import AGENT, KINDS, Kind
from kei_assembler.records import NamedTuple
from kei_assembler.targets import CODEX, DEFAULT_TARGET, TARGETS
from kei_assembler.targets.groups import GROUPS
from kei_assembler.validation import (
    BOOLEAN,
    FILLED,
    INTEGER,
    LINE,
    MAX_ITEMS,
    STRINGS,
    TABLE_OF_ANYTHING,
    TEXT,
    Field,
    Shape,
    ValidationError,
    any_of,
    fits,
    list_of,
    matching,
    one_of,
    reader,
    table,
    table_of,
)
from kei_assembler.whitespace import BREAKS

MAX_VALUE = 10_000
"""The maximum length of a value, in characters."""

NAME = matching(
    r"[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_-]+)*",
    "a lower-case letter or digit, then lower-case letters, digits, `-`, `_` and `.`, at most 64 in all, without `..`, "
    "without `.` at the end, and not the name of a device, such as `nul`",
    64,
    names_file=True,
)


DISPLAY_NAME = Shape(
    str,
    "a text of one line, without spaces around it, with at most 256 characters",
    one_line=True,
    pattern=rf"[^ \t{BREAKS}](?:[^{BREAKS}]*[^ \t{BREAKS}])?",
    maximum=256,
)


def slug(text: str) -> str:
    """Return a valid agent name that is as close to the text as possible. It is empty if no character can stay."""
    import unicodedata  # only new and imported agents need it

    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    # a dot or `_` stays between letters and digits, as in `4.8`
    name = re.sub("(?<![a-z0-9])[._]|[._](?![a-z0-9])|[^a-z0-9._]", "-", plain)
    name = re.sub("-+", "-", name).strip("-")[:64].strip("-._")
    return name if fits(NAME, name) or not name else f"{name.replace('.', '-')[:58]}-agent"


_ROLE_FILE = matching(
    r"(?![/~])[^\\:\0-\x1f\x7f]+",
    "a path relative to the kit, written with `/`, without `:`, and without the name of a device, such as `nul`",
    names_file=True,
)
ROLE_TABLE = table(Field("file", _ROLE_FILE, "A file with the text, relative to the kit.", required=True))
FOLDER = matching(
    r"(?![/~.])(?!(?:[^\n]*/)?\.\.?(?:/|\Z))[^\\:\0-\x1f\x7f]+",
    "a folder below the kit's root, written with `/`, without `..`, without `.` at the start, and without the name of "
    "a device, such as `nul`",
    names_file=True,
)
_PATH = matching(
    r"(?![/~!])(?!(?:[^\n]*/)?\.\.(?:/|\Z))[^\\\0-\x1f\x7f,\"]+",
    "a pattern for paths below the root, such as `src/**/*.py`, written with `/`, without `..`, commas and quotes",
)
_HANDOFF = table(
    Field("target", FILLED, "The agent that takes over.", required=True, default="", examples=("implementer",)),
    Field("trigger", FILLED, "The work to hand off.", required=True, default="", examples=("findings to be fixed",)),
)
_REFERENCES = table(
    Field("extra", STRINGS, "Paths and addresses of sources, or prose.", default=(), examples=(("docs/review.md",),)),
)
_VALUE_LINE = Shape(str, "a string of one line", one_line=True, maximum=MAX_VALUE)
VALUE = any_of(
    Shape(str, "a string", maximum=MAX_VALUE),
    Shape(int, "a whole number"),
    Shape(list, "a list of strings", item=_VALUE_LINE, maximum=MAX_ITEMS),
)._replace(expects="a string, a whole number or a list of strings")
"""The shape of a value that fills placeholders."""

VALUES = table_of(VALUE, "a table of values", maximum=1000)
_VALUES = Field(
    "values",
    VALUES,
    "Texts that fill `{{NAME}}` in the other texts, by name.",
    default={},
    examples=({"PROJECT": "Apollo"},),
)


def target_tables(*more: Field) -> Shape:
    """Return the shape of the front matter that is only for some targets, with more fields in each table."""
    rows = TARGETS.items()
    fields = (Field(name, table(*row.fields, *more), f"Further front matter for {row.label}.") for name, row in rows)
    return table(*fields)


_EXAMPLES: Mapping[str, tuple[Any, ...]] = {
    "name": ("critic",),
    "display-name": ("Code Reviewer",),
    "description": ("Reviews a diff before it is merged: correctness first, style last.",),
    "extends": ("base-reviewer",),
    "unset": (("model",),),
    "tools": (("Read", "Grep", "Glob"), ("Read", "Bash(git:*)", "mcp__tracker__search"), ("*",)),
    "model": ("inherit", "opus", "sonnet", "haiku"),
    "role": ("You review code. You do not fix it (hand off to `implementer`).",),
    "domain_in": (("Errors that tests do not catch",),),
    "forbidden_domain": (("Findings without file and line",),),
    "output_extra_fields": (("Findings: path:line, what goes wrong, with which input",),),
    "targets": ((DEFAULT_TARGET, CODEX.name), tuple(GROUPS)[:1]),
    "kind": tuple(KINDS),
    "folder": ("packages/api",),
    "paths": (("src/**/*.py",),),
}
_TARGETS = list_of(one_of(*TARGETS, *GROUPS), "a list of target names", minimum=1)
_ROWS = (
    Field("name", NAME, "The name: the file's name without `.toml`.", default=""),
    Field("kind", one_of(*KINDS), "What is generated, if it is not what the name of the folder says."),
    Field(
        "display-name",
        DISPLAY_NAME,
        "What a client calls the agent if it accepts this name.",
        default="",
    ),
    Field(
        "description", FILLED, "What the agent or skill is for. AI clients choose it by its description.", default=""
    ),
    Field("extends", FILLED, "The name of the manifest that this one inherits from."),
    Field("abstract", BOOLEAN, "Whether the manifest is only a base of others, without an agent of its own."),
    Field("unset", STRINGS, "Inherited keys to leave out, such as `model`."),
    Field(
        "tools", STRINGS, "The tools that the agent can use, by Claude Code's names; without it, the client decides."
    ),
    Field("model", LINE, "The model that the agent runs on, such as `opus` or `inherit`.", default=""),
    Field("role", any_of(TEXT, ROLE_TABLE), "Who the agent is and is not, in Markdown, or a file with it.", default=""),
    Field(
        "blocks", STRINGS, "The names of the blocks in the body, in this order; `NAME#SLUG` is one section.", default=()
    ),
    Field("domain_in", STRINGS, "What the agent does.", default=()),
    Field("forbidden_domain", STRINGS, "What the agent must not do.", default=()),
    Field("output_extra_fields", STRINGS, "Lines of the agent's report in addition to the kit's.", default=()),
    Field("handoff", list_of(_HANDOFF, "a list of tables"), "Work that the agent hands off.", default=()),
    Field("references", _REFERENCES, "What the agent can look up.", default={"extra": ()}),
    Field("targets", _TARGETS, "The AI clients to generate files for, instead of the kit's: names or groups."),
    Field("also-skill", BOOLEAN, "Whether to write the agent as a skill, too, for clients without agents."),
    Field("folder", FOLDER, "The folder that the instructions are for, instead of the root.", default=""),
    Field(
        "paths",
        list_of(_PATH, "a list of patterns", minimum=1),
        "The files that the instructions are for.",
        default=(),
    ),
    _VALUES,
    Field(
        "target",
        target_tables(_VALUES._replace(default=None)),
        "Further front matter, one table for each AI client.",
        default={},
    ),
)

FIELDS = tuple(row._replace(examples=_EXAMPLES.get(row.key, ())) for row in _ROWS)
"""The fields of a manifest, in the recommended order."""

_VALUES_OF_TARGETS = table(
    *(Field(name, table(_VALUES._replace(default=None)), f"Values for {row.label}.") for name, row in TARGETS.items())
)

INHERITANCE_KEYS = ("extends", "abstract", "unset")
"""The keys that say what a manifest inherits. They are not values of the agent."""

HEAD_KEYS = (
    *("name", "kind", "display-name", "description", *INHERITANCE_KEYS, "tools", "model", "targets", "folder", "paths"),
    "also-skill",
    "target",
)
"""The keys for the front matter and the targets. The texts of all other keys go into the body."""

OPTIONS = {
    "description": "--description",
    "extends": "--extends",
    "tools": "--tool",
    "model": "--model",
    "blocks": "--block",
    "handoff": "--handoff",
}
"""The keys that the command for a new manifest has an option for, with that option."""

EXTRA_SHAPES = {
    "string": TEXT,
    "strings": STRINGS,
    "integer": INTEGER,
    "boolean": BOOLEAN,
    "table": TABLE_OF_ANYTHING,
}
"""The shapes that the setting `extra-keys` can give to a key, by their names there."""

_ABSENT: Mapping[str, Any] = {"string": "", "strings": (), "table": {}}
"""The values of absent extra keys, by the names of their shapes; the others have none."""


class Handoff(NamedTuple):
    """The agent `target` takes over the work that `trigger` describes."""

    target: str
    trigger: str


class References(NamedTuple):
    """What the agent can look up."""

    extra: tuple[str, ...]


class Manifest(NamedTuple):
    """One agent, or whatever else the manifest describes; `kind` says what.

    An absent key has the empty value of its type, but absent `tools` and `targets` are None. So are absent integers and
    booleans of `extra`, which has the kit's extra keys. `role` is the text, also if the manifest names its file.
    """

    name: str
    display_name: str
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
    kind: str
    folder: str
    paths: tuple[str, ...]
    also_skill: bool | None
    values: Mapping[str, Any]
    target: Mapping[str, Mapping[str, Value]]
    extra: Mapping[str, Any]


def kind_fields(kind: Kind) -> tuple[Field, ...]:
    """Return the fields of the manifests of a kind."""
    if kind is AGENT:
        return tuple(field for field in FIELDS if field.key not in _ONLY_OF_OTHERS)
    return tuple(field._replace(**_OF_OTHERS.get(field.key, {})) for field in FIELDS if field.key in kind.keys)


_OF_OTHERS: Mapping[str, Mapping[str, Any]] = {
    "target": {"shape": _VALUES_OF_TARGETS},
    "role": {"doc": "The text before that of the blocks, in Markdown, or a file with it."},
}
"""What is different about the fields of manifests that are not of agents."""

_ONLY_OF_OTHERS = ("folder", "paths")
"""The keys that agents do not have."""


def manifest_shape(extra_keys: Mapping[str, str], kind: Kind = AGENT) -> Shape:
    """Return the shape of a kit's manifests of a kind.

    `extra_keys` are those of the kit, which only agents have. They map a key to a name in `EXTRA_SHAPES`.
    """
    return table(*kind_fields(kind), *(extra_fields(extra_keys) if kind is AGENT else ()))


def extra_fields(extra_keys: Mapping[str, str]) -> Iterable[Field]:
    """Yield the fields that a kit adds with its setting `extra-keys`."""
    for key, kind in extra_keys.items():
        yield Field(key, EXTRA_SHAPES[kind], "An extra key of this kit.", default=_ABSENT.get(kind))


def settable_fields(extra_keys: Mapping[str, str], kind: Kind = AGENT) -> Mapping[str, Field]:
    """Return the fields, by key, that the option `--set` of the command for a new manifest of a kind can set."""
    return {
        field.key: field
        for field in manifest_shape(extra_keys, kind).fields
        if not field.is_table and field.key not in ("name", "kind", "abstract", "unset", *OPTIONS)
    }


def is_abstract(data: Mapping[str, Any]) -> bool:
    """Return whether a manifest with this data is only a base of others. It may be so if the value has another type."""
    return data.get("abstract", False) is not False


def manifest_reader(
    shape: Shape, kind: Kind = AGENT
) -> Callable[[Mapping[str, Any]], tuple[Manifest, list[ValidationError]]]:
    """Return a function that decodes parsed TOML into a manifest of a kind and the errors that validation found.

    `shape` comes from `manifest_shape`. Default values replace what does not fit (see `validation.reader`), so that
    rules can check the rest. Only a manifest without errors should be rendered.
    """
    read, empty = reader(shape), {field.key: field.default for field in (*FIELDS, *shape.fields)}
    extra_keys = tuple(key for key in empty if key not in _FIELD_KEYS)

    def decode(data: Mapping[str, Any]) -> tuple[Manifest, list[ValidationError]]:
        validation_errors: list[ValidationError] = []
        values = {**empty, **read(data, (), validation_errors), "kind": kind.name}
        values["handoff"] = tuple([Handoff(entry["target"], entry["trigger"]) for entry in values["handoff"]])
        values["references"] = References(**values["references"])
        # the text replaces the name of its file before a manifest is decoded, unless the file cannot be used
        values["role"] = values["role"] if isinstance(values["role"], str) else ""
        extra = {key: values[key] for key in extra_keys}
        return Manifest._make([*[values[key] for key in _KEYS], extra]), validation_errors

    return decode


_FIELD_KEYS = frozenset(field.key for field in FIELDS)
_KEYS = sorted(_FIELD_KEYS.difference(INHERITANCE_KEYS), key=lambda key: Manifest._fields.index(key.replace("-", "_")))
"""The keys in TOML of the fields of `Manifest`, in their order, without `extra`."""
