"""One file's text: how its bytes are read, what its TOML says, and where in it each value stands."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from functools import cached_property
from itertools import islice
from typing import Any, Literal, NamedTuple

import rtoml

from kei_assembler.diagnostics import KeyPath, Span

MAX_BYTES = 1024 * 1024
"""The bound on the size of a manifest, a block, a template or a settings file, in bytes."""

MAX_NESTING = 64
"""The bound on how deeply the values of a manifest or of settings are nested."""

START = Span(1, 1, 1, 1)
_SPELLING = frozenset("uUxebfr")
_STRETCH_MOST = 100
_MENTIONS_MOST = 100_000


class ReadError(NamedTuple):
    """Why a file could not be read.

    `detail` depends on `kind`: the OSError of an `unreadable` file, the bytes of one that is `not-utf8`, the largest
    size in bytes of one that is `too-large`, the parser's exception for one that is `not-toml`, and the path of the
    first value that is nested `too-deep`.
    """

    kind: Literal["unreadable", "not-utf8", "too-large", "not-toml", "too-deep"]
    detail: Any


class Source:
    """A text file of the kit: `file` relative to the kit, `text` with LF and no BOM, `data` its parsed TOML.

    Where the file could not be read, `error` says why, and the text is only good for showing the place.
    """

    def __init__(self, file: str, text: str, error: ReadError | None = None) -> None:
        self.file = file
        self.text = text
        self.error = error
        self.data: dict[str, Any] = {}
        self._spans: dict[KeyPath, Span] | None = None

    @cached_property
    def has_escapes(self) -> bool:
        """Whether the text, as TOML, may spell characters that do not stand in it, by escapes."""
        return any(part[:1] in _SPELLING for part in self.text.split("\\")[1:] if part)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text, without their ends."""
        return self.text.split("\n")

    def locate(self, path: KeyPath) -> Span:
        """Return where the key or list item at `path` stands, or else the nearest thing around it that does."""
        if not path:
            return START
        if self._spans is None:
            self._spans = _first_mentions(self.text)
        while path and path not in self._spans:
            path = path[:-1]
        return self._spans.get(path, START)

    def locate_text(self, path: KeyPath, value: str, start: int, end: int) -> Span:
        """Return where the stretch `value[start:end]` of the string at `path` stands, or else where `path` does.

        This looks for the same text, as often repeated as there, as it is or spelled with TOML's escapes.
        """
        anchor, stretch = self.locate(path), value[start : min(end, start + _STRETCH_MOST)]
        pattern = re.compile("".join(map(_spellings, stretch)))
        found = pattern.finditer(self.text, self._offset(anchor))
        match = next(islice(found, value.count(stretch, 0, start), None), None)
        rest = end - start - len(stretch)
        return span_of(self.text, match.start(), min(match.end() + rest, len(self.text))) if match else anchor

    def _offset(self, span: Span) -> int:
        return sum(len(line) + 1 for line in self.lines[: span.line - 1]) + span.column - 1


def span_of(text: str, start: int, end: int) -> Span:
    """Return the span between two offsets of a text."""
    return Span(*_position(text, start), *_position(text, end))


def _position(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


_SHORT_ESCAPES = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r", "\x1b": "e", '"': '"', "\\": "\\"}


def _spellings(character: str) -> str:
    """The pattern of all ways to write a character in a TOML string (1.1, String)."""
    code = ord(character)
    escapes = [f"u(?i:{code:04x})", f"U(?i:{code:08x})", f"x(?i:{code:02x})"]
    if character in _SHORT_ESCAPES:
        escapes.append(re.escape(_SHORT_ESCAPES[character]))
    return rf"(?:{re.escape(character)}|\\(?:{'|'.join(escapes)}))"


def _first_mentions(text: str) -> dict[KeyPath, Span]:
    from kei_assembler.source.places import mentions

    spans: dict[KeyPath, Span] = {}
    for mention in islice(mentions(text), _MENTIONS_MOST):
        spans.setdefault(mention.path, mention.span)
    return spans


def read_text(file: str, raw: bytes) -> Source:
    """Return the file's text, or why its bytes are none."""
    if len(raw) > MAX_BYTES:
        return Source(file, "", ReadError("too-large", MAX_BYTES))
    plain = with_lf(raw.removeprefix(BOM_UTF8))
    try:
        text, is_text = plain.decode(), b"\0" not in raw
    except UnicodeDecodeError:
        text, is_text = plain.decode(errors="replace"), False
    return Source(file, text, None if is_text else ReadError("not-utf8", raw))


def with_lf(content: bytes) -> bytes:
    """Return the bytes of a text with LF line ends; most have them already, which is quicker to tell by CR alone."""
    return content.replace(b"\r\n", b"\n") if b"\r" in content else content


def read_toml(file: str, raw: bytes) -> Source:
    """Return the file with its parsed TOML (version 1.1), or why it could not be read."""
    source = read_text(file, raw)
    if source.error:
        return source
    try:
        source.data = rtoml.loads(source.text)
    except rtoml.TomlParsingError as error:
        source.error = ReadError("not-toml", error)
    if _depth(source.data) > MAX_NESTING and (path := _too_deep(source.data, ())):
        source.error = ReadError("too-deep", path)
    return source


def _depth(data: dict[str, Any]) -> int:
    """How many tables and lists are inside of each other at most."""
    depth, level = 0, [data]
    while level:
        depth += 1
        level = [
            value
            for outer in level
            for value in (outer.values() if isinstance(outer, dict) else outer)
            if type(value) in _CONTAINERS
        ]
    return depth


_CONTAINERS = (dict, list)


def _too_deep(value: Any, path: KeyPath) -> KeyPath | None:
    """The path of the first value that is nested too deeply."""
    if len(path) > MAX_NESTING:
        return path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    deeper = (_too_deep(inner, (*path, key)) for key, inner in items if isinstance(inner, dict | list))
    return next(filter(None, deeper), None)
