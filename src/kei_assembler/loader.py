"""Loading a kit: its folder is read, and wrong settings are refused."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import AssembleError, Diagnostic
from kei_assembler.files import DISK, Files
from kei_assembler.kit import Kit, discovery
from kei_assembler.rules.settings import check_settings


def load_kit(folder: str, chosen: Iterable[str] = (), files: Files = DISK) -> Kit:
    """Return the kit of a folder (an absolute path), for a run that keeps to the chosen targets, if any.

    Raises AssembleError, with diagnostics, when the settings are wrong.
    """
    kit = discovery.read_kit(folder, files)
    refuse(check_settings(kit))
    kit.chosen = tuple(dict.fromkeys(chosen))
    return kit


def refuse(problems: Iterable[Diagnostic]) -> None:
    """Raise AssembleError when there are problems with the settings."""
    if diagnostics := tuple(problems):
        raise AssembleError("the settings have errors; nothing was done", diagnostics=diagnostics)
