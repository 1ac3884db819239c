"""The report for GitLab, which shows it in a merge request: a JSON array in the format of Code Quality reports."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

from kei_assembler.build.result import RunResult
from kei_assembler.diagnostics import Severity
from kei_assembler.markdown.hidden_text import as_json, shown
from kei_assembler.records import NamedTuple
from kei_assembler.report.places import Places

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}


def render_all(results: Sequence[RunResult]) -> tuple[str, str]:
    """Return one object for each finding, and one for a run that failed.

    Paths are relative to the top of the work tree. A fingerprint stays the same when a finding moves to another line,
    since GitLab compares the fingerprints of two branches. If equal findings occur several times in a file, they are
    numbered.
    """
    places, seen = Places(results), Counter[tuple[str, ...]]()
    report = []
    for found in (found for result in results for found in _found(result, places)):
        identity = found.check, found.path, found.message
        seen[identity] += 1
        text = "\0".join((*identity, str(seen[identity])))
        fingerprint = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
        report.append(
            {
                "description": shown(f"{found.message}; {found.hint}" if found.hint else found.message),
                "check_name": found.check,
                "fingerprint": fingerprint,
                "severity": found.severity,
                "location": {"path": found.path, "lines": {"begin": found.line}},
            }
        )
    return as_json(report), ""


class _Found(NamedTuple):
    """A finding, or a failure, as GitLab shows it."""

    path: str
    line: int
    check: str
    severity: str
    message: str
    hint: str


def _found(result: RunResult, places: Places) -> Iterator[_Found]:
    if result.failure:
        message = " ".join((result.failure.message, *result.failure.details))
        yield _Found(places.path(result, "."), 1, "failure", "blocker", message, result.failure.hint)
    for diagnostic in result.findings:
        path, line = places.path(result, diagnostic.location.file), diagnostic.location.span.line
        severity = _SEVERITIES[diagnostic.severity]
        yield _Found(path, line, diagnostic.code, severity, diagnostic.message, diagnostic.help)
