"""The files of a kit's manifests, and their kinds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from kei_assembler.model.kinds import AGENT, KINDS, Kind, usual_kind
from kei_assembler.paths import is_inside

if TYPE_CHECKING:
    from kei_assembler.kit import LoadedKit

SETTINGS_FILE = "assemble.toml"
PROJECT_FILE = "pyproject.toml"


class ManifestFiles:
    """The files of a kit's manifests, relative to the kit. Few are read to find out their kinds."""

    def __init__(self, kit: LoadedKit) -> None:
        self._kit = kit
        self.named = cache(self._find_named)
        """Returns the manifests of a kind by their names."""
        self.namesakes = cache(self._find_namesakes)
        """Returns the manifests of a kind with the same stem, by that stem; only stems of several files."""
        self._usual_in = cache(self._find_usual_in)
        self.usual_kind = cache(self._find_usual_kind)
        """Returns the kind of a manifest that does not name its kind."""

    @cached_property
    def all(self) -> tuple[str, ...]:
        """All manifests, sorted, without the settings of this kit and of kits in subfolders."""
        kit = self._kit
        found = {
            file: None
            for folder in kit.settings.manifests
            for file in kit.files_in(folder, ".toml", with_outside_links=True)
        }
        return tuple(sorted(file for file in found if not self._is_settings(file)))

    def _is_settings(self, file: str) -> bool:
        if file in (SETTINGS_FILE, PROJECT_FILE):
            return True
        if os.path.basename(file) not in (SETTINGS_FILE, PROJECT_FILE):
            return False
        # In a subfolder, the file can also be the manifest of an agent of that name. Only a manifest has the key
        # `name`. A file that cannot be read counts as a manifest, so that it is reported.
        source = self._kit.read_manifest(file)
        return source.error is None and "name" not in source.data

    def _find_usual_kind(self, file: str) -> Kind:
        return self._usual_in(os.path.dirname(file))

    def _find_usual_in(self, folder: str) -> Kind:
        nearest = self._folder_around(folder)
        return usual_kind(folder.partition("/")[0] if nearest == "." else nearest)

    def _folder_around(self, folder: str) -> str:
        """The folder of manifests that a folder is part of."""
        around = [each for each in self._kit.settings.manifests if each == "." or is_inside(folder, each)]
        return max(around, key=len, default=folder)

    def subfolder(self, file: str) -> str:
        """Return the folder of a manifest relative to the folder of manifests that it is part of; "" for that one."""
        folder = os.path.dirname(file)
        nearest = self._folder_around(folder)
        return folder if nearest == "." else folder[len(nearest) + 1 :]

    def kind_in(self, file: str, data: Mapping[str, Any]) -> Kind:
        """Return the kind of a manifest with this data."""
        name = data.get("kind")
        return KINDS[name] if isinstance(name, str) and name in KINDS else self.usual_kind(file)

    def kind_of(self, file: str) -> Kind:
        """Return the kind of a manifest. It is read if it may name its kind."""
        if b"kind" not in self._kit.content_of(file):  # most manifests do not, and a search is faster than parsing
            return self.usual_kind(file)
        return self.kind_in(file, self._kit.read_manifest(file).data)

    def of_kind(self, kind: Kind) -> tuple[str, ...]:
        """Return the manifests of a kind, sorted. This reads all manifests."""
        return tuple(file for file in self.all if self.kind_of(file) is kind)

    def _find_namesakes(self, kind: Kind) -> dict[str, list[str]]:
        files: dict[str, list[str]] = {}
        for file in self._of_kind_roughly(kind):
            files.setdefault(stem(file), []).append(file)
        return {name: same for name, same in files.items() if len(same) > 1}

    @cached_property
    def has_others(self) -> bool:
        """Whether there are manifests that are not of agents, or a folder for them."""
        folders = (folder for folder in self._kit.settings.manifests if usual_kind(folder) is not AGENT)
        is_folder = any(self._kit.files.is_folder(self._kit.path(folder)) for folder in folders)
        return is_folder or any(self.usual_kind(file) is not AGENT for file in self.all)

    def _find_named(self, kind: Kind) -> dict[str, str]:
        return {stem(file): file for file in self._of_kind_roughly(kind)}

    def _of_kind_roughly(self, kind: Kind) -> Iterator[str]:
        """Yield the manifests of a kind. All manifests in the folders of agents count as agents.

        To leave out those of another kind, all of them would have to be read: see `AgentNames.is_abstract`.
        """
        for file in self.all:
            usual = self.usual_kind(file)
            if (usual is AGENT is kind) or (self.kind_of(file) is kind):
                yield file


def stem(file: str) -> str:
    """Return a manifest's file name without `.toml`, which must be its name."""
    return file.rpartition("/")[2].removesuffix(".toml")
