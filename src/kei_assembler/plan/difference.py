"""How a file and what would be written differ: as a unified diff, and by the likely cause."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import unified_diff
from itertools import islice

from kei_assembler.paths import normal
from kei_assembler.plan.changes import Change
from kei_assembler.plan.classify import text_of
from kei_assembler.rules.drift import UNFINISHED_MERGE
from kei_assembler.targets import TARGETS
from kei_assembler.text import stamp

_BYTES_MOST = 1024 * 1024
_LINES_MOST = 40_000
_MISSING_NEWLINE = "\n\\ No newline at end of file\n"
_NEEDS_QUOTES = re.compile(r'["\\\x00-\x1f\x7f]')


def diff(change: Change, way: str = "") -> str:
    """Return the change as a unified diff, which `git apply` and `patch -p1` accept in the kit's folder.

    With `way`, which ends with a `/`, they do in the folder above from which it leads to the kit. No line `diff --git`
    is in it: with one, git takes the paths to be those of the work tree, not of the folder. Bytes that are not UTF-8
    stand in it as surrogates.
    """
    before, after, path = change.before, change.after, normal(way + change.path)
    if b"\0" in (before or b""):
        return f"Binary file {_name('a', path)} differs\n"
    if len(before or b"") > _BYTES_MOST:
        return f"Large file {_name('a', path)} differs\n"
    return "".join([*_head(change, path), *_hunks(_lines(before), _lines(after))])


def _head(change: Change, path: str) -> Iterator[str]:
    tab = "\t" if " " in path else ""  # where the name ends, for readers that stop at white space
    yield "--- /dev/null\n" if change.before is None else f"--- {_name('a', path)}{tab}\n"
    yield "+++ /dev/null\n" if change.after is None else f"+++ {_name('b', path)}{tab}\n"


def _name(side: str, path: str) -> str:
    name = f"{side}/{path}"
    if not _NEEDS_QUOTES.search(name):
        return name
    return '"' + _NEEDS_QUOTES.sub(lambda match: f"\\{ord(match[0]):03o}", name) + '"'


def _lines(content: bytes | None) -> list[str]:
    """The lines with their ends; only LF ends a line, so that nothing else in the text can."""
    lines = (content or b"").decode(errors="surrogateescape").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + lines[-1:] * bool(lines[-1])


def _hunks(before: list[str], after: list[str]) -> Iterator[str]:
    is_long = len(before) + len(after) > _LINES_MOST
    for line in _one_hunk(before, after) if is_long else islice(unified_diff(before, after), 2, None):
        yield line if line.endswith("\n") else line + _MISSING_NEWLINE


def _one_hunk(before: list[str], after: list[str]) -> Iterator[str]:
    """All lines of both: to find what they share takes time by the square of their number."""
    ranges = (f"{bool(lines):d},{len(lines)}" for lines in (before, after))
    yield "@@ -{} +{} @@\n".format(*ranges)
    yield from (f"-{line}" for line in before)
    yield from (f"+{line}" for line in after)


def likely_cause(change: Change) -> str:
    """Return what probably made an edited file differ, or nothing where that cannot be told."""
    if len(change.before or b"") > _BYTES_MOST or not change.target:
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
