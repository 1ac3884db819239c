"""The report for GitLab, which shows it in a merge request: a JSON array in the format of Code Quality reports."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from kei_assembler.build.result import RunResult
from kei_assembler.diagnostics import Severity
from kei_assembler.markdown.hidden_text import as_json, shown
from kei_assembler.report.places import Places

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}


def render_all(results: Sequence[RunResult]) -> tuple[str, str]:
    """Return one object for each finding, and one for a run that failed.

    Paths are relative to the top of the work tree. A fingerprint stays the same when a finding moves to another line,
    since GitLab compares the fingerprints of two branches. If equal findings occur several times in a file, they are
    numbered.
    """
    places, seen = Places(results), Counter[tuple[str, ...]]()
    found = []
    for issue in (issue for result in results for issue in _issues(result, places)):
        identity = issue["check_name"], issue["location"]["path"], issue["description"]
        seen[identity] += 1
        text = "\0".join((*identity, str(seen[identity])))
        found.append(issue | {"fingerprint": hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()})
    return as_json(found), ""


def _issues(result: RunResult, places: Places) -> Iterator[dict[str, Any]]:
    if result.failure:
        message = " ".join(filter(None, (result.failure.message, *result.failure.details)))
        yield _issue(message, result.failure.hint, "failure", "blocker", places.path(result, "."), 1)
    for diagnostic in result.findings:
        path, line = places.path(result, diagnostic.location.file), diagnostic.location.span.line
        severity = _SEVERITIES[diagnostic.severity]
        yield _issue(diagnostic.message, diagnostic.help, diagnostic.code, severity, path, line)


def _issue(message: str, hint: str, check: str, severity: str, path: str, line: int) -> dict[str, Any]:  # noqa: PLR0913, PLR0917
    return {
        "description": shown(f"{message}. {hint}" if hint else message),
        "check_name": check,
        "severity": severity,
        "location": {"path": path, "lines": {"begin": line}},
    }
