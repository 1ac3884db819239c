"""A file system on which some files have another content than on the disk."""

from __future__ import annotations

from collections.abc import Mapping

from kei_assembler.files import Entry, Files
from kei_assembler.files.folder import Root


class EditedFiles:
    """Other files, with new contents for some that exist there; see `Files`.

    `contents` has them by the resolved, absolute paths of the files. It can change.
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
        return self.files.list(folder, source_suffix)

    def resolve(self, path: str) -> str:
        """See `Files.resolve`."""
        return self.files.resolve(path)

    def exists(self, path: str) -> bool:
        """See `Files.exists`."""
        return self.files.exists(path)

    def is_folder(self, path: str) -> bool:
        """See `Files.is_folder`."""
        return self.files.is_folder(path)

    def is_link(self, path: str) -> bool:
        """See `Files.is_link`."""
        return self.files.is_link(path)
