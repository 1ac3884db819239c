"""Statements in TOML text: a key with its value, or a table with its header and its keys."""

from __future__ import annotations

import rtoml

from kei_assembler.diagnostics import KeyPath
from kei_assembler.toml.source import Source
from kei_assembler.whitespace import SPACES


def statements(source: Source, path: KeyPath) -> list[tuple[int, int]]:
    """Return the offsets of the lines that set the key at a path, or that are the table at it.

    Comments stay, except those on these lines and between them. If a key shares its lines with others, as in a table of
    one line, the result is empty.
    """
    found: list[tuple[int, int]] = []
    lines = (mention.span.line - 1 for mention in source.mentions(str(path[0])) if mention.path == path)
    for number in dict.fromkeys(lines):
        is_table = source.lines[number].lstrip(SPACES).startswith("[")
        end = _end_of_table(source.lines, number) if is_table else _end(source.lines, number)
        if not end or (not is_table and not _is_only(source.lines[number:end], path)):
            return []
        found.append((source.starts[number], min(source.starts[end], len(source.text))))
    return found


def _end(lines: list[str], first: int) -> int:
    """Return the number of the line after the statement that begins on a line, from 0, or 0 if none begins there."""
    for end in range(first + 1, len(lines) + 1):
        try:
            rtoml.loads("\n".join(lines[first:end]))
        except rtoml.TomlParsingError:
            continue
        return end
    return 0


def _end_of_table(lines: list[str], header: int) -> int:
    """Return the number of the line after a table, from 0, with blank lines unless another table ends above it."""
    end = number = header + 1
    while number < len(lines) and not (text := lines[number].lstrip(SPACES)).startswith("["):
        number = number + 1 if text[:1] in ("", "#") else _end(lines, number)
        end = end if text[:1] in ("", "#") else number
    is_apart = header == 0 or lines[header - 1].lstrip(SPACES)[:1] in ("", "#")
    while is_apart and end < len(lines) - 1 and not lines[end].strip(SPACES):
        end += 1
    return end


def _is_only(lines: list[str], path: KeyPath) -> bool:
    """Whether a statement sets nothing but the key at a path."""
    value, keys = rtoml.loads("\n".join(lines)), list[str]()
    while isinstance(value, dict) and len(value) == 1:
        key = next(iter(value))
        keys.append(key)
        value = value[key]
        if path[-len(keys) :] == tuple(keys):
            return True
    return False
