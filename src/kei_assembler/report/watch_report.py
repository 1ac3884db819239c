"""The reports of `assemble watch`: each one has in full only what the report before did not have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kei_assembler.build.changes import Change
from kei_assembler.build.result import CLEAN, RunResult
from kei_assembler.diagnostics import Diagnostic, Severity
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.report import text_report
from kei_assembler.suggestions import counted

Known = tuple[str, str, int, str, str]
"""What makes a finding the same in two builds. Its line is not part of that: an edit above it moves it."""


class WatchReport:
    """The reports of one watch: a finding that has not changed is only counted, and a failure is one line."""

    def __init__(self) -> None:
        self._known: Counter[Known] = Counter()
        self._left: frozenset[Change] = frozenset()
        self._failure = ""

    def render(self, result: RunResult) -> tuple[str, str]:
        """Return the report on a build, for stdout and stderr."""
        current = Counter(map(_known, result.diagnostics))
        new, same = self._split(result.diagnostics)
        left = frozenset(change for change in result.changes if not change.applied)
        changes = tuple(change for change in result.changes if change not in self._left)
        out, err = text_report.details(result._replace(diagnostics=tuple(new), changes=changes))
        # An error can hide other findings. Warnings and notes are neither fixed then, nor new when they come back.
        is_complete = result.failure is None and (bool(result.changes) or result.status == CLEAN)
        fixed = (self._known - current).total() if is_complete else 0
        hidden = Counter({key: count for key, count in self._known.items() if key[2] != Severity.ERROR})
        self._known = current if is_complete else hidden | current
        self._left = left if is_complete else self._left
        closing = text_report.closing(result)
        is_same = closing == self._failure
        self._failure = closing if result.failure else ""
        if is_same and result.failure:
            tally = text_report.tally(same) if not new else ""
            return out, f"{err}as before: {tally or shown(result.failure.message)}\n"
        return out, f"{err}{''.join(_since(fixed, same))}{closing}"

    def _split(self, found: tuple[Diagnostic, ...]) -> tuple[list[Diagnostic], list[Diagnostic]]:
        """Return the findings that the last report did not have, and those that it had."""
        known = self._known.copy()
        new: list[Diagnostic] = []
        same: list[Diagnostic] = []
        for finding in found:
            key = _known(finding)
            (same if known[key] > 0 else new).append(finding)
            known[key] -= 1
        return new, same


def _known(finding: Diagnostic) -> Known:
    return finding.location.file, finding.code, finding.severity, finding.message, finding.help


def _since(fixed: int, same: list[Diagnostic]) -> Iterator[str]:
    if fixed:
        yield f"no longer reported: {counted(fixed, 'finding')}\n"
    if same:
        yield f"as before: {text_report.tally(same)}\n"
