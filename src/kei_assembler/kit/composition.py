"""The manifests of a kit, merged with their bases, the bundles and the settings."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from kei_assembler.diagnostics import KeyPath
from kei_assembler.model.inheritance import BUNDLE, MAX_LEVELS, Fault, Origin, Resolved, is_bundle, merged, refers
from kei_assembler.model.kinds import AGENT, Kind
from kei_assembler.model.manifest import Manifest, is_abstract
from kei_assembler.model.settings import settings_values
from kei_assembler.records import NamedTuple
from kei_assembler.toml.source import Source
from kei_assembler.whitespace import has_text

if TYPE_CHECKING:
    from kei_assembler.kit import LoadedKit


class _Chain(NamedTuple):
    """The bases of a manifest, nearest first, or why they cannot be used."""

    files: tuple[str, ...] = ()
    fault: Fault | None = None


class Composition:
    """Merges each manifest with what it inherits. Each base is read and merged only once."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self.bundle = cache(self._bundle)
        self.settings_layer = cache(self._settings_layer)
        self.obligatory = cache(self._obligatory)
        """Returns the obligatory blocks of manifests of a kind, with those of bundles."""
        self._layers: dict[str, Resolved] = {}
        self._chains: dict[str, _Chain] = {}
        self._sources: dict[str, Source] = {}

    def resolve(self, source: Source) -> Resolved:
        """Return the data of a manifest, merged with that of its bases and with the settings.

        If a base cannot be used, the faults say why, and the data are only those of the manifest and the settings.
        Blocks that the run leaves out are not in the data.
        """
        resolved = self._resolve(source)
        return self._without_left_out(resolved) if self.kit.variant.without else resolved

    def _without_left_out(self, resolved: Resolved) -> Resolved:
        """Return the data without the blocks that the run leaves out. The other blocks keep their origins."""
        entries = resolved.data.get("blocks")
        if not isinstance(entries, list) or not any(map(self.kit.is_left_out, entries)):
            return resolved
        kept = [(index, entry) for index, entry in enumerate(entries) if not self.kit.is_left_out(entry)]
        taken: dict[KeyPath, KeyPath | Origin] = {
            path: origin for path, origin in resolved.taken.items() if path[:1] != ("blocks",) or len(path) == 1
        }
        taken |= {("blocks", new): resolved.origin(("blocks", old)) for new, (old, _) in enumerate(kept)}
        data = {**resolved.data, "blocks": [entry for _, entry in kept]}
        return resolved._replace(data=data, taken=taken, leaves_out=True)

    def _resolve(self, source: Source) -> Resolved:
        last = self.settings_layer(self.kit.manifest_files.kind_in(source.file, source.data))
        if "extends" not in source.data:
            if not last.data and not refers(source.data):
                return Resolved(source.data, source.file, far=last)
            return merged(source.data, source.file, last, self.bundle)
        files, fault = self._chain(source)
        if fault or not files:  # validation reports an `extends` that is not a name
            layer = merged(source.data, source.file, last, self.bundle)
            return layer._replace(faults=(fault,) if fault else ())
        layer = last
        for file in reversed(files):
            if file not in self._layers:
                self._layers[file] = merged(self.source(file).data, file, layer, self.bundle)
            layer = self._layers[file]
        return merged(source.data, source.file, layer, self.bundle)

    def manifests(self) -> Iterator[tuple[str, Manifest]]:
        """Yield the file of each manifest that is not only a base, and its values, whether they are valid or not."""
        for file in self.kit.manifests:
            source = self.kit.read_manifest(file)
            if not is_abstract(source.data):
                kind = self.kit.manifest_files.kind_in(file, source.data)
                yield file, self.kit.decoder(kind)(self.resolve(source).data)[0]

    def agents(self) -> Iterator[tuple[str, Manifest]]:
        """Yield those of `manifests` that are of agents."""
        return (pair for pair in self.manifests() if pair[1].kind == AGENT.name)

    def _base(self, source: Source) -> str | Fault:
        """Return the file of the manifest that this one extends, empty if there is none, or why it cannot be used."""
        name, here = source.data.get("extends"), Origin(source.file, ("extends",))
        if not isinstance(name, str) or not has_text(name):  # validation reports an `extends` that is not a name
            return ""
        files = self.kit.manifest_files
        kind = files.kind_in(source.file, source.data)
        if name not in files.named(kind):
            return Fault("unknown-base", here, name)
        if same := files.namesakes(kind).get(name):
            return Fault("ambiguous-base", here, name, tuple(same))
        return files.named(kind)[name]

    def _chain(self, source: Source) -> _Chain:
        """Return the bases of a manifest."""
        base = self._base(source)
        if isinstance(base, Fault):
            return _Chain(fault=base)
        return _extended(source.file, base, self._chain_of_base(base)) if base else _Chain()

    def _chain_of_base(self, file: str) -> _Chain:
        """Return the bases of a base. However many manifests share them, they are followed only once."""
        first, way = file, dict[str, str]()
        while file not in self._chains:
            base = self._base(self.source(file))
            if file in way:
                on_way = list(way)
                self._chains[file] = _Chain(fault=_cycle(on_way[on_way.index(file) :]))
            elif isinstance(base, Fault):
                self._chains[file] = _Chain(fault=base)
            elif not base:
                self._chains[file] = _Chain()
            else:
                way[file] = base
                file = base
        for below, above in reversed(way.items()):
            self._chains.setdefault(below, _extended(below, above, self._chains[above]))
        return self._chains[first]

    def source(self, file: str) -> Source:
        """Return the source of a base, or of the settings."""
        settings = self.kit.settings_source
        if settings and file == settings.file:
            return settings
        if file not in self._sources:
            self._sources[file] = self.kit.read_manifest(file)
        return self._sources[file]

    def _settings_layer(self, kind: Kind) -> Resolved:
        """Return the layer that all others are above: the values in the settings, and the defaults."""
        source, at = self.kit.settings_source, self.kit.settings_path
        if not source:
            return Resolved({}, "")
        data = dict(self.kit.defaults_of(kind))
        taken: dict[KeyPath, KeyPath | Origin] = {}
        values, tables = settings_values(self.kit.settings_table)
        if values:
            data["values"] = {name: value for name, (value, _) in values.items()}
            taken |= {("values", name): Origin(source.file, at(*path)) for name, (_, path) in values.items()}
        if tables:
            data["target"] = dict(data.get("target", {}))
        for target, table in tables.items():
            data["target"][target] = {**data["target"].get(target, {}), "values": table}
            taken["target", target, "values"] = Origin(source.file, at("target", target, "values"))
        return Resolved(data, source.file, at(*self.kit.settings.of_kind(kind).at, "defaults"), taken)

    def _bundle(self, name: str) -> tuple[tuple[str, Origin], ...] | None:
        """Return the blocks of a bundle, without repetitions, each with its place in the settings. None if unknown."""
        if name not in self.kit.settings.bundles:
            return None
        return tuple(self._expanded((f"{BUNDLE}{name}",), ()).items())

    def _obligatory(self, kind: Kind) -> tuple[str, ...]:
        of_kind = self.kit.settings.of_kind(kind)
        return tuple(self._expanded(of_kind.obligatory, self.kit.settings_path(*of_kind.at, "obligatory")))

    def _expanded(self, entries: tuple[str, ...], at: KeyPath) -> dict[str, Origin]:
        """Return the blocks that the entries at a path of the settings stand for, with their places, in order.

        Unknown bundles, and those in themselves, are left out: the rules about the settings report them.
        """
        file = self.kit.settings_source.file if self.kit.settings_source else ""
        bundles, found = self.kit.settings.bundles, dict[str, Origin]()
        waiting = [(entry, (*at, index)) for index, entry in reversed([*enumerate(entries)])]
        met: set[str] = set()
        while waiting:
            entry, path = waiting.pop()
            name = entry.removeprefix(BUNDLE)
            if not is_bundle(entry):
                found.setdefault(entry, Origin(file, path))
            elif name not in met:
                met.add(name)
                inner = [*enumerate(bundles.get(name, ()))]
                waiting += [(each, self.kit.settings_path("bundles", name, index)) for index, each in reversed(inner)]
        return found


def _extended(file: str, base: str, chain: _Chain) -> _Chain:
    """Return the bases of a manifest, given its base and the bases of that one."""
    files = (base, *chain.files)
    if chain.fault or len(files) <= MAX_LEVELS:
        return chain if chain.fault else _Chain(files)
    return _Chain(fault=Fault("too-deep", Origin(file, ("extends",)), file, (file, *files)))


def _cycle(files: list[str]) -> Fault:
    """Return the fault for manifests that extend each other, the same one whichever of them a run starts with."""
    first = files.index(min(files))
    trail = (*files[first:], *files[:first])
    return Fault("cycle", Origin(trail[0], ("extends",)), trail[0], trail)
