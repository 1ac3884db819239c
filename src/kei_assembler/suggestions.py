"""Words in messages: suggestions for misspelled words, lists and plurals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` is most likely a misspelling of, or None.

    The work is limited, however many words there are. It is fastest if repeated calls pass the same frozenset.
    """
    return _nearest(word.casefold(), frozenset(known)) if len(word) <= _MAX_WORD else None


_MAX_WORD = 200
_MAX_MENTIONS = 500
_MAX_CANDIDATES = 20
_MIN_SIMILARITY = 0.6


@lru_cache(maxsize=1000)
def _nearest(word: str, known: frozenset[str]) -> str | None:
    # a comparison with thousands of words, as a kit may have, is slow: compare only with those that share the most
    # pairs of letters, and begin with the pairs that the fewest words have
    by_pair = _by_pair(known)
    shared: Counter[str] = Counter()
    left = _MAX_MENTIONS
    for mentions in sorted((by_pair.get(pair, []) for pair in _pairs(word)), key=len):
        left -= len(mentions)
        shared.update(mentions if left >= 0 else ())
    candidates = sorted(shared, key=lambda candidate: (-shared[candidate], candidate))[:_MAX_CANDIDATES]
    similarities = {candidate: _similarity(word, candidate.casefold()) for candidate in candidates}
    best = max(candidates, key=similarities.__getitem__, default="")
    return best if best and similarities[best] >= _MIN_SIMILARITY else None


@lru_cache(maxsize=4)
def _by_pair(known: frozenset[str]) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for word in sorted(word for word in known if len(word) <= _MAX_WORD):
        for pair in _pairs(word.casefold()):
            words.setdefault(pair, []).append(word)
    return words


def _pairs(word: str) -> set[str]:
    return {*map("".join, pairwise(f" {word} ")), *word}


def _similarity(one: str, other: str) -> float:
    """Return how similar two words are, from 0 to 1: the share of letters in their longest common subsequence.

    The bits of a number stand for the letters of one word, so each step handles all of them at once (Hyyrö, 2004).
    """
    places: dict[str, int] = {}
    for index, letter in enumerate(one):
        places[letter] = places.get(letter, 0) | 1 << index
    every = row = (1 << len(one)) - 1
    for letter in other:
        matched = row & places.get(letter, 0)
        row = (row + matched | row - matched) & every
    return 2 * (every ^ row).bit_count() / (len(one) + len(other))


def misspelled(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` differs from by a slip of the pen, or None. It is stricter than `nearest`."""
    match = nearest(word, known)
    one, other = word.casefold(), (match or "").casefold()
    # names that differ in their numbers are often both right
    if not match or match == word or _digits(one) != _digits(other):
        return None
    is_close = abs(len(one) - len(other)) <= 1 and _similarity(one, other) >= _MIN_SIMILARITY_OF_SLIP
    return match if is_close or sorted(one) == sorted(other) else None


def _digits(word: str) -> list[str]:
    return [character for character in word if character.isdigit()]


_MIN_SIMILARITY_OF_SLIP = 0.75


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the help for an unknown word: a question with the nearest known word, or `otherwise` if none is near."""
    match = nearest(word, known)
    return f"did you mean `{match}`?" if match else otherwise


def listed(words: Iterable[str], quote: Callable[[str], str] = "`{}`".format) -> str:
    """Return words as a list in a sentence, each formatted by `quote`: "`a`, `b` and `c`"."""
    quoted = [quote(word) for word in words]
    return " and ".join(filter(None, (", ".join(quoted[:-1]), *quoted[-1:])))


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, for example "1 agent" or "2 agents"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
