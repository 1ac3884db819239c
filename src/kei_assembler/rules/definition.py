"""A rule, and the findings that its check yields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import wraps
from typing import Any

from kei_assembler.diagnostics import KeyPath, Location, Severity, Span
from kei_assembler.records import NamedTuple
from kei_assembler.toml.source import Source


class Remedy(NamedTuple):
    """What corrects a finding, before it becomes edits of a file.

    `operation` is one of `toml.rewriting.OPERATIONS`, which takes the source, `where` and the arguments. If `where` is
    a span or a location, the operation is `written`, and the arguments are the text there and the one that replaces it.
    `source` is the file that a key path leads to, if it is not the checked one. A remedy is safe if the outputs stay as
    intended; it is not if it can add a tool, a right or a handoff.
    """

    operation: str
    where: KeyPath | Span | Location
    arguments: tuple[Any, ...] = ()
    is_safe: bool = True
    source: Source | None = None


class Fixable(StrEnum):
    """Whether findings of a rule have a fix, as the end of a sentence in the documentation."""

    NEVER = ""
    SAFELY = "`--fix` corrects it if only one correction is likely."
    UNSAFELY = "`--unsafe-fixes` corrects it if only one correction is likely."
    EITHER = "If only one correction is likely, `--fix` makes it where that is safe, and otherwise `--unsafe-fixes`."


class Violation(NamedTuple):
    """A problem that a rule found, before it is located in the file.

    `where` is a key path in the checked file, a span in it, or a location in any file, as are related locations.
    Turning a key path into a span needs a second, slower parse, so only findings that are reported are located.
    """

    where: KeyPath | Span | Location
    message: str
    help: str = ""
    related: tuple[tuple[KeyPath | Span | Location, str], ...] = ()
    remedy: Remedy | None = None


class Rule(NamedTuple):
    """A check with its code and severity. The docstring of `check` is the rule's documentation.

    `may_ignore` says whether the setting `ignore` can silence the rule. An error that would make the outputs wrong
    cannot be silenced. A rule `about` a key finds something in a valid manifest, or nothing, only because of what that
    key has in this kit, so it does not run again for the same value (see `recurring`).
    """

    code: str
    severity: Severity
    may_ignore: bool
    check: Callable[..., Iterable[Violation]]
    fixable: Fixable = Fixable.NEVER
    about: str = ""

    @property
    def name(self) -> str:
        """The rule's public name, such as `unknown-key`: the name of its check, with hyphens."""
        return self.check.__name__.replace("_", "-")


def rule(
    code: str,
    severity: Severity = Severity.ERROR,
    *,
    may_ignore: bool = False,
    fixable: Fixable = Fixable.NEVER,
    about: str = "",
) -> Callable[[Callable[..., Iterable[Violation]]], Rule]:
    """Return a decorator that turns a check into a rule. Warnings and notes can always be ignored."""
    return lambda check: Rule(code, severity, may_ignore or severity < Severity.ERROR, check, fixable, about)


def documented(code: str, severity: Severity = Severity.ERROR) -> Callable[[Callable[[], None]], Rule]:
    """Return a decorator that turns a mere docstring into a rule. Its check takes a finding and yields it."""
    return lambda function: rule(code, severity)(wraps(function)(lambda finding: (finding,)))
