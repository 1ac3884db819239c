"""Patterns for values, which a kit can declare.

They are regular expressions without what can make them backtrack: look-around and references. Every state that a text
can reach is followed at once (Thompson 1968), so a match takes time in proportion to the lengths of the pattern and of
the text. A stranger's kit cannot stop a run with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache

from kei_assembler import lazy_re
from kei_assembler.records import NamedTuple

MAX_LENGTH = 1000
"""The maximum length of a text that is compared with a pattern, in characters."""

_MAX_STATES = 500
_MAX_GROUPS = 20

_CLASS = lazy_re.compile(r"\[\^?\]?(?:\\.|[^\[\]\\])*+\]", re.DOTALL)
_DOUBLE = lazy_re.compile(r"--|&&|\|\||~~")
_ESCAPE = lazy_re.compile(r"\\(?:[dDsSwW]|[^a-zA-Z0-9])", re.DOTALL)
_COUNT = lazy_re.compile(r"\{(?P<least>[0-9]{1,4})(?P<comma>,(?P<most>[0-9]{1,4})?)?\}")
_SIGNS = {"*": (0, None), "+": (1, None), "?": (0, 1)}

Test = Callable[[str], object]


class PatternError(ValueError):
    """A pattern that cannot be used. The message says why."""


class _Repeat(NamedTuple):
    node: _Node
    least: int
    most: int | None


class _Either(NamedTuple):
    """One of several sequences."""

    sequences: tuple[tuple[_Node, ...], ...]


_Node = Test | _Repeat | _Either


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.groups = 0

    def parse(self) -> _Node:
        node = self._either()
        if self.position < len(self.text):
            raise PatternError("it closes a group that it does not open")
        return node

    def _next(self) -> str:
        return self.text[self.position : self.position + 1]

    def _either(self) -> _Node:
        sequences = [self._sequence()]
        while self._next() == "|":
            self.position += 1
            sequences.append(self._sequence())
        return _Either(tuple(sequences))

    def _sequence(self) -> tuple[_Node, ...]:
        nodes: list[_Node] = []
        while self._next() not in ("", "|", ")"):
            node = self._atom()
            if counts := self._counts():
                node = _Repeat(node, *counts)
            nodes.append(node)
        return tuple(nodes)

    def _counts(self) -> tuple[int, int | None] | None:
        match = _COUNT.match(self.text, self.position)
        sign = self._next()
        if not match and sign not in _SIGNS:
            return None
        self.position += match.end() - match.start() if match else 1
        if self._next() in ("*", "+", "?", "{"):
            raise PatternError("it repeats a repetition")
        if not match:
            return _SIGNS[sign]
        least = int(match["least"])
        most = int(match["most"]) if match["most"] else None if match["comma"] else least
        if most is not None and most < least:
            raise PatternError(f"`{match[0]}` has a maximum below its minimum")
        return least, most

    def _atom(self) -> _Node:
        sign = self._next()
        if sign == "(":
            return self._group()
        if sign in ("*", "+", "?"):
            raise PatternError(f"there is nothing for `{sign}` to repeat")
        if sign in ("^", "$"):
            raise PatternError(f"`{sign}` can only be at an end: a value must match as a whole")
        if sign in ("[", "\\"):
            return self._set(sign)
        self.position += 1
        return _test(sign) if sign == "." else sign.__eq__

    def _set(self, sign: str) -> _Node:
        if sign == "[":
            match = _CLASS.match(self.text, self.position)
            fault = "`[` has no end, or contains another `[`"
        else:
            match = _ESCAPE.match(self.text, self.position)
            fault = "it has an unknown escape"
        if not match or (sign == "[" and _DOUBLE.search(match[0])):
            raise PatternError(fault)
        self.position = match.end()
        return _test(match[0])

    def _group(self) -> _Node:
        self.groups += 1
        if self.groups > _MAX_GROUPS:
            raise PatternError(f"it has more than {_MAX_GROUPS} groups inside each other")
        self.position += 3 if self.text.startswith("(?:", self.position) else 1
        if self._next() == "?":
            raise PatternError("it has a group with a special meaning; only `(…)` and `(?:…)` are possible")
        node = self._either()
        if self._next() != ")":
            raise PatternError("it does not close a group")
        self.position += 1
        self.groups -= 1
        return node


@cache
def _test(atom: str) -> Test:
    try:
        return re.compile(atom).fullmatch
    except re.error as error:
        raise PatternError(f"`{atom}` is not a set of characters: {error.msg}") from error


class Pattern:
    """A pattern, as states: each has the test of a character, or none, and the states that follow it.

    Raises:
        PatternError: the pattern cannot be used.
    """

    def __init__(self, text: str) -> None:
        self._states: list[tuple[Test | None, list[int]]] = [(None, [])]
        whole = text.removeprefix("^")
        whole = whole.removesuffix("$") if not whole.endswith("\\$") else whole
        self._start = self._add(_Parser(whole).parse(), 0)

    def _state(self, test: Test | None, following: Iterable[int]) -> int:
        if len(self._states) == _MAX_STATES:
            raise PatternError("it is too large")
        self._states.append((test, [*following]))
        return len(self._states) - 1

    def _add(self, node: _Node, following: int) -> int:
        """Add the states of a node before a state, and return the first of them."""
        if isinstance(node, _Either):
            starts = []
            for sequence in node.sequences:
                start = following
                for each in reversed(sequence):
                    start = self._add(each, start)
                starts.append(start)
            return self._state(None, starts)
        if not isinstance(node, _Repeat):
            return self._state(node, [following])
        start = following
        if node.most is None:
            start = self._state(None, [following])
            self._states[start][1].append(self._add(node.node, start))
        for _ in range((node.most or node.least) - node.least):
            start = self._state(None, [following, self._add(node.node, start)])
        for _ in range(node.least):
            start = self._add(node.node, start)
        return start

    def matches(self, text: str) -> bool:
        """Return whether the whole text matches. A text that is longer than `MAX_LENGTH` does not."""
        if len(text) > MAX_LENGTH:
            return False
        reached = self._reached([self._start])
        for character in text:
            passed = (state for state in reached if (test := self._states[state][0]) and test(character))
            reached = self._reached(following for state in passed for following in self._states[state][1])
        return 0 in reached

    def _reached(self, starts: Iterable[int]) -> set[int]:
        """Return these states, and all that can be reached from them without a character."""
        found: set[int] = set()
        waiting = [*starts]
        while waiting:
            state = waiting.pop()
            if state not in found:
                found.add(state)
                test, following = self._states[state]
                waiting += following if test is None else ()
        return found


@lru_cache(maxsize=1000)
def pattern(text: str) -> Pattern:
    """Return a pattern, read only once.

    Raises:
        PatternError: the pattern cannot be used.
    """
    return Pattern(text)


@lru_cache(maxsize=10_000)
def matches(text: str, value: str) -> bool:
    """Return whether a value matches a pattern as a whole. A pattern that cannot be used matches everything."""
    try:
        return pattern(text).matches(value)
    except PatternError:
        return True


def fault_of(text: str) -> str:
    """Return why a pattern cannot be used, or "" if it can."""
    try:
        pattern(text)
    except PatternError as error:
        return str(error)
    return ""
