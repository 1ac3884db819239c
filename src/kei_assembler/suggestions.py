"""Words in messages: suggestions for misspelled words, lists and plurals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` is most likely a misspelling of, or None."""
    return _nearest(word.casefold(), frozenset(known)) if len(word) <= _MAX_WORD else None


_MAX_WORD = 200
_MAX_CANDIDATES = 50


@lru_cache(maxsize=1000)
def _nearest(word: str, known: frozenset[str]) -> str | None:
    # difflib is slow to import, and slow to compare with thousands of words, as a kit may have: compare only with those
    # that share the most pairs of letters
    from difflib import get_close_matches

    by_pair = _by_pair(known)
    shared = Counter(candidate for pair in _pairs(word) for candidate in by_pair.get(pair, ()))
    candidates = sorted(shared, key=lambda candidate: (-shared[candidate], candidate))[:_MAX_CANDIDATES]
    folded = {candidate.casefold(): candidate for candidate in sorted(candidates, reverse=True)}
    matches = get_close_matches(word, sorted(folded), n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


@lru_cache(maxsize=4)
def _by_pair(known: frozenset[str]) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for word in sorted(known):
        for pair in _pairs(word.casefold()):
            words.setdefault(pair, []).append(word)
    return words


def _pairs(word: str) -> set[str]:
    return {*map("".join, pairwise(f" {word} ")), *word}


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
