"""What the rules look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from kei_assembler.diagnostics import KeyPath, Span
from kei_assembler.kit import Kit, stem
from kei_assembler.manifest import Manifest, with_defaults
from kei_assembler.rules.definition import Finding
from kei_assembler.rules.runner import locate
from kei_assembler.source import Source
from kei_assembler.targets import TARGETS


class Subject:
    """One manifest under check: its source, its parsed data, its typed values, and the kit around it.

    `data` is what the manifest itself says, at `at` in the source; `whole` is that with the kit's defaults.
    """

    def __init__(self, kit: Kit, source: Source) -> None:
        self.kit = kit
        self.source = source
        self.at: KeyPath = ()
        self.data: Mapping[str, Any] = source.data
        self.whole: Mapping[str, Any] = with_defaults(source.data, kit.defaults)
        self.manifest, self.misfits = kit.manifest_of(source.data)
        if kit.defaults:
            self.manifest, _ = kit.manifest_of(self.whole)

    @classmethod
    def of_defaults(cls, kit: Kit) -> Subject:
        """Return the kit's defaults as what is under check."""
        assert kit.settings_source
        subject = cls(kit, Source(kit.settings_source.file, kit.settings_source.text))
        subject.at, subject.data = kit.defaults_at, kit.defaults
        return subject

    @cached_property
    def rights(self) -> tuple[str, ...]:
        """The rights that the manifest gives its agent, by name."""
        return rights_of(self.manifest)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys that a manifest of this kit may have at its top."""
        return tuple(field.key for field in self.kit.shape.fields)

    def inherits(self, *path: str | int) -> bool:
        """Tell whether the value at a path, or at the key of a target's table that it leads into, is a default."""
        depth = 3 if path[:1] == ("target",) else 1
        defaults = self.kit.defaults
        is_own = self.at or not defaults or len(path) < depth
        return not is_own and _has(defaults, path[:depth]) and not _has(self.data, path[:depth])

    def placed(self, finding: Finding) -> Finding:
        """Return a finding with its place in the source, and with that of the default which it is about, if any."""
        where = finding.where
        if isinstance(where, Span):
            return finding
        if self.at:
            related = tuple((at if isinstance(at, Span) else (*self.at, *at), says) for at, says in finding.related)
            return finding._replace(where=(*self.at, *where), related=related)
        if not self.inherits(*where):
            return finding
        assert self.kit.settings_source
        origin = locate(self.kit.settings_source, (*self.kit.defaults_at, *where))
        return finding._replace(
            where=(), related=(*finding.related, (origin, "the value comes from the kit's defaults"))
        )

    def fits(self, *path: str) -> bool:
        """Tell whether nothing was wrong with the form of the value at this path."""
        return not self.misfits or all(misfit.path[: len(path)] != path for misfit in self.misfits)


class ManifestUse(NamedTuple):
    """What one manifest uses, as plain values; `own_targets` tells whether it names its targets itself."""

    name: str
    blocks: tuple[str, ...]
    rights: tuple[str, ...]
    targets: tuple[str, ...]
    own_targets: bool
    handoffs: tuple[str, ...]


def use_of(kit: Kit, manifest: Manifest) -> ManifestUse:
    """Return what a manifest of the kit uses."""
    return ManifestUse(
        manifest.name,
        manifest.blocks,
        rights_of(manifest),
        kit.targets_of(manifest),
        manifest.targets is not None,
        tuple(handoff.target for handoff in manifest.handoff),
    )


class Usage:
    """What the manifests of a whole kit use, gathered from one after the other."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.blocks: set[str] = set()
        self.rights: set[tuple[str, str]] = set()
        self.targets: set[str] = set()
        self.own_targets: dict[str, tuple[str, ...]] = {}
        self.fillers: dict[str, set[str]] = {}
        self.handoffs_for: dict[tuple[str, ...], set[str]] = {}

    @property
    def handoffs(self) -> set[str]:
        """The agents that others hand off to."""
        return set().union(*self.handoffs_for.values())

    def add(self, use: ManifestUse) -> None:
        """Add what one manifest uses."""
        self.blocks.update(use.blocks)
        self.rights.update((use.name, right) for right in use.rights)
        self.targets.update(use.targets)
        if use.own_targets:
            self.own_targets[use.name] = use.targets
        if use.handoffs:
            self.handoffs_for.setdefault(use.targets, set()).update(use.handoffs)
        for target in use.targets:
            for block in use.blocks if TARGETS[target].placeholder else ():
                self.fillers.setdefault(block, set()).add(target)

    @cached_property
    def _usual_targets(self) -> tuple[str, ...]:
        return self.kit.targets_of(self.kit.manifest_of({})[0])

    def targets_of(self, agent: str) -> tuple[str, ...]:
        """Return the targets that an agent's files are made for, once all manifests were looked at."""
        return self.own_targets.get(agent, self._usual_targets)

    def lacking(self, targets: Iterable[str], agent: str) -> tuple[str, ...]:
        """Return those of the targets that do not get an agent, if that is one of the kit's and of no other place."""
        if agent not in self.kit.agents or agent in self.kit.settings.external_agents:
            return ()
        return tuple(target for target in targets if target not in self.targets_of(agent))

    def may_lack(self) -> list[str]:
        """Return the files of the manifests that may hand off to an agent which one of their targets does not get."""
        concerned = {
            targets
            for targets, agents in self.handoffs_for.items()
            if self.own_targets and any(self.lacking(targets, agent) for agent in agents)
        }
        return [file for file in self.kit.manifests if concerned and self.targets_of(stem(file)) in concerned]


def _has(table: Any, path: KeyPath) -> bool:
    for key in path:
        if not isinstance(table, Mapping) or key not in table:
            return False
        table = table[key]
    return True


def rights_of(manifest: Manifest) -> tuple[str, ...]:
    """Return the names of the rights that a manifest gives its agent by the tables of its targets."""
    held = (
        right for name, table in manifest.target.items() for right in TARGETS[name].rights if right.is_granted_by(table)
    )
    return tuple(right.name for right in held)
