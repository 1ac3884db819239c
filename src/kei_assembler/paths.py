"""Paths as text: normalization, display and containment. Nothing here looks at the file system."""

from __future__ import annotations

import os
from collections.abc import Iterator


def normalize(path: str) -> str:
    """Return a path without redundant parts such as `.` and `a/..`, and with `/` as the separator."""
    return os.path.normpath(path).replace(os.sep, "/")


def is_inside(path: str, folder: str) -> bool:
    """Return whether a resolved path is the resolved folder or lies in it."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def is_hidden(path: str) -> bool:
    """Return whether a part of a path, which has `/` as the separator, starts with a dot."""
    return any(part.startswith(".") for part in path.split("/"))


def upwards(path: str, last: str | None = None) -> Iterator[str]:
    """Yield a path, then its parent folders from the nearest up to `last` or the top of the file system."""
    yield path
    while path != last and (folder := os.path.dirname(path)) != path:
        yield folder
        path = folder


def display_path(path: str) -> str:
    """Return the display path: relative to the working directory, with `/`."""
    return display_path_from(os.curdir, path)


def display_path_from(folder: str, path: str) -> str:
    """Return a path relative to a folder, with `/`."""
    try:
        return normalize(os.path.relpath(path, folder))
    except (ValueError, FileNotFoundError):  # another drive on Windows, or a deleted working directory
        return normalize(path)


def path_below(path: str, folder: str) -> str:
    """Return the path relative to a folder that it lies in, with `/`, or "" if it is the folder or lies elsewhere."""
    relative = display_path_from(folder, path)
    return "" if relative == "." or relative.split("/")[0] == ".." or os.path.isabs(relative) else relative


def is_in_git_folder(path: str) -> bool:
    """Return whether a part of a path, which has the system's separator, is a name that git takes for `.git`.

    File systems can ignore case, some characters, and dots and spaces at the end, and know a file by a short name or
    with the name of a stream; see `is_hfs_dotgit` and `is_ntfs_dotgit` in git's path.c.
    """
    folded = path.casefold()
    if folded.isascii() and "git" not in folded:
        return False
    parts = folded.translate(_IGNORED_BY_HFS).split(os.sep)
    return any(part.partition(":")[0].rstrip(" .") in _GIT_FOLDERS for part in parts)


_GIT_FOLDERS = frozenset((".git", "git~1"))
_IGNORED_BY_HFS = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
