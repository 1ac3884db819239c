"""Merge one agent's changes into the sources that it is in now: its manifest, its role file and its blocks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import KeyPath
from kei_assembler.importing import roles
from kei_assembler.importing.block_names import BlockNames
from kei_assembler.importing.convert import Conversion
from kei_assembler.importing.origin import is_origin_comment, origin_comments
from kei_assembler.importing.pending_kit import block_file, manifest_text, with_pieces
from kei_assembler.importing.updates.texts import merge_texts
from kei_assembler.importing.updates.values import Conflict, leaves, merged_value, shown
from kei_assembler.importing.updates.versions import Version, text_for
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.role_files import role_file
from kei_assembler.model.inheritance import INHERITED
from kei_assembler.model.settings import value_at
from kei_assembler.records import NamedTuple
from kei_assembler.repair.rename import files_of_block
from kei_assembler.toml.assignments import assigned
from kei_assembler.toml.source import with_lf
from kei_assembler.value_types import is_texts
from kei_assembler.whitespace import has_text


class BlockChange(NamedTuple):
    """The text that a block is to get for an agent. `entry` is how the manifest lists the block."""

    entry: str
    file: str
    text: str


class Merged(NamedTuple):
    """What changes in the kit for one agent: the texts of files, None for no file, and blocks that others may share.

    If there are conflicts, nothing else is known.
    """

    files: Mapping[str, str | None]
    blocks: tuple[BlockChange, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


def merge(kit: LoadedKit, manifest: str, version: Version, prefers: str = "") -> Merged:
    """Return the changes that give an agent what changed in its files. `manifest` is where its manifest is now.

    If nobody edited the sources, they become what an import of the files writes. `prefers` is as in `merge_texts`.
    """
    if version.apart:
        files = ", ".join(each.agent.source.file for each in version.apart)
        return Merged({}, conflicts=(Conflict(f"the text: one manifest can no longer have that of {files}", "", ""),))
    untouched = _as_imported(kit, manifest, version)
    return Merged(untouched) if untouched is not None else _Merge(kit, manifest, version, prefers).merge()


def _as_imported(kit: LoadedKit, manifest: str, version: Version) -> dict[str, str | None] | None:
    """Return the files of a new import if the present ones are those of the former import, or None."""
    name = version.theirs.name
    present = role_file(kit.read_manifest(manifest).data)
    pieces = _pieces(kit, manifest, version)
    if not pieces or not all(_has_text(kit, *each) for each in _files(pieces.base, manifest, present).items()):
        return None
    theirs = pieces.theirs
    role = str(theirs.data.get("role", ""))
    file = present or roles.role_file(name)
    is_in_file = roles.is_for_file(role) and (bool(present) or not roles.obstacle(kit, theirs))
    new = _files(theirs, manifest, file if is_in_file else "")
    return {**dict.fromkeys(filter(None, [present])), **pieces.files, **new}


class _Pieces(NamedTuple):
    """Both versions of an agent with the names of the blocks for its clients, and the files of these that change."""

    base: Conversion
    theirs: Conversion
    files: Mapping[str, str | None]


def _pieces(kit: LoadedKit, manifest: str, version: Version) -> _Pieces | None:
    """Return what becomes of the blocks for clients, or None if they are not as they were imported."""
    names = BlockNames(kit)
    base = with_pieces(_named(version.base, version.theirs.name), names)
    if names.new:
        return None
    own = [each for each in base.data.get("blocks", ()) if not _is_used_elsewhere(kit, manifest, each)]
    names = BlockNames(kit, own)
    theirs = with_pieces(version.theirs, names)
    gone = dict.fromkeys(file for each in own for file in files_of_block(kit, each))
    return _Pieces(base, theirs, {**gone, **{block_file(kit, each): text for each, text in names.new.items()}})


def _named(conversion: Conversion, name: str) -> Conversion:
    return conversion._replace(data={**conversion.data, "name": name})


def _files(conversion: Conversion, manifest: str, role: str) -> dict[str, str]:
    """Return the texts of the manifest of an import and of its role file, if it has one."""
    comment = origin_comments(conversion)
    if not role:
        return {manifest: manifest_text(conversion.data, comment)}
    data = {**conversion.data, "role": {"file": role}}
    return {manifest: manifest_text(data, comment), role: roles.file_text(str(conversion.data.get("role", "")))}


def _has_text(kit: LoadedKit, file: str, text: str) -> bool:
    content = OutputFiles(kit).peek(file)
    return content is not None and _plain(with_lf(content).decode(errors="replace")) == _plain(text)


def _plain(text: str) -> list[str]:
    """The lines without those that say where a file was imported from."""
    return [line for line in text.split("\n") if not is_origin_comment(line)]


def _is_used_elsewhere(kit: LoadedKit, manifest: str, block: str) -> bool:
    return any(block in blocks_of(kit, other) for other in kit.manifests if other != manifest)


def blocks_of(kit: LoadedKit, manifest: str) -> list[str]:
    """Return the entries of the blocks of a manifest, with those that it inherits or has from bundles."""
    entries = kit.composition.resolve(kit.read_manifest(manifest)).data.get("blocks", ())
    return [entry for entry in entries if isinstance(entry, str)] if isinstance(entries, list) else []


class _Merge:
    def __init__(self, kit: LoadedKit, manifest: str, version: Version, prefers: str) -> None:
        self.kit = kit
        self.manifest = manifest
        self.version = version
        self.prefers = prefers
        self.source = kit.read_manifest(manifest)
        self.resolved = kit.composition.resolve(self.source)
        self.text = self.source.text
        self.files: dict[str, str | None] = {}
        self.blocks: list[BlockChange] = []
        self.conflicts: list[Conflict] = []

    def merge(self) -> Merged:
        """Merge the keys, then the text."""
        base, theirs = leaves(self.version.base.data), leaves(self.version.theirs.data)
        for path in dict.fromkeys((*base, *theirs)):
            if base.get(path) != theirs.get(path):
                self._merge_key(path, base.get(path), theirs.get(path))
        self._merge_text()
        if self.conflicts:
            return Merged({}, conflicts=tuple(self.conflicts))
        old, new = (origin_comments(each) for each in (self.version.base, self.version.theirs))
        if old and old != new:
            self.text = self.text.replace(f"{old}\n", f"{new}\n" if new else "", 1)
        return Merged({self.manifest: self.text, **self.files}, tuple(self.blocks))

    def _merge_key(self, path: KeyPath, base: Any, theirs: Any) -> None:
        ours = self._ours(path)
        value = merged_value(path, base, ours, theirs)
        if isinstance(value, Conflict):
            if not self.prefers:
                self.conflicts.append(value)
            value = theirs if self.prefers == "upstream" else ours
        if value != ours and not (self._set_list(path, ours, value) or self._set(path, value)):
            what = f"`{'.'.join(map(str, path))}`, which is written in a way that cannot be edited"
            self.conflicts.append(Conflict(what, shown(ours), shown(theirs)))

    @cached_property
    def _settings_file(self) -> str:
        source = self.kit.settings_source
        return source.file if source else ""

    def _ours(self, path: KeyPath) -> Any:
        """The value that a manifest has or inherits from a base. What only the settings say is no value."""
        is_own = self.source.value(path) is not None
        is_inherited = bool(self.resolved.bases) and self.resolved.origin(path).file != self._settings_file
        return value_at(self.resolved.data, path) if is_own or is_inherited else None

    def _set(self, path: KeyPath, value: Any) -> bool:
        """Set a key in the manifest, or drop it there and from what it inherits."""
        made = assigned(self.text, path, value)
        inherited = value_at(self.resolved.far.data, path) if self.resolved.far and self.resolved.bases else None
        if made is not None and value is None and inherited is not None:
            unset = self.source.data.get("unset", [])
            made = assigned(made, ("unset",), [*unset, ".".join(map(str, path))])
        self.text = self.text if made is None else made
        return made is not None

    def _set_list(self, path: KeyPath, ours: Any, value: Any) -> bool:
        """Change a list that has entries which stand for others, or that is inherited. Return whether it was done."""
        own = self.source.value(path)
        is_partial = own is None or (is_texts(own) and any(each[:1] in ("@", "!") or each == INHERITED for each in own))
        if not (is_partial and is_texts(ours) and is_texts(value)):
            return False
        entries = [INHERITED] if own is None else own
        gone = [each for each in ours if each not in value]
        made = [each for each in entries if each not in gone]
        made += [each for each in value if each not in ours]
        made += [f"!{each}" for each in gone if each not in entries]
        return self._set(path, made)

    def _merge_text(self) -> None:
        """Merge the text for each client into the role and the blocks that it gets."""
        base, theirs, role = self.version.base, self.version.theirs, self._role()
        if (base.pieces or theirs.pieces) and self._take_text(role):
            return
        results: dict[tuple[str, str], dict[str, str]] = {}
        for target in self.version.targets:
            old, new = (text_for(each, target) for each in (base, theirs))
            places = {("", ""): role, **self._blocks(target)}
            merged = merge_texts(old, new, [*places.values()], self.prefers)
            self.conflicts += [each for each in merged.conflicts if each not in self.conflicts]
            for place, text in zip(places, merged.texts, strict=True):
                results.setdefault(place, {})[target] = text
        for (entry, file), texts in results.items():
            before = role if not file else self.kit.read_text(file).text
            if len({*texts.values()}) > 1:
                where = file or self.manifest
                one, other, *_ = dict.fromkeys(texts.values())
                self.conflicts.append(
                    Conflict(f"the text in {where}, which clients share, for one of them", one, other)
                )
            elif (text := next(iter(texts.values()))) != before and file:
                self.blocks.append(BlockChange(entry, file, text))
            elif text != before:
                self._set_role(text)

    def _take_text(self, role: str) -> bool:
        """Take the text and its blocks for clients as they are in the changed files, if nobody changed them here."""
        pieces = _pieces(self.kit, self.manifest, self.version)
        own = self.source.data.get("blocks", [])
        if pieces is None or not is_texts(own) or role.strip("\n") != str(pieces.base.data.get("role", "")):
            return False
        old, new = (each.data.get("blocks", []) for each in (pieces.base, pieces.theirs))
        if [each for each in own if each in old] != old:
            return False
        others = [each for each in own if each not in old]
        at = own.index(old[0]) if old else len(others)
        self._set(("blocks",), [*others[:at], *new, *others[at:]] or None)
        self.files |= pieces.files
        self._set_role(str(pieces.theirs.data.get("role", "")))
        return True

    def _role(self) -> str:
        data, _ = self.kit.role_files.with_text(self.resolved.data)
        role = data.get("role", "")
        return role if isinstance(role, str) else ""

    def _blocks(self, target: str) -> dict[tuple[str, str], str]:
        found = ((entry, self.kit.block(entry, target)) for entry in blocks_of(self.kit, self.manifest))
        return {(entry, block.source.file): block.source.text for entry, block in found if block}

    def _set_role(self, text: str) -> None:
        file, role = role_file(self.source.data), roles.file_text(text.rstrip("\n")) if has_text(text) else None
        if file and role:
            self.files[file] = role
        elif not self._set(("role",), role):
            self.conflicts.append(Conflict("the role, which is written in a way that cannot be edited", "", text))
