"""What the tool has to say about a user's files: plain values with one sort order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

KeyPath = tuple[str | int, ...]
"""The way to a value in parsed TOML: `("handoff", 2, "target")`; `()` is the file itself."""


class AssembleError(Exception):
    """The run cannot go on: the command line, the settings or the machine are in the way.

    `hint` says what to do about it; `diagnostics` hold the findings, where there are places to show.
    """

    def __init__(self, message: str, hint: str = "", diagnostics: Iterable[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.diagnostics = tuple(diagnostics)


class Severity(IntEnum):
    """How much a finding weighs; only an error keeps the outputs from being written."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """The severity as the reports spell it: `note`, `warning`, `error`."""
        return self.name.lower()


class Span(NamedTuple):
    """A stretch of text. Lines and columns count from 1, in characters; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Place(NamedTuple):
    """A span in a file of the kit, and the text of the line that it starts on.

    `file` is relative to the kit, with `/`. `excerpt` is None where there is no line to show.
    """

    file: str
    span: Span
    excerpt: str | None = None


class Related(NamedTuple):
    """A second place that a finding concerns, and what it has to do with it."""

    place: Place
    message: str


class Diagnostic(NamedTuple):
    """One finding. Sorting diagnostics sorts them by file, place and code."""

    place: Place
    code: str
    severity: Severity
    message: str
    help: str = ""
    related: tuple[Related, ...] = ()


class Finding(NamedTuple):
    """What a rule yields: a diagnostic whose places are still key paths.

    A place is a key path in the file at hand, or a span in it; a related one may be in another file. Turning a path
    into a span costs a parse, so it happens only here, where there is something to report.
    """

    where: KeyPath | Span
    message: str
    help: str = ""
    related: tuple[tuple[KeyPath | Span | Place, str], ...] = ()


class Rule(NamedTuple):
    """One check with its code. The docstring of `check` is the rule's documentation.

    An error that would make the outputs wrong cannot be silenced; what can be has `may_ignore`.
    """

    code: str
    severity: Severity
    may_ignore: bool
    check: Callable[..., Iterable[Finding]]

    @property
    def name(self) -> str:
        """The rule's name in words, set off by `-`."""
        return self.check.__name__.replace("_", "-")


def rule(
    code: str, severity: Severity = Severity.ERROR, *, may_ignore: bool = False
) -> Callable[[Callable[..., Iterable[Finding]]], Rule]:
    """Make the decorated function a rule with this code and severity. Warnings and notes may always be ignored."""
    return lambda check: Rule(code, severity, may_ignore or severity < Severity.ERROR, check)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether there is an error among the findings."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` most likely was meant to be, or None."""
    return _nearest(word.casefold(), frozenset(known)) if len(word) <= _WORD_MOST else None


_WORD_MOST = 200
_CANDIDATES_MOST = 50


@lru_cache(maxsize=1000)
def _nearest(word: str, known: frozenset[str]) -> str | None:
    """Compare with the few known words that share the most pairs of letters: a kit may have thousands."""
    from difflib import get_close_matches

    by_pair = _by_pair(known)
    shared = Counter(candidate for pair in _pairs(word) for candidate in by_pair.get(pair, ()))
    candidates = sorted(shared, key=lambda candidate: (-shared[candidate], candidate))[:_CANDIDATES_MOST]
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
    """Return the help line for an unknown word: the nearest known one, or `otherwise`."""
    match = nearest(word, known)
    return f"did you mean `{match}`?" if match else otherwise


def listed(words: Iterable[str], quote: Callable[[str], str] = "`{}`".format) -> str:
    """Return the words as code, in one line of prose: "`a`, `b` and `c`"."""
    quoted = [quote(word) for word in words]
    return " and ".join(filter(None, (", ".join(quoted[:-1]), *quoted[-1:])))
