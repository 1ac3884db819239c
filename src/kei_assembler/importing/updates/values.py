"""Merge the keys of a manifest: what was imported, what the manifest says now, and what the changed file says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kei_assembler.diagnostics import KeyPath
from kei_assembler.records import NamedTuple
from kei_assembler.value_types import is_texts
from kei_assembler.whitespace import collapse_whitespace

_TABLES = ("target", "values", "references")
_NOT_MERGED = ("name", "role", "blocks")
"""What is merged as text, or by renaming the manifest."""


class Conflict(NamedTuple):
    """What was changed in the kit and in the imported file: what it is, and both texts."""

    what: str
    ours: str
    theirs: str


def leaves(data: Mapping[str, Any]) -> dict[KeyPath, Any]:
    """Return the values of a manifest that are merged on their own, by their paths."""
    return {path: value for path, value in _leaves(data, ()) if path[0] not in _NOT_MERGED}


def _leaves(data: Mapping[str, Any], path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    for key, value in data.items():
        at = (*path, key)
        is_table = at[1:] == () and key in _TABLES
        is_table = is_table or (at[0] == "target" and (at[2:] == () or key == "values"))
        if is_table and isinstance(value, Mapping):
            yield from _leaves(value, at)
        else:
            yield at, value


def merged_value(path: KeyPath, base: Any, ours: Any, theirs: Any) -> Any | Conflict:
    """Return the value with the changes of both sides. None stands for no value."""
    if _is_same(ours, theirs) or base == theirs:
        return ours
    if _is_same(ours, base):
        return theirs
    if all(map(is_texts, (base, ours, theirs))):
        return merged_list(base, ours, theirs)
    return Conflict(f"`{'.'.join(map(str, path))}`", shown(ours), shown(theirs))


def merged_list(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    """Return our list without what they removed, and with what they added, each after what precedes it in theirs."""
    made = [each for each in ours if each in theirs or each not in base]
    for at, each in enumerate(theirs):
        if each not in base and each not in made:
            before = [one for one in theirs[:at] if one in made]
            made.insert(made.index(before[-1]) + 1 if before else (0 if at == 0 else len(made)), each)
    return made


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return collapse_whitespace(one) == collapse_whitespace(other)
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def shown(value: Any) -> str:
    """Return a value as a text, for a diff."""
    if value is None:
        return ""
    if is_texts(value):
        return "\n".join(value)
    return value if isinstance(value, str) else repr(value)
