"""The limit on what one rendering of a kit's template can produce, in characters of text and items of lists.

The compiled code of such a template charges a budget for every value that it produces, passes on or prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, TypeGuard

from jinja2 import Template, nodes
from jinja2.compiler import CodeGenerator
from jinja2.runtime import Context

from kei_assembler.render.proof import MAX_MADE
from kei_assembler.value_types import are_texts

_MAX_BITS = 64


class Budget:
    """The budget of a rendering. `printed` converts a value to what a template prints for it."""

    def __init__(self, printed: Callable[[Any], Any]) -> None:
        self._printed = printed
        self.renew()

    def renew(self) -> None:
        """Reset the budget at the start of a rendering."""
        self.left = MAX_MADE

    def pay(self, size: int) -> None:
        """Charge a size; templates can pass negative sizes, and these are charged like positive ones.

        Raises:
            OverflowError: the budget is exceeded.
        """
        self.left -= abs(size)
        if self.left < 0:
            raise _spent()

    def paid(self, value: Any) -> Any:
        """Charge a value, including everything in it, and return it.

        Raises:
            OverflowError: the budget is exceeded, or the value is a number of more than 64 bits.
        """
        if isinstance(value, str):
            self.left -= 1 + len(value)  # `pay` inlined: every piece of text that a template prints is charged here
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
        elif isinstance(value, int) and value.bit_length() > _MAX_BITS:
            raise OverflowError(f"numbers of more than {_MAX_BITS} bits are not allowed in a kit's template")

    def printed(self, value: Any) -> Any:
        """Charge a value and return what is printed for it. Nearly all values are strings, which need no conversion."""
        self.paid(value)
        return value if type(value) is str else self._printed(value)

    def joined(self, values: Iterable[Any], separator: Any = "") -> str:
        """Join values as they would be printed, and charge the values and the separators."""
        texts = self.paid(values) if _is_of_texts(values) else [str(self.printed(value)) for value in values]
        glue = str(self.printed(separator))
        self.pay(len(texts) * len(glue))
        return glue.join(texts)


def _spent() -> OverflowError:
    return OverflowError(f"the template makes more than {MAX_MADE} characters and list items")


def _is_of_texts(value: Any) -> TypeGuard[list[str] | tuple[str, ...]]:
    """Return whether this is a list of strings only: the common case, which is cheap to detect and to charge."""
    return type(value) in _LISTS and are_texts(value)


_LISTS = (tuple, list)


class PayingTemplate(Template):
    """A template that starts each rendering with a full budget and charges the variables it passes on."""

    environment: Any

    def render(self, *args: Any, **kwargs: Any) -> str:
        """Render with a full budget."""
        self.environment.budget.renew()
        return super().render(*args, **kwargs)

    def new_context(self, vars: Any = None, *args: Any) -> Context:  # noqa: A002
        """Charge and return the context of an include or an import."""
        self.environment.budget.pay(len(vars or ()))
        return super().new_context(vars, *args)


class PayingCode(CodeGenerator):
    """Compiles a template to code that charges for its lists, its text and what it prints."""

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> None:
        """Write the code of a node, wrapped in a call that charges for the node's value."""
        if self.stream.tell() > MAX_MADE:
            self.fail("the template has too much code", node.lineno)
        if isinstance(node, nodes.Include) and not node.with_context:  # Jinja2 prints its cached output uncharged
            self.fail("`without context` is not allowed in a kit's template", node.lineno)
        if price := _price(node):
            self.write(f"environment.budget.{price}(")
            super().visit(nodes.Tuple(node.nodes, "store") if isinstance(node, nodes.Concat) else node, *args, **kwargs)
            self.write(")")
        else:
            super().visit(node, *args, **kwargs)

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        return f"environment.budget.paid({super()._output_const_repr(group)})"

    def _make_finalize(self) -> Any:
        return super()._make_finalize()._replace(const=None)  # charge constants when printed, not when compiled


def _price(node: nodes.Node) -> str:
    """Return the budget's method for an expression that makes a new value; empty for all other nodes."""
    if isinstance(node, nodes.Concat):
        return "joined"
    is_slice = isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Slice)
    is_tuple = isinstance(node, nodes.Tuple) and node.ctx == "load"
    return "paid" if is_slice or is_tuple or isinstance(node, nodes.List | nodes.Dict) else ""
