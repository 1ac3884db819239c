"""What a text report on several kits has around the report on each of them."""

from __future__ import annotations

from collections.abc import Sequence

from kei_assembler.markdown.hidden_text import shown
from kei_assembler.report.layout import BOLD, painted

_GAP = "\n"


def heading(path: str, number: int, count: int, colours: bool = False) -> str:
    """Return the line before the report on one of `count` kits: its path, as `ls -R` prints it.

    It is empty if the only kit is in the working directory.
    """
    if count == 1 and path == ".":
        return ""
    return f"{_GAP if number else ''}{painted(f'{shown(path)}:', BOLD, colours)}\n"


def total(statuses: Sequence[tuple[str, int]]) -> str:
    """Return the last line of the reports on several kits, by their paths and exit statuses; empty for a single kit."""
    failed = [shown(path) for path, status in statuses if status]
    if len(statuses) == 1:
        return ""
    failures = f", {len(failed):,} failed: {', '.join(failed)}" if failed else ""
    return f"\n{len(statuses):,} kits: {len(statuses) - len(failed):,} succeeded{failures}\n"
