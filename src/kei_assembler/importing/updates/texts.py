"""Merge the text of an agent, section by section, into the texts of the kit that it is in now: the role and blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from kei_assembler.importing.bodies import Section, sections
from kei_assembler.importing.likeness import likeness
from kei_assembler.importing.updates.values import Conflict
from kei_assembler.records import NamedTuple
from kei_assembler.repair.adoption.words import merged

_MAX_LEVEL = 6
_NEWLINE = "\n"
_MIN_LIKENESS = 0.5


class _Place(NamedTuple):
    """Where a section is: the text that it is in, and its number there, from 0."""

    text: int
    number: int


class MergedTexts(NamedTuple):
    """The texts with all changes, and what was changed on both sides."""

    texts: list[str]
    conflicts: list[Conflict]


def merge_texts(base: str, theirs: str, texts: Sequence[str], prefers: str = "") -> MergedTexts:
    """Return the texts of a kit with what changed between two versions of an imported text.

    The first of `texts` is the role. `prefers` says which side wins where both changed the same lines: "mine",
    "upstream", or "", which makes it a conflict.
    """
    return _Merge(base, theirs, texts, prefers).merge()


class _Merge:
    def __init__(self, base: str, theirs: str, texts: Sequence[str], prefers: str) -> None:
        self.texts = texts
        self.prefers = prefers
        self.whole = base.strip("\n"), theirs.strip("\n")
        self.base = _sections(base)
        self.theirs = _sections(theirs)
        self.ours = [sections(text, _MAX_LEVEL) for text in texts]
        self.made: dict[_Place, str] = {}
        """The sections with other texts."""
        self.added: dict[_Place, list[str]] = {}
        """New sections, by the place that they follow."""
        self.conflicts: list[Conflict] = []

    def merge(self) -> MergedTexts:
        if self.texts[0].strip("\n") == self.whole[0]:
            return MergedTexts([f"{self.whole[1]}{_end(self.texts[0])}", *self.texts[1:]], [])
        places = self._places()
        previous: _Place | None = None
        waiting: list[str] = []
        for before, after in _pairs(self.base, self.theirs):
            place = None if before is None else places[before]
            if before is None and after is not None:
                if not self._has(self.theirs[after]):
                    waiting.append(_text(self.theirs[after]))
                continue
            assert before is not None
            self._change(self.base[before], None if after is None else self.theirs[after], place)
            if place and place.text == 0:
                self._add(previous, place, waiting)
                previous, waiting = place, []
        self._add(previous, None, waiting)
        return MergedTexts([self._joined(number) for number in range(len(self.texts))], self.conflicts)

    def _add(self, previous: _Place | None, following: _Place | None, waiting: list[str]) -> None:
        """Add new sections to the role: after those that precede them, or else before those that follow."""
        if not waiting:
            return
        if previous is None and following is not None:
            previous = _Place(0, following.number - 1)
        elif previous is None or following is None:
            previous = _Place(0, len(self.ours[0]) - 1)
        self.added.setdefault(previous, []).extend(waiting)

    def _has(self, section: Section) -> bool:
        return any(_text(each) == _text(section) for cut in self.ours for each in cut)

    def _places(self) -> list[_Place | None]:
        """Return where each section of the base is in the texts: the same text, or else one with the same heading."""
        free = {_Place(at, index): each for at, cut in enumerate(self.ours) for index, each in enumerate(cut)}
        found: list[_Place | None] = [None] * len(self.base)
        for is_like in (_is_equal, _has_same_heading, _is_alike):
            for at, section in enumerate(self.base):
                if found[at] is None:
                    found[at] = next((place for place, each in free.items() if is_like(section, each)), None)
                    free.pop(found[at], None)  # type: ignore[arg-type]
        return found

    def _change(self, before: Section, after: Section | None, place: _Place | None) -> None:
        """Make the change of one section, which is gone if `after` is None."""
        old, new = _text(before), "" if after is None else _text(after)
        if old == new:
            return
        ours = _text(self.ours[place.text][place.number]) if place else ""
        if ours == new or (not ours and not new):
            return
        made = self._merged(old, ours, new)
        if made is None or place is None:
            if self.prefers == "upstream" and place:
                self.made[place] = new
            elif not self.prefers or (self.prefers == "upstream" and place is None):
                title = before.title or "the beginning"
                self.conflicts.append(Conflict(f"the text (`{title}`)", ours, new))
            return
        self.made[place] = made

    @staticmethod
    def _merged(old: str, ours: str, new: str) -> str | None:
        if ours == old:
            return new
        if not new or not ours:
            return None
        lines = merged(*(text.split("\n") for text in (old, ours, new)))
        return None if lines is None else "\n".join(lines)

    def _joined(self, number: int) -> str:
        cut = self.ours[number]
        if not any(place.text == number for place in (*self.made, *self.added)):
            return self.texts[number]
        parts = [(text, "\n") for text in self.added.get(_Place(number, -1), [])]
        for index, section in enumerate(cut):
            place = _Place(number, index)
            parts.append((self.made.get(place, section.text.rstrip("\n")), _end(section.text)))
            parts += [(text, "\n") for text in self.added.get(place, [])]
        filled = [part for part in parts if part[0]]
        text = "".join(f"{text}\n{gap or _NEWLINE}" for text, gap in filled[:-1]) + "".join(
            one[0] for one in filled[-1:]
        )
        return f"{text}{_end(self.texts[number])}" if text else ""


def _sections(text: str) -> list[Section]:
    return [section for section in sections(text, _MAX_LEVEL) if _text(section)]


def _text(section: Section) -> str:
    return section.text.strip("\n")


def _end(text: str) -> str:
    """The newlines that a text ends with."""
    return text[len(text.rstrip("\n")) :]


def _is_equal(one: Section, other: Section) -> bool:
    return _text(one) == _text(other) != ""


def _has_same_heading(one: Section, other: Section) -> bool:
    return bool(one.title) and (one.level, one.title) == (other.level, other.title)


def _is_alike(one: Section, other: Section) -> bool:
    is_beginning = not one.title and not other.title and bool(_text(one)) and bool(_text(other))
    return is_beginning or likeness(_text(one), _text(other)) >= _MIN_LIKENESS


def _pairs(base: Sequence[Section], theirs: Sequence[Section]) -> Iterator[tuple[int | None, int | None]]:
    """Yield which section became which. One of them is None if the section is new or gone. All are in their order."""
    codes = SequenceMatcher(None, [*map(_text, base)], [*map(_text, theirs)], autojunk=False).get_opcodes()
    for tag, start, stop, first, last in codes:
        if tag == "equal":
            yield from zip(range(start, stop), range(first, last), strict=True)
        else:
            yield from _aligned(base, theirs, range(start, stop), range(first, last))


def _aligned(
    base: Sequence[Section], theirs: Sequence[Section], old: range, new: range
) -> Iterator[tuple[int | None, int | None]]:
    at = new.start
    for before in old:
        after = next(
            (
                each
                for is_like in (_has_same_heading, _is_alike)
                for each in range(at, new.stop)
                if is_like(base[before], theirs[each])
            ),
            None,
        )
        if after is None:
            yield before, None
            continue
        yield from ((None, each) for each in range(at, after))
        yield before, after
        at = after + 1
    yield from ((None, each) for each in range(at, new.stop))
