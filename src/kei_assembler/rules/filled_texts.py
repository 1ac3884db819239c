"""The placeholders in the texts and blocks of a manifest: which of them its values fill, and which they cannot fill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from kei_assembler.diagnostics import KeyPath
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import Block
from kei_assembler.kit.printed_blocks import printed_blocks
from kei_assembler.markdown.placeholders import Place, Problem, Values, in_capitals, may_have_placeholders, places
from kei_assembler.model.manifest import Manifest
from kei_assembler.model.settings import declarations
from kei_assembler.model.values import (
    PLAIN,
    Fill,
    fill_markdown,
    has_placeholders,
    markdown_text,
    texts_of,
    values_by_target,
)
from kei_assembler.suggestions import misspelled


class Text(NamedTuple):
    """A text with placeholders, and the targets that it is printed for.

    It is that at a key path of a manifest, or what is printed of one of its blocks, from `start` on.
    """

    text: str
    fill: Fill
    targets: tuple[str, ...]
    path: KeyPath = ()
    block: Block | None = None
    start: int = 0

    @property
    def places(self) -> tuple[Place, ...]:
        """The placeholders of the text."""
        return tuple(places(self.text)) if self.fill in PLAIN else markdown_text(self.text).places

    @property
    def names(self) -> frozenset[str]:
        """The names of the placeholders."""
        is_plain = self.fill in PLAIN
        return (
            frozenset(filter(None, (one.name for one in self.places))) if is_plain else markdown_text(self.text).names
        )


class Gap(NamedTuple):
    """A placeholder without a value for some of the targets of its text, which are `lacking` it.

    `names` are those that have a value for all of the targets. `is_everywhere` says that all targets lack the value.
    """

    text: Text
    place: Place
    names: frozenset[str]
    lacking: tuple[str, ...]

    @property
    def is_everywhere(self) -> bool:
        """Whether no target of the text has a value."""
        return len(self.lacking) == len(self.text.targets)

    @property
    def similar(self) -> str | None:
        """The name of a value that is probably meant, or None."""
        return misspelled(self.place.name, self.names)


class BlockGap(NamedTuple):
    """A placeholder in a block without a value: its offset, whether it is in code, and a similar name or "".

    `lacking` are the targets that lack the value, if others have it.
    """

    offset: int
    in_code: bool
    similar: str
    lacking: tuple[str, ...]


class Misfit(NamedTuple):
    """A placeholder that cannot be filled, why, and a target for which that is so."""

    text: Text
    problem: Problem
    target: str


class FilledTexts:
    """The texts and the blocks of a manifest that have placeholders, and what its values do to them."""

    def __init__(self, kit: LoadedKit, manifest: Manifest) -> None:
        self.kit = kit
        self.manifest = manifest
        self.targets = kit.targets_of(manifest)
        self.texts = [*self._of_manifest(), *self._of_blocks()]

    def _of_manifest(self) -> Iterator[Text]:
        if has_placeholders(self.manifest):
            for path, text, fill in texts_of(self.manifest):
                if may_have_placeholders(text):
                    yield Text(text, fill, self.targets, path)

    def _of_blocks(self) -> Iterator[Text]:
        for printed in printed_blocks(self.kit, self.manifest, self.targets):
            if may_have_placeholders(printed.text):
                yield Text(printed.text, fill_markdown, printed.targets, ("blocks",), printed.block, printed.start)

    @cached_property
    def values(self) -> Mapping[str, Values]:
        """The values of the manifest, by target."""
        return values_by_target(self.manifest, self.targets)

    @cached_property
    def used(self) -> frozenset[str]:
        """The names of all placeholders."""
        return frozenset().union(*(text.names for text in self.texts))

    @cached_property
    def misfits(self) -> tuple[Misfit, ...]:
        """The placeholders that the values cannot fill, each once."""
        found: dict[tuple[int, Problem], Misfit] = {}
        for index, text in enumerate(self.texts):
            done: list[Values] = []
            for target in text.targets:
                values = self.values[target]
                if not any(values is each for each in done):
                    done.append(values)
                    for problem in text.fill(text.text, values).problems:
                        found.setdefault((index, problem), Misfit(text, problem, target))
        return tuple(found.values())

    def unfilled(self) -> Iterator[Gap]:
        """Yield the placeholders without a value for a target, in code too.

        Names that are reported for another reason are left out: required ones, and those with wrong letters.
        """
        if not self.texts:
            return
        required = {name for name, row in declarations(self.kit.settings).items() if row.get("required")}
        names = [frozenset(self.values[target]) for target in self.targets]
        everywhere = frozenset.intersection(*names) if names else frozenset()
        if self.used <= everywhere:
            return
        reported = required.union(*(map(in_capitals, each) for each in names[:1]))
        for text in self.texts:
            known = frozenset.intersection(*(frozenset(self.values[target]) for target in text.targets))
            for place in text.places:
                is_reported = place.name in required or (place.name in reported and place.name not in names[0])
                if place.name and place.name not in known and not is_reported:
                    lacking = tuple(target for target in text.targets if place.name not in self.values[target])
                    yield Gap(text, place, known, lacking)

    def unfilled_in_blocks(self) -> Iterator[tuple[str, BlockGap]]:
        """Yield the placeholders without a value in blocks, each with the file of the block.

        Those in code without a similar name are left out.
        """
        for gap in self.unfilled():
            similar, place = gap.similar or "", gap.place
            if gap.text.block and (similar or not place.in_code):
                lacking = () if gap.is_everywhere else gap.lacking
                offset = gap.text.start + place.start
                yield gap.text.block.source.file, BlockGap(offset, place.in_code, similar, lacking)
