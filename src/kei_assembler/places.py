"""Where each key and item of a TOML text stands.

The only room that knows tree-sitter, and it is imported only when there is something to report. Its grammar
is TOML 1.0: where the text uses 1.1, a stretch may come as an ERROR node, in which the keys are still found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import rtoml
import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from kei_assembler.diagnostics import KeyPath, Span

_ESCAPES_OF_1_1 = re.compile(rb"\\(?:e|x(?=[0-9A-Fa-f]{2})|[\s\S])")
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
    """One place where a text names a key or holds an item."""

    path: KeyPath
    span: Span


def mentions(text: str) -> list[Mention]:
    """Return every key and item of the text in its order; a key named again stands there again."""
    return list(_Reader(text).read())


class _Reader:
    def __init__(self, text: str) -> None:
        self.raw = _ESCAPES_OF_1_1.sub(_in_1_0, text.encode())
        self.lines = self.raw.split(b"\n")
        self.last_items: dict[KeyPath, int] = {}

    def read(self) -> Iterator[Mention]:
        root = Parser(Language(tree_sitter_toml.language())).parse(self.raw).root_node
        yield from self._statements(root, ())

    def _statements(self, parent: Node, prefix: KeyPath) -> Iterator[Mention]:
        for node in parent.children:
            if node.type == "pair":
                yield from self._pair(node, prefix)
            elif node.type in _TABLES:
                yield from self._table(node)
            elif node.type == "ERROR":
                yield from self._error(node, prefix)

    def _error(self, node: Node, prefix: KeyPath) -> Iterator[Mention]:
        first = node.children[0] if node.children else None
        if first is not None and first.type in _KEYS:
            yield from self._dotted(first, prefix)
        yield from self._statements(node, prefix)

    def _table(self, node: Node) -> Iterator[Mention]:
        path: KeyPath = ()
        segments = [segment for child in node.children if child.type in _KEYS for segment in _segments(child)]
        for segment in segments:
            path = (*path, self._name(segment))
            yield Mention(path, self._span(segment))
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
        return Span(*self._position(*node.start_point), *self._position(*node.end_point))

    def _position(self, row: int, byte: int) -> tuple[int, int]:
        return row + 1, len(self.lines[row][:byte].decode()) + 1


def _segments(key: Node) -> Iterator[Node]:
    if key.type != "dotted_key":
        yield key
        return
    for child in key.named_children:
        yield from _segments(child)


def _in_1_0(escape: re.Match[bytes]) -> bytes:
    """A quoted `\\e` or `\\xHH` becomes an escape of the same length that the grammar knows."""
    return b"\\t" if escape[0] in (b"\\e", b"\\x") else escape[0]
