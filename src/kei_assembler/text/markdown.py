"""Facts about Markdown text: what opens a block, what is code, what is left open.

The grammar is CommonMark 0.31.2; section numbers below are that document's. Nothing here builds a document
tree: each function answers one question about a text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import cache
from itertools import groupby
from typing import NamedTuple

_SPACE_RUN = re.compile(r"[ \t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_BACKTICKS = re.compile(r"`+")

_ATTRIBUTE = r"""\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^ \t"'=<>`]+|'[^']*'|"[^"]*"))?"""
_LONE_TAG = rf"<[A-Za-z][A-Za-z0-9-]*(?:{_ATTRIBUTE})*\s*/?>\s*\Z|</[A-Za-z][A-Za-z0-9-]*\s*>\s*\Z"
_HTML_BLOCK_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|"
    "dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|"
    "menu|menuitem|nav|noframes|ol|optgroup|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|"
    "title|tr|track|ul"
)

# HTML blocks (4.6): what opens them, what ends them, what to call them. A blank line ends types 6 and 7.
_HTML_BLOCKS = (
    (r"<(?:script|pre|style|textarea)(?=[\s>]|\Z)", r"</(?:script|pre|style|textarea)>", "HTML element"),
    (r"<!--", r"-->", "HTML comment"),
    (r"<\?", r"\?>", "processing instruction"),
    (r"<![A-Za-z]", r">", "HTML declaration"),
    (r"<!\[CDATA\[", r"\]\]>", "CDATA section"),
    (rf"</?(?:{_HTML_BLOCK_TAGS})(?=[\s>]|/>|\Z)", r"\A\s*\Z", ""),
    (_LONE_TAG, r"\A\s*\Z", ""),
)

_BULLET = r"[-+*](?=[ \t]|\Z)"  # 5.2
_BREAK = r"(?:[-*_][ \t]*){3,}\Z"  # 4.1 thematic break
_NUMBER = r"(?P<number>\d{1,9})[.)](?=[ \t]|\Z)"  # 5.2 ordered item; some readers take any digits behind the first
_OPENINGS = {
    "#": r"\#{1,6}(?=[ \t]|\Z)",  # 4.2 ATX heading
    "-": rf"{_BULLET}|{_BREAK}|-+[ \t]*\Z",
    "+": _BULLET,
    "*": f"{_BULLET}|{_BREAK}",
    "_": _BREAK,
    "=": r"=+[ \t]*\Z",  # 4.3 setext underline, as that of hyphens
    ">": ">",  # 5.1 block quote
    "`": r"`{3,}[^`]*\Z",  # 4.5 fence
    "~": "~{3}",
    "[": r"\[(?:[^\[\]\\]|\\.)*\]:",  # 4.7 link reference definition
    "<": "|".join(opening for opening, _, _ in _HTML_BLOCKS),
    **dict.fromkeys("0123456789", _NUMBER),
}
"""What opens a block at the start of a line, by its first character."""


@cache
def _opening(first: str) -> re.Pattern[str]:
    """The pattern of what opens a block. \\s in it is all white space, and case does not count: some readers take it
    so, and a backslash too many does no harm.
    """
    return re.compile(_OPENINGS[first], re.IGNORECASE)


def fold(text: str) -> str:
    """Return the text on one line: each run of white space one space, none at the ends.

    No-break and ideographic spaces are letters of their scripts and stay.
    """
    return text if _is_spared(text) and text.splitlines() == [text] else _folded(text)


def fold_all(texts: Sequence[str]) -> tuple[str, ...]:
    """Return each of the texts folded, as most are already: that is seen in all of them at once."""
    lines = "\n".join(texts)
    spared = _is_spared(lines) and "\n " not in lines and " \n" not in lines
    return tuple(texts) if spared and lines.splitlines() == list(texts) else tuple(map(_folded, texts))


def _is_spared(text: str) -> bool:
    """Tell whether the text has no white space to spare, but for line ends."""
    has_tabs = "\t" in text or "\x1f" in text  # the white space of one line that is no space
    return not (has_tabs or "  " in text or text[:1] == " " or text[-1:] == " ")


def _folded(text: str) -> str:
    return _SPACE_RUN.sub(" ", text).strip(" ")


def inert(text: str) -> str:
    """Return the folded text with a backslash where it would otherwise open a Markdown block.

    Inline Markdown stays as it is. The result is safe at the start of a line, a list item or a quote.
    """
    return _escaped(fold(text))


def inert_all(texts: Sequence[str]) -> tuple[str, ...]:
    """Return each of the texts as `inert` does."""
    return tuple(_escaped(text) if text[:1] in _OPENINGS else text for text in fold_all(texts))


def _escaped(folded: str) -> str:
    first = folded[:1]
    opening = _opening(first).match(folded) if first in _OPENINGS else None
    if opening is None:
        return folded
    at = opening.end(1) if opening.lastgroup == "number" else 0
    return f"{folded[:at]}\\{folded[at:]}"


def reference(text: str) -> str:
    """Return a path or an address as code, anything else as inert text."""
    return code_span(text) if "/" in text and text.split() == [text] else inert(text)


def longest_backtick_run(text: str) -> int:
    """Return the length of the longest run of backticks in the text."""
    return max(map(len, _BACKTICKS.findall(text)), default=0)


def fence_around(text: str) -> str:
    """Return a fence of backticks that nothing in the text can close (4.5)."""
    return "`" * max(3, longest_backtick_run(text) + 1)


def code_span(text: str) -> str:
    """Return the folded text as a code span that holds its backticks (6.1)."""
    folded = fold(text)
    ticks = "`" * (longest_backtick_run(folded) + 1)
    padding = " " if folded.startswith("`") or folded.endswith("`") else ""
    return f"{ticks}{padding}{folded}{padding}{ticks}"


_BLANK_OUT = re.compile(r"[^\n]")
_ESCAPE_OR_TICKS = re.compile(r"\\[^\n]|`+")


class Unclosed(NamedTuple):
    """A construct that is still open where a text ends: the line that opens it (from 1) and its name."""

    line: int
    what: str


class Line(NamedTuple):
    """What one line of a text is: code or raw HTML, or else part of a block, which its lines share the number of."""

    verbatim: bool
    block: int


class Outline(NamedTuple):
    """What each line of a text is, and the construct that is left open, if any."""

    lines: tuple[Line, ...]
    unclosed: Unclosed | None

    @property
    def verbatim(self) -> tuple[bool, ...]:
        """For each line whether it is code or raw HTML."""
        return tuple(line.verbatim for line in self.lines)


def outline(text: str) -> Outline:
    """Read the block structure of a text as far as code and raw HTML go: the containers and leaves of 4 and 5."""
    reader = _Reader()
    kinds = [(reader.read(line.expandtabs(4)), reader.block) for line in text.split("\n")]
    last_indented = len(kinds)
    for index, (kind, block) in enumerate(kinds):
        if kind is _Kind.INDENTED:
            between = kinds[last_indented + 1 : index]
            if all(inner is _Kind.BLANK for inner, _ in between):  # they belong to the code around them (4.4)
                kinds[last_indented + 1 : index] = [(kind, block)] * len(between)
            last_indented = index
    return Outline(tuple(Line(kind.is_verbatim, block) for kind, block in kinds), reader.unclosed)


def tidy(text: str) -> str:
    """Return the text without white space at the ends of its lines, but for those of code."""
    has_spaces = text.rfind(" \n") >= 0  # in a long text that takes less than half of the time that `in` takes
    if not (has_spaces or ("\t" in text and "\t\n" in text) or text.endswith((" ", "\t"))):
        return text
    lines = zip(text.split("\n"), outline(text).verbatim, strict=True)
    return "\n".join(line if verbatim else line.rstrip(" \t") for line, verbatim in lines)


def trimmed(text: str) -> str:
    """Return the tidied text without blank lines and white space around it, but for the indent of code at its start."""
    inner = tidy(text).rstrip().lstrip("\n")
    return inner if inner.startswith(("    ", "\t")) else inner.lstrip(" \t\n")


def prose(text: str) -> str:
    """Return the text with every character of its code, blocks and spans, replaced by a space.

    Offsets and lines stay what they are.
    """
    lines = zip(text.split("\n"), outline(text).lines, strict=True)
    blocks = groupby(lines, key=lambda pair: pair[1])
    return "\n".join(_without_code("\n".join(line for line, _ in pairs), what) for what, pairs in blocks)


def _without_code(text: str, what: Line) -> str:
    if what.verbatim:
        return _BLANK_OUT.sub(" ", text)
    kept, parts = 0, []
    for start, end in code_spans(text):
        parts += [text[kept:start], _BLANK_OUT.sub(" ", text[start:end])]
        kept = end
    return "".join([*parts, text[kept:]])


def code_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the code spans of one block are (6.1): a run of backticks, up to the next one of the same length."""
    runs: dict[int, list[int]] = {}
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
_HEADING = re.compile(r"#{1,6}(?: |\Z)")
_UNDERLINE = re.compile(r"(?:=+|-+) *\Z")
_FENCE = re.compile(r"(?P<mark>`{3,})[^`]*\Z|(?P<tildes>~{3,})")
_LONE_TAG_ROW = len(_HTML_BLOCKS) - 1
_ITEM_INDENT_MOST = 4
_NESTING_MOST = 64  # what is deeper is no text for people, and ends with what holds it anyway


@cache
def _html_blocks() -> tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...]:
    flags = re.IGNORECASE | re.ASCII
    return tuple(
        (re.compile(opening, flags), re.compile(ending, flags), name) for opening, ending, name in _HTML_BLOCKS
    )


def _item(rest: str) -> re.Match[str] | None:
    return None if _THEMATIC_BREAK.match(rest) else _ITEM.match(rest)


def _interrupts(item: re.Match[str]) -> bool:
    return item["number"] in (None, "1") and item.end() < len(item.string)


class _Kind(Enum):
    PROSE = "prose"
    BLANK = "blank"
    INDENTED = "indented code"
    VERBATIM = "fenced code or raw HTML"

    @property
    def is_verbatim(self) -> bool:
        return self in (_Kind.INDENTED, _Kind.VERBATIM)


class _Reader:
    """Reads a text line by line, keeping the open containers and the open verbatim block.

    A container is the width of a list item's indent, or 0 for a block quote. An item is hollow while nothing
    has followed its marker: a blank line then ends it (5.2).
    """

    def __init__(self) -> None:
        self.number = 0
        self.containers: list[int] = []
        self.ending: re.Pattern[str] | None = None
        self.opened = Unclosed(0, "")
        self.in_paragraph = False
        self.hollow = False
        self.after_blank = False
        self.block = 0

    @property
    def unclosed(self) -> Unclosed | None:
        """What is open where the text ends; a container that ends there too closes what it holds."""
        return self.opened if self.ending and self.opened.what and not self.containers else None

    def read(self, line: str) -> _Kind:
        """Take the next line, without tabs, and tell what it is; `block` then is the number of its block."""
        self.number += 1
        if self.after_blank and not line.strip():  # nothing can change, and there may be a million of them
            return _Kind.BLANK
        kind = self._read(line)
        self.after_blank = kind is _Kind.BLANK
        return kind

    def _read(self, line: str) -> _Kind:
        rest, depth = self._within_containers(line)
        if depth < len(self.containers):
            if self.in_paragraph and self._continues_paragraph(rest):
                return _Kind.PROSE
            del self.containers[depth:]
            self.ending, self.in_paragraph, self.hollow = None, False, False
        if self.hollow and not rest.strip():
            self.containers.pop()
        self.hollow = False
        if self.ending:
            return self._continue_verbatim(rest)
        entered = len(self.containers)
        kind = self._read_leaf(self._enter_containers(rest))
        return _Kind.PROSE if kind is _Kind.BLANK and len(self.containers) > entered else kind

    def _within_containers(self, rest: str) -> tuple[str, int]:
        for depth, width in enumerate(self.containers):
            if width and not rest.strip():
                continue
            prefix = _QUOTE.match(rest) if not width else re.match(" " * width, rest)
            if prefix is None:
                return rest, depth
            rest = rest[prefix.end() :]
        return rest, len(self.containers)

    def _continues_paragraph(self, rest: str) -> bool:
        start = rest.strip()
        if not start or rest.startswith("    "):
            return bool(start)
        opens = _QUOTE.match(rest) or _item(rest) or _THEMATIC_BREAK.match(rest) or _HEADING.match(start)
        return not (opens or _FENCE.match(start) or self._html(start))

    def _html(self, start: str) -> tuple[re.Pattern[str], str] | None:
        for row, (opening, ending, name) in enumerate(_html_blocks() if start.startswith("<") else ()):
            if opening.match(start) and not (row == _LONE_TAG_ROW and self.in_paragraph):
                return ending, name
        return None

    def _enter_containers(self, rest: str) -> str:
        while len(self.containers) < _NESTING_MOST:
            if quote := _QUOTE.match(rest):
                self.containers.append(0)
                rest = rest[quote.end() :]
            elif (item := _item(rest)) and (not self.in_paragraph or _interrupts(item)):
                space = len(item["space"]) if item.end() < len(rest) else 1
                width = item.end("marker") + (space if space <= _ITEM_INDENT_MOST else 1)
                self.containers.append(width)
                rest = rest[width:]
                self.hollow = not rest.strip()
            else:
                break
            self.in_paragraph = False
        return rest

    def _continue_verbatim(self, rest: str) -> _Kind:
        assert self.ending
        if self.ending.search(rest):
            self.ending = None
        return _Kind.VERBATIM

    def _read_leaf(self, rest: str) -> _Kind:
        start = rest.strip()
        if rest.startswith("    ") and start and self.in_paragraph:
            return _Kind.PROSE
        if rest.startswith("    ") and start:
            return _Kind.INDENTED
        if fence := _FENCE.match(start):
            mark = fence["mark"] or fence["tildes"]
            self._open(re.compile(rf"\A {{0,3}}{mark[0]}{{{len(mark)},}}\s*\Z"), "code fence")
            return _Kind.VERBATIM
        if html := self._html(start):
            self._open(*html)
            return self._continue_verbatim(rest)
        return self._read_text(rest, start)

    def _read_text(self, rest: str, start: str) -> _Kind:
        alone = bool(_HEADING.match(start) or _THEMATIC_BREAK.match(rest))
        if alone or not self.in_paragraph:
            self.block += 1
        ends = alone or (self.in_paragraph and _UNDERLINE.match(start))
        self.in_paragraph = bool(start) and not ends
        return _Kind.PROSE if start else _Kind.BLANK

    def _open(self, ending: re.Pattern[str], name: str) -> None:
        self.ending, self.opened, self.in_paragraph = ending, Unclosed(self.number, name), False
