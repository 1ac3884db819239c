"""Mark texts before a template prints them, and find them in what it prints.

A marked text is wrapped in characters that occur nowhere else. What a template cuts, reverses or splits has lost one of
them, so it is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jinja2.ext import Extension
from jinja2.lexer import Token as Lexeme
from jinja2.lexer import TokenStream

from kei_assembler.diagnostics import KeyPath
from kei_assembler.records import NamedTuple
from kei_assembler.whitespace import WHITESPACE

LITERAL, EXPRESSION = "literal", "expression"
"""What of a template can be marked: its literal text, and what its expressions print. See also `Token.group`."""

_FIRST, _AFTER_LAST = 0x100000, 0x10FFFE
_DIGITS = 16
_SIZE = _DIGITS + 2
_LONGEST = 8  # a template can repeat a digit any number of times


class Value(NamedTuple):
    """A marked value: the variable that has it, such as `blocks` or `agent.role`, its path in that, and its text."""

    variable: str
    path: KeyPath
    text: str


class Token(NamedTuple):
    """A marked piece of a template: the file and the line that it starts on, as Jinja2 names them.

    If it is literal text, `before` and `after` are the white space around it, and `line` is that of `before`.
    """

    file: str
    line: int
    is_literal: bool = False
    before: str = ""
    after: str = ""

    @property
    def group(self) -> str:
        """What can be marked instead of all expressions: those of one line."""
        return f"{EXPRESSION} {self.file}:{self.line}"


class Found(NamedTuple):
    """What was found between two offsets of a printed text, and the piece of a template that is around it, if any."""

    start: int
    end: int
    what: Value | Token
    around: Token | None = None


def alphabets() -> Iterator[str]:
    """Yield sets of characters to mark texts with. All are for private use (Unicode, plane 16)."""
    for start in range(_FIRST, _AFTER_LAST - _SIZE, _SIZE):
        yield "".join(map(chr, range(start, start + _SIZE)))


class Marks:
    """Marks texts with the characters of an alphabet."""

    def __init__(self, alphabet: str) -> None:
        self._opening, self._closing, self._digits = alphabet[0], alphabet[1], alphabet[2:]
        self._mark = re.compile(
            f"{self._opening}|{self._closing}(?P<number>[{self._digits}]{{0,{_LONGEST}}})|[{self._digits}]"
        )
        self.tokens: list[Token] = []
        """What has been marked of templates."""
        self._values: list[Value] = []

    def forget_values(self) -> None:
        """Start over with other values. What is marked of templates stays."""
        self._values = []

    def value(self, value: Value) -> str:
        """Return the marked text of a value."""
        self._values.append(value)
        return self._wrapped(value.text, 2 * len(self._values) - 1)

    def token(self, token: Token) -> tuple[str, str]:
        """Return what goes before and after what a token prints."""
        self.tokens.append(token)
        return self._opening, self._closing + self._number(2 * len(self.tokens) - 2)

    def _wrapped(self, text: str, number: int) -> str:
        return f"{self._opening}{text}{self._closing}{self._number(number)}" if text else text

    def _number(self, number: int) -> str:
        return "".join(self._digits[int(digit, base=16)] for digit in f"{number:x}")

    def read(self, text: str) -> tuple[str, list[Found]]:
        """Return a text without its marks, and what was found in it."""
        pieces: list[str] = []
        found: list[Found] = []
        open_at: list[tuple[int, list[int]]] = []
        size = end = 0
        for mark in self._mark.finditer(text):
            pieces.append(text[end : mark.start()])
            size += mark.start() - end
            end = mark.end()
            if mark[0] == self._opening:
                open_at.append((size, []))
            elif mark["number"] is not None and open_at:
                self._close(found, open_at, size, self._what(mark["number"]))
        return "".join([*pieces, text[end:]]), found

    def _what(self, digits: str) -> Value | Token | None:
        number = 0
        for digit in digits:
            number = number * _DIGITS + self._digits.index(digit)
        known: list[Any] = self._values if number % 2 else self.tokens
        return known[number // 2] if digits and number // 2 < len(known) else None

    def _close(
        self, found: list[Found], open_at: list[tuple[int, list[int]]], end: int, what: Value | Token | None
    ) -> None:
        start, inner = open_at.pop()
        if isinstance(what, Token):
            for index in inner:
                found[index] = found[index]._replace(around=what)
        if what:
            found.append(Found(start, end, what))
            if open_at:
                open_at[-1][1].append(len(found) - 1)


def marking(marks: Marks, groups: frozenset[str]) -> type[Extension]:
    """Return an extension of Jinja2 that marks what templates print, as far as it is in one of these groups."""

    class Marking(Extension):
        """Marks templates before they are parsed."""

        def filter_stream(self, stream: TokenStream) -> Iterator[Lexeme]:
            """Yield the tokens of a template, with marks around what it prints."""
            file, after = stream.filename or "", ""
            for token in stream:
                if token.type == "data" and LITERAL in groups:
                    yield Lexeme(token.lineno, "data", _marked_literal(marks, file, token))
                    continue
                if token.type == "variable_begin":
                    expression = Token(file, token.lineno)
                    is_marked = not groups.isdisjoint((EXPRESSION, expression.group))
                    before, after = marks.token(expression) if is_marked else ("", "")
                    yield Lexeme(token.lineno, "data", before)
                yield token
                if token.type == "variable_end":
                    yield Lexeme(token.lineno, "data", after)

    return Marking


def _marked_literal(marks: Marks, file: str, token: Lexeme) -> str:
    """The literal text of a template with marks inside the white space around it, which a template may strip."""
    text = str(token.value)
    inner = text.strip(WHITESPACE)
    if not inner:
        return text
    space, _, rest = text.partition(inner)
    before, after = marks.token(Token(file, token.lineno, True, space, rest))
    return f"{space}{before}{inner}{after}{rest}"
