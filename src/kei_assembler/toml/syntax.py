"""Find the first syntax error of a TOML text, and what its author probably meant.

A TOML parser reports where it gave up, often lines after the mistake: a string that is not closed ends with its line,
and the error is somewhere in the next one. This reader knows where each string and bracket began. It is imported only
for a text that the parser refuses, checks nothing but the structure, and takes linear time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn

from kei_assembler import lazy_re
from kei_assembler.records import NamedTuple
from kei_assembler.toml.syntax_faults import ODD_SPACE, OF_KEYS, OF_RESTS, OF_VALUES, OTHER_ENDS, fault
from kei_assembler.whitespace import SPACES

MAX_DEPTH = 100
"""The nesting at which this reader gives up. The parser reports such a text as nested too deeply."""


class Problem(NamedTuple):
    """A syntax error: its kind, the offsets of the text that is wrong, and that text.

    `origin` is the offset of the string, list or table that it is a part of, or of the other one of two brackets.
    """

    kind: str
    start: int
    end: int
    text: str = ""
    origin: int = -1


class _Token(NamedTuple):
    """A token: a `newline`, a `comment`, the quotes that start a `string`, a `mark` or a `word`."""

    kind: str
    text: str
    start: int
    end: int


class _FoundError(Exception):
    """Ends the reading. `args` has the problem, or None if the reader gives up."""


def first_problem(text: str) -> Problem | None:
    """Return the first syntax error of a TOML text, or None if its structure is that of TOML 1.1."""
    try:
        _Reader(text).read()
    except _FoundError as found:
        problem: Problem | None = found.args[0]
        return problem
    return None


_TOKEN = lazy_re.compile(
    r"(?P<newline>\n)|(?P<comment>#[^\n]*+)|(?P<string>\"\"\"|'''|\"|')|(?P<mark>[\[\]{},=])"
    r"|(?P<word>[^ \t\n#\"'\[\]{},=]++)"
)
_ON_LINE = lazy_re.compile(r"[ \t]*+")
_ON_LINES = lazy_re.compile(r"(?:[ \t\n]|#[^\n]*+)*+")
_LINE = lazy_re.compile(r"[^\n]*+")
_STRINGS = {
    '"""': lazy_re.compile(r'"""(?:[^"\\]|\\[\s\S]|"(?!""))*+"{3,5}+'),
    "'''": lazy_re.compile(r"'''(?:[^']|'(?!''))*+'{3,5}+"),
    '"': lazy_re.compile(r'"(?:[^"\\\n]|\\[^\n])*+"'),
    "'": lazy_re.compile(r"'[^'\n]*+'"),
}
_ESCAPE = lazy_re.compile(
    r"\\(?:(?P<code>[uU](?:(?<=u)[0-9A-Fa-f]{4}|(?<=U)[0-9A-Fa-f]{8}))|(?P<plain>[btnfre\"\\]|x[0-9A-Fa-f]{2})"
    r"|(?P<line_end>[ \t]*+\n)|(?P<bad>[xuU][0-9A-Fa-f]{0,8}|[^\n]?))"
)
_CONTROL = lazy_re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_PLAIN_KEY = lazy_re.compile(r"[A-Za-z0-9_-]++(?:[ \t]*+\.[ \t]*+[A-Za-z0-9_-]++)*+")
_NUMBER = r"[+-]?[0-9][0-9_]*+(?:\.[0-9_]*+)?(?:[eE][+-]?[0-9_]++)?"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_LITERAL = lazy_re.compile(
    rf"true|false|[+-]?(?:inf|nan)|[+-]?0[xob][0-9A-Fa-f_]++|{_NUMBER}|[+-]?\.[0-9_]++"
    rf"|{_DATE}(?:[Tt][0-9:.Zz+-]*+)?|[0-9]{{2}}:[0-9]{{2}}[0-9:.]*+"
)
_DATE_AND_TIME = lazy_re.compile(rf"{_DATE} [0-9]{{2}}:[0-9:.Zz+-]++")
_STATEMENT = lazy_re.compile(r"[\w.-]++[ \t]*+=")
_HEADER = lazy_re.compile(
    r"\[\[?[ \t]*+(?!(?:true|false|[0-9.+-]+)[ \t]*+\])[A-Za-z0-9_][\w.\"'-]*+\]\]?[ \t]*+(?:#|\n|\Z)"
)
_BEFORE_EQUALS = lazy_re.compile(r"[^\n=\"'#]*+")
_WORDS = lazy_re.compile(r"[\w.*:-]++(?:,[ \t]*+[\w.*:-]++)++")
_EMPTY_STRING = lazy_re.compile(r"(?:\"\"|'')[ \t]*+\n")
_NEXT_LONG_STRING = lazy_re.compile(r"[\w.-]++[ \t]*+=[ \t]*+(?:\"{3}|'{3})")
_UNQUOTED = lazy_re.compile(r"[^\n#]*+")
_UNQUOTED_IN_LIST = lazy_re.compile(r"[^\n#,\[\]{}]*+")


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.last = 0  # the offset of the value before this place

    def read(self) -> None:
        while token := self._peek(lines=True):
            if token.text == "[":
                self._header(token.start)
            else:
                self.last = self._pair()
                self._end_line(self.last)

    def _peek(self, lines: bool = False) -> _Token | None:
        """Return the next token, after spaces or, with `lines`, line ends and comments."""
        skipped = _ON_LINES.match(self.text, self.at) if lines else _ON_LINE.match(self.text, self.at)
        self.at = skipped.end() if skipped else self.at
        match = _TOKEN.match(self.text, self.at)
        return _Token(str(match.lastgroup), match[0], *match.span()) if match else None

    def _stop(self, kind: str, start: int, end: int | None = None, origin: int = -1) -> NoReturn:
        """Report a text; without `end`, the rest of its line."""
        if end is None:
            end = start + max(1, len(self._rest(start)))
        raise _FoundError(Problem(kind, start, end, self.text[start:end], origin))

    def _rest(self, start: int, pattern: re.Pattern[str] = _LINE) -> str:
        match = pattern.match(self.text, start)
        return match[0].rstrip(SPACES) if match else ""

    def _header(self, start: int) -> None:
        is_of_list = self.text.startswith("[[", start)
        closing = "]]" if is_of_list else "]"
        self.at = start + len(closing)
        is_key = self._key()
        if not is_key and self._rest(start, _UNQUOTED).endswith(closing):
            self._stop("bad-header", start)
        if not is_key or not self.text.startswith(closing, self.at):
            self._stop("unclosed-list-header" if is_of_list else "unclosed-header", start)
        self.at += len(closing)
        token = self._peek()
        if token and token.kind not in ("newline", "comment"):
            self._stop(fault(OF_RESTS, self.text, token.start, "after-header"), token.start, origin=start)

    def _key(self) -> bool:
        """Read the words and strings before a `=` or `]`, and return whether they are a key."""
        plain, end = "", -1
        while (token := self._peek()) and token.kind in ("word", "string"):
            if token.kind == "string" and plain and not plain.endswith((".", ". ")):
                return False  # a quote or an apostrophe in prose
            plain += " " * (0 <= end < token.start) + (token.text if token.kind == "word" else "_")
            if len(token.text) > 1 and token.kind == "string":
                self._stop("long-key", token.start, token.end)
            if token.kind == "string":
                self._string(token, is_key=True)
            else:
                self.at = token.end
            end = self.at
        return _PLAIN_KEY.fullmatch(plain) is not None

    def _pair(self, table: int = -1) -> int:
        """Read a key and its value, and return the offset of the value."""
        first = self.at
        if odd := ODD_SPACE.search(self._rest(first, _BEFORE_EQUALS)):
            self._stop("odd-space", first + odd.start(), first + odd.end())
        if not self._key() or not self.text.startswith("=", self.at):
            kind = fault(OF_KEYS, self.text, first, "not-a-pair")
            if kind == "not-a-pair" and _EMPTY_STRING.fullmatch(self.text, self.last, first):
                self._stop("doubled-quotes", first, origin=self.last)  # meant to be three quotes
            self._stop(kind, first, origin=table)
        self.at += 1
        token = self._peek()
        if token is None or token.kind in ("newline", "comment") or token.text in ("]", "}", ","):
            self._stop("no-value", self.at, self.at + 1)
        self._value(token)
        return token.start

    def _value(self, token: _Token) -> None:
        if token.kind == "string":
            self._string(token)
        elif token.text == "[":
            self._nested(token.start, "list", "]", self._value)
        elif token.text == "{":
            self._nested(token.start, "table", "}", lambda _: self._pair(token.start))
        elif token.text[0] in "=>" and self.text[token.start - 1] == "=":
            self._stop("operator", token.start - 1, token.start + 1)
        else:
            self._literal(token)

    def _literal(self, token: _Token) -> None:
        if odd := ODD_SPACE.search(self.text, token.start, token.end):
            self._stop("odd-space", *odd.span())
        self.at = token.end
        if time := _DATE_AND_TIME.match(self.text, token.start):
            self.at = time.end()
        elif not _LITERAL.fullmatch(token.text):
            kind = fault(OF_VALUES, self.text, token.start, "unquoted")
            rest = self._rest(token.start, _UNQUOTED_IN_LIST if self.depth else _UNQUOTED)
            kind = "unquoted-list" if kind == "unquoted" and _WORDS.fullmatch(rest) else kind
            self._stop(kind, token.start, token.start + len(rest))

    def _nested(self, start: int, kind: str, closing: str, entry: Callable[[_Token], object]) -> None:
        """Read a list or an inline table."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _FoundError(None)
        self.at, needs_comma, last = start + 1, False, start
        while True:
            before = self.at
            token = self._peek(lines=True)
            is_on_new_line = "\n" in self.text[before : self.at]
            if token is None or (is_on_new_line and self._ends_nested(token, kind, needs_comma)):
                self._stop(f"unclosed-{kind}", start)
            if token.text == closing:
                break
            if token.text in ("]", "}"):
                self._stop(f"mismatched-{kind}", start, start + 1, token.start)
            if (token.text == ",") is not needs_comma:
                if token.kind == "word" and token.text[0] != ";" and self.text[token.start - 1] in "\"'":
                    self._stop("quote-in-list", token.start, origin=last)
                self._stop("missing-comma" if needs_comma else "extra-comma", token.start, token.end, start)
            if needs_comma:
                self.at = token.end
            else:
                entry(token)
                last = token.start
            needs_comma = not needs_comma
        self.at, self.depth = token.end, self.depth - 1

    def _ends_nested(self, token: _Token, kind: str, needs_comma: bool) -> bool:
        """Return whether the list or table was probably not closed before this token, which starts a line."""
        if _HEADER.match(self.text, token.start):
            return True
        is_statement = _STATEMENT.match(self.text, token.start) is not None
        return is_statement and (kind == "list" or (needs_comma and not self._closes_later()))

    def _closes_later(self) -> bool:
        """Return whether the inline table at this place is closed before the next header."""
        at, depth = self.at, 1
        while depth and (token := self._peek(lines=True)):
            if _HEADER.match(self.text, token.start):
                break
            string = _STRINGS[token.text].match(self.text, token.start) if token.kind == "string" else None
            self.at = string.end() if string else token.end
            depth += {"{": 1, "}": -1}.get(token.text, 0)
        self.at = at
        return not depth

    def _string(self, token: _Token, is_key: bool = False) -> None:
        string = _STRINGS[token.text].match(self.text, token.start)
        if string is None:
            self._stop_at_unclosed(token, is_key)
        self.at = string.end()
        if odd := _CONTROL.search(self.text, *string.span()):
            self._stop("control", *odd.span(), token.start)
        if token.text[0] == '"':
            self._check_escapes(token, string[0])

    def _stop_at_unclosed(self, token: _Token, is_key: bool) -> NoReturn:
        quote = token.text
        if len(quote) > 1:
            self._stop("unclosed-long-string", token.start, token.end)
        line = self._rest(token.start)
        if line.endswith('\\"') and quote == '"':
            self._check_escapes(token, line)
            self._stop("escaped-end", token.start)
        if is_key:
            self._stop("unclosed-key", token.start)
        # it was probably meant to have several lines if one of them, before the next key, has the other quote
        at = self.text.find("\n", token.start)
        while at >= 0 and not _STATEMENT.match(self.text, at + 1) and not _HEADER.match(self.text, at + 1):
            end = self.text.find("\n", at + 1)
            if self.text.count(quote, at, end if end >= 0 else len(self.text)) % 2:
                self._stop("several-lines", token.start)
            at = end
        is_other = line.rstrip(",]}) ")[1:][-1:] in tuple(OTHER_ENDS)
        self._stop("other-end" if is_other else "unclosed-string", token.start)

    def _check_escapes(self, token: _Token, string: str) -> None:
        escapes = list(_ESCAPE.finditer(string))
        literal = "'" * len(token.text)
        # a literal string can take the text as it is if no other escape in it means something
        is_literal = literal not in string and not any(escape["plain"] or escape["code"] for escape in escapes)
        ways = "literal" if is_literal else "doubled"
        for escape in escapes:
            if escape["bad"] is not None:
                kind = f"escape-{ways}{'-long' if len(literal) > 1 else ''}"
            elif escape["code"] and not _is_character(int(escape["code"][1:], base=16)):
                kind = "escape-code"
            else:
                continue
            start, end = (token.start + offset for offset in escape.span())
            self._stop(kind, start, end, token.start)

    def _end_line(self, value: int) -> None:
        """Report what follows a value on its line, except a comment."""
        token = self._peek()
        if token is None or token.kind in ("newline", "comment"):
            return
        if ODD_SPACE.match(self.text, token.start):
            self._stop("odd-space", token.start, token.start + 1)
        rest, quote = self._rest(token.start), self.text[value]
        if self._starts_next(value):
            self._stop("swallows-next", value, value + 3, self.at - 3)
        forms = (
            ("after-value", quote not in "\"'"),
            ("after-long-string", self.text.startswith(quote * 3, value)),
            ("doubled-quotes", self.text[value : token.start] == quote * 2),
            ("quote-in-string", quote in rest),
        )
        otherwise = next((kind for kind, applies in forms if applies), "after-value")
        kind = fault(OF_RESTS, self.text, token.start, otherwise)
        self._stop(otherwise if kind == "values" and quote in "[{" else kind, token.start, origin=value)

    def _starts_next(self, value: int) -> bool:
        """Return whether the end of a value is probably the start of the next key's string of several lines."""
        start = self.text.rfind("\n", value, self.at) + 1
        return start > value and _NEXT_LONG_STRING.fullmatch(self.text, start, self.at) is not None


_CODES, _SURROGATES = range(0x110000), range(0xD800, 0xE000)


def _is_character(code: int) -> bool:
    return code in _CODES and code not in _SURROGATES
