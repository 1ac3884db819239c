"""Template inheritance: finds overrides of blocks that the extended templates do not have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate, dropwhile
from operator import or_

from kei_assembler.records import NamedTuple
from kei_assembler.render import trees
from kei_assembler.render.trees import Body, Node


class Override(NamedTuple):
    """An outermost block: its name, its line, and the names of the blocks nested in it."""

    name: str
    line: int
    holds: frozenset[str]


class Inheritance(NamedTuple):
    """The facts about one template that matter for inheritance.

    `parent` is the name of the template that it extends, an empty string if there is none, and None if the name is
    known only when the template is rendered. `blocks` are all its blocks. `calls` are the blocks that it prints with
    `self.NAME()`. `overrides` are the blocks meant to replace blocks of the parent.
    """

    parent: str | None
    blocks: frozenset[str]
    calls: frozenset[str]
    overrides: tuple[Override, ...]


class UnknownBlock(NamedTuple):
    """A block without effect: no template that `template` extends has a block of that name.

    `parent` is the template that `template` extends directly. `known` are the blocks that it can replace.
    """

    template: str
    name: str
    line: int
    parent: str
    known: frozenset[str]


def inheritance(tree: Body) -> Inheritance:
    """Return the facts about a simple template."""
    blocks = frozenset(block.name for block in trees.all_of(tree, trees.Block))
    parent = next((node.template for node in tree if isinstance(node, trees.Extends)), "")
    # Jinja2 prints what precedes `extends`, so a block there has an effect without replacing anything.
    after_extends = dropwhile(lambda node: not isinstance(node, trees.Extends), tree)
    overrides = [
        Override(block.name, block.line, frozenset(inner.name for inner in trees.all_of(block.body, trees.Block)))
        for block in _outermost(tuple(after_extends))
    ]
    return Inheritance(parent, blocks, frozenset(), tuple(overrides))


def _outermost(part: Node) -> Iterator[trees.Block]:
    """Yield the blocks that are not nested: a nested block is printed wherever the block around it is."""
    if isinstance(part, trees.Block):
        yield part
    elif isinstance(part, tuple):
        for each in part:
            yield from _outermost(each)


def misnamed(inheritance_of: Callable[[str], Inheritance | None], name: str) -> Iterator[UnknownBlock]:
    """Yield the blocks without effect in a template and in those that it extends.

    `inheritance_of` returns the facts about a template by its name, or None if they are not known. If they are not
    known for one of the templates, nothing is reported.
    """
    chain = _chain(inheritance_of, name)
    called: frozenset[str] = frozenset().union(*(facts.calls for _, facts in chain))
    inherited_by = [*accumulate((facts.blocks for _, facts in reversed(chain)), or_)]
    for index, (template, facts) in enumerate(chain[:-1]):
        inherited = inherited_by[len(chain) - index - 2]
        for block in facts.overrides:
            if (inherited | called).isdisjoint({block.name, *block.holds}):
                yield UnknownBlock(template, block.name, block.line, chain[index + 1][0], inherited)


def _chain(inheritance_of: Callable[[str], Inheritance | None], name: str | None) -> list[tuple[str, Inheritance]]:
    """Return a template and those that it extends, directly or not; empty if one of them is not known."""
    chain: list[tuple[str, Inheritance]] = []
    while name:
        facts = inheritance_of(name)
        if facts is None or len(chain) == _MAX_CHAIN:
            return []
        chain.append((name, facts))
        name = facts.parent
    return chain if name is not None else []


_MAX_CHAIN = 100  # templates that extend each other form an endless chain
