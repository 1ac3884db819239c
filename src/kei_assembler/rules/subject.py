"""What the rules look at."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from kei_assembler.kit import Kit
from kei_assembler.manifest import Manifest, decode
from kei_assembler.shapes import Misfit, Shape, misfits
from kei_assembler.source import Source


class Subject:
    """One manifest under check: its source, its parsed data, its typed values, and the kit around it."""

    def __init__(self, kit: Kit, source: Source, shape: Shape) -> None:
        self.kit = kit
        self.source = source
        self.data: dict[str, Any] = source.data
        self.manifest: Manifest = decode(source.data, kit.settings.extra_keys)
        self.misfits: tuple[Misfit, ...] = tuple(misfits(shape, source.data))
        self.shape = shape

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys that a manifest of this kit may have at its top."""
        return tuple(field.key for field in self.shape.fields)

    def fits(self, key: str) -> bool:
        """Tell whether nothing was wrong with the form of this top-level key's value."""
        return all(misfit.path[0] != key for misfit in self.misfits)


class Usage:
    """What the manifests of a whole kit use, gathered while they are checked one by one."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.blocks: set[str] = set()
        self.handoffs: set[str] = set()

    def add(self, manifest: Manifest) -> None:
        """Take note of what one manifest uses."""
        self.blocks.update(manifest.blocks)
        self.handoffs.update(handoff.target for handoff in manifest.handoff)
