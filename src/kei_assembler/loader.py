"""Load a kit, and refuse invalid settings."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import AssembleError, Diagnostic
from kei_assembler.files import Files
from kei_assembler.files.sparse_checkout import files_at
from kei_assembler.kit import LoadedKit, discovery
from kei_assembler.rules.settings import check_settings


def load_kit(folder: str, chosen: Iterable[str] = (), files: Files | None = None) -> LoadedKit:
    """Return the kit in a folder, given by its absolute path. If targets are chosen, the kit only has those.

    Without `files`, read it from the disk, or, in a sparse checkout, also from git's index.

    Raises:
        AssembleError: the settings are invalid. The error has their diagnostics.
    """
    kit = discovery.read_kit(folder, files or files_at(folder))
    refuse(check_settings(kit))
    kit.selected_targets = tuple(dict.fromkeys(chosen))
    return kit


def refuse(problems: Iterable[Diagnostic]) -> None:
    """Stop the run if there are problems with the settings.

    Raises:
        AssembleError: there are any. The error has them as diagnostics.
    """
    if diagnostics := tuple(problems):
        raise AssembleError("the settings have errors; nothing was done", diagnostics=diagnostics)
