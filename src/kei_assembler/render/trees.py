"""The syntax trees of simple templates: text, blocks, `extends`, assignments, conditions, loops and prints.

`simple_syntax` reads them. They have nothing for what else Jinja2's templates can contain.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from kei_assembler.records import NamedTuple

Node: TypeAlias = Any
"""A statement or an expression: one of the classes here."""

_MAX_DEPTH = 200  # a fifth of the calls that Python allows

Body: TypeAlias = tuple[Node, ...]
"""Statements, one after the other. A template is a body, too."""


class Text(NamedTuple):
    """Literal text."""

    text: str


class Print(NamedTuple):
    """`{{ value }}`."""

    value: Node


class Branch(NamedTuple):
    """An `if` or `elif` of a condition."""

    test: Node
    body: Body


class If(NamedTuple):
    """The branches of a condition, of which the first that applies is printed, and what is printed otherwise."""

    branches: tuple[Branch, ...]
    other: Body


class For(NamedTuple):
    """A loop over values, each of which gets this name, and what is printed if there is none."""

    name: str
    values: Node
    body: Body
    other: Body


class Assign(NamedTuple):
    """`{% set name = value %}`."""

    name: str
    value: Node


class Capture(NamedTuple):
    """`{% set name %}`: what the body prints gets the name."""

    name: str
    body: Body


class Block(NamedTuple):
    """A block, and the line of its start tag."""

    name: str
    line: int
    body: Body


class Extends(NamedTuple):
    """`{% extends "template" %}`."""

    template: str


class Constant(NamedTuple):
    """A text or a number."""

    value: str | int


class Lookup(NamedTuple):
    """The names in a lookup such as `agent.references.extra`."""

    path: tuple[str, ...]


class Filter(NamedTuple):
    """A value that passes through a filter, with constant arguments."""

    value: Node
    name: str
    arguments: tuple[str | int, ...]
    options: tuple[tuple[str, str | int], ...]


class Super(NamedTuple):
    """`super()`."""


class Not(NamedTuple):
    """`not value`."""

    value: Node


class And(NamedTuple):
    """`left and right`."""

    left: Node
    right: Node


class Or(NamedTuple):
    """`left or right`."""

    left: Node
    right: Node


class Equal(NamedTuple):
    """`left == right`."""

    left: Node
    right: Node


class IsNone(NamedTuple):
    """`value is none`."""

    value: Node


def all_of(tree: Node, kind: type) -> Iterator[Any]:
    """Yield the nodes of this class in a tree, each before those in it."""
    if isinstance(tree, kind):
        yield tree
    if isinstance(tree, tuple):
        for part in tree:
            yield from all_of(part, kind)


def is_deep(tree: Node) -> bool:
    """Return whether the nodes of a tree are nested too deeply to be read by functions that call themselves."""
    level: list[Node] = [tree]
    for _ in range(_MAX_DEPTH):
        level = [part for node in level if isinstance(node, tuple) for part in node]
    return bool(level)
