"""Find intruders: files that a client would load as agents, and that no kit in the work tree generates.

Only an exclusive kit looks for them. What counts is what the client loads, by the rules in its row. A file that it may
or may not load counts, too: one that cannot be read, one that is too large to read, every link, and a submodule that is
not checked out.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from functools import cache

from kei_assembler.build.changes import Change, FileStatus
from kei_assembler.build.generators import Generators
from kei_assembler.build.output_patterns import Reach, reach_in
from kei_assembler.build.writer import OutputFiles
from kei_assembler.files import Entry
from kei_assembler.files.walk import walk
from kei_assembler.kit import LoadedKit
from kei_assembler.paths import is_in_git_folder, is_inside, normalize, path_below
from kei_assembler.records import NamedTuple
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Target


def with_intruders(
    kit: LoadedKit, leftovers: Iterable[Change], outputs: Iterable[str], used: Collection[str]
) -> list[Change]:
    """Return the leftovers of a kit with the unmanaged files replaced by the intruders, which include them.

    `outputs` contains the outputs of the kit's manifests, and `used` their targets.

    Raises:
        AssembleError: a folder cannot be read.
    """
    orphans = [change for change in leftovers if change.status is not FileStatus.UNMANAGED]
    search = _Search(kit, outputs, (orphan.path for orphan in orphans))
    for name, row in TARGETS.items():
        if name in (kit.selected_targets or {*kit.settings.targets, *used}):
            for place in _places(kit, row):
                search.look_in(place, row)
    return orphans + sorted(search.found.values(), key=lambda change: change.path)


class _Place(NamedTuple):
    """A folder to search for the agents of a client.

    `reach` is None if the client loads everything in the folder. Otherwise, the folder is one that the outputs share
    with all other files, such as the top of the kit, and only the folders in which outputs can lie are searched.
    """

    folder: str
    with_subfolders: bool
    reach: Reach | None = None


def _places(kit: LoadedKit, row: Target) -> list[_Place]:
    """Where a client can find agents beside the kit's outputs.

    These are the folders of the outputs. If one of them is a folder of the client in some project, all folders of the
    client count, in this project and in those around it.
    """
    found: list[_Place] = []
    for pattern in (kit.settings.output(row.name), row.output):
        where = reach_in(kit, pattern)
        if where is None:
            continue
        is_shared = not where.folder.strip("./") or where.folder == kit.home
        is_deep = row.searches_subfolders or "{" in os.path.dirname(pattern)
        found.append(_Place(where.folder, is_deep, where if is_shared else None))
        folders = kit.placement.folders(row.name, where.folder, row.agent_folders)
        found += (_Place(each, row.searches_subfolders) for each in folders)
    return list(dict.fromkeys(found))


class _Search:
    """A search for intruders. `found` contains them by their location."""

    def __init__(self, kit: LoadedKit, outputs: Iterable[str], orphans: Iterable[str]) -> None:
        self.kit = kit
        self.disk = OutputFiles(kit)
        self.generators = Generators(kit)
        self.found: dict[str, Change] = {}
        locations = list(map(self.generators.location, outputs))
        self.known = {*locations, *map(self.generators.location, orphans)}
        self.folded = {location.casefold(): location for location in locations}
        self._entries = cache(self._list)
        top = self.generators.top
        self.has_submodules = (
            top is not None and not kit.variant.output_dir and kit.files.exists(os.path.join(top, ".gitmodules"))
        )

    def look_in(self, place: _Place, row: Target) -> None:
        """Add the intruders in a folder."""
        for folder in filter(self._is_in_root, self._spellings(place.folder, row)):
            prefix = "" if folder == "." else f"{folder}/"

            def enters(path: str, entry: Entry, prefix: str = prefix) -> bool:
                if is_in_git_folder(entry.name):
                    return False
                if place.reach is None:
                    return place.with_subfolders and not entry.is_link
                return place.reach.enters(prefix + path) and not self._leads_nowhere(prefix + path, entry)

            for path, entry in walk(self.kit.files, self.kit.output_path(folder), enters):
                if self._is_intruder(prefix + path, entry, place, row):
                    self._add(prefix + path, row)

    def _add(self, path: str, row: Target) -> None:
        if self.disk.is_left_out(path):  # clients do not find it here
            return
        self.found.setdefault(self.generators.location(path), Change(FileStatus.UNMANAGED, path, "", row.name))

    def _spellings(self, folder: str, row: Target) -> list[str]:
        """The folders with this path in any case: on some machines, they are one folder. Adds links to nowhere."""
        is_in_home = os.path.isabs(folder)
        found = [self.kit.home if is_in_home else "."]
        for part in filter(None, (path_below(folder, self.kit.home) if is_in_home else folder).split("/")):
            if part in (".", ".."):
                found = [normalize(f"{here}/{part}") for here in found]
                continue
            held = filter(self._is_in_root, found)
            pairs = ((normalize(f"{here}/{entry.name}"), entry) for here in held for entry in self._entries(here))
            same = [(path, entry) for path, entry in pairs if entry.name.casefold() == part.casefold()]
            lost = [path for path, entry in same if self._leads_nowhere(path, entry)]
            for path in lost:
                self._add(path, row)
            found = sorted(path for path, entry in same if entry.is_folder and path not in lost)
        return found

    def _list(self, folder: str) -> list[Entry]:
        return [entry for _, entry in walk(self.kit.files, self.kit.output_path(folder), lambda *_: False)]

    def _is_in_root(self, folder: str) -> bool:
        return self.kit.tree_of(folder).holds_folder(self.kit.output_path(folder))

    def _leads_nowhere(self, path: str, entry: Entry) -> bool:
        """Whether a link or folder can contain anything on another machine.

        Such a link leads outside the root or to nothing. Such a folder is a submodule that is not checked out: git has
        no other empty folders.
        """
        full = self.kit.output_path(path)
        if entry.is_link:
            return not self.kit.tree_of(path).holds(full) or not self.kit.files.exists(self.kit.files.resolve(full))
        return entry.is_folder and self.has_submodules and not self._entries(path)

    def _is_intruder(self, path: str, entry: Entry, place: _Place, row: Target) -> bool:
        """Whether the client can load a file or link as an agent, and no kit generates it."""
        if row.loader.skips(path) or not _can_hold_outputs(place, os.path.dirname(path)):
            return False
        has_suffix = entry.name.casefold().endswith(row.suffixes)
        if place.reach or not (entry.is_link or entry.is_folder):
            return has_suffix and not entry.is_folder and not self._is_output(path) and self._is_agent(path, place, row)
        if entry.is_link and has_suffix:
            return not self._is_output(path)
        is_link_to_folder = entry.is_link and entry.is_folder
        return place.with_subfolders and (is_link_to_folder or self._leads_nowhere(path, entry))

    def _is_output(self, path: str) -> bool:
        """Whether a file is an output of the kit, or an orphan."""
        location = self.generators.location(path)
        if location in self.known:
            return True
        # If the case is different, it is the same file only where the file system ignores the case.
        output = self.folded.get(location.casefold())
        return output is not None and self.kit.files.exists(output) and not self._is_listed(output)

    def _is_listed(self, path: str) -> bool:
        """Whether a file and the folders around it have exactly these names."""
        folder, name = os.path.split(path)
        top = self.kit.home if self.kit.home and is_inside(path, self.kit.home) else self.kit.tree_of(".").folder
        is_below = is_inside(folder, top) and folder != top
        return any(entry.name == name for entry in self._entries(folder)) and (not is_below or self._is_listed(folder))

    def _is_agent(self, path: str, place: _Place, row: Target) -> bool:
        """Whether a file can be an agent of the client that no kit generates. Links are followed in shared folders."""
        is_shared = place.reach is not None
        try:
            content = self.disk.read(path) if self.kit.tree_of(path).holds(self.kit.output_path(path)) else None
        except OSError:
            return True
        if content is None:
            return True
        can_be_agent = (row.loads_any_text and not is_shared) or row.form.agent_pattern.search(content)
        return bool(can_be_agent) and not self.generators.generates(path, content, row.form.comment)


def _can_hold_outputs(place: _Place, folder: str) -> bool:
    """Whether an output can lie in a folder of a place."""
    if place.reach is None:
        return True
    names = (f"x{place.reach.suffix}", place.reach.suffix)
    return any(place.reach.file.fullmatch(normalize(f"{folder}/{name}" if folder else name)) for name in names)
