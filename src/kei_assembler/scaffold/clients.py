"""Find the clients that people use in a repository, by the files that only these clients have."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.files.walk import walk
from kei_assembler.files.work_tree import git_at, git_top
from kei_assembler.paths import upwards
from kei_assembler.targets import TARGETS
from kei_assembler.targets.presence import signs


def present_clients(folder: str) -> tuple[str, ...]:
    """Return the names of the targets whose clients people use in a folder, in the order of the rows.

    Its clients are those with files of their own in the folder, given by its absolute path, or in one around it, up to
    the top of the git work tree. Files that git ignores do not count, because nobody else has them. Without git, all
    files count.
    """
    real = DISK.resolve(folder)
    top = git_top(real) or real
    paths = {os.path.join(each, sign): name for each in upwards(real, top) for sign, name in signs().items()}
    try:
        found = {*_in_repository(top, paths)}
    except AssembleError:  # git is not installed, or there is no repository
        found = {name for path, name in paths.items() if _has_file(path)}
    return tuple(name for name in TARGETS if name in found)


def _in_repository(top: str, paths: Mapping[str, str]) -> Iterator[str]:
    """Yield the targets that have files in the repository: those that git tracks, or would track if they were added."""
    git = git_at(top)
    tracked = (path for path, entry in git.entries(paths).items() if entry.is_skipped or DISK.exists(path))
    for file in (*tracked, *git.untracked(filter(DISK.exists, paths))):
        yield next(paths[path] for path in upwards(file) if path in paths)


def _has_file(path: str) -> bool:
    if not DISK.is_folder(path):
        return DISK.exists(path)
    with suppress(AssembleError):
        return any(not entry.is_folder for _, entry in walk(DISK, path, lambda *_: True))
    return True  # something in it cannot be read
