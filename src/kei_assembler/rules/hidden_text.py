"""The rule about characters that a model reads and a reviewer cannot see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from kei_assembler.diagnostics import KeyPath, Span
from kei_assembler.markdown.hidden_text import named, shown, spelled, stretches, what
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.toml.source import Source, span_of

_MAX_SPELLED = 60
_MAX_FINDINGS = 20
"""In one file. Locating more takes long: a file can have hundreds of thousands."""


@rule("T406")
def hidden_text(source: Source, allowed: frozenset[str]) -> Iterable[Violation]:
    """A source or the settings contain characters that people cannot see but a model reads.

    Unicode's own data decides which these are: the default-ignorable, format, private-use and control characters, such
    as zero-width characters, bidirectional controls, tags and variation selectors, and some fillers. An escape in a
    TOML string counts too, because the generated file contains the character itself. The sequences that Unicode
    registers for emoji, ideographs and other characters are fine, and so are joiners in the scripts that need them. All
    files in the folder of templates are checked, used or not. If a kit needs such a character, allow it with the
    setting `allow-characters` and a reason. At most 20 places in a file are reported.

    Fails::

        name = "critic"
        description = "Reviews code.\\u200b"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code, pa\\u00adtient\\u00adly."

        # assemble.toml
        allow-characters = { "U+00AD" = "the descriptions are set in narrow columns" }
    """
    for number, (where, stretch) in enumerate(_located(source, allowed)):
        if number == _MAX_FINDINGS:
            yield Violation(
                where, "there are more hidden characters from here on", "remove those that are reported first"
            )
            return
        yield _finding(where, stretch)


def _located(source: Source, allowed: frozenset[str]) -> Iterator[tuple[KeyPath | Span, str]]:
    """Yield the location and the text of every run of hidden characters, in the file itself and then in its values."""
    reported = ""
    for start, end in stretches(source.text, allowed):
        reported += f"{source.text[start:end]} "
        yield span_of(source.text, start, end), source.text[start:end]
    if source.data and source.has_escapes:
        is_reported = cache(reported.__contains__)  # a text can have many stretches, but most are the same
        for path, text in texts(source.data):
            for start, end in stretches(text, allowed):
                if not is_reported(text[start:end]):
                    yield source.locate_text(path, text, start, end), text[start:end]


def _finding(where: KeyPath | Span, stretch: str) -> Violation:
    first = f"{named(stretch[0])} ({what(stretch[0])})"
    if len(stretch) == 1:
        allow = "" if stretch == "\0" else _ALLOW.format(ord(stretch))
        reason = ": Unicode has not registered this sequence" if what(stretch) == "variation selector" else ""
        return Violation(where, f"the hidden character {first}", f"remove it{reason}{allow}")
    words = spelled(stretch)
    text = f"; they spell: {shown(words[:_MAX_SPELLED])}{'…' if len(words) > _MAX_SPELLED else ''}" if words else ""
    message = f"{len(stretch):,} hidden characters, starting with {first}{text}"
    return Violation(where, message, "remove them, and find out where they come from")


_ALLOW = "; if the text needs it, allow U+{:04X} with the setting `allow-characters`"


def texts(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Yield every string in parsed TOML with its key path. The keys of tables count as strings."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key), key
            yield from texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts(inner, (*path, index))
