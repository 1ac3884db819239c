"""What the manifests of a kit use: each of them, and all together."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache, cached_property
from itertools import chain

from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import SECTION_MARK, Block, split_entry
from kei_assembler.kit.filled_texts import BlockGap
from kei_assembler.kit.outputs import outputs_of
from kei_assembler.model.adaptation import client_name, lacks_model, value_for_tools
from kei_assembler.model.kinds import AGENT, INSTRUCTIONS, SKILL
from kei_assembler.model.manifest import Manifest
from kei_assembler.model.values import filled_description
from kei_assembler.records import NamedTuple
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.targets import ALIASES, TARGETS
from kei_assembler.targets.instructions import SKILL_TOOLS
from kei_assembler.targets.target import Target


class ManifestUse(NamedTuple):
    """What one manifest uses, as plain values.

    `own_targets` says whether the manifest itself lists its targets. `without_model` are the targets that do not get
    its model. `tokens` are those of its description, for each client with a limit for all descriptions, as the client
    counts them. `descriptions` are the tokens for each target with a budget for descriptions in the settings. `values`
    are the names of the placeholders in its texts and blocks, and `unfilled` are those in its blocks that it has no
    value for, each with the file of the block. `outputs` are the paths of its outputs if it is not of an agent.
    """

    name: str
    blocks: tuple[str, ...]
    targets: tuple[str, ...]
    values: frozenset[str]
    unfilled: frozenset[tuple[str, BlockGap]]
    kind: str
    rights: tuple[str, ...] = ()
    own_targets: bool = False
    handoffs: tuple[str, ...] = ()
    without_model: tuple[str, ...] = ()
    tokens: tuple[tuple[str, int], ...] = ()
    descriptions: tuple[tuple[str, int], ...] = ()
    outputs: tuple[str, ...] = ()


Unfilled = Mapping[BlockGap, Collection[str]]
"""The placeholders without a value in a block, and the agents that have no value."""


def use_of(context: ManifestContext) -> ManifestUse:
    """Return what a manifest uses."""
    manifest, filled = context.manifest, context.filled_texts
    targets = filled.targets
    unfilled = frozenset(filled.unfilled_in_blocks()) if filled.texts else frozenset[tuple[str, BlockGap]]()
    use = ManifestUse(manifest.name, manifest.blocks, targets, filled.used, unfilled, context.kind.name)
    if context.kind is not AGENT:
        rights = (SKILL_TOOLS,) if context.kind is SKILL and manifest.tools else ()
        outputs = tuple(output.path for output in outputs_of(context.kit, manifest, context.source.file))
        return use._replace(rights=rights, outputs=outputs)
    return use._replace(
        rights=rights_of(manifest),
        own_targets=manifest.targets is not None,
        handoffs=tuple(handoff.target for handoff in manifest.handoff),
        without_model=tuple(name for name in targets if lacks_model(manifest, TARGETS[name])) if manifest.model else (),
        tokens=tuple((name, _tokens(manifest, name)) for name in targets if name in _BUDGETS),
        descriptions=_descriptions(context.kit, manifest, targets),
    )


_BUDGETS = {name: row.budget for name, row in TARGETS.items() if row.budget}


def _tokens(manifest: Manifest, target: str) -> int:
    name = client_name(manifest.name, manifest.display_name, TARGETS[target])
    return _BUDGETS[target].tokens(name, filled_description(manifest, target))


def _descriptions(kit: LoadedKit, manifest: Manifest, targets: Iterable[str]) -> tuple[tuple[str, int], ...]:
    budgets = kit.settings.budgets["descriptions"]
    if not budgets:
        return ()
    from kei_assembler.markdown.tokens import tokens  # rarely needed

    names = {
        target: client_name(manifest.name, manifest.display_name, TARGETS[target])
        for target in targets
        if target in budgets
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
        """The names of the manifests that are only bases, by file."""
        self._printed = cache(self._find_printed)
        self._targets: defaultdict[str, set[str]] = defaultdict(set)
        self.rights: set[tuple[str, str]] = set()
        self.targets: set[str] = set()
        self.own_targets: dict[str, tuple[str, ...]] = {}
        self.handoffs_for: dict[tuple[str, ...], set[str]] = {}
        self.agents_targets: defaultdict[str, set[str]] = defaultdict(set)
        """The targets of the agents with a block, by its name."""
        self._uses: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []
        self.targets_of_instructions: set[str] = set()
        self._other_uses: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
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
        self.values.update(use.values)
        self.rights.update((use.name, right) for right in use.rights)
        for file, gap in use.unfilled:
            self.unfilled.setdefault(file, {}).setdefault(gap, []).append(use.name)
        if use.kind == AGENT.name:
            self._add_agent(use)
        else:
            self._other_uses.append((use.outputs, use.blocks))
            self.targets_of_instructions.update(use.targets if use.kind == INSTRUCTIONS.name else ())

    def _add_agent(self, use: ManifestUse) -> None:
        for entry in use.blocks:
            self.agents_targets[split_entry(entry)[0]].update(use.targets)
        self._uses.append((use.name, use.targets, use.blocks))
        self.targets.update(use.targets)
        if use.own_targets:
            self.own_targets[use.name] = use.targets
        for target in use.without_model:
            self.without_model.setdefault(target, set()).add(use.name)
        for target, tokens in use.tokens:
            self.tokens.setdefault(target, []).append((tokens, use.name))
        for target, tokens in use.descriptions:
            self.descriptions.setdefault(target, []).append((tokens, use.name))
        if use.handoffs:
            self.handoffs_for.setdefault(use.targets, set()).update(use.handoffs)

    @property
    def abstract_agents(self) -> frozenset[str]:
        """The names of the manifests of agents that are only bases."""
        agents = self.kit.files_by_agent
        return frozenset(name for file, name in self.abstract.items() if agents.get(name) == file)

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
        for output in chain(self._outputs_of_agents(entries, printed), self._outputs_of_others(entries)):
            folder = output.rpartition("/")[0]
            if folder not in seen and len(seen) < _MAX_FOLDERS:
                seen.add(folder)
                yield output

    def _outputs_of_agents(self, entries: Collection[str], printed: Collection[str]) -> Iterator[str]:
        """Yield the outputs, for these targets, of the agents that list one of the entries."""
        for name, targets, blocks in self._uses:
            is_used = name in self.kit.files_by_agent and not frozenset(entries).isdisjoint(blocks)
            for target in filter(printed.__contains__, targets if is_used else ()):
                yield self.kit.output(target, name, self.kit.files_by_agent[name])

    def _outputs_of_others(self, entries: Collection[str]) -> Iterator[str]:
        """Yield the outputs of the manifests of other kinds that list one of the entries."""
        for outputs, blocks in self._other_uses:
            if not frozenset(entries).isdisjoint(blocks):
                yield from outputs

    @cached_property
    def outputs(self) -> frozenset[str]:
        """The paths of all outputs."""
        uses = (
            (name, target) for name, targets, _ in self._uses for target in targets if name in self.kit.files_by_agent
        )
        of_others = chain.from_iterable(outputs for outputs, _ in self._other_uses)
        of_agents = (self.kit.output(target, name, self.kit.files_by_agent[name]) for name, target in uses)
        return frozenset(chain(of_agents, of_others))

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
        agents = self.kit.files_by_agent.items() if concerned else ()
        return sorted(file for name, file in agents if self.targets_of(name) in concerned)


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
