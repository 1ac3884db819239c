"""The texts of blocks that are printed for a manifest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from kei_assembler.kit.blocks import Block, split_entry
from kei_assembler.model.manifest import Manifest

if TYPE_CHECKING:
    from kei_assembler.kit import LoadedKit


class PrintedBlock(NamedTuple):
    """What is printed of a block for some targets, and where that starts in the block's source."""

    block: Block
    text: str
    targets: tuple[str, ...]
    start: int = 0


def printed_blocks(kit: LoadedKit, manifest: Manifest, targets: tuple[str, ...]) -> Iterator[PrintedBlock]:
    """Yield what is printed of the blocks of a manifest for these targets. Unreadable blocks are left out."""
    for entry in manifest.blocks:
        name, slug = split_entry(entry)
        clients = kit.blocks.clients(name)  # most blocks have no variants
        variants = [target for target in targets if target in clients] if clients else []
        others = tuple(target for target in targets if target not in variants) if variants else targets
        for some in (others, *((target,) for target in variants)):
            block = kit.block(entry, some[0]) if some else None
            if block and not block.source.error:
                sections = kit.blocks.sections(block).get(slug, ()) if slug else ()
                text = kit.blocks.text(entry, some[0]) if slug else block.source.text
                yield PrintedBlock(block, text, some, sections[0].start if sections else 0)
