"""The forms of agent files: how front matter and body become text, and how a stamp and such a file are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from kei_assembler.text.frontmatter import Value, front_matter
from kei_assembler.text.markdown import fold
from kei_assembler.text.stamp import HASH, MARKUP, Comment

Entries = Iterable[tuple[str, Value]]


class Form(NamedTuple):
    """One form of agent file.

    `write` takes the entries of the front matter and the body, and returns the parts of the file's text: the stamp
    comes after the first. `suffix` ends the names of such files. `comment` is the syntax of the stamp, `agent_pattern` what
    tells that a file is an agent's. `has_stamp_in_prompt` says whether the client gives the stamp to the model too.
    """

    label: str
    suffix: str
    comment: Comment
    agent_pattern: re.Pattern[bytes]
    write: Callable[[Entries, str], tuple[str, ...]]
    has_stamp_in_prompt: bool = True


def _markdown(entries: Entries, body: str) -> tuple[str, ...]:
    return f"{front_matter(entries)}\n", *_below(body)


def _lines(entries: Entries, body: str) -> tuple[str, ...]:
    lines = "".join(f"{key}: {_line(value)}\n" for key, value in entries)
    return f"---\n{lines}---\n\n", *_below(body)


def _below(body: str) -> tuple[str, ...]:
    return ("\n", body, "\n") if body else ()


def _line(value: Value) -> str:
    """A reader of lines takes everything after `: ` as it stands; a list is one of names without commas."""
    match value:
        case bool():
            return str(value).lower()
        case list() | tuple():
            return ", ".join(map(_line, value))
        case _:
            return fold(str(value))


BODY_KEY = "developer_instructions"


def _toml(entries: Entries, body: str) -> tuple[str, ...]:
    import rtoml

    whole = {key: _plain(value) for key, value in entries} | {BODY_KEY: f"{body}\n" if body else ""}
    return "", "\n" + rtoml.dumps(whole, pretty=True)


def _plain(value: Value) -> object:
    if isinstance(value, list | tuple):
        return list(map(_plain, value))
    return dict(value) if isinstance(value, Mapping) else value


_FRONT_MATTER = re.compile(rb"---\n")

MARKDOWN = Form("Markdown with YAML front matter", ".md", MARKUP, _FRONT_MATTER, _markdown)
LINES = Form("Markdown with front matter of plain lines `key: value`", ".md", MARKUP, _FRONT_MATTER, _lines)
TOML = Form(
    f"TOML with the body in `{BODY_KEY}`",
    ".toml",
    HASH,
    re.compile(rb"(?s:.*\n)?[\"']?%b[\"']?[ \t]*=" % BODY_KEY.encode()),
    _toml,
    False,
)
