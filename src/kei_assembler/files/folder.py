"""An open folder: what is done in it stays in it, even if its path leads somewhere else meanwhile.

A folder is opened from a root downwards, one part of its path after another, and no part can be a link. The root has to
be the same folder as at the start of the run. Files in an open folder are named relative to it. Windows cannot do that:
there, the path is resolved again before each access, which leaves a moment in which somebody can replace a folder with
a link.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import closing, suppress

from kei_assembler.paths import is_inside
from kei_assembler.records import NamedTuple

HAS_OPEN_FOLDERS = os.open in os.supports_dir_fd and os.rename in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")

_BINARY = getattr(os, "O_BINARY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_READ = os.O_RDONLY | _BINARY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY | _NO_FOLLOW
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | _NO_FOLLOW


class Root(NamedTuple):
    """A folder that others are opened from: its resolved path, and, if known, its device and inode number."""

    path: str
    identity: tuple[int, int] | None = None

    @classmethod
    def at(cls, path: str) -> Root:
        """Return the root at a resolved path. From now on, only the folder that is there now is opened as this root."""
        if not HAS_OPEN_FOLDERS:  # there, paths begin with a drive
            return cls(path)
        try:
            with closing(Folder(path, cls(os.sep))) as folder:
                return cls(path, folder.identity())
        except OSError as error:
            return cls(path, _NO_IDENTITY if error.errno == errno.ELOOP else None)


_NO_IDENTITY = (-1, -1)
"""Of a root that was replaced with a link before it was opened: no folder has it."""


class Folder:
    """A folder in a root, given by its resolved path. Close it after use.

    With `create`, missing folders are created with these permissions. The methods take names of entries, and never
    follow a link.

    Raises:
        OSError: the folder cannot be opened, or a part of its path below the root is a link or not a folder.
    """

    def __init__(self, path: str, root: Root, create: int = 0) -> None:
        self.path = path
        self._descriptor: int | None = None
        parts: list[str] = []
        if path != root.path:
            if not is_inside(path, root.path):
                raise OSError(errno.EXDEV, "its real path is outside the kit's root")
            parts = [part for part in path[len(root.path) :].split(os.sep) if part]
        if HAS_OPEN_FOLDERS:
            self._descriptor = _opened(root, parts, create)
        else:
            if create:
                os.makedirs(path, create, exist_ok=True)
            self._check()

    def close(self) -> None:
        """Close the folder."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def identity(self) -> tuple[int, int] | None:
        """Return the device and inode number, or None on a system that has no open folders."""
        return None if self._descriptor is None else _identity(self._descriptor)

    def _check(self) -> None:
        if os.path.realpath(self.path) != self.path:
            raise _replaced()

    def _at(self, name: str) -> str:
        """The name relative to the open folder, or the path on a system that has no open folders."""
        if self._descriptor is not None:
            return name
        self._check()
        return os.path.join(self.path, name)

    def names(self) -> list[str]:
        """Return the names of the entries.

        Raises:
            OSError: the folder cannot be read.
        """
        if self._descriptor is None:
            return os.listdir(self.path)
        descriptor = os.open(os.curdir, os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._descriptor)
        try:
            return os.listdir(descriptor)
        finally:
            os.close(descriptor)

    def read(self, name: str, max_bytes: int) -> bytes:
        """Return the content of a regular file, cut off after `max_bytes` + 1 bytes.

        Raises:
            OSError: the entry is a link (ELOOP), is not a regular file, or cannot be read.
        """
        descriptor, status = self.open(name)
        try:
            size = min(status.st_size, max_bytes) + 1  # one more, to notice a file that is too large
            raw = os.read(descriptor, size)
            while 0 < len(raw) < size - 1 and (more := os.read(descriptor, size - len(raw))):
                raw += more
            return raw
        finally:
            os.close(descriptor)

    def open(self, name: str) -> tuple[int, os.stat_result]:
        """Open a regular file for reading, and return its descriptor and its `fstat` result.

        Raises:
            OSError: the entry is a link (ELOOP), is not a regular file, or cannot be read.
        """
        _refuse_irregular(self.status(name))  # before opening: that alone can have an effect on a device
        descriptor = os.open(self._at(name), _READ, dir_fd=self._descriptor)
        try:
            status = os.fstat(descriptor)
            _refuse_irregular(status)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor, status

    def status(self, name: str) -> os.stat_result:
        """Return the `lstat` result of an entry.

        Raises:
            OSError: there is no such entry.
        """
        return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)

    def exists(self, name: str) -> bool:
        """Return whether there is an entry of this name. A broken link exists."""
        try:
            self.status(name)
        except FileNotFoundError:
            return False
        return True

    def create(self, name: str, permissions: int = 0o666) -> int:
        """Create a file, and return its descriptor, open for reading and writing.

        Raises:
            OSError: the entry exists, or cannot be created.
        """
        return os.open(self._at(name), _NEW, permissions, dir_fd=self._descriptor)

    def link(self, name: str, new: str) -> None:
        """Give a file a second name.

        Raises:
            OSError: the new name exists, or the file system has no hard links.
        """
        folder = self._descriptor
        if folder is None:
            os.link(self._at(name), self._at(new))
        else:
            os.link(name, new, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)

    def replace(self, name: str, new: str) -> None:
        """Rename an entry. An existing entry of the new name is replaced.

        Raises:
            OSError: the entry cannot be renamed.
        """
        os.replace(self._at(name), self._at(new), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def exchange(self, name: str, other: str) -> None:
        """Swap two entries at once, with `renameat2` of Linux or `renameatx_np` of macOS.

        Raises:
            OSError: an entry does not exist, or the system or the file system cannot do that.
        """
        from ctypes import CDLL, get_errno  # only a run that updates a file needs it

        library = CDLL(None, use_errno=True)
        function = getattr(library, "renameat2", None) or getattr(library, "renameatx_np", None)
        if function is None or self._descriptor is None:
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
        folder, swap = self._descriptor, 2
        if function(folder, os.fsencode(name), folder, os.fsencode(other), swap):
            raise OSError(get_errno(), os.strerror(get_errno()))

    def delete(self, name: str) -> None:
        """Delete a file.

        Raises:
            OSError: there is no such file, or it cannot be deleted.
        """
        os.unlink(self._at(name), dir_fd=self._descriptor)

    def remove_folder(self, name: str) -> None:
        """Remove an empty folder.

        Raises:
            OSError: there is no such folder, or it is not empty.
        """
        os.rmdir(self._at(name), dir_fd=self._descriptor)


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _opened(root: Root, parts: list[str], create: int) -> int:
    """Open a folder, given by the parts of its path below the root, and return its descriptor."""
    try:
        descriptor = os.open(root.path, _FOLDER)
    except FileNotFoundError:
        if not create or root.identity:
            raise
        return _opened(Root(os.sep), [*root.path.split(os.sep)[1:], *parts], create)
    if root.identity and _identity(descriptor) != root.identity:
        os.close(descriptor)
        raise OSError(errno.ELOOP, "somebody has replaced the root, or a folder above it")
    for part in parts:
        try:
            inner = _open_part(descriptor, part, create)
        except OSError as error:
            if stat.S_ISLNK(os.stat(part, dir_fd=descriptor, follow_symlinks=False).st_mode):
                raise _replaced() from error
            raise
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def _open_part(descriptor: int, part: str, create: int) -> int:
    try:
        return os.open(part, _FOLDER, dir_fd=descriptor)
    except FileNotFoundError:
        if not create:
            raise
    with suppress(FileExistsError):  # another process can create the same folder
        os.mkdir(part, create, dir_fd=descriptor)
    return os.open(part, _FOLDER, dir_fd=descriptor)


def _refuse_irregular(status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISLNK(status.st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, "it is a folder")
    raise OSError(errno.EINVAL, "it is not a regular file")


def _replaced() -> OSError:
    return OSError(errno.ELOOP, "somebody has replaced one of its folders with a link")
