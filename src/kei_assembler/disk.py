"""The outputs on disk: what is there now, and the only writing that the tool does."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from functools import cache

from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import Kit, normal
from kei_assembler.plan import WRITTEN, Change


class Disk:
    """The outputs of one kit on this machine."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self._folder_is_inside = cache(self._is_inside)

    def holds(self, path: str) -> bool:
        """Tell whether an output lies inside the kit's root, its folder and itself resolved."""
        full = self.kit.path(path)
        if not self._folder_is_inside(os.path.dirname(full)):
            return False
        return not os.path.islink(full) or self._is_inside(full)

    def _is_inside(self, path: str) -> bool:
        return self.kit.holds(path)

    def read(self, path: str) -> bytes | None:
        """Return the present bytes of an output, or None when there is no such file.

        Raises OSError for anything else that is no file which can be read.
        """
        try:
            with open(self.kit.path(path), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def list(self, folder: str, suffix: str) -> list[str]:
        """Return the files of a folder of the kit that end in the suffix, sorted; hidden ones are passed over."""
        try:
            names = sorted(os.listdir(self.kit.path(folder)))
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [normal(f"{folder}/{name}") for name in names if name.endswith(suffix) and not name.startswith(".")]

    def apply(self, changes: Iterable[Change]) -> None:
        """Create and update the files that the changes say; each is whole at any moment, old or new."""
        for change in changes:
            if change.kind in WRITTEN and change.content is not None:
                self._write(change.path, change.content)

    def _write(self, path: str, content: bytes) -> None:
        full = os.path.realpath(self.kit.path(path))
        try:
            os.makedirs(os.path.dirname(full), exist_ok=True)
            _replace(full, content)
        except OSError as error:
            raise AssembleError(f"{path} cannot be written: {error.strerror}") from error


def _replace(path: str, content: bytes) -> None:
    """Write beside the file, then rename: that either happens as a whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(prefix=".assemble-", dir=os.path.dirname(path))
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        os.chmod(temporary, _mode_of(path))
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _mode_of(path: str) -> int:
    try:
        return os.stat(path).st_mode & 0o7777
    except FileNotFoundError:
        return 0o666 & ~_UMASK


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


_UMASK = _umask()
