"""Decide what a map of OpenCode's permissions allows, by OpenCode's own matching, compared with another map.

OpenCode turns a map into a list of rules, each with a pattern for the permission, a pattern for its subject, such as a
command or a path, and an action. The last rule whose patterns both match decides. In a pattern, `*` is any text, `?` is
any character, and a space with `*` at the end can also be left out. A subject that starts with `~/` or `$HOME` starts
with the path of the user's home folder. On Windows, case does not count.

The comparison is exact: it follows all patterns at once through all texts that they can tell apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice, pairwise

from kei_assembler import lazy_re
from kei_assembler.markdown.front_matter import Value
from kei_assembler.records import NamedTuple

STEPS = 200_000
"""The maximum number of steps of one comparison. A map that needs more counts as allowing too much."""

_ANY, _ONE = -1, -2
_OTHER = -3  # stands for all characters that occur in no pattern

_HOME_AT_START = lazy_re.compile(r"\A(?:~(?=/|\Z)|\$HOME)")
_HOME = "\udfff"  # stands for the user's home folder, whose path is not known; no text of a manifest contains it

_State = frozenset[tuple[int, int]]
"""Pairs of a pattern's index and a position in it: where all patterns are after some text."""


class _Rule(NamedTuple):
    permission: str
    subject: str
    action: str


class _Pattern(NamedTuple):
    """A pattern as the code units that it matches, and the positions at which a text may end."""

    units: tuple[int, ...]
    ends: frozenset[int]


class _TooComplexError(Exception):
    """The comparison needs too many steps."""


class _Budget:
    def __init__(self) -> None:
        self.left = STEPS

    def spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise _TooComplexError


def excess(own: Value, defaults: Mapping[str, Value], usual: Value) -> tuple[str, str] | None:
    """Return a permission and a subject that `own` allows but `usual` does not, or None if there are none.

    Both add to the client's `defaults`. If the comparison needs too many steps, both texts are empty.
    """
    found = _compare(*(tuple(_rules(each)) for each in (own, defaults, usual)), is_first=True)
    return next(((one.permission, one.subject) for one in found), None)


def excesses(own: Value, defaults: Mapping[str, Value], usual: Value) -> tuple[tuple[str, str], ...]:
    """Return all permissions and subjects that `own` allows but `usual` does not, as the maps have them.

    If several patterns match one, the most precise of them is its name. For the rest, see `excess`.
    """
    found = _compare(*(tuple(_rules(each)) for each in (own, defaults, usual)), is_first=False)
    return tuple(dict.fromkeys(one.by_patterns for one in found))


def _rules(permission: Value) -> Iterator[_Rule]:
    for key, value in _in_order(permission if isinstance(permission, Mapping) else {"*": permission}):
        for subject, action in _in_order(value) if isinstance(value, Mapping) else [("*", value)]:
            yield _Rule(key, _HOME_AT_START.sub(_HOME, subject), str(action))


def _in_order(table: Mapping[str, Value]) -> list[tuple[str, Value]]:
    """The entries as JavaScript orders them: the indexes of an array come first."""
    numbers = (int(key) for key in table if re.fullmatch("0|[1-9][0-9]{0,9}", key))
    indexes = (str(number) for number in sorted(numbers) if number < 2**32 - 1)
    return [(key, table[key]) for key in dict.fromkeys((*indexes, *table))]


class _Excess(NamedTuple):
    """A permission and a subject, and the patterns of both that match them. All are empty if they are not known."""

    permission: str = ""
    subject: str = ""
    permissions: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()

    @property
    def by_patterns(self) -> tuple[str, str]:
        """The permission and the subject as the maps have them."""
        permission, subject = (max(each, key=_precision, default="") for each in (self.permissions, self.subjects))
        return permission.replace(_HOME, "~"), subject.replace(_HOME, "~")


def _precision(pattern: str) -> tuple[bool, int, str]:
    return set(pattern).isdisjoint("*?"), len(pattern), pattern


@lru_cache(maxsize=64)  # the rights of a manifest are determined several times
def _compare(
    own: tuple[_Rule, ...], defaults: tuple[_Rule, ...], usual: tuple[_Rule, ...], is_first: bool
) -> tuple[_Excess, ...]:
    """Return the first excess, or all of them. The last one is empty if the comparison needs too many steps."""
    # version 1.14.20 sorted permissions with a wildcard before the others; other versions keep the order
    is_specific = {rule: "*" not in rule.permission for rule in (*own, *usual)}.__getitem__
    pairs = [(own, usual), (tuple(sorted(own, key=is_specific)), tuple(sorted(usual, key=is_specific)))]
    budget = _Budget()
    found: list[_Excess] = []
    try:
        for rules, others in dict.fromkeys(pairs):
            for ignores_case in (False, True):
                here = _excess((*defaults, *rules), (*defaults, *others), ignores_case, budget)
                found += islice(here, 1 if is_first else None)
                if is_first and found:
                    return tuple(found)
    except _TooComplexError:
        found.append(_Excess())
    return tuple(found)


def _excess(own: Sequence[_Rule], usual: Sequence[_Rule], ignores_case: bool, budget: _Budget) -> Iterator[_Excess]:
    names = sorted({rule.permission for rule in (*own, *usual)})
    for permission, matching in _texts(names, ignores_case, budget):
        budget.spend(len(own) + len(usual))
        some_own, some_usual = (_effective(rules, matching) for rules in (own, usual))
        has_all = bool(some_usual) and _matches_all(some_usual[-1]) and all(map(_is_allowed, some_usual))
        if has_all or not any(map(_is_allowed, some_own)):
            continue
        patterns = sorted({rule.subject for rule in (*some_own, *some_usual)})
        for subject, fitting in _texts(patterns, ignores_case, budget):
            budget.spend(len(patterns))
            if _allows(some_own, fitting) and not _allows(some_usual, fitting):
                yield _Excess(permission, subject, matching, fitting)


def _effective(rules: Sequence[_Rule], matching: frozenset[str]) -> list[_Rule]:
    """The rules for a permission, the last one first, up to one that decides about every subject."""
    effective = []
    for rule in reversed(rules):
        if rule.permission in matching:
            effective.append(rule)
            if _matches_all(rule):
                break
    return effective


def _matches_all(rule: _Rule) -> bool:
    return rule.subject != "" and not rule.subject.strip("*")


def _allows(rules: Sequence[_Rule], matching: frozenset[str]) -> bool:
    return any(map(_is_allowed, islice((rule for rule in rules if rule.subject in matching), 1)))


def _is_allowed(rule: _Rule) -> bool:
    return rule.action == "allow"


def _texts(patterns: Sequence[str], ignores_case: bool, budget: _Budget) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each set of patterns that can match a text together, after such a text."""
    budget.spend(sum(map(len, patterns)))
    compiled = [_compiled(pattern, ignores_case) for pattern in patterns]
    found: set[frozenset[str]] = set()
    start = _closed(compiled, ((index, 0) for index in range(len(compiled))))
    came_from: dict[_State, tuple[_State, int] | None] = {start: None}
    waiting = [start]
    for state in waiting:  # it grows meanwhile
        matching = frozenset(patterns[index] for index, at in state if at in compiled[index].ends)
        if matching not in found:
            found.add(matching)
            yield _text(state, came_from, compiled), matching
        places = [(index, at, compiled[index].units[at]) for index, at in state if at < len(compiled[index].units)]
        for unit in {_OTHER, *(unit for _, _, unit in places)} - {_ANY, _ONE}:
            budget.spend(len(places) + 1)
            moves = ((index, at + (own != _ANY)) for index, at, own in places if own in (_ANY, _ONE, unit))
            following = _closed(compiled, moves)
            if following not in came_from:
                came_from[following] = (state, unit)
                waiting.append(following)


def _compiled(pattern: str, ignores_case: bool) -> _Pattern:
    raw = pattern.replace("\\", "/").encode("utf-16-le", "surrogatepass")
    units = (int.from_bytes(raw[at : at + 2], "little") for at in range(0, len(raw), 2))
    wildcards = {ord("*"): _ANY, ord("?"): _ONE}
    read = (wildcards.get(unit) or (_folded(unit) if ignores_case else unit) for unit in units)
    made = tuple(unit for before, unit in pairwise((0, *read)) if (unit, before) != (_ANY, _ANY))
    ends = {len(made), len(made) - 2} if pattern.endswith(" *") else {len(made)}
    return _Pattern(made, frozenset(ends))


def _folded(unit: int) -> int:
    """A code unit as JavaScript compares it if case does not count."""
    char, upper = chr(unit), chr(unit).upper()
    return ord(upper) if len(upper) == 1 and char.isascii() >= upper.isascii() else unit


def _closed(patterns: Sequence[_Pattern], places: Iterable[tuple[int, int]]) -> _State:
    """The places, and those after a `*` that matches nothing more."""
    state = set()
    for index, at in places:
        units, position = patterns[index].units, at
        state.add((index, position))
        while position < len(units) and units[position] == _ANY:
            position += 1
            state.add((index, position))
    return frozenset(state)


def _text(state: _State, came_from: Mapping[_State, tuple[_State, int] | None], patterns: Iterable[_Pattern]) -> str:
    """The text that leads to a state."""
    used = {unit for pattern in patterns for unit in pattern.units}
    other = next(unit for unit in range(ord("a"), 0xD800) if _folded(unit) not in used and unit not in used)
    units = []
    while step := came_from[state]:
        state, unit = step
        units.append(other if unit == _OTHER else unit)
    raw = b"".join(unit.to_bytes(2, "little") for unit in reversed(units))
    return raw.decode("utf-16-le", "surrogatepass")
