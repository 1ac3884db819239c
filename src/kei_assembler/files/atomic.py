"""Write files atomically: at any moment a path holds the whole old content or the whole new content.

New content goes to a temporary file in the same folder. A new file is then linked into place, which fails if somebody
else has created it meanwhile. An existing file is swapped with the temporary one, and swapped back if it turns out that
somebody else has changed it. A system or a file system that cannot do that has a moment in which such a change is lost.

A killed run leaves its temporary file. The next run removes it if nobody holds a lock on it and it is certainly one of
ours: its name contains its inode number, which no file has that somebody wrote, copied or checked out. The name also
contains the number of the file that is swapped with it.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kei_assembler import TYPE_CHECKING, lazy_re
from kei_assembler.files.folder import HAS_OPEN_FOLDERS, Folder

if TYPE_CHECKING:
    from typing import BinaryIO

_TEMPORARY = lazy_re.compile(r"\.assemble-[0-9a-f]{16}(?P<inodes>(?:-[0-9]{1,20}){0,2})\.tmp")

MAX_WAITS = 1000
"""How often a run looks whether a lock is free: for ten seconds."""

_WAIT = 0.01


def create(folder: Folder, name: str, content: bytes) -> bool:
    """Write a file in a folder unless the name exists. Return whether the file was written.

    Raises:
        OSError: the file cannot be written.
    """
    if folder.exists(name):
        return False
    with new_file(folder) as (temporary, file):
        _finish(file, content)
        try:
            folder.link(temporary, name)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            if folder.exists(name):
                return False
            folder.replace(temporary, name)
    return True


def replace(folder: Folder, name: str, before: bytes | None, after: bytes | None) -> bool:
    """Replace the content `before` of a file in a folder with `after`; None stands for no file.

    Return whether the name has the content `after` now. If it had neither content, it stays as it is. An existing file
    keeps its permissions.

    Raises:
        OSError: the file cannot be read or written.
    """
    if after is None:
        return _delete(folder, name, before)
    if create(folder, name, after) if before is None else _overwrite(folder, name, before, after):
        return True
    with suppress(OSError):
        return _has_content(folder, name, after)
    return False


def _overwrite(folder: Folder, name: str, before: bytes, after: bytes) -> bool:
    try:
        status = folder.status(name)
    except FileNotFoundError:
        return False
    with new_file(folder, replaced=status.st_ino) as (temporary, file):
        if HAS_OPEN_FOLDERS:
            os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode))
        _finish(file, after)
        return _has_content(folder, name, before) and _swap(folder, temporary, name, before)


def _swap(folder: Folder, temporary: str, name: str, before: bytes) -> bool:
    """Put a temporary file in the place of a file with the content `before`. Return whether it had that content."""
    try:
        folder.exchange(temporary, name)
    except OSError:
        folder.replace(temporary, name)
        return True
    if _has_content(folder, temporary, before):
        return True
    try:
        folder.exchange(temporary, name)
    except FileNotFoundError:  # another run has removed it as a stale file, so it was the one to be replaced
        return True
    return False


def _delete(folder: Folder, name: str, before: bytes | None) -> bool:
    if before is None or not _has_content(folder, name, before):
        return not folder.exists(name)
    folder.delete(name)
    return True


def _has_content(folder: Folder, name: str, content: bytes) -> bool:
    try:
        return folder.read(name, len(content)) == content
    except FileNotFoundError:
        return False


def _finish(file: BinaryIO, content: bytes) -> None:
    """Write the content of a temporary file, before it is renamed."""
    file.write(content)
    if HAS_OPEN_FOLDERS:
        file.flush()
    else:
        file.close()  # Windows does not rename an open file


@contextmanager
def new_file(folder: Folder, permissions: int = 0o666, replaced: int | None = None) -> Iterator[tuple[str, BinaryIO]]:
    """Yield the name of a new temporary file in a folder, and the file, open for writing.

    On exit, the file is closed, and what then has its name is removed. `replaced` is the inode number of the file that
    will be swapped with it, if any.

    Raises:
        OSError: the file cannot be created.
    """
    names: list[str] = []  # a signal can end the run anywhere, so a name is noted before its file exists
    try:
        with open(_locked_file(folder, permissions, names), "wb") as file:
            if HAS_OPEN_FOLDERS:
                name = names[-1]
                inodes = (os.fstat(file.fileno()).st_ino, replaced)
                names.append("-".join([name.removesuffix(".tmp"), *map(str, filter(None, inodes))]) + ".tmp")
                folder.replace(name, names[-1])
                names.remove(name)
            yield names[-1], file
    finally:
        for name in names:
            with suppress(FileNotFoundError):
                folder.delete(name)


def _locked_file(folder: Folder, permissions: int, names: list[str]) -> int:
    """Create a temporary file, add its name to the names, and return its descriptor."""
    while True:
        name = f".assemble-{os.urandom(8).hex()}.tmp"
        names.append(name)
        try:
            descriptor = folder.create(name, permissions)
        except FileExistsError:
            names.remove(name)
            raise
        is_locked = True
        with suppress(OSError):  # without locks, no run removes the files of others
            is_locked = _lock(descriptor)
        if is_locked and os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # another run has just removed it, before it was locked
        names.remove(name)


def _lock(descriptor: int) -> bool:
    """Lock a file until it is closed, unless somebody else has locked it. Return whether it is locked by this call.

    Raises:
        OSError: the system or the file system has no locks.
    """
    try:
        from fcntl import LOCK_EX, LOCK_NB, flock
    except ImportError:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP)) from None
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(folder: Folder, name: str) -> Iterator[None]:
    """Hold the lock of a file in a folder, which is created if it does not exist, and stays.

    Where there are no locks, nothing is held.

    Raises:
        OSError: the file cannot be opened, or somebody else holds the lock for seconds.
    """
    try:
        descriptor = folder.create(name, 0o666)
    except FileExistsError:
        descriptor, _ = folder.open(name)
    try:
        waits = 0
        with suppress(OSError):
            while not _lock(descriptor) and waits < MAX_WAITS:
                waits += 1
                time.sleep(_WAIT)
        if waits == MAX_WAITS:
            raise OSError(errno.EBUSY, "another program is changing it")
        yield
    finally:
        os.close(descriptor)


def is_temporary(path: str) -> bool:
    """Return whether a file has the name of a temporary file of this module."""
    return _TEMPORARY.fullmatch(os.path.basename(path)) is not None


def remove_stale_temp_files(folder: Folder) -> None:
    """Remove the temporary files of processes that have ended from a folder."""
    with suppress(OSError):
        for name in folder.names():
            if match := _TEMPORARY.fullmatch(name):
                with suppress(OSError):
                    _remove_if_stale(folder, name, match["inodes"].split("-")[1:])


def _remove_if_stale(folder: Folder, name: str, inodes: list[str]) -> None:
    descriptor, status = folder.open(name)
    try:
        is_ours = str(status.st_ino) in inodes if inodes else not status.st_size
        if is_ours and _lock(descriptor):
            folder.delete(name)
    finally:
        os.close(descriptor)
