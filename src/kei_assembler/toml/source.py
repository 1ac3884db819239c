"""A source file: its text, its parsed TOML, and the locations of values in it."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import accumulate, islice
from typing import TYPE_CHECKING, Any, Literal

import rtoml

from kei_assembler import lazy_re
from kei_assembler.diagnostics import KeyPath, Span
from kei_assembler.records import NamedTuple

if TYPE_CHECKING:
    from kei_assembler.toml.positions import Mention

MAX_BYTES = 1024 * 1024
"""The maximum size of a manifest, a block, a template or a settings file, in bytes."""

MAX_NESTING = 64
"""The maximum number of nested tables and lists in a manifest or in settings."""

START = Span(1, 1, 1, 1)
_HIDING_ESCAPE = lazy_re.compile(r'\\(?:[uUxebfr]|[ \t]*\n(?<![ \t"]\\\n))')
_MAX_SEARCHED = 100  # a longer pattern takes long to compile
_MAX_MENTIONS = 100_000
_MAX_READ_ALONE = 3

Place = Span | tuple[int, int]
"""A place in a text: a span, or the offsets of its start and end. Few places are asked for, and only those as spans."""


class ReadError(NamedTuple):
    """Why a file could not be read.

    `detail` depends on `kind`: the OSError of an `unreadable` file, the bytes of a `not-utf8` file, the maximum size of
    a `too-large` file, the parser's exception for a `not-toml` file, and the path of the first value nested `too-deep`.
    """

    kind: Literal["unreadable", "not-utf8", "too-large", "not-toml", "too-deep"]
    detail: Any


class Source:
    """A text file of the kit.

    `file` is relative to the kit. `text` has LF line ends and no BOM. `data` is its parsed TOML. If the file could not
    be read, `error` says why, and the text is only fit to be shown in a message.
    """

    def __init__(self, file: str, text: str, error: ReadError | None = None) -> None:
        self.file = file
        self.text = text
        self.error = error
        self.data: dict[str, Any] = {}
        self._read: dict[str | None, Mapping[KeyPath, Place]] = {}
        self._mentions: dict[str | None, list[Mention]] = {}
        self._by_path: dict[str | None, dict[KeyPath, Mention]] = {}

    @cached_property
    def has_escapes(self) -> bool:
        """Whether the text may have TOML escapes because of which its strings contain what the text itself does not.

        These are escapes for other characters, and those at the end of a line, which join what is around it. Those
        after white space, or after the quotes before a string, join nothing that means more than its parts.
        """
        return _HIDING_ESCAPE.search(self.text) is not None

    def value(self, path: KeyPath) -> Any:
        """Return the value at a path of keys and indexes, or None if there is none."""
        return value_in(self.data, path)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text, without their ends."""
        return self.text.split("\n")

    @cached_property
    def starts(self) -> list[int]:
        """The offsets of the starts of the lines, and of the end."""
        return [0, *accumulate(map((1).__add__, map(len, self.lines)))]

    def _places(self, key: str) -> Mapping[KeyPath, Place]:
        """The places of the first mention of a top-level key, and of each key and list item in it."""
        # Most findings about a file are about few keys. With more, it is faster to read all of them at once.
        wanted = key if key in self._read or len(self._read) < _MAX_READ_ALONE else None
        wanted = key if key in self._mentions else None if None in self._mentions else wanted
        if wanted not in self._read:
            known = self._mentions.get(wanted)
            self._read[wanted] = _first_spans(known) if known else self._read_places(wanted)
        return self._read[wanted]

    def _read_places(self, key: str | None) -> Mapping[KeyPath, Place]:
        from kei_assembler.toml.lone_statement import lone_offsets  # most runs have no findings

        has_clear_text = not (self.error or self.has_escapes)
        if key and has_clear_text and (found := lone_offsets(self.text, key, self.data.get(key))):
            return found
        from kei_assembler.toml.positions import mentions  # loads tree-sitter, which few findings need

        return _first_spans(islice(mentions(self.text, key), _MAX_MENTIONS))

    def mentions(self, key: str | None = None) -> list[Mention]:
        """Return the mentions of a top-level key and of all that is in it, with their parts, or those of all keys."""
        if key not in self._mentions:
            from kei_assembler.toml.positions import mentions

            self._mentions[key] = [*islice(mentions(self.text, key, with_parts=True), _MAX_MENTIONS)]
        return self._mentions[key]

    def mention(self, path: KeyPath) -> Mention | None:
        """Return the mention of a key or list item: the one with its value, or else the first, if there is any."""
        key = str(path[0])
        wanted = key if key in self._by_path or len(self._by_path) < _MAX_READ_ALONE else None
        if wanted not in self._by_path:
            found = self._by_path[wanted] = {}
            for mention in self.mentions(wanted):
                known = found.get(mention.path)
                if known is None or (mention.value and not known.value):
                    found[mention.path] = mention
        return self._by_path[wanted].get(path)

    def offsets(self, span: Span) -> tuple[int, int]:
        """Return where a span of the text starts, and where it ends."""
        starts = self.starts
        return starts[span.line - 1] + span.column - 1, starts[span.end_line - 1] + span.end_column - 1

    def locate(self, path: KeyPath) -> Span:
        """Return the span of the key or list item at `path`, or of the nearest one around it that has a span."""
        places = self._places(str(path[0])) if path else {}
        while path and path not in places:
            path = path[:-1]
        found = places[path] if path else START
        return found if isinstance(found, Span) else span_of(self.text, *found)

    def locate_text(self, path: KeyPath, value: str, start: int, end: int) -> Span:
        """Return the span of `value[start:end]` in the string at `path`, or that of `path` if it is not found.

        The text can be written with TOML escapes. If the value contains it several times, repetitions are counted.
        """
        anchor, searched = self.locate(path), value[start : min(end, start + _MAX_SEARCHED)]
        offset = sum(len(line) + 1 for line in self.lines[: anchor.line - 1]) + anchor.column - 1
        found = re.compile("".join(map(_spellings, searched))).finditer(self.text, offset)
        match = next(islice(found, value.count(searched, 0, start), None), None)
        rest = end - start - len(searched)
        return span_of(self.text, match.start(), min(match.end() + rest, len(self.text))) if match else anchor


def _first_spans(mentions: Iterable[Mention]) -> dict[KeyPath, Span]:
    spans: dict[KeyPath, Span] = {}
    for mention in mentions:
        spans.setdefault(mention.path, mention.span)
    return spans


def value_in(data: Any, path: KeyPath) -> Any:
    """Return the value at a path of keys and indexes in parsed TOML, or None if there is none."""
    for key in path:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def span_of(text: str, start: int, end: int) -> Span:
    """Return the span between two offsets of a text."""
    return Span(*_position(text, start), *_position(text, end))


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


_SHORT_ESCAPES = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r", "\x1b": "e", '"': '"', "\\": "\\"}


def _spellings(character: str) -> str:
    """Return a pattern for all ways to write a character in a string of TOML 1.1 (section String)."""
    code = ord(character)
    escapes = [f"u(?i:{code:04x})", f"U(?i:{code:08x})", f"x(?i:{code:02x})"]
    if character in _SHORT_ESCAPES:
        escapes.append(re.escape(_SHORT_ESCAPES[character]))
    return rf"(?:{re.escape(character)}|\\(?:{'|'.join(escapes)}))"


def read_text(file: str, raw: bytes) -> Source:
    """Return the source of a file with these bytes; its `error` is set if they are too many or not text."""
    if len(raw) > MAX_BYTES:
        return Source(file, "", ReadError("too-large", MAX_BYTES))
    plain = with_lf(raw.removeprefix(BOM_UTF8))
    try:
        text, is_text = plain.decode(), b"\0" not in raw
    except UnicodeDecodeError:
        text, is_text = plain.decode(errors="replace"), False
    return Source(file, text, None if is_text else ReadError("not-utf8", raw))


def with_lf(content: bytes) -> bytes:
    """Return a text's bytes with LF line ends."""
    # Most texts have no CR, and a search for one byte is faster than one for two.
    return content.replace(b"\r\n", b"\n") if b"\r" in content else content


def read_toml(file: str, raw: bytes) -> Source:
    """Return the source of a file with its parsed TOML 1.1; its `error` is set if it cannot be read or parsed."""
    source = read_text(file, raw)
    if source.error:
        return source
    try:
        source.data = rtoml.loads(source.text)
    except rtoml.TomlParsingError as error:
        source.error = ReadError("not-toml", error)
    if path := _too_deep(source.data):
        source.error = ReadError("too-deep", path)
    return source


def _too_deep(data: dict[str, Any]) -> KeyPath | None:
    """Return the path of the first value that is nested too deeply, or None."""
    level: list[tuple[KeyPath, Any]] = [((), data)]
    while level and len(level[0][0]) <= MAX_NESTING:
        level = [
            ((*path, key), value)
            for path, outer in level
            for key, value in (outer.items() if isinstance(outer, dict) else enumerate(outer))
            if type(value) in _CONTAINERS
        ]
    return level[0][0] if level else None


_CONTAINERS = frozenset({dict, list})
