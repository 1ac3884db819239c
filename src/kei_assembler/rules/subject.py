"""What the rules look at."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import Any

from kei_assembler.kit import Kit
from kei_assembler.manifest import Manifest, decode
from kei_assembler.shapes import Misfit, Shape, misfits
from kei_assembler.source import Source
from kei_assembler.targets import TARGETS

MISFITS_MOST = 1000
"""How many ways in which a manifest is not what it should be are looked at."""


class Subject:
    """One manifest under check: its source, its parsed data, its typed values, and the kit around it."""

    def __init__(self, kit: Kit, source: Source, shape: Shape) -> None:
        self.kit = kit
        self.source = source
        self.data: dict[str, Any] = source.data
        self.manifest: Manifest = decode(source.data, kit.settings.extra_keys)
        self.misfits: tuple[Misfit, ...] = tuple(islice(misfits(shape, source.data), MISFITS_MOST))
        self.shape = shape

    @cached_property
    def rights(self) -> tuple[str, ...]:
        """The rights that the manifest gives its agent, by name."""
        return rights_of(self.manifest)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys that a manifest of this kit may have at its top."""
        return tuple(field.key for field in self.shape.fields)

    def fits(self, *path: str) -> bool:
        """Tell whether nothing was wrong with the form of the value at this path."""
        return all(misfit.path[: len(path)] != path for misfit in self.misfits)


class Usage:
    """What the manifests of a whole kit use, gathered while they are checked one by one."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.blocks: set[str] = set()
        self.handoffs: set[str] = set()
        self.rights: set[tuple[str, str]] = set()

    def add(self, manifest: Manifest) -> None:
        """Take note of what one manifest uses."""
        self.blocks.update(manifest.blocks)
        self.handoffs.update(handoff.target for handoff in manifest.handoff)
        self.rights.update((manifest.name, right) for right in rights_of(manifest))


def rights_of(manifest: Manifest) -> tuple[str, ...]:
    """Return the names of the rights that a manifest gives its agent by the tables of its targets."""
    held = (right for name, table in manifest.target.items() for right in TARGETS[name].rights if right.is_given(table))
    return tuple(right.name for right in held)
