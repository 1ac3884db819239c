"""What a rule is: a check with its code, and the findings that it yields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from kei_assembler.diagnostics import KeyPath, Place, Severity, Span


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
