"""Front matter: YAML that every client's parser reads back to the same values.

A string is plain where that needs no quoting and a JSON string otherwise; nested values are JSON, which is
YAML's flow style. Both hold for YAML 1.1 and 1.2 readers alike, the lenient ones of the AI tools included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

Value = str | bool | int | float | list["Value"] | tuple["Value", ...] | Mapping[str, "Value"]

# Characters that no reader may see raw: C0, DEL, C1, the line separators, the BOM, the noncharacters of the BMP.
_UNPRINTABLE = "\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufdd0-\ufdef\ufffe\uffff"
_ESCAPED = re.compile(rf'["\\{_UNPRINTABLE}]|-(?=--)')
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "-": "\\u002d"}

_ENDS_EARLY = re.compile(rf"[{_UNPRINTABLE}]|---|:(?=\s|\Z)|\s#|\s\Z|\A\Z")
_READ_OTHERWISE = re.compile(
    r"[\s,\[\]{}#&*!|>'\"%@`~=]|[-?:](?=\s|\Z)|<<\Z"  # an indicator starts it
    r"|(?i:y|n|yes|no|on|off|true|false|null)\Z"  # YAML 1.1's words
    r"|[-+]?(?:[0-9_.]|[eE][-+]?[0-9])[0-9a-fA-FxXoO_.:+-]*\Z|[-+]?\.(?i:inf|nan)\Z"  # numbers, also to the base 60
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?\Z"  # dates
)
_KEY_MOST = 1000
_NEEDS_QUOTES_IN_FLOW = re.compile(r"[,\[\]{}\"':?]")


def front_matter(entries: Iterable[tuple[str, Value]]) -> str:
    """Return the block with both `---` lines, its keys in the order given."""
    lines = (f"{key}: {yaml(value)}\n" for key, value in entries)
    return f"---\n{''.join(lines)}---\n"


def yaml(value: Value) -> str:
    """Return a value as YAML on one line."""
    if isinstance(value, str):
        return quoted(value) if _needs_quotes(value) else value
    if isinstance(value, list | tuple):
        return f"[{', '.join(_flow_item(item) for item in value)}]"
    return json(value)


def _needs_quotes(text: str) -> bool:
    """Tell whether a plain scalar would not be read as this text."""
    if not text.isprintable():
        ends_early = _ENDS_EARLY.search(text) is not None
    else:  # the only white space in it is the space, and looking for that is several times faster
        ends_early = text[-1:] in ("", " ", ":") or ": " in text or " #" in text or "---" in text
    return ends_early or _READ_OTHERWISE.match(text) is not None


def json(value: Value) -> str:
    """Return a value as JSON on one line, with the strings escaped for YAML readers."""
    match value:
        case str():
            return quoted(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case Mapping():
            return f"{{{', '.join(f'{_key(key)}: {json(item)}' for key, item in value.items())}}}"
        case _:
            return f"[{', '.join(map(json, value))}]"


def quoted(text: str) -> str:
    """Return the text as a double-quoted scalar; non-ASCII letters stay as they are."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _key(key: str) -> str:
    """YAML wants a key of more than 1,024 characters marked as one."""
    written = quoted(key)
    return written if len(written) < _KEY_MOST else f"? {written} "


def _number(value: float) -> str:
    """YAML 1.1 takes an exponent only after a point."""
    mantissa, exponent, power = repr(value).partition("e")
    return f"{mantissa}.0e{power}" if exponent and "." not in mantissa else repr(value)


def _escape(match: re.Match[str]) -> str:
    raw = match[0]
    return _SHORT_ESCAPES.get(raw) or f"\\u{ord(raw):04x}"


def _flow_item(item: Value) -> str:
    if isinstance(item, str) and not _NEEDS_QUOTES_IN_FLOW.search(item):
        return yaml(item)
    return json(item)
