"""Find sections that are almost the same: copies of one section that people have changed since."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from kei_assembler.importing.likeness import likeness_of_words, words_of
from kei_assembler.importing.sharing.parts import Part
from kei_assembler.records import NamedTuple

MIN_LIKENESS = 0.85
"""How much of the text two sections have in common at least, if one is a copy of the other."""

_MAX_COMPARED = 3
_MAX_INDEXED = 50
"""How many sections with a word are searched: a bound on the time for many sections of few words."""


class Diverged(NamedTuple):
    """A section of several texts that some of them have changed: `others` are the changed versions.

    `users` has the numbers of the texts with each version. Most texts have the version `text`.
    """

    title: str
    text: str
    others: tuple[str, ...]
    users: Mapping[str, Sequence[int]]

    @property
    def copies(self) -> int:
        """How many texts have a version of the section."""
        return len({number for text in (self.text, *self.others) for number in self.users[text]})

    @property
    def changed(self) -> int:
        """How many texts have a changed version."""
        return len({number for text in self.others for number in self.users[text]})


def diverged(cut: Iterable[Iterable[Part]], min_users: int) -> list[Diverged]:
    """Return the sections of which `min_users` texts have copies with the same heading that are almost the same."""
    users: dict[str, list[int]] = {}
    titles: dict[str, str] = {}
    by_title: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for number, parts in enumerate(cut):
        for text, title in {part.block: part.title for part in parts if part.block}.items():
            users.setdefault(text, []).append(number)
            titles.setdefault(text, title)
            by_title[title.casefold()][text] = None
    found = []
    for texts in by_title.values():
        if len(texts) > 1 and sum(len(users[text]) for text in texts) >= min_users:
            groups = _groups(sorted(texts, key=lambda text: -len(users[text])))
            found += [Diverged(titles[text], text, tuple(others), users) for text, others in groups.items() if others]
    return sorted((each for each in found if each.copies >= min_users), key=lambda each: -each.copies)


def _groups(texts: Sequence[str]) -> dict[str, list[str]]:
    """The texts that are almost the same as one before them, by the first of them."""
    words = {text: words_of(text) for text in texts}
    frequency = Counter(word for counts in words.values() for word in counts)
    groups: dict[str, list[str]] = {}
    by_word: defaultdict[str, list[str]] = defaultdict(list)
    for text, counts in words.items():
        rarest = sorted(counts, key=lambda word: (frequency[word], word))[: _enough(counts.total())]
        near = Counter(other for word in rarest for other in by_word[word][:_MAX_INDEXED])
        alike = (other for other, _ in near.most_common(_MAX_COMPARED) if _is_near(counts, words[other]))
        if first := next(alike, ""):
            groups[first].append(text)
            continue
        groups[text] = []
        for word in rarest:
            by_word[word].append(text)
    return groups


def _enough(words: int) -> int:
    """How many of a text's words to look up: it has fewer that are not in a text that is almost the same."""
    return words - int(words * MIN_LIKENESS / (2 - MIN_LIKENESS)) + 1


def _is_near(one: Counter[str], other: Counter[str]) -> bool:
    return likeness_of_words(one, other) >= MIN_LIKENESS
