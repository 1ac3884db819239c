"""Where each key and item of a TOML text stands.

The only room that knows tree-sitter, and it is imported only when there is something to report. Its grammar is
TOML 1.0, so what 1.1 adds is first written as 1.0 of the same length.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

import rtoml
import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from kei_assembler.diagnostics import KeyPath, Span

_TABLES = ("table", "table_array_element")
_VALUES = (
    "string",
    "integer",
    "float",
    "boolean",
    "offset_date_time",
    "local_date_time",
    "local_date",
    "local_time",
    "array",
    "inline_table",
)
_KEYS = ("bare_key", "quoted_key", "dotted_key")


class Mention(NamedTuple):
    """One place where a text names a key or holds an item.

    `defines` is false where a table's header only passes through a key on the way to another.
    """

    path: KeyPath
    span: Span
    defines: bool = True


def mentions(text: str) -> Iterator[Mention]:
    """Yield every key and item of the text in its order; a key named again stands there again."""
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self.raw = text.encode()
        self.line_starts = [0, *accumulate(len(line) + 1 for line in self.raw.split(b"\n"))]
        self.continuations = [match.start() for match in re.finditer(rb"[\x80-\xbf]", self.raw)]
        self.last_items: dict[KeyPath, int] = {}

    def read(self) -> Iterator[Mention]:
        root = Parser(Language(tree_sitter_toml.language())).parse(_as_1_0(self.raw)).root_node
        yield from self._statements(root, ())

    def _statements(self, parent: Node, prefix: KeyPath) -> Iterator[Mention]:
        for node in parent.children:
            if node.type == "pair":
                yield from self._pair(node, prefix)
            elif node.type in _TABLES:
                yield from self._table(node)

    def _table(self, node: Node) -> Iterator[Mention]:
        path: KeyPath = ()
        segments = [segment for child in node.children if child.type in _KEYS for segment in _segments(child)]
        for segment in segments:
            path = (*path, self._name(segment))
            yield Mention(path, self._span(segment), segment is segments[-1])
            if node.type == "table_array_element" and segment is segments[-1]:
                self.last_items[path] = self.last_items.get(path, -1) + 1
                yield Mention((*path, self.last_items[path]), self._span(segment))
            if path in self.last_items:
                path = (*path, self.last_items[path])
        yield from self._statements(node, path)

    def _pair(self, node: Node, prefix: KeyPath) -> Iterator[Mention]:
        key, *rest = node.named_children
        path = prefix
        for mention in self._dotted(key, prefix):
            path = mention.path
            yield mention
        for value in rest:
            yield from self._value(value, path)

    def _dotted(self, key: Node, prefix: KeyPath) -> Iterator[Mention]:
        for segment in _segments(key):
            prefix = (*prefix, self._name(segment))
            yield Mention(prefix, self._span(segment))

    def _value(self, node: Node, path: KeyPath) -> Iterator[Mention]:
        if node.type == "inline_table":
            yield from self._statements(node, path)
        elif node.type == "array":
            for index, item in enumerate(child for child in node.named_children if child.type in _VALUES):
                yield Mention((*path, index), self._span(item))
                yield from self._value(item, (*path, index))

    def _name(self, segment: Node) -> str:
        raw = self.raw[segment.start_byte : segment.end_byte].decode()
        return str(next(iter(rtoml.loads(f"{raw} = 0")))) if segment.type == "quoted_key" else raw

    def _span(self, node: Node) -> Span:
        return Span(*self._position(node.start_byte), *self._position(node.end_byte))

    def _position(self, byte: int) -> tuple[int, int]:
        line = bisect_right(self.line_starts, byte)
        start = self.line_starts[line - 1]
        continued = bisect_left(self.continuations, byte) - bisect_left(self.continuations, start)
        return line, byte - start - continued + 1


def _segments(key: Node) -> Iterator[Node]:
    if key.type != "dotted_key":
        yield key
        return
    for child in key.named_children:
        yield from _segments(child)


_TOKEN = re.compile(
    rb'"""(?:\\[\s\S]|[^\\])*?"{3,5}'
    rb"|'''[\s\S]*?'{3,5}"
    rb'|"(?:\\.|[^"\\\n])*"'
    rb"|'[^'\n]*'"
    rb"|\#[^\n]*|[\[\]{}]|\n"
    rb"|,(?:\s|\#[^\n]*\n)*+(?=\})"
)
_ESCAPE = re.compile(rb"\\(?:e|x(?=[0-9A-Fa-f]{2})|[\s\S])")
_SHORT_TIME = re.compile(
    rb"(?<![\w:.+-])(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ])?[0-9]{2}:[0-9]{2}(?![:0-9])(?:[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


def _as_1_0(raw: bytes) -> bytes:
    """Return text of the same length and structure in which nothing is left of what TOML 1.1 adds.

    That is: escapes `\\e` and `\\xHH`, times without seconds, and in inline tables new lines, comments and a comma
    behind the last pair.
    """
    masked = bytearray(raw)
    within: list[bytes] = []
    at = 0
    while token := _TOKEN.search(raw, at):
        kind, at = token[0][:1], token.end()
        if kind in b"[{":
            within.append(kind)
        elif kind in b"]}":
            within[-1:] = []
        elif kind in b"\"'":
            masked[token.start() : at] = _ESCAPE.sub(_escape_of_1_0, token[0])
        elif within[-1:] == [b"{"]:
            masked[token.start() : at] = b" " * (at - token.start())
    return _SHORT_TIME.sub(lambda time: b"1" * len(time[0]), bytes(masked))


def _escape_of_1_0(escape: re.Match[bytes]) -> bytes:
    return b"\\t" if escape[0] in (b"\\e", b"\\x") else escape[0]
