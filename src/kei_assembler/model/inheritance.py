"""Merge the layers of a manifest: the manifest itself, its bases, and the settings.

All functions work on parsed TOML, before anything is validated, so each of them accepts values of the wrong type and
leaves them for the validation. Nothing is evaluated, and the result is again the data of a manifest, one that needs no
bases and no bundles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from kei_assembler.diagnostics import KeyPath
from kei_assembler.model.outranking import INHERITED as INHERITED
from kei_assembler.model.outranking import Outranked, without_outranked
from kei_assembler.records import NamedTuple
from kei_assembler.targets.groups import expanded, is_group
from kei_assembler.whitespace import has_text

DROPPED = "!"
"""The start of a list entry that drops an inherited one."""

BUNDLE = "@"
"""The start of a list entry that stands for the blocks of a bundle."""

MAX_LEVELS = 8
"""The maximum number of bases above a manifest."""

_DEPTH_OF_SETS = 3
"""The longest path of a list that has nothing twice, such as `disallowedTools` in the table of a target."""

MAX_FAULTS = 200
"""How many faults are kept for one layer."""

_MAX_KNOWN = 1000
"""How many of the words that could have been meant are kept for a fault."""

OWN_KEYS = frozenset(("name", "description", "abstract", "extends", "unset", "kind", "folder", "paths"))
"""The keys that a manifest never inherits."""


class Origin(NamedTuple):
    """Where a value was written: the file, relative to the kit, and the key path in it."""

    file: str
    path: KeyPath


class Fault(NamedTuple):
    """A mistake in how a layer refers to others, and where it was written.

    `kind` is one of those below. `name` is the entry, key, base or bundle. `trail` has the files on the way to a base,
    or what could have been named instead.

    - `nothing-inherited`: an entry `"..."` that stands for nothing; `name` is the key of the list
    - `almost-inherited`: an entry such as `…` in a list that replaces the inherited one
    - `repeated`: an entry `"..."`, a bundle, or something to drop that is listed twice
    - `not-inherited`: an entry to drop, a key to unset, or a handoff to drop that is not inherited
    - `no-target`: a handoff to drop that names no agent
    - `replaced`: an entry to drop from a list that replaces the inherited one
    - `unknown-bundle`
    - `unknown-base`, `ambiguous-base`, `cycle`, `too-deep`: a base that cannot be used
    """

    kind: str
    origin: Origin
    name: str
    trail: tuple[str, ...] = ()


class Resolved(NamedTuple):
    """The data of a manifest merged with what it inherits, and where each part of it was written.

    `taken` maps the path of a value from elsewhere to its origin, or to its path in the next layer, `far`. All other
    values are in `file`, below the path `at`. `faults` and `bundles` are those of this layer only. `outranked` are the
    keys in the next layer's tables of targets that a general key of this layer replaces. `leaves_out` says that the run
    leaves out blocks that the manifest lists or inherits.
    """

    data: Mapping[str, Any]
    file: str
    at: KeyPath = ()
    taken: Mapping[KeyPath, KeyPath | Origin] = {}
    far: Resolved | None = None
    faults: tuple[Fault, ...] = ()
    bundles: tuple[str, ...] = ()
    outranked: tuple[Outranked, ...] = ()
    leaves_out: bool = False

    def origin(self, path: KeyPath) -> Origin:
        """Return where the value at a path was written."""
        length, found = self.taken_at(path)
        if isinstance(found, Origin):
            return found._replace(path=(*found.path, *path[length:]))
        if found is not None and self.far:
            return self.far.origin((*found, *path[length:]))
        return Origin(self.file, (*self.at, *path))

    def taken_at(self, path: KeyPath) -> tuple[int, KeyPath | Origin | None]:
        """Return what is taken from elsewhere at a path or around it, or None, and the length of that path."""
        for length in range(len(path), -1, -1) if self.taken else ():
            if (found := self.taken.get(path[:length])) is not None:
                return length, found
        return 0, None

    def layers(self) -> Iterator[Resolved]:
        """Yield this layer and those below it, nearest first. The last one is that of the settings."""
        layer: Resolved | None = self
        while layer:
            yield layer
            layer = layer.far

    @property
    def bases(self) -> tuple[str, ...]:
        """The files of the bases, nearest first."""
        return tuple(layer.file for layer in self.layers())[1:-1]


Bundle = Sequence[tuple[str, Origin]]
"""The blocks of a bundle, with the place where each is listed. Bundles in it are already expanded."""


def merged(own: Mapping[str, Any], file: str, far: Resolved, bundle: Callable[[str], Bundle | None]) -> Resolved:
    """Return the data of the manifest in `file` merged over the next layer: its base, or the settings.

    `bundle` returns the bundle of a name, or None if there is none.
    """
    merge = _Merge(file, far, bundle)
    data = merge.manifest(own)
    used, outranked = tuple(merge.used_bundles), tuple(merge.outranked)
    return Resolved(data, file, (), merge.taken, far, tuple(merge.faults), used, outranked)


def refers(own: Mapping[str, Any]) -> bool:
    """Return whether the data of a manifest refers to a bundle, a group of targets, or what it would inherit."""
    marked = [(own.get(str(path[0])), stands_for_others) for path, stands_for_others in _STANDS_FOR_OTHERS.items()]
    marked.append((own.get("handoff"), _is_dropping))
    found = any(any(map(is_marked, entries)) for entries, is_marked in marked if isinstance(entries, list))
    return found or "unset" in own or _has_inherited(own)


def _has_inherited(table: Mapping[str, Any]) -> bool:
    for value in table.values():
        if INHERITED in value if isinstance(value, list) else isinstance(value, dict) and _has_inherited(value):
            return True
    return False


def _is_dropping(handoff: object) -> bool:
    return isinstance(handoff, dict) and handoff.get("trigger") is False


class _Merge:
    """Merges the layer of a file over the next one. Collects the origins of what it takes, and the faults."""

    def __init__(self, file: str, far: Resolved, bundle: Callable[[str], Bundle | None]) -> None:
        self.file = file
        self.far = far
        self.bundle = bundle
        self.taken: dict[KeyPath, KeyPath | Origin] = {}
        self.faults: list[Fault] = []
        self.used_bundles: list[str] = []
        self.outranked: list[Outranked] = []

    def manifest(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """Return the data of a manifest, merged over the next layer."""
        inherited = {key: value for key, value in self.far.data.items() if key not in OWN_KEYS}
        if isinstance(own.get("unset"), list):
            inherited = _copied(inherited)
            self._unset(inherited, own["unset"])
        inherited, self.outranked = without_outranked(inherited, own)
        return self._table(own, inherited, ())

    def _unset(self, inherited: dict[str, Any], keys: list[Any]) -> None:
        """Remove keys from the inherited tables."""
        met: set[str] = set()
        for index, key in enumerate(keys):
            if isinstance(key, str) and has_text(key):
                if key in met:
                    self._fault("repeated", ("unset", index), key)
                elif path := _path_of(inherited, key):
                    _remove(inherited, path)
                else:
                    self._fault("not-inherited", ("unset", index), key, _names(inherited))
                met.add(key)

    def _fault(self, kind: str, path: KeyPath, name: str, known: Iterable[object] = ()) -> None:
        if len(self.faults) < MAX_FAULTS:
            words = tuple(islice((each for each in known if isinstance(each, str)), _MAX_KNOWN))
            self.faults.append(Fault(kind, Origin(self.file, path), name, words))

    def _table(self, near: Mapping[str, Any], far: Mapping[str, Any], path: KeyPath) -> dict[str, Any]:
        # where the last match wins, as in permissions, the entries of the nearer layer have to be last
        made: dict[str, Any] = {}
        for key, value in far.items():
            if key not in near:
                made[key] = value
                self.taken[*path, key] = (*path, key)
        for key, value in near.items():
            is_merged = path or key not in OWN_KEYS
            made[key] = self._value(value, far.get(key), (*path, key)) if is_merged else value
        return made

    def _value(self, near: Any, far: Any, path: KeyPath) -> Any:
        if isinstance(near, dict):
            return self._table(near, far if isinstance(far, dict) else {}, path)
        if not isinstance(near, list):
            return near
        if path == ("handoff",):
            return self._placed(self._handoffs(near, far if isinstance(far, list) else []), path)
        if INHERITED in near or (path in _STANDS_FOR_OTHERS and any(map(_STANDS_FOR_OTHERS[path], near))):
            return self._placed(self._list(near, far, path), path)
        if isinstance(far, list):
            self._check_replacement(near, far, path)
        return near

    def _check_replacement(self, near: list[Any], far: list[Any], path: KeyPath) -> None:
        """Add faults for entries that say that a list, which replaces the inherited one, was meant to extend it."""
        marked = [(index, entry) for index, entry in enumerate(near) if is_drop(entry) or _is_almost_inherited(entry)]
        inherited = _texts(far) if marked else ()
        for index, entry in marked:
            if not is_drop(entry):
                self._fault("almost-inherited", (*path, index), entry)
            elif entry[1:] in inherited:
                self._fault("replaced", (*path, index), entry)

    def _placed(self, entries: Iterable[tuple[Any, Origin | KeyPath]], path: KeyPath) -> list[Any]:
        """Return a merged list with these entries, and remember their origins."""
        made: list[Any] = []
        for value, origin in entries:
            self.taken[*path, len(made)] = origin
            made.append(value)
        return made

    def _list(self, near: list[Any], far: Any, path: KeyPath) -> Iterator[tuple[Any, Origin | KeyPath]]:
        """Yield the entries of a list with their origins: its own, those that it inherits and those of its bundles.

        What several of these have keeps its first position. What one list has twice is there twice. Lists inside the
        tables of a client, such as the arguments of a server, are no sets, so everything stays, except in its values.
        """
        sources: dict[str, str] = {}
        by_hand: set[str] = set()
        is_set = len(path) <= _DEPTH_OF_SETS or path[2] == "values"
        for value, origin, source in self._candidates(near, far, path):
            if isinstance(value, str) and is_set:
                is_first = sources.setdefault(value, source) == source
                is_again = value in by_hand
                if not source:
                    by_hand.add(value)
                if not is_first and (source or not is_again):
                    continue
            yield value, origin

    def _candidates(self, near: list[Any], far: Any, path: KeyPath) -> Iterator[tuple[Any, Origin | KeyPath, str]]:
        """Yield all that the entries of a list stand for, also repeatedly, each with its origin.

        The third value is the entry that stands for it, or empty if the list itself has it.
        """
        is_extended = INHERITED in near
        dropped = self._dropped(near, far, path) if is_extended else set()
        met: set[str] = set()
        for index, entry in enumerate(near):
            own = (*path, index)
            if entry == INHERITED or _stands_for_others(entry, path):
                if entry in met:
                    self._fault("repeated", own, entry)
                elif entry != INHERITED:
                    yield from ((value, origin, entry) for value, origin in self._members(entry, own))
                elif isinstance(far, list):
                    for position, value in enumerate(far):
                        if not dropped or not isinstance(value, str) or value not in dropped:
                            yield value, (*path, position), INHERITED
                else:
                    self._fault("nothing-inherited", own, ".".join(map(str, path)))
                met.add(entry)
            elif not (is_extended and is_drop(entry)):
                yield entry, Origin(self.file, own), ""

    def _members(self, entry: str, where: KeyPath) -> Bundle:
        """Return the blocks of a bundle or the targets of a group, which is listed at a path."""
        if is_group(entry) and where[0] == "targets":
            return tuple((target, Origin(self.file, where)) for target in expanded((entry,)))
        name = entry.removeprefix(BUNDLE)
        blocks = self.bundle(name)
        if blocks is None:
            self._fault("unknown-bundle", where, name)
        self.used_bundles.append(name)
        return blocks or ()

    def _dropped(self, near: list[Any], far: Any, path: KeyPath) -> set[str]:
        """Return the inherited entries that a list drops. An entry such as `!@name` drops what `@name` stands for."""
        dropped, met = set[str](), set[str]()
        if not isinstance(far, list) or not any(map(is_drop, near)):
            return dropped
        inherited = _texts(far)
        for index, entry in enumerate(near):
            if not is_drop(entry):
                continue
            if entry in met:
                self._fault("repeated", (*path, index), entry)
                continue
            met.add(entry)
            named = entry.removeprefix(DROPPED)
            meant = {named}
            if _stands_for_others(named, path):
                meant = {value for value, _ in self._members(named, (*path, index))}
            if meant and inherited.keys().isdisjoint(meant):
                self._fault("not-inherited", (*path, index), named, inherited)
            dropped |= meant
        return dropped

    def _handoffs(self, near: list[Any], far: list[Any]) -> Iterator[tuple[Any, Origin | KeyPath]]:
        """Yield the inherited handoffs, some of them replaced or dropped, and then the others of this layer."""
        made: list[tuple[Any, Origin | KeyPath] | None] = [
            (value, ("handoff", index)) for index, value in enumerate(far)
        ]
        positions = {_target_of(handoff): index for index, handoff in enumerate(far)}
        dropped: set[str] = set()
        for index, handoff in enumerate(near):
            target, is_dropped = _target_of(handoff), _is_dropping(handoff)
            position = positions.pop(target, None) if target else None
            if is_dropped and not target:
                self._fault("no-target", ("handoff", index, "trigger"), "")
            elif is_dropped and position is None:
                kind = "repeated" if target in dropped else "not-inherited"
                self._fault(kind, ("handoff", index, "target"), target, positions)
            if is_dropped:
                dropped.add(target)
            entry = None if is_dropped else (handoff, Origin(self.file, ("handoff", index)))
            if position is None:
                made.append(entry)
            else:
                made[position] = entry
        return (entry for entry in made if entry)


def _copied(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a table and of the tables in it."""
    return {key: _copied(value) if isinstance(value, dict) else value for key, value in table.items()}


def is_bundle(entry: object) -> bool:
    """Return whether an entry of a list of blocks stands for a bundle."""
    return isinstance(entry, str) and entry[:1] == BUNDLE


_STANDS_FOR_OTHERS: Mapping[KeyPath, Callable[[object], bool]] = {("blocks",): is_bundle, ("targets",): is_group}
"""The paths of lists with entries that stand for several others, and what says whether an entry does."""


def _stands_for_others(entry: object, path: KeyPath) -> bool:
    """Return whether an entry of the list at a path stands for several others."""
    return path in _STANDS_FOR_OTHERS and _STANDS_FOR_OTHERS[path](entry)


def is_drop(entry: object) -> bool:
    """Return whether an entry of a list can drop an inherited one."""
    return isinstance(entry, str) and entry[:1] == DROPPED and len(entry) > 1


def _is_almost_inherited(entry: object) -> bool:
    """Return whether an entry was probably meant to be `"..."`."""
    return isinstance(entry, str) and entry.replace("…", INHERITED).replace(" ", "") in ("..", INHERITED, "....")


def _texts(entries: Iterable[Any]) -> dict[str, None]:
    """Return the strings among the entries of a list, in their order, to look them up."""
    return dict.fromkeys(entry for entry in entries if isinstance(entry, str))


def _path_of(table: Mapping[str, Any], key: str) -> KeyPath:
    """Return the path of a key in a table, given with dots. It is empty if there is none. A key can contain dots."""
    if key in table:
        return (key,)
    for name, inner in table.items():
        rest = key.removeprefix(f"{name}.")
        if rest != key and isinstance(inner, dict) and (path := _path_of(inner, rest)):
            return (name, *path)
    return ()


def _remove(table: dict[Any, Any], path: KeyPath) -> None:
    """Remove the value at a path from a table."""
    *outer, last = path
    for key in outer:
        table = table[key]
    del table[last]


def _names(table: Mapping[str, Any], start: str = "") -> Iterator[str]:
    """Yield the keys in a table, also those of tables in it, with dots."""
    for key, value in table.items():
        yield f"{start}{key}"
        yield from _names(value, f"{start}{key}.") if isinstance(value, dict) else ()


def _target_of(handoff: Any) -> str:
    target = handoff.get("target") if isinstance(handoff, dict) else None
    return target if isinstance(target, str) and has_text(target) else ""
