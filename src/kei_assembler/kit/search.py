"""Search a folder and its subfolders for kits."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import Entry, Files
from kei_assembler.files.sparse_checkout import files_at
from kei_assembler.files.walk import MAX_DEPTH
from kei_assembler.files.work_tree import git_at, git_top
from kei_assembler.kit import PROJECT_FILE, SETTINGS_FILE, LoadedKit
from kei_assembler.kit.discovery import DEFAULT_BLOCKS, DEFAULT_MANIFESTS, find, is_marked, read_kit
from kei_assembler.model.settings import decode_settings
from kei_assembler.paths import display_path_from, is_inside, matches_glob, upwards
from kei_assembler.records import NamedTuple

_MARKS = frozenset((SETTINGS_FILE, PROJECT_FILE, DEFAULT_BLOCKS))

NEVER_ENTERED = frozenset("__pycache__ bower_components jspm_packages node_modules site-packages venv".split())
"""Folders of packages and of other tools, which are not entered even where git does not ignore them."""


class Found(NamedTuple):
    """The folder of a kit, or, with an `error`, a folder that cannot be searched."""

    folder: str
    error: AssembleError | None = None


class _Pattern(NamedTuple):
    """A pattern for folders to leave out, which are relative to `base`. `position` is its index in a list of patterns.

    If this is the setting of a kit, `kit` is the kit's folder.
    """

    base: str
    text: str
    position: int
    kit: str = ""


class _Folder(NamedTuple):
    """A folder to search. `is_in_kit` says that a folder above it in its work tree has settings or blocks."""

    path: str
    depth: int = 0
    is_in_kit: bool = False
    is_in_work_tree: bool = False


class Search:
    """A search for the kits in a folder, given by its resolved path, and in its subfolders.

    Hidden folders are not entered, nor are links, folders that git ignores, other git work trees inside a work tree,
    and folders that one of the patterns in `exclude` matches, from the folder `here`, or one of the setting `exclude`
    of a kit above them. `excluded` contains the latter. After the search, `unused` says which patterns matched nothing.
    """

    def __init__(self, start: str, here: str, exclude: Iterable[str] = ()) -> None:
        self.start = start
        self.excluded: list[str] = []
        self.files: Files = files_at(start)
        self._patterns = [_Pattern(here, pattern, position) for position, pattern in enumerate(exclude)]
        self._used: set[_Pattern] = set()
        self._ignored: set[str] = set()

    def kits(self) -> Iterator[Found]:
        """Yield the kits, each before those inside it, in the order of their paths."""
        top = git_top(self.start, self.files)
        above = list(upwards(self.start, top))[1:] if self.start != top else []
        around = list(filter(self._is_marked, above))
        for marked in around:
            self._add_patterns(marked)
        if top:
            self._add_ignored(top)
        pending = [_Folder(self.start, 0, bool(around), top is not None)]
        while pending:
            folder = pending.pop()
            try:
                entries = self._entries(folder)
            except AssembleError as error:
                yield Found(folder.path, error)
                continue
            if any(entry.name == ".git" for entry in entries) and folder.path not in (self.start, top):
                if folder.is_in_work_tree:
                    continue
                folder = folder._replace(is_in_kit=False, is_in_work_tree=True)
                self._add_ignored(folder.path)
            names = {entry.name for entry in entries}
            is_own = not names.isdisjoint(_MARKS) and self._is_marked(folder.path)
            if is_own:
                self._add_patterns(folder.path)
            if is_own or (
                not folder.is_in_kit and not DEFAULT_MANIFESTS.isdisjoint(names) and self._has_manifest(folder.path)
            ):
                yield Found(folder.path)
            pending += self._subfolders(folder._replace(is_in_kit=folder.is_in_kit or is_own), entries)

    def unused(self) -> dict[str, list[int]]:
        """Return the positions of patterns that matched no folder: of the given ones, and by kit those in its setting.

        The key of the given ones is "". Kits above the folder of the search are left out, as it does not know them all.
        """
        found: dict[str, list[int]] = {}
        for each in self._patterns:
            if each not in self._used and is_inside(each.kit or self.start, self.start):
                found.setdefault(each.kit, []).append(each.position)
        return found

    def _entries(self, folder: _Folder) -> list[Entry]:
        if folder.depth > MAX_DEPTH:
            raise AssembleError(f"the folder `{folder.path}` is more than {MAX_DEPTH} folders deep")
        try:
            return self.files.list(folder.path)
        except OSError as error:
            message = f"the folder `{folder.path}` cannot be searched for kits: {error.strerror}"
            raise AssembleError(message, "exclude it with --exclude, or with the setting `exclude`") from error

    def _subfolders(self, folder: _Folder, entries: Iterable[Entry]) -> Iterator[_Folder]:
        """Yield the subfolders to enter, the last one first."""
        for name in sorted((entry.name for entry in entries if entry.is_folder and not entry.is_link), reverse=True):
            path = os.path.join(folder.path, name)
            if name.startswith(".") or name in NEVER_ENTERED or path in self._ignored:
                continue
            matching = [each for each in self._patterns if matches_glob(display_path_from(each.base, path), each.text)]
            self._used.update(matching)
            if matching:
                self.excluded.append(path)
            else:
                yield folder._replace(path=path, depth=folder.depth + 1)

    def _add_patterns(self, folder: str) -> None:
        with suppress(AssembleError):  # the run of the kit reports it
            entries = read_kit(folder, self.files).settings.exclude
            self._patterns += [_Pattern(folder, entry, position, folder) for position, entry in enumerate(entries)]

    def _add_ignored(self, top: str) -> None:
        with suppress(AssembleError):  # git is not installed, or does not accept the work tree
            self._ignored |= git_at(top).ignored_folders(self.start if is_inside(self.start, top) else top)

    def _is_marked(self, folder: str) -> bool:
        try:
            return is_marked(folder, self.files)
        except AssembleError:  # the run of the kit reports it
            return True

    def _has_manifest(self, folder: str) -> bool:
        """Whether a folder without settings has manifests of its own, not only those of a kit in its subfolders.

        Other tools also have `.toml` files in a folder `agents`, so a manifest must have a name.
        """
        with suppress(AssembleError):
            kit = LoadedKit(folder, decode_settings({}), None, files=self.files)
            kit_of = cache(lambda path: find(path, self.files))
            own = (file for file in kit.manifests if kit_of(os.path.dirname(kit.path(file))) == folder)
            return any(source.error or "name" in source.data for source in map(kit.read_manifest, own))
        return True
