"""The outcome as one JSON object, in ASCII."""

from __future__ import annotations

from typing import Any

from kei_assembler.diagnostics import Diagnostic, Place
from kei_assembler.plan import DRIFT, Change
from kei_assembler.plan.outcome import Outcome
from kei_assembler.report.streams import Streams
from kei_assembler.text.hidden import as_json, shown


def render(outcome: Outcome) -> Streams:
    """Return an object with `diagnostics`, `changes`, `loosened`, and `failure` if the run was not possible."""
    whole: dict[str, Any] = {
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in outcome.findings],
        "changes": [_change(outcome, change) for change in outcome.changes],
        "loosened": [loosening._asdict() for loosening in outcome.loosened],
    }
    if outcome.failure:
        whole["failure"] = {"message": shown(outcome.failure.message), "help": shown(outcome.failure.hint)}
    return Streams(as_json(whole), "")


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        **_place(diagnostic.place),
        "code": diagnostic.code,
        "severity": diagnostic.severity.word,
        "message": shown(diagnostic.message),
        "help": shown(diagnostic.help),
        "related": [{**_place(place), "message": shown(message)} for place, message in diagnostic.related],
    }


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, **place.span._asdict()}


def _change(outcome: Outcome, change: Change) -> dict[str, Any]:
    told = {"path": change.path, "kind": change.kind, "manifest": change.manifest, "target": change.target}
    if outcome.is_diff:
        from kei_assembler.plan.difference import diff

        told["diff"] = diff(change, outcome.way) if change.kind in DRIFT else ""
    return told
