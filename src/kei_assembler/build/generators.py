"""Decide whether a generated file belongs to a kit in the work tree.

A stamp is only a comment, so what it says is checked: the manifest that it names must belong to a kit, and the kit must
have an output at the file's path. Settings and manifests are read for that, and nothing is rendered. So a plain stamp
does not tell whether somebody has edited the file: a check of that kit does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache

from kei_assembler.build.classify import is_manifest_path, named_by, text_of
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.discovery import is_marked, read_kit
from kei_assembler.markdown import stamp
from kei_assembler.model.manifest import is_abstract
from kei_assembler.paths import is_inside, normalize, upwards
from kei_assembler.rules.settings import check_settings

_MAX_PATH = 4096
"""The maximum length of a path in a stamp, that of Linux."""


class Generators:
    """The kits in the root and in the work tree of a kit, as far as stamps name their manifests."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self.top = git_top(kit.folder, kit.files)
        self._resolve = cache(kit.files.resolve)
        self._kits_around = cache(self._find_kits)
        self._locations = cache(self._find_locations)
        self._load = cache(self._load_kit)

    def location(self, path: str) -> str:
        """Return the absolute path of an output, or of a file beside one, with the links in its folder resolved."""
        return self._location(self.kit.output_path(path))

    def generates(self, path: str, content: bytes, comment: stamp.Comment) -> bool:
        """Return whether a kit in the work tree generates a file with this content, as its stamp says."""
        found = stamp.find(text_of(content), comment)
        if found is None or not (found.intact or found.is_plain) or len(found.source) > _MAX_PATH:
            return False
        manifests = named_by(self.kit.files, self.kit.path(path), found.source)
        location = self._location(self.kit.path(path))  # a build into another folder has the same paths
        return any(location in self._locations(manifest) for manifest in manifests)

    def _location(self, path: str) -> str:
        folder, name = os.path.split(path)
        return os.path.join(self._resolve(folder), name)

    def _find_locations(self, manifest: str) -> frozenset[str]:
        """The locations of the files that the kits in the work tree generate from a manifest."""
        if not self.kit.holds(manifest) or not self.kit.files.exists(manifest):
            return frozenset()
        kits = self._kits_around(os.path.dirname(manifest))
        return frozenset(location for kit in kits for location in self._outputs(kit, manifest))

    def _find_kits(self, folder: str) -> list[LoadedKit]:
        """The valid kits in a folder and in those around it, up to the root and within the work tree."""
        around = list(upwards(folder, self.kit.root))
        if around[-1] != self.kit.root or not all(map(self.kit.holds_folder, around)):
            return []
        if git_top(folder, self.kit.files) != self.top:
            return []
        with suppress(AssembleError):
            # If no folder is marked, each of them can be a kit with default settings.
            marked = [each for each in around if is_marked(each, self.kit.files)]
            return [kit for kit in map(self._load, marked or around) if kit]
        return []

    def _load_kit(self, folder: str) -> LoadedKit | None:
        """The kit in a folder, or None if its settings are invalid or its root contains more than this kit's root."""
        with suppress(AssembleError):
            kit = read_kit(folder, self.kit.files)
            if is_inside(kit.root, self.kit.root) and not check_settings(kit):
                kit.home = self.kit.home if kit.settings.is_user_level else ""
                return kit
        return None

    def _outputs(self, kit: LoadedKit, manifest: str) -> Iterator[str]:
        """The locations of a manifest's outputs, if the file is a valid manifest of the kit."""
        file = normalize(os.path.relpath(manifest, kit.folder))
        source = kit.read_manifest(file) if is_manifest_path(kit, file) else None
        if source is None or source.error:
            return
        decoded, problems = kit.decoded(file)
        if problems or decoded.name != stem(file) or is_abstract(source.data):
            return
        for target in kit.targets_of(decoded):
            output = kit.output(target, decoded.name, file)
            location = self._location(kit.path(output))
            if is_inside(location, kit.tree_of(output).folder):
                yield location
