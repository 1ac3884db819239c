"""The files as the editor has them at one moment: the texts of its open documents, and the disk for everything else."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache

from pygls import uris

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK, Files
from kei_assembler.files.folder import Root
from kei_assembler.files.overlay import Overlay
from kei_assembler.files.sparse_checkout import files_at
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import PROJECT_FILE, SETTINGS_FILE, LoadedKit, discovery
from kei_assembler.kit.search import Search
from kei_assembler.loader import load_kit
from kei_assembler.lsp.positions import Text
from kei_assembler.records import NamedTuple
from kei_assembler.toml.source import MAX_BYTES, read_text


class Document(NamedTuple):
    """A document that is open in the editor."""

    uri: str
    text: str
    version: int | None


class Outdated(AssembleError):
    """The documents have changed since the snapshot, so nobody needs the result any more."""


class Snapshot:
    """The open documents and the disk.

    `documents` are by their resolved paths, `folders` are those of the workspace and of its kits, `encoding` is that
    of positions. With `for_user`, kits may use the home folder. Reading files raises `Outdated` once `is_outdated`
    says so.
    """

    def __init__(
        self,
        documents: Mapping[str, Document],
        folders: Iterable[str] = (),
        encoding: str | None = None,
        for_user: bool = False,
        is_outdated: Callable[[], bool] = lambda: False,
    ) -> None:
        self.documents = documents
        self.encoding = encoding
        self._folders = tuple(folders)
        self._for_user = for_user
        self._is_outdated = is_outdated
        contents = {path: _changed(path, one) for path, one in documents.items()}
        self._changed = {path: content for path, content in contents.items() if content is not None}
        self._nearest = cache(self._find)
        self.kit = cache(self._load)
        """Loads the kit in a folder as the editor has it; see `load_kit`."""
        self.text = cache(self._read_text)
        """Returns the text of the file at an absolute path, which is empty if the file cannot be read."""

    def refuse_outdated(self) -> None:
        """Raise an exception if the documents have changed.

        Raises:
            Outdated: they have.
        """
        if self._is_outdated():
            raise Outdated("the documents have changed")

    def files(self, folder: str) -> Files:
        """Return the files of a kit."""
        return _Current(files_at(folder), self._changed, self.refuse_outdated)

    def kits(self, path: str) -> list[str]:
        """Return the folders of the kits that a file may belong to, that around it first."""
        around = self._nearest(os.path.dirname(path))
        starts = (os.path.dirname(path), *self._folders, *map(os.path.dirname, self.documents))
        found = dict.fromkeys(folder for start in starts if (folder := self._nearest(start)))
        return [folder for folder in found if folder == around or self._holds(folder, path)]

    def _find(self, start: str) -> str | None:
        with suppress(AssembleError, OSError):
            files = self.files(start)
            found = discovery.find(start, files)
            return found if found and discovery.is_kit(found, files) else None
        return None

    def _holds(self, folder: str, path: str) -> bool:
        with suppress(AssembleError, OSError):
            return self.kit(folder).holds(path)
        return False

    def _load(self, folder: str) -> LoadedKit:
        return load_kit(folder, files=self.files(folder), for_user=self._for_user)

    def usable_kits(self, path: str) -> Iterator[LoadedKit]:
        """Yield the kits that a file may belong to. Invalid settings are replaced by those on the disk."""
        for folder in self.kits(path):
            with suppress(AssembleError, OSError):
                yield self.usable(folder)

    def usable(self, folder: str) -> LoadedKit:
        """Return the kit in a folder. Invalid settings are replaced by those on the disk, or by none."""
        try:
            return self.kit(folder)
        except AssembleError:
            settings = {os.path.join(folder, file) for file in (SETTINGS_FILE, PROJECT_FILE)}
            contents = {path: content for path, content in self._changed.items() if path not in settings}
            disk = files_at(folder)
            with suppress(AssembleError):
                return load_kit(folder, files=Overlay(disk, contents), for_user=self._for_user)
            contents |= {path: b"" for path in settings if disk.exists(path)}
            return load_kit(folder, files=Overlay(disk, contents), for_user=self._for_user)

    def uri(self, path: str) -> str:
        """Return the URI of an absolute path, spelled as the editor does if the file is open."""
        real = DISK.resolve(path)
        return self.documents[real].uri if real in self.documents else uris.from_fs_path(os.path.normpath(path)) or ""

    def _read_text(self, path: str) -> Text:
        is_open = DISK.resolve(path) in self.documents
        with suppress(OSError):
            # a link in a kit must not make the server read what is outside
            if is_open or any(kit.holds(path) for kit in self.usable_kits(path)):
                content = self.files(os.path.dirname(path)).read(path, MAX_BYTES)
                return Text(read_text(path, content).text, self.encoding)
        return Text("", self.encoding)


def kits_in(folder: str) -> list[str]:
    """Return the folders of the kits in a folder of the workspace, if that is in a git work tree.

    Elsewhere, the workspace could be a whole home folder.
    """
    with suppress(AssembleError, OSError):
        if git_top(folder):
            return [found.folder for found in Search(folder, folder).kits() if not found.error]
    return []


def path_of(uri: str) -> str | None:
    """Return the resolved path of the file that a URI names, or None if it names no file."""
    with suppress(AssembleError, ValueError, OSError):
        path = uris.to_fs_path(uri)
        return DISK.resolve(os.path.abspath(path)) if path else None
    return None


def _changed(path: str, document: Document) -> bytes | None:
    """Return the bytes of a document, or None if it only has what is on the disk, in whatever encoding."""
    content = document.text.encode(errors="surrogatepass")
    try:
        on_disk = DISK.read(path, MAX_BYTES)
    except OSError:
        return content
    bom = BOM_UTF8 if on_disk.startswith(BOM_UTF8) else b""
    return None if on_disk.removeprefix(bom) == content else bom + content


class _Current(Overlay):
    """The files of a snapshot, until it is outdated."""

    def __init__(self, files: Files, contents: Mapping[str, bytes | None], refuse_outdated: Callable[[], None]) -> None:
        super().__init__(files, contents)
        self._refuse_outdated = refuse_outdated

    def read(self, path: str, max_bytes: int, root: Root | None = None) -> bytes:
        """See `Files.read`."""
        self._refuse_outdated()
        return super().read(path, max_bytes, root)
