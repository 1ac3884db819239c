"""Name the blocks that an import makes of parts of texts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from itertools import chain, count

from kei_assembler import lazy_re
from kei_assembler.importing.bodies import Section
from kei_assembler.importing.text_variants import Piece
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import VARIANT_MARK
from kei_assembler.markdown.inline_text import inline_text
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
        """The names of the kit's blocks, and of shared new ones, by their texts.

        A block with variants is not the same text for all clients.
        """
        blocks = filter(None, map(self._kit.block, reversed(self._kit.block_names)))
        return {
            _stripped(block.source.text): block.name for block in blocks if not self._kit.blocks.variants(block.name)
        }

    @property
    def texts(self) -> Collection[str]:
        """The texts of the kit's blocks, and of shared new ones."""
        return self._by_text.keys()

    def shared(self, titles: Sequence[str], text: str, agents: Sequence[str], is_usual: bool = False) -> str:
        """Return the block with a text that agents share: one of the kit, or a new one. `titles` are its headings.

        It is named after its heading or, if another text has that name, after the agents, too. If `is_usual`, most
        agents have another text below that heading.
        """
        if text not in self._by_text:
            name = self._by_text[text] = self._free(_names(titles, agents, is_usual))
            self.new[name] = f"{text}\n"
        return self._by_text[text]

    def of_agents(self, agents: Sequence[str], piece: Piece) -> str:
        """Return a block for a part of the texts of several agents, with the variants for their clients.

        If the kit has a block with these texts and one of its names, that one is returned.
        """
        names = _names([piece.title], agents)
        for name in names:
            if name in self._taken and all(self._has_text(each, text) for each, text in _by_file(name, piece).items()):
                return name
        name = self._free(names)
        self._add_files(name, piece)
        return name

    def _free(self, names: Sequence[str]) -> str:
        """The first name that is free, which is taken then."""
        name = next(each for each in chain(names, self._variations(names[-1])) if each not in self._taken)
        self._taken.add(name)
        return name

    def own(self, section: Section, used: Collection[str]) -> str:
        """Return a new block for a section, or the kit's block of its name if that has the same text, and is not used.

        A second import of the same file makes no second block.
        """
        for name in self._variations(slug(section.title) or _NAMELESS):
            if name not in self._taken:
                self._taken.add(name)
                self.new[name] = f"{section.text}\n"
                return name
            block = self._kit.block(name) if name not in used else None
            if block and _stripped(block.source.text) == section.text:
                return name
        raise AssertionError("there is always another number")

    def of_agent(self, agent: str, piece: Piece, used: Collection[str]) -> str:
        """Return a new block for a part of the text of an agent, with the variants for its clients.

        If the kit's block of its name has the same texts, and is not used, that one is returned.
        """
        wanted = f"{_shortened(agent)}-{_shortened(slug(piece.title)) or 'text'}"
        for name in self._variations(wanted):
            if name not in self._taken:
                self._taken.add(name)
                self._add_files(name, piece)
                return name
            if name not in used and all(self._has_text(each, text) for each, text in _by_file(name, piece).items()):
                return name
        raise AssertionError("there is always another number")

    def _add_files(self, name: str, piece: Piece) -> None:
        self.new |= {each: f"{text}\n" if text else "" for each, text in _by_file(name, piece).items()}

    def _has_text(self, entry: str, text: str) -> bool:
        name, _, target = entry.partition(VARIANT_MARK)
        block = self._kit.block(name, target)
        return block is not None and block.target == target and _stripped(block.source.text) == text

    def _variations(self, wanted: str) -> Iterator[str]:
        """The name, then the name with a number."""
        return chain([wanted], (f"{wanted}-{number}" for number in self._numbers[wanted]))


def _by_file(name: str, piece: Piece) -> dict[str, str]:
    """The texts of a block and its variants, by their files' names without the suffix."""
    return {name: piece.text, **{f"{name}{VARIANT_MARK}{target}": text for target, text in piece.variants.items()}}


def _names(titles: Sequence[str], agents: Sequence[str], is_usual: bool = False) -> list[str]:
    """The names for a text that agents share, best first: its heading, and the heading after what the agents are.

    Many sections are not about the first heading, but about what the agents are.
    """
    title = inline_text(titles[0])
    plain = slug(_NUMBER.sub("", title).replace("_", "-")) or slug(title) or _NAMELESS
    heading = _shortened(plain, _MAX_HEADING)
    ordered = sorted(agents)
    words = words_in_all(ordered)
    groups = [words, *(["-".join(ordered)] if len(ordered) > 1 else []), *ordered]
    names = [heading, *(f"{group}-{_shortened(heading)}" for group in groups if group and len(group) <= _HALF)]
    if heading.startswith(words) and words:
        del names[1]
    elif is_usual and words:
        names[:2] = reversed(names[:2])
    return [words, *names] if words and len(titles) >= _MANY_SECTIONS else names


def words_in_all(names: Sequence[str]) -> str:
    """Return the longest words that follow each other in all names, such as `seo` in `seo-writer` and `my-seo-x`.

    It is "" if there are none, or only words that say nothing about an agent.
    """
    first = names[0].split("-") if len(names) > 1 else []
    others = [f"-{name}-" for name in names[1:]]
    for length in range(len(first), 0, -1):
        for start in range(len(first) - length + 1):
            words = first[start : start + length]
            if not _GENERAL.issuperset(words) and all(f"-{'-'.join(words)}-" in other for other in others):
                return "-".join(words)
    return ""


_NAMELESS = "shared"
_NUMBER = lazy_re.compile(r"\A[^\w\n]*(?:(?:step|phase|part|section) )?[0-9]+(?:\.[0-9]+)*[.):]* +", re.IGNORECASE)
_GENERAL = frozenset("agent assistant expert helper pro specialist 2 3 4 5 6 7 8 9".split())
"""Words in the names of agents that say nothing about them."""


def _shortened(name: str, length: int = 30) -> str:
    """A name for a part of a block's name, cut after a word. Half of a name has 30 characters at most."""
    return name if len(name) <= length else (name[: length + 1].rpartition("-")[0] or name[:length]).rstrip("-_.")


_HALF = 30
_MANY_SECTIONS = 3
_MAX_HEADING = 48


def _stripped(text: str) -> str:
    return text.strip("\n")
