"""Name the blocks that an import makes of sections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import chain, count

from kei_assembler.importing.bodies import Section
from kei_assembler.kit import LoadedKit
from kei_assembler.model.manifest import slug


class BlockNames:
    """The names of the kit's blocks, and of those that the import adds: `new` has their texts by their names."""

    def __init__(self, kit: LoadedKit) -> None:
        self.new: dict[str, str] = {}
        self._kit = kit
        self._taken = set(kit.block_names)
        # the numbers of a name go on where they stopped: to start again for each section would take quadratic time
        self._numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))

    @cached_property
    def _by_text(self) -> dict[str, str]:
        """The names of the kit's blocks, and of shared new ones, by their texts."""
        blocks = filter(None, map(self._kit.block, reversed(self._kit.block_names)))
        return {_stripped(block.source.text): block.name for block in blocks}

    def shared(self, section: Section) -> str:
        """Return the block with the section's text: one of the kit, or a new one."""
        if section.text not in self._by_text:
            self._by_text[section.text] = self._add(section, ())
        return self._by_text[section.text]

    def own(self, section: Section, used: Collection[str]) -> str:
        """Return a new block for a section, or the kit's block of its name if that has the same text, and is not used.

        A second import of the same file makes no second block.
        """
        return self._add(section, used, may_exist=True)

    def _add(self, section: Section, used: Collection[str], may_exist: bool = False) -> str:
        wanted = slug(section.title) or "shared"
        for name in chain([wanted], (f"{wanted}-{number}" for number in self._numbers[wanted])):
            if name not in self._taken:
                self._taken.add(name)
                self.new[name] = f"{section.text}\n"
                return name
            block = self._kit.block(name) if may_exist and name not in used else None
            if block and _stripped(block.source.text) == section.text:
                return name
        raise AssertionError("there is always another number")


def _stripped(text: str) -> str:
    return text.strip("\n")
