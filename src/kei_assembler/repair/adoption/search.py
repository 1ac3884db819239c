"""Search for the edits of sources that make a build reproduce an edited file.

The search starts from what the sources generate. It tries the candidates for each line that differs, builds the file in
memory, and keeps what brings it closer to the edited one. Only if it is equal in the end has the edit been found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, pairwise

from kei_assembler.diagnostics import AssembleError, Diagnostic
from kei_assembler.kit.owners import Owned
from kei_assembler.records import NamedTuple
from kei_assembler.render.places import Line
from kei_assembler.repair.adoption.changes import Candidate, Changes
from kei_assembler.repair.adoption.state import State
from kei_assembler.repair.adoption.words import Hunk, distance, hunks
from kei_assembler.repair.edits import Edit, overlap

_MAX_BUILDS = 400
"""How often a file is built in a search."""


KeyChanges = Callable[[State], Iterator[Candidate]]


class Left(NamedTuple):
    """Lines that differ at the end of a search: those that are generated, with their origins, and the edited ones.

    `numbers` are those of the edited lines, from 0, without the stamp. `written` are the generated lines that are new
    because of the rest of the edit.
    """

    generated: tuple[Line, ...]
    numbers: range
    written: tuple[str, ...] = ()


class Found(NamedTuple):
    """The end of a search. If nothing is `left`, the state generates the edited lines.

    `errors` are those that the manifest would have if its keys were as the edited lines say.
    """

    state: State
    left: tuple[Left, ...] = ()
    errors: tuple[Diagnostic, ...] = ()


def search(state: State, one: Owned, wanted: Sequence[str], keys: KeyChanges, keys_first: bool) -> Found:
    """Return the state whose sources are edited so that an output gets these lines.

    `keys` returns the candidates for changes of the keys of its manifest. `keys_first` prefers them to other changes.

    Raises:
        AssembleError: a source cannot be read, or the output cannot be built from the sources as they are.
    """
    return _Search(one, wanted, keys, keys_first).found(state)


class _Search:
    def __init__(self, one: Owned, wanted: Sequence[str], keys: KeyChanges, keys_first: bool) -> None:
        self.one = one
        self.wanted = wanted
        self.keys = keys
        self.keys_first = keys_first
        self.builds = 0

    def found(self, state: State) -> Found:
        first = state.explained(self.one)
        at_once = None if self.keys_first else self._at_once(state, first)
        if at_once:
            return Found(at_once)
        for keys_first in dict.fromkeys((self.keys_first, True)):
            end, present = self._walked(state, first, keys_first)
            if not self._distance(present):
                return Found(end)
        errors = self._errors(state, [*self.keys(state)][-1:])
        nearest = first if errors else self._nearest(end, present)
        return Found(end, tuple(self._left(first, nearest)), errors)

    def _errors(self, state: State, candidates: Iterable[Candidate]) -> tuple[Diagnostic, ...]:
        try:
            return tuple(error for edits in candidates for error in state.with_edits(edits).errors(self.one))
        except (AssembleError, ValueError):
            return ()

    def _walked(self, state: State, present: Sequence[Line], keys_first: bool) -> tuple[State, Sequence[Line]]:
        """Return the state that is nearest to the edited lines after step by step, and the lines that it generates."""
        left = self._distance(present)
        while left and (step := self._step(state, present, left, keys_first)):
            state, left = step
            present = state.explained(self.one)
        return state, present

    def _nearest(self, state: State, present: Sequence[Line]) -> Sequence[Line]:
        """Return the lines with one more change that has most of the edited lines, although it changes others, too."""
        changes, found = Changes(state.texts, present, self.wanted), self._hunks(present)
        edited = Counter(self.wanted[at] for hunk in found for at in hunk.new)
        of_lines = chain.from_iterable(chain.from_iterable(changes.of(hunk) for hunk in found))
        best, fewest = state, edited.total()
        for made, _ in self._all_tried(state, [*[*self.keys(state)][-1:], *of_lines]):
            generated = made.generated(self.one)
            missing = (edited - Counter(generated.lines if generated else ())).total()
            best, fewest = (made, missing) if missing < fewest else (best, fewest)
        return present if best is state else best.explained(self.one)

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

    def _step(self, state: State, present: Sequence[Line], left: int, keys_first: bool) -> tuple[State, int] | None:
        """Return the state with one more change, and how far it is from the edited lines."""
        changes = Changes(state.texts, present, self.wanted)
        of_lines = chain.from_iterable(changes.of(hunk) for hunk in self._hunks(present))
        of_keys = ([each] for each in self.keys(state))
        for candidates in chain(of_keys, of_lines) if keys_first else chain(of_lines, of_keys):
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

    def _left(self, first: Sequence[Line], present: Sequence[Line]) -> Iterator[Left]:
        known = {line.text for line in first}
        found = self._hunks(present)
        if found and sorted(self.wanted) == sorted(line.text for line in present):  # only their order differs
            known.clear()
            found = [Hunk(*(range(found[0][side].start, found[-1][side].stop) for side in (0, 1)))]
        for old, new in found:
            written = tuple(present[at].text for at in old if present[at].text not in known)
            yield Left(tuple(present[at] for at in old) or tuple(present[max(old.start - 1, 0) :][:1]), new, written)
