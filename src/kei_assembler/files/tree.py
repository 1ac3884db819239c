"""A tree: a folder and everything below it. A kit reads and writes through its tree, which it cannot leave."""

from __future__ import annotations

import errno
import os
from contextlib import closing, suppress
from functools import cache

from kei_assembler.files import DISK, Files, atomic
from kei_assembler.files.folder import Folder, Root
from kei_assembler.files.recorder import RECORDER
from kei_assembler.paths import is_in_git_folder, is_inside


class Tree:
    """A folder and everything below it. All paths are absolute.

    A path is resolved once, and the resolved path is then opened without following links, so that a link that somebody
    puts into the path meanwhile leads nowhere. Links that stay in the tree work. A path that leads out of the tree or
    into a folder `.git` is refused. `name` is what messages call the folder.
    """

    def __init__(self, folder: str, files: Files = DISK, name: str = "the kit's root") -> None:
        self.files = files
        self._name = name
        self.folder = files.resolve(folder)
        self._root = Root.at(self.folder)
        self._real_folder = cache(files.resolve)
        self._opened_folder = cache(self._find_opened_folder)
        self.holds_folder = cache(lambda folder: not self.refusal(self._real_folder(folder)))
        """`holds` for folders, cached: many files lie in the same folder."""

    def holds(self, path: str) -> bool:
        """Return whether a path stays in the tree after links are resolved, and outside of git's folders."""
        return not self.refusal(self.files.resolve(path))

    def refusal(self, real: str) -> str:
        """Return why a resolved path is refused, as the end of a sentence about it, or "" if it is not refused."""
        if not is_inside(real, self.folder):
            return f"is outside {self._name}"
        return "is in git's own folder" if is_in_git_folder(real) else ""

    def real(self, path: str) -> str:
        """Return the resolved path. The path need not exist, and is not checked."""
        folder, name = os.path.split(path)
        return self.files.resolve(path) if self.files.is_link(path) else os.path.join(self._real_folder(folder), name)

    def _checked(self, path: str) -> str:
        real = self.real(path)
        if reason := self.refusal(real):
            raise OSError(errno.EXDEV, f"its real path {reason}")
        return real

    def read(self, path: str, max_bytes: int) -> bytes:
        """Return the content of a regular file, cut off after `max_bytes` + 1 bytes.

        Raises:
            OSError: the path leads out of the tree, is not a regular file, or cannot be read.
        """
        folder, name = os.path.split(path)
        opened_before = self._opened_folder(folder)
        if opened_before and not is_in_git_folder(name):
            try:
                return self.files.read(opened_before.path + os.sep + name, max_bytes, opened_before)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
        return self.files.read(self._checked(path), max_bytes, self._root)

    def _find_opened_folder(self, folder: str) -> Root | None:
        """A folder, as a root of its own so that it is opened at once later, or None if that is not possible."""
        real = self._real_folder(folder)
        if not self.refusal(real):
            with suppress(OSError), closing(Folder(real, self._root)) as opened:
                identity = opened.identity()
                return Root(real, identity) if identity else None
        return None

    def create(self, path: str, content: bytes) -> bool:
        """Write a file unless its path exists. Return whether the file was written.

        Raises:
            OSError: the path leads out of the tree, or the file cannot be written.
        """
        real = self._checked(path)
        if self.files.exists(path):
            return False
        with closing(self._folder(real, create=True)) as folder:
            return atomic.create(folder, os.path.basename(real), content)

    def replace(self, path: str, before: bytes | None, after: bytes | None) -> bool:
        """Replace the content `before` of a file with `after`; None stands for no file.

        Return whether the path has the content `after` now. If it had neither content, it stays as it is. An existing
        file keeps its permissions.

        Raises:
            OSError: the path leads out of the tree, or the file cannot be read or written.
        """
        real = self._checked(path)
        with closing(self._folder(real, create=after is not None)) as folder:
            is_done = atomic.replace(folder, os.path.basename(real), before, after)
        if is_done and after is not None:
            RECORDER.record_written(real, after)
        return is_done

    def remove_stale_temp_files(self, folder: str) -> None:
        """Remove the temporary files of killed runs from a folder, unless it leads out of the tree."""
        if self.holds_folder(folder):
            with suppress(OSError), closing(Folder(self._real_folder(folder), self._root)) as opened:
                atomic.remove_stale_temp_files(opened)

    def remove_empty_folder(self, path: str) -> None:
        """Remove a folder if it is empty, and not the tree itself or outside of it."""
        real = self._real_folder(path)
        if real != self.folder and not self.refusal(real):
            with suppress(OSError), closing(self._folder(real, create=False)) as above:
                above.remove_folder(os.path.basename(real))

    def _folder(self, real: str, create: bool) -> Folder:
        return Folder(os.path.dirname(real), self._root, 0o777 if create else 0)
