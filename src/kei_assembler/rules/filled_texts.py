"""The placeholders in the texts and blocks of a manifest: which of them its values fill, and which they cannot fill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from kei_assembler.diagnostics import KeyPath
from kei_assembler.kit import Block, LoadedKit
from kei_assembler.kit.printed_blocks import printed_blocks
from kei_assembler.markdown.placeholders import Place, Problem, Value, may_have_placeholders, places
from kei_assembler.model.manifest import Manifest
from kei_assembler.model.settings import declarations
from kei_assembler.model.values import (
    PLAIN,
    Fill,
    fill_markdown,
    has_placeholders,
    places_in_markdown,
    texts_of,
    values_for,
)
from kei_assembler.suggestions import misspelled


class Text(NamedTuple):
    """A text of a manifest, with its key path, or a text of one of its blocks, with where it starts in the block."""

    text: str
    fill: Fill
    path: KeyPath = ()
    block: Block | None = None
    start: int = 0

    @property
    def places(self) -> tuple[Place, ...]:
        """The placeholders of the text."""
        return tuple(places(self.text)) if self.fill in PLAIN else places_in_markdown(self.text)


class Misfit(NamedTuple):
    """A placeholder that cannot be filled for some targets of a manifest, and why."""

    text: Text
    problem: Problem
    targets: tuple[str, ...]


def may_be_filled(kit: LoadedKit, manifest: Manifest) -> bool:
    """Return whether a manifest or one of its blocks could have placeholders. Most have none."""
    if has_placeholders(manifest):
        return True
    printed = {each.text for target in kit.targets_of(manifest) for each in printed_blocks(kit, manifest, target)}
    return any(map(may_have_placeholders, printed))


def texts_with_placeholders(kit: LoadedKit, manifest: Manifest, target: str) -> Iterator[Text]:
    """Yield the texts of a manifest and its blocks that could have placeholders, for a target."""
    for path, text, fill in texts_of(manifest):
        if may_have_placeholders(text):
            yield Text(text, fill, path)
    for block, text, start in printed_blocks(kit, manifest, target):
        if may_have_placeholders(text):
            yield Text(text, fill_markdown, ("blocks",), block, start)


def misfits(kit: LoadedKit, manifest: Manifest) -> list[Misfit]:
    """Return the placeholders in the texts and the blocks of a manifest that its values cannot fill."""
    found: dict[tuple[KeyPath, str, Problem], Misfit] = {}
    done: dict[tuple[KeyPath, str, str, tuple[tuple[str, Value], ...]], tuple[Problem, ...]] = {}
    for target in kit.targets_of(manifest):
        values = values_for(manifest, target)
        for text in texts_with_placeholders(kit, manifest, target):
            file = text.block.source.file if text.block else ""
            key = (text.path, file, text.text, tuple(values.items()))
            if key not in done:
                done[key] = text.fill(text.text, values).problems
            for problem in done[key]:
                before = found.get((text.path, file, problem), Misfit(text, problem, ()))
                found[text.path, file, problem] = before._replace(targets=(*before.targets, target))
    return list(found.values())


def used_names(kit: LoadedKit, manifest: Manifest) -> frozenset[str]:
    """Return the names of the placeholders in the texts and the blocks of a manifest."""
    targets = kit.targets_of(manifest)
    texts = (text for target in targets for text in texts_with_placeholders(kit, manifest, target))
    return frozenset(place.name for text in texts for place in text.places if place.name)


def unfilled(kit: LoadedKit, manifest: Manifest) -> Iterator[tuple[Text, Place, frozenset[str]]]:
    """Yield the placeholders without a value for a target, in code too, each with the names that have one.

    Names that are reported for another reason are left out: required ones, and those with wrong letters.
    """
    required = {name for name, row in declarations(kit.settings).items() if row.get("required")}
    for target in kit.targets_of(manifest):
        names = frozenset(values_for(manifest, target))
        reported = {name.upper().replace("-", "_") for name in names}.union(required)
        for text in texts_with_placeholders(kit, manifest, target):
            for place in text.places:
                if place.name and place.name not in reported:
                    yield text, place, names


def unfilled_in_blocks(kit: LoadedKit, manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    """Yield the names without a value in the blocks of a manifest: the block, the name, and for code a similar name.

    Without a similar name, those in code are left out.
    """
    for text, place, names in unfilled(kit, manifest):
        match = misspelled(place.name, names) if place.in_code else ""
        if text.block and match is not None:
            yield text.block.name, place.name, match
