"""Split the text of a simple template into tokens, as Jinja2 does with `trim_blocks` and `lstrip_blocks`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kei_assembler import lazy_re
from kei_assembler.records import NamedTuple

TEXT, OPEN, CLOSE, NAME, STRING, NUMBER, SIGN, END = "text open close name string number sign end".split()
"""The types of tokens. `open` and `close` are the delimiters of a tag or of a print."""

PRINT, TAG = "{", "%"
"""The values of `open` tokens."""

_COMMENT = "#"
_OPENING = lazy_re.compile(r"\{(?P<mark>[{%#])(?P<strip>[-+]?)")
_CLOSINGS = {
    PRINT: lazy_re.compile(r"-\}\}\s*|\}\}"),
    TAG: lazy_re.compile(r"\+%\}|-%\}\s*|%\}\n?"),
    _COMMENT: lazy_re.compile(r"\+#\}|-#\}\s*|#\}\n?"),
}
_INNER = lazy_re.compile(
    rf"""(?P<{NAME}>[A-Za-z_][A-Za-z0-9_]*+)
    | (?P<{NUMBER}>(?:0|[1-9][0-9]{{0,17}})(?![\w.]))
    | (?P<{STRING}>'[^'\\]*+(?:\\.[^'\\]*+)*+'|"[^"\\]*+(?:\\.[^"\\]*+)*+")
    | (?P<{SIGN}>==|!=|[|.,()=])""",
    re.VERBOSE | re.DOTALL,
)
_SPACE = lazy_re.compile(r"\s+")
_ESCAPE = lazy_re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"'}


class NotSimpleError(Exception):
    """The template has an error, or something that simple templates do not have."""


class Token(NamedTuple):
    """A token: its type, its value, and its offset in the template."""

    type: str
    value: str
    offset: int


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a template without CR. The last one is of the type `END`.

    Raises:
        NotSimpleError: it goes on with something else.
    """
    end = 0
    while opening := _OPENING.search(text, end):
        mark = opening["mark"]
        yield Token(TEXT, _text_before(opening, end), end)
        end = opening.end()
        if mark == _COMMENT:
            closing = _CLOSINGS[mark].search(text, end)
        else:
            yield Token(OPEN, mark, opening.start())
            end = _after_space(text, end)
            while not (closing := _CLOSINGS[mark].match(text, end)):
                inner = _INNER.match(text, end)
                if inner is None:
                    raise NotSimpleError
                yield _inner_token(inner)
                end = _after_space(text, inner.end())
            yield Token(CLOSE, mark, end)
        if closing is None:
            raise NotSimpleError
        end = closing.end()
    yield Token(TEXT, text[end:], end)
    yield Token(END, "", len(text))


def _after_space(text: str, start: int) -> int:
    space = _SPACE.match(text, start)
    return space.end() if space else start


def _text_before(opening: re.Match[str], start: int) -> str:
    """Return the text between an offset and a tag, a print or a comment, without the white space that this strips."""
    text = opening.string[start : opening.start()]
    if opening["strip"] == "-":
        return text.rstrip()
    line = text.rfind("\n") + 1
    is_line_start = line > 0 or start == 0 or opening.string[start - 1] == "\n"
    strips = opening["mark"] != PRINT and not opening["strip"] and is_line_start and not text[line:].strip()
    return text[:line] if strips else text


def _inner_token(match: re.Match[str]) -> Token:
    kind, value = str(match.lastgroup), match[0]
    if kind == STRING:
        value = value[1:-1]
        if "\\" in value:
            value = _ESCAPE.sub(_unescaped, value)
    return Token(kind, value, match.start())


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1] not in _ESCAPES:
        raise NotSimpleError
    return _ESCAPES[escape[1]]
