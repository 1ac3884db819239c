"""Find the places in a kit's sources that name something of the kit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from string import ascii_letters, digits
from typing import Any

from kei_assembler.diagnostics import AssembleError, KeyPath
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import split_entry
from kei_assembler.markdown.placeholders import may_have_placeholders, places
from kei_assembler.model.inheritance import BUNDLE, DROPPED
from kei_assembler.model.kinds import AGENT, SKILL
from kei_assembler.model.kinds import KINDS as MANIFEST_KINDS
from kei_assembler.model.settings import value_at
from kei_assembler.model.values import value_tables
from kei_assembler.records import NamedTuple
from kei_assembler.repair.edits import Edit
from kei_assembler.repair.names import BLOCK, BUNDLE_KIND, VALUE, Name
from kei_assembler.rules.values import Named, scope_of, values_in
from kei_assembler.targets.instructions import SKILL_TOOLS
from kei_assembler.toml.source import Source
from kei_assembler.toml.strings import key_offsets, offsets


class Reference(NamedTuple):
    """A place that names something: the offsets of the name in the text of a source, and what it says about it.

    `what` completes the sentence "FILE …", such as "hands off to it". It is empty where the thing itself gets its name.
    `path` is that of the value or key in TOML, and empty in Markdown. `is_bare` says that it is a key without quotes.
    """

    file: str
    start: int
    end: int
    what: str
    path: KeyPath = ()
    is_bare: bool = False

    def renamed(self, name: str) -> Edit:
        """Return the edit that writes another name there."""
        text = f'"{name}"' if self.is_bare and not _BARE.issuperset(name) else name
        return Edit(self.file, self.start, self.end, text)


_BARE = frozenset(f"{ascii_letters}{digits}_-")
"""The characters of a key without quotes (TOML 1.1, section Keys)."""


class Part(NamedTuple):
    """A part of a string in parsed TOML: the path, the whole string, and the part's offsets in it."""

    path: KeyPath
    text: str
    start: int
    end: int


class Sources:
    """The sources of a kit, each read once."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit

    @cached_property
    def manifests(self) -> dict[str, Source]:
        """The manifests of the kit by their files."""
        return {file: self.kit.read_manifest(file) for file in self.kit.manifests}

    @cached_property
    def texts(self) -> list[Source]:
        """The blocks, with their variants, and the role files."""
        kit = self.kit
        blocks = (file for folder in kit.settings.blocks for file in kit.files_in(folder, ".md"))
        return [kit.read_text(file) for file in dict.fromkeys((*blocks, *kit.role_files.named))]

    @property
    def settings(self) -> Mapping[str, Any]:
        """The table of the settings, as parsed."""
        table: Mapping[str, Any] = self.kit.settings_table
        return table

    def in_manifest(self, file: str, part: Part, what: str) -> Reference:
        """Return the reference for a part of a string in a manifest."""
        return _reference(self.manifests[file], part, what)

    def in_settings(self, part: Part, what: str) -> Reference:
        """Return the reference for a part of a string in the settings, whose path starts at their table."""
        source = self.kit.settings_source
        assert source is not None
        return _reference(source, part._replace(path=self.kit.settings_path(*part.path)), what)


def _reference(source: Source, part: Part, what: str) -> Reference:
    found = offsets(source, part.path, part.text, part.start, part.end)
    if found is None:
        place = source.locate(part.path)
        raise AssembleError(f"{source.file}:{place.line}: this value cannot be edited", "edit it by hand")
    return Reference(source.file, *found, what, part.path)


def references(sources: Sources, name: Name) -> list[Reference]:
    """Return all places in a kit's sources that name something, sorted by file and position.

    The kit has to be free of errors.

    Raises:
        AssembleError: a source cannot be read, or is written in a way that cannot be edited.
    """
    return sorted(_FINDERS[name.kind](sources, name), key=lambda one: one[:3])


def _of_manifest(sources: Sources, name: Name) -> Iterator[Reference]:
    kit, kind = sources.kit, MANIFEST_KINDS[name.kind]
    for file, source in sources.manifests.items():
        if file == name.file:
            yield sources.in_manifest(file, _whole(("name",), name.name), "")
        if source.data.get("extends") == name.name and kit.manifest_files.kind_in(file, source.data) is kind:
            yield sources.in_manifest(file, _whole(("extends",), name.name), "extends it")
        for index, handoff in enumerate(source.data.get("handoff", ()) if kind is AGENT else ()):
            if handoff.get("target") == name.name:
                part = _whole(("handoff", index, "target"), name.name)
                is_drop = handoff.get("trigger") is False
                yield sources.in_manifest(file, part, "drops a handoff to it" if is_drop else "hands off to it")
    kinds = _kinds_of_values(sources, name)
    for source in sources.manifests.values():
        yield from _limits(source, source.data, (), name.name, kinds)
    if kit.settings_source:
        for at in (kit.settings.of_kind(each).at for each in MANIFEST_KINDS.values()):
            table = value_at(sources.settings, (*at, "defaults")) or {}
            yield from _limits(kit.settings_source, table, kit.settings_path(*at, "defaults"), name.name, kinds)
    for index, row in enumerate(kit.settings.allow_rights):
        if row["agent"] == name.name and _is_about(kit, name, row["rights"]):
            yield sources.in_settings(_whole(("allow-rights", index, "agent"), name.name), ALLOWS)


ALLOWS = "allows it rights"
"""What a reference says that belongs to the manifest, although it is in the settings."""


def _is_about(kit: LoadedKit, name: Name, rights: Iterable[str]) -> bool:
    """Whether allowed rights are those of an agent, or those of a skill of the same name."""
    has = {kind: name.name in kit.manifest_files.named(kind) for kind in (AGENT, SKILL)}
    is_of_skill = all(right == SKILL_TOOLS for right in rights) if all(has.values()) else has[SKILL]
    return name.kind == (SKILL if is_of_skill else AGENT).name


def _whole(path: KeyPath, text: str) -> Part:
    return Part(path, text, 0, len(text))


def _kinds_of_values(sources: Sources, name: Name) -> frozenset[str]:
    """What values that name a manifest can be of: see `Named`. An agent can also be written as a skill."""
    kit = sources.kit
    kinds = {AGENT.name: {"agents"}, SKILL.name: {"skills"}}.get(name.kind, set())
    is_also_skill = name.kind == AGENT.name and bool(kit.decoded(name.file)[0].also_skill)
    if is_also_skill and name.name not in kit.manifest_files.named(SKILL):
        kinds = kinds | {"skills"}
    return frozenset(kinds)


def _limits(
    source: Source, data: Mapping[str, Any], at: KeyPath, name: str, kinds: frozenset[str]
) -> Iterator[Reference]:
    """Yield the values of tools, and of clients' own keys, that name an agent or a skill."""
    if not kinds or name not in source.text:
        return
    tools = [
        each
        for index, entry in enumerate(data.get("tools", ()))
        if isinstance(entry, str)
        for each in scope_of(entry.removeprefix(DROPPED), ("tools", index))
    ]
    what = "names it as an agent or a skill"
    for value in (*tools, *values_in(data.get("target", {}))):
        if value.kind in kinds and value.text == name:
            yield from _named(source, data, at, value, what)


def _named(source: Source, data: Any, at: KeyPath, value: Named, what: str) -> Iterator[Reference]:
    """Yield the reference of a value: a string, a part of it, or a key."""
    written = data
    for step in value.path:
        written = written[step]
    path = (*at, *value.path)
    start = _word(written, value.text) if isinstance(written, str) else -1
    if start >= 0:
        yield _reference(source, Part(path, written, start, start + len(value.text)), what)
    else:
        yield from _keys(source, path, what)


def _word(text: str, name: str) -> int:
    """Return where a text has a name: as a whole, or as a word in a scope such as `Agent(critic-2, critic)`, or -1."""
    if text == name:
        return 0
    start = text.find(name)
    while start > 0 and not (text[start - 1] in "(, \t" and text[start + len(name)] in "), \t"):
        start = text.find(name, start + 1)
    return start if start > 0 else -1


def _entries(sources: Sources) -> Iterator[tuple[KeyPath, str, str, str]]:
    """Yield all entries of lists of blocks: the path, the entry, the manifest or "" for settings, and what lists it."""
    for file, source in sources.manifests.items():
        for index, entry in enumerate(source.data.get("blocks", ())):
            yield ("blocks", index), entry, file, "lists it"
    for at in (sources.kit.settings.of_kind(kind).at for kind in MANIFEST_KINDS.values()):
        for index, entry in enumerate(value_at(sources.settings, (*at, "obligatory")) or ()):
            yield (*at, "obligatory", index), entry, "", "makes it obligatory"
    for bundle, entries in sources.settings.get("bundles", {}).items():
        for index, entry in enumerate(entries):
            yield ("bundles", bundle, index), entry, "", f"has it in the bundle `{bundle}`"


def _listed(sources: Sources, mark: str, name: str) -> Iterator[Reference]:
    """Yield the entries of lists of blocks that name a block or, with the mark, a bundle, or drop it."""
    for path, entry, file, what in _entries(sources):
        if not isinstance(entry, str):
            continue
        plain = entry.removeprefix(DROPPED)
        if split_entry(plain)[0] != mark + name:
            continue
        start = len(entry) - len(plain) + len(mark)
        part = Part(path, entry, start, start + len(name))
        yield sources.in_manifest(file, part, what) if file else sources.in_settings(part, what)


def _of_block(sources: Sources, name: Name) -> Iterator[Reference]:
    return _listed(sources, "", name.name)


def _of_bundle(sources: Sources, name: Name) -> Iterator[Reference]:
    yield from _keys(sources.kit.settings_source, sources.kit.settings_path("bundles", name.name))
    yield from _listed(sources, BUNDLE, name.name)


def _keys(source: Source | None, path: KeyPath, what: str = "") -> Iterator[Reference]:
    """Yield the mentions of a key."""
    if source is None:
        return
    for start, end in key_offsets(source, path):
        quote = int(source.text[start] in "\"'")
        yield Reference(source.file, start + quote, end - quote, what, path, not quote)


def _of_value(sources: Sources, name: Name) -> Iterator[Reference]:
    kit = sources.kit
    for path, table in value_tables(sources.settings):
        if name.name in table:
            yield from _keys(kit.settings_source, kit.settings_path(*path, name.name))
    for file, source in sources.manifests.items():
        for path, table in value_tables(source.data):
            if name.name in table:
                yield from _keys(source, (*path, name.name))
        for index, entry in enumerate(source.data.get("unset", ())):
            outer, _, last = str(entry).rpartition(".")
            if last == name.name and outer.rpartition(".")[2] == "values":
                part = Part(("unset", index), entry, len(outer) + 1, len(entry))
                yield sources.in_manifest(file, part, "does not inherit it")
        for path, text in texts_in(kit, source.data):
            for start, end in _placeholders(text, name.name):
                yield sources.in_manifest(file, Part(path, text, start, end), "has a placeholder for it")
    for source in sources.texts:
        for start, end in _placeholders(source.text, name.name):
            yield Reference(source.file, start, end, "has a placeholder for it")


_TEXTS = ("description", "role", "handoff", "domain_in", "forbidden_domain", "output_extra_fields", "references")
"""The keys whose texts values can fill, besides the kit's extra keys."""


def texts_in(kit: LoadedKit, data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Yield the texts of a manifest, as parsed, that values can fill, with their paths."""
    extra = (key for key, shape in kit.settings.extra_keys.items() if shape in ("string", "strings"))
    for key in (*_TEXTS, *extra):
        found = strings((key,), data.get(key))
        yield from (each for each in found if (key, each[0][-1]) not in (("role", "file"), ("handoff", "target")))


def strings(path: KeyPath, value: Any) -> Iterator[tuple[KeyPath, str]]:
    """Yield the strings in a value of parsed TOML, with their paths."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping | list):
        inner: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, Mapping) else enumerate(value)
        for step, each in inner:
            yield from strings((*path, step), each)


def _placeholders(text: str, name: str) -> Iterator[tuple[int, int]]:
    """Yield where a text has the name in a placeholder."""
    for place in places(text) if may_have_placeholders(text) and name in text else ():
        if place.name == name:
            yield place.start + 2, place.end - 2


_FINDERS: Mapping[str, Callable[[Sources, Name], Iterator[Reference]]] = {
    **dict.fromkeys(MANIFEST_KINDS, _of_manifest),
    BLOCK: _of_block,
    BUNDLE_KIND: _of_bundle,
    VALUE: _of_value,
}
