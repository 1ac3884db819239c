"""Templates that Jinja2 renders: a kit's own that are not harmless, and all that an extension of Jinja2 changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template, Undefined
from jinja2.ext import Extension

from kei_assembler.markdown.structure import fence_around
from kei_assembler.render.sandbox import Sandbox
from kei_assembler.render.views import VARIABLES
from kei_assembler.suggestions import did_you_mean

Load = Callable[[str], tuple[str, str, None] | None]
"""Returns a template's text and file by its name, or None if it does not exist."""


def sandbox(load: Load, extension: type[Extension] | None) -> Sandbox:
    """Return the environment for templates of a kit, which an extension can change before they are compiled."""
    return Sandbox(printable, loader=FunctionLoader(load), extensions=[extension] if extension else (), **_SYNTAX)


def changed_template(name: str, load: Load, extension: type[Extension]) -> Template:
    """Return a template of the package, changed by an extension."""
    environment = Environment(loader=FunctionLoader(load), extensions=[extension], **_SYNTAX)
    environment.filters["fence"] = fence_around
    return environment.get_template(name)


def printable(value: Any) -> Any:
    """Return a value that a template prints: text, a number, or a collection of them.

    Raises:
        TypeError: it is absent, or something else, whose text would contain its address in memory.
    """
    if value is None:
        raise TypeError("cannot print `none`; test first whether there is a value, as in `extra.KEY is not none`")
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, Undefined):
        return str(value)
    if isinstance(value, list | tuple | Mapping):
        for item in value.values() if isinstance(value, Mapping) else value:
            printable(item)
        return value
    raise TypeError(f"cannot print a value of type `{type(value).__name__}`; call a method with parentheses")


class _Undefined(StrictUndefined):
    """An undefined name, whose error message suggests a similar one."""

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        known = getattr(self._undefined_obj, "_fields", ()) or getattr(self._undefined_obj, "__dict__", VARIABLES)
        hint = did_you_mean(str(self._undefined_name), known)
        return f"`{self._undefined_name}` is not defined" + (f"; {hint}" if hint else "")


_SYNTAX: Mapping[str, Any] = {
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
    "auto_reload": False,
    "undefined": _Undefined,
}
