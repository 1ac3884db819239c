"""The difference between a file and its new content: a unified diff, and the likely cause of an edit."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from difflib import Match, SequenceMatcher
from functools import lru_cache
from itertools import accumulate

from kei_assembler.build.changes import Change
from kei_assembler.build.classify import comment_of, text_of
from kei_assembler.markdown import stamp
from kei_assembler.markdown.hidden_text import is_hidden
from kei_assembler.paths import normalize
from kei_assembler.rules.drift import UNFINISHED_MERGE
from kei_assembler.toml.lists import equal_ends
from kei_assembler.whitespace import SPACES

MAX_DIFFS = 32 * 1024 * 1024
"""How many characters of diffs a report contains at most. The diff that reaches this size is still whole."""

_MAX_BYTES = 1024 * 1024
_MAX_STEPS = 2_000_000
_CONTEXT = 3
_SEARCHED = 10
"""How many lines of the same start, and of the same end, a search for matching lines gets."""

_MISSING_NEWLINE = "\n\\ No newline at end of file\n"


def diffs(changes: Iterable[Change], prefix: str = "", size: int = 0) -> Iterator[str]:
    """Yield the diff of each change, see `diff`. After too much text, only say that a file differs.

    `size` is how many characters the report already contains.
    """
    for change in changes:
        left_out = f"File {_old_name(change, prefix)} differs, and its diff is left out\n"
        text = diff(change, prefix) if size < MAX_DIFFS else left_out
        size += len(text)
        yield text


def _old_name(change: Change, prefix: str) -> str:
    return _name("a", normalize(os.path.join(prefix, change.path)))


def diff(change: Change, prefix: str = "") -> str:
    """Return the change as a unified diff that `git apply` and `patch -p1` accept in the kit's folder.

    `prefix` is a path to the kit that ends with `/`. With it, they accept the diff in the folder that the path starts
    from. For a file in the home folder, that is the top of the file system. The diff has no `diff --git` line, because
    with one git resolves paths from the top of the work tree. Bytes that are not UTF-8 become surrogates. A file that
    is binary or larger than 1 MiB has no diff.
    """
    before, after, path = change.before, change.after, normalize(os.path.join(prefix, change.path))
    if b"\0" in (before or b""):
        return f"Binary file {_old_name(change, prefix)} differs\n"
    if max(len(before or b""), len(after or b"")) > _MAX_BYTES:
        return f"Large file {_old_name(change, prefix)} differs\n"
    tab = "\t" if " " in path else ""  # marks the end of the name for tools that would stop at a space
    old = "/dev/null" if before is None else f"{_name('a', path)}{tab}"
    new = "/dev/null" if after is None else f"{_name('b', path)}{tab}"
    return "".join([f"--- {old}\n+++ {new}\n", *hunks(_lines(before), _lines(after))])


def _name(side: str, path: str) -> str:
    """The name as git quotes it: what is hidden, ends a line or is not UTF-8 becomes octal escapes of its bytes."""
    name = f"{side}/{path.removeprefix('/')}"
    quoted = "".join(map(_escaped, name))
    return name if quoted == name else f'"{quoted}"'


def _escaped(character: str) -> str:
    if character not in '"\\\t\n' and not is_hidden(character):
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode(errors="surrogateescape"))


def _lines(content: bytes | None) -> list[str]:
    """The lines with their ends. Only LF ends a line, unlike in `str.splitlines`, since git and patch know no other."""
    lines = (content or b"").decode(errors="surrogateescape").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + lines[-1:] * bool(lines[-1])


class _Matcher(SequenceMatcher[str]):
    """Finds the lines that two texts share, in a limited number of steps. After that, all other lines differ.

    A search compares each line of a part with all equal lines of the other text, and there can be one for each line.
    """

    a: list[str]
    b2j: dict[str, list[int]]

    def __init__(self, before: list[str], after: list[str]) -> None:
        super().__init__(None, before, after)
        self._steps = [0, *accumulate(1 + len(self.b2j.get(line, ())) for line in before)]
        self._left = _MAX_STEPS

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        """Return the longest part that the two texts share, or an empty one if there are no steps left."""
        self._left -= self._steps[len(self.a) if ahi is None else ahi] - self._steps[alo]
        return super().find_longest_match(alo, ahi, blo, bhi) if self._left >= 0 else Match(alo, blo, 0)


def _range(start: int, end: int) -> str:
    """A range of lines as a unified diff writes it: an empty one has the number of the line before it."""
    return f"{start + 1}" if end - start == 1 else f"{start + (end > start)},{end - start}"


def hunks(before: list[str], after: list[str]) -> Iterator[str]:
    """Yield the lines of a unified diff of two texts, without its head. All lines have their ends."""
    for group in _Matcher(before, after).get_grouped_opcodes(_CONTEXT):
        (_, old, _, new, _), (_, _, old_end, _, new_end) = group[0], group[-1]
        yield f"@@ -{_range(old, old_end)} +{_range(new, new_end)} @@\n"
        for tag, start, end, other_start, other_end in group:
            sides = [(" ", before[start:end])] if tag == "equal" else []
            sides = sides or [("-", before[start:end]), ("+", after[other_start:other_end])]
            for line in (f"{sign}{line}" for sign, lines in sides for line in lines):
                yield line if line.endswith("\n") else line + _MISSING_NEWLINE


def likely_cause(change: Change) -> str:
    """Return what probably edited a generated file, or "" if that is unknown."""
    if len(change.before or b"") > _MAX_BYTES or not change.target:
        return ""
    comment = comment_of(change.kind, change.target)
    present, wanted = (stamp.split(text_of(side or b""), comment)[1] for side in (change.before, change.after))
    if stamp.find_conflict(present) and not stamp.find_conflict(wanted):
        return UNFINISHED_MERGE
    return next((cause for cause, same in _CAUSES if same(present) == same(wanted)), "")


def _without_trailing_space(text: str) -> str:
    return "\n".join(line.rstrip(SPACES) for line in text.split("\n")).rstrip("\n")


def _without_padding(text: str) -> str:
    rows = (line.split("|") for line in text.split("\n"))
    lines = ("|".join(cell.strip(SPACES) for cell in row) if len(row) > 1 else row[0] for row in rows)
    return re.sub(r"-{2,}", "", _without_trailing_space("\n".join(lines)))


def _without_style(text: str) -> str:
    return re.sub(r"[ \t\n*_+\\-]|&#[0-9]+;", "", text)


_CAUSES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("an editor or a hook that removes or adds white space at line ends", _without_trailing_space),
    ("a Markdown formatter that pads tables", _without_padding),
    ("a Markdown formatter, in blank lines, list or emphasis marks", _without_style),
)


def matched_lines(before: list[str], after: list[str]) -> list[int | None]:
    """Return for each line of a text its index in another text, or None if the other text does not have it."""
    # Most texts that are compared have the same start and end, and a search is much slower. It gets some of these
    # lines, since they can match others better.
    start, end = (max(count - _SEARCHED, 0) for count in equal_ends(before, after))
    found = _search(tuple(before[start : len(before) - end]), tuple(after[start : len(after) - end]))
    found = [None if match is None else start + match for match in found]
    return [*range(start), *found, *range(len(after) - end, len(after))]


@lru_cache(maxsize=256)  # the files of many agents differ in the same lines of a block that they share
def _search(before: tuple[str, ...], after: tuple[str, ...]) -> list[int | None]:
    found: list[int | None] = [None] * len(before)
    for start, other, size in _Matcher([*before], [*after]).get_matching_blocks():
        found[start : start + size] = range(other, other + size)
    return found
