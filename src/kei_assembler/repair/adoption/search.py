"""Search for the edits of sources that make a build reproduce an edited file.

The search starts from what the sources generate. It tries the candidates for each line that differs, builds the file in
memory, and keeps what brings it closer to the edited one. Only if it is equal in the end has the edit been found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit.owners import Owned
from kei_assembler.render.places import Line
from kei_assembler.repair.adoption.changes import Candidate, Changes
from kei_assembler.repair.adoption.state import State
from kei_assembler.repair.adoption.words import Hunk, distance, hunks
from kei_assembler.repair.edits import Edit, overlap

_MAX_BUILDS = 400
"""How often a file is built in a search."""


class Left(NamedTuple):
    """Lines that differ at the end of a search: those that are generated, with their origins, and the edited ones.

    `numbers` are those of the edited lines, from 0, without the stamp.
    """

    generated: tuple[Line, ...]
    numbers: range


class Found(NamedTuple):
    """The end of a search. If nothing is `left`, the state generates the edited lines."""

    state: State
    left: tuple[Left, ...] = ()


def search(state: State, one: Owned, wanted: Sequence[str]) -> Found:
    """Return the state whose sources are edited so that an output gets these lines.

    Raises:
        AssembleError: a source cannot be read, or the output cannot be built from the sources as they are.
    """
    return _Search(one, wanted).found(state)


class _Search:
    def __init__(self, one: Owned, wanted: Sequence[str]) -> None:
        self.one = one
        self.wanted = wanted
        self.builds = 0

    def found(self, state: State) -> Found:
        present = state.explained(self.one)
        at_once = self._at_once(state, present)
        if at_once:
            return Found(at_once)
        left = self._distance(present)
        while left:
            step = self._step(state, present, left)
            if step is None:
                return Found(state, tuple(self._left(present)))
            state, left = step
            present = state.explained(self.one)
        return Found(state)

    def _distance(self, present: Sequence[Line]) -> int:
        return distance([line.text for line in present], self.wanted)

    def _hunks(self, present: Sequence[Line]) -> list[Hunk]:
        return hunks([line.text for line in present], self.wanted)

    def _at_once(self, state: State, present: Sequence[Line]) -> State | None:
        """Return the state with the first candidate for each hunk, if that is all that has to change."""
        changes = Changes(state.texts, present, self.wanted)
        first = [next(chain.from_iterable(changes.of(hunk)), None) for hunk in self._hunks(present)]
        edits = sorted({edit for candidate in first if candidate for edit in candidate})
        if None in first or any(overlap(*pair) for pair in pairwise(edits)):
            return None
        tried = self._tried(state, edits)
        return tried[0] if tried and tried[1] == 0 else None

    def _step(self, state: State, present: Sequence[Line], left: int) -> tuple[State, int] | None:
        """Return the state with one more change, and how far it is from the edited lines."""
        changes = Changes(state.texts, present, self.wanted)
        for candidates in chain.from_iterable(changes.of(hunk) for hunk in self._hunks(present)):
            nearer = [each for each in self._all_tried(state, candidates) if each[1] < left]
            if nearer:
                return min(nearer, key=lambda each: each[1])
        return None

    def _all_tried(self, state: State, candidates: Iterable[Candidate]) -> Iterator[tuple[State, int]]:
        for edits in dict.fromkeys(candidates):
            tried = self._tried(state, edits)
            if tried:
                yield tried

    def _tried(self, state: State, edits: Sequence[Edit]) -> tuple[State, int] | None:
        """Return the state with some edits, and how far it is from the edited lines."""
        self.builds += 1
        if self.builds > _MAX_BUILDS or not edits:
            return None
        try:
            made = state.with_edits(edits)
            generated = made.generated(self.one)
        except (AssembleError, ValueError):
            return None
        return (made, distance(generated.lines, self.wanted)) if generated else None

    def _left(self, present: Sequence[Line]) -> Iterator[Left]:
        for hunk in self._hunks(present):
            yield Left(
                tuple(present[at] for at in hunk.old) or tuple(present[max(hunk.old.start - 1, 0) :][:1]), hunk.new
            )
