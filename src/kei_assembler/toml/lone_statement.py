"""Find the only statement about a top-level key: to find positions in it, the rest of a TOML text need not be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import rtoml

from kei_assembler import lazy_re
from kei_assembler.value_types import is_texts
from kei_assembler.whitespace import SPACES

if TYPE_CHECKING:
    from kei_assembler.toml.source import Source

_BARE_KEY = lazy_re.compile(r"[A-Za-z0-9_-]++")
_NEXT = lazy_re.compile(r"\n(?=[\n#\[A-Za-z]|\Z)")
"""Where the next statement most likely starts."""


def lone_statement(source: Source, key: str) -> tuple[int, str]:
    """Return the number of lines above the only statement about a key, and its text, which is empty if this is unclear.

    Without escapes, such a statement can only start in three ways. If one line starts like that, it is not in a string.
    """
    text, value = source.text, source.data.get(key)
    is_simple = isinstance(value, str | int | float) or is_texts(value)
    if source.error or not is_simple or source.has_escapes or not _BARE_KEY.fullmatch(key):
        return 0, ""
    starts = list(_starts(text, key))
    if len(starts) != 1:
        return 0, ""
    end = _NEXT.search(text, starts[0])
    statement = text[starts[0] : end.start() if end else None]
    try:
        is_whole = rtoml.loads(statement) == {key: value}
    except rtoml.TomlParsingError:
        return 0, ""
    return (text.count("\n", 0, starts[0]), statement) if is_whole else (0, "")


def _starts(text: str, key: str) -> Iterator[int]:
    """Yield the offsets of the lines that a statement about a bare key may start on, in a string too."""
    for match in re.finditer(rf"{key}[\"']?[ \t]*=", text):
        line = text.rfind("\n", 0, match.start()) + 1
        if text[line : match.start()].strip(SPACES) in ("", '"', "'"):
            yield line
