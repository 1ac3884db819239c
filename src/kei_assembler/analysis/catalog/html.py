"""Write HTML. Every text is escaped, and what is hidden in it becomes visible; only `Html` is markup."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from kei_assembler.markdown.hidden_text import named, shown, stretches


class Html(str):
    """Markup, as opposed to text."""

    __slots__ = ()


Child = str | Iterable["Child"] | None
"""The content of an element: text, markup, several of them, or nothing."""

_VOID = frozenset(("circle", "input", "link", "meta", "path", "rect"))
"""The elements that are written without an end tag, those of SVG with a slash."""

_SVG = frozenset(("circle", "path", "rect"))


def text(value: str) -> Html:
    """Return a text as markup. Hidden characters are replaced with marks that name them."""
    parts, end = [], 0
    for start, stop in stretches(value):
        parts.append(escape(value[end:start]))
        parts += (f'<mark title="{escape(named(each))}">U+{ord(each):04X}</mark>' for each in value[start:stop])
        end = stop
    return Html("".join([*parts, escape(value[end:])]))


def plain(value: str) -> Html:
    """Return a text as markup without elements, for a title, an attribute or a drawing."""
    return Html(escape(shown(value)))


def element(name: str, /, *children: Child, **attributes: str | float | bool | None) -> Html:
    """Return an element.

    In the names of attributes, `_` stands for a hyphen, except at the end. Attributes that are None or False are left
    out.
    """
    start = f"<{name}"
    for key, value in attributes.items():
        if value is not None and value is not False:
            written = key.rstrip("_").replace("_", "-")
            start += f" {written}" if value is True else f' {written}="{plain(str(value))}"'
    if name in _VOID:
        return Html(f"{start}{'/' if name in _SVG else ''}>")
    return Html(f"{start}>{joined(children)}</{name}>")


def joined(children: Iterable[Child], joint: str = "") -> Html:
    """Return contents one after another, with a text between them."""
    return Html(escape(joint).join(_content(child) for child in children if child is not None))


def _content(child: str | Iterable[Child]) -> str:
    if isinstance(child, Html):
        return child
    return text(child) if isinstance(child, str) else joined(child)
