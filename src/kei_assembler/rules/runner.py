"""Run a rule, and locate each of its findings in the file."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from kei_assembler.diagnostics import NO_FIX, Diagnostic, Fix, KeyPath, Location, RelatedLocation, Replacement, Span
from kei_assembler.rules.definition import Remedy, Rule, Violation
from kei_assembler.toml.source import START, Source, span_of

MAX_FINDINGS = 100
"""How many findings of one rule are reported in one file. One more says that there are others."""

_MAX_MESSAGE = 500


def run_rule(rule: Rule, source: Source, *arguments: Any) -> list[Diagnostic]:
    """Call a rule's check with the arguments, and return its findings, located in the source."""
    return diagnose(rule, source, first_findings(rule, *arguments))


def first_findings(rule: Rule, *arguments: Any) -> list[Violation]:
    """Call a rule's check with the arguments, and return its first findings. The last says if there are too many."""
    return first_of(rule.check(*arguments))


def first_of(found: Iterable[Violation]) -> list[Violation]:
    """Return the first findings of a rule in a file. The last says if there are too many."""
    findings = list(islice(found, MAX_FINDINGS + 1))
    if len(findings) > MAX_FINDINGS:
        message = f"there are more than {MAX_FINDINGS} findings like this; the rest, from here on, are not shown"
        findings[-1] = Violation(findings[-1].where, message)
    return findings


def diagnose(rule: Rule, source: Source, findings: Iterable[Violation]) -> list[Diagnostic]:
    """Return a rule's findings in a file as diagnostics."""
    return [
        Diagnostic(
            locate(source, finding.where),
            rule.code,
            rule.severity,
            _truncated(finding.message),
            _truncated(finding.help),
            tuple(RelatedLocation(locate(source, where), message) for where, message in finding.related),
            fix_of(source, finding.remedy) if finding.remedy else NO_FIX,
        )
        for finding in findings
    ]


def locate(source: Source, where: KeyPath | Span | Location) -> Location:
    """Return the location of a key path or span, with the line that it starts on. A location is returned unchanged."""
    if isinstance(where, Location):
        return where
    span = where if isinstance(where, Span) else source.locate(where)
    return Location(source.file, span, source.lines[span.line - 1] if span != START else None)


def fix_of(source: Source, remedy: Remedy) -> Fix:
    """Return the fix that a remedy for a finding in a file amounts to, without edits if it is not possible."""
    if isinstance(remedy.where, Span | Location):
        (file, span, line), (old, new) = locate(source, remedy.where), remedy.arguments
        is_there = span.end_line == span.line and (line or "")[span.column - 1 : span.end_column - 1] == old
        return Fix((Replacement(file, span, new),), remedy.is_safe) if is_there else NO_FIX
    from kei_assembler.toml.rewriting import OPERATIONS  # only what has a finding needs it

    source = remedy.source or source
    splices = OPERATIONS[remedy.operation](source, remedy.where, *remedy.arguments)
    edits = [Replacement(source.file, span_of(source.text, each.start, each.end), each.text) for each in splices]
    return Fix(tuple(edits), bool(edits) and remedy.is_safe)


def _truncated(text: str) -> str:
    # a message quotes the user's text, which can be a megabyte long
    return text if len(text) <= _MAX_MESSAGE else f"{text[:_MAX_MESSAGE]}…"
