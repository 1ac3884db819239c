"""Role files: the text files that manifests name with `role = { file = … }`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from kei_assembler import lazy_re
from kei_assembler.model.manifest import ROLE_TABLE
from kei_assembler.paths import normalize
from kei_assembler.toml.source import MAX_BYTES, Source, read_toml
from kei_assembler.validation import fits
from kei_assembler.whitespace import has_text

if TYPE_CHECKING:
    from kei_assembler.kit import LoadedKit
    from kei_assembler.kit.reserved import ReservedPaths

_KEPT = 16
# A key `file`, bare or in quotes, or an escape with which a quoted key can be written.
_MAY_NAME_FILE = lazy_re.compile(rb"file[\"']?[ \t]*=|\\[uUx]")


class RoleFiles:
    """The role files of a kit. Paths are relative to the kit."""

    def __init__(self, kit: LoadedKit) -> None:
        self._kit = kit
        self.pending: Mapping[str, str] = {}
        """The texts of files that are still to be written."""
        # several manifests can name the same file, and most name one of their own
        self.read = lru_cache(maxsize=_KEPT)(self._read)
        """Returns the source of a role file."""

    def _read(self, file: str) -> Source:
        return Source(file, self.pending[file]) if file in self.pending else self._kit.read_text(file)

    def with_text(self, data: Mapping[str, Any]) -> tuple[Mapping[str, Any], Source | None]:
        """Return a manifest's data with the text of its role file as the role, and the source of that file.

        The data stays as it is if the file cannot be used, and the source is None if no file can be read.
        """
        file = role_file(data)
        if not file or not self.is_readable(file):
            return data, None
        source = self.read(file)
        is_usable = source.error is None and has_text(source.text)
        return ({**data, "role": source.text} if is_usable else data), source

    def is_readable(self, file: str) -> bool:
        """Return whether a path is in the kit's tree, exists, and is not a folder."""
        path, files = self._kit.path(file), self._kit.files
        is_file = self._kit.holds(path) and files.exists(path) and not files.is_folder(path)
        return is_file or file in self.pending

    def owner(self, file: str) -> str:
        """Return what a path belongs to, such as "a block", or "" if it can be a role file."""
        kit = self._kit
        owner = self.reserved.owner(kit.files.resolve(kit.path(file)), kit.root)
        return "" if owner == "a block" and "." in kit.settings.blocks else owner

    @cached_property
    def reserved(self) -> ReservedPaths:
        """The reserved paths of the kit."""
        from kei_assembler.kit.reserved import ReservedPaths

        return ReservedPaths(self._kit)

    @cached_property
    def named(self) -> tuple[str, ...]:
        """The files in the kit's tree that its manifests name, sorted. They need not exist."""
        return tuple(sorted({*map(self.named_in, self._kit.manifests)} - {""}))

    def named_in(self, manifest: str) -> str:
        """Return the file in the kit's tree that a manifest names, or ""."""
        with suppress(OSError):  # the check of the manifest reports it
            name = role_file_in(self._kit.tree.read(self._kit.path(manifest), MAX_BYTES))
            return name if name and self._kit.holds(self._kit.path(name)) else ""
        return ""


def role_file(data: Mapping[str, Any]) -> str:
    """Return the normalized path of the role file that a manifest's data names, or "" if it names none."""
    role = data.get("role")
    return normalize(role["file"]) if isinstance(role, dict) and fits(ROLE_TABLE, role) else ""


def role_file_in(content: bytes) -> str:
    """Return the normalized path of the role file that a manifest with these bytes names, or ""."""
    # most manifests name none, and a search is faster than parsing
    return role_file(read_toml("", content).data) if _MAY_NAME_FILE.search(content) else ""
