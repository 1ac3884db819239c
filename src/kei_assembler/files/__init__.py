"""The file system as the tool reads it: an interface, and its one implementation, the disk.

Everything that reads a kit goes through a `Files` value, so that a kit can also lie elsewhere than on the disk. The
disk tells the `RECORDER` of every access, by which the run cache knows what a run depends on.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple, Protocol

from kei_assembler.files.recorder import RECORDER
from kei_assembler.files.recorder import Accesses as Accesses

_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


class Entry(NamedTuple):
    """One entry of a folder: its name, whether it is a link itself, and whether it is a folder or leads to one."""

    name: str
    is_link: bool
    is_folder: bool


class Files(Protocol):
    """Read access to a file system.

    A path is absolute, or relative to the working directory; a kit asks with absolute paths only. On the disk, it uses
    the separators of the machine. Links are followed unless a method says otherwise.

    `exists`, and `is_folder` where it returns False, count as looking for a source: a file that the run itself writes
    there may change what the next run reads. So does `list` with a `source_suffix`.
    """

    def read(self, path: str, most: int, follow: bool = True) -> bytes:
        """Return the content of a regular file, or its first `most` + 1 bytes where it is longer.

        Raises OSError if the path is anything else, cannot be read, or is a link and `follow` is False (ELOOP).
        """

    def list(self, folder: str, source_suffix: str | None = None) -> list[Entry]:
        """Return the entries of a folder, in no particular order; none if there is no such folder.

        `source_suffix` is how the names of the sources end that the caller looks for, "" for any name, and None if it
        looks for something else.

        Raises OSError if the folder cannot be read.
        """

    def resolve(self, path: str) -> str:
        """Return the absolute path without links; the part of it that does not exist stays as it is."""

    def exists(self, path: str) -> bool:
        """Tell whether there is anything at a path, even a link that leads nowhere."""

    def is_folder(self, path: str) -> bool:
        """Tell whether a path is a folder or leads to one."""

    def is_link(self, path: str) -> bool:
        """Tell whether a path is itself a link."""


class Disk:
    """The file system of this machine; see `Files`."""

    def read(self, path: str, most: int, follow: bool = True) -> bytes:
        """See `Files.read`."""
        RECORDER.record_lookup(path)
        content = read_regular(path, most, follow)
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
"""The disk: what everything reads from unless it is given something else."""


def accesses() -> Accesses | None:
    """Return what this process has accessed so far, for another process to add; None if that is not recorded."""
    return RECORDER.all_accesses()


def add_accesses(others: Accesses | None) -> None:
    """Add what another process has accessed for the same run; None if it does not know."""
    RECORDER.add(others)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle
        return False


def read_regular(path: str, most: int, follow: bool = True) -> bytes:
    """Return what `Files.read` does, without a word to the recorder: for what a run looks at only while it writes."""
    descriptor = os.open(path, _OPEN_FLAGS if follow else _OPEN_FLAGS | _NO_FOLLOW)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            kind = errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL
            raise OSError(kind, "it is a folder" if kind == errno.EISDIR else "it is no regular file")
        return _read(descriptor, min(status.st_size, most) + 1)
    finally:
        os.close(descriptor)


def _read(descriptor: int, most: int) -> bytes:
    raw = os.read(descriptor, most)
    while 0 < len(raw) < most - 1 and (more := os.read(descriptor, most - len(raw))):  # all but the byte too many
        raw += more
    return raw
