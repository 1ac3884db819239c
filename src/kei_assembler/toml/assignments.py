"""Set and drop keys in TOML text. Comments, order and the spelling of everything else stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kei_assembler.diagnostics import KeyPath
from kei_assembler.toml.lists import Splice, difference
from kei_assembler.toml.rewriting import Splices, at_end, placed, reordered, value_part, without_key
from kei_assembler.toml.source import Source, read_toml
from kei_assembler.toml.strings import respelled, written_at
from kei_assembler.toml.writer import document, entry, is_section
from kei_assembler.value_types import is_texts


def assigned(text: str, path: KeyPath, value: Any) -> str | None:
    """Return a TOML text in which the key at a path has another value, or None if the text cannot get it.

    `path` leads through tables only. None as the value drops the key, and the tables that it leaves empty.
    """
    source = read_toml("", text.encode())
    expected = _with(source.data, path, value)
    if source.data == expected:
        return text
    for splices in (_respelled(source, path, value), _written(source, path, value)):
        made = text
        for start, end, new in sorted(splices, reverse=True):
            made = f"{made[:start]}{new}{made[end:]}"
        if splices and read_toml("", made.encode()).data == expected:
            return made
    return None


def _with(data: Mapping[str, Any], path: KeyPath, value: Any) -> dict[str, Any]:
    """Return data with another value at a path."""
    key, *rest = path
    made = dict(data)
    if rest:
        inner = made.get(str(key), {})
        made[str(key)] = _with(inner if isinstance(inner, Mapping) else {}, tuple(rest), value)
    elif value is not None:
        made[str(key)] = value
    else:
        made.pop(str(key), None)
    if rest and value is None and not made[str(key)]:
        del made[str(key)]
    return made


def _respelled(source: Source, path: KeyPath, value: Any) -> Splices:
    """Return the edits that keep most of how a value is written, if there is one."""
    before = source.value(path)
    if isinstance(before, str) and isinstance(value, str) and (written := written_at(source, path)):
        found = respelled(source, path, *difference(written.value, value))
        return (Splice(*found),) if found else ()
    if is_texts(before) and is_texts(value):
        return reordered(source, path, [before.index(each) if each in before else each for each in value])
    return ()


def _written(source: Source, path: KeyPath, value: Any) -> Splices:
    """Return the edits that write a value in place of the present one, or as a new key."""
    if value is not None and not isinstance(value, Mapping) and (part := value_part(source, path)):
        return (Splice(*part, entry("x", value).partition(" = ")[2].removesuffix("\n")),)
    is_present = source.value(path) is not None
    gone = without_key(source, path) if is_present else ()
    if value is None or (is_present and not gone):
        return gone
    if is_section(value):
        return (*gone, at_end(source, document(_with({}, path, value))))
    return (*gone, *placed(source, path[:-1], entry(str(path[-1]), value).removesuffix("\n")))
