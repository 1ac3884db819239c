"""The sandbox for a kit's own templates.

CI renders templates from strangers' pull requests. So a template can access only the values passed to it: their fields,
and the methods and filters that Markdown needs. Everything that it produces, passes on or prints is charged by size to
the budget of the rendering. Only loops that do none of that are not limited; a time limit for those is left to CI.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import wraps
from itertools import dropwhile
from types import BuiltinMethodType, MappingProxyType
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.filters import do_indent, do_round, make_attrgetter
from jinja2.runtime import BlockReference, Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range

from kei_assembler.markdown.structure import fence_around
from kei_assembler.render.limits import Budget, PayingCode, PayingTemplate
from kei_assembler.render.simple_syntax import MAX_LENGTH
from kei_assembler.render.template_inheritance import Inheritance, Override

_REFUSED_FILTERS = "attr batch center format pprint random slice striptags sum tojson urlize wordwrap xmlattr".split()
_TEXT_FILTERS = "capitalize e escape forceescape lower replace safe string title trim upper urlencode wordcount".split()
_TEXT_METHODS = """capitalize casefold count endswith find isalnum isalpha isdigit islower isspace isupper lower lstrip
    partition removeprefix removesuffix rfind rpartition rsplit rstrip split splitlines startswith strip title upper"""
_METHODS: dict[type, Collection[str]] = {
    str: _TEXT_METHODS.split(),
    dict: ("get", "items", "keys", "values"),
    MappingProxyType: ("get", "items", "keys", "values"),
    LoopContext: ["depth0", *(name for name in vars(LoopContext) if not name.startswith("_"))],
    BlockReference: ("super",),
}


def _with_check(function: Any, check: Callable[[Any], Any]) -> Callable[..., Any]:
    return wraps(function)(lambda value, *args, **kwargs: function(check(value), *args, **kwargs))


def _has_field(value: Any, name: Any) -> bool:
    return name in getattr(type(value), "_fields", ())


def _number(value: Any) -> Any:
    if not isinstance(value, int | float):
        raise SecurityError(f"this is not a number but of type `{type(value).__name__}`")
    return value


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's immutable sandbox with a budget, without operations that can exceed it in a single step."""

    code_generator_class = PayingCode
    template_class = PayingTemplate
    intercepted_binops = frozenset({"+", "-", "*", "%", "**"})

    def __init__(self, finalize: Callable[[Any], Any], **options: Any) -> None:
        self.budget = Budget(finalize)
        self.inheritance: dict[str, Inheritance] = {}
        # Optimized, Jinja2 would evaluate constant expressions when it compiles them, before a budget applies.
        super().__init__(finalize=self.budget.printed, optimized=False, **options)
        self.globals = {"range": safe_range}
        self.filters |= {"indent": self._indent, "join": self._join, "replace": self._replace, "round": self._round}
        self.filters["fence"] = fence_around
        self.filters |= {name: _with_check(self.filters[name], finalize) for name in _TEXT_FILTERS}
        self.filters = {name: self._charged(self.filters[name]) for name in self.filters.keys() - set(_REFUSED_FILTERS)}
        self.tests |= {name: _with_check(self.tests[name], _number) for name in ("divisibleby", "even", "odd")}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if len(source) > MAX_LENGTH:
            raise TemplateSyntaxError(f"the template is longer than {MAX_LENGTH} characters", 1, name, filename)
        tree = super()._parse(source, name, filename)
        self.inheritance[filename or ""] = _inheritance(tree)
        return tree

    def _charged(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return wraps(function)(lambda *args, **kwargs: self.budget.paid(function(*args, **kwargs)))

    def _indent(self, s: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
        self.budget.pay((1 + len(s.splitlines())) * (len(width) if isinstance(width, str) else width))
        return do_indent(s, width, first, blank)

    def _join(self, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
        return self.budget.joined(value if attribute is None else map(make_attrgetter(self, attribute), value), d)

    def _replace(self, s: Any, old: Any, new: Any, count: int | None = None) -> str:
        return self.budget.joined(str(s).split(str(old), -1 if count is None else count), new)

    def _round(self, value: float, precision: int = 0, method: Any = "common") -> float:
        self.budget.pay(precision)
        return do_round(value, precision, method)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a macro or a method; charge the arguments and, for a method, the result."""
        self.budget.paid((args, *(kwargs[name] for name in kwargs if not name.startswith("_"))))
        result = super().call(context, obj, *args, **kwargs)
        return self.budget.paid(result) if isinstance(obj, BuiltinMethodType) else result

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Apply an operator. All but `+` need numbers, because `*` and `%` make text of any length.

        Raises:
            SecurityError: the operator is `**`, or one that needs numbers has other operands.
        """
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if operator == "**" or not (operator == "+" or numbers):
            raise SecurityError(f"`{operator}` is not allowed here in a kit's template")
        return self.budget.paid(super().call_binop(context, operator, left, right))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look up an attribute."""
        # A fast path: most lookups are fields of the values passed to the template, and those are safe.
        return getattr(obj, attribute) if _has_field(obj, attribute) else super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Look up an item and charge for it, because filters such as `sort` can look up any number of items."""
        self.budget.pay(1)
        return self.getattr(obj, argument) if _has_field(obj, argument) else super().getitem(obj, argument)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:  # noqa: ARG002 (so Jinja2 calls it)
        """Return whether an attribute is a field of a value passed to the template or a method that Markdown needs."""
        known: Any = _METHODS.get(type(obj)) or getattr(obj, "_fields", ()) or getattr(obj, "__dict__", ())
        return attr in known and not attr.startswith("_")

    def wrap_str_format(self, value: Any) -> None:
        """Return None, so that `is_safe_attribute` refuses `format`: Jinja2's safe variant still pads to any width."""


def _inheritance(tree: nodes.Template) -> Inheritance:
    """Return the facts about a parsed template."""
    # Jinja2 prints what precedes `extends`, so a block there has an effect without replacing anything.
    after_extends = dropwhile(lambda node: not isinstance(node, nodes.Extends), tree.body)
    overrides = (
        Override(block.name, block.lineno, _blocks_among(block.find_all(nodes.Block)))
        for block in _outermost(after_extends)
    )
    # walks through the tree once for all of them
    found = [*tree.find_all((nodes.Extends, nodes.Block, nodes.Getattr, nodes.Getitem))]
    return Inheritance(_parent(tree, found), _blocks_among(found), _calls(found), tuple(overrides))


def _blocks_among(found: Iterable[nodes.Node]) -> frozenset[str]:
    return frozenset(node.name for node in found if isinstance(node, nodes.Block))


def _parent(tree: nodes.Template, found: Iterable[nodes.Node]) -> str | None:
    extends = [node for node in found if isinstance(node, nodes.Extends)]
    if not extends:
        return ""
    template = extends[0].template if len(extends) == 1 and extends[0] in tree.body else None
    return template.value if isinstance(template, nodes.Const) and isinstance(template.value, str) else None


def _calls(found: Iterable[nodes.Node]) -> frozenset[str]:
    lookups = [(lookup.node, lookup.attr) for lookup in found if isinstance(lookup, nodes.Getattr)]
    lookups += [(node.node, getattr(node.arg, "value", "")) for node in found if isinstance(node, nodes.Getitem)]
    return frozenset(str(name) for owner, name in lookups if isinstance(owner, nodes.Name) and owner.name == "self")


def _outermost(tree: Iterable[nodes.Node]) -> Iterator[nodes.Block]:
    """Yield the blocks that are not nested: a nested block is printed wherever the block around it is."""
    for node in tree:
        if isinstance(node, nodes.Block):
            yield node
        else:
            yield from _outermost(node.iter_child_nodes())
