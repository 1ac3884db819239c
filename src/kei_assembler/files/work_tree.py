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


def git_folder(top: str) -> str:
    """Return git's own folder for the work tree with this top folder, as a resolved path.

    That of a linked work tree or a submodule is elsewhere, and so it can be in a hook, in which git sets `GIT_DIR`.

    Raises:
        AssembleError: git is not installed, or cannot tell, for example because the work tree is damaged.
    """
    own = os.path.join(DISK.resolve(top), ".git")
    if "GIT_DIR" not in os.environ and DISK.is_folder(own) and not DISK.is_link(own):
        return own
    found = git_at(top).run("rev-parse", "--absolute-git-dir", purpose="find its folder")
    return DISK.resolve(os.fsdecode(found.rstrip(b"\n")))


def git_at(top: str) -> Git:
    """Return the git work tree with this top folder."""
    from kei_assembler.files.git_index import Git

    here = ""
    with suppress(FileNotFoundError):  # the working directory was deleted
        here = os.getcwd()
    return Git.of(DISK.resolve(top), is_here=git_top(here) == top)
