"""The forms of agent files: how to write the front matter and the body, and how to recognize such a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from kei_assembler.markdown.front_matter import Value, front_matter
from kei_assembler.markdown.stamp import HASH, MARKUP, Comment
from kei_assembler.records import NamedTuple
from kei_assembler.whitespace import collapse_whitespace

Entries = Iterable[tuple[str, Value]]


class Form(NamedTuple):
    """A form of agent file.

    `write` takes the entries of the front matter and the body, and returns the parts of the file's text. The stamp
    goes after the first part.
    """

    label: str
    # The end of the file name.
    suffix: str
    # The comment syntax of the stamp.
    comment: Comment
    # A file that contains this can be an agent file. Where clients differ, the pattern accepts what any of them does.
    # Few runs look for such files, so it is compiled when it is needed.
    agent_regex: bytes
    write: Callable[[Entries, str], tuple[str, ...]]
    # How to read the front matter: `yaml`, `lines` (one `key: value` in each), `raw` (the same, but without the quotes
    # around a value), or `toml` (the whole file).
    syntax: str = "yaml"
    # The key of a TOML file that holds the body.
    body_key: str = ""
    # Whether the client passes the stamp to the model, together with the body.
    has_stamp_in_prompt: bool = True
    # Whether the client keeps the quotes around a value, so that none are written, even where YAML needs them.
    keeps_quotes: bool = False

    @property
    def agent_pattern(self) -> re.Pattern[bytes]:
        """The compiled pattern of what an agent file contains, for `search`."""
        return re.compile(self.agent_regex)


def _markdown(entries: Entries, body: str) -> tuple[str, ...]:
    return f"{front_matter(entries)}\n", *_body_parts(body)


def _lines(entries: Entries, body: str) -> tuple[str, ...]:
    lines = "".join(f"{key}: {_line(value)}\n" for key, value in entries)
    return f"---\n{lines}---\n\n", *_body_parts(body)


def _raw(entries: Entries, body: str) -> tuple[str, ...]:
    from kei_assembler.markdown.raw_scalars import raw_front_matter  # only one client needs it

    return f"{raw_front_matter(entries)}\n", *_body_parts(body)


def _body_parts(body: str) -> tuple[str, ...]:
    return ("\n", body, "\n") if body else ()


def _line(value: Value) -> str:
    """The client takes everything after `: ` literally, and splits a list at its commas."""
    match value:
        case bool():
            return str(value).lower()
        case list() | tuple():
            return ", ".join(map(_line, value))
        case _:
            return collapse_whitespace(str(value))


def _toml(body_key: str, entries: Entries, body: str) -> tuple[str, ...]:
    import rtoml  # heavy, and only this form needs it

    data = {key: _plain(value) for key, value in entries}
    text = f"{body}\n" if body else ""
    # The first part is empty: in TOML the stamp is at the top of the file.
    # rtoml writes lists and tables after texts
    if (quotes := _quotes_around(text)) and not any(isinstance(value, list | dict) for value in data.values()):
        return "", f"\n{rtoml.dumps(data, pretty=True)}{body_key} = {quotes}\n", text, f"{quotes}\n"
    return "", "\n" + rtoml.dumps({**data, body_key: text}, pretty=True)


def _quotes_around(text: str) -> str:
    """Return the quotes that rtoml writes around a text of several lines, or nothing if it escapes something there.

    For long texts, to search for what it escapes is much faster than to let it write them.
    """
    raw = text.encode()
    if not text or len(raw.translate(None, _ESCAPED)) < len(raw):
        return ""
    if "\\" not in text and '"""' not in text:
        return '"""'
    return "'''" if "'''" not in text else ""


def _plain(value: Value) -> object:
    if isinstance(value, list | tuple):
        return list(map(_plain, value))
    return dict(value) if isinstance(value, Mapping) else value


_ESCAPED = bytes((*range(0x0A), *range(0x0B, 0x20), 0x7F))

# White space and characters without a glyph, as UTF-8: clients skip various ones before the front matter.
_UNSEEN = b"|".join(
    (
        rb"[\x00-\x20\x7f]",
        rb"\xc2[\x80-\xa0\xad]",
        rb"\xe1\x9a\x80",
        rb"\xe2(?:\x80[\x80-\xaf]|\x81[\x9f-\xaf])",
        rb"\xe3\x80\x80",
        rb"\xef\xbb\xbf",
    )
)
# The start of a file whose text is different elsewhere: encoded, or replaced by git's common filters.
_OPAQUE = rb"\xff\xfe|\xfe\xff|version http|/annex/objects/|\x00GITCRYPT\x00"
_FRONT_MATTER = rb"\A(?:%b|(?:%b)*+---(?!-))" % (_OPAQUE, _UNSEEN)


def toml(body_key: str) -> Form:
    """Return the form of TOML files that have the body in the string `body_key`."""
    # A quoted key with an escape can be any key.
    key = rb"(?m)^[\x00-\x09\x0b-\x20\xef\xbb\xbf]*+(?:[\"']?%b|\"[^\"\n]*\\)|\A(?:%b)" % (body_key.encode(), _OPAQUE)
    label = f"TOML with the body in `{body_key}`"
    return Form(label, ".toml", HASH, key, partial(_toml, body_key), "toml", body_key, has_stamp_in_prompt=False)


MARKDOWN = Form("Markdown with YAML front matter", ".md", MARKUP, _FRONT_MATTER, _markdown)
RAW = Form(
    "Markdown with front matter of `key: value` lines, which is YAML where possible",
    ".md",
    MARKUP,
    _FRONT_MATTER,
    _raw,
    "raw",
)
LINES = Form(
    "Markdown with front matter of plain `key: value` lines",
    ".md",
    MARKUP,
    _FRONT_MATTER,
    _lines,
    "lines",
    keeps_quotes=True,
)
