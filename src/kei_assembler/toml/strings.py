"""Strings and keys in TOML text: where they are written, and edits of strings (TOML 1.1, sections String and Keys)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

import rtoml

from kei_assembler import lazy_re
from kei_assembler.diagnostics import KeyPath
from kei_assembler.records import NamedTuple
from kei_assembler.toml.source import Source
from kei_assembler.toml.writer import escaped_in_lines, escaped_text, string_text

_SHORT = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b", '"': '"', "\\": "\\"}
_PLAIN = lazy_re.compile(r"[^\"'\\\n]+")
_OPENING = lazy_re.compile(r"(?P<quotes>\"\"\"|'''|\"|')")
_ESCAPE = lazy_re.compile(
    r"\\(?:(?P<fold>[ \t]*\n[ \t\n]*)|u(?P<u>[0-9A-Fa-f]{4})|U(?P<long>[0-9A-Fa-f]{8})|x(?P<x>[0-9A-Fa-f]{2})"
    r"|(?P<one>.))"
)


class Written(NamedTuple):
    """A string and where it is written: the first and the last line, from 1, for each line of the string."""

    value: str
    lines: tuple[tuple[int, int], ...]


def written_at(source: Source, path: KeyPath) -> Written | None:
    """Return the string that a TOML file has at a path, and where it is written. None if no string is found there.

    The path leads to a key, or to an entry of a list.
    """
    pieces = _pieces_at(source, path)
    value = "".join([piece for piece, _, _ in pieces])
    return Written(value, tuple(_lines(pieces, source.starts))) if pieces else None


def offsets(source: Source, path: KeyPath, value: str, start: int, end: int) -> tuple[int, int] | None:
    """Return where the text of a TOML file has `value[start:end]`, which is not empty, in the string at a path.

    `value` is the string. The result is None if that string is not found there.
    """
    pieces = _pieces_at(source, path)
    if "".join([piece for piece, _, _ in pieces]) != value:
        return None
    return _offset(pieces, start), _offset(pieces, end - 1, is_end=True)


def _offset(pieces: list[tuple[str, int, int]], index: int, is_end: bool = False) -> int:
    """Return where the character with this index starts in the text, or where it ends."""
    for piece, start, end in pieces:
        if index < len(piece):
            is_plain = len(piece) == end - start
            return (start + index + is_end) if is_plain else (end if is_end else start)
        index -= len(piece)
    raise ValueError("the string is shorter")


def key_offsets(source: Source, path: KeyPath) -> list[tuple[int, int]]:
    """Return the offsets of the key at a path, wherever a TOML file mentions it, with its quotes."""
    return [source.offsets(each.span) for each in source.mentions(str(path[0])) if each.path == path] if path else []


def respelled(source: Source, path: KeyPath, start: int, end: int, text: str) -> tuple[int, int, str] | None:
    """Return the edit of a TOML file that replaces `value[start:end]` of the string at a path with another text.

    The rest of the string stays as it is written. If its quotes do not allow the new text, the whole string is written
    with others. Return None if no string is found there.
    """
    opening = _opening(source, path)
    if opening is None:
        return None
    pieces = [*_pieces(source.text, opening)]
    value = "".join([piece for piece, _, _ in pieces])
    whole = opening.start(), pieces[-1][1] + len(opening["quotes"])
    made = f"{value[:start]}{text}{value[end:]}"
    first, last = _place(pieces, start), _place(pieces, end)
    for spelling in _spellings(text, opening["quotes"]):
        raw = f"{source.text[whole[0] : first]}{spelling}{source.text[last : whole[1]]}"
        if _parsed(raw) == made:
            return first, last, spelling
    is_long = len(opening["quotes"]) > 1 and "\n" in made
    return *whole, escaped_in_lines(made) if is_long else string_text(made)


def _pieces_at(source: Source, path: KeyPath) -> list[tuple[str, int, int]]:
    """Return the pieces of the string at a path, see `_pieces`, or none if no string is found there."""
    opening = _opening(source, path)
    return [*_pieces(source.text, opening)] if opening else []


def _opening(source: Source, path: KeyPath) -> re.Match[str] | None:
    """Return the opening quotes of the string at a path."""
    mention = source.mention(path) if path else None
    return _OPENING.match(source.text, source.offsets(mention.value)[0]) if mention and mention.value else None


def _place(pieces: list[tuple[str, int, int]], index: int) -> int:
    """Where the text has the character of a string with this index, or the end of the string."""
    for piece, start, end in pieces:
        if index < len(piece):
            return start + index if len(piece) == end - start else start
        index -= len(piece)
    return pieces[-1][1]


def _spellings(text: str, quotes: str) -> Iterator[str]:
    """Yield ways to write a text between these quotes. They need not be possible."""
    yield text
    if quotes[0] == '"':
        lines = [escaped_text(line) for line in text.split("\n")]
        yield ("\n" if len(quotes) > 1 else "\\n").join(lines)


def _parsed(raw: str) -> object:
    try:
        return rtoml.loads(f"value = {raw}")["value"]
    except rtoml.TomlParsingError:
        return None


def _pieces(text: str, opening: re.Match[str]) -> Iterator[tuple[str, int, int]]:
    """Yield the pieces of a string, each with its start and its end in the text, and at last its closing quotes.

    A line end is a piece of its own.
    """
    quotes, end = opening["quotes"], opening.end()
    is_long, is_basic = len(quotes) > 1, quotes[0] == '"'
    if is_long and text.startswith("\n", end):
        end += 1
    while end < len(text):
        if plain := _PLAIN.match(text, end):
            yield plain[0], end, plain.end()
            end = plain.end()
            continue
        # up to two quotes can precede the three that end a string
        if text.startswith(quotes, end) and not (is_long and text.startswith(quotes + quotes[0], end)):
            break
        escape = _ESCAPE.match(text, end) if is_basic and text[end] == "\\" else None
        start, end = end, escape.end() if escape else end + 1
        if not escape:
            yield text[start], start, end
        elif not escape["fold"]:
            code = escape["u"] or escape["long"] or escape["x"]
            yield chr(int(code, 16)) if code else _SHORT.get(escape["one"], ""), start, end
    yield "", end, end + 1


def _lines(pieces: list[tuple[str, int, int]], starts: list[int]) -> Iterator[tuple[int, int]]:
    first = 0
    for index, (piece, start, _) in enumerate(pieces):
        if piece in ("\n", ""):
            last = pieces[index - 1][2] - 1 if index > first else start
            yield bisect_right(starts, pieces[first][1]), bisect_right(starts, last)
            first = index + 1
