"""The home folder of the user, in which outputs can lie, and the places that cannot use it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK, Files
from kei_assembler.paths import is_in_git_folder, upwards

VARIABLE = "USERPROFILE" if os.name == "nt" else "HOME"
"""The variable that names the home folder, as Python's `os.path.expanduser` has it."""

_BARE_REPOSITORY = ("HEAD", "objects", "refs")
"""What git looks for in a folder that may be a repository without a work tree (`is_git_directory` in its setup.c)."""


def home_folder() -> str:
    """Return the resolved path of the user's home folder.

    Raises:
        AssembleError: it is not known, is the top of the file system, or is not a folder.
    """
    real = home_if_known()
    if not real:
        raise AssembleError("the home folder is not known", f"set {VARIABLE} to its absolute path")
    if os.path.dirname(real) == real:
        raise AssembleError(f"the home folder would be `{real}`", f"set {VARIABLE} to a folder of your own")
    if is_in_git_folder(real):
        raise AssembleError(f"the home folder `{real}` is in git's own folder", f"correct {VARIABLE}")
    if not DISK.is_folder(real):
        raise AssembleError(f"the home folder `{real}` does not exist", f"correct {VARIABLE}, or create the folder")
    return real


def home_if_known() -> str:
    """Return the resolved path of the user's home folder, which need not exist, or "" if it is not known."""
    named = os.path.expanduser("~")
    return DISK.resolve(named) if os.path.isabs(named) and "\0" not in named else ""


def lies_in(path: str, folder: str) -> bool:
    """Return whether a resolved path is a folder, or lies in it, by any name: in another case, or by another mount."""
    return any(each == folder or _is_same(each, folder) for each in upwards(path))


def _is_same(path: str, other: str) -> bool:
    with suppress(OSError):
        return os.path.samefile(path, other)
    return False


def repository_around(folders: Iterable[str], files: Files) -> str | None:
    """Return a folder at or above one of these that is a git work tree or looks like a bare repository, or None.

    For each folder, the nearest one counts. A work tree without a `.git`, whose repository is elsewhere, is only known
    if the environment names it.
    """
    named = _named_work_tree()
    real = files.resolve(os.path.abspath(named)) if named else ""
    seen = set[str]()
    for folder in folders:
        if named and lies_in(folder, real):
            return named
        for above in upwards(folder):
            if above in seen:
                break
            seen.add(above)
            if _is_repository(above, files):
                return above
    return None


def _named_work_tree() -> str:
    """The work tree that the environment names: as git has it, the working directory if it only names a repository."""
    with suppress(FileNotFoundError):  # the working directory is deleted
        return os.environ.get("GIT_WORK_TREE", "") or (os.getcwd() if os.environ.get("GIT_DIR") else "")
    return ""


def _is_repository(folder: str, files: Files) -> bool:
    return _has_any(folder, (".git",), files) or all(_has_any(folder, (name,), files) for name in _BARE_REPOSITORY)


def _has_any(folder: str, names: Iterable[str], files: Files) -> bool:
    return any(files.exists(os.path.join(folder, name)) for name in names)
