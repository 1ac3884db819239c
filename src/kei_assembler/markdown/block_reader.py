"""The block structure of a Markdown text, read line by line: containers, paragraphs, and open verbatim blocks.

The grammar is CommonMark 0.31.2; numbers in comments and docstrings are sections of that specification.
"""

from __future__ import annotations

import re
from enum import Enum

from kei_assembler import lazy_re
from kei_assembler.markdown.html_blocks import find_block, unclear
from kei_assembler.records import NamedTuple

DEEP_NESTING = "more than 9 nested lists and quotes"


class Unclosed(NamedTuple):
    """A construct that is still open at the end of a text: the line that opens it, from 1, and its name."""

    line: int
    what: str

    @property
    def with_article(self) -> str:
        """The name with its article."""
        return f"{'an' if self.what.startswith('HTML') else 'a'} {self.what}"


class Heading(NamedTuple):
    """A heading outside of lists and quotes: its level, and its first and last line, from 1 (4.2 and 4.3)."""

    level: int
    first: int
    last: int


_QUOTE = lazy_re.compile(r" {0,3}> ?")
_ITEM = lazy_re.compile(r" {0,3}(?P<marker>[-+*]|(?P<number>[0-9]{1,9})[.)])(?P<space> +|\Z)")
_THEMATIC_BREAK = lazy_re.compile(r" {0,3}([-*_]) *+(?:\1 *+){2,}+\Z")
_HEADING = lazy_re.compile(r"(?P<level>#{1,6})(?: |\Z)")
_UNDERLINE = lazy_re.compile(r"(?:=+|-+) *\Z")
_FENCE = lazy_re.compile(r"`{3,}(?=[^`]*\Z)|~{3,}")
_CODE_FENCE = "code fence"
_MAX_ITEM_INDENT = 4
_MAX_NESTING = 9  # markdown-it drops what follows 10 nested lists
_MAX_TRACKED_NESTING = 64  # deeper nesting is reported, and the containers around it would close it anyway


def _item(rest: str) -> re.Match[str] | None:
    return None if _THEMATIC_BREAK.match(rest) else _ITEM.match(rest)


def _ends_paragraph(item: re.Match[str]) -> bool:
    """Return whether a list item can interrupt a paragraph (5.2): it has text, and no number other than 1."""
    return item["number"] in (None, "1") and item.end() < len(item.string)


class Kind(Enum):
    """What a line is."""

    PROSE = "prose"
    BLANK = "blank"
    INDENTED = "indented code"
    VERBATIM = "fenced code or raw HTML"


class BlockReader:
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

    def copy(self) -> BlockReader:
        """Return a reader in the same state, to read a line in two versions."""
        other = BlockReader()
        other.__dict__.update(self.__dict__, containers=self.containers.copy(), headings=[])
        return other

    @property
    def state(self) -> tuple[object, ...]:
        """What the lines so far mean for those that follow. If it is equal, so is the structure of the rest."""
        ending = self.ending and self.ending.pattern
        return (
            self.block,
            self.containers,
            ending,
            self.in_paragraph,
            self.is_item_empty,
            self.after_blank,
            self.unclear,
        )

    @property
    def is_raw_html(self) -> bool:
        """Whether the verbatim block that was opened last is raw HTML."""
        return self.opened.what != _CODE_FENCE

    def continues(self, line: str) -> bool:
        """Return whether a line would belong to the innermost open container, or continue its paragraph."""
        rest, depth = self._within_containers(line)
        return depth == len(self.containers) or (self.in_paragraph and self._continues_paragraph(rest))

    def read(self, line: str) -> Kind:
        """Return the kind of the next line, with tabs expanded, and set `block` to the number of its block."""
        self.number += 1
        if self.after_blank and not line.strip(" "):  # a fast path, since a text can have a million blank lines
            return Kind.BLANK
        kind = self._read_line(line)
        self.after_blank = kind is Kind.BLANK
        return kind

    def _read_line(self, line: str) -> Kind:
        rest, depth = self._within_containers(line)
        if depth < len(self.containers):
            if self.in_paragraph and self._continues_paragraph(rest):
                return Kind.PROSE
            del self.containers[depth:]
            self.ending, self.in_paragraph, self.is_item_empty = None, False, False
        if self.is_item_empty and not rest.strip(" "):
            self.containers.pop()
        self.is_item_empty = False
        if self.ending:
            return self._continue_verbatim(rest)
        entered = len(self.containers)
        kind = self._read_leaf(self._enter_containers(rest))
        return Kind.PROSE if kind is Kind.BLANK and len(self.containers) > entered else kind

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

    def _continue_verbatim(self, rest: str) -> Kind:
        assert self.ending
        if self.ending.search(rest):
            self.ending = None
        return Kind.VERBATIM

    def _read_leaf(self, rest: str) -> Kind:
        start = rest.strip(" ")
        if rest.startswith("    ") and start and self.in_paragraph:
            return Kind.PROSE
        if rest.startswith("    ") and start:
            return Kind.INDENTED
        if fence := _FENCE.match(start):
            self._open(re.compile(rf"\A {{0,3}}{fence[0][0]}{{{len(fence[0])},}} *\Z"), _CODE_FENCE)
            return Kind.VERBATIM
        if html := self._html(start):
            self._open(*html)
            return self._continue_verbatim(rest)
        return self._read_text(rest, start)

    def _read_text(self, rest: str, start: str) -> Kind:
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
        return Kind.PROSE if start else Kind.BLANK

    def _open(self, ending: re.Pattern[str], name: str) -> None:
        self.ending, self.opened, self.in_paragraph = ending, Unclosed(self.number, name), False
