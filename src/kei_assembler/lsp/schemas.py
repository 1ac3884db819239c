"""Find the part of a JSON Schema that is about a path of a manifest, or of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kei_assembler.diagnostics import KeyPath
from kei_assembler.kit.json_schema import manifest_schema, settings_schema
from kei_assembler.lsp.places import Place

Schema = dict[str, Any]


def schema_of(place: Place, with_sections: bool = False) -> Schema:
    """Return the schema of the source of a place. See `manifest_schema` for `with_sections`."""
    if place.is_settings:
        return settings_schema()
    kit = place.kit
    return manifest_schema(kit, with_sections, kit.manifest_files.kind_of(place.file))


def parts_at(schema: Schema, path: KeyPath) -> list[Schema]:
    """Return the parts of a schema that a value at a path can have, without references and alternatives."""
    parts = [schema]
    for step in path:
        parts = [inner for part in parts for each in _expanded(schema, part) for inner in _inside(each, step)]
    return [each for part in parts for each in _expanded(schema, part)]


def description_at(schema: Schema, path: KeyPath) -> str:
    """Return the description of the key at a path, or ""."""
    if not path:
        return ""
    properties = (part.get("properties", {}).get(path[-1], {}) for part in parts_at(schema, path[:-1]))
    return next((found["description"] for found in properties if "description" in found), "")


def _expanded(root: Schema, part: Schema) -> Iterator[Schema]:
    if "$ref" in part:
        yield from _expanded(root, root["$defs"][part["$ref"].rpartition("/")[2]])
    elif "anyOf" in part:
        for each in part["anyOf"]:
            yield from _expanded(root, each)
    else:
        yield part


def _inside(part: Schema, step: str | int) -> Iterator[Schema]:
    if isinstance(step, int):
        inner = part.get("items")
    else:
        inner = part.get("properties", {}).get(step, part.get("additionalProperties"))
    if isinstance(inner, dict):
        yield inner
