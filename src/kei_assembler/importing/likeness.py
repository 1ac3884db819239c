"""Compare the texts of agent files."""

from __future__ import annotations

from collections import Counter

from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.whitespace import collapse_whitespace

MIN_LIKENESS = 0.8
"""How much of the text two files of one agent have in common at least."""


def is_alike(one: AgentFile, other: AgentFile) -> bool:
    """Return whether the bodies of two files have most of their words in common."""
    return likeness(one.body, other.body) >= MIN_LIKENESS


def likeness(one: str, other: str) -> float:
    """Return how much of two texts is the same, from 0 to 1: the share of words that both have, in any order."""
    if one == other:
        return 1.0
    return likeness_of_words(words_of(one), words_of(other))


def words_of(text: str) -> Counter[str]:
    """Return how often a text has each word."""
    return Counter(collapse_whitespace(text).split(" "))


def likeness_of_words(one: Counter[str], other: Counter[str]) -> float:
    """Return the share of words that two texts have in common, from 0 to 1."""
    return 2 * (one & other).total() / ((one.total() + other.total()) or 1)
