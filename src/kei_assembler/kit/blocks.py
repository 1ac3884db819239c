"""The blocks of a kit."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from kei_assembler.diagnostics import ExcessError
from kei_assembler.model.settings import is_block_name
from kei_assembler.paths import normalize
from kei_assembler.toml.source import Source

if TYPE_CHECKING:
    from kei_assembler.kit import LoadedKit

MAX_CHARACTERS = 64 * 1024 * 1024
"""The maximum size of all blocks that a run reads. It keeps their texts."""


class Block(NamedTuple):
    """A named piece of Markdown that manifests share."""

    name: str
    source: Source


class Blocks:
    """The blocks of a kit, each read when it is needed, and only once."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self._read: dict[str, Block | None] = {}
        self._characters = 0

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all blocks in the kit's block folders, sorted."""
        names = {
            file.removeprefix("" if folder == "." else f"{folder}/").removesuffix(".md")
            for folder in self.kit.settings.blocks
            for file in self.kit.files_in(folder, ".md")
        }
        return tuple(sorted(filter(is_block_name, names)))

    def add(self, block: Block) -> None:
        """Add a block that is not in a file yet."""
        self._read[block.name] = block

    def find(self, name: str) -> Block | None:
        """Return the block of this name from the first block folder that has it, or None.

        Raises:
            ExcessError: the blocks that have been read are too large in total.
        """
        if name not in self._read:
            block = self._find(name)
            self._characters += len(block.source.text) if block else 0
            if self._characters > MAX_CHARACTERS:
                message = f"the blocks of the kit have more than {MAX_CHARACTERS:,} characters in total"
                raise ExcessError(self.kit.settings.blocks[0], message, "use fewer blocks, or shorten them")
            self._read[name] = block
        return self._read[name]

    def _find(self, name: str) -> Block | None:
        for folder in self.kit.settings.blocks:
            file = normalize(f"{folder}/{name}.md")
            if self.kit.files.exists(self.kit.path(file)):
                return Block(name, self.kit.read_text(file))
        return None

    def files(self, name: str) -> list[str]:
        """Return the files of a block's name in all block folders, without repetitions because of links."""
        kit = self.kit
        files = (normalize(f"{folder}/{name}.md") for folder in kit.settings.blocks)
        by_real = {kit.files.resolve(kit.path(file)): file for file in files if kit.files.exists(kit.path(file))}
        return list(by_real.values())
