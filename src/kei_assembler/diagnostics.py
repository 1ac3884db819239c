"""What the tool has to say about a user's files: plain values with one sort order."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
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


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether there is an error among the findings."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)
