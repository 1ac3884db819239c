"""The positions of keys and list items in TOML text.

Only this module uses tree-sitter, and it is imported only when there is a diagnostic to report. The grammar is that of
TOML 1.0, so syntax that TOML 1.1 adds is first replaced by TOML 1.0 of the same length.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate

import rtoml
import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from kei_assembler import lazy_re
from kei_assembler.diagnostics import KeyPath, Span
from kei_assembler.records import NamedTuple

_TABLES = ("table", "table_array_element")
_DATES_AND_TIMES = ("offset_date_time", "local_date_time", "local_date", "local_time")
_VALUES = ("string", "integer", "float", "boolean", *_DATES_AND_TIMES, "array", "inline_table")
_KEYS = ("bare_key", "quoted_key", "dotted_key")


class Mention(NamedTuple):
    """A position at which a text names a key or contains a list item.

    `defines` is false for the leading keys of a table header: `[a.b]` mentions `a` but defines only `a.b`.

    `whole` is the key with its value, and `value` the value alone, if the text has them here. Both are the span of a
    list item. `members` has the items of a list, and the keys with their values of an inline table.
    """

    path: KeyPath
    span: Span
    defines: bool = True
    is_header: bool = False
    whole: Span | None = None
    value: Span | None = None
    members: tuple[Span, ...] = ()


def mentions(text: str, below: str | None = None, with_parts: bool = False) -> Iterator[Mention]:
    """Yield a mention for every key and list item of a TOML text in order, repeated keys included.

    If a key is given, yield only the mentions of this top-level key and of what is in it, which is faster. Only
    `with_parts` do mentions have `whole`, `value` and `members`.
    """
    return _PositionReader(text, below, with_parts).read()


def comments(text: str) -> Iterator[tuple[str, Span]]:
    """Yield the comments of a TOML text, with their positions."""
    raw = text.encode()
    reader = _PositionReader(text)
    for token in _TOKEN.finditer(raw):
        if token[0].startswith(b"#"):
            (line, column), comment = reader.position(token.start()), token[0].decode()
            yield comment, Span(line, column, line, column + len(comment))


class _PositionReader:
    def __init__(self, text: str, below: str | None = None, with_parts: bool = False) -> None:
        self.raw = text.encode()
        self.below = below
        self.with_parts = with_parts
        # tree-sitter counts bytes and spans count characters, so these bytes within characters are subtracted.
        self.line_starts = [0, *accumulate(len(line) + 1 for line in self.raw.split(b"\n"))]
        self.continuations = [match.start() for match in re.finditer(rb"[\x80-\xbf]", self.raw)]
        self.last_items: dict[KeyPath, int] = {}

    def read(self) -> Iterator[Mention]:
        root = Parser(Language(tree_sitter_toml.language())).parse(_as_1_0(self.raw)).root_node
        return self._statements(root, ())

    def _statements(self, parent: Node, prefix: KeyPath) -> Iterator[Mention]:
        for node in parent.children:
            if node.type == "pair":
                yield from self._pair(node, prefix)
            elif node.type in _TABLES:
                yield from self._table(node)

    def _table(self, node: Node) -> Iterator[Mention]:
        path: KeyPath = ()
        segments = [segment for child in node.children if child.type in _KEYS for segment in _segments(child)]
        if self.below is not None and segments and self._name(segments[0]) != self.below:
            return
        for segment in segments:
            is_last = segment is segments[-1]
            path = (*path, self._name(segment))
            yield Mention(path, self._span(segment), is_last, is_header=True)
            if node.type == "table_array_element" and is_last:
                self.last_items[path] = self.last_items.get(path, -1) + 1
                yield Mention((*path, self.last_items[path]), self._span(segment), is_header=True)
            if path in self.last_items:
                path = (*path, self.last_items[path])
        yield from self._statements(node, path)

    def _pair(self, node: Node, prefix: KeyPath) -> Iterator[Mention]:
        key, *values = node.named_children
        if self.below is not None and not prefix and self._name(_segments(key)[0]) != self.below:
            return
        *outer, last = _segments(key)
        path = prefix
        for segment in outer:
            path = (*path, self._name(segment))
            yield Mention(path, self._span(segment))
        path = (*path, self._name(last))
        mention = Mention(path, self._span(last))
        value = next((each for each in values if each.type in _VALUES), None) if self.with_parts else None
        if value:
            whole, members = self._between(key, value), self._members(value)
            mention = mention._replace(whole=whole, value=self._span(value), members=members)
        yield mention
        for each in values:
            yield from self._value(each, path)

    def _value(self, node: Node, path: KeyPath) -> Iterator[Mention]:
        if node.type == "inline_table":
            yield from self._statements(node, path)
        elif node.type == "array":
            for index, item in enumerate(child for child in node.named_children if child.type in _VALUES):
                mention = Mention((*path, index), self._span(item))
                if self.with_parts:
                    span, members = mention.span, self._members(item)
                    mention = mention._replace(whole=span, value=span, members=members)
                yield mention
                yield from self._value(item, (*path, index))

    def _name(self, segment: Node) -> str:
        raw = self.raw[segment.start_byte : segment.end_byte].decode()
        return str(next(iter(rtoml.loads(f"{raw} = 0")))) if segment.type == "quoted_key" else raw

    def _members(self, node: Node) -> tuple[Span, ...]:
        if node.type == "array":
            return tuple(self._span(child) for child in node.named_children if child.type in _VALUES)
        pairs = (child.named_children for child in node.children if child.type == "pair")
        values = ((key, next((each for each in rest if each.type in _VALUES), key)) for key, *rest in pairs)
        return tuple(self._between(*pair) for pair in values)

    def _span(self, node: Node) -> Span:
        return self._between(node, node)

    def _between(self, first: Node, last: Node) -> Span:
        return Span(*self.position(first.start_byte), *self.position(last.end_byte))

    def position(self, byte: int) -> tuple[int, int]:
        """Return the line and the column of a byte."""
        line = bisect_right(self.line_starts, byte)
        start = self.line_starts[line - 1]
        continued = bisect_left(self.continuations, byte) - bisect_left(self.continuations, start)
        return line, byte - start - continued + 1


def _segments(key: Node) -> list[Node]:
    if key.type != "dotted_key":
        return [key]
    return [segment for child in key.named_children for segment in _segments(child)]


# A string that is not closed extends to the end of its line, or a multi-line string to the end of the text: otherwise,
# each quote in it would start another search for the end.
_TOKEN = lazy_re.compile(
    rb'"""(?:\\[\s\S]|[^\\])*?(?:"{3,5}|\\?\Z)'
    rb"|'''[\s\S]*?(?:'{3,5}|\Z)"
    rb'|"(?:\\.|[^"\\\n])*"?'
    rb"|'[^'\n]*'?"
    rb"|\#[^\n]*|[\[\]{}]|\n"
    rb"|,(?:\s|\#[^\n]*\n)*+(?=\})"
)
_ESCAPE = lazy_re.compile(rb"\\(?:e|x(?=[0-9A-Fa-f]{2})|[\s\S])")
_SHORT_TIME = lazy_re.compile(
    rb"(?<![\w:.+-])(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ])?[0-9]{2}:[0-9]{2}(?![:0-9])(?:[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
# What all of that has, and few texts of TOML 1.0. An inline table starts after `=`, a bracket, a comma or white space.
_MAY_BE_1_1 = lazy_re.compile(rb"\\[ex]|[=\[,\s]\{|[0-9]:[0-9]{2}(?!:)")


def _as_1_0(raw: bytes) -> bytes:
    """Return text of the same length and structure without the syntax that TOML 1.1 adds.

    That is: the escapes `\\e` and `\\xHH`, times without seconds, and in inline tables line breaks, comments and a
    trailing comma.
    """
    if not _MAY_BE_1_1.search(raw):
        return raw
    masked = bytearray(raw)
    open_brackets: list[bytes] = []
    for token in _TOKEN.finditer(raw):
        kind, (start, end) = token[0][:1], token.span()
        if kind in b"[{":
            open_brackets.append(kind)
        elif kind in b"]}":
            open_brackets[-1:] = []
        elif kind in b"\"'":
            masked[start:end] = _ESCAPE.sub(
                lambda escape: b"\\t" if escape[0] in (b"\\e", b"\\x") else escape[0], token[0]
            )
        elif open_brackets[-1:] == [b"{"]:
            masked[start:end] = b" " * (end - start)
    # A number has the same position as a time, and only positions are read from the result.
    return _SHORT_TIME.sub(lambda time: b"1" * len(time[0]), bytes(masked))
