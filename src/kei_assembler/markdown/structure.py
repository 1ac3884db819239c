"""Markdown text: escaping of block syntax, code and raw HTML, unclosed constructs.

The grammar is CommonMark 0.31.2; numbers in comments and docstrings are sections of that specification. No function
builds a document tree: each answers one question about a text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import cache
from itertools import groupby
from typing import NamedTuple

from kei_assembler.markdown.html_blocks import OPENINGS, find_block, unclear
from kei_assembler.whitespace import (
    SPACES,
    WHITESPACE,
    collapse_whitespace,
    collapse_whitespace_all,
    has_text,
    with_lf,
    with_lf_in_place,
)

_BACKTICKS = re.compile(r"`+")

_BULLET = r"[-+*](?=[ \t]|\Z)"  # 5.2
_BREAK = r"(?:[-*_][ \t]*){3,}\Z"  # 4.1 thematic break
_NUMBER = r"(?P<number>\d{1,9})[.)](?=[ \t]|\Z)"  # 5.2 ordered item; some parsers accept Unicode digits
_OPENINGS = {
    "#": r"\#{1,6}(?=[ \t]|\Z)",  # 4.2 ATX heading
    "-": rf"{_BULLET}|{_BREAK}|-+[ \t]*\Z",
    "+": _BULLET,
    "*": f"{_BULLET}|{_BREAK}",
    "_": _BREAK,
    "=": r"=+[ \t]*\Z",  # 4.3 setext underline; the one of hyphens is above
    ">": ">",  # 5.1 block quote
    "`": r"`{3,}[^`]*\Z",  # 4.5 fence
    "~": "~{3}",
    "[": r"\[(?:[^\[\]\\]|\\.)*\]:",  # 4.7 link reference definition
    "<": OPENINGS,
    **dict.fromkeys("0123456789", _NUMBER),
}
"""Patterns of the syntax that opens a block at the start of a line, by the first character."""


@cache
def _opening(first: str) -> re.Pattern[str]:
    # The pattern ignores the case of all letters, because some parsers are that lenient and an unnecessary backslash is
    # harmless. It is compiled on demand to keep startup fast.
    return re.compile(_OPENINGS[first], re.IGNORECASE)


def escape_block_start(text: str) -> str:
    """Return the text with collapsed whitespace, and with a backslash if it would otherwise open a Markdown block.

    Inline Markdown stays as it is. The result is safe at the start of a line, a list item or a block quote.
    """
    return _escaped(collapse_whitespace(text))


def escape_block_starts(texts: Sequence[str]) -> tuple[str, ...]:
    """Return each of the texts as `escape_block_start` does, faster than one call for each."""
    return tuple(_escaped(text) if text[:1] in _OPENINGS else text for text in collapse_whitespace_all(texts))


def _escaped(text: str) -> str:
    first = text[:1]
    opening = _opening(first).match(text) if first in _OPENINGS else None
    if opening is None:
        return text
    index = opening.end("number") if opening.lastgroup == "number" else 0  # `1\.`: digits cannot be escaped (2.4)
    return f"{text[:index]}\\{text[index:]}"


def reference(text: str) -> str:
    """Return a path or a URL as a code span, and anything else as `escape_block_start` does."""
    return code_span(text) if "/" in text and text.split() == [text] else escape_block_start(text)


def longest_backtick_run(text: str) -> int:
    """Return the length of the longest run of backticks in the text."""
    return max(map(len, _BACKTICKS.findall(text)), default=0)


def fence_around(text: str) -> str:
    """Return a fence of backticks that nothing in the text can close (4.5)."""
    return "`" * (longest_backtick_run(text) + 1) if "```" in text else "```"


def code_span(text: str) -> str:
    """Return the text as a code span with collapsed whitespace, with enough backticks around the text's own (6.1)."""
    code = collapse_whitespace(text)
    ticks = "`" * (longest_backtick_run(code) + 1)
    padding = " " if code.startswith("`") or code.endswith("`") else ""
    return f"{ticks}{padding}{code}{padding}{ticks}"


_CODE_INDENTS = ("    ", "   \t", "  \t", " \t", "\t")  # 2.2: a tab stop is 4 columns wide
_BLANK_OUT = re.compile(r"[^\n]")
_ESCAPE_OR_TICKS = re.compile(r"\\[^\n]|`+")


DEEP_NESTING = "more than 9 nested lists and quotes"


class Unclosed(NamedTuple):
    """A construct that is still open at the end of a text: the line that opens it, from 1, and its name."""

    line: int
    what: str


class Line(NamedTuple):
    """One line of a text: whether it is code or raw HTML, and the number of the block that it belongs to."""

    verbatim: bool
    block: int


class Heading(NamedTuple):
    """A heading outside of lists and quotes: its level, and its first and last line, from 1 (4.2 and 4.3)."""

    level: int
    first: int
    last: int


class Outline(NamedTuple):
    """The lines of a text, and the construct that is still open at its end, if any.

    `unclear` is the first construct that parsers read differently, if any. A setext heading in `headings` can begin
    with link reference definitions, or consist of nothing else.
    """

    lines: tuple[Line, ...]
    unclosed: Unclosed | None
    unclear: Unclosed | None
    headings: tuple[Heading, ...]

    @property
    def verbatim(self) -> tuple[bool, ...]:
        """Whether each line is code or raw HTML."""
        return tuple(line.verbatim for line in self.lines)


def outline(text: str) -> Outline:
    """Return which lines of a text are code or raw HTML, from the block structure of sections 4 and 5.

    The lines are those of `with_lf_in_place(text)`.
    """
    reader = _BlockReader()
    lines = with_lf_in_place(text).split("\n")
    kinds = [(reader.read(line.expandtabs(4)), reader.block) for line in lines]
    last_indented = len(kinds)
    for index, (kind, block) in enumerate(kinds):
        if kind is _Kind.INDENTED:
            between = kinds[last_indented + 1 : index]
            if all(inner is _Kind.BLANK for inner, _ in between):  # blank lines inside indented code belong to it (4.4)
                kinds[last_indented + 1 : index] = [(kind, block)] * len(between)
            last_indented = index
    found = tuple(Line(kind in _VERBATIM, block) for kind, block in kinds)
    return Outline(found, reader.unclosed, reader.unclear, tuple(reader.headings))


def strip_trailing_whitespace(text: str) -> str:
    """Return the text with LF line ends and no trailing spaces or tabs on its lines, except in code and raw HTML."""
    text = with_lf(text)
    has_trailing_spaces = text.rfind(" \n") >= 0  # in a long text, `rfind` takes less than half the time of `in`
    if not (has_trailing_spaces or ("\t" in text and "\t\n" in text) or text.endswith((" ", "\t"))):
        return text
    lines = zip(text.split("\n"), outline(text).verbatim, strict=True)
    return "\n".join(line if verbatim else line.rstrip(SPACES) for line, verbatim in lines)


def trimmed(text: str) -> str:
    """Return the tidied text, stripped of blank lines and white space around it except the indent of leading code.

    A text without content becomes empty.
    """
    if not has_text(text):
        return ""
    inner = strip_trailing_whitespace(text).rstrip(WHITESPACE).lstrip("\n")
    return inner if inner.startswith(_CODE_INDENTS) else inner.lstrip(WHITESPACE)


def prose(text: str) -> str:
    """Return the text with a space for every character of its code blocks, raw HTML and code spans.

    Line ends stay, as LF, so lines and offsets are the same as in the text.
    """
    lines = zip(with_lf_in_place(text).split("\n"), outline(text).lines, strict=True)
    blocks = groupby(lines, key=lambda pair: pair[1])
    return "\n".join(_without_code("\n".join(line for line, _ in pairs), key) for key, pairs in blocks)


def _without_code(text: str, line: Line) -> str:
    if line.verbatim:
        return _BLANK_OUT.sub(" ", text)
    kept, parts = 0, []
    for start, end in code_spans(text):
        parts += [text[kept:start], _BLANK_OUT.sub(" ", text[start:end])]
        kept = end
    return "".join([*parts, text[kept:]])


def code_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each code span in the text of one block.

    A span starts at a run of backticks and ends after the next run of the same length (6.1).
    """
    runs: dict[int, list[int]] = {}  # starts by length: many unmatched runs must not take quadratic time
    for run in _BACKTICKS.finditer(text):
        runs.setdefault(len(run[0]), []).append(run.start())
    end = 0
    while opening := _ESCAPE_OR_TICKS.search(text, end):
        start, end = opening.span()
        closings = runs.get(end - start, []) if opening[0][0] == "`" else []
        following = bisect_right(closings, start)
        if following < len(closings):
            end += closings[following] - start
            yield start, end


_QUOTE = re.compile(r" {0,3}> ?")
_ITEM = re.compile(r" {0,3}(?P<marker>[-+*]|(?P<number>[0-9]{1,9})[.)])(?P<space> +|\Z)")
_THEMATIC_BREAK = re.compile(r" {0,3}([-*_]) *+(?:\1 *+){2,}+\Z")
_HEADING = re.compile(r"(?P<level>#{1,6})(?: |\Z)")
_UNDERLINE = re.compile(r"(?:=+|-+) *\Z")
_FENCE = re.compile(r"`{3,}(?=[^`]*\Z)|~{3,}")
_MAX_ITEM_INDENT = 4
_MAX_NESTING = 9  # markdown-it drops what follows 10 nested lists
_MAX_TRACKED_NESTING = 64  # deeper nesting is reported, and the containers around it would close it anyway


def _item(rest: str) -> re.Match[str] | None:
    return None if _THEMATIC_BREAK.match(rest) else _ITEM.match(rest)


def _ends_paragraph(item: re.Match[str]) -> bool:
    """Return whether a list item can interrupt a paragraph (5.2): it has text, and no number other than 1."""
    return item["number"] in (None, "1") and item.end() < len(item.string)


class _Kind(Enum):
    PROSE = "prose"
    BLANK = "blank"
    INDENTED = "indented code"
    VERBATIM = "fenced code or raw HTML"


_VERBATIM = (_Kind.INDENTED, _Kind.VERBATIM)


class _BlockReader:
    """Reads a text line by line and tracks the open containers and the open verbatim block.

    A container is the width of a list item's indent, or 0 for a block quote. `is_item_empty` is true while nothing has
    followed the marker of the last item: a blank line then ends the item (5.2).
    """

    def __init__(self) -> None:
        self.number = 0
        self.containers: list[int] = []
        self.ending: re.Pattern[str] | None = None
        self.opened = Unclosed(0, "")
        self.unclear: Unclosed | None = None
        self.in_paragraph = False
        self.is_item_empty = False
        self.after_blank = False
        self.block = 0
        self.paragraph_start = 0
        self.headings: list[Heading] = []

    @property
    def unclosed(self) -> Unclosed | None:
        """The construct open at the end of the text; the end of a container closes everything in it."""
        return self.opened if self.ending and self.opened.what and not self.containers else None

    def read(self, line: str) -> _Kind:
        """Return the kind of the next line, with tabs expanded, and set `block` to the number of its block."""
        self.number += 1
        if self.after_blank and not line.strip(" "):  # a fast path, since a text can have a million blank lines
            return _Kind.BLANK
        kind = self._read_line(line)
        self.after_blank = kind is _Kind.BLANK
        return kind

    def _read_line(self, line: str) -> _Kind:
        rest, depth = self._within_containers(line)
        if depth < len(self.containers):
            if self.in_paragraph and self._continues_paragraph(rest):
                return _Kind.PROSE
            del self.containers[depth:]
            self.ending, self.in_paragraph, self.is_item_empty = None, False, False
        if self.is_item_empty and not rest.strip(" "):
            self.containers.pop()
        self.is_item_empty = False
        if self.ending:
            return self._continue_verbatim(rest)
        entered = len(self.containers)
        kind = self._read_leaf(self._enter_containers(rest))
        return _Kind.PROSE if kind is _Kind.BLANK and len(self.containers) > entered else kind

    def _within_containers(self, rest: str) -> tuple[str, int]:
        for depth, width in enumerate(self.containers):
            if width and not rest.strip(" "):
                continue
            prefix = _QUOTE.match(rest) if not width else re.match(" " * width, rest)
            if prefix is None:
                return rest, depth
            rest = rest[prefix.end() :]
        return rest, len(self.containers)

    def _continues_paragraph(self, rest: str) -> bool:
        start = rest.strip(" ")
        if not start or rest.startswith("    "):
            return bool(start)
        opens = _QUOTE.match(rest) or _item(rest) or _THEMATIC_BREAK.match(rest) or _HEADING.match(start)
        return not (opens or _FENCE.match(start) or self._html(start))

    def _html(self, start: str) -> tuple[re.Pattern[str], str] | None:
        if not start.startswith("<"):
            return None
        block = find_block(start, self.in_paragraph)
        if name := unclear(start, block is not None):
            self.unclear = self.unclear or Unclosed(self.number, name)
        return block

    def _enter_containers(self, rest: str) -> str:
        while len(self.containers) < _MAX_TRACKED_NESTING:
            if quote := _QUOTE.match(rest):
                self.containers.append(0)
                rest = rest[quote.end() :]
            elif (item := _item(rest)) and (not self.in_paragraph or _ends_paragraph(item)):
                space = len(item["space"]) if item.end() < len(rest) else 1
                width = item.end("marker") + (space if space <= _MAX_ITEM_INDENT else 1)
                self.containers.append(width)
                rest = rest[width:]
                self.is_item_empty = not rest.strip(" ")
            else:
                break
            self.in_paragraph = False
        if len(self.containers) > _MAX_NESTING:
            self.unclear = self.unclear or Unclosed(self.number, DEEP_NESTING)
        return rest

    def _continue_verbatim(self, rest: str) -> _Kind:
        assert self.ending
        if self.ending.search(rest):
            self.ending = None
        return _Kind.VERBATIM

    def _read_leaf(self, rest: str) -> _Kind:
        start = rest.strip(" ")
        if rest.startswith("    ") and start and self.in_paragraph:
            return _Kind.PROSE
        if rest.startswith("    ") and start:
            return _Kind.INDENTED
        if fence := _FENCE.match(start):
            self._open(re.compile(rf"\A {{0,3}}{fence[0][0]}{{{len(fence[0])},}} *\Z"), "code fence")
            return _Kind.VERBATIM
        if html := self._html(start):
            self._open(*html)
            return self._continue_verbatim(rest)
        return self._read_text(rest, start)

    def _read_text(self, rest: str, start: str) -> _Kind:
        heading = _HEADING.match(start)
        is_single_line = bool(heading or _THEMATIC_BREAK.match(rest))
        if is_single_line or not self.in_paragraph:
            self.block += 1
        if not self.in_paragraph:
            self.paragraph_start = self.number
        underline = _UNDERLINE.match(start) if self.in_paragraph else None
        ends_block = is_single_line or underline
        if not self.containers and heading:
            self.headings.append(Heading(heading.end("level"), self.number, self.number))
        elif not self.containers and underline:
            self.headings.append(Heading(1 if start[0] == "=" else 2, self.paragraph_start, self.number))
        self.in_paragraph = bool(start) and not ends_block
        return _Kind.PROSE if start else _Kind.BLANK

    def _open(self, ending: re.Pattern[str], name: str) -> None:
        self.ending, self.opened, self.in_paragraph = ending, Unclosed(self.number, name), False
