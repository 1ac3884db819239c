"""Paths as text: normalization, display and containment. Nothing here looks at the file system."""

from __future__ import annotations

import os
from collections.abc import Iterator


def normal(path: str) -> str:
    """Return a relative path without detours, with `/`."""
    return os.path.normpath(path).replace(os.sep, "/")


def is_inside(path: str, folder: str) -> bool:
    """Tell whether a resolved path is the resolved folder or lies in it."""
    return path == folder or path.startswith(os.path.join(folder, ""))


def upwards(path: str, last: str | None = None) -> Iterator[str]:
    """Yield a path, and then the folders above it, the nearest first, up to `last` or the top of the file system."""
    yield path
    while path != last and (folder := os.path.dirname(path)) != path:
        yield folder
        path = folder


def as_seen(path: str) -> str:
    """Return a path as one writes it in the working directory, with `/`."""
    return as_seen_from(os.curdir, path)


def as_seen_from(folder: str, path: str) -> str:
    """Return a path as one writes it in a folder, with `/`."""
    try:
        return normal(os.path.relpath(path, folder))
    except (ValueError, FileNotFoundError):  # on Windows, to another drive; or the working directory is no more
        return normal(path)


def way_down(path: str, folder: str) -> str:
    """Return the way from a folder down to what lies in it, with `/`; empty if the path does not lie in it."""
    way = as_seen_from(folder, path)
    return "" if way == "." or way.split("/")[0] == ".." or os.path.isabs(way) else way
