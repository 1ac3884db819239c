"""What is at a position of a source: the key or value, and what it names."""

from __future__ import annotations

from collections.abc import Mapping

from lsprotocol import types

from kei_assembler.diagnostics import KeyPath
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import SECTION_MARK
from kei_assembler.lsp.positions import Text
from kei_assembler.lsp.snapshot import Snapshot, path_of
from kei_assembler.markdown.placeholders import places
from kei_assembler.model.inheritance import BUNDLE, DROPPED
from kei_assembler.model.kinds import AGENT, SKILL
from kei_assembler.paths import display_path_from
from kei_assembler.records import NamedTuple
from kei_assembler.repair.names import BLOCK, BUNDLE_KIND, VALUE
from kei_assembler.rules.values import values_in
from kei_assembler.toml.cursor import Kind, Word, word_at

ENTRY, MANIFEST, TOOL, TARGET, ROLE_FILE, CODE = "entry", "manifest", "tool", "target", "role-file", "code"

_ANY = "*"
_OF_MANIFESTS: Mapping[KeyPath, str] = {
    ("name",): MANIFEST,
    ("extends",): MANIFEST,
    ("blocks", _ANY): ENTRY,
    ("handoff", _ANY, "target"): AGENT.name,
    ("tools", _ANY): TOOL,
    ("targets", _ANY): TARGET,
    ("role", "file"): ROLE_FILE,
}
_OF_SETTINGS: Mapping[KeyPath, str] = {
    ("obligatory", _ANY): ENTRY,
    ("bundles", _ANY, _ANY): ENTRY,
    ("targets", _ANY): TARGET,
    ("allow-rights", _ANY, "agent"): AGENT.name,
    ("ignore", _ANY): CODE,
    **{("defaults", *path): slot for path, slot in _OF_MANIFESTS.items()},
}
_KEYS: Mapping[KeyPath, str] = {
    ("target", _ANY): TARGET,
    ("values", _ANY): VALUE,
    ("target", _ANY, "values", _ANY): VALUE,
}
_KEYS_OF_SETTINGS: Mapping[KeyPath, str] = {**_KEYS, ("bundles", _ANY): BUNDLE_KIND}


_SCOPES = {"Agent": AGENT.name, "Task": AGENT.name, "Skill": SKILL.name}
"""The tools whose scope names manifests, and the kinds of these."""

_KINDS = {"agents": AGENT.name, "skills": SKILL.name}
"""The kinds of `rules.values.Named` that are kinds of manifests."""


class Subject(NamedTuple):
    """Something that a word names, and the offsets of the name in the text. `entry` is a whole entry of a list.

    `kind` is that of `repair.names.Name`, or one of the constants above.
    """

    kind: str
    name: str
    start: int
    end: int
    entry: str = ""


class Place(NamedTuple):
    """An offset in the text of a source, whose file is relative to the kit. `word` is the word there in a TOML file."""

    snapshot: Snapshot
    kit: LoadedKit
    file: str
    text: Text
    offset: int
    word: Word | None

    @property
    def is_settings(self) -> bool:
        """Whether the source is the settings."""
        return bool(self.kit.settings_source) and self.file == self.kit.settings_source.file  # type: ignore[union-attr]

    @property
    def at(self) -> KeyPath | None:
        """The path of the word in the manifest, or in the table of the settings. None if it is not in there."""
        if self.word is None:
            return None
        base = self.kit.settings_at if self.is_settings else ()
        return self.word.own_path[len(base) :] if self.word.own_path[: len(base)] == base else None

    @property
    def slot(self) -> str:
        """What the word has to name, or "" if it names nothing."""
        path = self.at or ()
        if self.word and self.word.kind is not Kind.VALUE:
            return _slot(path, _KEYS_OF_SETTINGS if self.is_settings else _KEYS)
        return _slot(path, _OF_SETTINGS if self.is_settings else _OF_MANIFESTS)

    @property
    def subject(self) -> Subject | None:
        """What the word names, or the placeholder."""
        found, word = self._placeholder(), self.word
        if found or word is None or not word.text:
            return found
        slot, plain = self.slot, word.text.removeprefix(DROPPED)
        start = word.end - len(plain)
        if slot == ENTRY:
            return _entry(plain, start)
        if slot == TOOL:
            return self._tool(plain, start)
        kind = self.kit.manifest_files.kind_of(self.file).name if slot == MANIFEST else slot
        return Subject(kind, plain, start, word.end) if kind else self._value_of_client(word)

    def _tool(self, entry: str, start: int) -> Subject:
        """What an entry of `tools` names at the offset: the tool, or an agent or a skill in its scope."""
        tool, at = entry.partition("(")[0], self.offset - start
        if at <= len(tool) or tool not in _SCOPES:
            return Subject(TOOL, tool, start, start + len(tool))
        first = max(entry.rfind(mark, 0, at) for mark in "(, ") + 1
        last = min((end for mark in "), " if (end := entry.find(mark, at)) >= 0), default=len(entry))
        return Subject(_SCOPES[tool], entry[first:last], start + first, start + last)

    def _value_of_client(self, word: Word) -> Subject | None:
        """The agent or skill that a value of a client's own key names."""
        if self.is_settings or self.kit.decoded(self.file)[1]:
            return None
        for value in values_in(self.kit.read_manifest(self.file).data.get("target", {})):
            if value.path == self.at and value.text == word.text and value.kind in _KINDS:
                return Subject(_KINDS[value.kind], word.text, word.start, word.end)
        return None

    def _placeholder(self) -> Subject | None:
        word = self.word
        if word and not (word.kind is Kind.VALUE and word.quote):
            return None
        text, start = (word.text, word.start) if word else ("" if self._is_toml else self.text.text, 0)
        for place in places(text):
            if place.name and place.start <= self.offset - start <= place.end:
                return Subject(VALUE, place.name, start + place.start + 2, start + place.end - 2)
        return None

    @property
    def _is_toml(self) -> bool:
        return self.file.endswith(".toml")


def _entry(entry: str, start: int) -> Subject:
    """What an entry of a list of blocks names."""
    end = start + len(entry)
    if entry.startswith(BUNDLE):
        return Subject(BUNDLE_KIND, entry.removeprefix(BUNDLE), start + len(BUNDLE), end, entry)
    name = entry.partition(SECTION_MARK)[0]
    return Subject(BLOCK, name, start, start + len(name), entry)


def _slot(path: KeyPath, slots: Mapping[KeyPath, str]) -> str:
    for pattern, slot in slots.items():
        if len(path) == len(pattern) and all(step in (_ANY, part) for step, part in zip(pattern, path, strict=True)):
            return slot
    return ""


def place_at(snapshot: Snapshot, uri: str, position: types.Position) -> Place | None:
    """Return the place at a position of a source of a kit, or None if the file is not a source."""
    found = source_at(snapshot, uri)
    if found is None:
        return None
    kit, file = found
    text = snapshot.text(kit.path(file))
    offset = text.offset(position)
    word = word_at(text.text, offset) if file.endswith(".toml") else None
    return Place(snapshot, kit, file, text, offset, word)


def source_at(snapshot: Snapshot, uri: str) -> tuple[LoadedKit, str] | None:
    """Return the kit that a file is a source of, and the file relative to it. None if it is not a source."""
    path = path_of(uri)
    for kit in snapshot.usable_kits(path) if path else ():
        file, known = display_path_from(kit.folder, path or ""), kit.sources()
        linked = (each for each in known if kit.files.resolve(kit.path(each)) == path)
        if found := file if file in known else next(linked, ""):
            return kit, found
    return None
