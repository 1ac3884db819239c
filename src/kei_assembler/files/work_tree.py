"""The git work tree that a folder lies in."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from kei_assembler.files import DISK, Files
from kei_assembler.paths import upwards

if TYPE_CHECKING:  # most runs do not need git
    from kei_assembler.files.git_index import Git


def git_top(folder: str, files: Files = DISK) -> str | None:
    """Return the top folder of the git work tree that contains a folder, given by its absolute path, or None."""
    return next((path for path in upwards(folder) if files.exists(os.path.join(path, ".git"))), None)


def git_at(top: str) -> Git:
    """Return the git work tree with this top folder."""
    from kei_assembler.files.git_index import Git

    here = ""
    with suppress(FileNotFoundError):  # the working directory was deleted
        here = os.getcwd()
    return Git.of(DISK.resolve(top), is_here=git_top(here) == top)
