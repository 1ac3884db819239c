"""Walk through a folder and its subfolders. Circular links do not trap the walk."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import Entry, Files
from kei_assembler.paths import is_inside

MAX_DEPTH = 100
"""The maximum number of folders inside each other. The system looks up every part of a path, so deep paths are slow."""


def walk(
    files: Files,
    folder: str,
    enters: Callable[[str, Entry], bool],
    source_suffix: str | None = None,
    once_per: Callable[[str], Hashable] = lambda _: None,
) -> Iterator[tuple[str, Entry]]:
    """Yield the relative path, with `/`, and the entry of everything in a folder and its subfolders.

    The walk enters the subfolders for which `enters` returns True. It enters the target of links only once, or once per
    value that `once_per` returns for the path of the link, and never if the target contains the link.
    `source_suffix` is as in `Files.list`.

    Raises:
        AssembleError: a folder cannot be read, or there are more than `MAX_DEPTH` folders inside each other.
    """
    pending = [""]
    seen: set[tuple[str, Hashable]] = set()
    while pending:
        inner = pending.pop()
        if inner.count("/") >= MAX_DEPTH:
            raise AssembleError(f"the folder `{folder}` has more than {MAX_DEPTH} folders inside each other")
        here = os.path.join(folder, inner) if inner else folder
        try:
            entries = files.list(here, source_suffix)
        except OSError as error:
            raise AssembleError(f"the folder `{here}` cannot be read: {error.strerror}") from error
        for entry in entries:
            path = f"{inner}/{entry.name}" if inner else entry.name
            yield path, entry
            if entry.is_folder and enters(path, entry):
                if entry.is_link:
                    real = files.resolve(os.path.join(folder, path))
                    key = real, once_per(path)
                    if key in seen or is_inside(files.resolve(here), real):
                        continue
                    seen.add(key)
                pending.append(path)
