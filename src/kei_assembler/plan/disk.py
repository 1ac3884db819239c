"""The outputs on disk: what is there now, and what a run writes there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK, Files, atomic
from kei_assembler.kit import Kit
from kei_assembler.plan.changes import OUTPUT_MOST, Change, FileStatus


class Disk:
    """The outputs of one kit on this machine."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self._real_folder = cache(kit.files.resolve)

    def holds(self, path: str) -> bool:
        """Tell whether an output lies inside the kit's root, its folder and itself resolved."""
        full = self.kit.path(path)
        return self.kit.holds_folder(os.path.dirname(full)) and (
            not self.kit.files.is_link(full) or self.kit.holds(full)
        )

    def read(self, path: str) -> bytes | None:
        """Return the present bytes of an output, or None when there is no such file.

        Raises OSError for anything else that is no file which can be read.
        """
        return _present(self.kit.files, self.kit.path(path))

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
            atomic.sweep(self._real_folder(self.kit.path(folder)))

    def real(self, path: str) -> str:
        """Return the resolved path of an output on this machine."""
        full = self.kit.path(path)
        folder, name = os.path.split(full)
        is_link = self.kit.files.is_link(full)
        return self.kit.files.resolve(full) if is_link else os.path.join(self._real_folder(folder), name)

    def is_link(self, path: str) -> bool:
        """Tell whether an output's path is a link itself."""
        return self.kit.files.is_link(self.kit.path(path))

    def _carry_out(self, change: Change) -> Change:
        path = self.kit.path(change.path)
        try:
            is_as_planned = atomic.replace(path, change.before, change.after, self.real(change.path))
        except OSError as error:
            raise AssembleError(
                f"{change.path} cannot be written: {error.strerror}",
                "what was written before it is whole; once there is room and the right to write, run again",
            ) from error
        return change._replace(applied=True) if is_as_planned else change._replace(kind=FileStatus.EDITED)


def create(path: str, content: bytes) -> bool:
    """Write a file that is not there yet, as a whole or not at all; tell whether it was not there.

    Raises AssembleError when the machine does not let it.
    """
    try:
        return atomic.create(path, content)
    except OSError as error:
        raise _unwritable(path, error) from error


def replace(path: str, change: Callable[[bytes], bytes]) -> bool:
    """Put what `change` makes of a file in its place, as a whole or not at all; tell whether that is anything new.

    Raises AssembleError when the machine does not let it, or somebody else changed it meanwhile.
    """
    try:
        before = _present(DISK, path) or b""
        after = change(before)
        if after != before and not atomic.replace(path, before, after):
            raise OSError(errno.EBUSY, "somebody else is changing it")
    except OSError as error:
        raise _unwritable(path, error) from error
    return after != before


def _unwritable(path: str, error: OSError) -> AssembleError:
    return AssembleError(f"{path} cannot be written: {error.strerror or error}")


def _present(files: Files, path: str) -> bytes | None:
    try:
        content = files.read(path, OUTPUT_MOST)
    except FileNotFoundError:
        return None
    if len(content) > OUTPUT_MOST:
        raise OSError(errno.EFBIG, f"the file is larger than {OUTPUT_MOST:,} bytes")
    return content
