"""The placeholders in the texts and blocks of a manifest: which of them its values fill, and which they cannot fill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from kei_assembler.diagnostics import KeyPath
from kei_assembler.kit.blocks import Block, split_entry
from kei_assembler.markdown.placeholders import (
    Place,
    Problem,
    Value,
    Values,
    in_capitals,
    may_have_placeholders,
    places,
)
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
    values_for,
)
from kei_assembler.records import NamedTuple
from kei_assembler.suggestions import misspelled

if TYPE_CHECKING:
    from kei_assembler.kit import LoadedKit

_MAX_KEPT = 64
_MAX_ROLES = 16


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


_similar = lru_cache(maxsize=1024)(misspelled)  # a text can have the same placeholder many times


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
        return _similar(self.place.name, self.names)


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


class TextGroup:
    """Texts with placeholders that belong together. Values that fit them are tried only once."""

    def __init__(self, texts: tuple[Text, ...]) -> None:
        self.texts = texts
        self.names = frozenset(place.name for text in texts for place in text.places if place.name)
        self._sorted_names = sorted(self.names)
        self._fitting: set[object] = set()

    def used(self, values: Values) -> tuple[tuple[str, Value], ...]:
        """Return those of the values that the texts use. If they are equal, the filled texts are too."""
        return tuple([(name, values[name]) for name in self._sorted_names if name in values])

    def misfits(self, values: Mapping[str, Values]) -> tuple[Misfit, ...]:
        """Return the placeholders that the values by target, from `values_by_target`, cannot fill, each once."""
        key = tuple([(target, self.used(own)) for target, own in values.items()])
        if key in self._fitting:
            return ()
        found: dict[tuple[int, Problem], Misfit] = {}
        for index, text in enumerate(self.texts):
            done: list[Values] = []
            for target in text.targets:
                own = values.get(target, values[""])
                if not any(own is each for each in done):
                    done.append(own)
                    for problem in text.fill(text.text, own).problems:
                        found.setdefault((index, problem), Misfit(text, problem, target))
        if not found and len(self._fitting) < _MAX_KEPT:
            self._fitting.add(key)
        return tuple(found.values())


NO_TEXTS = TextGroup(())


class FilledTexts:
    """The texts and the blocks of a manifest that have placeholders, and what its values do to them."""

    def __init__(self, kit: LoadedKit, manifest: Manifest, of_manifest: TextGroup, of_blocks: TextGroup) -> None:
        self.kit = kit
        self.manifest = manifest
        self.targets = kit.targets_of(manifest)
        self._of_manifest = of_manifest
        self._of_blocks = of_blocks
        self.texts = of_manifest.texts + of_blocks.texts
        """The texts, and then the blocks."""

    @cached_property
    def used(self) -> frozenset[str]:
        """The names of all placeholders."""
        return self._of_blocks.names.union(self._of_manifest.names)

    @cached_property
    def misfits(self) -> tuple[Misfit, ...]:
        """The placeholders that the values cannot fill, each once."""
        groups = (group for group in (self._of_manifest, self._of_blocks) if group.texts)
        values = values_by_target(self.manifest, self.targets) if self.texts else {}
        return tuple(chain.from_iterable(group.misfits(values) for group in groups))

    def unfilled(self) -> Iterator[Gap]:
        """Yield the placeholders without a value for a target, in code too.

        Names that are reported for another reason are left out: required ones, and those with wrong letters.
        """
        if self.used <= self.manifest.values.keys() or not self.targets:
            return
        names = {target: frozenset(values_for(self.manifest, target)) for target in self.targets}
        required = {name for name, row in declarations(self.kit.settings).items() if row.get("required")}
        first = names[self.targets[0]]
        reported = required.union(map(in_capitals, first))
        for text in filter(lambda each: each.targets, self.texts):
            known = frozenset.intersection(*(names[target] for target in text.targets))
            for place in text.places:
                is_reported = place.name in required or (place.name in reported and place.name not in first)
                if place.name and place.name not in known and not is_reported:
                    lacking = tuple(target for target in text.targets if place.name not in names[target])
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


class KitTexts:
    """The texts and blocks with placeholders of all manifests of a kit. Each block is searched only once."""

    def __init__(self, kit: LoadedKit) -> None:
        self._kit = kit
        self._printed = cache(self._find_printed)
        self._group_of = lru_cache(maxsize=_MAX_ROLES)(self._group_of_manifest)  # heirs of a base have the same texts
        self.of_blocks = lru_cache(maxsize=_MAX_KEPT)(self._group_of_blocks)
        """Returns the blocks with placeholders, of the entries in a list of blocks, for some targets."""

    def of(self, manifest: Manifest) -> FilledTexts:
        """Return the texts and blocks of a manifest that have placeholders."""
        targets, own = self._kit.targets_of(manifest), NO_TEXTS
        if has_placeholders(manifest):
            texts = tuple([each for each in texts_of(manifest) if may_have_placeholders(each[1])])
            own = self._group_of(texts, targets)
        return FilledTexts(self._kit, manifest, own, self.of_blocks(manifest.blocks, targets))

    def _group_of_manifest(self, texts: tuple[tuple[KeyPath, str, Fill], ...], targets: tuple[str, ...]) -> TextGroup:
        return TextGroup(tuple(Text(text, fill, targets, path) for path, text, fill in texts))

    def _group_of_blocks(self, entries: tuple[str, ...], targets: tuple[str, ...]) -> TextGroup:
        texts = tuple(text for entry in entries for text in self._printed(entry, targets))
        return TextGroup(texts) if texts else NO_TEXTS

    def _find_printed(self, entry: str, targets: tuple[str, ...]) -> tuple[Text, ...]:
        """What is printed of the block of an entry, if it has placeholders. An unreadable block is left out."""
        blocks, (name, _) = self._kit.blocks, split_entry(entry)
        variants = [target for target in targets if target in blocks.clients(name)]
        others = tuple(target for target in targets if target not in variants)
        found = []
        for some in filter(None, (others, *((target,) for target in variants))):
            block = blocks.find(entry, some[0])
            if block and not block.source.error and may_have_placeholders(text := blocks.text(entry, some[0])):
                section = blocks.section_of(block, entry)
                found.append(Text(text, fill_markdown, some, ("blocks",), block, section.start if section else 0))
        return tuple(found)
