"""Steps of the commands that can go through every kit in a folder and below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kei_assembler.cli.commands import write
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.selection import kits_below

if TYPE_CHECKING:
    from kei_assembler.kit.search import Found


def found_kits(folder: str | None, exclude: Sequence[str]) -> tuple[list[Found], Mapping[str, Sequence[int]]]:
    """Return what `kits_below` returns, and write a note to stderr for each option that excludes nothing.

    Raises:
        AssembleError: there are none, the folder does not exist, or stderr cannot be written to.
    """
    kits, unused = kits_below(folder, exclude)
    for position in unused.get("", ()):
        write("", f"note: `--exclude {shown(exclude[position])}` matches no folder\n")
    return kits, unused
