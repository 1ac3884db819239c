"""The causes of a change: which sources and which settings differ between two states of a kit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from typing import Any

from kei_assembler.analysis.impact.ends import End, Inputs
from kei_assembler.analysis.impact.results import CHANGED, DELETED, NEW, Cause, Change
from kei_assembler.build.diff import hunks, matched_lines
from kei_assembler.diagnostics import KeyPath
from kei_assembler.kit import LoadedKit
from kei_assembler.model.kinds import AGENT, ItemName
from kei_assembler.render.places import dotted
from kei_assembler.toml.source import Source
from kei_assembler.toml.writer import entry

_EVERYWHERE = ("manifests", "blocks", "block-conflicts", "templates", "root", "extra-keys")
"""The settings that all files can depend on."""

TARGETS_KEY: KeyPath = ("targets",)


class Causes:
    """What differs between two states of a kit."""

    def __init__(self, before: End, after: End) -> None:
        self.before = before
        self.after = after
        self.is_changed = cache(self._is_changed)
        self.of_file = cache(self._of_file)
        """Returns the cause for a source other than the settings."""
        self.changed_lines = cache(self._changed_lines)
        self.changed_texts = cache(self._changed_texts)
        self.is_key_changed = cache(self._is_key_changed)
        self._mentions = cache(self._find_mentions)

    @cached_property
    def settings(self) -> dict[KeyPath, tuple[Any, Any]]:
        """The settings that differ, by their key paths, each with its values before and after; None for no value."""
        old, new = (_entries(end.kit) for end in (self.before, self.after))
        paths = dict.fromkeys((*old, *new))
        # not `==`: the order of the keys of a table can count, and `1 == True`
        return {path: (old.get(path), new.get(path)) for path in paths if repr(old.get(path)) != repr(new.get(path))}

    @cached_property
    def settings_file(self) -> str:
        """The file of the settings as it is now, or as it was."""
        kits = (end.kit for end in (self.after, self.before))
        return next((kit.settings_source.file for kit in kits if kit and kit.settings_source), "")

    @cached_property
    def bases(self) -> frozenset[str]:
        """The files of all manifests that others extend, before or after."""
        ends = (self.before, self.after)
        return frozenset(base for end in ends for name in end.items for base in end.inputs(name).bases)

    def _is_changed(self, file: str) -> bool:
        return _content(self.before.source(file)) != _content(self.after.source(file))

    def of_setting(self, path: KeyPath) -> Cause:
        """Return the cause for a setting."""
        kind = {"bundles": "bundle", "values": "value"}.get(str(path[0]), "setting")
        kind = "value" if path[0] == "target" and path[2] == "values" else kind
        return Cause(kind, self.settings_file, dotted(path))

    def _of_file(self, file: str) -> Cause:
        ends = (self.before, self.after)
        if any(file in end.templates for end in ends):
            kind = "template"
        elif file in self.bases:
            kind = "base"
        elif any(file in end.manifests for end in ends):
            kind = "manifest"
        else:
            kind = "role" if any(file in end.role_files for end in ends) else "block"
        return Cause(kind, file)

    @cached_property
    def templates(self) -> frozenset[Cause]:
        """The templates that differ."""
        files = self.before.templates | self.after.templates
        return frozenset(self.of_file(file) for file in files if self.is_changed(file))

    def candidates(self, name: ItemName, target: str) -> frozenset[Cause]:
        """Return the causes that can have an effect on the output of an item for a target.

        Nothing else has an effect on it, except what surrounds the files of other agents, such as a plugin.
        """
        made = [(end, end.inputs(name)) for end in (self.before, self.after) if name in end.items]
        files = {file for end, inputs in made for file in _files(end, inputs, target)}
        named = {agent for _, inputs in made for agent in inputs.named}
        files |= {file for agent in named for file in self._files_of_name(agent)}
        bundles = {bundle for _, inputs in made for bundle in inputs.bundles}
        settings = (
            path
            for path in self.settings
            if path[0] in _EVERYWHERE
            or (path[0] == "bundles" and path[1] in bundles)
            or (path[0] == "values" and self._is_mentioned(str(path[1]), made, target))
            or (path[0] == "target" and path[1] == target)
            or (path[0] == "defaults" and name.kind == AGENT.name and path[1:] in _defaults_for(target))
            or path[:3] == ("kind", name.kind, "defaults")
        )
        changed = {self.of_file(file) for file in files if self.is_changed(file)}
        return frozenset((*changed, *self.templates, *map(self.of_setting, settings)))

    def has_same_manifest(self, name: ItemName) -> bool:
        """Return whether the manifest of an item, with all that it inherits, is the same before and after."""
        if self.settings or name not in self.before.items or name not in self.after.items:
            return False
        old, new = self.before.inputs(name), self.after.inputs(name)
        return old._replace(bundles=new.bundles) == new and not any(map(self.is_changed, new.files))

    def _files_of_name(self, agent: str) -> Iterator[str]:
        """Yield the manifests that decide the name of another agent, if the name differs."""
        name = ItemName(AGENT.name, agent)
        known = [end.inputs(name) for end in (self.before, self.after) if name in end.items]
        files = {file for inputs in known for file in inputs.manifests}
        if any(map(self.is_changed, files)) and self.before.display_name(agent) != self.after.display_name(agent):
            yield from files

    def has_other_prefixes(self, name: ItemName, target: str) -> bool:
        """Return whether a client calls other agents that an agent names by other names, because of their plugins."""
        named = {agent for end in (self.before, self.after) if name in end.items for agent in end.inputs(name).named}
        return any(self.before.prefix(agent, target) != self.after.prefix(agent, target) for agent in named)

    def _is_mentioned(self, value: str, made: Iterable[tuple[End, Inputs]], target: str) -> bool:
        return any(
            value in self._mentions(end, file) or None in self._mentions(end, file)
            for end, inputs in made
            for file in _files(end, inputs, target)
        )

    def _find_mentions(self, end: End, file: str) -> frozenset[str | None]:
        """The values that differ and that a source names, or None for all: an escape can hide a name."""
        source = end.source(file)
        if source is None:
            return frozenset()
        if file in end.manifests and source.has_escapes:
            return frozenset((None,))
        names = {str(path[1]) for path in self.settings if path[0] == "values"}
        return frozenset(name for name in names if name in source.text)

    def _changed_lines(self, file: str, is_after: bool) -> frozenset[int]:
        """The lines of a source, from 1, that the other state does not have."""
        end, other = (self.after, self.before) if is_after else (self.before, self.after)
        lines, others = (source.lines if source else [] for source in (end.source(file), other.source(file)))
        return frozenset(number for number, match in enumerate(matched_lines(lines, others), 1) if match is None)

    def is_line_changed(self, file: str, line: int, is_after: bool) -> bool:
        """Return whether the other state of a source does not have a line, given by its number from 1.

        If a source has the same line several times, each of them can be the one that changed.
        """
        source = (self.after if is_after else self.before).source(file)
        text = source.lines[line - 1] if source and line <= len(source.lines) else None
        return text is not None and text in self.changed_texts(file, is_after)

    def _changed_texts(self, file: str, is_after: bool) -> frozenset[str]:
        source = (self.after if is_after else self.before).source(file)
        lines = source.lines if source else []
        return frozenset(lines[number - 1] for number in self.changed_lines(file, is_after))

    def _is_key_changed(self, file: str, key: str) -> bool:
        """Whether the value at a top-level key of a manifest differs."""
        sources = self.before.source(file), self.after.source(file)
        old, new = (source.data.get(key) if source else None for source in sources)
        return repr(old) != repr(new)

    def all(self) -> Iterator[Cause]:
        """Yield all causes."""
        for file in self.before.sources | self.after.sources:
            if self.is_changed(file):
                yield self.of_file(file)
        yield from map(self.of_setting, self.settings)

    def change(self, cause: Cause) -> Change:
        """Return what happened to a source."""
        if not cause.file:
            return Change(cause, CHANGED, 0, 0)
        if cause.key:
            path = next(path for path in self.settings if dotted(path) == cause.key)
            old, new = (_as_toml(str(path[-1]), value) for value in self.settings[path])
            source = self.after.kit.settings_source if self.after.kit else None
            line = source.locate(self.after.kit.settings_path(*path)).line if source and self.after.kit else 1
        else:
            old, new = (_lines(end.source(cause.file)) for end in (self.before, self.after))
            line = 0
        diff = [text for text in hunks(old, new) if not (cause.key and text.startswith("@@"))]
        added, removed = (sum(text.startswith(sign) for text in diff) for sign in "+-")
        status = NEW if not old else CHANGED if new else DELETED
        changed = self.changed_lines(cause.file, True) if new and not line else ()
        shown = tuple(diff) if old and new else ()
        return Change(cause, status, added, removed, shown, line or min(changed, default=1))


def _defaults_for(target: str) -> tuple[KeyPath, ...]:
    return ("model",), ("tools",), ("target", target)


def _files(end: End, inputs: Inputs, target: str) -> Iterator[str]:
    """Yield the files that an item's output for a target is made of, except templates and settings."""
    yield from inputs.files
    yield from filter(None, (end.block_files(entry, target) for entry in inputs.entries))


def _content(source: Source | None) -> tuple[str, bool] | None:
    return None if source is None else (source.text, source.error is None)


def _lines(source: Source | None) -> list[str]:
    return [f"{line}\n" for line in source.text.removesuffix("\n").split("\n")] if source and source.text else []


def _as_toml(key: str, value: Any) -> list[str]:
    """The lines of a setting in TOML, one for each entry of a list."""
    if value is None:
        return []
    if isinstance(value, list) and value and not any(isinstance(each, dict | list) for each in value):
        first, last = entry(key, []).rstrip("\n").removesuffix("]"), "]"
        entries = (entry("x", each).removeprefix("x = ").rstrip("\n") for each in value)
        return [f"{first}\n", *(f"    {each},\n" for each in entries), f"{last}\n"]
    return [f"{line}\n" for line in entry(key, value).rstrip("\n").split("\n")]


def _entries(kit: LoadedKit | None) -> dict[KeyPath, Any]:
    """The settings of a kit by their key paths: a bundle, a value, and a key of a table each count as one."""
    found: dict[KeyPath, Any] = {}
    for key, value in (kit.settings_table if kit else {}).items():
        found.update(_split((key,), value))
    return found


def _split(path: KeyPath, value: Any) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the parts of a setting that count as one each, with their paths."""
    match path:
        case (
            ("bundles" | "values" | "defaults" | "target",)
            | ("defaults", "target")
            | ("target", _)
            | ("target", _, "values")
            | ("kind",)
            | ("kind", _)
            | ("kind", _, "defaults")
        ) if isinstance(value, Mapping):
            for key, inner in value.items():
                yield from _split((*path, key), inner)
        case _:
            yield path, value
