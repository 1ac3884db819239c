"""Running a rule, and giving each of its findings a place in the file."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from kei_assembler.diagnostics import Diagnostic, KeyPath, Place, Related, Span
from kei_assembler.rules.definition import Finding, Rule
from kei_assembler.source import START, Source

FINDINGS_MOST = 100
"""After so many findings of one rule in one file, the rest is only mentioned."""

_MESSAGE_MOST = 500


def run_rule(rule: Rule, source: Source, *subject: Any) -> list[Diagnostic]:
    """Return what a rule finds when it checks the subject, with places in the source."""
    found = first_findings(rule, *subject)
    return diagnose(rule, source, found) if found else []


def first_findings(rule: Rule, *subject: Any) -> list[Finding]:
    """Return what a rule finds when it checks the subject; of too many findings, one more than is told."""
    return list(islice(rule.check(*subject), FINDINGS_MOST + 1))


def diagnose(rule: Rule, source: Source, findings: Iterable[Finding]) -> list[Diagnostic]:
    """Return what a rule found in a file as diagnostics with their places."""
    return [
        Diagnostic(
            locate(source, finding.where),
            rule.code,
            rule.severity,
            _cropped(finding.message),
            _cropped(finding.help),
            tuple(Related(locate(source, where), message) for where, message in finding.related),
        )
        for finding in _bounded(list(findings))
    ]


def locate(source: Source, where: KeyPath | Span | Place) -> Place:
    """Return the place of a key path or a span, with the line that it starts on; one of another file as it is."""
    if isinstance(where, Place):
        return where
    span = where if isinstance(where, Span) else source.locate(where)
    return Place(source.file, span, source.lines[span.line - 1] if span != START else None)


def _cropped(text: str) -> str:
    """What quotes a user's text may quote a megabyte."""
    return text if len(text) <= _MESSAGE_MOST else f"{text[:_MESSAGE_MOST]}…"


def _bounded(first: list[Finding]) -> list[Finding]:
    """The first findings of a rule; a file that is wrong all over is not worth a line, and the time, for each place."""
    if len(first) > FINDINGS_MOST:
        first[-1] = Finding(first[-1].where, f"and more like these {FINDINGS_MOST}, from here on")
    return first
