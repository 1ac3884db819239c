"""The sections of a Markdown text: each heading with what follows it, up to the next heading that is not below it.

A section has the slug that GitHub gives its heading, for links to it.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

from kei_assembler import lazy_re
from kei_assembler.markdown.block_reader import Heading
from kei_assembler.markdown.inline_text import inline_text, normal_label
from kei_assembler.markdown.structure import outline, prose
from kei_assembler.records import NamedTuple
from kei_assembler.whitespace import SPACES, with_lf_in_place

_MAX_HEADING = 1000
_PLAIN_HEADING = lazy_re.compile(r"^(#{1,6})(?:[ \t]|$)", re.MULTILINE)
_NOT_PLAIN = lazy_re.compile(r"```|~~~|^ {0,3}(?:<|=+[ \t]*$|-+[ \t]*$)|^ +#", re.MULTILINE)
_CLOSING_MARKS = lazy_re.compile(r"(?:^|[ \t])#+[ \t]*\Z")
_DEFINITION = lazy_re.compile(
    r" {0,3}\[((?:[^\[\]\\]|\\.)++)\]:[ \t]*+(?:<[^<>]*+>|[^ \t<][^ \t]*+)[ \t]*+(?:[\"'(].*[\"')][ \t]*)?+"
)
_ANY_DEFINITION = lazy_re.compile(r"^[ \t>*+\-0-9.)]*+\[((?:[^\[\]\\\n]|\\.)++)\]:", re.MULTILINE)
_USE = lazy_re.compile(r"(?<!\\)\[((?:[^\[\]\\]|\\.)++)\](?!\()")
_KEPT = ("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "Pc")
_NOT_IN_SLUG = lazy_re.compile(r"[^a-z0-9_ -]")


class Section(NamedTuple):
    """A section of a text: its slug, where it starts and ends in the text, and the slugs of the sections around it.

    The slug is empty if the heading has no letters and digits: nothing can name such a section.
    """

    slug: str
    start: int
    end: int
    around: tuple[str, ...] = ()


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
    """Return the sections of a text, in their order. Headings in code, raw HTML, quotes and lists do not count."""
    text = with_lf_in_place(text)
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    labels = {normal_label(match[1]) for match in _ANY_DEFINITION.finditer(text)} if "]:" in text else set()
    found: list[Section] = []
    around: list[tuple[int, int]] = []  # the levels of the sections that are still open, and their indexes
    for heading in headings(text, lines):
        start = starts[heading.first - 1]
        while around and around[-1][0] >= heading.level:
            _, index = around.pop()
            found[index] = found[index]._replace(end=start - 1)
        outer = tuple(found[index].slug for _, index in around)
        around.append((heading.level, len(found)))
        found.append(Section(slug(inline_text(title(lines, heading), labels)), start, len(text), outer))
    return tuple(found)


def headings(text: str, lines: list[str]) -> Iterator[Heading]:
    """Yield the headings of a text with LF, which has these lines.

    Those in code, raw HTML, quotes and lists do not count.
    """
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


def title(lines: list[str], heading: Heading) -> str:
    """Return the inline Markdown of a heading. A very long one is cut off."""
    if heading.first < heading.last:
        inner = lines[heading.first - 1 : heading.last - 1]
        return " ".join(line.strip(SPACES) for line in inner)[:_MAX_HEADING]
    line = lines[heading.first - 1].strip(SPACES)[:_MAX_HEADING].lstrip("#")
    return _CLOSING_MARKS.sub("", line).strip(SPACES)


def uses_from_elsewhere(text: str, listed: Iterable[Section]) -> Iterator[tuple[Section, Use]]:
    """Yield the first use of each link reference definition or footnote in sections that do not contain it."""
    if "]:" not in text:
        return
    plain = prose(text)
    defined: dict[str, list[int]] = {}
    for match in _ANY_DEFINITION.finditer(plain):
        defined.setdefault(normal_label(match[1]), []).append(match.start())
    for section in listed:
        settled: set[str] = set()
        for match in _USE.finditer(plain, section.start, section.end):
            label = normal_label(match[1])
            if label not in defined or label in settled:
                continue
            settled.add(label)
            following = bisect_left(defined[label], section.start)
            if following == len(defined[label]) or defined[label][following] >= section.end:
                yield section, Use(match[1], *match.span())
