"""Find the only statement about a top-level key, and positions in it, without reading the rest of a TOML text."""

from __future__ import annotations

from typing import Any

import rtoml

from kei_assembler import lazy_re
from kei_assembler.diagnostics import KeyPath
from kei_assembler.value_types import is_texts
from kei_assembler.whitespace import SPACES

_BARE_KEY = lazy_re.compile(r"[A-Za-z0-9_-]++")
_REST = lazy_re.compile(r"[\"']?[ \t]*+=")
"""What follows the name of a key."""

_NAME = lazy_re.compile(r"[ \t]*+([\"']?[A-Za-z0-9_-]++[\"']?)")
_STRING_OR_COMMENT = lazy_re.compile(
    r'''"""(?:[^"\\]|\\[\s\S]|"(?!""))*+(?:"{3,5}+|\\?\Z)|"(?:[^"\\\n]|\\[^\n])*+"?'''
    r"""|'''(?:[^']|'(?!''))*+(?:'{3,5}+|\Z)|'[^'\n]*+'?|\#[^\n]*+"""
)
"""A string that is not closed extends to the end of its line or of the text, so that the search takes linear time."""

_NEXT = lazy_re.compile(r"\n(?=[\n#\[A-Za-z]|\Z)")
"""Where the next statement most likely starts."""


def lone_offsets(text: str, key: str, value: Any) -> dict[KeyPath, tuple[int, int]]:
    """Return where a top-level key of a TOML text and its items start and end, given its value.

    Return nothing if it is unclear which statement is about the key, or if it has neither a text, a number nor texts.
    The text has no escapes because of which its strings contain what the text itself does not. This is faster than to
    read it with tree-sitter.
    """
    is_simple = isinstance(value, str | int | float) or is_texts(value)
    start = _only_start(text, key) if is_simple and _BARE_KEY.fullmatch(key) else -1
    if start < 0:
        return {}
    end = _NEXT.search(text, start)
    statement = text[start : end.start() if end else None]
    try:
        is_whole = rtoml.loads(statement) == {key: value}
    except rtoml.TomlParsingError:
        return {}
    name = _NAME.match(statement)
    if not (is_whole and name):
        return {}
    found: dict[KeyPath, tuple[int, int]] = {(key,): name.span(1)}
    if isinstance(value, list):
        tokens = _STRING_OR_COMMENT.finditer(statement, name.end())
        items = (token.span() for token in tokens if token[0][0] != "#")
        found |= {(key, index): item for index, item in enumerate(items)}
    return {path: (start + first, start + last) for path, (first, last) in found.items()}


def _only_start(text: str, key: str) -> int:
    """Return the offset of the only line that may start a statement about a bare key, or -1 if there is not just one.

    Without escapes, such a statement can only start in three ways. If one line starts like that, it is not in a string.
    """
    only = -1
    at = text.find(key)
    while at >= 0:
        start = text.rfind("\n", 0, at) + 1
        if text[start:at].strip(SPACES) in ("", "'", '"') and _REST.match(text, at + len(key)):
            if only >= 0:
                return -1
            only = start
        end = text.find("\n", at)
        at = text.find(key, end) if end >= 0 else -1
    return only
