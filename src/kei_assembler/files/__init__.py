"""The file system as the tool reads it: an interface, and its one implementation, the disk.

All code that reads a kit takes a `Files` value, so that a kit does not have to be on the disk. The disk reports every
access to `RECORDER`, from which the run cache learns what a run depends on.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple, Protocol

from kei_assembler.files.recorder import RECORDER

_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


class Entry(NamedTuple):
    """One entry of a folder. A link to a folder is both a link and a folder."""

    name: str
    is_link: bool
    is_folder: bool


class Files(Protocol):
    """Read access to a file system.

    A path is absolute, or relative to the working directory; a kit passes absolute paths only. Paths use the separator
    of the operating system. Methods follow links unless they say otherwise.

    Three calls are recorded as the lookup of a source: `exists`, `is_folder` if it returns False, and `list` with a
    `source_suffix`. If the run itself writes a file there, the next run can read other sources.
    """

    def read(self, path: str, max_bytes: int, follow: bool = True) -> bytes:
        """Return the content of a regular file, cut off after `max_bytes` + 1 bytes.

        Raises:
            OSError: the path is not a regular file, cannot be read, or is a link and `follow` is False (ELOOP).
        """

    def list(self, folder: str, source_suffix: str | None = None) -> list[Entry]:
        """Return the entries of a folder in arbitrary order, or an empty list if the folder does not exist.

        If the caller looks for sources, `source_suffix` is the end of their names ("" for any name).

        Raises:
            OSError: the folder cannot be read.
        """

    def resolve(self, path: str) -> str:
        """Return the absolute path with links resolved. A part that does not exist stays as it is."""

    def exists(self, path: str) -> bool:
        """Return whether the path exists. A broken link exists."""

    def is_folder(self, path: str) -> bool:
        """Return whether the path is a folder or a link to one."""

    def is_link(self, path: str) -> bool:
        """Return whether the path itself is a link."""


class Disk:
    """The file system of this machine; see `Files`."""

    def read(self, path: str, max_bytes: int, follow: bool = True) -> bytes:
        """See `Files.read`."""
        RECORDER.record_lookup(path)
        content = read_regular(path, max_bytes, follow)
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
        real = os.path.realpath(path)
        RECORDER.record_resolved(path, real)
        return real

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


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a circular link
        return False


def read_regular(path: str, max_bytes: int, follow: bool = True) -> bytes:
    """Read a file as `Files.read` does, but without recording it: for checks that belong to writing.

    Raises:
        OSError: as for `Files.read`.
    """
    descriptor = os.open(path, _OPEN_FLAGS if follow else _OPEN_FLAGS | _NO_FOLLOW)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            if stat.S_ISDIR(status.st_mode):
                raise OSError(errno.EISDIR, "it is a folder")
            raise OSError(errno.EINVAL, "it is not a regular file")
        size = min(status.st_size, max_bytes) + 1  # one byte more, to notice a file that is too large
        raw = os.read(descriptor, size)
        while 0 < len(raw) < size - 1 and (more := os.read(descriptor, size - len(raw))):
            raw += more
        return raw
    finally:
        os.close(descriptor)
