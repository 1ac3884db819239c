"""The outputs on disk: what is there now, and the only writing that the tool does."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache

from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import Kit, read_regular
from kei_assembler.memo import note_written
from kei_assembler.plan.changes import OUTPUT_MOST, Change, FileStatus

_TEMPORARY = re.compile(r"\.assemble-(?P<process>[0-9]+)-.*")
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class Disk:
    """The outputs of one kit on this machine."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self._real_folder = cache(os.path.realpath)

    def holds(self, path: str) -> bool:
        """Tell whether an output lies inside the kit's root, its folder and itself resolved."""
        full = self.kit.path(path)
        return self.kit.holds_folder(os.path.dirname(full)) and (not os.path.islink(full) or self.kit.holds(full))

    def read(self, path: str) -> bytes | None:
        """Return the present bytes of an output, or None when there is no such file.

        Raises OSError for anything else that is no file which can be read.
        """
        return _present(self.kit.path(path))

    def peek(self, path: str) -> bytes | None:
        """Return the present bytes of a file, or None where it lies elsewhere, as by a link, or cannot be read."""
        with suppress(OSError):
            return self.read(path) if self.holds(path) else None
        return None

    def apply(self, changes: Iterable[Change]) -> list[Change]:
        """Carry out the changes, and return them as they came about; `applied` tells which of them are so.

        Each file is whole at any moment, old or new. What somebody changed since the plan was made is left alone, and
        comes back as edited; what another run was faster to do is done. Raises AssembleError when the machine does
        not let it write.
        """
        return [self._carry_out(change) for change in changes]

    def sweep(self, paths: Iterable[str]) -> None:
        """Remove the temporary files that killed runs left in the folders of these outputs."""
        for folder in {os.path.dirname(path) for path in paths}:
            _sweep(self._real_folder(self.kit.path(folder)))

    def real(self, path: str) -> str:
        """Return the resolved path of an output on this machine."""
        folder, name = os.path.split(self.kit.path(path))
        full = os.path.join(self._real_folder(folder), name)
        return os.path.realpath(full) if os.path.islink(full) else full

    def is_link(self, path: str) -> bool:
        """Tell whether an output's path is a link itself."""
        return os.path.islink(self.kit.path(path))

    def _carry_out(self, change: Change) -> Change:
        try:
            is_as_planned = _write(self.real(change.path), change.before, change.after)
        except OSError as error:
            raise AssembleError(
                f"{change.path} cannot be written: {error.strerror}",
                "what was written before it is whole; once there is room and the right to write, run again",
            ) from error
        if is_as_planned and change.after is not None:
            note_written(self.kit.path(change.path), change.after)
        return change._replace(applied=True) if is_as_planned else change._replace(kind=FileStatus.EDITED)


def is_temporary(path: str) -> bool:
    """Tell whether a file is one that a run is about to put in the place of another, or left behind."""
    return _TEMPORARY.fullmatch(os.path.basename(path)) is not None


def create(path: str, content: bytes) -> bool:
    """Write a file that is not there yet, as a whole or not at all; tell whether it was not there.

    Raises AssembleError when the machine does not let it.
    """
    try:
        return not os.path.lexists(path) and _create(path, content)
    except OSError as error:
        raise _unwritable(path, error) from error


def replace(path: str, change: Callable[[bytes], bytes]) -> bool:
    """Put what `change` makes of a file in its place, as a whole or not at all; tell whether that is anything new.

    Raises AssembleError when the machine does not let it, or somebody else changed it meanwhile.
    """
    real = os.path.realpath(path)
    try:
        before = _present(real) or b""
        after = change(before)
        if after != before and not _replace(real, before, after):
            raise OSError(errno.EBUSY, "somebody else is changing it")
    except OSError as error:
        raise _unwritable(path, error) from error
    return after != before


def _unwritable(path: str, error: OSError) -> AssembleError:
    return AssembleError(f"{path} cannot be written: {error.strerror or error}")


def _create(path: str, content: bytes) -> bool:
    temporary = _beside(path)
    try:
        _write_new(temporary, content, None)
        return _put(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def _beside(path: str) -> str:
    """A path in the same folder for a temporary file of this writer, of which a process may have several."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".assemble-{os.getpid()}-{os.urandom(4).hex()}-{name}")


def _put(temporary: str, path: str) -> bool:
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            return False
        os.rename(temporary, path)
    return True


def _write(path: str, before: bytes | None, after: bytes | None) -> bool:
    """Put `after` in the place of `before`, or delete the file; tell whether that is now so.

    It is not where somebody put something else in the place meanwhile.
    """
    return _delete(path, before) if after is None else _replace(path, before, after)


def _delete(path: str, before: bytes | None) -> bool:
    now = _present(path)
    if now is not None and now == before:
        os.unlink(path)
    return now in (None, before)


def _replace(path: str, before: bytes | None, after: bytes) -> bool:
    """Write beside the file, then rename: that happens as a whole or not at all."""
    temporary, is_done = _beside(path), False
    try:
        _write_new(temporary, after, None if before is None else _mode(path))
        if _is_still(path, before):
            os.replace(temporary, path)
            is_done = True
        return is_done or _holds(path, after)
    finally:
        if not is_done:
            with suppress(FileNotFoundError):
                os.unlink(temporary)


def _is_still(path: str, before: bytes | None) -> bool:
    return not os.path.lexists(path) if before is None else _present(path) == before


def _holds(path: str, content: bytes) -> bool:
    with suppress(OSError):
        return _present(path) == content
    return False


def _write_new(path: str, content: bytes, mode: int | None) -> None:
    with open(_opened(path), "wb") as file:
        file.write(content)
        if mode is not None:
            os.chmod(path, mode)


def _opened(path: str) -> int:
    """A descriptor of a new file, in a folder that may have to be made."""
    try:
        return os.open(path, _NEW_FILE, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    return os.open(path, _NEW_FILE, 0o666)


def _mode(path: str) -> int | None:
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        return None


def _present(path: str) -> bytes | None:
    try:
        content = read_regular(path, most=OUTPUT_MOST)
    except FileNotFoundError:
        return None
    if len(content) > OUTPUT_MOST:
        raise OSError(errno.EFBIG, f"the file is larger than {OUTPUT_MOST:,} bytes")
    return content


def _sweep(folder: str) -> None:
    """Remove the temporary files of runs that were killed: those whose process is no more."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        match = _TEMPORARY.fullmatch(name)
        if match and not _is_alive(int(match["process"])):
            with suppress(OSError):
                os.unlink(os.path.join(folder, name))


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
