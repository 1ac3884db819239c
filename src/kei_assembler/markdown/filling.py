"""Fill the placeholders of a Markdown text with values that are plain text.

A value is written as it is if the block structure of the text is the same as with a word in its place. If it is not,
the value is escaped. If that does not help either, it is a problem. The structure is that of CommonMark 0.31.2, read
line by line, and of the tables of GitHub Flavored Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import groupby

from kei_assembler import lazy_re
from kei_assembler.markdown import escapes
from kei_assembler.markdown.block_reader import BlockReader, Kind
from kei_assembler.markdown.filled_lines import (
    WORD,
    Piece,
    Pieces,
    culprit,
    literal,
    pieces_of,
    text_of,
    with_code_spans_kept,
    words_of,
)
from kei_assembler.markdown.placeholders import (
    LIST,
    SIZE,
    STRUCTURE,
    Filling,
    Place,
    Problem,
    Value,
    Values,
    fill_plain,
    is_too_large,
    places,
    problem_of,
)
from kei_assembler.markdown.structure import prose
from kei_assembler.markdown.tables import cells, is_delimiter_row, lines_in_tables
from kei_assembler.records import NamedTuple
from kei_assembler.whitespace import SPACES, with_lf_in_place

_HARMLESS = lazy_re.compile(r"[A-Za-z](?:[\w ,.;()/*=+%-]*[\w)])?", re.ASCII)
"""Values that change no structure in a text without HTML and definitions of links."""

_MAX_ENTRY = 4000
_SPECIAL = lazy_re.compile(r"[`<\\]")

_MARKER = lazy_re.compile(r"[-+*]|[0-9]{1,9}[.)]")
_MARKERS = lazy_re.compile(r"(?:[ \t>]|(?:[-+*]|[0-9]{1,9}[.)])(?=[ \t]))*+")
_LABEL = lazy_re.compile(r"\[(?:[^\[\]\\]|\\.)*+\]:")
_DESTINATION = lazy_re.compile(
    r"""[ \t]*+(?:(?:<[^<>]*+>|(?P<bare>[^ \t<][^ \t]*+))(?:[ \t]++(?:"[^"]*+"|'[^']*+'|\([^()]*+\)))?+[ \t]*+)?+\Z"""
)
_PARENTHESIS = lazy_re.compile(r"\\.|[()]")
_QUOTED = " \t>"
_MAX_NUMBER = 999_999_999
_MAX_KEPT = 16
_MAX_SHORT = 64 * 1024
_CODE = (Kind.VERBATIM, Kind.INDENTED)


class MarkdownText:
    """A Markdown text with placeholders. It is read once, and filled with many sets of values."""

    def __init__(self, text: str) -> None:
        self.text = with_lf_in_place(text)
        self.lines = self.text.split("\n")
        self.places = tuple(places(self.text, prose(self.text)))
        self._sorted_names = sorted({place.name for place in self.places if place.name})
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.by_line: dict[int, list[Place]] = {}
        number = 0
        for place in self.places:
            while self.starts[number + 1] <= place.start:
                number += 1
            self.by_line.setdefault(number, []).append(place)
        self.is_simple = "<" not in self.text and "]:" not in self.text
        self._filled: dict[tuple[tuple[str, Value], ...], Filling] = {}

    @cached_property
    def in_tables(self) -> dict[int, bool]:
        """The lines of tables, see `lines_in_tables`."""
        return lines_in_tables(self.lines)

    def fill(self, values: Values) -> Filling:
        """Return the filled text. Its line ends are LF. The results for some sets of values are kept."""
        used = tuple([(name, values[name]) for name in self._sorted_names if name in values])
        if used not in self._filled:
            filling = self._fill(dict(used))
            if len(self._filled) == _MAX_KEPT or len(filling.text) > _MAX_SHORT:
                self._filled.clear()
            self._filled[used] = filling
        return self._filled[used]

    def _fill(self, values: Values) -> Filling:
        if is_too_large(self.places, values):
            first = next(place for place in self.places if place.name in values)
            return Filling((self.text,), (Problem(SIZE, first),))
        if self.is_simple and all(map(_is_harmless, values.values())):
            return fill_plain(self.text, values, found=self.places)
        return _Filler(self, values).fill()


def _is_harmless(value: Value) -> bool:
    return isinstance(value, str) and _HARMLESS.fullmatch(value) is not None


class FilledLine(NamedTuple):
    """A line of a filled text: the line that it comes from, from 0, and the names of the values in it.

    `part` is the line of a value with several lines, or the entry of a list. For all other values, it is 0.
    """

    text: str
    number: int
    names: tuple[str, ...] = ()
    part: int = 0


def filled_lines(text: str, values: Values) -> list[FilledLine]:
    """Return the lines of a Markdown text that is filled with values."""
    filler = _Filler(MarkdownText(text), values)
    filler.fill()
    return [line.filled(text) for line, text in zip(filler.written, filler.lines(), strict=True)]


class _WrittenLine(NamedTuple):
    pieces: Pieces
    block: int
    number: int
    part: int

    def filled(self, text: str) -> FilledLine:
        names = (piece.place.name for piece in self.pieces if piece.place)
        return FilledLine(text, self.number, tuple(dict.fromkeys(names)), self.part)


class _Filler:
    """Fills one text. `reader` has read the lines so far, with a word in the place of each value."""

    def __init__(self, source: MarkdownText, values: Values) -> None:
        self.source = source
        self.values = values
        self.reader = BlockReader()
        self.written: list[_WrittenLine] = []
        self.problems: dict[Place, Problem] = {}
        self.number = 0
        self.part = 0

    def fill(self) -> Filling:
        """Return the filled text."""
        for number, line in enumerate(self.source.lines):
            self.number, self.part = number, 0
            if number in self.source.by_line:
                self._fill_line(line)
            else:
                self._write([literal(line)], self._read(line))
        return Filling(("\n".join(self.lines()),), tuple(self.problems.values()))

    def lines(self) -> Iterator[str]:
        """Yield the lines of the filled text."""
        for block, group in groupby(self.written, key=lambda line: line.block):
            lines = [line.pieces for line in group]
            if block:
                lines, place = with_code_spans_kept(lines)
                self._report(STRUCTURE, place)
            yield from map(text_of, lines)

    def _report(self, kind: str, place: Place | None) -> None:
        if place:
            self.problems.setdefault(place, Problem(kind, place))

    def _read(self, line: str) -> Kind:
        return self.reader.read(line.expandtabs(4))

    def _write(self, pieces: Pieces, kind: Kind) -> None:
        block = self.reader.block if kind is Kind.PROSE else 0
        self.written.append(_WrittenLine(pieces, block, self.number, self.part))

    def _fill_line(self, line: str) -> None:
        found, start = self.source.by_line[self.number], self.source.starts[self.number]
        first, before, rest = found[0], line[: found[0].start - start], line[found[0].end - start :]
        is_alone = not rest.strip(SPACES) and not before.strip(_QUOTED)
        is_item = not rest.strip(SPACES) and _is_item_start(before)
        problems = [problem_of(place, self.values, is_alone, is_item) for place in found]
        value = self.values.get(first.name)
        if any(problems):
            self.problems |= {problem.place: problem for problem in problems if problem}
            self._write([literal(line)], self._read(line))
        elif isinstance(value, tuple):
            self._fill_item(before, first, value)
        elif value and "\n" in value:
            self._fill_lines(before, first, value.split("\n"), rest)
        else:
            self._add(pieces_of(line, found, start, self.values))

    def _add(self, pieces: Pieces) -> None:
        """Read a line with words for its values, and write it in the first way that has the same structure."""
        words = words_of(pieces)
        if self.source.is_simple and all(piece.place is None or _is_harmless(piece.text) for piece in pieces):
            self._write(pieces, self._read(words))
            return
        before = self.reader
        self.reader = before.copy()
        kind = self._read(words)
        expected = (self.reader.state, self._signs(words, kind))

        def is_same(candidate: Pieces) -> bool:
            text, trial = text_of(candidate), before.copy()
            return trial.read(text.expandtabs(4)) is kind and (trial.state, self._signs(text, kind)) == expected

        chosen = next(filter(is_same, self._candidates(pieces, kind)), None)
        if chosen is None:
            self._report(STRUCTURE, culprit(pieces, is_same))
        self._write(chosen or pieces, kind)

    def _candidates(self, pieces: Pieces, kind: Kind) -> Iterator[Pieces]:
        is_html = kind is Kind.VERBATIM and self.reader.is_raw_html
        ways = [_ways(piece, kind, is_html) for piece in pieces]
        for number in range(max(map(len, ways))):
            yield [
                piece._replace(text=of_piece[min(number, len(of_piece) - 1)](piece.text))
                for piece, of_piece in zip(pieces, ways, strict=True)
            ]

    def _signs(self, text: str, kind: Kind) -> object:
        """Return what a line means for parts of Markdown that the reader does not know: tables and link definitions."""
        if kind is not Kind.PROSE:
            return None
        markers = _MARKERS.match(text)
        label = _LABEL.match(text, markers.end() if markers else 0)
        destination = label and _DESTINATION.match(text, label.end())
        is_whole = label and destination is not None and _is_balanced(destination["bare"] or "")
        is_header = self.source.in_tables.get(self.number)
        return is_whole, is_delimiter_row(text), None if is_header is None else cells(text, is_header)

    def _fill_lines(self, before: str, place: Place, lines: list[str], rest: str) -> None:
        for line in lines[:-1]:
            self._add_one_of_several(before, place, line, "")
            self.part += 1
        self._add_one_of_several(before, place, lines[-1], rest)

    def _add_one_of_several(self, before: str, place: Place, line: str, rest: str) -> None:
        if line.strip(SPACES):
            self._add([literal(before), Piece(line, WORD, place), literal(rest)])
            return
        blank, containers, ending = before.rstrip(SPACES), [*self.reader.containers], self.reader.ending
        kind = self._read(blank)
        if (self.reader.containers, self.reader.ending) != (containers, ending) or self.number in self.source.in_tables:
            self._report(STRUCTURE, place)
        self._write([literal(blank), Piece("", "", place)], kind)

    def _fill_item(self, before: str, place: Place, entries: tuple[str, ...]) -> None:
        item = self.reader.copy()
        is_code = item.read((before + WORD).expandtabs(4)) in _CODE
        is_item = item.block > self.reader.block and bool(item.containers and item.containers[-1])
        if not is_code and (not is_item or self._goes_on(item)):
            self._report(LIST, place)
        marker = [*_MARKER.finditer(before)][-1]
        if not entries:
            self._leave_out(item, place)
        outer, space = before[: marker.start()], before[marker.end() :]
        for index, entry in enumerate(entries):
            self.part = index
            self._add([literal(f"{outer}{_counted(marker[0], index)}{space}"), Piece(entry, WORD, place)])
            outer = re.sub("[^ \t>]", " ", outer)
        if _counted(marker[0], len(entries)) == marker[0] and marker[0][0].isdigit():
            self._report(STRUCTURE, place)

    def _goes_on(self, item: BlockReader) -> bool:
        """Return whether an item has more than the line that was read last."""
        reader = item.copy()
        for line in self._following():
            if line.strip(SPACES):
                return reader.continues(line)
            reader.read(line)
        return False

    def _following(self) -> Iterator[str]:
        for number in range(self.number + 1, len(self.source.lines)):
            yield self.source.lines[number].expandtabs(4)

    def _leave_out(self, item: BlockReader, place: Place) -> None:
        """Write nothing for an item. What follows must mean the same without it."""
        if not next(self._following(), "").strip(_QUOTED) and self.written:
            is_blank = not text_of(self.written[-1].pieces).strip(_QUOTED)
            del self.written[len(self.written) - is_blank :]
        with_item, without = item.copy(), self.reader.copy()
        for line in self._following():
            kinds = with_item.read(line), without.read(line)
            if line.strip(SPACES):
                if kinds[0] is not kinds[1] or with_item.containers != without.containers:
                    self._report(STRUCTURE, place)
                return


def _is_balanced(text: str) -> bool:
    """Return whether each parenthesis of a link's destination has its counterpart (CommonMark 0.31.2, section 4.7)."""
    depth = 0
    for sign in _PARENTHESIS.findall(text):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return depth == 0


def _ways(piece: Piece, kind: Kind, is_html: bool) -> tuple[escapes.Way, ...]:
    if piece.place is None:
        return (escapes.raw,)
    if piece.in_tag or (is_html and "<" in piece.text):
        return (escapes.entities,)
    if kind in _CODE:
        return escapes.IN_HTML if is_html else escapes.IN_CODE
    return escapes.IN_CODE_SPAN if piece.place.in_code else escapes.IN_PROSE


def _is_item_start(before: str) -> bool:
    markers = [*_MARKER.finditer(before)]
    return _MARKERS.fullmatch(before) is not None and bool(markers) and not before[markers[-1].end() :].strip(SPACES)


def _counted(marker: str, index: int) -> str:
    """Return the marker of an item that is so many items further in its list."""
    if not marker[0].isdigit():
        return marker
    number = int(marker[:-1]) + index
    return f"{number}{marker[-1]}" if number <= _MAX_NUMBER else marker


@lru_cache(maxsize=1024)
def _read_entry(text: str) -> tuple[str, tuple[Place, ...]]:
    """Return a text of one line, and its placeholders. Heirs of a base have the same texts."""
    plain = with_lf_in_place(text)
    return plain, tuple(places(plain, prose(plain)))


def fill_entry(text: str, values: Values, is_entry: bool = False) -> Filling:
    """Return a text that is printed on one line of Markdown, such as the entry of a list, with its placeholders filled.

    The printer escapes what would open a block at the start of the line. Code spans and tags stay as they are.
    """
    plain, found = _read_entry(text) if len(text) <= _MAX_ENTRY else _read_entry.__wrapped__(text)
    filling = fill_plain(plain, values, is_entry, found)
    if filling.problems or not found or isinstance(values.get(found[0].name), tuple):
        return filling
    # nothing else changes a code span or a tag
    if "<" not in plain and not any(_is_special(values.get(place.name)) for place in found):
        return filling
    lines, place = with_code_spans_kept([_in_tags_escaped(pieces_of(plain, found, 0, values))])
    return Filling((text_of(lines[0]),), (Problem(STRUCTURE, place),) if place else ())


def _is_special(value: Value | None) -> bool:
    return isinstance(value, str) and _SPECIAL.search(value) is not None


def _in_tags_escaped(pieces: Pieces) -> Pieces:
    return [piece._replace(text=escapes.entities(piece.text)) if piece.in_tag else piece for piece in pieces]
