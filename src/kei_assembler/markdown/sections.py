"""The sections of a Markdown text: each heading with what follows it, up to the next heading that is not below it.

A section has the slug that GitHub gives its heading, for links to it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from kei_assembler.markdown.inline_text import inline_text, normal_label
from kei_assembler.markdown.structure import Heading, outline, prose
from kei_assembler.whitespace import SPACES, with_lf_in_place

_MAX_HEADING = 1000
_PLAIN_HEADING = re.compile(r"^(#{1,6})(?:[ \t]|$)", re.MULTILINE)
_NOT_PLAIN = re.compile(r"```|~~~|^ {0,3}(?:<|=+[ \t]*$|-+[ \t]*$)|^ +#", re.MULTILINE)
_CLOSING_MARKS = re.compile(r"(?:^|[ \t])#+[ \t]*\Z")
_DEFINITION = re.compile(
    r" {0,3}\[((?:[^\[\]\\]|\\.)++)\]:[ \t]*+(?:<[^<>]*+>|[^ \t<][^ \t]*+)[ \t]*+(?:[\"'(].*[\"')][ \t]*)?+"
)
_ANY_DEFINITION = re.compile(r"^[ \t>*+\-0-9.)]*+\[((?:[^\[\]\\\n]|\\.)++)\]:", re.MULTILINE)
_USE = re.compile(r"(?<!\\)\[((?:[^\[\]\\]|\\.)++)\](?!\()")
_KEPT = ("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc")
_NOT_IN_SLUG = re.compile(r"[^a-z0-9_ -]")


class Section(NamedTuple):
    """A section of a text: its slug, its first line, from 1, and the number of its last line.

    The slug is empty if the heading has no letters and digits: nothing can name such a section.
    """

    slug: str
    first: int
    last: int


class Use(NamedTuple):
    """The use of a link reference definition: its label, and the offsets of the use in the text."""

    label: str
    start: int
    end: int


def slug(heading: str) -> str:
    """Return the slug of a heading's text: lower case, without punctuation, and with hyphens for spaces."""
    text = heading.lower()
    if text.isascii():
        return _NOT_IN_SLUG.sub("", text).replace(" ", "-")
    kept = (each for each in text if each in " -" or unicodedata.category(each) in _KEPT)
    return "".join(kept).replace(" ", "-")


def sections(text: str) -> tuple[Section, ...]:
    """Return the sections of a text, in their order. The lines are those of `with_lf_in_place(text)`.

    Headings in code, raw HTML, quotes and lists do not count.
    """
    text = with_lf_in_place(text)
    lines = text.split("\n")
    labels = {normal_label(match[1]) for match in _ANY_DEFINITION.finditer(text)} if "]:" in text else set()
    found: list[Section] = []
    open_sections: list[tuple[int, int]] = []
    for heading in _headings(text, lines):
        while open_sections and open_sections[-1][0] >= heading.level:
            index = open_sections.pop()[1]
            found[index] = found[index]._replace(last=heading.first - 1)
        open_sections.append((heading.level, len(found)))
        found.append(Section(slug(inline_text(_title(lines, heading), labels)), heading.first, len(lines)))
    return tuple(found)


def _headings(text: str, lines: list[str]) -> Iterator[Heading]:
    if not _NOT_PLAIN.search(text):
        # Only such a line can be a heading, and it is always one. Reading the outline takes many times as long.
        for number, line in enumerate(lines, 1):
            if line[:1] == "#" and (match := _PLAIN_HEADING.match(line)):
                yield Heading(len(match[1]), number, number)
        return
    for heading in outline(text).headings:
        first = heading.first
        while first < heading.last and _DEFINITION.fullmatch(lines[first - 1]):
            first += 1
        if first < heading.last or heading.first == heading.last:
            yield heading._replace(first=first)


def _title(lines: list[str], heading: Heading) -> str:
    """The inline Markdown of a heading. A very long one is cut off."""
    if heading.first < heading.last:
        inner = lines[heading.first - 1 : heading.last - 1]
        return " ".join(line.strip(SPACES) for line in inner)[:_MAX_HEADING]
    line = lines[heading.first - 1].strip(SPACES)[:_MAX_HEADING].lstrip("#")
    return _CLOSING_MARKS.sub("", line).strip(SPACES)


def cut(text: str, section: Section) -> str:
    """Return the lines of a section."""
    return "\n".join(with_lf_in_place(text).split("\n")[section.first - 1 : section.last])


def offsets(text: str, section: Section) -> tuple[int, int]:
    """Return where a section starts and ends in its text."""
    lines = with_lf_in_place(text).split("\n")
    start = sum(len(line) + 1 for line in lines[: section.first - 1])
    return start, start + len(cut(text, section))


def uses_from_elsewhere(text: str, section: Section) -> Iterator[Use]:
    """Yield the first use of each link reference definition and footnote that a section does not contain itself."""
    if "]:" not in text:
        return
    plain = prose(text)
    start, end = offsets(text, section)
    own = {normal_label(match[1]) for match in _ANY_DEFINITION.finditer(plain[start:end])}
    others = {normal_label(match[1]) for match in _ANY_DEFINITION.finditer(plain)} - own
    for match in _USE.finditer(plain, start, end):
        label = normal_label(match[1])
        if label in others:
            others.remove(label)
            yield Use(match[1], *match.span())
