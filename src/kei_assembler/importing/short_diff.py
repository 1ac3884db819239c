"""Diffs of two texts of imported files."""

from __future__ import annotations

from kei_assembler.build.diff import hunks
from kei_assembler.markdown import shell

_MAX_LINES = 40


def short_diff(before: tuple[str, str], after: tuple[str, str]) -> str:
    """Return a unified diff, cut after 40 lines. Each side has the path of a file, and its text or a part of it."""
    (old, _), (new, _) = before, after
    lines = _diff(before, after)
    if len(lines) > _MAX_LINES:
        command = f"diff -u {shell.word(old)} {shell.word(new)}"
        lines[_MAX_LINES:] = [f"{len(lines) - _MAX_LINES:,} more lines; to see them, run: {command}\n"]
    return "".join(lines)


def whole_diff(before: tuple[str, str], after: tuple[str, str]) -> str:
    """Return a unified diff of the same kind, whatever its length."""
    return "".join(_diff(before, after))


def _diff(before: tuple[str, str], after: tuple[str, str]) -> list[str]:
    return [f"--- {before[0]}\n", f"+++ {after[0]}\n", *hunks(*map(_lines, (before, after)))]


def _lines(side: tuple[str, str]) -> list[str]:
    return [f"{line}\n" for line in side[1].rstrip("\n").split("\n")]
