"""A new manifest: what was given in its place, what the kit asks for besides marked, the rest as comments."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import fill
from typing import Any

from kei_assembler.diagnostics import AssembleError, Diagnostic, Severity
from kei_assembler.kit import Kit, stem
from kei_assembler.loader import load_kit
from kei_assembler.manifest import FIELDS, NAME, extra_fields
from kei_assembler.plan import disk
from kei_assembler.plan.changes import FileStatus
from kei_assembler.plan.renewing import MANIFEST_SCHEMA, renewal
from kei_assembler.rules import check_manifest
from kei_assembler.rules.sources import check_source
from kei_assembler.source import read_toml
from kei_assembler.source.handwriting import entry
from kei_assembler.source.shapes import Field, Shape, fits
from kei_assembler.suggestions import listed
from kei_assembler.targets import TARGETS

MARK = re.compile(r"\{\{DESCRIBE_[A-Z0-9_]+\}\}")
"""What stands in the places that somebody has to fill in."""

_WIDTH = 110
_NAMES_MOST = 30
_NAMED_OTHERWISE = {"description": "PURPOSE", "extra": "SOURCE"}
_KEY_OF_ALL = "model"
"""A key that every AI tool's table has, and that takes a text."""
_TRAP = """\
# In TOML a key belongs to the last header above it: further keys of the agent go above this line, tables below it.
"""


def fields_of(kit: Kit) -> list[Field]:
    """Return the fields that a new manifest of this kit shows, tables last."""
    left_out = {"target"} - _required(kit)
    fields = [field for field in (*FIELDS, *extra_fields(kit.settings.extra_keys)) if field.key not in left_out]
    return sorted(fields, key=lambda field: field.is_table)


def _required(kit: Kit) -> frozenset[str]:
    return frozenset(key for key in kit.settings.required if not kit.defaults.get(key))


def render(kit: Kit, name: str, given: Mapping[str, Any], has_schema: bool) -> str:
    """Return the manifest of a new agent of this kit, with these values of its keys."""
    values = {**_asked(kit, name, given), **given, "name": name}
    if blocks := (*kit.settings.obligatory, *given.get("blocks", ())):
        values["blocks"] = list(dict.fromkeys(blocks))
    keys = [_entry(kit, field, values) for field in fields_of(kit) if not field.is_table]
    tables = [_entry(kit, field, values) for field in fields_of(kit) if field.is_table]
    return "\n".join([_head(kit, name, has_schema), *keys, _TRAP, *tables])


def check(kit: Kit, name: str, text: str) -> list[Diagnostic]:
    """Return what the rules find in a new manifest, but for what stands in marked places."""
    source = read_toml(kit.manifest_file(name), text.encode(errors="surrogateescape"))
    found = check_source(source) or check_manifest(kit, source)[1]
    return sorted(each for each in found if not MARK.search(each.place.excerpt or ""))


def _asked(kit: Kit, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What must stand in a manifest of this kit, and nobody gave; and who the agent is."""
    required = _required(kit)
    asked = {field.key: _marked(field.key, field.shape) for field in fields_of(kit) if field.key in required}
    passes_on = "handoff" in given or "handoff" in asked
    starts = {
        "tools": ["Read", "Grep", "Glob", *(["Agent"] if passes_on else [])],
        "model": "inherit",
        "targets": kit.settings.targets,
        "target": {kit.settings.targets[0]: {_KEY_OF_ALL: _mark(_KEY_OF_ALL)}},
    }
    who = f"You are the agent `{name}`." if "description" in given else _mark("role")
    return {"role": who, **asked, **{key: value for key, value in starts.items() if key in asked}}


def _marked(key: str, shape: Shape) -> Any:
    if shape.item:
        return [_marked(key, shape.item)]
    if shape.fields:
        return {field.key: _marked(field.key, field.shape) for field in shape.fields}
    return _mark(key)


def _mark(key: str) -> str:
    return f"{{{{DESCRIBE_{_NAMED_OTHERWISE.get(key, key.upper())}}}}}"


def _head(kit: Kit, name: str, has_schema: bool) -> str:
    file = kit.manifest_file(name)
    schema_path = os.path.relpath(MANIFEST_SCHEMA, os.path.dirname(file) or ".").replace(os.sep, "/")
    line = f"#:schema {schema_path}\n" if has_schema else ""
    return line + _comment(f"The source of the agent `{name}`: edit this file, then run: assemble {file}")


def _entry(kit: Kit, field: Field, values: Mapping[str, Any]) -> str:
    """One key with what there is to know about it; commented out where it has no value."""
    told = "".join(map(_comment, (field.doc, *_hints(kit, field, values))))
    if field.key in values:
        return told + _written(field, values[field.key])
    sample = _written(field, _sample(kit, field.key, field.shape, field.examples))
    return told + "".join(f"# {line}\n" for line in sample.splitlines())


def _comment(text: str) -> str:
    return fill(text, _WIDTH, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False) + "\n"


def _hints(kit: Kit, field: Field, values: Mapping[str, Any]) -> Iterable[str]:
    if field.key == "blocks":
        obligatory = kit.settings.obligatory
        yield from [f"The kit asks for {listed(obligatory)} first, in this order."] if obligatory else ()
        yield from _choice("Further blocks", [name for name in kit.block_names if name not in values.get("blocks", ())])
    if field.key == "handoff":
        agents = kit.agents.union(kit.settings.external_agents) - {values["name"]}
        yield from _choice("Agents", sorted(agents))
    if field.key == "target":
        name = kit.settings.targets[0]
        yield from _choice(f"Keys of `{name}`", [key.key for key in TARGETS[name].fields])


def _choice(what: str, names: Sequence[str]) -> Iterable[str]:
    if names:
        more = ", …" if len(names) > _NAMES_MOST else ""
        yield f"{what}: {', '.join(names[:_NAMES_MOST])}{more}"


def _sample(kit: Kit, key: str, shape: Shape, examples: Sequence[Any]) -> Any:
    if examples:
        return examples[0]
    if key == "blocks":
        return kit.block_names[:1] or ["baseline"]
    if shape.item:
        return [_sample(kit, key, shape.item, ())]
    inner = {field.key: _sample(kit, field.key, field.shape, field.examples) for field in shape.fields}
    return inner or "…"


def _written(field: Field, value: Any) -> str:
    """A key and its value; the role, with which people will go on, stands on lines of its own."""
    is_open = field.key == "role" and not value.endswith("\n")
    return entry(field.key, f"{value}\n" if is_open else value)


def refuse_name(kit: Kit, name: str) -> None:
    """Raise AssembleError where no agent can have this name, or the kit has one of it."""
    if not fits(NAME, name):
        from kei_assembler.importing.names import slug

        wished = slug(stem(name.replace(os.sep, "/")))
        hint = f"did you mean `{wished}`?" if wished else ""
        raise AssembleError(f"`{name}` is no agent's name: it must be {NAME.expects}", hint)
    for file in kit.manifests:
        if stem(file) == name:
            raise AssembleError(f"there is an agent `{name}` already, in {file}", "choose another name, or edit that")


def manifest_of(kit: Kit, name: str, given: Mapping[str, Any]) -> tuple[str, list[Diagnostic]]:
    """Return the text of a new agent's manifest, with these values of its keys, and the warnings about it.

    Raises AssembleError when the rules find an error in it.
    """
    text = render(kit, name, given, _has_schema(kit))
    return text, _refuse_errors(check(kit, name, text))


def _refuse_errors(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    found = list(found)
    if errors := [each for each in found if each.severity is Severity.ERROR]:
        message = "; ".join(dict.fromkeys(error.message for error in errors))
        raise AssembleError(f"{message}; nothing was written", next((error.help for error in errors if error.help), ""))
    return [each for each in found if each.severity is Severity.WARNING]


def _has_schema(kit: Kit) -> bool:
    return disk.Disk(kit).peek(MANIFEST_SCHEMA) is not None


def write(kit: Kit, name: str, text: str) -> Iterator[tuple[str, str]]:
    """Write a new agent's manifest, and the schema that knows the agent where there is one.

    Yields for each file a word for what became of it, once that is so, and its path.
    Raises AssembleError when the manifest cannot be written, or is there already.
    """
    file = kit.manifest_file(name)
    path = kit.path(file)
    if not kit.holds(path):
        raise AssembleError(f"{file} lies outside the kit's root", "see the setting `root`")
    if not disk.create(path, text.encode()):
        raise AssembleError(f"{file} is there already; nothing was written")
    yield "created", path
    if _has_schema(kit) and disk.replace(kit.path(MANIFEST_SCHEMA), lambda old: _renewed(kit, old)):
        yield "updated", kit.path(MANIFEST_SCHEMA)


def _renewed(kit: Kit, old: bytes) -> bytes:
    """The schema with the new agent in it."""
    changes = renewal(load_kit(kit.folder), MANIFEST_SCHEMA, old)
    return next((change.after for change in changes if change.kind is FileStatus.UPDATE and change.after), old)
