"""One end of a change: a state of a kit, and what each agent's files are made of there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from typing import Any, NamedTuple

from kei_assembler.analysis.agents import errors_in
from kei_assembler.build.findings import limited
from kei_assembler.build.kit_plan import Preview, previews
from kei_assembler.build.run import Policy
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.role_files import role_file
from kei_assembler.model.adaptation import agents_in
from kei_assembler.model.manifest import Manifest, is_abstract
from kei_assembler.rules.bundles import bundles_in
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import Source


class Inputs(NamedTuple):
    """What the files of an agent are made of: its manifest, bases and role file, entries of blocks, and bundles.

    `named` are the agents that its handoffs and tools name. `targets` are the clients that it is generated for.
    """

    manifest: str
    bases: tuple[str, ...]
    role_file: str
    entries: tuple[str, ...]
    bundles: frozenset[str]
    named: frozenset[str]
    targets: tuple[str, ...]

    @property
    def manifests(self) -> tuple[str, ...]:
        """Its manifest and its bases."""
        return (self.manifest, *self.bases)

    @property
    def files(self) -> tuple[str, ...]:
        """Its manifest, its bases and, if there is one, its role file."""
        return (*self.manifests, self.role_file) if self.role_file else self.manifests


class End:
    """A state of a kit, or of none."""

    def __init__(self, kit: LoadedKit | None) -> None:
        self.kit = kit
        self.source = cache(self._source)
        self.inputs = cache(self._inputs)
        self.block_files = cache(self._block_files)

    @cached_property
    def agents(self) -> Mapping[str, str]:
        """The manifests of the agents by their names. Those that are only bases of others are no agents."""
        kit = self.kit
        if kit is None:
            return {}
        return {stem(file): file for file in kit.manifests if not is_abstract(kit.composition.source(file).data)}

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
        """The role files of the agents."""
        return frozenset(self.inputs(name).role_file for name in self.agents) - {""}

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

    def _inputs(self, name: str) -> Inputs:
        kit, file = self.kit, self.agents[name]
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
        return Inputs(file, resolved.bases, role_file(data), entries, bundles, frozenset(named), targets)

    def _block_files(self, entry: str, target: str) -> str:
        """The file of the block of an entry for a target, or ""."""
        block = self.kit.block(entry, target) if self.kit else None
        return block.source.file if block else ""

    def may_have_errors(self, name: str) -> bool:
        """Return whether a source of an agent is missing or cannot be read, such as one in a submodule."""
        inputs = self.inputs(name)
        blocks = [self.block_files(entry, "") for entry in inputs.entries]
        files = (*inputs.files, *blocks)
        return any(not file or (source := self.source(file)) is None or source.error for file in files)

    def build(self, names: Iterable[str], known: Mapping[str, Manifest]) -> tuple[dict[str, Preview], list[Diagnostic]]:
        """Return what is built of these agents, by their names, without those with errors, and the errors.

        `known` are the manifests of agents, merged with what they inherit, that need no check.
        """
        if self.kit is None:
            return {}, []
        kit, policy = self.kit, Policy.of(self.kit)
        sources = [kit.composition.source(self.agents[name]) for name in names]
        checked = {self.agents[name]: manifest for name, manifest in known.items()}
        found, made = previews(kit, sources, policy.ignore, checked)
        whole = {
            stem(file): each for file, each in made.items() if len(each.artifacts) == len(kit.targets_of(each.manifest))
        }
        return whole, limited(errors_in(policy.weigh(found)), policy.ignore)

    def display_name(self, name: str) -> str:
        """Return the `display-name` of an agent, or "" if it has none or does not exist."""
        return self.kit.names.display_name(name) if self.kit else ""

    def prefix(self, name: str, target: str) -> str:
        """Return what a client puts before the name of an agent because of the plugin that its file lies in."""
        kit = self.kit
        if kit is None or name not in self.agents or not TARGETS[target].plugin.is_in_names:
            return ""
        return kit.placement.name_prefix(target, kit.output(target, name, self.agents[name]))


def _texts(values: Any) -> Iterator[str]:
    """Yield the texts in a list that may have a wrong type."""
    is_list = values is not None and not isinstance(values, str | Mapping | int | float)
    return (value for value in (values if is_list else ()) if isinstance(value, str))
