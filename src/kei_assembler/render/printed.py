"""What a template prints, and what the renderer has to know about it.

The longest piece is usually the text of the blocks. Many agents have the same blocks, so what is known about such a
piece is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

from kei_assembler.markdown.hidden_text import may_hide
from kei_assembler.markdown.structure import may_have_trailing_whitespace
from kei_assembler.records import NamedTuple

LONG, TOO_LONG = 2048, 64 * 1024
"""The lengths of a piece, in characters, between which it is worth knowing, and not too large to be kept."""

_MAX_KNOWN = 16

_Result = TypeVar("_Result")


class OfLast(Generic[_Result]):
    """A function of a text that is called again only for another object than the last one.

    A cache would compute the text's hash, which takes longer than some of these functions.
    """

    def __init__(self, function: Callable[[str], _Result]) -> None:
        self._function = function
        self._last: tuple[str, _Result] | None = None

    def __call__(self, text: str) -> _Result:
        """Return the function's result."""
        if self._last is not None and self._last[0] is text:
            return self._last[1]
        result = self._function(text)
        self.remember(text, result)
        return result

    def remember(self, text: str, result: _Result) -> None:
        """Remember the result for a text, unless that is too large to be kept."""
        self._last = (text, result) if len(text) < TOO_LONG else None


class Printed(NamedTuple):
    """A text, also as UTF-8, and whether it may have trailing whitespace and hidden characters."""

    text: str
    raw: bytes
    may_trail: bool
    may_hide: bool


def printed(pieces: Sequence[str]) -> Printed:
    """Return what is known about a text, given its pieces.

    Raises:
        UnicodeEncodeError: it has a surrogate, which a template can make from an escape.
    """
    parts = [*_parts(pieces)]
    # the ends of the parts, of which only those count that meet: the `x` keeps those of the same part apart
    seams = "".join([f"{part.text[:1]}x{part.text[-1:]}" for part in parts if part.text])
    return Printed(
        "".join([part.text for part in parts]),
        b"".join([part.raw for part in parts]),
        any(part.may_trail for part in parts) or may_have_trailing_whitespace(seams.encode()),
        any(part.may_hide for part in parts),
    )


def _parts(pieces: Sequence[str]) -> Iterator[Printed]:
    """Yield each long piece, and what is between them."""
    start = 0
    for index in [index for index, piece in enumerate(pieces) if LONG < len(piece) < TOO_LONG]:
        yield _of("".join(pieces[start:index]))
        yield _of_long(pieces[index])
        start = index + 1
    yield _of("".join(pieces[start:]))


def _of(text: str) -> Printed:
    raw = text.encode()
    return Printed(text, raw, may_have_trailing_whitespace(raw.rstrip(b" \t")), may_hide(raw))


_of_long = lru_cache(maxsize=_MAX_KNOWN)(_of)
