"""Reserved paths: those of settings, sources, templates, schemas and the lock of a kit. An output cannot have one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, cached_property
from typing import NamedTuple

from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import PROJECT_FILE, SETTINGS_FILE, LoadedKit, discovery
from kei_assembler.paths import is_hidden, is_inside, upwards

_FILES = {SETTINGS_FILE: "the settings of a kit", PROJECT_FILE: "the settings of a kit", "assemble.lock": "a lock"}


class _Place(NamedTuple):
    """Where one kind of source lies: the resolved, case-folded folder, and the suffix of the files' names."""

    what: str
    folder: str
    suffix: str

    def holds(self, folder: str, name: str) -> bool:
        """Return whether a file in a case-folded folder would be such a source. Hidden files are only templates."""
        below = os.path.join(folder, name)[len(self.folder) :].lstrip(os.sep).replace(os.sep, "/")
        is_visible = self.suffix not in (".toml", ".md") or not is_hidden(below)
        return name.endswith(self.suffix) and is_visible


class ReservedPaths:
    """The reserved paths of a kit and of the kits in the folders above its outputs, whether the files exist or not."""

    def __init__(self, kit: LoadedKit) -> None:
        self._kit = kit
        self._places_for = cache(self._places)
        self._other_places = cache(self._find_other_places)

    def owner(self, real: str) -> str:
        """Return what a resolved path belongs to, such as "a block", or "" if it can be an output."""
        folder, name = os.path.split(real.casefold())
        if name in _FILES:
            return _FILES[name]
        if os.path.basename(folder) == ".assemble" and name.endswith(".schema.json"):
            return "a schema"
        places = self._places_for(os.path.dirname(real))
        return next((place.what for place in places if place.holds(folder, name)), "")

    def _places(self, folder: str) -> list[_Place]:
        """The kinds of sources that files directly in a resolved folder can be."""
        others = (place for above in upwards(folder, self._kit.root) for place in self._other_places(above))
        return [place for place in (*self._own_places, *others) if is_inside(folder.casefold(), place.folder)]

    @cached_property
    def _own_places(self) -> list[_Place]:
        return list(_places_of(self._kit))

    def _find_other_places(self, folder: str) -> list[_Place]:
        """The places of another kit in a folder. Cached, because the folders above all outputs are mostly the same."""
        if folder != self._kit.folder:
            with suppress(AssembleError):  # an unreadable kit is reported when it is built
                if discovery.is_marked(folder, self._kit.files):
                    kit = discovery.read_kit(folder, self._kit.files)
                    return [place._replace(what=f"{place.what} of another kit") for place in _places_of(kit)]
        return []


def _places_of(kit: LoadedKit) -> Iterator[_Place]:
    settings = kit.settings
    # A kit with templates can include any file in their folder, but the folder can also contain everything else.
    templates = ".j2" if settings.templates == "." or not kit.templates() else ""
    folders = [("a manifest", settings.manifests, ".toml"), ("a template", settings.templates, templates)]
    folders += [("a block", folder, ".md") for folder in settings.blocks]
    for what, folder, suffix in folders:
        yield _Place(what, kit.files.resolve(kit.path(folder)).casefold(), suffix)
