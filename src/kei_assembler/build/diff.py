"""The difference between a file and its new content: a unified diff, and the likely cause of an edit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from difflib import unified_diff
from itertools import islice

from kei_assembler.build.changes import Change
from kei_assembler.build.classify import text_of
from kei_assembler.markdown import stamp
from kei_assembler.paths import normalize
from kei_assembler.rules.drift import UNFINISHED_MERGE
from kei_assembler.targets import TARGETS

MAX_DIFFS = 32 * 1024 * 1024
"""How many characters of diffs a report contains at most. The diff that reaches this size is still whole."""

_MAX_BYTES = 1024 * 1024
_MAX_LINES = 40_000
_MISSING_NEWLINE = "\n\\ No newline at end of file\n"
_NEEDS_QUOTES = re.compile(r'["\\\x00-\x1f\x7f]')


def diffs(changes: Iterable[Change], prefix: str = "") -> Iterator[str]:
    """Yield the diff of each change, see `diff`. After too much text, only say that a file differs."""
    size = 0
    for change in changes:
        left_out = f"File {_old_name(change, prefix)} differs, and its diff is left out\n"
        text = diff(change, prefix) if size < MAX_DIFFS else left_out
        size += len(text)
        yield text


def _old_name(change: Change, prefix: str) -> str:
    return _name("a", normalize(prefix + change.path))


def diff(change: Change, prefix: str = "") -> str:
    """Return the change as a unified diff that `git apply` and `patch -p1` accept in the kit's folder.

    `prefix` is a path to the kit that ends with `/`. With it, they accept the diff in the folder that the path starts
    from. The diff has no `diff --git` line, because with one git resolves paths from the top of the work tree. Bytes
    that are not UTF-8 become surrogates. A file that is binary or larger than 1 MiB has no diff.
    """
    before, after, path = change.before, change.after, normalize(prefix + change.path)
    if b"\0" in (before or b""):
        return f"Binary file {_old_name(change, prefix)} differs\n"
    if max(len(before or b""), len(after or b"")) > _MAX_BYTES:
        return f"Large file {_old_name(change, prefix)} differs\n"
    tab = "\t" if " " in path else ""  # marks the end of the name for tools that would stop at a space
    old = "/dev/null" if before is None else f"{_name('a', path)}{tab}"
    new = "/dev/null" if after is None else f"{_name('b', path)}{tab}"
    return "".join([f"--- {old}\n+++ {new}\n", *_hunks(_lines(before), _lines(after))])


def _name(side: str, path: str) -> str:
    name = f"{side}/{path}"
    if not _NEEDS_QUOTES.search(name):
        return name
    return '"' + _NEEDS_QUOTES.sub(lambda match: f"\\{ord(match[0]):03o}", name) + '"'


def _lines(content: bytes | None) -> list[str]:
    """The lines with their ends. Only LF ends a line, unlike in `str.splitlines`, since git and patch know no other."""
    lines = (content or b"").decode(errors="surrogateescape").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + lines[-1:] * bool(lines[-1])


def _hunks(before: list[str], after: list[str]) -> Iterator[str]:
    is_long = len(before) + len(after) > _MAX_LINES
    for line in _one_hunk(before, after) if is_long else islice(unified_diff(before, after), 2, None):
        yield line if line.endswith("\n") else line + _MISSING_NEWLINE


def _one_hunk(before: list[str], after: list[str]) -> Iterator[str]:
    """All lines of both in one hunk: finding the lines they share takes quadratic time."""
    ranges = (f"{bool(lines):d},{len(lines)}" for lines in (before, after))
    yield "@@ -{} +{} @@\n".format(*ranges)
    yield from (f"-{line}" for line in before)
    yield from (f"+{line}" for line in after)


def likely_cause(change: Change) -> str:
    """Return what probably edited a generated file, or "" if that is unknown."""
    if len(change.before or b"") > _MAX_BYTES or not change.target:
        return ""
    comment = TARGETS[change.target].form.comment
    present, wanted = (stamp.split(text_of(side or b""), comment)[1] for side in (change.before, change.after))
    if stamp.find_conflict(present) and not stamp.find_conflict(wanted):
        return UNFINISHED_MERGE
    return next((cause for cause, same in _CAUSES if same(present) == same(wanted)), "")


def _without_trailing_space(text: str) -> str:
    return "\n".join(line.rstrip(" \t") for line in text.split("\n")).rstrip("\n")


def _without_padding(text: str) -> str:
    lines = ("|".join(map(str.strip, line.split("|"))) if "|" in line else line for line in text.split("\n"))
    return re.sub(r"-{2,}", "", _without_trailing_space("\n".join(lines)))


def _without_style(text: str) -> str:
    return re.sub(r"[\s*_+\\-]|&#\d+;", "", text)


_CAUSES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("an editor or a hook that removes or adds white space at line ends", _without_trailing_space),
    ("a Markdown formatter that pads tables", _without_padding),
    ("a Markdown formatter, in blank lines, list or emphasis marks", _without_style),
)
