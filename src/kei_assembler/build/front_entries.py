"""Read the front matter of agent files on disk, as the client that loads them does."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kei_assembler.diagnostics import Span
from kei_assembler.markdown.lenient_yaml import LocatedValue, RefusedYamlError, as_text, by_lines, read
from kei_assembler.targets.forms import BODY_KEY, TOML
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import START, read_toml

Entry = tuple[str, Span]
"""A value as text, and where it is."""

_OPENING = re.compile(r"(?:[ \t]*\n)*---[ \t]*\n")
_LATE_OPENING = re.compile(r"^---[ \t]*\n", re.MULTILINE)
_CLOSING = re.compile(r"^---", re.MULTILINE)


def front_entries(row: Target, path: str, text: str, content: bytes) -> Mapping[str, Entry]:
    """Return the name and the description of an agent file, those that it has. Without front matter it has none."""
    if row.form is TOML:
        source = read_toml(path, content)
        texts = {key: source.data.get(key) for key in _KEYS if BODY_KEY in source.data}
        return {key: (value, source.locate((key,))) for key, value in texts.items() if isinstance(value, str)}
    opening = _LATE_OPENING.search(text) if row.loader.finds_late_front_matter else _OPENING.match(text)
    if opening is None:
        return {}
    closing = _CLOSING.search(text, opening.end())
    front = text[opening.end() : closing.start() if closing else len(text)]
    lines = text.count("\n", 0, opening.end())
    try:
        entries = (by_lines(front, row.label) if row.form.keeps_quotes else read(front, row.keys)).entries
    except RefusedYamlError:
        return {}
    return {key: _entry(entries[key], lines) for key in _KEYS if key in entries}


_KEYS = ("name", "description")


def _entry(located: LocatedValue, lines: int) -> Entry:
    span = located.span
    where = Span(span.line + lines, span.column, span.end_line + lines, span.end_column)
    return as_text(located.value), where


NO_ENTRY: Entry = ("", START)
"""What stands for a key that a file does not have."""
