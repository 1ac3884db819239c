"""Render a template from its syntax tree, without Jinja2.

Nothing is compiled: each statement and each expression becomes a function of the variables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import attrgetter, itemgetter
from types import SimpleNamespace
from typing import Any

from kei_assembler.markdown.structure import fence_around
from kei_assembler.model.manifest import Handoff
from kei_assembler.render import trees
from kei_assembler.render.printed import LONG, TOO_LONG
from kei_assembler.render.trees import Body, Node

_Scope = dict[str, Any]
_Statement = Callable[[_Scope, list[str]], None]
_Expression = Callable[[_Scope], Any]


def renderer(tree: Body) -> Callable[..., list[str]]:
    """Return the function that renders a template without blocks for its variables, to pieces of text.

    It raises the error of a Python function that gets a value that it cannot use, such as TypeError, if the template
    prints or repeats what is absent.
    """
    run = _body(tree)

    def render(**variables: Any) -> list[str]:
        pieces: list[str] = []
        run(variables, pieces)
        return pieces

    return render


def _body(body: Body) -> _Statement:
    statements = [_STATEMENTS[type(node)](node) for node in body]

    def run(scope: _Scope, pieces: list[str]) -> None:
        for statement in statements:
            statement(scope, pieces)

    return run


def _text(node: trees.Text) -> _Statement:
    return lambda _, pieces: pieces.append(node.text)


def _print(node: trees.Print) -> _Statement:
    value_of = _expression(node.value)
    return lambda scope, pieces: pieces.append(_printed(value_of(scope)))


def _printed(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"cannot print a value of type `{type(value).__name__}`")


def _if(node: trees.If) -> _Statement:
    branches = [(_expression(branch.test), _body(branch.body)) for branch in node.branches]
    other = _body(node.other)

    def run(scope: _Scope, pieces: list[str]) -> None:
        for test, body in branches:
            if test(scope):
                body(scope, pieces)
                return
        other(scope, pieces)

    return run


def _for(node: trees.For) -> _Statement:
    values_of, body, other = _expression(node.values), _body(node.body), _body(node.other)

    def run(scope: _Scope, pieces: list[str]) -> None:
        values = values_of(scope)
        inner = {**scope}
        for index, inner[node.name] in enumerate(values, 1):
            inner["loop"] = SimpleNamespace(index=index, first=index == 1, last=index == len(values))
            body(inner, pieces)
        if not values:
            other(scope, pieces)

    return run


def _assign(node: trees.Assign) -> _Statement:
    value_of = _expression(node.value)
    return lambda scope, _: scope.update({node.name: value_of(scope)})


def _capture(node: trees.Capture) -> _Statement:
    body = _body(node.body)

    def run(scope: _Scope, _: list[str]) -> None:
        pieces: list[str] = []
        body({**scope}, pieces)
        scope[node.name] = "".join(pieces)

    return run


_STATEMENTS: Mapping[type, Callable[[Any], _Statement]] = {
    trees.Assign: _assign,
    trees.Capture: _capture,
    trees.For: _for,
    trees.If: _if,
    trees.Print: _print,
    trees.Text: _text,
}


def _expression(node: Node) -> _Expression:
    return _EXPRESSIONS[type(node)](node)


def _lookup(node: trees.Lookup) -> _Expression:
    name, *fields = node.path
    if not fields:
        return itemgetter(name)
    field_of = attrgetter(".".join(fields))
    return lambda scope: field_of(scope[name])


def _filter(node: trees.Filter) -> _Expression:
    function, value_of = FILTERS[node.name], _expression(node.value)
    arguments, options = node.arguments, dict(node.options)
    return lambda scope: function(value_of(scope), *arguments, **options)


def _not(node: trees.Not) -> _Expression:
    value_of = _expression(node.value)
    return lambda scope: not value_of(scope)


def _and(node: trees.And) -> _Expression:
    left, right = _expression(node.left), _expression(node.right)
    return lambda scope: left(scope) and right(scope)


def _or(node: trees.Or) -> _Expression:
    left, right = _expression(node.left), _expression(node.right)
    return lambda scope: left(scope) or right(scope)


def _equal(node: trees.Equal) -> _Expression:
    left, right = _expression(node.left), _expression(node.right)
    return lambda scope: left(scope) == right(scope)


def _is_none(node: trees.IsNone) -> _Expression:
    value_of = _expression(node.value)
    return lambda scope: value_of(scope) is None


_EXPRESSIONS: Mapping[type, Callable[[Any], _Expression]] = {
    trees.And: _and,
    trees.Constant: lambda node: lambda _: node.value,
    trees.Equal: _equal,
    trees.Filter: _filter,
    trees.IsNone: _is_none,
    trees.Lookup: _lookup,
    trees.Not: _not,
    trees.Or: _or,
}


def _joined(values: Iterable[str], separator: str = "") -> str:
    texts = tuple(values)
    is_worth_it = LONG < sum(map(len, texts)) < TOO_LONG
    return _joined_before(texts, separator) if is_worth_it else separator.join(texts)


@lru_cache(maxsize=16)
def _joined_before(values: tuple[str, ...], separator: str) -> str:
    """Return the same object for the same texts, because of which `printed` knows it."""
    return separator.join(values)


def _fields(values: Iterable[Handoff], attribute: str) -> list[str]:
    return [getattr(value, attribute) for value in values]


FILTERS: Mapping[str, Callable[..., Any]] = {
    "fence": fence_around,
    "join": _joined,
    "length": len,
    "lower": str.lower,
    "map": _fields,
    "trim": str.strip,
}
"""The filters of simple templates, named as in Jinja2. `map` is for fields only."""
