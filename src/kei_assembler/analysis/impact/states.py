"""The states of a kit that a change leads between."""

from __future__ import annotations

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files.revisions import revision
from kei_assembler.kit import LoadedKit
from kei_assembler.loader import load_kit_at


def kit_at(folder: str, name: str) -> LoadedKit | None:
    """Return the kit that a revision has in a folder, given by its absolute path, or None if it has none there.

    Raises:
        AssembleError: the revision does not exist, or the settings there are invalid.
    """
    commit = revision(folder, name)
    try:
        return load_kit_at(folder, commit)
    except AssembleError as error:
        if not error.diagnostics:
            raise
        message = f"the settings at `{name}` have errors"
        raise AssembleError(message, "choose another revision", diagnostics=error.diagnostics) from error
