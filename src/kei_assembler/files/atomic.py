"""Writing whole files: at any moment a file is there as it was or as it is to be, never half.

A new file is written beside its place under a name of its own, and then put there in one step.
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
    """Write a file if there is nothing at its path; return whether there was nothing.

    Raises OSError if it cannot be written.
    """
    if os.path.lexists(path):
        return False
    with new_file(path) as file:
        file.write(content)
        file.close()
        return _link(file.name, path)


def replace(path: str, before: bytes | None, after: bytes | None, real: str = "") -> bool:
    """Put the content `after` in the place of `before`; None stands for no file. Return whether that is so now.

    It is not if somebody else has put anything but `before` or `after` there. A file that stays keeps its permissions.
    `real` is the resolved path, for a caller that has made sure of where it leads.

    Raises OSError if the file cannot be read or written.
    """
    place = real or os.path.realpath(path)
    if after is None:
        return _delete(place, before)
    is_done = _replace(place, before, after)
    if is_done:
        RECORDER.record_written(path, after)
    return is_done


def is_temporary(path: str) -> bool:
    """Tell whether a file is one that a run is about to put in its place, or left behind when it was killed."""
    return _TEMPORARY.fullmatch(os.path.basename(path)) is not None


def remove_stale_temp_files(folder: str) -> None:
    """Remove the temporary files of killed runs, whose processes are no more, from a folder."""
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
    """Give a new file beside a path, open for writing; at the end it is removed, unless it was put elsewhere.

    Its folder is made if need be. Where anything lies at the name of the new file, even a link, opening it fails.

    Raises OSError if the file cannot be made.
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
        # whoever may read the file may enter its folder
        os.makedirs(os.path.dirname(path), permissions | (permissions & 0o444) >> 2, exist_ok=True)
    return open(path, "xb", opener=opener)


def _link(temporary: str, path: str) -> bool:
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            return False
        os.rename(temporary, path)
    return True


def _delete(path: str, before: bytes | None) -> bool:
    if not os.path.lexists(path):
        return True
    is_as_before = before is not None and _holds(path, before)
    if is_as_before:
        os.unlink(path)
    return is_as_before


def _replace(path: str, before: bytes | None, after: bytes) -> bool:
    with new_file(path) as file:
        file.write(after)
        file.close()
        if before is not None:
            with suppress(FileNotFoundError):
                os.chmod(file.name, stat.S_IMODE(os.stat(path).st_mode))
        is_still = not os.path.lexists(path) if before is None else _holds(path, before)
        if is_still:
            os.replace(file.name, path)
    return is_still or _is_regular_with(path, after)


def _holds(path: str, content: bytes) -> bool:
    try:
        return read_regular(path, len(content)) == content
    except FileNotFoundError:
        return False


def _is_regular_with(path: str, content: bytes) -> bool:
    with suppress(OSError):
        return _holds(path, content)
    return False


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":
        return True  # there, to ask is to kill
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
