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
    words, others = (Counter(collapse_whitespace(text).split(" ")) for text in (one, other))
    return 2 * (words & others).total() / ((words + others).total() or 1)
