"""A TOML writer whose output is easy to read, edit and compare line by line."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

_MAX_LINE_LENGTH = 120
_INDENT = "    "
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufdd0-\ufdef\ufffe\uffff]")
_BARE_KEY = re.compile("[A-Za-z0-9_-]+")
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_ESCAPED_IN_LINES = {"\\": "\\\\", "\r": "\\r"}


def document(data: Mapping[str, Any], inline: Collection[str] = ()) -> str:
    """Return a TOML file (1.0 and 1.1) with these keys and values: first the pairs, then the tables.

    The tables of the keys `inline` are written on one line, among the pairs.

    Values are strings without lone surrogates, booleans, 64-bit integers, floats, lists and tables. A TOML parser
    reads the same values back.
    """
    # A pair after a table header would belong to that table.
    sections = {key: value for key, value in data.items() if _is_section(value) and key not in inline}
    pairs = _pairs({key: value for key, value in data.items() if key not in sections})
    return "\n".join(filter(None, [pairs, *(entry(key, value) for key, value in sections.items())]))


def entry(key: str, value: Any) -> str:
    """Return one top-level key of a TOML file with its value: a pair, or tables with their headers."""
    if not _is_section(value):
        return _pair(key, value)
    if not isinstance(value, Mapping):
        return "\n".join(f"[[{_key(key)}]]\n{_pairs(table)}" for table in value)
    if value and all(isinstance(inner, Mapping) for inner in value.values()):
        return "\n".join(_table((key, name), inner) for name, inner in value.items())
    return _table((key,), value)


def _is_section(value: Any) -> bool:
    """Return whether a value is a table, or a list that contains only tables."""
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(inner, Mapping) for inner in value)
    return isinstance(value, Mapping)


def _table(path: Sequence[str], table: Mapping[str, Any]) -> str:
    """Return a table with its header. This module writes the table's pairs, and tomli_w the tables nested in it."""
    header = _by_tomli_w(path, {})
    pairs = {key: value for key, value in table.items() if not _is_section(value)}
    nested = {key: value for key, value in table.items() if key not in pairs}
    rest = _by_tomli_w(path, nested) if nested else ""
    if not pairs and nested:
        return rest
    return "\n".join(filter(None, [header + _pairs(pairs), rest.removeprefix(header)]))


def _by_tomli_w(path: Sequence[str], table: Mapping[str, Any]) -> str:
    """Return a table as tomli_w writes it, with multi-line strings unless they would lose a CR."""
    import tomli_w

    for key in reversed(path):
        table = {key: table}
    escaped = tomli_w.dumps(table)
    return escaped if "\\r\\n" in escaped else tomli_w.dumps(table, multiline_strings=True)


def _pairs(table: Mapping[str, Any]) -> str:
    return "".join(_pair(key, value) for key, value in table.items())


def _pair(key: str, value: Any) -> str:
    start = f"{_key(key)} = "
    if isinstance(value, str):
        return f"{start}{_text(value)}\n"
    on_one_line = start + _value(value)
    if len(on_one_line) > _MAX_LINE_LENGTH and isinstance(value, list | tuple):
        return "".join([f"{start}[\n", *(f"{_INDENT}{_value(item)},\n" for item in value), "]\n"])
    return f"{on_one_line}\n"


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _line(key)


def _value(value: Any) -> str:
    match value:
        case str():
            return _line(value)
        case bool():
            return str(value).lower()
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
        case Mapping():
            pairs = ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case _:
            return repr(value)


def _text(text: str) -> str:
    """Return a string; one with several lines is multi-line and, if possible, free of escapes."""
    if "\n" not in text:
        return _line(text)
    if _UNPRINTABLE.search(text):
        return _escaped_lines(text)
    if not ('"""' in text or "\\" in text or text.endswith('"')):
        return f'"""\n{text}"""'
    return _escaped_lines(text) if "'''" in text or text.endswith("'") else f"'''\n{text}'''"


def _line(text: str) -> str:
    is_literal = ('"' in text or "\\" in text) and not ("'" in text or "\n" in text or _UNPRINTABLE.search(text))
    return f"'{text}'" if is_literal else f'"{_escaped(text, _ESCAPED)}"'


def _escaped_lines(text: str) -> str:
    escaped = _escaped(text, _ESCAPED_IN_LINES)
    return '"""\n' + re.sub(r'"""|"\Z', lambda quotes: quotes[0][:-1] + '\\"', escaped) + '"""'


def _escaped(text: str, short: Mapping[str, str]) -> str:
    escaped = "".join(short.get(character, character) for character in text)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", escaped)
