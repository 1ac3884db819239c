"""Manifests as a person would write them: the text of a new one, in TOML that is fit to be edited."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kei_assembler.manifest import FIELDS

_LINE_MOST = 120
_INDENT = "    "
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufdd0-\ufdef\ufffe\uffff]")
_BARE_KEY = re.compile("[A-Za-z0-9_-]+")
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def manifest_text(data: Mapping[str, Any]) -> str:
    """Return a manifest's data as TOML, in the order of its fields."""
    told = [(field.key, data[field.key]) for field in FIELDS if field.key in data]
    keys = "".join(f"{key} = {_value(value)}\n" for key, value in told if not _is_table(value))
    return "\n".join([keys, *(part for key, value in told if _is_table(value) for part in _tables(key, value))])


def _is_table(value: Any) -> bool:
    entries = value if isinstance(value, Sequence) else ()
    return isinstance(value, Mapping) or any(isinstance(entry, Mapping) for entry in entries)


def _tables(key: str, value: Any) -> list[str]:
    """The tables of one key of the manifest, each with its header; what they hold is up to the library."""
    if isinstance(value, Mapping) and all(isinstance(inner, Mapping) for inner in value.values()):
        return [_table(f"[{key}.{name}]", {key: {name: inner}}) for name, inner in value.items()]
    if isinstance(value, Mapping):
        return [f"[{key}]\n{_pairs(value)}"]
    return [f"[[{key}]]\n{_pairs(entry)}" for entry in value]


def _pairs(table: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in table.items())


def _table(header: str, nested: Mapping[str, Any]) -> str:
    """A table of a target: simple values by our hand, below its header, and nested ones by that of the library."""
    import tomli_w

    ((key, inner),) = nested.items()
    ((name, table),) = inner.items()
    simple = {key: value for key, value in table.items() if _is_simple(key, value)}
    rest = {key: value for key, value in table.items() if key not in simple}
    others = f"\n{tomli_w.dumps({key: {name: rest}}, multiline_strings=False)}" if rest else ""
    return f"{header}\n{_pairs(simple)}" + others.replace(f"{header}\n", "", 1)


def _is_simple(key: str, value: Any) -> bool:
    if not _BARE_KEY.fullmatch(key):
        return False
    is_list = isinstance(value, Sequence) and all(isinstance(one, str) for one in value)
    return is_list or isinstance(value, str | bool | int | float)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return str(value).lower()
    return _list(value) if isinstance(value, Sequence) else repr(value)


def _list(entries: Sequence[str]) -> str:
    written = [_line(entry) for entry in entries]
    on_one = f"[{', '.join(written)}]"
    if len(on_one) < _LINE_MOST - len("disallowedTools = "):
        return on_one
    return "[\n" + "".join(f"{_INDENT}{entry},\n" for entry in written) + "]"


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
    escaped = _escaped(text, {"\\": "\\\\", "\r": "\\r"}).replace('"""', '""\\"')
    return f'"""\n{escaped[:-1]}\\""""' if escaped.endswith('"') else f'"""\n{escaped}"""'


def _escaped(text: str, short: Mapping[str, str]) -> str:
    escaped = "".join(short.get(character, character) for character in text)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", escaped)
