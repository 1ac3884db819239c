"""Compare lines word by word, and carry the edit of a printed line over to the text that it was printed from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from kei_assembler import lazy_re
from kei_assembler.records import NamedTuple

_WORD = lazy_re.compile(r"\{\{[^{}\n]*\}\}|\w+|\W")
_MAX_PLACES = 5
_MAX_WORDS = 4_000
_MAX_PAIRS = 2_500
_MIN_LIKENESS = 0.5


class Hunk(NamedTuple):
    """Lines of a text, and the lines that another text has in their place. Both are ranges of line numbers, from 0."""

    old: range
    new: range


def hunks(before: Sequence[str], after: Sequence[str]) -> list[Hunk]:
    """Return the lines in which two texts differ."""
    codes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [Hunk(range(a, b), range(c, d)) for tag, a, b, c, d in codes if tag != "equal"]


def distance(before: Sequence[str], after: Sequence[str]) -> int:
    """Return in how many words two texts differ."""
    return sum(_distance(_words(before, hunk.old), _words(after, hunk.new)) for hunk in hunks(before, after))


def _words(lines: Sequence[str], numbers: range) -> list[str]:
    return [word for number in numbers for word in (*_WORD.findall(lines[number]), "\n")]


def _distance(before: Sequence[str], after: Sequence[str]) -> int:
    if not before or not after or len(before) + len(after) > _MAX_WORDS:
        return len(before) + len(after)
    return len(before) + len(after) - 2 * sum(block.size for block in _matcher(before, after).get_matching_blocks())


def _matcher(before: Sequence[str], after: Sequence[str]) -> SequenceMatcher[str]:
    return SequenceMatcher(None, before, after, autojunk=False)


def similar_pairs(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """Return which lines of a text became which of another one, in order. Other lines are new or gone."""
    if len(before) * len(after) > _MAX_PAIRS:
        return []
    likeness = [[_likeness(one, other) for other in after] for one in before]
    best = [[0.0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for a in reversed(range(len(before))):
        for b in reversed(range(len(after))):
            best[a][b] = max(best[a + 1][b], best[a][b + 1], likeness[a][b] + best[a + 1][b + 1])
    pairs, a, b = list[tuple[int, int]](), 0, 0
    while a < len(before) and b < len(after):
        if likeness[a][b] and best[a][b] == likeness[a][b] + best[a + 1][b + 1]:
            pairs.append((a, b))
            a, b = a + 1, b + 1
        elif best[a][b] == best[a + 1][b]:
            a += 1
        else:
            b += 1
    return pairs


def _likeness(one: str, other: str) -> float:
    """Return how much two lines are alike, or 0 if they have too little in common."""
    words, others = (_WORD.findall(line) for line in (one, other))
    ratio = 1 - _distance(words, others) / max(len(words) + len(others), 1)
    return ratio if ratio >= _MIN_LIKENESS else 0.0


def carried(own: str, printed: str, wanted: str) -> Iterator[str]:
    """Yield what a text could be so that the line that it is printed in becomes the wanted one, the likeliest first.

    `own` is the text, and `printed` the line: with more around the text, with values in it, or with escapes.
    """
    at = printed.find(own) if own else -1
    for _ in range(_MAX_PLACES):
        if at < 0:
            break
        before, after = printed[:at], printed[at + len(own) :]
        if wanted.startswith(before) and wanted[len(before) :].endswith(after):
            yield wanted[len(before) : len(wanted) - len(after)]
        at = printed.find(own, at + 1)
    texts = [_WORD.findall(text) for text in (own, printed, wanted)]
    if sum(map(len, texts)) <= _MAX_WORDS and own:
        made = _mapped(*texts)
        if made != own:
            yield made


def _mapped(own: list[str], printed: list[str], wanted: list[str]) -> str:
    """Return a text with those changes of its printed words that are words of the text."""
    places: dict[int, int] = {}
    for block in _matcher(own, printed).get_matching_blocks():
        places.update((block.b + step, block.a + step) for step in range(block.size))
    made, end = list[str](), 0
    for tag, start, stop, first, last in _matcher(printed, wanted).get_opcodes():
        if tag == "equal":
            continue
        span = _span_in(places, start, stop)
        if span is not None and span[0] >= end:
            made += [*own[end : span[0]], *wanted[first:last]]
            end = span[1]
    return "".join([*made, *own[end:]])


def _span_in(places: dict[int, int], start: int, stop: int) -> tuple[int, int] | None:
    """Return where the text has these printed words, which have to be next to each other there too."""
    if start < stop:
        found = [places.get(number) for number in range(start, stop)]
        first = found[0]
        if first is None or found != [*range(first, first + len(found))]:
            return None
        return first, first + len(found)
    before, after = places.get(start - 1), places.get(start)
    if before is not None:
        return before + 1, before + 1
    return None if after is None else (after, after)


def between(line: str, joints: Sequence[str]) -> list[str] | None:
    """Return the texts between the joints that a line consists of, or None if it does not have them all.

    The line starts with the first joint and ends with the last one. No text is empty.
    """
    first, *others, last = joints
    at, texts = len(first), list[str]()
    for joint in others:
        end = line.find(joint, at + 1)
        if end < 0:
            return None
        texts.append(line[at:end])
        at = end + len(joint)
    texts.append(line[at : len(line) - len(last)])
    return texts if line.startswith(first) and line.endswith(last) and texts[-1] else None


def merged(base: Sequence[str], one: Sequence[str], other: Sequence[str]) -> list[str] | None:
    """Return a text with the changes that two texts make to it, or None if the changes are not apart."""
    changes = {
        (hunk.old.start, hunk.old.stop, tuple(side[at] for at in hunk.new))
        for side in (one, other)
        for hunk in hunks(base, side)
    }
    made, end = list[str](), -1
    for start, stop, lines in sorted(changes):
        if start <= end:
            return None
        made += [*base[max(end, 0) : start], *lines]
        end = stop
    return [*made, *base[max(end, 0) :]]
