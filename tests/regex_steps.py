"""Count the steps of a regular expression, and generate input that makes it backtrack.

Python's `re` has no count of steps, so this is a small backtracking matcher for the parse tree of `re`. It tries the
same alternatives in the same order, and counts each element of the pattern that it tries and each character.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from itertools import product, starmap
from typing import Any, NamedTuple, TypeVar

PARSER: Any = import_module("re._parser")
COMPILER: Any = import_module("re._compiler")

T = TypeVar("T")
Element = Callable[["Text", int], Iterator[int]]
"""Takes a text and a position, and yields the ends of the matches there in the order in which `re` tries them."""

_CHARACTERS = ("LITERAL", "NOT_LITERAL", "ANY", "IN", "CATEGORY", "RANGE")
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_SIZES = (25, 50), (100, 400)
_LIMIT = 100_000
_TOLERANCE = 1.4
_ODD = "\x00\x0b\x1c\x7f\x85\xa0\xe9\u0661\u2028\u3000\u4e2d"
_UNIVERSE = [*map(chr, range(0x20, 0x7F)), "\t", "\n", "\r", *_ODD]


class Attack(NamedTuple):
    """A part to repeat, and what comes before and after it."""

    prefix: str
    pump: str
    suffix: str

    def text(self, size: int) -> str:
        """Return the text with this number of repetitions."""
        return self.prefix + self.pump * size + self.suffix


class TooManySteps(Exception):
    pass


class Text:
    """A text, the groups that are set, and the steps so far."""

    def __init__(self, text: str, limit: int) -> None:
        self.text = text
        self.steps = 0
        self.groups: dict[int, tuple[int, int]] = {}
        self._limit = limit

    def step(self, number: int = 1) -> None:
        self.steps += number
        if self.steps > self._limit:
            raise TooManySteps


class Pattern:
    """A regular expression whose steps can be counted."""

    def __init__(self, pattern: re.Pattern[Any]) -> None:
        source = pattern.pattern.decode("latin-1") if isinstance(pattern.pattern, bytes) else pattern.pattern
        flags = pattern.flags & ~re.UNICODE | (re.ASCII if isinstance(pattern.pattern, bytes) else 0)
        self.tree = PARSER.parse(source, flags)
        self._state = self.tree.state
        self.flags = self._state.flags
        self.tests: dict[str, Callable[[str], bool]] = {}
        self._whole = self._sequence(self.tree, self.flags)

    def steps(self, method: str, text: str, limit: int = _LIMIT) -> int:
        """Return how many steps a method of `re.Pattern` takes for a text.

        Raises:
            TooManySteps: more than the limit.
        """
        run = Text(text, limit)
        start = 0
        while start <= len(text):
            run.step()
            ends = self._whole(run, start)
            end = next((end for end in ends if method != "fullmatch" or end == len(text)), None)
            if method in ("match", "fullmatch") or (method == "search" and end is not None):
                break
            start = start + 1 if end in (None, start) else (end or 0)
        return run.steps

    def match(self, text: str) -> tuple[int, int] | None:
        """Return the span of the match at the start of a text, or None."""
        end = next(self._whole(Text(text, _LIMIT), 0), None)
        return None if end is None else (0, end)

    def _sequence(self, items: Any, flags: int) -> Element:
        elements = [self._element(str(op), value, flags) for op, value in items]

        def match(text: Text, start: int) -> Iterator[int]:
            if not elements:
                yield start
                return
            tried = [elements[0](text, start)]
            while tried:
                end = next(tried[-1], None)
                if end is None:
                    tried.pop()
                elif len(tried) == len(elements):
                    yield end
                else:
                    tried.append(elements[len(tried)](text, end))

        return match

    def _element(self, op: str, value: Any, flags: int) -> Element:
        if op in _CHARACTERS:
            return self._character(op, value, flags)
        if op in _REPEATS:
            return self._repeat(op, value, flags)
        return self._other(op, value, flags)

    def _other(self, op: str, value: Any, flags: int) -> Element:
        match op:
            case "SUBPATTERN":
                group, added, removed, inner = value
                made = _captured(group, self._sequence(inner, (flags | added) & ~removed))
            case "ATOMIC_GROUP":
                made = _atomic(self._sequence(value, flags))
            case "BRANCH":
                made = _either([self._sequence(inner, flags) for inner in value[1]])
            case "ASSERT" | "ASSERT_NOT":
                direction, inner = value
                width = inner.getwidth()[0] if direction < 0 else 0
                made = _assertion(self._sequence(inner, flags), width, op == "ASSERT")
            case "GROUPREF":
                made = _same_as(value)
            case _:
                assert op == "AT", op
                made = self._position(value, flags)
        return made

    def _character(self, op: str, value: Any, flags: int) -> Element:
        is_one = self._test(op, value, flags)

        def match(text: Text, start: int) -> Iterator[int]:
            text.step()
            if start < len(text.text) and is_one(text.text[start]):
                yield start + 1

        return match

    def _test(self, op: str, value: Any, flags: int) -> Callable[[str], bool]:
        """A test for the characters that an element matches: Python's own, for a pattern of this element only."""
        key = f"{op} {value} {flags}"
        if key not in self.tests:
            state = PARSER.State()
            state.flags = flags
            one = COMPILER.compile(PARSER.SubPattern(state, [(getattr(PARSER, op), value)]), flags)
            self.tests[key] = cache(lambda character: one.match(character) is not None)
        return self.tests[key]

    def _repeat(self, op: str, value: Any, flags: int) -> Element:
        least, most, inner = value
        element, most = self._sequence(inner, flags), float("inf") if most is PARSER.MAXREPEAT else most
        if op == "POSSESSIVE_REPEAT":
            return _possessive(least, most, element)
        if op == "MIN_REPEAT":
            return _lazy(least, most, element)
        if len(inner) == 1 and str(inner[0][0]) in _CHARACTERS:
            return _greedy_characters(least, most, self._test(str(inner[0][0]), inner[0][1], flags))
        return _greedy(least, most, element)

    def _position(self, value: Any, flags: int) -> Element:
        state = PARSER.State()
        state.flags = flags
        here = COMPILER.compile(PARSER.SubPattern(state, [(PARSER.AT, value)]), flags)

        def match(text: Text, start: int) -> Iterator[int]:
            text.step()
            if here.match(text.text, start):
                yield start

        return match


def _captured(group: int | None, element: Element) -> Element:
    def match(text: Text, start: int) -> Iterator[int]:
        assert group is not None
        for end in element(text, start):
            before = text.groups.get(group, (0, 0))
            text.groups[group] = (start, end)
            yield end
            text.groups[group] = before

    return element if group is None else match


def _atomic(element: Element) -> Element:
    def match(text: Text, start: int) -> Iterator[int]:
        end = next(element(text, start), None)
        if end is not None:
            yield end

    return match


def _either(elements: Sequence[Element]) -> Element:
    def match(text: Text, start: int) -> Iterator[int]:
        for element in elements:
            text.step()
            yield from element(text, start)

    return match


def _assertion(element: Element, behind: int, is_positive: bool) -> Element:
    def match(text: Text, start: int) -> Iterator[int]:
        text.step()
        found = start >= behind and next(element(text, start - behind), None) is not None
        if found == is_positive:
            yield start

    return match


def _same_as(group: int) -> Element:
    def match(text: Text, start: int) -> Iterator[int]:
        first, last = text.groups.get(group, (0, 0))
        text.step(1 + last - first)
        if text.text.startswith(text.text[first:last], start):
            yield start + last - first

    return match


def _greedy_characters(least: int, most: float, is_one: Callable[[str], bool]) -> Element:
    def match(text: Text, start: int) -> Iterator[int]:
        end = start
        while end < len(text.text) and end - start < most and is_one(text.text[end]):
            text.step()
            end += 1
        for each in range(end, start + least - 1, -1):
            text.step()
            yield each

    return match


def _greedy(least: int, most: float, element: Element) -> Element:
    def match(text: Text, start: int) -> Iterator[int]:
        tried = [(start, element(text, start))]
        while tried:
            start, ends = tried[-1]
            text.step()
            end = next(ends, None) if len(tried) <= most else None
            if end is None:
                tried.pop()
                if len(tried) >= least:
                    yield start
            elif end != start or len(tried) <= least:
                tried.append((end, element(text, end)))

    return match


def _lazy(least: int, most: float, element: Element) -> Element:
    def match(text: Text, start: int) -> Iterator[int]:
        if not least:
            yield start
        tried = [(start, element(text, start))]
        while tried:
            start, ends = tried[-1]
            text.step()
            end = next(ends, None) if len(tried) <= most else None
            if end is None:
                tried.pop()
            elif end != start or len(tried) <= least:
                tried.append((end, element(text, end)))
                if len(tried) > least:
                    yield end

    return match


def _possessive(least: int, most: float, element: Element) -> Element:
    def match(text: Text, start: int) -> Iterator[int]:
        number, end = 0, start
        while number < most and (following := next(element(text, end), None)) is not None:
            text.step()
            number += 1
            if following == end:
                break
            end = following
        if number >= least:
            yield end

    return match


def explosion(compiled: re.Pattern[Any], method: str) -> str:
    """Return a description of input for which the steps grow faster than the input, or "" if none was found."""
    pattern = Pattern(compiled)
    for attack in attacks(pattern):
        # the larger sizes tell a limited repetition, such as `{0,64}`, from an unlimited one
        if all(_grows(pattern, method, attack, sizes) for sizes in _SIZES):
            return f"{method} of {attack.prefix!r} + {attack.pump!r} * n + {attack.suffix!r}"
    return ""


def _grows(pattern: Pattern, method: str, attack: Attack, sizes: tuple[int, int]) -> bool:
    """Return whether the steps grow faster than the number of repetitions."""
    small, large = sizes
    try:
        before = pattern.steps(method, attack.text(small))
        return pattern.steps(method, attack.text(large)) > _TOLERANCE * before * large / small
    except TooManySteps:
        return True


def attacks(pattern: Pattern) -> list[Attack]:
    """Return texts that could make a pattern backtrack, made of the pattern's own elements."""
    choose = random.Random(0)
    letters = _representatives(pattern)
    suffixes = ("", _unmatched(pattern), choose.choice(letters), "\n", "\n!")
    pumps = [*letters, *("".join(pair) for pair in _some(choose, [*product(letters, letters)], 40))]
    prefixes = [""]
    for before, inner in _repeats(pattern.tree, []):
        prefixes += [_sample(pattern, before, choose, letters) for _ in range(2)]
        pumps += [_sample(pattern, inner, choose, letters) for _ in range(8)]
    pumps += [_sample(pattern, list(pattern.tree), choose, letters) for _ in range(8)]
    every = product(dict.fromkeys(prefixes), dict.fromkeys(filter(None, pumps)), dict.fromkeys(suffixes))
    return _some(choose, [*starmap(Attack, every)], 200)


def _some(choose: random.Random, every: list[T], number: int) -> list[T]:
    return every if len(every) <= number else choose.sample(every, number)


def _representatives(pattern: Pattern) -> list[str]:
    """One character for each combination of the pattern's elements that match it."""
    by_tests = {tuple(test(letter) for test in pattern.tests.values()): letter for letter in reversed(_UNIVERSE)}
    return sorted(letter for tests, letter in by_tests.items() if any(tests)) or ["a"]


def _unmatched(pattern: Pattern) -> str:
    """The character that the fewest elements of the pattern match."""
    fewest: str = min(_UNIVERSE, key=lambda letter: sum(test(letter) for test in pattern.tests.values()))
    return fewest


def _repeats(items: Any, before: list[Any]) -> Iterator[tuple[list[Any], list[Any]]]:
    """Yield the elements of each repetition in the pattern, and the elements before it."""
    for index, (op, value) in enumerate(items):
        above = [*before, *list(items)[:index]]
        if str(op) in _REPEATS:
            yield above, list(value[2])
        for inner in _parts(str(op), value):
            yield from _repeats(inner, above)


def _parts(op: str, value: Any) -> list[Any]:
    """The elements inside an element, one list for each alternative."""
    if op == "BRANCH":
        return list(value[1])
    at = {"SUBPATTERN": 3, "ASSERT": 1, "ASSERT_NOT": 1, **dict.fromkeys(_REPEATS, 2)}.get(op)
    return [value] if op == "ATOMIC_GROUP" else [] if at is None else [value[at]]


def _sample(pattern: Pattern, items: Any, choose: random.Random, letters: list[str]) -> str:
    """A text that elements of the pattern match, assertions and references aside."""
    return "".join(_sample_of(pattern, str(op), value, choose, letters) for op, value in items)


def _sample_of(pattern: Pattern, op: str, value: Any, choose: random.Random, letters: list[str]) -> str:
    if op in _CHARACTERS:
        tests = [test for key, test in pattern.tests.items() if key.startswith(f"{op} {value} ")]
        matched: list[str] = [letter for letter in [*letters, *_UNIVERSE] if tests and tests[0](letter)]
        return choose.choice(matched or [""])
    if op in _REPEATS:
        most = min(int(value[1]), value[0] + choose.choice((0, 1, 2)))
        return "".join(_sample(pattern, value[2], choose, letters) for _ in range(max(most, value[0])))
    parts = [] if op.startswith("ASSERT") else _parts(op, value)
    return _sample(pattern, choose.choice(parts), choose, letters) if parts else ""
