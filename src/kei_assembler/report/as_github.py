"""A result as workflow commands, which GitHub shows as annotations in a pull request.

The form and its escapes are those of GitHub's documentation, "Workflow commands for GitHub Actions": in the text `%`,
CR and LF are percent-encoded, in a property `:` and `,` as well.
"""

from __future__ import annotations

from kei_assembler.diagnostics import Diagnostic, Place, Severity
from kei_assembler.paths import normal
from kei_assembler.plan.result import RunResult
from kei_assembler.report.streams import Streams
from kei_assembler.text.hidden import shown

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_IN_TEXT = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def render(result: RunResult) -> Streams:
    """Return one command a line for each finding, and one for a failure of the run itself.

    GitHub looks for a file from the top of the work tree, which is where a workflow runs: so the paths here are those
    from the working directory.
    """
    commands = [_command(diagnostic, result.request.prefix) for diagnostic in result.findings]
    commands += [f"::notice title=loosened::{_text(what, reason)}\n" for what, reason in result.waivers]
    if result.failure:
        commands.append(f"::error::{_text(result.failure.message, _help(result.failure.hint))}\n")
    return Streams("".join(commands), "")


def _command(diagnostic: Diagnostic, way: str) -> str:
    span = diagnostic.place.span
    properties = {
        "file": normal(way + diagnostic.place.file),
        "line": span.line,
        "endLine": span.end_line,
        "col": span.column,
        "endColumn": span.end_column,
        "title": diagnostic.code,
    }
    if span.end_line != span.line:
        del properties["col"], properties["endColumn"]  # GitHub takes columns only within one line
    listed = ",".join(f"{name}={shown(str(value)).translate(_IN_PROPERTY)}" for name, value in properties.items())
    told = _text(diagnostic.message, _help(diagnostic.help), *(_note(way, *other) for other in diagnostic.related))
    return f"::{_COMMANDS[diagnostic.severity]} {listed}::{told}\n"


def _note(way: str, place: Place, message: str) -> str:
    return f"note: {normal(way + place.file)}:{place.span.line}:{place.span.column}: {message}"


def _help(hint: str) -> str:
    return f"help: {hint}" if hint else ""


def _text(*parts: str) -> str:
    return "%0A".join(shown(part).translate(_IN_TEXT) for part in parts if part)
