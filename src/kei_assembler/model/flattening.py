"""The flat form of a manifest: with all that it inherits, so that it needs no bases and no bundles."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any

from kei_assembler.diagnostics import KeyPath
from kei_assembler.model.inheritance import Origin, Resolved, merged
from kei_assembler.model.manifest import FIELDS

Notes = Mapping[KeyPath, Origin]
"""The origins of values, by their paths."""

ROLE = "role"
"""The key with a text or, as the only key at the top with an inline table, the file of the text."""

_REFERENCES = ("extends", "unset")
_ORDER = {field.key: position for position, field in enumerate(FIELDS)}


def flat_data(resolved: Resolved, used: Container[str] = ()) -> dict[str, Any]:
    """Return the data of the flat manifest for one without errors, in the recommended order of its keys.

    It is resolved to the same data, since the settings still apply to it. It unsets defaults of the settings that it
    must not have, and has those of their values that are `used`.
    """
    *_, settings = resolved.layers()
    kept = {key: value for key, value in resolved.data.items() if key not in _REFERENCES}
    kept = _without_unused(resolved, kept, used)
    if tables := kept.get("target"):
        for name, table in tables.items():
            tables = _with(tables, name, _pairs_first(_without_unused(resolved, table, used, ("target", name))))
        kept = _with(kept, "target", tables)
    again = merged(kept, resolved.file, settings, lambda _: None)
    replaced = (fault.origin.path[:-1] for fault in again.faults)
    unset = [*_added(again.data, resolved.data), *map(_dotted, replaced)]
    own = [key for key in resolved.data.get("unset", ()) if key in unset]
    if unset := list(dict.fromkeys((*own, *unset))):
        kept["unset"] = unset
    return dict(sorted(kept.items(), key=lambda item: _ORDER.get(item[0], len(_ORDER))))


def _without_unused(
    resolved: Resolved, table: dict[str, Any], used: Container[str], path: KeyPath = ()
) -> dict[str, Any]:
    """Return the table at a path without the values that come from the settings and are not used."""
    if "values" not in table:
        return table
    *_, settings = resolved.layers()
    files = {name: resolved.origin((*path, "values", name)).file for name in table["values"]}
    names = [name for name, file in files.items() if name in used or file != settings.file]
    return _with(table, "values", {name: table["values"][name] for name in names})


def _with(table: dict[str, Any], key: str, value: dict[str, Any]) -> dict[str, Any]:
    """Return a table with less in one of its tables, or without that if nothing is left of it."""
    if value or not table[key]:
        return table | {key: value}
    return {name: inner for name, inner in table.items() if name != key}


def _added(data: Mapping[str, Any], kept: Mapping[str, Any], path: KeyPath = ()) -> Iterator[str]:
    """Yield the keys of the data that are not in what is kept, with dots."""
    for key, value in data.items():
        if key not in kept:
            yield _dotted((*path, key))
        elif isinstance(value, dict):
            yield from _added(value, kept[key], (*path, key))


def _dotted(path: Iterable[object]) -> str:
    return ".".join(map(str, path))


def _pairs_first(table: dict[str, Any]) -> dict[str, Any]:
    """Return a client's table with the tables in it last, as TOML files are easier to read. Its order has no effect."""
    return dict(sorted(table.items(), key=lambda item: isinstance(item[1], dict)))


def origins(resolved: Resolved, data: Mapping[str, Any]) -> Notes:
    """Return the origins of the values of a flat manifest, by their paths.

    All that comes from one list has one origin. The others, and each table in a list, have their own.
    """
    return dict(_origins(resolved, (), {key: value for key, value in data.items() if key not in _REFERENCES}))


def _origins(resolved: Resolved, path: KeyPath, value: Any) -> Iterator[tuple[KeyPath, Origin]]:
    if isinstance(value, dict) and value and path != (ROLE,):
        for key, inner in value.items():
            yield from _origins(resolved, (*path, key), inner)
        return
    entries = value if isinstance(value, list) else []
    found = [resolved.origin((*path, index)) for index in range(len(entries))]
    lists = {origin._replace(path=origin.path[:-1]) for origin in found}
    if len(lists) > 1 or any(isinstance(entry, dict) for entry in entries):
        yield from (((*path, index), origin) for index, origin in enumerate(found))
    else:
        yield path, next(iter(lists), resolved.origin(path))
