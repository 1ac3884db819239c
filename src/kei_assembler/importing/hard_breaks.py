"""Replace hard line breaks of trailing spaces, which a build strips, by backslashes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from kei_assembler import lazy_re
from kei_assembler.markdown.structure import code_spans, outline
from kei_assembler.whitespace import SPACES

_TABLE_OR_HEADING = lazy_re.compile(r"[ \t>]*[|:=-][ \t|:=-]*\Z")
_LINK = lazy_re.compile(
    r"""[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*\[[^\]]*\]:"""
    r"""(?:[ \t]+["'(].*|[ \t]*(?:[^ \t]+(?:[ \t]+["'(].*|[ \t]*))?)\Z"""
)
_TAG = lazy_re.compile(r"<[^<>]*>")
# a backslash would change an escape, and stars that close nothing
_CHANGED_BY_BACKSLASH = lazy_re.compile(r"(?:\\|(?:\A|[ \t>])[*_]+)[ \t]+\Z")

_CONTAINERS = lazy_re.compile(r"\A[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*")
_RUN_AFTER_PUNCTUATION = lazy_re.compile(r"[^\w \t*_][*_]+[ \t]+\Z")
# runs that can open or close emphasis: of underscores, not those inside a word
_RUN = lazy_re.compile(r"(\*+|(?<![^\W_])_+|_++(?![^\W_]))")
_BEFORE_EMPHASIS = (" ", "\t", "(", "[")


def with_backslashes(text: str) -> tuple[str, list[int]]:
    """Return a text with hard breaks of spaces replaced by backslashes, and the numbers of the changed lines, from 1.

    Both mean the same (CommonMark 6.7). Code, HTML, tables, headings and link definitions are not changed.
    """
    if "  \n" not in text:
        return text, []
    lines = text.split("\n")
    breaks = list(_breaks(lines))
    for index in breaks:
        lines[index] = lines[index].rstrip(SPACES) + "\\"
    return "\n".join(lines), [index + 1 for index in breaks]


def _breaks(lines: Sequence[str]) -> Iterator[int]:
    kinds = outline("\n".join(lines)).lines
    for kind, indices in groupby(range(len(lines)), key=kinds.__getitem__):
        paragraph = list(indices)
        if not kind.verbatim:
            yield from (paragraph[number] for number in _breaks_inside([lines[index] for index in paragraph]))


def _breaks_inside(lines: Sequence[str]) -> Iterator[int]:
    """The lines of one block that end in a hard break of spaces."""
    text = "\n".join(lines)
    if "<!" in text or "<?" in text or any(_TABLE_OR_HEADING.match(line) or _LINK.match(line) for line in lines):
        return
    spans = [*code_spans(text), *(tag.span() for tag in _TAG.finditer(text))]
    inside = {at for start, stop in spans for at in range(start, stop) if text[at] == "\n"}
    end, is_balanced = -1, True
    for number, (line, following) in enumerate(pairwise(lines)):
        end += len(line) + 1
        is_break = line.endswith("  ") and line.strip(" \t>") and not _CHANGED_BY_BACKSLASH.search(line)
        is_balanced = is_balanced and _closes_its_emphasis(line)
        # before a backslash, such a run can also open emphasis, which matters unless it certainly closes one
        is_break = is_break and (is_balanced or not _RUN_AFTER_PUNCTUATION.search(line))
        if is_break and following.strip(" \t>") and end not in inside:
            yield number


def _closes_its_emphasis(line: str) -> bool:
    """Return whether all runs of `*` and `_` in a line are pairs that certainly open and close emphasis."""
    parts = _RUN.split(_CONTAINERS.sub("", line, count=1))
    texts, runs = parts[::2], parts[1::2]
    return len(runs) % 2 == 0 and all(
        runs[index] == runs[index + 1]
        and (not texts[index] or texts[index].endswith(_BEFORE_EMPHASIS))
        and texts[index + 1][0].isalnum()
        and texts[index + 1][-1] not in SPACES
        for index in range(0, len(runs), 2)
    )
