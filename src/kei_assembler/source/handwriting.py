"""TOML as a person would write it: fit to be read, edited and compared line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_LINE_MOST = 120
_INDENT = "    "
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufdd0-\ufdef\ufffe\uffff]")
_BARE_KEY = re.compile("[A-Za-z0-9_-]+")
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_ESCAPED_IN_LINES = {"\\": "\\\\", "\r": "\\r"}


def document(data: Mapping[str, Any]) -> str:
    """Return these keys and values as a file of TOML (1.0 and 1.1): lone values first, then the tables.

    They may be strings without lone surrogates, booleans, integers of 64 bits, floats, lists and tables, and are read
    back as they are.
    """
    lone = "".join(entry(key, value) for key, value in data.items() if not _is_section(value))
    sections = (entry(key, value) for key, value in data.items() if _is_section(value))
    return "\n".join(filter(None, [lone, *sections]))


def entry(key: str, value: Any) -> str:
    """Return one key of a file with its value, or where that is made of tables, these with their headers."""
    if not isinstance(value, Mapping):
        return _sections(key, value) if _is_section(value) else _pair(key, value)
    if value and all(isinstance(inner, Mapping) for inner in value.values()):
        return "\n".join(_table((key, name), inner) for name, inner in value.items())
    return _table((key,), value)


def _is_section(value: Any) -> bool:
    return isinstance(value, Mapping) or _is_list_of_tables(value)


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(inner, Mapping) for inner in value)


def _sections(key: str, tables: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(f"[[{_key(key)}]]\n{_pairs(table)}" for table in tables)


def _table(path: Sequence[str], table: Mapping[str, Any]) -> str:
    """A table with its header: lone values by our hand, what is nested in it by that of the library."""
    header = _by_library(path, {})
    lone = {key: value for key, value in table.items() if not _is_section(value)}
    nested = {key: value for key, value in table.items() if key not in lone}
    rest = _by_library(path, nested) if nested else ""
    if not lone and nested:
        return rest
    return "\n".join(filter(None, [header + _pairs(lone), rest.removeprefix(header)]))


def _by_library(path: Sequence[str], table: Mapping[str, Any]) -> str:
    """A table as the library writes it; between three quotes it would lose the CR of line ends."""
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
    if len(on_one_line) > _LINE_MOST and isinstance(value, list | tuple):
        return "".join([f"{start}[\n", *(f"{_INDENT}{_value(one)},\n" for one in value), "]\n"])
    return f"{on_one_line}\n"


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _line(key)


def _value(value: Any) -> str:
    """A value on one line."""
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
    """A text of several lines stands as it is between three quotes, of the kind that it does not hold itself."""
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
