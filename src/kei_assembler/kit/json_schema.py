"""JSON Schemas of a kit's manifests and of the settings, which editors use to complete and check.

The schemas are built from the fields that `validation` checks, and from the kit. They use only keywords that
language servers for TOML support, and patterns that mean the same in every regular expression dialect.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

from kei_assembler.kit import LoadedKit
from kei_assembler.kit.schema_state import MADE_BY, Schema, digest
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.markdown.placeholders import NAME as VALUE_NAME
from kei_assembler.model.inheritance import BUNDLE, DROPPED, INHERITED, OWN_KEYS
from kei_assembler.model.kinds import AGENT, INSTRUCTIONS, SKILL, Kind
from kei_assembler.model.manifest import FIELDS, NAME, VALUE, extra_fields, kind_fields
from kei_assembler.model.settings import BLOCK_ENTRY, BLOCK_SECTION, SETTINGS, UNIQUE_LISTS
from kei_assembler.suggestions import listed
from kei_assembler.targets import CLAUDE_TOOLS, TARGETS
from kei_assembler.validation import FILLED, Field, Shape, any_of, fits, list_of, matching, one_of, parts, table
from kei_assembler.value_types import TYPES, applying
from kei_assembler.whitespace import HAS_TEXT

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ONCE = {"tools": "K109", "targets": "K109", "target": "K109", "blocks": "B202"}
"""The keys whose lists must not repeat an item, with the code of the rule that reports a repetition."""

_MAX_SECTIONS_SIZE = 100_000
"""The maximum number of characters of all sections in a schema. With more, it only says what a section looks like."""

_DEPTHS = {"target": 2}
"""How deep in tables these lists are."""


def manifest_schema(kit: LoadedKit | None, with_sections: bool = True, kind: Kind = AGENT) -> Schema:
    """Return the schema of this kit's manifests of a kind, or without a kit, of those of any kit.

    `with_sections` offers the sections of blocks, for which all blocks are read.
    """
    schema = _of_fields(_fields_of(kit, with_sections, kind))
    properties = schema["properties"]
    for key, code in _ONCE.items():
        if key in properties and (kit is None or code not in kit.settings.ignore):
            _forbid_repetition(properties[key], _DEPTHS.get(key, 0))
    if "handoff" in properties:
        _allow_dropping(properties["handoff"]["items"]["properties"]["trigger"])
    usual = ("name", "description") if kind is AGENT else kind.required
    required = [key for key in (kit.required(kind) if kit else usual) if key in properties]
    filled = {key: content for key in required if (content := _content(properties[key]))}
    for key in required:
        if not properties[key].get("default", True):
            del properties[key]["default"]
    defaults = kit.defaults_of(kind) if kit else {}
    schema |= _requirements([key for key in required if not defaults.get(key)], filled)
    named = {name: inheritable(shape._replace(name="")) for name, shape in _named().items()} if kind is AGENT else {}
    option = "" if kind is AGENT else f" --kind {kind.name}"
    return _document(_TITLES[kind.name], f"assemble schema{option}", schema, named)


_TITLES = {
    AGENT.name: "Manifest of an agent",
    INSTRUCTIONS.name: "Manifest of instructions",
    SKILL.name: "Manifest of a skill",
}


def _requirements(required: Iterable[str], filled: Schema) -> Schema:
    """The keys that a manifest must have: some less if it has a base, and only its name if it is abstract.

    `filled` has the schemas of those that must not be empty.
    """
    of_agent = [key for key in required if key != "name"]
    of_heir = [key for key in of_agent if key in OWN_KEYS]
    if not (of_agent or filled):
        return {"required": ["name"]}
    true = {"type": "boolean", "enum": [True], "description": "The manifest is only a base of others."}
    is_base = _with_required(["abstract"]) | {"properties": {"abstract": true}}
    needed = _with_required(of_agent)
    if of_heir != of_agent:
        needed = {**_OPEN, "if": _with_required(["extends"]), "then": _with_required(of_heir), "else": needed}
    return {"required": ["name"], "if": is_base, "else": needed | {"properties": filled}}


def _with_required(keys: list[str]) -> Schema:
    return {**_OPEN, "required": keys} if keys else _OPEN


_OPEN: Schema = {"additionalProperties": True}
"""Without it, an editor warns about all keys that a part of the schema does not name."""


def _allow_dropping(trigger: Schema) -> None:
    """Let `false` replace the trigger of a handoff, which drops an inherited one."""
    texts = {key: trigger.pop(key) for key in ("type", "pattern")}
    trigger["anyOf"] = [texts, {"type": "boolean", "enum": [False]}]
    trigger["description"] += " `false` drops the inherited handoff to this agent."


def settings_schema() -> Schema:
    """Return the schema of the settings in `assemble.toml` and `[tool.assemble]`."""
    schema = _of_fields(SETTINGS)
    for key in UNIQUE_LISTS:
        _forbid_repetition(schema["properties"][key], 0)
    return _document("Settings of a kit", "assemble schema --settings", schema, _named())


def as_text(schema: Schema) -> str:
    """Return a schema as the text of a schema file. What a report would escape is written as JSON escapes."""
    text = json.dumps(schema, indent=2, ensure_ascii=False).replace("##", "\\u0023\\u0023")
    return "\n".join(map(_escaped, text.split("\n"))) + "\n"


def _escaped(line: str) -> str:
    if shown(line) == line:
        return line
    return "".join(each if shown(each) == each else json.dumps(each)[1:-1] for each in line)


def _document(title: str, command: str, schema: Schema, named: Mapping[str, Shape]) -> Schema:
    definitions = {name: _in_full(shape) for name, shape in named.items()}
    document = {"$schema": DIALECT, "$comment": "", "title": title, **schema, "$defs": definitions}
    comment = f"{MADE_BY}. To renew it: {command} > FILE. Without its comment it is yours to edit. {digest(document)}"
    return {**document, "$comment": comment}


@cache
def _named() -> Mapping[str, Shape]:
    """The shapes with a name in the rows of the targets."""
    found: dict[str, Shape] = {}
    waiting = [field.shape for row in TARGETS.values() for field in row.fields]
    for shape in waiting:  # it grows meanwhile
        if shape.name not in found:
            found |= {shape.name: shape} if shape.name else {}
            waiting += parts(shape)
    return found


def _fields_of(kit: LoadedKit | None, with_sections: bool, kind: Kind) -> Iterator[Field]:
    """The fields of a manifest of a kind, with this kit's choices and defaults."""
    choices = _CHOICES | {
        "blocks": partial(_blocks, with_sections=with_sections, kind=kind),
        "extends": partial(_extends, kind=kind),
        "kind": partial(_kind, kind=kind),
    }
    for field in kind_fields(kind):
        chosen = choices[field.key](field, kit) if field.key in choices else field
        if kit and field.key in (defaults := kit.defaults_of(kind)):
            chosen = chosen._replace(default=defaults[field.key])
        yield chosen if field.key in _NOT_EXTENDED else _inheritable_field(chosen)
    yield from extra_fields(kit.settings.extra_keys) if kit and kind is AGENT else ()


def inheritable(shape: Shape) -> Shape:
    """Return the shape of a value that can be merged with an inherited one.

    In its lists, `"..."` stands for the inherited entries, and an entry such as `"!Bash"` drops one of them. That an
    entry drops something is only allowed in a list with `"..."`, which a JSON Schema does not say. A shape with a name
    is returned as it is, since the schema only refers to it.
    """
    if shape.name or not parts(shape):
        return shape
    item = shape.item and inheritable(shape.item)
    if shape.type is list and item and not _accepts_marker(item):
        if item.choices:
            item = one_of(*item.choices, INHERITED, *(f"{DROPPED}{choice}" for choice in item.choices))
        else:
            is_text = all(each.type is str for each in item.any_of or (item,))
            item = any_of(item, _MARKER if is_text else one_of(INHERITED))
    fields = tuple(map(_inheritable_field, shape.fields))
    return shape._replace(item=item, fields=fields, any_of=tuple(map(inheritable, shape.any_of)))


def _inheritable_field(field: Field) -> Field:
    shape = inheritable(field.shape)
    return field if shape is field.shape else field._replace(shape=shape)


def _accepts_marker(shape: Shape) -> bool:
    """Return whether `"..."` has this shape. This is faster than a reader of the shape."""
    if shape.any_of:
        return any(map(_accepts_marker, shape.any_of))
    return shape.type in (str, object) and all(meets(INHERITED) for meets, _ in applying(shape))


_MARKER = matching(rf"\.\.\.|{DROPPED}[^\n]+", f"`{INHERITED}`, or `{DROPPED}` and an entry to drop")
_NOT_EXTENDED = ("unset", "handoff")
"""The keys of lists in which no entry stands for the inherited ones."""


def _extends(field: Field, kit: LoadedKit | None, kind: Kind) -> Field:
    names = sorted(name for name in kit.manifest_files.named(kind) if fits(NAME, name)) if kit else ()
    return field._replace(shape=one_of(*names), examples=()) if names else field


def _unset(field: Field, _: LoadedKit | None) -> Field:
    keys = one_of(*(each.key for each in FIELDS if each.key not in OWN_KEYS))
    return field._replace(shape=list_of(any_of(keys, FILLED), field.shape.expects))


def _kind(field: Field, _: LoadedKit | None, kind: Kind) -> Field:
    return field._replace(shape=one_of(kind.name), examples=())


def _tools(field: Field, kit: LoadedKit | None) -> Field:
    known = one_of(*_TOOLS, INHERITED, *(kit.settings.known_tools if kit else ()))
    return field._replace(shape=list_of(any_of(known, FILLED), field.shape.expects))


def _blocks(field: Field, kit: LoadedKit | None, with_sections: bool, kind: Kind) -> Field:
    names = kit.block_names if kit else ()
    obligatory = kit.settings.of_kind(kind).obligatory if kit else ()
    item = _entry(kit, names, with_sections) if kit and names else BLOCK_ENTRY
    doc = f"{field.doc} First come, in this order, {listed(obligatory)}." if obligatory else field.doc
    examples = (obligatory,) if obligatory else ()
    return field._replace(shape=list_of(item, field.shape.expects), doc=doc, examples=examples)


def _entry(kit: LoadedKit, names: Sequence[str], with_sections: bool) -> Shape:
    """The shape of an entry in a list of blocks: a block, one of its sections, or a bundle."""
    bundles = [f"{BUNDLE}{name}" for name in kit.settings.bundles]
    sections: list[str] = []
    size = 0
    for name in names if with_sections else ():
        sections += (found := kit.blocks.section_entries(name))
        size += sum(map(len, found))
        if size > _MAX_SECTIONS_SIZE:
            return any_of(one_of(*names, *bundles), BLOCK_SECTION)
    return one_of(*names, *bundles, *sections)


def _handoffs(field: Field, kit: LoadedKit | None) -> Field:
    agents = sorted(kit.receivers) if kit else ()
    handoff = field.shape.item
    if not (agents and handoff):
        return field
    fields = (
        each._replace(shape=one_of(*agents), examples=()) if each.key == "target" else each for each in handoff.fields
    )
    return field._replace(shape=list_of(table(*fields), field.shape.expects))


def _values(field: Field, kit: LoadedKit | None) -> Field:
    """The values, with what the settings say about those that they set or declare."""
    rows = kit.settings.values.items() if kit else ()
    declared = {name: row if isinstance(row, Mapping) else {} for name, row in rows if VALUE_NAME.fullmatch(name)}
    fields = tuple(
        Field(name, VALUE, row.get("doc", "A value of this kit."), examples=tuple(row.get("one-of", ())))
        for name, row in declared.items()
    )
    return field._replace(shape=field.shape._replace(fields=fields)) if fields else field


_TOOLS = ("*", *CLAUDE_TOOLS)
_CHOICES = {
    "unset": _unset,
    "tools": _tools,
    "handoff": _handoffs,
    "values": _values,
}


def _of_fields(fields: Iterable[Field]) -> Schema:
    fields = list(fields)
    properties = {field.key: _of_field(field) for field in fields}
    required = [field.key for field in fields if field.required]
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def _of_field(field: Field) -> Schema:
    default = _plain(field.default)
    schema = of_shape(field.shape) | {"description": _description(field)}
    schema |= {"default": default} if field.default is not None and fits(field.shape, default) else {}
    return schema | ({"examples": _plain(field.examples)} if field.examples else {})


def _description(field: Field) -> str:
    shape, subject = field.shape, "It"
    if shape.item and not shape.fields:
        shape, subject = shape.item, "Each"
    return f"{field.doc} {subject} must be {shape.expects}." if shape.pattern else field.doc


def _plain(value: Any) -> Any:
    """A value in the form in which it is read from TOML."""
    if isinstance(value, list | tuple):
        return list(map(_plain, value))
    return {key: _plain(inner) for key, inner in value.items()} if isinstance(value, Mapping) else value


def of_shape(shape: Shape) -> Schema:
    """Return the JSON Schema for a shape, without the constraints that JSON Schema can't express.

    If the shape or a part of it has a name, the schema refers to `$defs`.
    """
    return {"$ref": f"#/$defs/{shape.name}"} if shape.name else _in_full(shape)


def _in_full(shape: Shape) -> Schema:
    if shape.any_of:
        return {"anyOf": list(map(of_shape, shape.any_of))}
    schema: Schema = {"type": TYPES[shape.type].keyword}
    if shape.fields:
        schema |= _of_fields(shape.fields)
    if shape.type is dict and shape.item:
        schema["additionalProperties"] = of_shape(shape.item)
    if shape.type is list:
        schema["items"] = of_shape(shape.item) if shape.item else True
    if pairs := [[first, other] for first, others in shape.conflicts for other in others]:
        schema["not"] = {"anyOf": [{"required": pair} for pair in pairs]}
    for _, constraint in applying(shape):
        schema |= constraint.keywords(getattr(shape, constraint.attribute))
    if shape.choices:
        del schema["pattern"]  # none of the words is blank
    return schema


def _forbid_repetition(schema: Schema, depth: int) -> None:
    """Forbid repeated items in lists of strings, also in those of tables that are nested at most as deep."""
    for choice in (schema, *schema.get("anyOf", ())):
        if choice.get("type") == "array":
            items = choice["items"]
            if all(item.get("type") == "string" for item in items.get("anyOf", [items])):
                choice["uniqueItems"] = True
    for inner in schema.get("properties", {}).values() if depth else ():
        _forbid_repetition(inner, depth - 1)


def _content(schema: Schema) -> Schema:
    """The schema that forbids an empty value for a required key, or none if the key's own schema does."""
    description = {"description": "The kit requires this key."}
    if "anyOf" in schema:
        return {"anyOf": [_not_empty(choice) for choice in schema["anyOf"]], **description}
    is_strict = all(map(schema.get, _NOT_EMPTY.get(str(schema.get("type")), {})))
    return {} if is_strict else _not_empty(schema) | description


def _not_empty(schema: Schema) -> Schema:
    kind = schema.get("type")
    return {"type": kind, **_NOT_EMPTY.get(str(kind), {})} if kind else schema


_NOT_EMPTY: dict[str, Schema] = {
    "string": {"pattern": HAS_TEXT},
    "array": {"minItems": 1},
    "object": {"minProperties": 1},
}
