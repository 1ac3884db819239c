"""The report as SARIF 2.1.0, the format of code scanning services (OASIS standard of 27 March 2020)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from kei_assembler import __version__
from kei_assembler.build.result import Request, RunResult
from kei_assembler.diagnostics import AssembleError, Diagnostic, Fix, Location, Span
from kei_assembler.markdown.hidden_text import as_json, shown
from kei_assembler.report.places import Places

_ROOT = "%SRCROOT%"
"""The symbol for the folder that paths are relative to. Code scanning services use this name."""


def render_all(results: Sequence[RunResult]) -> tuple[str, str]:
    """Return a log with one run: its findings and the rules that reported them.

    Paths are relative to the top of the work tree, where code scanning services look for them. `originalUriBaseIds`
    says where it is on this machine, for other viewers.
    """
    places = Places(results)
    codes = sorted({diagnostic.code for result in results for diagnostic in result.findings})
    indices = {code: index for index, code in enumerate(codes)}
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "assemble", "version": __version__, "rules": [_rule(code) for code in codes]}},
        "originalUriBaseIds": {_ROOT: {"uri": f"{_absolute(places.base).rstrip('/')}/"}},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(diagnostic, indices, result, places) for result in results for diagnostic in result.findings
        ],
        "invocations": [_invocation(results)],
        "properties": {"loosened": [waiver._asdict() for result in results for waiver in result.waivers]},
    }
    return as_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}), ""


_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def _invocation(results: Sequence[RunResult]) -> dict[str, Any]:
    failures = [(result.failure, result.request) for result in results if result.failure]
    status = max((result.status for result in results), default=0)
    invocation: dict[str, Any] = {"executionSuccessful": not failures, "exitCode": status}
    if failures:
        invocation["toolExecutionNotifications"] = [_notification(*failure) for failure in failures]
    return invocation


def _notification(failure: AssembleError, request: Request) -> dict[str, Any]:
    first = f"{request.with_heading(failure.message)} {failure.hint}".strip()
    return {"level": "error", "message": {"text": "\n".join(map(_plain, (first, *failure.details)))}}


def _rule(code: str) -> dict[str, Any]:
    from kei_assembler.rules.catalog import RULES, documentation, explain

    rule = RULES[code]
    return {
        "id": code,
        "name": rule.name,
        "shortDescription": {"text": documentation(rule).title},
        "help": {"text": explain(rule), "markdown": explain(rule)},
        "defaultConfiguration": {"level": rule.severity.word},
    }


def _result(diagnostic: Diagnostic, indices: dict[str, int], result: RunResult, places: Places) -> dict[str, Any]:
    text = f"{diagnostic.message}. {diagnostic.help}" if diagnostic.help else diagnostic.message
    related = [
        {**_location(location, result, places), "message": {"text": _plain(note)}}
        for location, note in diagnostic.related
    ]
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": indices[diagnostic.code],
        "level": diagnostic.severity.word,
        "message": {"text": _plain(text)},
        "locations": [_location(diagnostic.location, result, places)],
        **({"relatedLocations": related} if related else {}),
        **({"fixes": [_fix(diagnostic.fix, result, places)]} if diagnostic.fix.edits else {}),
    }


def _fix(fix: Fix, result: RunResult, places: Places) -> dict[str, Any]:
    """Return a fix (SARIF, 3.55). Whether it is safe is a property of ours."""
    replacements: dict[str, list[dict[str, Any]]] = {}
    for edit in fix.edits:
        replacement = {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        replacements.setdefault(edit.file, []).append(replacement)
    changes = [
        {"artifactLocation": _artifact(file, result, places), "replacements": some}
        for file, some in replacements.items()
    ]
    what = {"text": f"What `assemble {fix.option}` does."}
    return {"description": what, "artifactChanges": changes, "properties": {"safe": fix.is_safe}}


def _plain(text: str) -> str:
    """Return a text that a viewer shows as it is: in a message, `[text](address)` would be a link (SARIF, 3.11.6)."""
    return shown(text).replace("[", "\\[") if "](" in text else shown(text)


def _location(location: Location, result: RunResult, places: Places) -> dict[str, Any]:
    artifact = _artifact(location.file, result, places)
    return {"physicalLocation": {"artifactLocation": artifact, "region": _region(location.span)}}


def _region(span: Span) -> dict[str, int]:
    line, column, end_line, end_column = span
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _artifact(file: str, result: RunResult, places: Places) -> dict[str, str]:
    path = places.path(result, file)
    is_inside = not path.startswith("../") and not os.path.isabs(path)
    return {"uri": _quoted(path), "uriBaseId": _ROOT} if is_inside else {"uri": _absolute(f"{places.base}/{path}")}


def _absolute(path: str) -> str:
    """Return the URI of an absolute path."""
    plain = os.path.normpath(path).replace(os.sep, "/")
    return f"file://{'' if plain.startswith('/') else '/'}{_quoted(plain)}"


def _quoted(path: str) -> str:
    from urllib.parse import quote

    return quote(path, errors="surrogateescape")
