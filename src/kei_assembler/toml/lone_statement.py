"""Find the only statement about a top-level key: to find positions in it, the rest of a TOML text need not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rtoml

from kei_assembler import lazy_re
from kei_assembler.value_types import is_texts
from kei_assembler.whitespace import SPACES

if TYPE_CHECKING:
    from kei_assembler.toml.source import Source

_BARE_KEY = lazy_re.compile(r"[A-Za-z0-9_-]++")
_REST = lazy_re.compile(r"[\"']?[ \t]*+=")
"""What follows the name of a key."""

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
    numbers = [number for number, line in enumerate(source.lines) if key in line and _may_set(line, key)]
    if len(numbers) != 1:
        return 0, ""
    start = source.starts[numbers[0]]
    end = _NEXT.search(text, start)
    statement = text[start : end.start() if end else None]
    try:
        is_whole = rtoml.loads(statement) == {key: value}
    except rtoml.TomlParsingError:
        return 0, ""
    return (numbers[0], statement) if is_whole else (0, "")


def _may_set(line: str, key: str) -> bool:
    """Return whether a statement about a bare key may start on a line. It may also be a line of a string."""
    start = line.lstrip(SPACES)
    name = start[1:] if start[:1] in ("'", '"') else start
    return name.startswith(key) and _REST.match(name, len(key)) is not None
