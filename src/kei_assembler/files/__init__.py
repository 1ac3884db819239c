"""The file system as the tool reads it: an interface, and its main implementation, the disk.

All code that reads a kit takes a `Files` value, so that a kit does not have to be on the disk: `sparse_checkout` adds
what git's index has, and `git_tree` reads a commit. The disk reports every access to `RECORDER`, from which the run
cache learns what a run depends on.
"""

from __future__ import annotations

import os
from contextlib import suppress

from kei_assembler import TYPE_CHECKING
from kei_assembler.files.folder import Folder, Root
from kei_assembler.files.recorder import RECORDER
from kei_assembler.records import NamedTuple

if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object

_MAX_TRIES = 10


class Entry(NamedTuple):
    """One entry of a folder. A link to a folder is both a link and a folder."""

    name: str
    is_link: bool
    is_folder: bool


class Files(Protocol):
    """Read access to a file system.

    A path is absolute, or relative to the working directory; a kit passes absolute paths only. Paths use the separator
    of the operating system. Methods follow links unless they say otherwise. What a kit names is read through a `Tree`,
    which it cannot leave.

    Three calls are recorded as the lookup of a source: `exists`, `is_folder` if it returns False, and `list` with a
    `source_suffix`. If the run itself writes a file there, the next run can read other sources.
    """

    def read(self, path: str, max_bytes: int, root: Root | None = None) -> bytes:
        """Return the content of a regular file, cut off after `max_bytes` + 1 bytes.

        Without a root, links are followed. With one, no part of the path below it can be a link.

        Raises:
            OSError: the path is not a regular file, cannot be read, or has a part that is a link (ELOOP).
        """

    def list(self, folder: str, source_suffix: str | None = None) -> list[Entry]:
        """Return the entries of a folder in arbitrary order, or an empty list if the folder does not exist.

        If the caller looks for sources, `source_suffix` is the end of their names ("" for any name).

        Raises:
            OSError: the folder cannot be read.
        """

    def resolve(self, path: str) -> str:
        """Return the absolute path with links resolved. A part that does not exist stays as it is.

        Raises:
            AssembleError: the path cannot be resolved.
        """

    def exists(self, path: str) -> bool:
        """Return whether the path exists. A broken link exists."""

    def is_folder(self, path: str) -> bool:
        """Return whether the path is a folder or a link to one."""

    def is_link(self, path: str) -> bool:
        """Return whether the path itself is a link."""


class Disk:
    """The file system of this machine; see `Files`."""

    def read(self, path: str, max_bytes: int, root: Root | None = None) -> bytes:
        """See `Files.read`."""
        RECORDER.record_lookup(path)
        above, _, name = (path if root else os.path.realpath(path)).rpartition(os.sep)
        folder = above or os.sep
        opened = Folder(folder, root or Root(folder))
        try:
            content = opened.read(name, max_bytes)
        finally:
            opened.close()
        RECORDER.record_read(path, content)
        return content

    def list(self, folder: str, source_suffix: str | None = None) -> list[Entry]:
        """See `Files.list`."""
        RECORDER.record_lookup(folder)
        try:
            with os.scandir(folder) as scanned:
                entries = list(scanned)
        except (FileNotFoundError, NotADirectoryError):
            entries = []
        RECORDER.record_listing(folder, entries, source_suffix)
        return [Entry(entry.name, entry.is_symlink(), _is_folder(entry)) for entry in entries]

    def resolve(self, path: str) -> str:
        """See `Files.resolve`."""
        for _ in range(_MAX_TRIES):
            with suppress(OSError):  # somebody replaced a link while it was read
                real = os.path.realpath(path)
                RECORDER.record_resolved(path, real)
                return real
        from kei_assembler.diagnostics import AssembleError  # a cached run does not need it

        raise AssembleError(f"`{path}` cannot be resolved: a link on it changes all the time")

    def exists(self, path: str) -> bool:
        """See `Files.exists`."""
        RECORDER.record_source_lookup(path)
        return os.path.lexists(path)

    def is_folder(self, path: str) -> bool:
        """See `Files.is_folder`."""
        RECORDER.record_lookup(path)
        is_folder = os.path.isdir(path)
        if not is_folder:
            RECORDER.record_source_lookup(path)
        return is_folder

    def is_link(self, path: str) -> bool:
        """See `Files.is_link`."""
        RECORDER.record_lookup(path)
        return os.path.islink(path)


DISK: Files = Disk()
"""The disk of this machine, the default of all functions that read files."""

accesses = RECORDER.all_accesses
"""The recorded accesses of this process, to pass to another process."""

add_accesses = RECORDER.add
"""Adds the accesses that another process recorded for the same run."""

drop_accesses = RECORDER.stop
"""Drops all accesses, because those of another process are not known."""


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a circular link
        return False
