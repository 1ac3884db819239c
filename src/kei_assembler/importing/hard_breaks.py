"""Hard line breaks: spaces at the end of a line do not outlast a build, a backslash in their place does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from kei_assembler.markdown.structure import code_spans, outline

_TABLE_OR_HEADING = re.compile(r"[ \t>]*[|:=-][ \t|:=-]*\Z")
_LINK = re.compile(r"""[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*\[[^\]]*\]:[ \t]*\S*(?:[ \t]+["'(].*)?[ \t]*\Z""")
_TAG = re.compile(r"<[^<>]*>")
_CHANGED_BY_BACKSLASH = re.compile(r"(?:\\|(?:\A|[ \t>])[*_]+)[ \t]+\Z")  # an escape, and stars that close nothing


def with_backslashes(text: str) -> tuple[str, list[int]]:
    """Return a text with each hard break of spaces made one of a backslash, and the lines (from 1) that had them.

    Both mean the same in Markdown (6.7). Code and HTML, tables, headings and link definitions stay as they are.
    """
    if "  \n" not in text:
        return text, []
    lines = text.split("\n")
    breaks = list(_breaks(lines))
    for index in breaks:
        lines[index] = lines[index].rstrip(" \t") + "\\"
    return "\n".join(lines), [index + 1 for index in breaks]


def _breaks(lines: Sequence[str]) -> Iterator[int]:
    kinds = outline("\n".join(lines)).lines
    for kind, indices in groupby(range(len(lines)), key=kinds.__getitem__):
        paragraph = list(indices)
        if not kind.verbatim:
            yield from (paragraph[number] for number in _ends_inside([lines[index] for index in paragraph]))


def _ends_inside(lines: Sequence[str]) -> Iterator[int]:
    """The lines of one block after which its text goes on, with a hard break of spaces."""
    text = "\n".join(lines)
    if any(map(_is_no_text, lines)) or "<!" in text or "<?" in text:
        return
    spans = [*code_spans(text), *(tag.span() for tag in _TAG.finditer(text))]
    inside = {at for start, stop in spans for at in range(start, stop) if text[at] == "\n"}
    end = -1
    for number, (line, following) in enumerate(pairwise(lines)):
        end += len(line) + 1
        if _is_broken(line) and following.strip(" \t>") and end not in inside:
            yield number


def _is_no_text(line: str) -> bool:
    return bool(_TABLE_OR_HEADING.match(line) or _LINK.match(line))


def _is_broken(line: str) -> bool:
    return line.endswith("  ") and bool(line.strip(" \t>")) and not _CHANGED_BY_BACKSLASH.search(line)
