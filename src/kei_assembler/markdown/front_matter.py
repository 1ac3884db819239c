"""Front matter: YAML that every client's parser reads back to the same values.

A string is a plain scalar if it needs no quotes, and a JSON string otherwise. Nested values are JSON, which is
YAML's flow style. YAML 1.1 and 1.2 parsers read both alike, and so do the lenient parsers of the clients.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from kei_assembler import lazy_re

Value = str | bool | int | float | list["Value"] | tuple["Value", ...] | Mapping[str, "Value"]

# Characters that must never appear unescaped: C0, DEL, C1, the line separators, the BOM, the BMP's noncharacters.
_UNPRINTABLE = "\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufdd0-\ufdef\ufffe\uffff"
# Some clients end the front matter at any `---`, even within a string, so its hyphens are escaped.
_ESCAPED = lazy_re.compile(rf'["\\{_UNPRINTABLE}]|-(?=--)')
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "-": "\\u002d"}

# A plain scalar would end here: at a comment, a key, a `---` or white space that parsers strip.
_ENDS_EARLY = lazy_re.compile(rf"[{_UNPRINTABLE}]|---|:(?=\s|\Z)|\s#|\s\Z|\A\Z")
_WORDS = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")  # booleans and null of YAML 1.1
READS_DIFFERENTLY = lazy_re.compile(
    r"[\s,\[\]{}#&*!|>'\"%@`~=]|[-?:](?=\s|\Z)|<<\Z"  # starts with an indicator
    rf"|(?i:{'|'.join(_WORDS)})\Z"
    r"|[-+]?(?:[0-9_.]|[eE][-+]?[0-9])[0-9a-fA-FxXoO_.:+-]*\Z|[-+]?\.(?i:inf|nan)\Z"  # numbers, sexagesimal too
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?\Z"  # dates
)
"""What a plain scalar starts with, or is as a whole, if a parser reads it as anything else than its text."""
_MAX_KEY_LENGTH = 1000  # just below YAML's limit of 1,024 characters for an implicit key (1.2.2, section 7.4.2)
_NEEDS_QUOTES_IN_FLOW = lazy_re.compile(r"[,\[\]{}\"':?]")


def front_matter(entries: Iterable[tuple[str, Value]]) -> str:
    """Return the front matter with both `---` lines; the keys keep their order."""
    lines = (f"{key}: {yaml(value)}\n" for key, value in entries)
    return f"---\n{''.join(lines)}---\n"


def yaml(value: Value) -> str:
    """Return a value as YAML on one line."""
    if isinstance(value, str):
        return quoted(value) if needs_quotes(value) else value
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow_item, value))}]"
    return json(value)


def needs_quotes(text: str) -> bool:
    """Return whether a parser would read the text, as a plain scalar, as anything else."""
    if not text.isprintable():
        ends_early = _ENDS_EARLY.search(text) is not None
    else:  # the space is the only printable white space, and plain searches are several times faster than the pattern
        ends_early = text[-1:] in ("", " ", ":") or ": " in text or " #" in text or "---" in text
    return ends_early or reads_differently(text)


def reads_differently(text: str) -> bool:
    """Return whether a text has another meaning than a plain scalar because of how it starts, or as a whole."""
    # no number starts with such a letter; to ignore the case is only that simple in ASCII
    if text.isascii() and text[:1].isalpha() and text[0] not in "eE":
        return text.lower() in _WORDS
    return READS_DIFFERENTLY.match(text) is not None


def json(value: Value) -> str:
    """Return a value as JSON on one line. The strings are escaped for YAML parsers."""
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
    is_plain = text.isprintable() and '"' not in text and "\\" not in text and "---" not in text
    return f'"{text}"' if is_plain else f'"{_ESCAPED.sub(_escape, text)}"'


def _key(key: str) -> str:
    """A long key needs the explicit marker `?`, or YAML parsers refuse it."""
    written = quoted(key)
    return written if len(written) < _MAX_KEY_LENGTH else f"? {written} "


def _number(value: float) -> str:
    """YAML 1.1 reads a number with an exponent as a string unless it has a decimal point."""
    mantissa, exponent, power = repr(value).partition("e")
    return f"{mantissa}.0e{power}" if exponent and "." not in mantissa else repr(value)


def _escape(match: re.Match[str]) -> str:
    raw = match[0]
    return _SHORT_ESCAPES.get(raw) or f"\\u{ord(raw):04x}"


def _flow_item(item: Value) -> str:
    if isinstance(item, str) and not _NEEDS_QUOTES_IN_FLOW.search(item):
        return yaml(item)
    return json(item)
