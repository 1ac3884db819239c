"""Files as they will be: another file system with some files changed, added or deleted."""

from __future__ import annotations

import os
from collections.abc import Mapping

from kei_assembler.files import Entry, Files
from kei_assembler.files.folder import Root
from kei_assembler.paths import upwards


class Overlay:
    """Another file system, in which some files have another content; see `Files`.

    `contents` has the new content of each file by its resolved path, or None if the file is deleted. More files can be
    added to it, and a content can be replaced with another one.
    """

    def __init__(self, files: Files, contents: Mapping[str, bytes | None]) -> None:
        self.files = files
        self._contents = contents
        self._known_names: tuple[int, dict[str, dict[str, bool | None]]] = 0, {}

    @property
    def _names(self) -> dict[str, dict[str, bool | None]]:
        """The names that are new or gone in each folder: whether it is a folder, or None if it is gone."""
        count, names = self._known_names
        if count != len(self._contents):
            names = self._find_names()
            self._known_names = len(self._contents), names
        return names

    def _find_names(self) -> dict[str, dict[str, bool | None]]:
        names: dict[str, dict[str, bool | None]] = {}
        for path, content in self._contents.items():
            folder, name = os.path.split(path)
            names.setdefault(folder, {})[name] = None if content is None else False
            for inner in upwards(folder) if content is not None else ():
                above, name = os.path.split(inner)
                if not name or self.files.is_folder(inner):
                    break
                names.setdefault(above, {})[name] = True
        return names

    def read(self, path: str, max_bytes: int, root: Root | None = None) -> bytes:
        """See `Files.read`."""
        real = path if root else self.resolve(path)
        if real not in self._contents:
            return self.files.read(path, max_bytes, root)
        content = self._contents[real]
        if content is None:
            raise FileNotFoundError(real)
        return content[: max_bytes + 1]

    def list(self, folder: str, source_suffix: str | None = None) -> list[Entry]:
        """See `Files.list`."""
        entries = {entry.name: entry for entry in self.files.list(folder, source_suffix)}
        for name, is_folder in self._names.get(self.resolve(folder), {}).items():
            if is_folder is None:
                entries.pop(name, None)
            else:
                entries.setdefault(name, Entry(name, False, is_folder))
        return list(entries.values())

    def resolve(self, path: str) -> str:
        """See `Files.resolve`."""
        return self.files.resolve(path)

    def exists(self, path: str) -> bool:
        """See `Files.exists`."""
        known = self._known(path)
        return self.files.exists(path) if known is None else known

    def is_folder(self, path: str) -> bool:
        """See `Files.is_folder`."""
        folder, name = os.path.split(self.resolve(path))
        return bool(self._names.get(folder, {}).get(name)) or (self._known(path) is None and self.files.is_folder(path))

    def is_link(self, path: str) -> bool:
        """See `Files.is_link`."""
        return self._known(path) is None and self.files.is_link(path)

    def _known(self, path: str) -> bool | None:
        """Return whether a path exists if that differs from the other file system, or None."""
        folder, name = os.path.split(path)
        names = self._names.get(self.resolve(folder), {})
        return names[name] is not None if name in names else None
