"""Positions in a text as the protocol counts them (LSP 3.17, section Text Documents): lines and code units from 0."""

from __future__ import annotations

import re
from bisect import bisect_right

from lsprotocol import types

from kei_assembler import lazy_re
from kei_assembler.diagnostics import Span

_LINE_END = lazy_re.compile(r"[\n\r]")
_CODECS = {types.PositionEncodingKind.Utf8: ("utf-8", 1), types.PositionEncodingKind.Utf16: ("utf-16-le", 2)}


class Text:
    """The text of a source, with LF line ends, and the positions in it in a client's encoding."""

    def __init__(self, text: str, encoding: str | None = None) -> None:
        self.text = text
        self._codec, self._unit = _CODECS.get(types.PositionEncodingKind(encoding or "utf-16"), ("utf-32-le", 4))
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def position(self, offset: int) -> types.Position:
        """Return the position of an offset."""
        line = bisect_right(self._starts, offset) - 1
        before = self.text[self._starts[line] : offset]
        units = len(before) if before.isascii() else len(before.encode(self._codec, "surrogatepass")) // self._unit
        return types.Position(line, units)

    def offset(self, position: types.Position) -> int:
        """Return the offset of a position. One behind the end of a line, or of the text, is that end."""
        if position.line >= len(self._starts):
            return len(self.text)
        start, line = self._starts[position.line], self._line(position.line)
        if not line.isascii():
            raw = line.encode(self._codec, "surrogatepass")[: position.character * self._unit]
            return start + len(raw.decode(self._codec, "ignore"))
        return start + min(position.character, len(line))

    def _line(self, number: int) -> str:
        following = self._starts[number + 1 : number + 2]
        return self.text[self._starts[number] : following[0] - 1 if following else None]

    def range(self, start: int, end: int) -> types.Range:
        """Return the range between two offsets."""
        return types.Range(self.position(start), self.position(end))

    def offsets(self, span: Span) -> tuple[int, int]:
        """Return the offsets of a span, or those of the nearest text if the file has become shorter."""
        starts = [0, *(match.end() for match in re.finditer("\n", self.text))]

        def at(line: int, column: int) -> int:
            return min(starts[min(line, len(starts)) - 1] + column - 1, len(self.text))

        return at(span.line, span.column), at(span.end_line, span.end_column)

    def of_span(self, span: Span) -> types.Range:
        """Return the range of a span."""
        return self.range(*self.offsets(span))
