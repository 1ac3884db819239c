"""Read the front matter of agent files on disk, as the client that loads them does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from kei_assembler import lazy_re
from kei_assembler.diagnostics import Span
from kei_assembler.markdown.lenient_yaml import LocatedValue, RefusedYamlError, as_text, read
from kei_assembler.markdown.raw_scalars import OTHER_READERS
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import read_toml
from kei_assembler.whitespace import WHITESPACE

Entry = tuple[str, Span]
"""A value as text, and where it is."""

_OPENING = lazy_re.compile(r"(?:[ \t]*\n)*---[ \t]*\n")
_LATE_OPENING = lazy_re.compile(r"^---[ \t]*\n", re.MULTILINE)
_CLOSING = lazy_re.compile(r"^---", re.MULTILINE)
_ITEM = lazy_re.compile(r"^-[ \t]", re.MULTILINE)


def front_entries(row: Target, path: str, text: str, content: bytes) -> list[Mapping[str, Entry]]:
    """Return the names and the descriptions of the agents in a file: one, or several if the client reads lists.

    A file without front matter has no agents.
    """
    if row.form.syntax == "toml":
        source = read_toml(path, content)
        texts = {key: source.data.get(key) for key in _keys(row) if row.form.body_key in source.data}
        return [{key: (value, source.locate((key,))) for key, value in texts.items() if isinstance(value, str)}]
    opening = _LATE_OPENING.search(text) if row.loader.finds_late_front_matter else _OPENING.match(text)
    if opening is None:
        return []
    closing = _CLOSING.search(text, opening.end())
    front = text[opening.end() : closing.start() if closing else len(text)]
    above = text.count("\n", 0, opening.end())
    starts = [item.start() for item in _ITEM.finditer(front)] if row.loader.reads_lists else []
    if not starts or front[: starts[0]].strip(WHITESPACE):
        return [_entries(row, front, above)]
    # each item of a list is front matter of its own
    items = ((start, _ITEM.sub("  ", front[start:end])) for start, end in pairwise([*starts, len(front)]))
    return [_entries(row, item, above + front.count("\n", 0, start)) for start, item in items]


def _entries(row: Target, front: str, lines: int) -> Mapping[str, Entry]:
    try:
        reader = OTHER_READERS.get(row.form.syntax)
        entries = (reader(front, row.label) if reader else read(front, row.keys)).entries
    except RefusedYamlError:
        return {}
    return {key: _entry(entries[key], lines) for key in _keys(row) if key in entries}


def _keys(row: Target) -> tuple[str, ...]:
    """The keys that the client reads of these."""
    return tuple(key for key in _KEYS if key in row.keys)


_KEYS = ("name", "description")


def _entry(located: LocatedValue, lines: int) -> Entry:
    span = located.span
    where = Span(span.line + lines, span.column, span.end_line + lines, span.end_column)
    return as_text(located.value), where
