"""What templates inherit from one another, read from their parsed text: which blocks are whose?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from typing import NamedTuple

from jinja2 import nodes


class Override(NamedTuple):
    """A block that stands in no other, its line, and the blocks that stand in it."""

    name: str
    line: int
    holds: frozenset[str]


class Heritage(NamedTuple):
    """What one template has from another: the name of that one, and its own blocks that stand for some of it.

    `parent` is empty where it extends none, and None where that depends. `blocks` are all that it has, `calls` those
    that it calls by their names, `overrides` are those that are to take the place of one of the parent's.
    """

    parent: str | None
    blocks: frozenset[str]
    calls: frozenset[str]
    overrides: tuple[Override, ...]


class Misnamed(NamedTuple):
    """A block that changes nothing: of which template, in which line, and what blocks those that this extends have."""

    template: str
    name: str
    line: int
    parent: str
    known: frozenset[str]


def heritage(tree: nodes.Template) -> Heritage:
    """Return what a parsed template has from another."""
    blocks = frozenset(block.name for block in tree.find_all(nodes.Block))
    before = list(takewhile(lambda node: not isinstance(node, nodes.Extends), tree.body))
    overrides = tuple(map(_override, _outermost(tree.body[len(before) :])))
    return Heritage(_parent(tree), blocks, frozenset(_calls(tree)), overrides)


def _override(block: nodes.Block) -> Override:
    return Override(block.name, block.lineno, frozenset(inner.name for inner in block.find_all(nodes.Block)))


def _parent(tree: nodes.Template) -> str | None:
    extends = list(tree.find_all(nodes.Extends))
    if not extends:
        return ""
    template = extends[0].template if len(extends) == 1 and extends[0] in tree.body else None
    return template.value if isinstance(template, nodes.Const) and isinstance(template.value, str) else None


def _calls(tree: nodes.Template) -> Iterator[str]:
    looks = [(look.node, look.attr) for look in tree.find_all(nodes.Getattr)]
    looks += [(look.node, getattr(look.arg, "value", "")) for look in tree.find_all(nodes.Getitem)]
    for owner, name in looks:
        if isinstance(owner, nodes.Name) and owner.name == "self":
            yield str(name)


def _outermost(within: Iterable[nodes.Node]) -> Iterator[nodes.Block]:
    """The blocks that stand in no other: what stands in one is printed where that is."""
    for node in within:
        if isinstance(node, nodes.Block):
            yield node
        else:
            yield from _outermost(node.iter_child_nodes())


def misnamed(heritage_of: Callable[[str], Heritage | None], name: str) -> Iterator[Misnamed]:
    """Yield the blocks that change nothing, of a template and of those that it extends, as far as can be told."""
    line = _lineage(heritage_of, name)
    called: frozenset[str] = frozenset().union(*(each.calls for _, each in line))
    for index, (template, own) in enumerate(line[:-1]):
        blocks = frozenset().union(*(each.blocks for _, each in line[index + 1 :]))
        for block in own.overrides:
            if (blocks | called).isdisjoint({block.name, *block.holds}):
                yield Misnamed(template, block.name, block.line, line[index + 1][0], blocks)


def _lineage(heritage_of: Callable[[str], Heritage | None], name: str | None) -> list[tuple[str, Heritage]]:
    """A template and those that it extends, to the last; none where one of them is not known."""
    line: list[tuple[str, Heritage]] = []
    while name:
        own = heritage_of(name)
        if own is None or len(line) == _LINEAGE_MOST:
            return []
        line.append((name, own))
        name = own.parent
    return line if name is not None else []


_LINEAGE_MOST = 100
