"""Set and drop keys in TOML text. Comments, order and the spelling of everything else stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kei_assembler.diagnostics import KeyPath
from kei_assembler.toml.lists import Splice, difference
from kei_assembler.toml.rewriting import placed, reordered, value_part
from kei_assembler.toml.source import Source, read_toml
from kei_assembler.toml.statements import statements
from kei_assembler.toml.strings import respelled, written_at
from kei_assembler.toml.writer import document, entry


def with_value(text: str, path: KeyPath, value: Any) -> str | None:
    """Return a TOML text in which the key at a path has another value, or None if the text cannot get it.

    `path` leads through tables only. None as the value drops the key, and the tables that it leaves empty.
    """
    source = read_toml("", text.encode())
    expected = _with(source.data, path, value)
    if source.data == expected:
        return text
    for splices in (_written(source, path, value), _written_anew(source, path, value)):
        made = _spliced(text, splices)
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


def _value_at(data: Any, path: KeyPath) -> Any:
    for step in path:
        data = data.get(step) if isinstance(data, Mapping) else None
    return data


def _written(source: Source, path: KeyPath, value: Any) -> tuple[Splice, ...]:
    """Return the edits that keep most of how a value is written, if there is one."""
    before = _value_at(source.data, path)
    if isinstance(before, str) and isinstance(value, str) and (written := written_at(source, path)):
        found = respelled(source, path, *difference(written.value, value))
        return (Splice(*found),) if found else ()
    if _has_strings(before) and _has_strings(value):
        return reordered(source, path, [before.index(each) if each in before else each for each in value])
    return ()


def _written_anew(source: Source, path: KeyPath, value: Any) -> tuple[Splice, ...]:
    """Return the edits that write a value in place of the present one, or as a new key."""
    if value is not None and not isinstance(value, Mapping) and (part := value_part(source, path)):
        return (Splice(*part, entry("x", value).partition(" = ")[2].removesuffix("\n")),)
    gone = _dropped(source, path)
    if value is None:
        return gone
    if _value_at(source.data, path) is not None and not gone:
        return ()
    if _is_section(value):
        end = len(source.text)
        begin = "" if not source.text or source.text.endswith("\n") else "\n"
        return (*gone, Splice(end, end, f"{begin}\n{document(_with({}, path, value))}"))
    return (*gone, *placed(source, path[:-1], entry(str(path[-1]), value).removesuffix("\n")))


def _dropped(source: Source, path: KeyPath) -> tuple[Splice, ...]:
    """Return the edits that drop a key or a table, and the tables that are empty then."""
    while len(path) > 1 and _value_at(source.data, path[:-1]) == {path[-1]: _value_at(source.data, path)}:
        path = path[:-1]
    below = dict.fromkeys(each.path for each in source.mentions(str(path[0])) if each.path[: len(path)] == path)
    found = [*statements(source, path)] or [part for each in below for part in statements(source, each)]
    lines = dict.fromkeys(number for start, end in found for number in range(start, end))
    return tuple(Splice(start, end, "") for start, end in _runs(sorted(lines)))


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number:
            runs[-1] = runs[-1][0], number + 1
        else:
            runs.append((number, number + 1))
    return runs


def _spliced(text: str, splices: Sequence[Splice]) -> str:
    for start, end, new in sorted(splices, reverse=True):
        text = f"{text[:start]}{new}{text[end:]}"
    return text


def _has_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_section(value: Any) -> bool:
    is_list = isinstance(value, list) and bool(value) and all(isinstance(each, Mapping) for each in value)
    return isinstance(value, Mapping) or is_list
