"""Markdown text: escaping of block syntax, code and raw HTML, unclosed constructs.

The grammar is CommonMark 0.31.2; numbers in comments and docstrings are sections of that specification. No function
builds a document tree: each answers one question about a text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby

from kei_assembler import lazy_re
from kei_assembler.markdown.block_reader import BlockReader, Heading, Kind, Unclosed
from kei_assembler.markdown.html_blocks import OPENINGS
from kei_assembler.records import NamedTuple
from kei_assembler.whitespace import (
    SPACES,
    WHITESPACE,
    collapse_whitespace,
    collapse_whitespace_all,
    has_text,
    with_lf,
    with_lf_in_place,
)

_BACKTICKS = lazy_re.compile(r"`+")

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
_BLANK_OUT = lazy_re.compile(r"[^\n]")
_ESCAPE_OR_TICKS = lazy_re.compile(r"\\[^\n]|`+")


class Line(NamedTuple):
    """One line of a text: whether it is code or raw HTML, and the number of the block that it belongs to."""

    verbatim: bool
    block: int


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
    reader = BlockReader()
    lines = with_lf_in_place(text).split("\n")
    kinds = [(reader.read(line.expandtabs(4)), reader.block) for line in lines]
    last_indented = len(kinds)
    for index, (kind, block) in enumerate(kinds):
        if kind is Kind.INDENTED:
            between = kinds[last_indented + 1 : index]
            if all(inner is Kind.BLANK for inner, _ in between):  # blank lines inside indented code belong to it (4.4)
                kinds[last_indented + 1 : index] = [(kind, block)] * len(between)
            last_indented = index
    found = tuple(Line(kind in (Kind.INDENTED, Kind.VERBATIM), block) for kind, block in kinds)
    return Outline(found, reader.unclosed, reader.unclear, tuple(reader.headings))


def code_lines(text: str) -> tuple[bool, ...]:
    """Return which lines of a prompt are code. The lines are those of `with_lf_in_place(text)`.

    HTML blocks are not code here: in a prompt, HTML tags around rules are no more than a heading.
    """
    return outline(text.replace("<", "(")).verbatim


def may_have_trailing_whitespace(raw: bytes) -> bool:
    """Return whether `strip_trailing_whitespace` may change a text, given as UTF-8, in which searching is faster."""
    return (
        raw.rfind(b" \n") >= 0
        or raw.endswith((b" ", b"\t"))
        or b"\r" in raw
        or (b"\t" in raw and raw.rfind(b"\t\n") >= 0)
    )


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
