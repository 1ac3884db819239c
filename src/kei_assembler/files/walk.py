"""Walking through a folder in depth, without being led in circles by links."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import Entry, Files
from kei_assembler.paths import is_inside


def walk(
    files: Files,
    folder: str,
    enters: Callable[[str, Entry], bool],
    source_suffix: str | None = None,
    once_per: Callable[[str], Hashable] = lambda _: None,
) -> Iterator[tuple[str, Entry]]:
    """Yield what lies in a folder and below: paths relative to it, with `/`, and their entries.

    Of the inner folders, the walk goes into those that `enters` accepts. It goes only once into what links lead to, and
    never back up to where the link lies; with `once_per`, once for each value that this gives for the links' paths.
    `source_suffix` is as in `Files.list`.

    Raises AssembleError if a folder cannot be read.
    """
    pending = [""]
    seen: set[tuple[str, Hashable]] = set()
    while pending:
        inner = pending.pop()
        here = os.path.join(folder, inner) if inner else folder
        for entry in _entries(files, here, source_suffix):
            path = f"{inner}/{entry.name}" if inner else entry.name
            yield path, entry
            if entry.is_folder and enters(path, entry):
                if entry.is_link:
                    place = files.resolve(os.path.join(folder, path))
                    key = place, once_per(path)
                    if key in seen or is_inside(files.resolve(here), place):
                        continue
                    seen.add(key)
                pending.append(path)


def _entries(files: Files, path: str, source_suffix: str | None) -> list[Entry]:
    try:
        return files.list(path, source_suffix)
    except OSError as error:
        raise AssembleError(f"the folder {path} cannot be read: {error.strerror}") from error
