"""Prove that a template needs no sandbox, because it only prints the values that it gets, each a few times.

A simple template (see `simple_syntax`) is harmless if it contains nothing but text, blocks, `extends`, `super()`,
conditions, loops over lists that it gets, and prints of texts that it gets, with a few filters. A loop prints only its
own item, so what the template prints cannot grow faster than its values: `Size.bound` is the limit. All other templates
need the sandbox.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import attrgetter

from kei_assembler.model.manifest import Manifest
from kei_assembler.records import NamedTuple
from kei_assembler.render import trees
from kei_assembler.render.trees import Body, Node

MAX_MADE = 1024 * 1024
"""How much one rendering can produce, pass on and print, in characters of text and items of lists."""

TEXT, TEXTS, HANDOFF, HANDOFFS, NUMBER, LOOP, MAPPED = "text texts handoff handoffs number loop mapped".split()
"""The kinds of values. A handoff has two texts, `loop` is what a loop knows about itself, and `mapped` are texts that
can only be repeated or joined: in Jinja2, they are a generator, which is never empty nor equal to another.
"""

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
_ITEMS = {TEXTS: TEXT, MAPPED: TEXT, HANDOFFS: HANDOFF}
_PRINTABLE = (TEXT, NUMBER)
_COMPARABLE = (TEXT, TEXTS, HANDOFF, HANDOFFS, NUMBER, LOOP)

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


def size_of(tree: Body) -> Size:
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

    def add(self, part: Node, loops: Mapping[str, Path]) -> None:
        """Add a part of a template. `loops` has the list of each loop around it, by the name of the item."""
        match part:
            case trees.Text(text=text):
                self._add_text(len(text), is_repeated=bool(loops))
            case trees.Constant(value=value):
                self._add_text(len(str(value)), is_repeated=True)
            case trees.Lookup(path=path):
                self._add_value(path, loops)
            case trees.Filter(value=filtered, name=name, arguments=arguments):
                self._add_text(_SHORT if name in ("fence", "length") else 0, is_repeated=bool(loops))
                self._add_text(sum(len(str(each)) for each in arguments), is_repeated=True)  # `join` repeats one
                self.add(filtered, loops)
            case trees.Branch(test=test, body=body) if not [*trees.all_of(test, trees.Filter)]:
                self.add(body, loops)  # the test prints nothing and makes nothing
            case trees.For(name=name, values=values, body=body, other=other):
                self.add((values, other), loops)
                self.add(body, {**loops, name: _path(values)})
            case trees.Assign(name=name, value=assigned) | trees.Capture(name=name, body=assigned):
                before = Size(self.text, self.per_item, Counter(self.uses))
                self.add(assigned, loops)
                uses = self.uses - Counter(before.uses)
                self._assigned[name] = Size(self.text - before.text, self.per_item - before.per_item, uses)
            case tuple():
                for each in part:
                    self.add(each, loops)

    def _add_text(self, size: int, *, is_repeated: bool) -> None:
        self.text += size
        self.per_item += size if is_repeated else 0

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


def is_harmless(tree: Body) -> bool:
    """Return whether the syntax tree of a template proves that it can do no harm without the sandbox."""
    return _are_harmless(tree, _NO_NAMES)


def _are_harmless(body: Body, scope: Scope) -> bool:
    return all(_is_statement_harmless(node, scope) for node in body)


def _is_statement_harmless(node: Node, scope: Scope) -> bool:
    match node:
        case trees.Print(value=value):
            return _is_print_harmless(value, scope)
        case trees.If(branches=branches, other=other):
            are_harmless = (_is_condition(test, scope) and _are_harmless(body, scope) for test, body in branches)
            return all(are_harmless) and _are_harmless(other, scope)
        case trees.For(name=name, values=values, body=body, other=other) if not scope:
            item = _ITEMS.get(_kind(values, scope), "")
            return bool(item) and _are_harmless(body, {name: item, "loop": LOOP}) and _are_harmless(other, scope)
        case trees.Block(body=body) if not scope:
            return len([*trees.all_of(body, trees.Super)]) <= 1 and _are_harmless(body, scope)
    return isinstance(node, trees.Text) or (isinstance(node, trees.Extends) and not scope)


def _is_print_harmless(value: Node, scope: Scope) -> bool:
    # a loop that prints other values than its own would be a product
    is_own = not scope or all(lookup.path[0] in scope for lookup in trees.all_of(value, trees.Lookup))
    return is_own and (_kind(value, scope) in _PRINTABLE or (not scope and isinstance(value, trees.Super)))


def _is_condition(node: Node, scope: Scope) -> bool:
    match node:
        case trees.Not(value=value):
            return _is_condition(value, scope)
        case trees.And(left=left, right=right) | trees.Or(left=left, right=right):
            return _is_condition(left, scope) and _is_condition(right, scope)
        case trees.IsNone(value=value):
            return _kind(value, scope) in _COMPARABLE
        case trees.Equal(left=left, right=right):
            return _kind(left, scope) in _COMPARABLE and _kind(right, scope) in _COMPARABLE
    return _kind(node, scope) in _COMPARABLE


def _kind(node: Node, scope: Scope) -> str:
    """Return the kind of an expression, or "" if nothing is known about it."""
    match node:
        case trees.Constant(value=value):
            return TEXT if isinstance(value, str) else NUMBER
        case trees.Filter():
            return _kind_of_filter(node, scope)
        case trees.Lookup(path=(name, *fields)):
            if name not in scope:
                return CONTRACT.get((name, *fields), "")
            return scope[name] if not fields else _FIELDS.get((scope[name], fields[0]), "") if len(fields) == 1 else ""
    return ""


def _kind_of_filter(node: trees.Filter, scope: Scope) -> str:
    kind, arguments, options = _kind(node.value, scope), node.arguments, dict(node.options)
    if len([*trees.all_of(node, trees.Filter)]) > _MAX_FILTERS:
        return ""
    are_texts = all(isinstance(argument, str) for argument in arguments)
    match node.name:
        case "join" if kind in (TEXTS, MAPPED) and are_texts and len(arguments) <= 1 and not options:
            return TEXT
        case "map" if (
            kind == HANDOFFS and not arguments and options in ({"attribute": "target"}, {"attribute": "trigger"})
        ):
            return MAPPED
        case "trim" if kind == TEXT and are_texts and len(arguments) <= 1 and not options:
            return TEXT
        case "length" if kind in (TEXT, TEXTS, HANDOFFS) and not (arguments or options):
            return NUMBER
    is_of_text = node.name in _TEXT_FILTERS and kind == TEXT and not (arguments or options)
    return TEXT if is_of_text else ""


def _path(node: Node) -> Path:
    """Return the names in a lookup, or nothing for any other expression."""
    return node.path if isinstance(node, trees.Lookup) else ()


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
