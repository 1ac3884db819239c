"""A sparse checkout: git has left files out of the work tree, and they count as if they were there.

In git's index, their entries have the skip-worktree flag. Such a file is as the index has it, unless it is on disk.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK, Entry, Files
from kei_assembler.files.folder import Root
from kei_assembler.files.recorder import RECORDER
from kei_assembler.files.signatures import is_sparse, may_skip_entries
from kei_assembler.files.work_tree import git_at, git_top
from kei_assembler.paths import is_inside, upwards

if TYPE_CHECKING:  # git is needed only for a sparse checkout
    from kei_assembler.files.git_index import Entry as IndexEntry
    from kei_assembler.files.git_index import Git

_MAX_LINKS = 40
_BATCH = 64


def files_at(folder: str) -> Files:
    """Return the disk, completed by git's index if the folder is in a work tree that can be a sparse checkout."""
    top = git_top(os.path.abspath(folder))
    if top is None or not may_skip_entries(os.path.join(top, ".git")):
        return DISK
    return SparseCheckout(git_at(top))


def is_left_out(files: Files, path: str) -> bool:
    """Return whether an absolute path is only in git's index."""
    files = _unedited(files)
    return isinstance(files, SparseCheckout) and files.leaves_out(path)


def _unedited(files: Files) -> Files:
    if files is DISK:
        return files
    from kei_assembler.files.overlay import Overlay  # rarely needed

    return files.files if isinstance(files, Overlay) else files


def lacking(files: Files, paths: Callable[[], Iterable[str]]) -> frozenset[str]:
    """Return those of some absolute paths that are only in git's index, without content: in a partial clone.

    The function `paths` is called only in a sparse checkout.
    """
    files = _unedited(files)
    return files.lacking(paths()) if isinstance(files, SparseCheckout) else frozenset()


class LackingError(OSError):
    """A file is only in git's index, and the partial clone does not have its content, whose id is `blob`."""

    def __init__(self, blob: str) -> None:
        super().__init__(errno.ENODATA, "it is outside the sparse checkout, and this partial clone lacks its content")
        self.blob = blob

    def is_content(self, content: bytes) -> bool:
        """Return whether the file has this content."""
        from kei_assembler.files.git_index import is_id_of

        return is_id_of(self.blob, content)


class SparseCheckout:
    """The disk, and what git's index has in addition; see `Files`.

    All methods raise AssembleError if git cannot read the index of a sparse checkout.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._is_certain = is_sparse(os.path.join(git.top, ".git"))
        self._asked: set[str] = set()
        self._folders: dict[str, dict[str, IndexEntry | None]] = {}
        """The names in each folder, with their entries, or None for a folder."""
        self._contents: dict[str, bytes] = {}
        if self._is_certain:  # the next run can depend on the index, whatever is on disk
            RECORDER.stop()

    def read(self, path: str, max_bytes: int, root: Root | None = None) -> bytes:
        """See `Files.read`."""
        try:
            return DISK.read(path, max_bytes, root)
        except FileNotFoundError:
            real = path if root else self.resolve(path)
            if real != path and os.path.lexists(real):
                return DISK.read(real, max_bytes)
            entry = self._entry(real)
            if entry is None:
                raise
        if entry.is_link:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return self._content(real, entry, max_bytes)

    def list(self, folder: str, source_suffix: str | None = None) -> list[Entry]:
        """See `Files.list`."""
        real = self.resolve(folder)
        entries = {entry.name: entry for entry in DISK.list(folder if os.path.lexists(folder) else real, source_suffix)}
        for name, entry in self._names(real).items():
            entries.setdefault(name, Entry(name, entry is not None and entry.is_link, entry is None))
        # A link, on disk or not, can lead to a folder that is not on disk.
        unclear = [name for name, entry in entries.items() if entry.is_link and not entry.is_folder]
        for name in unclear:
            entries[name] = Entry(name, True, self.is_folder(os.path.join(real, name)))
        return list(entries.values())

    def resolve(self, path: str) -> str:
        """See `Files.resolve`."""
        real = DISK.resolve(path)
        for _ in range(_MAX_LINKS):
            if os.path.lexists(real) or not is_inside(real, self._git.top):
                break
            entries = ((above, self._entry(above)) for above in upwards(real, self._git.top))
            links = [(above, entry) for above, entry in entries if entry and entry.is_link]
            if not links:
                break
            link, entry = links[-1]  # the one nearest to the top
            target = os.fsdecode(self._content(link, entry))
            real = DISK.resolve(os.path.join(os.path.dirname(link), target) + real.removeprefix(link))
        return real

    def exists(self, path: str) -> bool:
        """See `Files.exists`."""
        return DISK.exists(path) or os.path.lexists(real := self._located(path)) or self._is_known(real)

    def is_folder(self, path: str) -> bool:
        """See `Files.is_folder`."""
        return DISK.is_folder(path) or os.path.isdir(real := self.resolve(path)) or bool(self._names(real))

    def is_link(self, path: str) -> bool:
        """See `Files.is_link`."""
        return DISK.is_link(path) or os.path.islink(real := self._located(path)) or self._is_link(real)

    def leaves_out(self, path: str) -> bool:
        """Return whether a path is only in the index."""
        return not os.path.lexists(path) and self._is_known(self._located(path))

    def lacking(self, paths: Iterable[str]) -> frozenset[str]:
        """Return the paths whose content only a partial clone's remote has."""
        entries = {path: self._entry(self.resolve(path)) for path in paths if self.leaves_out(path)}
        blobs = self._git.lacking(entry.blob for entry in entries.values() if entry)
        return frozenset(path for path, entry in entries.items() if entry and entry.blob in blobs)

    def _located(self, path: str) -> str:
        """The path with the links to its folder resolved."""
        folder, name = os.path.split(path)
        return os.path.join(self.resolve(folder), name)

    def _entry(self, real: str) -> IndexEntry | None:
        folder, name = os.path.split(real)
        self._load(real if folder == self._git.top else folder)
        return self._folders.get(folder, {}).get(name)

    def _names(self, real: str) -> dict[str, IndexEntry | None]:
        self._load(real)
        return self._folders.get(real, {})

    def _is_known(self, real: str) -> bool:
        return self._entry(real) is not None or bool(self._names(real))

    def _is_link(self, real: str) -> bool:
        entry = None if os.path.lexists(real) else self._entry(real)
        return entry is not None and entry.is_link

    def _load(self, real: str) -> None:
        """Load what the index has at and below a path."""
        if not is_inside(real, self._git.top) or any(above in self._asked for above in upwards(real, self._git.top)):
            return
        self._asked.add(real)
        try:
            entries = self._git.entries([real])
        except AssembleError:
            if self._is_certain:
                raise
            return  # most likely, no entry has the flag
        for path, entry in entries.items():
            if entry.is_skipped and not entry.is_submodule:
                RECORDER.stop()
                self._add(path, entry)

    def _add(self, path: str, entry: IndexEntry | None) -> None:
        while path != self._git.top:
            folder, name = os.path.split(path)
            if name in (names := self._folders.setdefault(folder, {})):
                return
            names[name] = entry
            path, entry = folder, None

    def _content(self, real: str, entry: IndexEntry, max_bytes: int = 4096) -> bytes:
        """The content of an entry. Many files are read in a row, so read those next to it at the same time."""
        if entry.blob not in self._contents:
            suffix = os.path.splitext(real)[1]
            beside = self._folders[os.path.dirname(real)].items()
            wanted = [other.blob for name, other in beside if other and name.endswith(suffix)]
            start = wanted.index(entry.blob)
            try:
                self._contents = self._git.blobs(wanted[start : start + _BATCH], max_bytes)
            except AssembleError:  # the partial clone lacks one of them
                with suppress(AssembleError):
                    self._contents = self._git.blobs([entry.blob], max_bytes)
        if entry.blob in self._contents:
            return self._contents[entry.blob]
        if self._git.lacking([entry.blob]):
            raise LackingError(entry.blob)
        raise OSError(errno.EFBIG, f"the file is larger than {max_bytes:,} bytes")
