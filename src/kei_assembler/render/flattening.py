"""Merge a template with those that it extends into one without blocks.

This is for templates that are proven to be harmless (see `proof`): those of the package, and those whose blocks are
printed where they stand and by `super()` only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any

from kei_assembler.render import trees
from kei_assembler.render.trees import Body, Node


class _NotFlatError(Exception):
    """A block has no block that `super()` could print."""


def flattened(chain: Sequence[Body]) -> Body | None:
    """Return one tree that prints what the first of these trees does, which extends the second, and so on.

    Return None if rendering them can fail: a block is printed in itself, or `super()` has nothing to print. Return
    None, too, if the one tree would be nested too deeply.
    """
    try:
        tree = tuple(_Flattening(chain).statements())
    except (RecursionError, _NotFlatError):
        return None
    return None if trees.is_deep(tree) else tree


class _Flattening:
    def __init__(self, chain: Sequence[Body]) -> None:
        self._chain = chain
        self._blocks = [{block.name: block for block in trees.all_of(tree, trees.Block)} for tree in chain]

    def statements(self) -> Iterator[Node]:
        """Yield the statements of the last tree, after what the others print before they extend it."""
        *others, last = enumerate(self._chain)
        for level, tree in others:
            yield from self._expanded(takewhile(lambda node: not isinstance(node, trees.Extends), tree), level)
        yield from self._expanded(last[1], last[0])

    def _expanded(self, body: Iterable[Node], level: int, block: str = "") -> Iterator[Node]:
        """Yield statements, which are in this block of the tree at this level, without blocks and `super()`."""
        for node in body:
            match node:
                case trees.Block(name=name):
                    yield from self._block(name, 0)
                case trees.Print(value=trees.Super()):
                    yield from self._block(block, level + 1)
                case trees.If() | trees.For() | trees.Capture():
                    yield self._statement(node, level, block)
                case _:
                    yield node

    def _block(self, name: str, first: int) -> Iterator[Node]:
        """Yield the statements of the first block of this name, from this level on."""
        level = next((level for level in range(first, len(self._chain)) if name in self._blocks[level]), None)
        if level is None:
            raise _NotFlatError
        yield from self._expanded(self._blocks[level][name].body, level, name)

    def _statement(self, node: Any, level: int, block: str) -> Node:
        """Return a statement that has others, with these expanded."""

        def expanded(body: Body) -> Body:
            return tuple(self._expanded(body, level, block))

        match node:
            case trees.If(branches=branches, other=other):
                made = [branch._replace(body=expanded(branch.body)) for branch in branches]
                return trees.If(tuple(made), expanded(other))
            case trees.For(body=body, other=other):
                return node._replace(body=expanded(body), other=expanded(other))
        return node._replace(body=expanded(node.body))
