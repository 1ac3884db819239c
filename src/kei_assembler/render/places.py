"""Where the values of a manifest are written: the lines of its own file, its bases, its role file and the settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kei_assembler.diagnostics import KeyPath
from kei_assembler.kit import LoadedKit
from kei_assembler.model.inheritance import BUNDLE, INHERITED, Origin, Resolved, is_bundle
from kei_assembler.model.settings import value_at
from kei_assembler.records import NamedTuple
from kei_assembler.toml.source import Source
from kei_assembler.toml.strings import Written, written_at


class Entry(NamedTuple):
    """A place that includes a part of a file: its file, its line and, in TOML, its key. See `Part` for `kind`."""

    kind: str
    file: str
    line: int
    key: str


class Part(NamedTuple):
    """One source of a generated line.

    `file` is relative to the kit, and `line` counts from 1. A string with several lines has a part for each of them.
    `key` is a key of the TOML file, with dots and with indexes from 0. `through` are the entries that include this
    part, the nearest first: the entry of a list, those of bundles, `extends`, or a line of a template.

    - `manifest`, `base`, `setting`: a key of the manifest, of one of its bases, or of the settings
    - `value`: the value of a placeholder, whatever file it is in
    - `block`: a line of a block, of a section or of a variant; `key` is the entry in the list of blocks
    - `role`: a line of a role file
    - `template`: a line of a template. For the package's own, `file` is `default/agent.md.j2`. If it is not known which
      line it is, `line` is 0
    - `client`: what the client needs, such as a key that is the same in all files; it has no file
    - `stamp`: the stamp, or the first or last line of a section, whose name is `key`; it has no file
    - `import`: the line that imports the file with the sections; it has no file

    A file on disk can have other lines, without a file: `edit` and `outdated` are lines of a generated text that is
    not the same any more, `handwritten` is what people write around sections, and `foreign` is in a section that the
    kit does not generate, whose name is `key`.
    """

    kind: str
    file: str = ""
    line: int = 0
    key: str = ""
    through: tuple[Entry, ...] = ()


class Line(NamedTuple):
    """A line of a generated file, and where it comes from, the main part first."""

    text: str
    parts: tuple[Part, ...]


_MAX_TRAIL = 100
"""How many entries of bundles in bundles are kept on the way to a block, the nearest to the block."""

Markers = tuple[Origin | None, Mapping[Origin, tuple[Origin, ...]]]


class Places:
    """The places of one manifest's values. Paths lead to values in the data that are merged with what is inherited."""

    def __init__(self, kit: LoadedKit, file: str) -> None:
        self.kit = kit
        self.source = kit.read_manifest(file)
        self.resolved = kit.composition.resolve(self.source)
        self.data, self.role = kit.role_files.with_text(self.resolved.data)
        self._written: dict[KeyPath, Written | None] = {}
        self._known_markers: dict[tuple[str, KeyPath], Markers] = {}

    def at(self, path: KeyPath, kind: str = "") -> tuple[Part, ...]:
        """Return the parts for the value at a path: each line of a string, or the line of any other value."""
        written, part = self._string(path), self._part(path, kind)
        if written is None:
            return (part,)
        lines = range(written.lines[0][0], written.lines[-1][1] + 1)
        return tuple(part._replace(line=line) for line in lines)

    def of_line(self, path: KeyPath, number: int, kind: str = "") -> tuple[Part, ...]:
        """Return the parts for one line, from 0, of the string at a path."""
        written, part = self._string(path), self._part(path, kind)
        if written is None or number >= len(written.lines):
            return (part,)
        first, last = written.lines[number]
        return tuple(part._replace(line=line) for line in range(first, last + 1))

    def entry(self, path: KeyPath) -> Entry:
        """Return the place of the value at a path."""
        return self._entry(self.resolved.origin(path))

    def value(self, path: KeyPath) -> Any:
        """Return the value at a path as parsed, or None."""
        found: Any = self.resolved.data
        for key in path:
            try:
                found = found[key]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def _part(self, path: KeyPath, kind: str = "") -> Part:
        origin = self.resolved.origin(path)
        return Part(kind or self._kind(origin.file), *self._place(origin), self.through(path))

    def _kind(self, file: str) -> str:
        if file == self.source.file:
            return "manifest"
        return "base" if file in self.resolved.bases else "setting"

    def _place(self, origin: Origin) -> tuple[str, int, str]:
        source = self._source(origin.file)
        at = self.kit.settings_at if self._kind(origin.file) == "setting" else ()
        return origin.file, source.locate(origin.path).line, dotted(origin.path[len(at) :])

    def _source(self, file: str) -> Source:
        return self.source if file == self.source.file else self.kit.composition.source(file)

    def _string(self, path: KeyPath) -> Written | None:
        """Where the string at a path is written, or None for other values, and for what does not read the same."""
        if path not in self._written:
            origin, value = self.resolved.origin(path), self.value(path)
            written = written_at(self._source(origin.file), origin.path) if isinstance(value, str) else None
            self._written[path] = written if written and written.value == value else None
        return self._written[path]

    def through(self, path: KeyPath) -> tuple[Entry, ...]:
        """Return the entries that include the value at a path in the data of the manifest, the nearest first."""
        return tuple(reversed([*self._way_down(self.resolved, path)]))

    def _way_down(self, layer: Resolved, path: KeyPath) -> Iterator[Entry]:
        while layer.taken:
            length, found = layer.taken_at(path)
            if found is None:
                return
            inherited, bundles = self._markers(layer, path[: length - 1]) if length else (None, {})
            if isinstance(found, Origin):
                yield from map(self._entry, bundles.get(found, ()))
                return
            if inherited:
                yield self._entry(inherited)
            if layer.far is None:
                return
            if layer.far.far is not None:
                yield self._entry(Origin(layer.file, ("extends",)))
            layer, path = layer.far, (*found, *path[length:])

    def _markers(self, layer: Resolved, path: KeyPath) -> Markers:
        """The entry of a list in the file of a layer that stands for what is inherited, and the trails of its bundles.

        The trail of a block leads from the entry of the list through the entries of bundles.
        """
        key = layer.file, path
        if key not in self._known_markers:
            own = value_at(self._source(layer.file).data, (*layer.at, *path))
            entries = own if isinstance(own, list) else []
            inherited = Origin(layer.file, (*path, entries.index(INHERITED))) if INHERITED in entries else None
            trails: dict[Origin, tuple[Origin, ...]] = {}
            for index, entry in enumerate(entries):
                if is_bundle(entry):
                    for block, trail in self._trails(entry).items():
                        trails.setdefault(block, (Origin(layer.file, (*path, index)), *trail))
            self._known_markers[key] = inherited, trails
        return self._known_markers[key]

    def _trails(self, bundle: str) -> dict[Origin, tuple[Origin, ...]]:
        """The entries of blocks in a bundle, each with the entries of bundles that lead there."""
        file = self.kit.settings_source.file if self.kit.settings_source else ""
        waiting: list[tuple[str, tuple[Origin, ...]]] = [(bundle, ())]
        met, found = {bundle}, dict[Origin, tuple[Origin, ...]]()
        for outer, trail in waiting:
            name = outer.removeprefix(BUNDLE)
            for index, entry in enumerate(self.kit.settings.bundles.get(name, ())):
                here = Origin(file, self.kit.settings_path("bundles", name, index))
                if not is_bundle(entry):
                    found[here] = trail
                elif entry not in met:
                    met.add(entry)
                    waiting.append((entry, (*trail, here)[-_MAX_TRAIL:]))
        return found

    def _entry(self, origin: Origin) -> Entry:
        return Entry(self._kind(origin.file), *self._place(origin))


def dotted(path: KeyPath) -> str:
    """Return a key path as text, such as `handoff[0].target`."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")
