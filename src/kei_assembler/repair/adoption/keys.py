"""Which keys of a manifest could have to change so that a generated file says something else.

The generated file and the edited one are read back to the data of a manifest. What differs between them is a candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kei_assembler.diagnostics import KeyPath
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.owners import Owned
from kei_assembler.repair.adoption.changes import Candidate
from kei_assembler.repair.edits import Edit, edited_text
from kei_assembler.targets import TARGETS
from kei_assembler.toml.lists import Order, difference
from kei_assembler.toml.rewriting import Splices, added, reordered, with_value, without_key
from kei_assembler.toml.source import Source, read_toml

ReadBack = Callable[[LoadedKit, Owned, bytes], Mapping[str, Any]]
"""Returns the data of a manifest that gives an output some content. It can be empty, and lack keys."""

_OTHERS = frozenset(("name", "display-name", "targets", "role", "handoff"))
"""Keys that are read back in another form than a manifest has them."""


def changed_keys(
    source: Source, one: Owned, before: Mapping[str, Any], after: Mapping[str, Any], only_here: str
) -> Iterator[Candidate]:
    """Yield the candidates for the keys in which the data of a manifest differ, and at last the one for all of them.

    `source` is the manifest.
    """
    old, new = dict(_values(before)), dict(_values(after))

    def edits_of(some: Source, path: KeyPath) -> Candidate:
        place = _place(path, one.output.target, only_here)
        splices = _edits(some, place, old.get(path), new.get(path), only_here)
        return tuple(Edit(some.file, *splice) for splice in splices)

    paths = [path for path in (*new, *(path for path in old if path not in new)) if old.get(path) != new.get(path)]
    if not before or not after or not paths:
        return
    yield from filter(None, (edits_of(source, path) for path in paths))
    for path in paths:  # a key that is set here can be inherited, too
        if path not in new and source.value(path) is not None:
            yield (*edits_of(source, path), *(Edit(source.file, *splice) for splice in _unset(source, path)))
    made = source
    for path in paths:  # keys that are gone come last, so that a table whose only key goes can get another one
        made = read_toml(source.file, edited_text(made.text, edits_of(made, path)).encode())
    yield (Edit(source.file, *difference(source.text, made.text)),)


def _values(data: Mapping[str, Any], around: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the values of keys, with their paths. Tables in `target` and `references` are not values."""
    for key, value in data.items():
        path = (*around, key)
        if path[0] in ("target", "references") and len(path) < _DEPTH[str(path[0])]:
            yield from _values(value, path)
        elif path[0] not in _OTHERS:
            yield path, value


_DEPTH = {"target": 3, "references": 2}


def _place(path: KeyPath, target: str, only_here: str) -> KeyPath:
    """Return the path that a change belongs to: one of the model can be only for the target."""
    return ("target", target, TARGETS[target].model_key) if path == ("model",) and only_here == "target" else path


def _edits(source: Source, path: KeyPath, old: Any, new: Any, only_here: str) -> Splices:
    own = source.value(path)
    if new is None:
        return without_key(source, path) if own is not None else _unset(source, path)
    if isinstance(own, list) and isinstance(old, list) and isinstance(new, list):
        return reordered(source, path, order) if (order := _order(own, old, new)) is not None else ()
    is_inherited = own is None and old is not None
    return () if is_inherited and not only_here else with_value(source, path, new)


def _unset(source: Source, path: KeyPath) -> Splices:
    """Return the edit that drops an inherited key."""
    key = ".".join(map(str, path))
    if "unset" not in source.data:
        return added(source, (), "unset", [key])
    return reordered(source, ("unset",), lambda count: [*range(count), key])


def _order(own: Sequence[Any], old: Sequence[Any], new: Sequence[Any]) -> Order | None:
    """Return the entries that a manifest's list gets if what is read back from it changes, or None if that is unclear.

    Entries that the client does not get stay.
    """
    gone = [entry for entry in old if entry not in new]
    if any(entry not in own for entry in gone):
        return None
    made: list[int | str] = [index for index, entry in enumerate(own) if entry not in gone]
    for before, entry in zip([None, *new], new, strict=False):
        if entry not in old:
            at = own.index(before) if before in own else before
            made.insert(made.index(at) + 1 if at in made else 0 if before is None else len(made), entry)
    return made
