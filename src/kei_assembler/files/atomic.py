"""Write files atomically: at any moment a path holds the whole old content or the whole new content.

New content goes to a temporary file in the same folder, which is then renamed.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from kei_assembler.files import read_regular
from kei_assembler.files.recorder import RECORDER

_TEMPORARY = re.compile(r"\.assemble-(?P<process>[0-9]+)-.*")
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def create(path: str, content: bytes) -> bool:
    """Write a file unless its path exists. Return whether the file was written.

    Raises:
        OSError: the file cannot be written.
    """
    if os.path.lexists(path):
        return False
    with new_file(path) as file:
        file.write(content)
        file.close()
        try:
            os.link(file.name, path)  # unlike a rename, it fails if another process has created the path meanwhile
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            if os.path.lexists(path):
                return False
            os.rename(file.name, path)
        return True


def replace(path: str, before: bytes | None, after: bytes | None, real: str = "") -> bool:
    """Replace the content `before` of a file with `after`; None stands for no file.

    Return whether the path has the content `after` now. If it had neither content, it stays as it is. An existing file
    keeps its permissions. `real` is the resolved path, if the caller has checked where links lead.

    Raises:
        OSError: the file cannot be read or written.
    """
    real = real or os.path.realpath(path)
    if after is None:
        return _delete(real, before)
    is_done = _replace(real, before, after)
    if is_done:
        RECORDER.record_written(path, after)
    return is_done


def is_temporary(path: str) -> bool:
    """Return whether a file is a temporary file of this module, in use or left by a killed run."""
    return _TEMPORARY.fullmatch(os.path.basename(path)) is not None


def remove_stale_temp_files(folder: str) -> None:
    """Remove temporary files from a folder if the processes that made them have ended."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        match = _TEMPORARY.fullmatch(name)
        if match and not _is_alive(int(match["process"])):
            with suppress(OSError):
                os.unlink(os.path.join(folder, name))


@contextmanager
def new_file(path: str, permissions: int = 0o666) -> Iterator[BinaryIO]:
    """Yield a new temporary file in the folder of a path, open for writing. Create the folder if necessary.

    On exit, the file is removed unless it was renamed. Opening fails if the name exists, so nobody can plant a link.

    Raises:
        OSError: the file cannot be created.
    """
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".assemble-{os.getpid()}-{os.urandom(4).hex()}-{name}")
    try:
        with _opened(temporary, permissions) as file:
            yield file
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def _opened(path: str, permissions: int) -> BinaryIO:
    def opener(path: str, flags: int) -> int:
        return os.open(path, flags | _NO_FOLLOW, permissions)

    try:
        return open(path, "xb", opener=opener)
    except FileNotFoundError:
        # who may read the file may also enter the folder: copy the read bits to the execute bits
        os.makedirs(os.path.dirname(path), permissions | (permissions & 0o444) >> 2, exist_ok=True)
    return open(path, "xb", opener=opener)


def _delete(path: str, before: bytes | None) -> bool:
    if before is None or not _has_content(path, before):
        return not os.path.lexists(path)
    os.unlink(path)
    return True


def _replace(path: str, before: bytes | None, after: bytes) -> bool:
    with new_file(path) as file:
        file.write(after)
        file.close()
        if before is not None:
            with suppress(FileNotFoundError):
                os.chmod(file.name, stat.S_IMODE(os.stat(path).st_mode))
        if _has_content(path, before):
            os.replace(file.name, path)
            return True
    with suppress(OSError):
        return _has_content(path, after)
    return False


def _has_content(path: str, content: bytes | None) -> bool:
    """Return whether a file has the content, or, for None, whether the path does not exist."""
    if content is None:
        return not os.path.lexists(path)
    try:
        return read_regular(path, len(content)) == content
    except FileNotFoundError:
        return False


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":
        return True  # on Windows, os.kill with any signal ends the process
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # the process belongs to another user, or the number is not one
        pass
    return True
