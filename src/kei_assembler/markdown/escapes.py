"""Ways to write a value into Markdown or HTML as plain text, from the value itself to one with all signs escaped."""

from __future__ import annotations

import re
from collections.abc import Callable

from kei_assembler import lazy_re
from kei_assembler.whitespace import SPACES

Way = Callable[[str], str]

_SIGN = lazy_re.compile(r"[!-/:-@\[-`{-~]")
_START = lazy_re.compile(r"(?P<number>[0-9]{1,9}(?=[.)]))?(?=[!-/:-@\[-`{-~])")
_PIPE = lazy_re.compile(r"(?<!\\)\|")
_HTML_SIGN = lazy_re.compile("[&<>\"']")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}


def raw(value: str) -> str:
    """Return a value as it is."""
    return value


def pipes_escaped(value: str) -> str:
    """Return a value for the cell of a table."""
    return _PIPE.sub(r"\\|", value)


def start_escaped(value: str) -> str:
    """Return a value that opens no block, without the white space around it."""
    value = value.strip(SPACES)
    match = _START.match(value)
    return f"{match[0]}\\{value[match.end() :]}" if match else value


def all_escaped(value: str) -> str:
    """Return a value with a backslash before each ASCII punctuation character (CommonMark 0.31.2, section 2.4)."""
    return _SIGN.sub(r"\\\g<0>", value.strip(SPACES))


def entities(value: str) -> str:
    """Return a value for HTML, with entities for what could open or close a tag, an attribute or a comment."""
    return _HTML_SIGN.sub(lambda sign: _ENTITIES[sign[0]], value)


def ticks_escaped(value: str) -> str:
    """Return a value whose backticks open no code span, and that does not end in a single backslash."""
    is_escaping = (len(value) - len(value.rstrip("\\"))) % 2
    return re.sub(r"(?<!\\)`", r"\\`", value) + "\\" * is_escaping


def _start_and_pipes_escaped(value: str) -> str:
    return start_escaped(pipes_escaped(value))


def _without_pipes(value: str) -> str:
    return start_escaped(value).replace("|", "&#124;")


IN_PROSE = (raw, pipes_escaped, start_escaped, _start_and_pipes_escaped, _without_pipes, all_escaped)
IN_CODE_SPAN = (raw, pipes_escaped, raw, pipes_escaped, raw, raw)
IN_CODE = (raw,)
IN_HTML = (raw, entities)
"""The ways for each place, from the plainest. In a line, those of prose and of code spans are tried side by side."""
