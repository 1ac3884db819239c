"""What is at an offset of TOML text that somebody is typing, and that most likely is not valid.

Only the text before the offset counts, and the word that the offset is in. An array that is not closed ends where a
line starts like a key or a table.
"""

from __future__ import annotations

from enum import Enum

from kei_assembler import lazy_re
from kei_assembler.diagnostics import KeyPath
from kei_assembler.records import NamedTuple


class Kind(Enum):
    """What the word at an offset is, or would be."""

    KEY = "key"
    HEADER = "a part of the name of a table"
    VALUE = "value"


class Word(NamedTuple):
    """The word at an offset, perhaps an empty one, and where it is.

    `path` leads to the value, or to the table that the key is in, or to the table before this part of a name. `start`
    and `end` are the offsets of the word without its quotes. `quote` are the quotes before it. `is_closed` says whether
    a string has its quotes at the end, too.
    """

    kind: Kind
    path: KeyPath
    text: str
    start: int
    end: int
    quote: str = ""
    is_closed: bool = True

    @property
    def own_path(self) -> KeyPath:
        """The path of the value, or of the key or table that has the word as its name."""
        return self.path if self.kind is Kind.VALUE else (*self.path, self.text)


_TOKEN = lazy_re.compile(
    r'"""(?:[^"\\]|\\(?s:.)|"(?!""))*(?:"{3,5}|\\?\Z)'
    r"|'''(?:[^']|'(?!''))*(?:'{3,5}|\Z)"
    r'|"(?:\\.|[^"\\\n])*"?'
    r"|'[^'\n]*'?"
    r"|\#[^\n]*|[\[\]{},=.\n]|[ \t\r]+"
    r"|[^ \t\r\n\"'\[\]{},=.#]+|(?s:.)"
)
_QUOTES = lazy_re.compile("\"\"\"|'''|\"|'")
_STATEMENT = lazy_re.compile(
    r"[ \t]*(?:[A-Za-z0-9_-]+[ \t]*(?:\.[ \t]*[A-Za-z0-9_-]+[ \t]*)*=|(?P<header>\[\[?[ \t]*[A-Za-z_][^\]\n]*\]))"
)


class _Frame(NamedTuple):
    """An array or an inline table that is open. `item` is the index of the next item, or None for a table."""

    path: KeyPath
    item: int | None = None


_MAX_DEPTH = 100
"""The maximum length of a path. What is deeper counts as if it were here."""


def _below(path: KeyPath, *steps: str | int) -> KeyPath:
    return (*path, *steps)[:_MAX_DEPTH]


class _Reader:
    """Reads a text up to an offset."""

    def __init__(self, text: str, offset: int) -> None:
        self.text = text
        self.offset = offset
        self.table: KeyPath = ()
        self.frames: list[_Frame] = []
        self.keys: KeyPath = ()
        self.is_dotted = False
        """Whether the keys end with a dot."""
        self.value: KeyPath | None = None
        """The path of the value that a key and `=` have announced, if any."""
        self.starts_line = True
        self.is_done = False
        """Whether the value, or item, has been read."""
        self.last_items: dict[KeyPath, int] = {}

    def read(self) -> Word | None:
        end = 0
        while end < len(self.text) and end <= self.offset:
            start = end
            if self.starts_line and self.text.startswith("[", start):
                end = self.text.find("\n", start)
                end = len(self.text) if end < 0 else end
                word = self._header(start, min(end, self.offset))
                if self.offset <= end:
                    return word
                self.starts_line = False
                continue
            token = _TOKEN.match(self.text, start)
            assert token is not None
            end, mark = token.end(), token[0][0]
            self.starts_line = self.starts_line and mark in " \t\r"
            if mark == "#":
                if start < self.offset <= end:
                    return None
            elif mark not in " \t\r\n[]{},=.":
                if start <= self.offset <= end:
                    return self._word(token[0], start)
                self._pass(token[0])
            elif end <= self.offset:
                self._punctuate(token[0], end)
        return self._word("", self.offset)

    def _header(self, start: int, end: int) -> Word:
        """Read the name of a table, and return the part of it at the end."""
        name = self.text[start:end]
        marks = len(name) - len(name.lstrip("["))
        is_array, position = marks > 1, start + marks
        path: KeyPath = ()
        word = Word(Kind.HEADER, (), "", position, position)
        for token in _TOKEN.finditer(self.text, position):
            is_behind = token.start() > end or (token.start() == end and (word.text or token[0] == "."))
            if is_behind or token[0] in "]\n" or token[0][0] == "#":
                break
            if token[0] == ".":
                path = self._inside(_below(path, word.text))
                word = Word(Kind.HEADER, path, "", token.end(), token.end())
            elif token[0].strip(" \t"):
                quote, text, is_closed = _unquoted(token[0])
                first = token.start() + len(quote)
                word = Word(Kind.HEADER, path, text, first, first + len(text), quote, is_closed)
        self.table = _below(path, word.text)
        if is_array:
            self.last_items[self.table] = self.last_items.get(self.table, -1) + 1
            self.table = _below(self.table, self.last_items[self.table])
        else:
            self.table = self._inside(self.table)
        return word

    def _inside(self, path: KeyPath) -> KeyPath:
        return _below(path, self.last_items[path]) if path in self.last_items else path

    def _word(self, token: str, start: int) -> Word | None:
        quote, text, is_closed = _unquoted(token)
        first = start + len(quote)
        place = (text, first, first + len(text), quote, is_closed)
        if self.offset < first or (quote and is_closed and self.offset > first + len(text)):
            return None  # on the quotes
        if self.is_done and not token:
            return None
        if self.value is None:
            return Word(Kind.KEY, _below(self._around(), *(self.keys if self.is_dotted else ())), *place)
        return Word(Kind.VALUE, self.value, *place)

    def _around(self) -> KeyPath:
        return self.frames[-1].path if self.frames else self.table

    def _pass(self, token: str) -> None:
        if self.value is None:
            self.keys = _below(self.keys if self.is_dotted else (), _unquoted(token)[1])
            self.is_dotted = False
        else:
            self.is_done = True

    def _punctuate(self, token: str, end: int) -> None:
        if token == "\n":
            self._end_line(end)
        elif token == ".":
            self.is_dotted = True
        elif token == "=" and self.value is None:
            self.value, self.is_done, self.keys = _below(self._around(), *self.keys), False, ()
        elif token in "[{" and self.value is not None:
            self.frames.append(_Frame(self.value, 0 if token == "[" else None))
            self.value, self.is_done, self.keys = _below(self.value, 0) if token == "[" else None, False, ()
        elif token in "]}" and self.frames:
            closed = self.frames.pop()
            self.value, self.is_done, self.keys = closed.path, True, ()
        elif token == "," and self.frames:
            frame = self.frames[-1]
            if frame.item is not None:
                self.frames[-1] = frame = _Frame(frame.path, frame.item + 1)
            self.value = None if frame.item is None else _below(frame.path, frame.item)
            self.is_done, self.keys = False, ()

    def _end_line(self, end: int) -> None:
        statement = _STATEMENT.match(self.text, end) if self.frames else None
        is_in_array = any(frame.item is not None for frame in self.frames[-1:])
        if statement and (is_in_array or statement["header"]):
            self.frames.clear()
        if not self.frames:
            self.value, self.is_done, self.keys, self.starts_line = None, False, (), True


def _unquoted(token: str) -> tuple[str, str, bool]:
    """Return the quotes of a token, what is between them, and whether it has closing quotes."""
    quotes = _QUOTES.match(token)
    if quotes is None:
        return "", token, True
    is_closed = len(token) >= 2 * len(quotes[0]) and token.endswith(quotes[0])
    return quotes[0], token[len(quotes[0]) : len(token) - len(quotes[0]) * is_closed], is_closed


def word_at(text: str, offset: int) -> Word | None:
    """Return the word at an offset of TOML text, or None if there is nothing to complete there, as in a comment."""
    return _Reader(text, offset).read()
