"""The report as SARIF 2.1.0, the format of code scanning services (OASIS standard of 27 March 2020)."""

from __future__ import annotations

from typing import Any

from kei_assembler import __version__
from kei_assembler.build.result import RunResult
from kei_assembler.diagnostics import Diagnostic, Location
from kei_assembler.markdown.hidden_text import as_json, shown
from kei_assembler.paths import normalize


def render(result: RunResult) -> tuple[str, str]:
    """Return a log with one run: its findings and the rules that reported them.

    Code scanning services resolve paths from the top of the work tree, where a workflow runs. So paths are relative
    to the working directory, not to the kit.
    """
    codes = sorted({diagnostic.code for diagnostic in result.findings})
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "assemble", "version": __version__, "rules": [_rule(code) for code in codes]}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, codes, result.request.prefix) for diagnostic in result.findings],
        "invocations": [_invocation(result)],
        "properties": {"loosened": [waiver._asdict() for waiver in result.waivers]},
    }
    return as_json({"version": "2.1.0", "runs": [run]}), ""


def _invocation(result: RunResult) -> dict[str, Any]:
    invocation: dict[str, Any] = {"executionSuccessful": result.failure is None, "exitCode": result.status}
    if result.failure:
        first = f"{result.failure.message} {result.failure.hint}".strip()
        text = "\n".join(map(_plain, (first, *result.failure.details)))
        invocation["toolExecutionNotifications"] = [{"level": "error", "message": {"text": text}}]
    return invocation


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


def _result(diagnostic: Diagnostic, codes: list[str], prefix: str) -> dict[str, Any]:
    text = f"{diagnostic.message}. {diagnostic.help}" if diagnostic.help else diagnostic.message
    related = [
        {**_location(location, prefix), "message": {"text": _plain(note)}} for location, note in diagnostic.related
    ]
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": diagnostic.severity.word,
        "message": {"text": _plain(text)},
        "locations": [_location(diagnostic.location, prefix)],
        **({"relatedLocations": related} if related else {}),
    }


def _plain(text: str) -> str:
    """Return a text that a viewer shows as it is: in a message, `[text](address)` would be a link (SARIF, 3.11.6)."""
    return shown(text).replace("[", "\\[") if "](" in text else shown(text)


def _location(location: Location, prefix: str) -> dict[str, Any]:
    from urllib.parse import quote

    line, column, end_line, end_column = location.span
    region = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    uri = quote(normalize(prefix + location.file), errors="surrogateescape")
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
