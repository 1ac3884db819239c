"""The context that rules check in: one manifest in its kit, and what all manifests of a kit use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

from kei_assembler.diagnostics import KeyPath, Location, Span
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.model.adaptation import client_name, lacks_model, value_for_tools
from kei_assembler.model.manifest import Manifest, with_defaults
from kei_assembler.model.settings import value_at
from kei_assembler.rules.definition import Violation
from kei_assembler.rules.runner import locate
from kei_assembler.targets import ALIASES, TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import Source, span_of


class ManifestContext:
    """The manifest to check: its source, its parsed data, its typed values, and its kit.

    `data` is the manifest's own table, which is at the key path `at` in the source, with the text of the role file in
    it, whose source is `role`. `whole` is that table with the kit's defaults filled in.
    """

    def __init__(self, kit: LoadedKit, source: Source) -> None:
        self.kit = kit
        self.source = source
        self.at: KeyPath = ()
        self.data, self.role = kit.role_files.with_text(source.data)
        self.whole: Mapping[str, Any] = with_defaults(self.data, kit.defaults)
        self.manifest, self.validation_errors = kit.decode_manifest(self.data)
        if kit.defaults:
            self.manifest, _ = kit.decode_manifest(self.whole)

    @classmethod
    def of_defaults(cls, kit: LoadedKit) -> ManifestContext:
        """Return the kit's defaults as if they were a manifest to check."""
        assert kit.settings_source
        # a source without data: the defaults are not the whole file
        context = cls(kit, Source(kit.settings_source.file, kit.settings_source.text))
        context.at, context.data = kit.settings_path("defaults"), kit.defaults
        return context

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The top-level keys that a manifest of this kit can have."""
        return tuple(field.key for field in self.kit.shape.fields)

    def inherits(self, *path: str | int) -> bool:
        """Return whether the value at a path comes from the kit's defaults.

        Defaults are merged by top-level key, and by key in a target's table, so a longer path is cut to that key.
        """
        depth = 3 if path[:1] == ("target",) else 1
        defaults = self.kit.defaults
        is_own = self.at or not defaults or len(path) < depth
        return not is_own and value_at(defaults, path[:depth]) is not None and value_at(self.data, path[:depth]) is None

    def placed(self, finding: Violation) -> Violation:
        """Return a finding with key paths from the top of the file, and with the default that causes it, if any."""
        where = finding.where
        if isinstance(where, Span | Location):
            return finding
        if self.at:
            placed = (at if isinstance(at, Span | Location) else (*self.at, *at) for at, _ in finding.related)
            related = tuple(zip(placed, (text for _, text in finding.related), strict=True))
            return finding._replace(where=(*self.at, *where), related=related)
        if not self.inherits(*where):
            return finding
        assert self.kit.settings_source
        origin = locate(self.kit.settings_source, self.kit.settings_path("defaults", *where))
        related = (*finding.related, (origin, "the value comes from the kit's defaults"))
        return finding._replace(where=(), related=related)

    @property
    def sources(self) -> Iterator[Source]:
        """The manifest's source, and that of its role file."""
        return filter(None, (self.source, self.role))

    def locate_text(self, path: KeyPath, text: str, start: int, end: int) -> Span | Location:
        """Return the location of `text[start:end]` in the text at a path of the data."""
        if self.role and path == ("role",):
            return locate(self.role, span_of(text, start, end))
        return self.source.locate_text((*self.at, *path), text, start, end)

    def fits(self, *path: str) -> bool:
        """Return whether the value at this path, with everything in it, is valid."""
        return not self.validation_errors or all(error.path[: len(path)] != path for error in self.validation_errors)


class ManifestUse(NamedTuple):
    """What one manifest uses, as plain values.

    `own_targets` says whether the manifest itself lists its targets. `without_model` are the targets that do not get
    its model. `tokens` are those of its description, for each target with a budget for descriptions.
    """

    name: str
    blocks: tuple[str, ...]
    rights: tuple[str, ...]
    targets: tuple[str, ...]
    own_targets: bool
    handoffs: tuple[str, ...]
    without_model: tuple[str, ...]
    tokens: tuple[tuple[str, int], ...] = ()


def use_of(kit: LoadedKit, manifest: Manifest) -> ManifestUse:
    """Return what a manifest of the kit uses."""
    targets = kit.targets_of(manifest)
    return ManifestUse(
        manifest.name,
        manifest.blocks,
        rights_of(manifest),
        targets,
        manifest.targets is not None,
        tuple(handoff.target for handoff in manifest.handoff),
        tuple(name for name in targets if lacks_model(manifest, TARGETS[name])) if manifest.model else (),
        tuple((name, _tokens(manifest, name)) for name in targets if name in _BUDGETS),
    )


_BUDGETS = {name: row.budget for name, row in TARGETS.items() if row.budget}


def _tokens(manifest: Manifest, target: str) -> int:
    name = client_name(manifest.name, manifest.display_name, TARGETS[target])
    return _BUDGETS[target].tokens(name, manifest.description)


_MAX_FOLDERS = 100


class KitUsage:
    """What all manifests of a kit use together, added one by one."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self.blocks: set[str] = set()
        self.rights: set[tuple[str, str]] = set()
        self.targets: set[str] = set()
        self.own_targets: dict[str, tuple[str, ...]] = {}
        self.fillers: dict[str, set[str]] = {}
        self.handoffs_for: dict[tuple[str, ...], set[str]] = {}
        self._uses: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []
        self.without_model: dict[str, set[str]] = {}
        self.tokens: dict[str, list[tuple[int, str]]] = {}
        """The tokens of each agent's description, and the agent's name, by target."""

    def add(self, use: ManifestUse) -> None:
        """Add what one manifest uses."""
        self.blocks.update(use.blocks)
        self._uses.append((use.name, use.targets, use.blocks))
        self.rights.update((use.name, right) for right in use.rights)
        self.targets.update(use.targets)
        if use.own_targets:
            self.own_targets[use.name] = use.targets
        for target in use.without_model:
            self.without_model.setdefault(target, set()).add(use.name)
        for target, tokens in use.tokens:
            self.tokens.setdefault(target, []).append((tokens, use.name))
        if use.handoffs:
            self.handoffs_for.setdefault(use.targets, set()).update(use.handoffs)
        for target in use.targets:
            for block in use.blocks if TARGETS[target].placeholder else ():
                self.fillers.setdefault(block, set()).add(target)

    def outputs_with(self, block: str) -> Iterator[str]:
        """Yield one of the outputs with a block for each of their folders, at most `_MAX_FOLDERS`."""
        seen: set[str] = set()
        for name, targets, blocks in self._uses:
            for target in targets if block in blocks and name in self.kit.files_by_agent else ():
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
