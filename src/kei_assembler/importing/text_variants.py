"""Split the texts of one agent for several clients: into the role that they share, and blocks with variants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from kei_assembler.build.diff import matched_lines
from kei_assembler.importing.bodies import Section, sections
from kei_assembler.records import NamedTuple
from kei_assembler.rules.block_files import front_matter
from kei_assembler.toml.source import Source
from kei_assembler.whitespace import collapse_whitespace

_MAX_LEVEL = 6


class Piece(NamedTuple):
    """A part of the text of an agent that becomes a block: its heading or "", and its text for each client.

    An empty text is none: the client does not get the block. If the block has a name already, that is `block`.
    """

    title: str
    texts: Mapping[str, str]
    block: str = ""

    @property
    def text(self) -> str:
        """The text for most clients."""
        return next(text for text, _ in Counter(self.texts.values()).most_common() if text)

    @property
    def variants(self) -> dict[str, str]:
        """The different texts, by client."""
        return {target: text for target, text in self.texts.items() if text != self.text}


class SplitText(NamedTuple):
    """The start of several texts that is the same in all of them, and the rest."""

    role: str
    pieces: tuple[Piece, ...] = ()


def split_texts(texts: Mapping[str, str]) -> SplitText | None:
    """Split the texts of an agent, by client, at their headings. Return None if blocks cannot have these texts."""
    cut = {target: _sections(text) for target, text in texts.items()}
    runs = list(_runs(cut))
    shared = runs.pop(0) if runs and len({*map(_joined, runs[0].values())}) == 1 else {}
    role = _joined(next(iter(shared.values()), []))
    split = SplitText(role, tuple(map(_piece, runs)))
    return split if all(_is_whole(split, target, text) for target, text in texts.items()) else None


def _sections(text: str) -> list[Section]:
    cut = (section._replace(text=section.text.strip("\n")) for section in sections(text, _MAX_LEVEL))
    return [section for section in cut if section.text]


def _joined(cut: Sequence[Section]) -> str:
    return "\n\n".join(section.text for section in cut)


def _piece(run: Mapping[str, list[Section]]) -> Piece:
    title = next(section.title for cut in run.values() for section in cut)
    return Piece(title, {target: _joined(cut) for target, cut in run.items()})


def _is_whole(split: SplitText, target: str, text: str) -> bool:
    """Whether the role and the blocks say the same as a text, and no block starts with what would be front matter."""
    parts = [split.role, *(piece.texts[target] for piece in split.pieces)]
    starts = (front_matter(Source("", text)) for piece in split.pieces for text in piece.texts.values())
    return collapse_whitespace("\n".join(parts)) == collapse_whitespace(text) and not any(starts)


_Run = dict[str, list[Section]]
"""Sections that follow each other, for each client."""


def _runs(cut: Mapping[str, list[Section]]) -> Iterator[_Run]:
    """Yield the sections in runs: those that are the same for all clients, and those that are not, in turn."""
    common = _common(cut)
    at = dict.fromkeys(cut, 0)
    same: _Run = {}
    for indexes in [*common, {target: len(own) for target, own in cut.items()}]:
        between = {target: own[at[target] : indexes[target]] for target, own in cut.items()}
        if any(between.values()):
            yield from filter(None, (same,))
            yield from _by_title(between)
            same = {}
        for target, own in cut.items():
            same.setdefault(target, []).extend(own[indexes[target] : indexes[target] + 1])
            at[target] = indexes[target] + 1
    if any(same.values()):
        yield same


def _common(cut: Mapping[str, list[Section]]) -> list[dict[str, int]]:
    """The sections that all clients have in the same order, as an index for each client."""
    (first, own), *others = cut.items()
    texts = [section.text for section in own]
    matched = {target: matched_lines(texts, [section.text for section in cut]) for target, cut in others}
    found = []
    for index in range(len(texts)):
        indexes = {target: of_other[index] for target, of_other in matched.items()}
        known = {target: other for target, other in indexes.items() if other is not None}
        if len(known) == len(indexes):
            found.append({first: index, **known})
    return found


def _by_title(run: _Run) -> list[_Run]:
    """A run for each section if all clients have the same headings, or otherwise the whole run."""
    headings = {tuple((section.level, section.title) for section in cut) for cut in run.values()}
    if len(headings) > 1:
        return [run]
    return [{target: [cut[index]] for target, cut in run.items()} for index in range(len(*headings))]
