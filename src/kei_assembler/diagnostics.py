"""Diagnostics as plain values that sort by file, location and code."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from kei_assembler.records import NamedTuple

KeyPath = tuple[str | int, ...]
"""The path of a value in parsed TOML, such as `("handoff", 2, "target")`. `()` is the file itself."""


class AssembleError(Exception):
    """The run cannot continue because of the command line, the settings or the machine.

    `hint` says what to do about it. `diagnostics` has the findings, if the problem is in a file. `details` has further
    lines of the message, from another program.
    """

    def __init__(
        self, message: str, hint: str = "", diagnostics: Iterable[Diagnostic] = (), details: Iterable[str] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.diagnostics = tuple(diagnostics)
        self.details = tuple(details)


class ExcessError(AssembleError):
    """A kit is too large for one run. `file` is where to report that."""

    def __init__(self, file: str, message: str = "", hint: str = "") -> None:
        super().__init__(message, hint)
        self.args = (file, message, hint)  # to pass the error to another process
        self.file = file


OUT_OF_MEMORY = AssembleError(
    "there is not enough memory for this run",
    "raise the memory limit, or build fewer manifests at a time; all files written so far are complete",
)
"""The error to report for a MemoryError."""


class Severity(IntEnum):
    """How serious a diagnostic is. Only an error prevents outputs from being written."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """The severity as reports write it: `note`, `warning` or `error`."""
        return self.name.lower()


class Span(NamedTuple):
    """A range of text. Lines and columns count from 1, columns in characters. The end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    def below(self, lines: int) -> Span:
        """Return the span that is so many lines further down."""
        return Span(self.line + lines, self.column, self.end_line + lines, self.end_column) if lines else self


class Location(NamedTuple):
    """A span in a file of the kit.

    `file` is relative to the kit, with `/`. `excerpt` is the line that the span starts on, or None if there is no line
    to show.
    """

    file: str
    span: Span
    excerpt: str | None = None

    def __str__(self) -> str:
        """Return the location as compilers print it: `file:line:column`."""
        return f"{self.file}:{self.span.line}:{self.span.column}"


class RelatedLocation(NamedTuple):
    """Another location that a diagnostic refers to, and why."""

    location: Location
    message: str


class Replacement(NamedTuple):
    """A new text for a range of a source. `file` is relative to the kit. An empty range is where to insert the text.

    `text` has LF line ends, whatever the file has.
    """

    file: str
    span: Span
    text: str


class Fix(NamedTuple):
    """What corrects a finding: all of these edits together. Without edits, there is no fix.

    A fix is safe if the outputs stay as intended. One that can add a tool, a right or a handoff is never safe.
    """

    edits: tuple[Replacement, ...] = ()
    is_safe: bool = False

    @property
    def option(self) -> str:
        """The option of a build that makes these edits."""
        return "--fix" if self.is_safe else "--unsafe-fixes"


NO_FIX = Fix()
"""The fix of a finding that only a person can correct."""


class Diagnostic(NamedTuple):
    """One finding. Diagnostics sort by file, location and code."""

    location: Location
    code: str
    severity: Severity
    message: str
    help: str = ""
    related: tuple[RelatedLocation, ...] = ()
    fix: Fix = NO_FIX


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Return whether one of the diagnostics is an error."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)
