"""Words in messages: suggestions for misspelled words, lists and plurals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise

from kei_assembler import lazy_re


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` is most likely a misspelling of, or None.

    The work is limited, however many words there are. It is fastest if repeated calls pass the same frozenset.
    """
    return _nearest(word, frozenset(known)) if len(word) <= _MAX_WORD else None


_MAX_WORD = 200
_MAX_MENTIONS = 500
_MAX_CANDIDATES = 20


@lru_cache(maxsize=1000)
def _nearest(word: str, known: frozenset[str]) -> str | None:
    likely = _likely(word, known)
    best, match = max(likely, key=lambda each: each[0], default=(0.0, ""))
    is_guess = best <= _PART and sum(closeness == best or 0 < closeness <= _PART for closeness, _ in likely) > 1
    return match if best > 0 and not is_guess else None


def _likely(word: str, known: frozenset[str]) -> list[tuple[float, str]]:
    """Return the known words that a word may stand for, each with its closeness.

    A comparison with thousands of words, as a kit may have, is slow. So this compares only with those that share the
    most pairs of letters, and begins with the pairs that the fewest words have.
    """
    by_pair = _by_pair(known)
    shared: Counter[str] = Counter()
    left = _MAX_MENTIONS
    for mentions in sorted((by_pair.get(pair, []) for pair in _pairs(word.casefold())), key=len):
        left -= len(mentions)
        shared.update(mentions if left >= 0 else ())
    candidates = sorted(shared, key=lambda candidate: (-shared[candidate], candidate))[:_MAX_CANDIDATES]
    return [(_closeness(word, candidate), candidate) for candidate in candidates]


_PART = 0.5
"""The highest closeness of a name that only has a part in common. Several such names are no suggestion."""


@lru_cache(maxsize=4)
def _by_pair(known: frozenset[str]) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for word in sorted(word for word in known if len(word) <= _MAX_WORD):
        for pair in _pairs(word.casefold()):
            words.setdefault(pair, []).append(word)
    return words


def _pairs(word: str) -> set[str]:
    return {*map("".join, pairwise(f" {word} ")), *word}


def _closeness(word: str, candidate: str) -> float:
    """Return how likely a word is a misspelling of a candidate, from 0, not at all, to 1, only written differently.

    Single letters may be wrong, but not whole parts: `TeamDelete` is no misspelling of `CronDelete`.
    """
    parts, others = _parts(word), _parts(candidate)
    one, other = "".join(parts), "".join(others)
    if not one or not other or sorted(parts) == sorted(others):
        return float(bool(one))
    distance = _distance(one, other, _tolerance(one))
    is_same_length = len(parts) == len(others)
    most = _tolerance(one) if is_same_length else min(1, _tolerance(one))
    if distance <= most and (not is_same_length or _are_typos(parts, others)):
        return 1 - distance / max(len(one), len(other))
    # the start of the name, several of its parts, or the whole name with a little more around it
    is_part = len(one) >= _MIN_PART and (other.startswith(one) or (len(parts) > 1 and {*parts}.issubset(others)))
    is_last_word = _WORDS.findall(word.casefold())[-1:] == others
    is_extended = (parts[: len(others)] == others or is_last_word) and 2 * len(other) >= len(one)
    return min(len(one), len(other)) / max(len(one), len(other)) / 2 if is_part or is_extended else 0


_MIN_PART = 3
_SHORT_WORD = 5
_WORDS = lazy_re.compile(r"[^\W_]+")
_HUMP = lazy_re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _parts(word: str) -> list[str]:
    """Return the parts of a name in lower case: `WebSearch`, `web-search` and `web_search` have the same."""
    return [part.casefold() for words in _WORDS.findall(word) for part in _HUMP.split(words)]


def _tolerance(word: str) -> int:
    return min(3, max(1, len(word) // 4)) if len(word) > 2 else 0  # noqa: PLR2004 - nobody misspells two letters


def _are_typos(parts: list[str], others: list[str]) -> bool:
    """Return whether each part of a name is a misspelling of the other name's part at the same place."""
    one, other = parts[0], others[0]
    if len(parts) == 1 and len(one) <= _SHORT_WORD and one[:1] != other[:1] and one[:2] != other[1::-1]:
        return False  # people get the first letter of a short word right
    limits = (max(1, _tolerance(part)) for part in parts)
    return all(_distance(a, b, most) <= most for a, b, most in zip(parts, others, limits, strict=True))


def _distance(one: str, other: str, most: int) -> int:
    """Return how many letters must be inserted, deleted, replaced or swapped with the next, or `most` + 1 if more.

    Only the entries of the matrix near its diagonal matter, so the time is proportional to the length of the words.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    far = most + 1
    older: dict[int, int] = {}
    row = {column: column for column in range(min(most, len(other)) + 1)}
    for index, letter in enumerate(one, 1):
        below = {0: index} if index <= most else {}
        for column in range(max(1, index - most), min(len(other), index + most) + 1):
            steps = row.get(column - 1, far) + (letter != other[column - 1])
            if index > 1 and column > 1 and letter == other[column - 2] and one[index - 2] == other[column - 1]:
                steps = min(steps, older.get(column - 2, far) + 1)
            below[column] = min(steps, row.get(column, far) + 1, below.get(column - 1, far) + 1)
        older, row = row, below
    return min(row.get(len(other), far), far)


def misspelled(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` differs from by a slip of the pen, or None. It is stricter than `nearest`."""
    match = nearest(word, known)
    one, other = word.casefold(), (match or "").casefold()
    # names that differ in their numbers are often both right
    if not match or match == word or _digits(one) != _digits(other):
        return None
    is_close = abs(len(one) - len(other)) <= 1 and _closeness(word, match) >= _MIN_CLOSENESS_OF_SLIP
    return match if is_close or sorted(one) == sorted(other) else None


class Certainty(IntEnum):
    """How certain it is that a word stands for another one.

    It can as well stand for a third one, only have a part in common with it, or be a misspelling of it.
    """

    AMBIGUOUS = 0
    PARTIAL = 1
    CLEAR = 2


def certainty(word: str, match: str, known: Iterable[str]) -> Certainty:
    """Return how certain it is that a word stands for a match among the known words."""
    closeness = _closeness(word, match)
    others = (one for one, other in _likely(word, frozenset(known)) if other != match)
    # names that differ in their numbers are often both right
    if closeness == 0 or _digits(word) != _digits(match) or any(one >= closeness for one in others):
        return Certainty.AMBIGUOUS
    return Certainty.CLEAR if closeness > _PART else Certainty.PARTIAL


def _digits(word: str) -> list[str]:
    return [character for character in word if character.isdigit()]


_MIN_CLOSENESS_OF_SLIP = 0.75


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the help for an unknown word: a question with the nearest known word, or `otherwise` if none is near."""
    match = nearest(word, known)
    return f"did you mean `{match}`?" if match else otherwise


def listed(
    words: Iterable[str],
    quote: Callable[[str], str] = "`{}`".format,
    joint: str = "and",
    most: int | None = None,
    noun: str = "",
) -> str:
    """Return words as a list in a sentence, each formatted by `quote`: "`a`, `b` and `c`".

    At most the first `most` words are listed, and then how many more there are: "`a`, `b` and 1 more", with the noun if
    there is one.
    """
    quoted = [quote(word) for word in words]
    if most is not None and len(quoted) > most:
        left = len(quoted) - most
        quoted[most:] = [counted(left, f"more {noun}") if noun else f"{left:,} more"]
    return f" {joint} ".join(filter(None, (", ".join(quoted[:-1]), *quoted[-1:])))


def choices(noun: str, words: Iterable[str], where: str = "") -> str:
    """Return the words as all that there are: "the keys here are `a` and `b`", or "the only key here is `a`".

    `noun` is a singular whose plural ends in `s`. What follows it is `where`, such as " here".
    """
    known = [*words]
    if not known:
        return f"there is no {noun}{where}"
    return f"{f'the only {noun}{where} is' if len(known) == 1 else f'the {noun}s{where} are'} {listed(known)}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, for example "1 agent" or "2 agents"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def numbers(counts: Iterable[tuple[int, str]]) -> str:
    """Return several numbers with their nouns, without those that are 0 unless all are: "2 agents and 1 base"."""
    of_all = [*counts]
    return listed((counted(*one) for one in [one for one in of_all if one[0]] or of_all[:1]), str)
