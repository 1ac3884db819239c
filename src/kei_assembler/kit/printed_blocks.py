"""The texts of blocks that are printed for a manifest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from kei_assembler.model.manifest import Manifest

if TYPE_CHECKING:
    from kei_assembler.kit import Block, LoadedKit


class PrintedBlock(NamedTuple):
    """What is printed of a block, and where that starts in the block's source."""

    block: Block
    text: str
    start: int = 0


def printed_blocks(kit: LoadedKit, manifest: Manifest, target: str) -> Iterator[PrintedBlock]:  # noqa: ARG001
    """Yield what is printed of the blocks of a manifest for a target. Blocks that cannot be read are left out."""
    for name in manifest.blocks:
        block = kit.block(name)
        if block and not block.source.error:
            yield PrintedBlock(block, block.source.text)
