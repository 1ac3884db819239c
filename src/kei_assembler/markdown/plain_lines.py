"""Read front matter that people wrote for a client that reads no YAML, only lines of `key: value`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from kei_assembler.markdown.lenient_yaml import FrontMatter, LocatedValue, Recovery, by_lines, try_parse
from kei_assembler.whitespace import WHITESPACE


def lines_or_yaml(text: str, label: str, known: Collection[str]) -> FrontMatter:
    """Return front matter for a client that supports only lines of `key: value`, see `by_lines`, as it is meant.

    If it is YAML, a value that says something else there is read as YAML, which is reported. An empty list stays as it
    is written, because the client could take a key without a value for its default. So do `known` keys that the client
    finds inside other values, because they can limit the agent.
    """
    lines, front = by_lines(text, label), try_parse(text)
    if front is None or not front.entries:
        return lines
    entries: dict[str, LocatedValue] = {}
    recoveries = [*front.recoveries]
    for name, (value, span) in front.entries.items():
        key = name.strip(WHITESPACE).lower()
        literal = lines.entries.get(key, LocatedValue("", span))
        if value in ([], {}) or _says_the_same(value, literal.value):
            entries[key] = literal
            continue
        entries[key] = LocatedValue(value, span)
        message = f"`{key}` was read as YAML, but {label} reads no YAML, and takes the rest of the line as it is"
        recoveries.append(Recovery(span, message, "the manifest has the value that the YAML says"))
    for key in sorted(lines.entries.keys() & {*known} - entries.keys()):
        entries[key] = lines.entries[key]
        message = f"`{key}` is inside another value, but {label} reads it as a key of the agent, and so did this import"
        recoveries.append(Recovery(entries[key].span, message, "remove it from the manifest if it is only text"))
    return FrontMatter(entries, tuple(recoveries))


def _says_the_same(value: Any, literal: str) -> bool:
    is_plain = not isinstance(value, str | list | dict) and " #" not in f" {literal}"
    return is_plain or value == literal
