"""Name the blocks that an import makes of sections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import chain, count

from kei_assembler.importing.bodies import Section
from kei_assembler.importing.text_variants import Piece
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import VARIANT_MARK
from kei_assembler.model.manifest import slug


class BlockNames:
    """The names of the kit's blocks, and of those that the import adds: `new` has their texts by their names.

    `free` are blocks whose names can be given again, with other texts.
    """

    def __init__(self, kit: LoadedKit, free: Collection[str] = ()) -> None:
        self.new: dict[str, str] = {}
        self._kit = kit
        self._taken = set(kit.block_names).difference(free)
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

    def of_agent(self, agent: str, piece: Piece, used: Collection[str]) -> str:
        """Return a new block for a part of the text of an agent, with the variants for its clients.

        If the kit's block of its name has the same texts, and is not used, that one is returned.
        """
        wanted = f"{_shortened(agent)}-{_shortened(slug(piece.title)) or 'text'}"
        for name in self._variations(wanted):
            if name not in self._taken:
                self._taken.add(name)
                self.new |= {each: f"{text}\n" if text else "" for each, text in _by_file(name, piece).items()}
                return name
            if name not in used and all(self._has_text(each, text) for each, text in _by_file(name, piece).items()):
                return name
        raise AssertionError("there is always another number")

    def _has_text(self, entry: str, text: str) -> bool:
        name, _, target = entry.partition(VARIANT_MARK)
        block = self._kit.block(name, target)
        return block is not None and block.target == target and _stripped(block.source.text) == text

    def _variations(self, wanted: str) -> Iterator[str]:
        """The name, then the name with a number."""
        return chain([wanted], (f"{wanted}-{number}" for number in self._numbers[wanted]))

    def _add(self, section: Section, used: Collection[str], may_exist: bool = False) -> str:
        wanted = slug(section.title) or "shared"
        for name in self._variations(wanted):
            if name not in self._taken:
                self._taken.add(name)
                self.new[name] = f"{section.text}\n"
                return name
            block = self._kit.block(name) if may_exist and name not in used else None
            if block and _stripped(block.source.text) == section.text:
                return name
        raise AssertionError("there is always another number")


def _by_file(name: str, piece: Piece) -> dict[str, str]:
    """The texts of a block and its variants, by their files' names without the suffix."""
    return {name: piece.text, **{f"{name}{VARIANT_MARK}{target}": text for target, text in piece.variants.items()}}


def _shortened(name: str) -> str:
    """A name for one half of a block's name, cut after a word."""
    return name if len(name) <= _HALF else (name[: _HALF + 1].rpartition("-")[0] or name[:_HALF]).rstrip("-_.")


_HALF = 30
"""The maximum length of an agent's name, and of a heading, in the name of a block."""


def _stripped(text: str) -> str:
    return text.strip("\n")
