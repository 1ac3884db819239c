"""One end of a change: a state of a kit, and what the outputs of each manifest are made of there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from typing import Any

from kei_assembler.analysis.agents import errors_in
from kei_assembler.build.findings import limited
from kei_assembler.build.kit_plan import Preview, previews
from kei_assembler.build.run import Policy
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.outputs import Output, outputs_of
from kei_assembler.kit.role_files import role_file
from kei_assembler.model.adaptation import agents_in
from kei_assembler.model.kinds import AGENT, ItemName
from kei_assembler.model.manifest import Manifest, is_abstract
from kei_assembler.records import NamedTuple
from kei_assembler.render.renderer import Artifact
from kei_assembler.rules.bundles import bundles_in
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import Source


class Inputs(NamedTuple):
    """What the outputs of an item are made of: its manifest, bases and role file, entries of blocks, and bundles.

    `named` are the agents that its handoffs and tools name. `targets` are the clients that it is generated for. If the
    item is not an agent, `paths` are those of its outputs, which can also depend on files outside the kit's sources.
    """

    manifest: str
    bases: tuple[str, ...]
    role_file: str
    entries: tuple[str, ...]
    bundles: frozenset[str]
    named: frozenset[str]
    targets: tuple[str, ...]
    paths: tuple[str, ...] = ()

    @property
    def manifests(self) -> tuple[str, ...]:
        """Its manifest and its bases."""
        return (self.manifest, *self.bases)

    @property
    def files(self) -> tuple[str, ...]:
        """Its manifest, its bases and, if there is one, its role file."""
        return (*self.manifests, self.role_file) if self.role_file else self.manifests


class Made(NamedTuple):
    """An output of an item, and its artifact.

    `slot` tells the output from the others of its item, and stays the same when it moves.
    """

    output: Output
    artifact: Artifact
    slot: str

    @classmethod
    def of(cls, kit: LoadedKit, output: Output, artifact: Artifact) -> Made:
        """Return an output of a kit.

        The files of an agent are for different clients, sections are in files of different names, and other files are
        at different places below the root.
        """
        if output.kind == AGENT.name:
            return cls(output, artifact, output.target)
        below = os.path.relpath(output.path, kit.settings.root)
        return cls(output, artifact, os.path.basename(output.path) if output.section else below)


class Built(NamedTuple):
    """What is built of an item: its manifest, and its outputs, without the sections that only import others.

    `is_whole` says whether all outputs could be rendered.
    """

    manifest: Manifest
    made: tuple[Made, ...]
    is_whole: bool

    @classmethod
    def of(cls, kit: LoadedKit, file: str, preview: Preview) -> Built:
        """Return what a preview of the manifest in `file` has."""
        outputs = outputs_of(kit, preview.manifest, file)
        if len(outputs) != len(preview.artifacts):
            return cls(preview.manifest, (), False)
        made = (Made.of(kit, *each) for each in zip(outputs, preview.artifacts, strict=True))
        return cls(preview.manifest, tuple(each for each in made if not each.output.imports), True)


class End:
    """A state of a kit, or of none."""

    def __init__(self, kit: LoadedKit | None) -> None:
        self.kit = kit
        self.source = cache(self._source)
        self.inputs = cache(self._inputs)
        self.block_files = cache(self._block_files)

    @cached_property
    def items(self) -> Mapping[ItemName, str]:
        """The manifests of the items by their names. Those that are only bases of others are no items."""
        kit = self.kit
        sources = (kit.composition.source(file) for file in kit.manifests) if kit else ()
        return {self._name_of(source): source.file for source in sources if not is_abstract(source.data)}

    def _name_of(self, source: Source) -> ItemName:
        assert self.kit
        return ItemName(self.kit.manifest_files.kind_in(source.file, source.data).name, stem(source.file))

    def _source(self, file: str) -> Source | None:
        """The source of a file, or None if it does not exist."""
        kit = self.kit
        if kit is None or not kit.files.exists(kit.path(file)):
            return None
        return kit.composition.source(file) if file in self.manifests else kit.read_text(file)

    @cached_property
    def manifests(self) -> frozenset[str]:
        """The files of all manifests."""
        return frozenset(self.kit.manifests if self.kit else ())

    @cached_property
    def role_files(self) -> frozenset[str]:
        """The role files of the items."""
        return frozenset(self.inputs(name).role_file for name in self.items) - {""}

    @cached_property
    def sources(self) -> frozenset[str]:
        """The files of the manifests, blocks, templates and roles."""
        if self.kit is None:
            return frozenset()
        settings = self.kit.settings_source.file if self.kit.settings_source else ""
        return frozenset((*self.kit.sources_in_folders(), *self.role_files)) - {settings}

    @cached_property
    def templates(self) -> frozenset[str]:
        """The files in the folder of templates."""
        return frozenset(self.kit.templates() if self.kit else ())

    def _inputs(self, name: ItemName) -> Inputs:
        kit, file = self.kit, self.items[name]
        assert kit
        resolved = kit.composition.resolve(kit.composition.source(file))
        data = resolved.data
        entries = tuple(_texts(data.get("blocks")))
        rows = data.get("handoff")
        handoffs = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
        named = {
            *_texts(handoff.get("target") for handoff in handoffs),
            *(agent for entry in _texts(data.get("tools")) for agent in agents_in(entry)),
        }
        targets = kit.all_targets(tuple(_texts(data["targets"])) if "targets" in data else None)
        bundles = bundles_in(kit, {name for layer in resolved.layers() for name in layer.bundles})
        is_agent = name.kind == AGENT.name
        paths = () if is_agent else tuple(output.path for output in outputs_of(kit, kit.decoded(file)[0], file))
        return Inputs(file, resolved.bases, role_file(data), entries, bundles, frozenset(named), targets, paths)

    def _block_files(self, entry: str, target: str) -> str:
        """The file of the block of an entry for a target, or ""."""
        block = self.kit.block(entry, target) if self.kit else None
        return block.source.file if block else ""

    def may_have_errors(self, name: ItemName) -> bool:
        """Return whether a source of an item is missing or cannot be read, such as one in a submodule."""
        inputs = self.inputs(name)
        blocks = [self.block_files(entry, "") for entry in inputs.entries]
        files = (*inputs.files, *blocks)
        return any(not file or (source := self.source(file)) is None or source.error for file in files)

    def build(
        self, names: Iterable[ItemName], known: Mapping[ItemName, Manifest]
    ) -> tuple[dict[ItemName, Built], list[Diagnostic]]:
        """Return what is built of these items, by their names, without those with errors, and the errors.

        `known` are the manifests of items, merged with what they inherit, that need no check.
        """
        if self.kit is None:
            return {}, []
        kit, policy = self.kit, Policy.of(self.kit)
        files = {self.items[name]: name for name in names}
        checked = {self.items[name]: manifest for name, manifest in known.items()}
        found, made = previews(kit, map(kit.composition.source, files), policy.ignore, checked)
        built = {name: Built.of(kit, file, made[file]) for file, name in files.items() if file in made}
        whole = {name: each for name, each in built.items() if each.is_whole}
        return whole, limited(errors_in(policy.weigh(found)), policy.ignore)

    def display_name(self, name: str) -> str:
        """Return the `display-name` of an agent, or "" if it has none or does not exist."""
        return self.kit.names.display_name(name) if self.kit else ""

    def prefix(self, agent: str, target: str) -> str:
        """Return what a client puts before the name of an agent because of the plugin that its file lies in."""
        kit, file = self.kit, self.items.get(ItemName(AGENT.name, agent))
        if kit is None or file is None or not TARGETS[target].plugin.is_in_names:
            return ""
        return kit.placement.name_prefix(target, kit.output(target, agent, file))


def _texts(values: Any) -> Iterator[str]:
    """Yield the texts in a list that may have a wrong type."""
    is_list = values is not None and not isinstance(values, str | Mapping | int | float)
    return (value for value in (values if is_list else ()) if isinstance(value, str))
