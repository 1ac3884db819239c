"""The placeholders in the texts and blocks of a manifest: which of them its values fill, and which they cannot fill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from kei_assembler.diagnostics import KeyPath
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import Block
from kei_assembler.kit.printed_blocks import printed_blocks
from kei_assembler.markdown.placeholders import Place, Problem, Values, may_have_placeholders, places
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

    def unfilled(self) -> Iterator[tuple[Text, Place, frozenset[str]]]:
        """Yield the placeholders without a value for a target, in code too, each with the names that have one.

        Names that are reported for another reason are left out: required ones, and those with wrong letters.
        """
        if not self.texts or not self.targets:
            return
        required = {name for name, row in declarations(self.kit.settings).items() if row.get("required")}
        names = [frozenset(self.values[target]) for target in self.targets]
        everywhere = frozenset.intersection(*names) if names else frozenset()
        if self.used <= everywhere:
            return
        reported = required.union(*({name.upper().replace("-", "_") for name in each} for each in names[:1]))
        for text in filter(lambda each: each.targets, self.texts):
            known = frozenset.intersection(*(frozenset(self.values[target]) for target in text.targets))
            for place in text.places:
                is_reported = place.name in required or (place.name in reported and place.name not in names[0])
                if place.name and place.name not in known and not is_reported:
                    yield text, place, known

    def unfilled_in_blocks(self) -> Iterator[tuple[str, int, str]]:
        """Yield the placeholders without a value in blocks: the file, the offset, and for code a similar name.

        Those in code without a similar name are left out.
        """
        for text, place, names in self.unfilled():
            match = misspelled(place.name, names) if place.in_code else ""
            if text.block and match is not None:
                yield text.block.source.file, text.start + place.start, match
