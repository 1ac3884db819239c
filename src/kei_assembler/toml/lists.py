"""Edits of the entries of a list, or of the keys of an inline table, in TOML text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from kei_assembler import lazy_re
from kei_assembler.records import NamedTuple
from kei_assembler.toml.writer import string_text
from kei_assembler.whitespace import SPACES


class Splice(NamedTuple):
    """The text between two offsets of a source's text is replaced with another one."""

    start: int
    end: int
    text: str


class Part(NamedTuple):
    """A part of a text, from one offset to another."""

    start: int
    end: int


Order = Sequence[int | str]
"""The entries that a list gets: indexes of its present ones, and texts of new ones."""

_AFTER = lazy_re.compile(r"[ \t]*+(?P<comma>,?)[ \t]*+(?P<comment>#[^\n]*+)?$", re.MULTILINE)
_COMMA = lazy_re.compile(r"[ \t]*+,")
_COMMENTS = lazy_re.compile(r"^[ \t]*+#[^\n]*+\n?", re.MULTILINE)


def rearranged(text: str, around: Part, members: Sequence[Part], order: Order) -> tuple[Splice, ...]:
    """Return the edit that gives a list other entries, or the same in another order. It is none if nothing changes.

    `around` is the list with its brackets. Each entry keeps its text, and on a line of its own also its comments: those
    before it and the one after it. Comments of an entry that is dropped stay. If entries share lines that have comments
    between them, there is no edit.
    """
    if list(order) == [*range(len(members))]:
        return ()
    if members and all(_has_own_lines(text, around, part) for part in members):
        return _in_lines(text, around, members, order)
    return _in_line(text, around, members, order)


def equal_ends(one: Sequence[object], other: Sequence[object]) -> tuple[int, int]:
    """Return how many of the first values of two sequences are equal, and how many of the last ones of the rest."""
    most = min(len(one), len(other))
    first = next((at for at in range(most) if one[at] != other[at]), most)
    last = next((at for at in range(most - first) if one[-1 - at] != other[-1 - at]), most - first)
    return first, last


def _has_own_lines(text: str, around: Part, member: Part) -> bool:
    line = text.rfind("\n", 0, member.start) + 1
    return line > around.start and not text[line : member.start].strip(SPACES) and bool(_AFTER.match(text, member.end))


def _in_lines(text: str, around: Part, members: Sequence[Part], order: Order) -> tuple[Splice, ...]:
    """Rearrange entries that are on lines of their own. Their lines include those of the comments above them."""
    start = text.index("\n", around.start) + 1
    ends = [min(text.find("\n", part.end) + 1 or around.end, around.end) for part in members]
    chunks = [text[begin:end] for begin, end in pairwise([start, *ends])]
    indent = text[text.rfind("\n", 0, members[0].start) + 1 : members[0].start]
    offset = [start, *ends]

    def without_entry(index: int) -> str:
        begin = offset[index]
        part = Part(members[index].start - begin, members[index].end - begin)
        above = chunks[index][: chunks[index].rfind("\n", 0, part.start) + 1]
        after = _AFTER.match(chunks[index], part.end)
        comment = after["comment"] if after else None
        kept = "".join(_COMMENTS.findall(above))
        return kept + (f"{indent}{comment}\n" if comment else "")

    def with_comma(index: int) -> str:
        end = members[index].end - offset[index]
        after = _AFTER.match(chunks[index], end)
        return chunks[index] if after and after["comma"] else f"{chunks[index][:end]},{chunks[index][end:]}"

    made = [f"{indent}{string_text(each)},\n" if isinstance(each, str) else with_comma(each) for each in order]
    if order and order[-1] == len(members) - 1:
        made[-1] = chunks[-1]  # the last entry needs no comma, and stays the last
    for index in sorted({*range(len(members))}.difference(each for each in order if isinstance(each, int))):
        if kept := without_entry(index):
            place = order.index(index - 1) + 1 if index - 1 in order else 0
            made.insert(place, kept)
    first, last = equal_ends(chunks, made)
    return (Splice(offset[first], offset[len(chunks) - last], "".join(made[first : len(made) - last])),)


def _in_line(text: str, around: Part, members: Sequence[Part], order: Order) -> tuple[Splice, ...]:
    """Rearrange entries that share lines."""
    count = len(members)
    first, last = equal_ends(range(count), order)
    made = [
        string_text(each) if isinstance(each, str) else text[members[each].start : members[each].end]
        for each in order[first : len(order) - last]
    ]
    gap = text[members[0].end : members[1].start] if count > 1 else ", "
    gap = ", " if "\n" in gap else gap
    if last:
        region = Part(members[first].start, members[count - last].start)
        new = "".join(f"{each}{gap}" for each in made)
    elif first:
        region = Part(members[first - 1].end, members[-1].end)
        new = "".join(f"{gap}{each}" for each in made)
    else:
        region = Part(members[0].start, members[-1].end) if members else Part(around.start + 1, around.start + 1)
        comma = _COMMA.match(text, region.end) if members and not made else None
        region = region._replace(end=comma.end()) if comma else region
        new = gap.join(made)
    gaps = (text[one.end : other.start] for one, other in pairwise(members) if region.start <= one.end <= region.end)
    return () if any("#" in each for each in gaps) else (Splice(*region, new),)
