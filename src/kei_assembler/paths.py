"""Paths as text: normalization, display and containment. Nothing here looks at the file system."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import takewhile


def normalize(path: str) -> str:
    """Return a path without redundant parts such as `.` and `a/..`, and with `/` as the separator."""
    return os.path.normpath(path).replace(os.sep, "/")


def is_inside(path: str, folder: str) -> bool:
    """Return whether a resolved path is the resolved folder or lies in it."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def common_folder(folders: Sequence[str]) -> str:
    """Return the nearest folder around normalized relative folders, with `/`. It can be one of them."""
    ways = [folder.split("/") for folder in folders if folder != "."]
    if not ways or len(ways) < len(folders):
        return "."
    shared = takewhile(lambda parts: len({*parts}) == 1, zip(*ways, strict=False))
    return "/".join(parts[0] for parts in shared) or "."


def is_outside(path: str) -> bool:
    """Return whether a normalized path, with `/`, leads out of the folder that paths are relative to."""
    return f"{path}/".startswith("../") or os.path.isabs(path)


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


def matches_glob(path: str, pattern: str) -> bool:
    """Return whether a path, or a folder that it lies in, matches a pattern. Both have `/` as the separator.

    `*`, `?` and `[…]` match within a name, and `**` stands for any number of folders. A pattern that is a single name
    matches at any depth, unless it starts with `/`.
    """
    from fnmatch import fnmatchcase  # most runs do not need it

    parts = pattern.removeprefix("./").strip("/").split("/")
    if "/" not in pattern.rstrip("/"):
        parts.insert(0, "**")
    if parts[-1] == "**":  # what lies in a folder, but not the folder itself
        parts.append("*")
    matched = {0}  # the numbers of parts that can be matched so far
    for name in path.split("/"):
        for count, part in enumerate(parts):
            if count in matched and part == "**":
                matched.add(count + 1)
        stays = {count for count in matched if parts[count] == "**"}
        matched = stays | {count + 1 for count in matched - stays if fnmatchcase(name, parts[count])}
        if len(parts) in matched:
            return True
    return False


def is_in_git_folder(path: str) -> bool:
    """Return whether a part of a path, which has the system's separator, is a name that git takes for `.git`.

    Some file systems also know a file by a short name; see `is_hfs_dotgit` and `is_ntfs_dotgit` in git's path.c.
    """
    plain = path.casefold()
    if plain.isascii() and "git" not in plain:
        return False
    return not _GIT_FOLDERS.isdisjoint(folded(path).split(os.sep))


def folded(path: str) -> str:
    """Return a path, which has the system's separator, in a form that is the same for all spellings of a name.

    File systems can ignore case, the composition of characters, and some of these. Windows also ignores dots and spaces
    at the end of a name, and knows a file by the name of a stream.
    """
    plain = path.casefold()
    if not plain.isascii():
        from unicodedata import normalize as composed  # most paths do not need it

        plain = composed("NFC", plain.translate(_IGNORED_BY_HFS))
    return os.sep.join(part.partition(":")[0].rstrip(" .") or part for part in plain.split(os.sep))


_GIT_FOLDERS = frozenset((".git", "git~1"))
_IGNORED_BY_HFS = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
