"""Merge a template with those that it extends into one without blocks, which renders several times as fast.

This is for templates that are proven to be harmless (see `proof`): those of the package, and those whose blocks are
printed where they stand and by `super()` only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any

from jinja2 import nodes

_BODIES = ("body", "else_")
"""The fields of statements that hold statements. Those in `elif_` are conditions with bodies of their own."""


class _NotFlatError(Exception):
    """A block has no block that `super()` could print."""


def flattened(trees: Sequence[nodes.Template]) -> nodes.Template | None:
    """Return one tree that prints what the first of the trees does, which extends the second, and so on.

    The trees cannot be used any more. Return None if rendering them can fail: a block is printed in itself, or
    `super()` has nothing to print.
    """
    try:
        return nodes.Template(list(_Flattening(trees).statements()), lineno=1)
    except (RecursionError, _NotFlatError):
        return None


class _Flattening:
    def __init__(self, trees: Sequence[nodes.Template]) -> None:
        self._trees = trees
        self._blocks = [{block.name: block for block in tree.find_all(nodes.Block)} for tree in trees]

    def statements(self) -> Iterator[nodes.Node]:
        """Yield the statements of the last tree, after what the others print before they extend it."""
        *others, last = enumerate(self._trees)
        for level, tree in others:
            yield from self._expanded(takewhile(lambda node: not isinstance(node, nodes.Extends), tree.body), level)
        yield from self._expanded(last[1].body, last[0])

    def _expanded(self, body: Iterable[nodes.Node], level: int, block: str = "") -> Iterator[nodes.Node]:
        """Yield statements, which are in this block of the tree at this level, without blocks and `super()`."""
        for node in body:
            if isinstance(node, nodes.Block):
                yield from self._block(node.name, 0)
            elif isinstance(node, nodes.Output):
                yield from self._output(node, level, block)
            else:
                yield self._statement(node, level, block)

    def _block(self, name: str, first: int) -> Iterator[nodes.Node]:
        """Yield the statements of the first block of this name, from this level on."""
        level = next((level for level in range(first, len(self._trees)) if name in self._blocks[level]), None)
        if level is None:
            raise _NotFlatError
        yield from self._expanded(self._blocks[level][name].body, level, name)

    def _output(self, node: nodes.Output, level: int, block: str) -> Iterator[nodes.Node]:
        printed: list[nodes.Expr] = []
        for each in node.nodes:
            if isinstance(each, nodes.Call):
                yield nodes.Output(printed, lineno=node.lineno)
                printed = []
                yield from self._block(block, level + 1)
            else:
                printed.append(each)
        yield nodes.Output(printed, lineno=node.lineno)

    def _statement(self, node: Any, level: int, block: str) -> Any:
        for field in _BODIES:
            if body := getattr(node, field, None):
                setattr(node, field, [*self._expanded(body, level, block)])
        for condition in getattr(node, "elif_", ()):
            self._statement(condition, level, block)
        return node
