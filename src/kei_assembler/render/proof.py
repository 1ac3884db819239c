"""Prove that a template needs no sandbox, because it only prints the values that it gets, each a few times.

A template is harmless if its syntax tree contains nothing but text, blocks, `extends`, `super()`, conditions, loops
over lists that it gets, and prints of texts that it gets, with a few filters. A loop prints only its own item, so what
the template prints cannot grow faster than its values: `Size.bound` is the limit. All other templates need the sandbox.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

from jinja2 import nodes

from kei_assembler.model.manifest import Manifest
from kei_assembler.records import NamedTuple

TEXT, TEXTS, HANDOFF, HANDOFFS, NUMBER, LOOP = "text", "texts", "handoff", "handoffs", "number", "loop"
"""The kinds of values. A handoff has two texts, and `loop` is what a loop knows about itself."""

Path = tuple[str, ...]
"""The names in a lookup such as `agent.references.extra`."""

_OF_AGENT = {
    **dict.fromkeys(("name", "display_name", "description", "model", "role"), TEXT),
    **dict.fromkeys(("blocks", "domain_in", "forbidden_domain", "output_extra_fields", "tools", "targets"), TEXTS),
    "handoff": HANDOFFS,
}
CONTRACT: Mapping[Path, str] = {
    **{("agent", field): kind for field, kind in _OF_AGENT.items()},
    ("agent", "references", "extra"): TEXTS,
    ("allowed",): TEXTS,
    ("blocks",): TEXTS,
    ("report_fence",): TEXT,
    ("target",): TEXT,
}
"""The kinds of a template's variables and of their fields, by their paths."""

_FIELDS = {
    (HANDOFF, "target"): TEXT,
    (HANDOFF, "trigger"): TEXT,
    (LOOP, "first"): NUMBER,
    (LOOP, "last"): NUMBER,
    (LOOP, "index"): NUMBER,
}
_ITEMS = {TEXTS: TEXT, HANDOFFS: HANDOFF}
_PRINTABLE = (TEXT, NUMBER)

_MAX_BITS = 64
"""The size of numbers that the sandbox allows."""

_TEXT_FILTERS = ("fence", "lower", "trim")
_GROWTH = 2
"""How much longer a text can become by escaping, or by a filter: `İ` has two characters in lower case."""

_SHORT = 20
"""The most characters of a number, and of a fence around a text that has none."""

_MAX_FILTERS = 3
"""How many filters a value can pass through: the sandbox charges for the result of each."""

_MAX_NAME = 100

Scope = Mapping[str, str]
"""The kinds of the names that a loop defines."""

_NO_NAMES: Scope = {}


class Size(NamedTuple):
    """How much a template prints: its own text, once and per item of a list, and how often it prints each value."""

    text: int = 0
    per_item: int = 0
    uses: Mapping[Path, int] = {}

    def bound(self, amounts: Mapping[Path, int], items: int) -> int:
        """Return a limit for the characters that are printed, given those of each value, and the items of all lists.

        What is not known to be a value can have all values.
        """
        total = sum(amounts.values())
        values = sum(number * amounts.get(path, total) for path, number in self.uses.items())
        return self.text + self.per_item * items + _GROWTH * values


def size_of(tree: nodes.Template) -> Size:
    """Return the size of a template without blocks, whether it is harmless or not."""
    measure = _Measure()
    measure.add(tree, {})
    return Size(measure.text, measure.per_item, measure.uses)


class _Measure:
    """Adds up what the parts of a template print."""

    def __init__(self) -> None:
        self.text = 0
        self.per_item = 0
        self.uses: Counter[Path] = Counter()
        self._assigned: dict[str, Size] = {}
        """The sizes of what is assigned to names."""

    def add(self, node: nodes.Node, loops: Mapping[str, Path]) -> None:
        """Add a part of a template. `loops` has the list of each loop around it, by the name of the item."""
        if path := _path(node):
            self._add_value(path, loops)
            return
        skipped: nodes.Node | None = None
        match node:
            case nodes.TemplateData() | nodes.Const():
                size = len(str(node.data if isinstance(node, nodes.TemplateData) else node.value))
                self.text += size
                self.per_item += size if loops or isinstance(node, nodes.Const) else 0  # `join` repeats a constant
            case nodes.Filter(name="fence" | "length"):
                self.text += _SHORT
                self.per_item += _SHORT if loops else 0
            case nodes.If() if node.test.find(nodes.Filter) is None:
                skipped = node.test  # it prints nothing and makes nothing
            case nodes.For(target=nodes.Name(name=name)):
                loops, skipped = {**loops, name: _path(node.iter)}, node.target
            case nodes.Assign(target=nodes.Name(name=name)) | nodes.AssignBlock(target=nodes.Name(name=name)):
                text, per_item, uses = self.text, self.per_item, Counter(self.uses)
                self._add_children(node, loops, node.target)
                self._assigned[name] = Size(self.text - text, self.per_item - per_item, self.uses - uses)
                return
        self._add_children(node, loops, skipped)

    def _add_children(self, node: nodes.Node, loops: Mapping[str, Path], skipped: nodes.Node | None) -> None:
        for child in node.iter_child_nodes():
            if child is not skipped:
                self.add(child, loops)

    def _add_value(self, path: Path, loops: Mapping[str, Path]) -> None:
        name = path[0]
        if name == "loop" and loops:
            self.per_item += _SHORT
        elif name in self._assigned:
            assigned = self._assigned[name]
            self.text += assigned.text
            self.per_item += assigned.per_item
            self.uses.update(assigned.uses)
        else:
            self.uses[loops.get(name, path)] += 1


def is_harmless(tree: nodes.Template) -> bool:
    """Return whether the syntax tree of a template proves that it can do no harm without the sandbox."""
    return all(_is_statement_harmless(node, _NO_NAMES) for node in tree.body)


def _is_statement_harmless(node: nodes.Node, scope: Scope) -> bool:
    return _STATEMENTS.get(type(node), _is_refused)(node, scope)


def _are_harmless(body: Iterable[nodes.Node], scope: Scope) -> bool:
    return all(_is_statement_harmless(node, scope) for node in body)


def _is_refused(_node: nodes.Node, _scope: Scope) -> bool:
    return False


def _is_extends_harmless(node: Any, scope: Scope) -> bool:
    return not scope and isinstance(node.template, nodes.Const) and isinstance(node.template.value, str)


def _is_block_harmless(node: Any, scope: Scope) -> bool:
    supers = sum(_is_super(call) for call in node.find_all(nodes.Call))
    return not scope and not node.required and supers <= 1 and _are_harmless(node.body, scope)


def _is_if_harmless(node: Any, scope: Scope) -> bool:
    bodies = (node.body, node.elif_, node.else_)
    return _is_condition(node.test, scope) and all(_are_harmless(body, scope) for body in bodies)


def _is_loop_harmless(node: Any, scope: Scope) -> bool:
    item = _ITEMS.get(_kind(node.iter, scope))
    is_plain = isinstance(node.target, nodes.Name) and node.test is None and not node.recursive
    if scope or item is None or not is_plain or node.target.name == "loop":
        return False
    return _are_harmless(node.body, {node.target.name: item, "loop": LOOP}) and _are_harmless(node.else_, scope)


def _is_output_harmless(node: Any, scope: Scope) -> bool:
    return all(isinstance(each, nodes.TemplateData) or _is_print_harmless(each, scope) for each in node.nodes)


def _is_print_harmless(node: nodes.Node, scope: Scope) -> bool:
    # a loop that prints other values than its own would be a product
    names = [node.name] if isinstance(node, nodes.Name) else [name.name for name in node.find_all(nodes.Name)]
    is_own = not scope or scope.keys() >= {*names}
    return is_own and (_kind(node, scope) in _PRINTABLE or (not scope and _is_super(node)))


def _is_super(node: Any) -> bool:
    is_call = isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "super"
    return is_call and not (node.args or node.kwargs or node.dyn_args or node.dyn_kwargs)


def _is_condition(node: Any, scope: Scope) -> bool:
    match node:
        case nodes.Not():
            return _is_condition(node.node, scope)
        case nodes.And() | nodes.Or():
            return _is_condition(node.left, scope) and _is_condition(node.right, scope)
        case nodes.Test():
            return node.name == "none" and not (node.args or node.kwargs) and bool(_kind(node.node, scope))
        case nodes.Compare():
            operands = (node.expr, *(operand.expr for operand in node.ops))
            return all(operand.op in ("eq", "ne") for operand in node.ops) and all(
                _kind(each, scope) for each in operands
            )
    return bool(_kind(node, scope))


def _kind(node: Any, scope: Scope) -> str:
    """Return the kind of an expression, or "" if nothing is known about it."""
    match node:
        case nodes.Const():
            is_number = type(node.value) in (int, bool) and node.value.bit_length() <= _MAX_BITS
            return TEXT if isinstance(node.value, str) else NUMBER if is_number else ""
        case nodes.Filter():
            return _kind_of_filter(node, scope)
        case nodes.Name() | nodes.Getattr():
            name, *fields = _path(node) or ("",)
            if name not in scope:
                return CONTRACT.get((name, *fields), "")
            return scope[name] if not fields else _FIELDS.get((scope[name], fields[0]), "") if len(fields) == 1 else ""
    return ""


def _kind_of_filter(node: Any, scope: Scope) -> str:
    filters = 1 + sum(1 for _ in node.find_all(nodes.Filter))
    if node.node is None or node.dyn_args or node.dyn_kwargs or filters > _MAX_FILTERS:
        return ""
    kind, arguments = _kind(node.node, scope), [getattr(argument, "value", None) for argument in node.args]
    options = {option.key: getattr(option.value, "value", None) for option in node.kwargs}
    are_texts = all(isinstance(argument, str) for argument in arguments)
    match node.name:
        case "join" if kind == TEXTS and are_texts and len(arguments) <= 1 and not options:
            return TEXT
        case "map" if (
            kind == HANDOFFS and not arguments and options in ({"attribute": "target"}, {"attribute": "trigger"})
        ):
            return TEXTS
        case "trim" if kind == TEXT and are_texts and len(arguments) <= 1 and not options:
            return TEXT
        case "length" if kind and kind != NUMBER and not (arguments or options):
            return NUMBER
    is_of_text = node.name in _TEXT_FILTERS and kind == TEXT and not (arguments or options)
    return TEXT if is_of_text else ""


def _path(node: Any) -> Path:
    """Return the names in a lookup such as `agent.references.extra`, or nothing for any other expression."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    above = _path(node.node) if isinstance(node, nodes.Getattr) else ()
    return (*above, node.attr) if above else ()


_STATEMENTS: Mapping[type[nodes.Node], Callable[[Any, Scope], bool]] = {
    nodes.Block: _is_block_harmless,
    nodes.Extends: _is_extends_harmless,
    nodes.For: _is_loop_harmless,
    nodes.If: _is_if_harmless,
    nodes.Output: _is_output_harmless,
}


_TEXT_FIELDS = [field for field, kind in _OF_AGENT.items() if kind == TEXT]
_LIST_FIELDS = [field for field, kind in _OF_AGENT.items() if kind == TEXTS]
_texts_of, _lists_of = attrgetter(*_TEXT_FIELDS), attrgetter(*_LIST_FIELDS)
_MEASURED: Sequence[Path] = (
    *(("agent", field) for field in (*_TEXT_FIELDS, *_LIST_FIELDS)),
    *(("agent", "handoff"), ("agent", "references", "extra"), ("blocks",), ("allowed",), ("report_fence",)),
)


def amounts(manifest: Manifest, blocks: Sequence[str], allowed: Sequence[str]) -> tuple[dict[Path, int], int]:
    """Return the characters of each value that a template can print, and the number of items in all lists."""
    handoffs = [*chain.from_iterable(manifest.handoff)]
    lists = (*[each or () for each in _lists_of(manifest)], handoffs, manifest.references.extra, blocks, allowed)
    fence = sum(map(len, manifest.output_extra_fields)) + _MAX_NAME  # it is longer than any fence in these
    characters = (*map(len, _texts_of(manifest)), *[sum(map(len, texts)) for texts in lists], fence)
    return dict(zip(_MEASURED, characters, strict=True)) | {("target",): _MAX_NAME}, sum(map(len, lists))
