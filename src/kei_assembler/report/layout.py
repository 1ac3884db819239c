"""The layout of text for people: its width in terminal columns, and colours."""

from __future__ import annotations

import unicodedata

BOLD, RED, GREEN, CYAN, BOLD_RED, BOLD_YELLOW, BOLD_CYAN = "1", "31", "32", "36", "1;31", "1;33", "1;36"
"""Parameters of the terminal escape that sets the style of a text (ECMA-48, SGR)."""


def painted(text: str, style: str, colours: bool = True) -> str:
    """Return the text in a style, or unchanged without `colours`."""
    return f"\x1b[{style}m{text}\x1b[0m" if colours and style and text else text


def width(text: str) -> int:
    """Return the width of a text in terminal columns: two for wide characters, none for combining ones."""
    return len(text) if text.isascii() else sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) == "Me":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
