"""Where something is defined, and where it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from lsprotocol import types

from kei_assembler.diagnostics import KeyPath
from kei_assembler.kit import LoadedKit
from kei_assembler.lsp.places import ROLE_FILE, Place, Subject
from kei_assembler.lsp.snapshot import Snapshot
from kei_assembler.model.kinds import KINDS
from kei_assembler.repair.names import BLOCK, BUNDLE_KIND, VALUE, Name
from kei_assembler.repair.references import Sources, references, set_values
from kei_assembler.toml.source import Source
from kei_assembler.toml.strings import key_offsets


def location(snapshot: Snapshot, kit: LoadedKit, file: str, start: int = 0, end: int = 0) -> types.Location:
    """Return the location of a part of a source, by offsets in its text."""
    path = kit.path(file)
    return types.Location(snapshot.uri(path), snapshot.text(path).range(start, end))


def definitions(place: Place) -> list[types.Location]:
    """Return where what is at a place is defined."""
    subject = place.subject
    found = _FINDERS[subject.kind](place.kit, subject) if subject and subject.kind in _FINDERS else ()
    return [location(place.snapshot, place.kit, *each) for each in found]


Found = Iterator[tuple[str, int, int]]


def _block(kit: LoadedKit, subject: Subject) -> Found:
    block = kit.block(subject.name)
    if block is None:
        return
    section = kit.blocks.section_of(block, subject.entry)
    start = section.start if section else 0
    end = block.source.text.find("\n", start) if section else 0
    yield block.source.file, start, max(start, end)


def _bundle(kit: LoadedKit, subject: Subject) -> Found:
    yield from _key(kit.settings_source, kit.settings_path("bundles", subject.name))


def _manifest(kit: LoadedKit, subject: Subject) -> Found:
    file = kit.manifest_files.named(KINDS[subject.kind]).get(subject.name)
    if file:
        source = kit.read_manifest(file)
        yield next(_key(source, ("name",)), (file, 0, 0))


def _value(kit: LoadedKit, subject: Subject) -> Found:
    for each in set_values(Sources(kit), subject.name):
        yield from _key(each.source, each.path)


def _role_file(kit: LoadedKit, subject: Subject) -> Found:
    if kit.role_files.is_readable(subject.name):
        yield subject.name, 0, 0


def _key(source: Source | None, path: KeyPath) -> Found:
    if source:
        yield from ((source.file, start, end) for start, end in key_offsets(source, path)[:1])


_FINDERS: Mapping[str, Callable[[LoadedKit, Subject], Found]] = {
    BLOCK: _block,
    BUNDLE_KIND: _bundle,
    ROLE_FILE: _role_file,
    VALUE: _value,
    **dict.fromkeys(KINDS, _manifest),
}


class _ValidSources(Sources):
    """The sources of a kit, without the manifests that have errors in the shape of their values."""

    @cached_property
    def manifests(self) -> dict[str, Source]:
        """The valid manifests of the kit by their files."""
        found = {file: self.kit.read_manifest(file) for file in self.kit.manifests}
        return {file: source for file, source in found.items() if not source.error and not self.kit.decoded(file)[1]}


def name_at(place: Place) -> Name | None:
    """Return what is at a place, if it is something that a kit names. In a block, that is the block itself."""
    kit, subject = place.kit, place.subject
    if subject and subject.kind in KINDS:
        file = kit.manifest_files.named(KINDS[subject.kind]).get(subject.name)
        return Name(subject.kind, subject.name, file) if file else None
    if subject and subject.kind in (BLOCK, BUNDLE_KIND, VALUE):
        return Name(subject.kind, subject.name)
    if place.word is None and not place.file.endswith(".toml"):
        block = next((name for name in kit.block_names if place.file in kit.blocks.files(name)), "")
        return Name(BLOCK, block) if block else None
    return None


def uses(place: Place, with_definition: bool) -> list[types.Location]:
    """Return where what is at a place is used, and perhaps also where it is defined.

    Raises:
        AssembleError: a source cannot be read.
    """
    name, kit = name_at(place), place.kit
    if name is None:
        return []
    found = [one for one in references(_ValidSources(kit), name) if one.what or with_definition]
    places = [location(place.snapshot, kit, one.file, one.start, one.end) for one in found]
    if with_definition and name.kind == BLOCK and (block := kit.block(name.name)):
        places.insert(0, location(place.snapshot, kit, block.source.file))
    return places
