"""The report as one JSON object in ASCII."""

from __future__ import annotations

from typing import Any

from kei_assembler.build.changes import DRIFT
from kei_assembler.build.result import RunResult
from kei_assembler.diagnostics import Diagnostic, Location
from kei_assembler.markdown.hidden_text import as_json, shown


def render(result: RunResult) -> tuple[str, str]:
    """Return an object with the keys `diagnostics`, `changes` and `loosened`, and `failure` if the run failed."""
    report: dict[str, Any] = {
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in result.findings],
        "changes": _changes(result),
        "loosened": [waiver._asdict() for waiver in result.waivers],
    }
    if result.failure:
        message = "\n".join(map(shown, (result.failure.message, *result.failure.details)))
        report["failure"] = {"message": message, "help": shown(result.failure.hint)}
    return as_json(report), ""


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        **_location(diagnostic.location),
        "code": diagnostic.code,
        "severity": diagnostic.severity.word,
        "message": shown(diagnostic.message),
        "help": shown(diagnostic.help),
        "related": [{**_location(location), "message": shown(message)} for location, message in diagnostic.related],
    }


def _location(location: Location) -> dict[str, Any]:
    return {"file": location.file, **location.span._asdict()}


def _changes(result: RunResult) -> list[dict[str, Any]]:
    changes = [
        {"path": change.path, "kind": change.status, "manifest": change.manifest, "target": change.target}
        for change in result.changes
    ]
    if result.request.diff:
        from kei_assembler.build.diff import diffs

        texts = diffs((change for change in result.changes if change.status in DRIFT), result.request.prefix)
        for fields, change in zip(changes, result.changes, strict=True):
            fields["diff"] = next(texts) if change.status in DRIFT else ""
    return changes
