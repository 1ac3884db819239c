"""Cut a text into parts that can become blocks: sections, parts in XML tags, and the beginnings of sections."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from kei_assembler import lazy_re
from kei_assembler.markdown.block_reader import BlockReader, Heading, Kind
from kei_assembler.markdown.sections import headings, title
from kei_assembler.markdown.structure import outline
from kei_assembler.records import NamedTuple
from kei_assembler.whitespace import SPACES, has_text

_INDENTS = (" ", "\t")
_OPENING_TAG = lazy_re.compile(r"<(?P<tag>[A-Za-z][\w.-]*)(?:[ \t][^<>\n]*)?(?<!/)>")
_CLOSING_TAG = lazy_re.compile(r"</(?P<tag>[A-Za-z][\w.-]*)>[ \t]*\Z")
_LAYOUT = frozenset("a b br center code dd div dl em i img kbd li ol p pre script span strong style table ul".split())
"""HTML elements that say how a text looks, and not what it is about."""
_ITEM = lazy_re.compile(r"(?:[-+*]|[0-9]{1,9}[.)])[ \t]")


class Part(NamedTuple):
    """A part of a text: its lines, its title or "", and its text as a block, or "" if it cannot be one.

    A heading with nothing below it has a title, but cannot be a block. `is_rest` says that the part is the rest of the
    section before it.
    """

    text: str
    title: str = ""
    block: str = ""
    is_rest: bool = False


class Span(NamedTuple):
    """The first line of a part in XML tags and the line after it, from 0, and the name of the tag."""

    start: int
    end: int
    tag: str


def can_start(lines: Sequence[str], heading: Heading) -> bool:
    """Return whether a heading can be the start of a block.

    An indented one would lose its indent. One with an underline can be part of a table if no blank line is before it.
    """
    before = lines[heading.first - 2] if heading.first > 1 else ""
    return lines[heading.first - 1][0] not in _INDENTS and (heading.first == heading.last or not before.strip(SPACES))


def cuts(text: str) -> list[list[Part]]:
    """Return the ways to cut a text into sections, the coarsest first.

    Sections have one level in each. If only one heading has the highest level, it is a title, and the sections below
    it are the next way. A title and its text are not a section then, and text before the first section never is.
    """
    lines = text.split("\n")
    spans = list(tagged(text, lines))
    starts = [
        each for each in headings(text, lines) if can_start(lines, each) and not _is_inside(each.first - 1, spans)
    ]
    # what is not closed ends with the text; no heading is in it
    is_open = bool(starts) and outline("\n".join(lines[starts[-1].first - 1 :])).unclosed is not None
    found: list[list[Part]] = []
    titles: list[Heading] = []
    while left := [each for each in starts if each not in titles]:
        level = min(each.level for each in left)
        is_title = [each.level for each in left].count(level) == 1
        if not is_title or left[0].level == level:
            found.append(_cut(lines, [each for each in starts if each.level <= level], titles, is_open))
        if not is_title:
            break
        titles += [each for each in left if each.level == level]
    return found or [[Part(text)]]


def _is_inside(line: int, spans: Sequence[Span]) -> bool:
    index = bisect_right(spans, line, key=lambda span: span.end)
    return index < len(spans) and spans[index].start < line


def _cut(lines: Sequence[str], starts: Sequence[Heading], titles: Sequence[Heading], is_open: bool) -> list[Part]:
    parts = [Part("\n".join(lines[: starts[0].first - 1]))] if starts[0].first > 1 else []
    for heading, end in zip(starts, [*(each.first - 1 for each in starts[1:]), len(lines)], strict=True):
        text = "\n".join(lines[heading.first - 1 : end])
        is_none = not any(map(has_text, lines[heading.last : end])) or (is_open and end == len(lines))
        section = Part(text, title(list(lines), heading), "" if is_none else text.strip("\n"))
        parts.append(Part(text) if heading in titles else section)
    return parts


def tagged(text: str, lines: Sequence[str]) -> Iterator[Span]:
    """Yield the parts of a text that are in XML tags at the start and the end of their lines, without inner ones.

    `lines` are the lines of the text.
    """
    if "</" not in text:
        return
    reader = BlockReader()
    opened: dict[str, list[int]] = {}
    found: list[Span] = []
    for number, line in enumerate(lines):
        kind = reader.read(line.expandtabs(4))
        if kind is Kind.INDENTED or (kind is Kind.VERBATIM and reader.opened.what):  # code or a comment
            continue
        if (opening := _OPENING_TAG.match(line)) and opening["tag"].lower() not in _LAYOUT:
            opened.setdefault(opening["tag"], []).append(number)
        closing = _CLOSING_TAG.search(line[-200:])
        starts = opened.get(closing["tag"]) if closing else None
        if closing and starts:
            start = starts.pop()
            if _is_apart(lines, start - 1) and _is_apart(lines, number + 1):
                while found and found[-1].start > start:
                    found.pop()
                if not found or found[-1].end <= start:
                    found.append(Span(start, number + 1, closing["tag"]))
    yield from found


def _is_apart(lines: Sequence[str], number: int) -> bool:
    """Whether the line beside a part in tags does not belong to a paragraph with it."""
    return not 0 <= number < len(lines) or not has_text(lines[number]) or lines[number].startswith(("<", "#"))


def tagged_parts(part: Part) -> list[Part]:
    """Cut a part of a text at parts in XML tags, which become parts of their own."""
    lines = part.text.split("\n")
    found: list[Part] = []
    at = 0
    for span in tagged(part.text, lines):
        end = next((number for number in range(span.end, len(lines)) if has_text(lines[number])), len(lines))
        if span.start > at:
            found.append(Part("\n".join(lines[at : span.start])))
        found.append(Part("\n".join(lines[span.start : end]), span.tag, "\n".join(lines[span.start : span.end])))
        at = end
    if at == 0:
        return [part]
    if at < len(lines):
        found.append(Part("\n".join(lines[at:])))
    return found


def beginnings(block: str) -> list[int]:
    """Return after how many of its paragraphs a section can be cut, so that the rest makes sense without its heading.

    The paragraphs are separated by `\\n\\n`. The last number is that of all paragraphs.
    """
    lines = block.split("\n")
    read = outline(block).lines
    spans = list(tagged(block, lines))
    last_heading = max((each.last for each in headings(block, lines)), default=1)
    paragraphs = block.split("\n\n")
    found, at = [], 0
    for count, (paragraph, following) in enumerate(pairwise(paragraphs), 1):
        at += paragraph.count("\n") + 2
        is_continued = following[:1] in ("", "\n", *_INDENTS) or _ITEM.match(following)
        is_introduction = paragraph.rstrip(" \t*_").endswith(":")
        is_cut = at - 1 > last_heading and not (is_continued or is_introduction)
        if is_cut and not read[at - 1].verbatim and not _is_inside(at - 1, spans):
            found.append(count)
    return [*found, len(paragraphs)]
