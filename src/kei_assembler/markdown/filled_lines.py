"""Lines of Markdown with values: their parts, and how values keep out of the code spans and tags around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from kei_assembler import lazy_re
from kei_assembler.markdown import escapes
from kei_assembler.markdown.placeholders import Place, Values, replacement
from kei_assembler.markdown.structure import code_spans
from kei_assembler.records import NamedTuple

WORD = "x"
"""What stands for a value when the structure of a text is read."""

_TAG = lazy_re.compile(r"<(?:[A-Za-z!/?]|\Z)")
_MAX_TRIED = 100


class Piece(NamedTuple):
    """A part of a line: what is written, the word that stands for it, and, for a value, its placeholder."""

    text: str
    word: str
    place: Place | None = None
    in_tag: bool = False


Pieces = list[Piece]


def literal(text: str) -> Piece:
    """Return a part that is no value."""
    return Piece(text, text)


def text_of(pieces: Pieces) -> str:
    """Return the text of a line with its values."""
    return "".join([piece.text for piece in pieces])


def words_of(pieces: Pieces) -> str:
    """Return the text of a line with a word in the place of each value."""
    return "".join([piece.word for piece in pieces])


def pieces_of(line: str, found: Sequence[Place], start: int, values: Values) -> Pieces:
    """Return the parts of a line with these placeholders. `start` is the offset of the line in its text."""
    pieces, end, in_tag = [], 0, False
    for place in found:
        before = line[end : place.start - start]
        if "<" in before or ">" in before:
            opening = before.rfind("<")
            in_tag = opening > before.rfind(">") and _TAG.match(before, opening) is not None
        end = place.end - start
        text = replacement(line, place._replace(start=place.start - start, end=end), values)
        is_value = place.name in values
        pieces += [literal(before), Piece(text, WORD, place, in_tag) if is_value else literal(text)]
    return [*pieces, literal(line[end:])]


def culprit(pieces: Pieces, is_same: Callable[[Pieces], bool]) -> Place:
    """Return the placeholder of the first value that changes a line by itself, or of the first one."""
    of_values = [piece for piece in pieces if piece.place][:_MAX_TRIED]
    for one in of_values:
        alone = [piece if piece is one or not piece.place else piece._replace(text=piece.word) for piece in pieces]
        if one.place and not is_same(alone):
            return one.place
    return next(piece.place for piece in of_values if piece.place)


def with_code_spans_kept(lines: list[Pieces]) -> tuple[list[Pieces], Place | None]:
    """Return the lines of one paragraph, with values escaped that would change its code spans.

    If that does not help, return the lines as they are, and the placeholder of one of these values.
    """
    risky = [piece for piece in chain.from_iterable(lines) if piece.place and _may_change_code(piece.text)]
    if not risky or _keeps_code_spans(lines):
        return lines, None
    escaped = [[_escaped(piece) for piece in pieces] for pieces in lines]
    if _keeps_code_spans(escaped):
        return escaped, None
    first = next((piece for piece in risky if piece.place and piece.place.in_code), risky[0])
    return lines, first.place


def _may_change_code(value: str) -> bool:
    return "`" in value or value.endswith("\\")


def _escaped(piece: Piece) -> Piece:
    if piece.place is None or piece.place.in_code:
        return piece
    return piece._replace(text=escapes.ticks_escaped(piece.text))


def _keeps_code_spans(lines: list[Pieces]) -> bool:
    joined: Pieces = []
    for pieces in lines:
        joined += [*pieces, literal("\n")]
    return [*code_spans(words_of(joined))] == [*_spans_around_values(joined)]


def _spans_around_values(pieces: Pieces) -> Iterator[tuple[int, int] | None]:
    """Yield the code spans of a text by their offsets in the text of words, or None if a value opens or closes one.

    Code spans inside a value do not count.
    """
    rows, offset, word_offset = [], 0, 0
    for piece in pieces:
        rows.append((offset, offset + len(piece.text), word_offset, piece.place is not None))
        offset += len(piece.text)
        word_offset += len(piece.word)
    row = 0
    for start, end in code_spans(text_of(pieces)):
        while rows[row][1] <= start:
            row += 1
        first, before = row, rows[row]
        while rows[row][1] < end:
            row += 1
        after = rows[row]
        if first == row and before[3]:
            continue
        yield None if before[3] or after[3] else (start - before[0] + before[2], end - after[0] + after[2])
