"""The context that rules check in: one manifest in its kit, and what all manifests of a kit use."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import copy
from functools import cache, cached_property
from itertools import chain
from typing import Any, NamedTuple

from kei_assembler.diagnostics import KeyPath, Location, Span
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.blocks import SECTION_MARK, Block, split_entry, with_sections
from kei_assembler.kit.filled_texts import BlockGap, FilledTexts
from kei_assembler.model.adaptation import client_name, lacks_model, value_for_tools
from kei_assembler.model.inheritance import Resolved
from kei_assembler.model.manifest import Manifest
from kei_assembler.model.values import filled_description
from kei_assembler.rules.definition import Violation
from kei_assembler.rules.runner import locate
from kei_assembler.targets import ALIASES, TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import Source, span_of
from kei_assembler.validation import ValidationError


class ManifestContext:
    """The manifest to check: its source, its data merged with what it inherits, its typed values, and its kit.

    `own` is the manifest's own table, as parsed. Key paths of findings lead to values in `data`, in which the text of
    the role file, whose source is `role`, has replaced its name. `is_base` says that the manifest is only a base of
    others, so that it can be incomplete.
    """

    def __init__(
        self, kit: LoadedKit, source: Source, resolved: Resolved | None = None, *, is_base: bool = False
    ) -> None:
        self.kit = kit
        self.source = source
        self.is_base = is_base
        self.own: Mapping[str, Any] = source.data
        self.resolved = resolved or kit.composition.resolve(source)
        self.data, self.role = kit.role_files.with_text(self.resolved.data)
        self.manifest, self.validation_errors = kit.decode_manifest(self.data)

    @classmethod
    def of_defaults(cls, kit: LoadedKit) -> ManifestContext:
        """Return the kit's defaults as if they were a manifest to check."""
        assert kit.settings_source
        layer = kit.composition.settings_layer
        # a source without data: the defaults are not the whole file
        return cls(kit, Source(layer.file, kit.settings_source.text), layer)

    def with_errors(self, errors: list[ValidationError]) -> ManifestContext:
        """Return the same context with only some of the validation errors."""
        narrowed = copy(self)
        narrowed.validation_errors = errors
        return narrowed

    @property
    def required(self) -> tuple[str, ...]:
        """The keys that the manifest must have."""
        return ("name",) if self.is_base else self.kit.required

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The top-level keys that a manifest of this kit can have."""
        return tuple(field.key for field in self.kit.shape.fields)

    @cached_property
    def sections(self) -> list[tuple[int, str]]:
        """The entries in the manifest's list of blocks that name a section, each with its index."""
        return with_sections(self.manifest.blocks)

    def _origin(self, path: KeyPath) -> tuple[Source, KeyPath]:
        """Return the source in which the value at a path was written, and its path there."""
        file, at = self.resolved.origin(path)
        return self._source_in(file), at

    def _source_in(self, file: str) -> Source:
        return self.source if file == self.source.file else self.kit.composition.source(file)

    def source_of(self, path: KeyPath) -> Source:
        """Return the source in which the value at a path was written."""
        return self._origin(path)[0]

    def is_own(self, path: KeyPath) -> bool:
        """Return whether the value at a path was written in the manifest itself."""
        return self.resolved.origin(path).file == self.source.file

    def sources(self) -> Iterator[Source]:
        """Yield the sources of the data: the manifest, its bases, its role file, and the settings with defaults."""
        if self.role:
            yield self.role
        for layer in self.resolved.layers():
            if layer.data:
                yield self._source_in(layer.file)

    def locate(self, path: KeyPath) -> Location:
        """Return where the value at a path was written."""
        return locate(*self._origin(path))

    def locate_inherited(self, path: KeyPath) -> Location:
        """Return where the value at a path of the next layer was written."""
        assert self.resolved.far
        file, at = self.resolved.far.origin(path)
        return locate(self.kit.composition.source(file), at)

    def locate_text(self, path: KeyPath, value: str, start: int, end: int) -> Location:
        """Return where `value[start:end]` was written, in the string at a path."""
        if self.role and path == ("role",):
            return locate(self.role, span_of(value, start, end))
        source, at = self._origin(path)
        return locate(source, source.locate_text(at, value, start, end))

    def placed(self, finding: Violation) -> Violation:
        """Return a finding with its places in the files in which the values were written."""
        related = tuple((self._placed(at), text) for at, text in finding.related)
        return finding._replace(where=self._placed(finding.where), related=related)

    def _placed(self, where: KeyPath | Span | Location) -> Span | Location:
        return where if isinstance(where, Span | Location) else self.locate(where)

    @cached_property
    def filled_texts(self) -> FilledTexts:
        """The texts and blocks of the manifest that have placeholders."""
        return self.kit.texts.of(self.manifest)

    @cached_property
    def is_setting_values(self) -> bool:
        """Whether the manifest or one of its bases may set values. Those of the settings are checked there."""
        bases = (self.kit.composition.source(file).data for file in self.resolved.bases)
        return any("values" in data or "target" in data for data in (self.own, *bases))

    def fits(self, *path: str) -> bool:
        """Return whether the value at this path, with everything in it, is valid."""
        return not self.validation_errors or all(error.path[: len(path)] != path for error in self.validation_errors)


class ManifestUse(NamedTuple):
    """What one manifest uses, as plain values.

    `own_targets` says whether the manifest itself lists its targets. `without_model` are the targets that do not get
    its model. `tokens` are those of its description, for each client with a limit for all descriptions, as the client
    counts them. `descriptions` are the tokens for each target with a budget for descriptions in the settings. `values`
    are the names of the placeholders in its texts and blocks, and `unfilled` are those in its blocks that it has no
    value for, each with the file of the block.
    """

    name: str
    blocks: tuple[str, ...]
    rights: tuple[str, ...]
    targets: tuple[str, ...]
    own_targets: bool
    handoffs: tuple[str, ...]
    without_model: tuple[str, ...]
    tokens: tuple[tuple[str, int], ...] = ()
    descriptions: tuple[tuple[str, int], ...] = ()
    values: frozenset[str] = frozenset()
    unfilled: frozenset[tuple[str, BlockGap]] = frozenset()


Unfilled = Mapping[BlockGap, Collection[str]]
"""The placeholders without a value in a block, and the agents that have no value."""


def use_of(context: ManifestContext) -> ManifestUse:
    """Return what a manifest uses."""
    manifest, filled = context.manifest, context.filled_texts
    targets = filled.targets
    return ManifestUse(
        manifest.name,
        manifest.blocks,
        rights_of(manifest),
        targets,
        manifest.targets is not None,
        tuple(handoff.target for handoff in manifest.handoff),
        tuple(name for name in targets if lacks_model(manifest, TARGETS[name])) if manifest.model else (),
        tuple((name, _tokens(manifest, name)) for name in targets if name in _BUDGETS),
        _descriptions(context.kit, manifest, targets) if context.kit.settings.budgets["descriptions"] else (),
        filled.used,
        frozenset(filled.unfilled_in_blocks()) if filled.texts else frozenset(),
    )


_BUDGETS = {name: row.budget for name, row in TARGETS.items() if row.budget}


def _tokens(manifest: Manifest, target: str) -> int:
    name = client_name(manifest.name, manifest.display_name, TARGETS[target])
    return _BUDGETS[target].tokens(name, filled_description(manifest, target))


def _descriptions(kit: LoadedKit, manifest: Manifest, targets: Iterable[str]) -> tuple[tuple[str, int], ...]:
    from kei_assembler.markdown.tokens import tokens  # rarely needed

    names = {
        target: client_name(manifest.name, manifest.display_name, TARGETS[target])
        for target in targets
        if target in kit.settings.budgets["descriptions"]
    }
    return tuple((target, tokens(f"{name}: {filled_description(manifest, target)}")) for target, name in names.items())


_MAX_FOLDERS = 100


class KitUsage:
    """What all manifests of a kit use together, added one by one."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self.bases: set[str] = set()
        self.bundles: set[str] = set()
        self.abstract: dict[str, str] = {}
        """The files of the manifests that are only bases, by name."""
        self._printed = cache(self._find_printed)
        self._targets: defaultdict[str, set[str]] = defaultdict(set)
        self.rights: set[tuple[str, str]] = set()
        self.targets: set[str] = set()
        self.own_targets: dict[str, tuple[str, ...]] = {}
        self.handoffs_for: dict[tuple[str, ...], set[str]] = {}
        self._uses: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []
        self.without_model: dict[str, set[str]] = {}
        self.values: set[str] = set()
        self.own_values: dict[str, frozenset[str]] = {}
        """The names of the values that manifests set, by their files."""
        self.used_values: dict[str, set[str]] = {}
        """The names of the values that a manifest, or one that extends it, uses, by its file."""
        self.unfilled: dict[str, dict[BlockGap, list[str]]] = {}
        self.tokens: dict[str, list[tuple[int, str]]] = {}
        """The tokens of each agent's description as the client counts them, and the agent's name, by target."""
        self.descriptions: dict[str, list[tuple[int, str]]] = {}
        """The estimated tokens of each agent's description, and the agent's name, by target with a budget for that."""

    def add(self, use: ManifestUse) -> None:
        """Add what one manifest uses."""
        for entry in use.blocks:
            self._targets[entry].update(use.targets)
        self._uses.append((use.name, use.targets, use.blocks))
        self.rights.update((use.name, right) for right in use.rights)
        self.targets.update(use.targets)
        if use.own_targets:
            self.own_targets[use.name] = use.targets
        for target in use.without_model:
            self.without_model.setdefault(target, set()).add(use.name)
        self.values.update(use.values)
        for file, gap in use.unfilled:
            self.unfilled.setdefault(file, {}).setdefault(gap, []).append(use.name)
        for target, tokens in use.tokens:
            self.tokens.setdefault(target, []).append((tokens, use.name))
        for target, tokens in use.descriptions:
            self.descriptions.setdefault(target, []).append((tokens, use.name))
        if use.handoffs:
            self.handoffs_for.setdefault(use.targets, set()).update(use.handoffs)

    def add_listed(self, entries: Iterable[str]) -> None:
        """Add the blocks of a manifest that is only a base of others: they are listed, but not printed for it."""
        for entry in entries:
            self._targets[entry].update(())

    def add_values(self, names: frozenset[str]) -> None:
        """Add values that all manifests of the kit may use: those in blocks that the run leaves out."""
        self.values.update(names)
        for file in self.own_values:
            self.used_values.setdefault(file, set()).update(names)

    @cached_property
    def blocks(self) -> Mapping[str, Mapping[str, set[str]]]:
        """The targets of the listed blocks, by the names of the blocks, and by the slugs of sections ("" for none).

        Only complete after all manifests were added.
        """
        found: dict[str, dict[str, set[str]]] = {}
        for entry, targets in self._targets.items():
            name, slug = split_entry(entry)
            found.setdefault(name, {})[slug] = targets
        return found

    def targets_with(self, block: Block) -> dict[str, set[str]]:
        """Return the targets that a block is printed for, by the slugs of its listed sections ("" for the whole)."""
        variants = self.kit.blocks.variants(block.name)
        return {
            slug: {target for target in targets if target == block.target or not (block.target or target in variants)}
            for slug, targets in self.blocks.get(block.name, {}).items()
        }

    def is_printed(self, block: Block, offset: int, target: str = "") -> bool:
        """Return whether a manifest lists the part of a block at an offset, for this target or for any."""
        starts, ends = self._printed(block, target)
        index = bisect_right(starts, offset) - 1
        return index >= 0 and offset < ends[index]

    def _find_printed(self, block: Block, target: str) -> tuple[list[int], list[int]]:
        """The starts and ends of the listed parts of a block, which do not overlap."""
        slugs = {slug for slug, to in self.targets_with(block).items() if target in to or (to and not target)}
        if "" in slugs:
            return [0], [len(block.source.text)]
        sections = self.kit.blocks.sections(block) if slugs else {}
        starts: list[int] = []
        ends: list[int] = []
        for start, end in sorted((each.start, each.end) for slug in slugs for each in sections.get(slug, ())):
            if not ends or start >= ends[-1]:  # a section inside another one ends before it
                starts.append(start)
                ends.append(end)
        return starts, ends

    def agents_with(self, entry: str, target: str) -> list[str]:
        """Return the names of the agents that list an entry and are generated for a target, sorted."""
        return sorted(name for name, targets, blocks in self._uses if target in targets and entry in blocks)

    def outputs_with(self, block: Block) -> Iterator[str]:
        """Yield one of the outputs with a block for each of their folders, at most `_MAX_FOLDERS`."""
        seen: set[str] = set()
        entries = {f"{block.name}{SECTION_MARK}{slug}" if slug else block.name for slug in self.blocks[block.name]}
        printed = set().union(*self.targets_with(block).values())
        for name, targets, blocks in self._uses:
            is_used = name in self.kit.files_by_agent and not entries.isdisjoint(blocks)
            for target in filter(printed.__contains__, targets if is_used else ()):
                output = self.kit.output(target, name, self.kit.files_by_agent[name])
                folder = output.rpartition("/")[0]
                if folder not in seen and len(seen) < _MAX_FOLDERS:
                    seen.add(folder)
                    yield output

    @cached_property
    def outputs(self) -> frozenset[str]:
        """The paths of all outputs."""
        uses = (
            (name, target) for name, targets, _ in self._uses for target in targets if name in self.kit.files_by_agent
        )
        return frozenset(self.kit.output(target, name, self.kit.files_by_agent[name]) for name, target in uses)

    @cached_property
    def _usual_targets(self) -> tuple[str, ...]:
        return self.kit.targets_of(self.kit.decode_manifest({})[0])

    @cached_property
    def _own_agents(self) -> frozenset[str]:
        return self.kit.agents.difference(self.kit.settings.external_agents)

    def targets_of(self, agent: str) -> tuple[str, ...]:
        """Return the targets that an agent is generated for. Only complete after all manifests were added."""
        return self.own_targets.get(agent, self._usual_targets)

    def lacking(self, targets: Iterable[str], agent: str) -> tuple[str, ...]:
        """Return the targets for which an agent of the kit is not generated; none for an external agent."""
        if agent not in self._own_agents:
            return ()
        return tuple(target for target in targets if target not in self.targets_of(agent))

    def may_lack(self) -> list[str]:
        """Return the manifests that could hand off to an agent that is not generated for all of their targets."""
        concerned = {
            targets
            for targets, agents in self.handoffs_for.items()
            if self.own_targets and any(self.lacking(targets, agent) for agent in agents)
        }
        return [file for file in self.kit.manifests if concerned and self.targets_of(stem(file)) in concerned]


def rights_of(manifest: Manifest) -> tuple[str, ...]:
    """Return the names of the rights that a manifest's target tables give its agent beyond its `tools`."""
    return tuple(chain.from_iterable(_rights_in(manifest, TARGETS[name]) for name in manifest.target))


_RIGHTS = {name: row.rights for name, row in TARGETS.items()}


def _rights_in(manifest: Manifest, target: Target) -> Iterator[str]:
    tools = None if manifest.tools is None else {ALIASES.get(tool, tool) for tool in manifest.tools}
    for right in _RIGHTS[target.name]:
        usual = value_for_tools(manifest, target) if right.exceeds else None
        if right.is_granted_by(manifest.target[target.name], tools, usual):
            yield right.name
