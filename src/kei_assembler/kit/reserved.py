"""Reserved paths: those of settings, sources, templates, schemas and the lock of a kit. An output cannot have one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache

from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import PROJECT_FILE, SETTINGS_FILE, LoadedKit, discovery
from kei_assembler.kit.discovery import DEFAULT_BLOCKS
from kei_assembler.paths import folded, is_hidden, is_inside, upwards
from kei_assembler.records import NamedTuple

_FILES = {SETTINGS_FILE: "the settings of a kit", PROJECT_FILE: "the settings of a kit", "assemble.lock": "a lock"}


class _Kind(NamedTuple):
    """A kind of source that lies in a folder: the end of the files' names, and whether hidden files count."""

    what: str
    suffix: str
    is_hidden: bool


class ReservedPaths:
    """The reserved paths of a kit and of the kits in the folders above its outputs, whether the files exist or not."""

    def __init__(self, kit: LoadedKit) -> None:
        self._kit = kit
        self._kit_in = cache(self._find_kit_in)
        self._places_in = cache(lambda kit: list(_places_of(kit)))
        self._kinds_in = cache(lambda folder, top: list(self._kinds(folder, top)))
        self._owner_of_folders = cache(self._find_owner_of_folders)

    def owner(self, real: str, top: str) -> str:
        """Return what a resolved path belongs to, such as "a block", or "" if it can be an output.

        `top` is the folder that it must lie in: kits further up do not count.
        The folders on the path count, too: a folder in the place of a source cannot be read, and stops every later run.
        """
        return self._owner_at(real, top) or self._owner_of_folders(os.path.dirname(real), top)

    def _find_owner_of_folders(self, folder: str, top: str) -> str:
        above = [each for each in upwards(folder, top) if each != top]
        return next(filter(None, (self._owner_at(each, top) or self._blocks_of_new_kit(each) for each in above)), "")

    def _blocks_of_new_kit(self, folder: str) -> str:
        """What a folder belongs to if it would make the folder around it a kit, by its name alone."""
        around, name = os.path.split(folder)
        if folded(name) == DEFAULT_BLOCKS and around != self._kit.folder:
            with suppress(AssembleError):
                return "" if discovery.is_marked(around, self._kit.files) else "a block of another kit"
        return ""

    def _owner_at(self, real: str, top: str) -> str:
        folder, _, name = real.rpartition(os.sep)
        name = folded(name)
        if name in _FILES:
            return _FILES[name]
        for kind in self._kinds_in(folder, top):
            if name.endswith(kind.suffix) and (kind.is_hidden or not name.startswith(".")):
                return kind.what
        return ""

    def _kinds(self, folder: str, top: str) -> Iterator[_Kind]:
        """The kinds of sources that files directly in a resolved folder can be. Hidden files are only templates."""
        lower = folded(folder)
        if os.path.basename(lower) == ".assemble":
            yield _Kind("a schema", ".schema.json", is_hidden=True)
        for kit, whose in ((self._kit, ""), *((kit, " of another kit") for kit in self._kits_above(folder, top))):
            for what, place, suffix in self._places_in(kit):
                below = lower[len(place) :].lstrip(os.sep).replace(os.sep, "/")
                is_template = suffix not in (".toml", ".md")
                if is_inside(lower, place) and (is_template or not is_hidden(below)):
                    yield _Kind(what + whose, suffix, is_template)

    def _kits_above(self, folder: str, top: str) -> Iterator[LoadedKit]:
        return filter(None, map(self._kit_in, upwards(folder, top)))

    def _find_kit_in(self, folder: str) -> LoadedKit | None:
        """Another kit in a folder. Cached, because the folders above all outputs are mostly the same."""
        if folder != self._kit.folder:
            with suppress(AssembleError):  # an unreadable kit is reported when it is built
                if discovery.is_marked(folder, self._kit.files):
                    return discovery.read_kit(folder, self._kit.files)
        return None


def _places_of(kit: LoadedKit) -> Iterator[tuple[str, str, str]]:
    """The kinds of sources of a kit: what they are called, their resolved, folded folder, and their suffix."""
    settings = kit.settings
    # A kit with templates can include any file in their folder, but the folder can also contain everything else.
    templates = ".j2" if settings.templates == "." or not kit.templates() else ""
    folders = [("a manifest", folder, ".toml") for folder in settings.manifests]
    folders += [("a template", settings.templates, templates)]
    folders += [("a block", folder, ".md") for folder in settings.blocks]
    for what, folder, suffix in folders:
        yield what, folded(kit.files.resolve(kit.path(folder))), suffix
