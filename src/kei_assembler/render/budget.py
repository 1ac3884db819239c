"""What a kit's template may make in one rendering, counted in characters of text and items of lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, TypeGuard

from jinja2 import Template, nodes
from jinja2.compiler import CodeGenerator
from jinja2.runtime import Context

from kei_assembler.source.shapes import are_texts

MADE_MOST = 1024 * 1024
"""The bound on what one rendering makes, passes on and prints, all in all."""

_BITS_MOST = 64


class Budget:
    """Lets values pass while there is something left, and knows by `printed` what can be printed."""

    def __init__(self, printed: Callable[[Any], Any]) -> None:
        self._printed = printed
        self.renew()

    def renew(self) -> None:
        """Begin a rendering."""
        self.left = MADE_MOST

    def pay(self, size: int) -> None:
        """Take a size from the budget; a negative one costs no less."""
        self.left -= abs(size)
        if self.left < 0:
            raise _spent()

    def paid(self, value: Any) -> Any:
        """Return a value, at the cost of its size and of everything in it."""
        if isinstance(value, str):
            self.left -= 1 + len(value)  # without a call of `pay`: every piece of what a template prints comes by here
            if self.left < 0:
                raise _spent()
        elif _is_of_texts(value):
            self.pay(1 + len(value) + sum(map(len, value)))
        else:
            self._pay_for_parts(value)
        return value

    def _pay_for_parts(self, value: Any) -> None:
        self.pay(1)
        if isinstance(value, list | tuple | dict | MappingProxyType):
            for item in value.items() if isinstance(value, dict | MappingProxyType) else value:
                self.paid(item)
        elif isinstance(value, int) and value.bit_length() > _BITS_MOST:
            raise OverflowError(f"numbers of more than {_BITS_MOST} bits are refused in a kit's template")

    def printed(self, value: Any) -> Any:
        """Return what is printed for a value: of a text, as most are, nobody else has to be asked."""
        self.paid(value)
        return value if type(value) is str else self._printed(value)

    def joined(self, values: Iterable[Any], separator: Any = "") -> str:
        """Join what could be printed."""
        texts = self.paid(values) if _is_of_texts(values) else [str(self.printed(value)) for value in values]
        between = str(self.printed(separator))
        self.pay(len(texts) * len(between))
        return between.join(texts)


def _spent() -> OverflowError:
    return OverflowError(f"the template makes more than {MADE_MOST} characters and items of lists")


def _is_of_texts(value: Any) -> TypeGuard[list[str] | tuple[str, ...]]:
    """Tell whether this is a list of nothing but texts, which many are, and which costs little to ask."""
    return type(value) in _LISTS and are_texts(value)


_LISTS = (tuple, list)


class PayingTemplate(Template):
    """A template whose renderings begin with a new budget, and that pays for the variables it hands on."""

    environment: Any

    def render(self, *args: Any, **kwargs: Any) -> str:
        """Render with the whole budget."""
        self.environment.budget.renew()
        return super().render(*args, **kwargs)

    def new_context(self, vars: Any = None, *args: Any) -> Context:  # noqa: A002
        """Make what an include or an import sees."""
        self.environment.budget.pay(len(vars or ()))
        return super().new_context(vars, *args)


class PayingCode(CodeGenerator):
    """Writes the code of a template, with what pays for its lists, its texts and what it prints."""

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> None:
        """Write the code of a node, and code around it that pays for what it makes."""
        if self.stream.tell() > MADE_MOST:
            self.fail("the template has too much code", node.lineno)
        if isinstance(node, nodes.Include) and not node.with_context:  # Jinja2 would print it again and again unpaid
            self.fail("`without context` is refused in a kit's template", node.lineno)
        if price := _price(node):
            self.write(f"environment.budget.{price}(")
            super().visit(nodes.Tuple(node.nodes, "store") if isinstance(node, nodes.Concat) else node, *args, **kwargs)
            self.write(")")
        else:
            super().visit(node, *args, **kwargs)

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        return f"environment.budget.paid({super()._output_const_repr(group)})"

    def _make_finalize(self) -> Any:
        return super()._make_finalize()._replace(const=None)  # what is printed is paid for then, not when compiled


def _price(node: nodes.Node) -> str:
    """What the budget does with what an expression makes: nothing where that is what it was given."""
    if isinstance(node, nodes.Concat):
        return "joined"
    is_slice = isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice)
    is_tuple = isinstance(node, nodes.Tuple) and node.ctx == "load"
    return "paid" if is_slice or is_tuple or isinstance(node, nodes.List | nodes.Dict) else ""
