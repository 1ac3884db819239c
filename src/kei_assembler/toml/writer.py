"""A TOML writer whose output is easy to read, edit and compare line by line."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from kei_assembler import lazy_re
from kei_assembler.diagnostics import KeyPath

_MAX_LINE_LENGTH = 120
_INDENT = "    "
_UNPRINTABLE = lazy_re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufdd0-\ufdef\ufffe\uffff]")
_BARE_KEY = lazy_re.compile("[A-Za-z0-9_-]+")
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_ESCAPED_IN_LINES = {"\\": "\\\\", "\r": "\\r"}
_ESCAPED_IN_COMMENT = {"\n": "\\n"}

Comments = Mapping[KeyPath, str]
"""The comments after values, by the paths of these. A list with comments after its entries gets a line for each."""


_NONE: Comments = {}


def document(data: Mapping[str, Any], comments: Comments = _NONE, inline: Collection[str] = ()) -> str:
    """Return a TOML file (1.0 and 1.1) with these keys, values and comments: first the pairs, then the tables.

    The tables of the keys `inline` are written on one line, among the pairs.

    Values are strings without lone surrogates, booleans, 64-bit integers, floats, lists and tables. A TOML parser
    reads the same values back, and the keys of each table below the top in the same order. A comment is one line.
    """
    # A pair after a table header would belong to that table.
    sections = {key: value for key, value in data.items() if _is_section(value) and key not in inline}
    pairs = [_pair(key_text(key), (key,), value, comments) for key, value in data.items() if key not in sections]
    tables = (_section((key,), value, comments) for key, value in sections.items())
    return "\n".join(filter(None, ["".join(pairs), *tables]))


def entry(key: str, value: Any) -> str:
    """Return one top-level key of a TOML file with its value: a pair, or tables with their headers."""
    return document({key: value})


def _is_section(value: Any) -> bool:
    """Return whether a value is a table, or a list that contains only tables."""
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(inner, Mapping) for inner in value)
    return isinstance(value, Mapping)


def _section(path: KeyPath, value: Any, comments: Comments) -> str:
    """Return a table, or a list of tables, with headers. `path` leads through lists by their indexes."""
    name = ".".join(key_text(step) for step in path if isinstance(step, str))
    if not isinstance(value, Mapping):
        tables = (((*path, index), table) for index, table in enumerate(value))
        return "\n".join(_table(f"[[{name}]]{_comment(comments, at)}\n", at, table, comments) for at, table in tables)
    has_header = not value or not all(map(_is_section, value.values()))
    return _table(f"[{name}]{_comment(comments, path)}\n" if has_header else "", path, value, comments)


def _table(header: str, path: KeyPath, table: Mapping[str, Any], comments: Comments) -> str:
    """Return the content of a table after its header. Tables in it that a pair follows are written as pairs."""
    keys = list(table)
    while keys and _is_section(table[keys[-1]]):
        keys.pop()
    pairs = {key: table[key] for key in keys}
    sections = (_section((*path, key), value, comments) for key, value in table.items() if key not in pairs)
    return "\n".join(filter(None, [header + _pairs(path, pairs, comments), *sections]))


def _pairs(path: KeyPath, table: Mapping[str, Any], comments: Comments, prefix: str = "") -> str:
    lines = []
    for key, value in table.items():
        name, inner = f"{prefix}{key_text(key)}", (*path, key)
        is_table = isinstance(value, Mapping) and value
        lines.append(_pairs(inner, value, comments, f"{name}.") if is_table else _pair(name, inner, value, comments))
    return "".join(lines)


def _pair(name: str, path: KeyPath, value: Any, comments: Comments) -> str:
    start, comment = f"{name} = ", _comment(comments, path)
    if isinstance(value, str):
        return f"{start}{_text(value)}{comment}\n"
    on_one_line = start + value_text(value)
    if isinstance(value, list | tuple):
        notes = [_comment(comments, (*path, index)) for index in range(len(value))]
        if any(notes) or len(on_one_line) > _MAX_LINE_LENGTH:
            items = (f"{_INDENT}{value_text(item)},{note}\n" for item, note in zip(value, notes, strict=True))
            return "".join([f"{start}[{comment}\n", *items, "]\n"])
    return f"{on_one_line}{comment}\n"


def _comment(comments: Comments, path: KeyPath) -> str:
    text = comments.get(path)
    return f"  # {_escaped(text, _ESCAPED_IN_COMMENT)}" if text else ""


def key_text(key: str) -> str:
    """Return a key as TOML has it: in quotes only if it needs them."""
    return key if _BARE_KEY.fullmatch(key) else string_text(key)


def value_text(value: Any) -> str:
    """Return a value on one line: strings in quotes, lists and tables inline."""
    match value:
        case str():
            return string_text(value)
        case bool():
            return str(value).lower()
        case list() | tuple():
            return f"[{', '.join(map(value_text, value))}]"
        case Mapping():
            pairs = ", ".join(f"{key_text(key)} = {value_text(inner)}" for key, inner in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case _:
            return repr(value)


def _text(text: str) -> str:
    """Return a string; one with several lines is multi-line and, if possible, free of escapes."""
    if "\n" not in text:
        return string_text(text)
    if _UNPRINTABLE.search(text):
        return escaped_in_lines(text)
    if not ('"""' in text or "\\" in text or text.endswith('"')):
        return f'"""\n{text}"""'
    return escaped_in_lines(text) if "'''" in text or text.endswith("'") else f"'''\n{text}'''"


def string_text(text: str) -> str:
    """Return a string on one line, with its quotes."""
    is_literal = ('"' in text or "\\" in text) and not ("'" in text or "\n" in text or _UNPRINTABLE.search(text))
    return f"'{text}'" if is_literal else f'"{escaped_text(text)}"'


def escaped_text(text: str) -> str:
    """Return a text as it is written between double quotes."""
    return _escaped(text, _ESCAPED)


def escaped_in_lines(text: str) -> str:
    """Return a string on several lines, with its quotes and with escapes."""
    escaped = _escaped(text, _ESCAPED_IN_LINES)
    return '"""\n' + re.sub(r'"""|"\Z', lambda quotes: quotes[0][:-1] + '\\"', escaped) + '"""'


def _escaped(text: str, short: Mapping[str, str]) -> str:
    escaped = "".join(short.get(character, character) for character in text)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", escaped)
