"""A file system on which some files have another content than on the disk, or exist only here."""

from __future__ import annotations

import os
from collections.abc import Mapping

from kei_assembler.files import Entry, Files
from kei_assembler.files.folder import Root


class EditedFiles:
    """Other files, with new contents for some of them, and with new files; see `Files`.

    `contents` has them by the resolved, absolute paths of the files. It can change. The folders of new files exist.
    """

    def __init__(self, files: Files, contents: Mapping[str, bytes]) -> None:
        self.files = files
        self.contents = contents

    def read(self, path: str, max_bytes: int, root: Root | None = None) -> bytes:
        """See `Files.read`."""
        real = path if root else self.files.resolve(path)
        if real in self.contents:
            return self.contents[real][: max_bytes + 1]
        return self.files.read(path, max_bytes, root)

    def list(self, folder: str, source_suffix: str | None = None) -> list[Entry]:
        """See `Files.list`."""
        entries = self.files.list(folder, source_suffix)
        real, known = self.files.resolve(folder), {entry.name for entry in entries}
        new = (os.path.basename(path) for path in self.contents if os.path.dirname(path) == real)
        return [*entries, *(Entry(name, is_link=False, is_folder=False) for name in new if name not in known)]

    def resolve(self, path: str) -> str:
        """See `Files.resolve`."""
        return self.files.resolve(path)

    def exists(self, path: str) -> bool:
        """See `Files.exists`."""
        return self.files.exists(path) or self.files.resolve(path) in self.contents

    def is_folder(self, path: str) -> bool:
        """See `Files.is_folder`."""
        return self.files.is_folder(path)

    def is_link(self, path: str) -> bool:
        """See `Files.is_link`."""
        return self.files.is_link(path)
