"""The report as workflow commands, which GitHub shows as annotations in a pull request.

The format is the one in GitHub's documentation, "Workflow commands for GitHub Actions": `%`, CR and LF are
percent-encoded in a message, and `:` and `,` as well in a property.
"""

from __future__ import annotations

from kei_assembler.build.result import RunResult
from kei_assembler.diagnostics import Diagnostic, Location, Severity
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.paths import normalize

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_MESSAGE_ESCAPES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY_ESCAPES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def render(result: RunResult) -> tuple[str, str]:
    """Return one command for each finding and each waiver, and one if the run failed; each is on its own line.

    GitHub resolves paths from the top of the work tree, where a workflow runs. So the paths in the commands are
    relative to the working directory, not to the kit.
    """
    commands = [_command(diagnostic, result.request.prefix) for diagnostic in result.findings]
    commands += [f"::notice title=waived::{_message(what, reason)}\n" for what, reason in result.waivers]
    if result.failure:
        text = _message(result.failure.message, *result.failure.details, _help(result.failure.hint))
        commands.append(f"::error::{text}\n")
    return "".join(commands), ""


def _command(diagnostic: Diagnostic, prefix: str) -> str:
    span = diagnostic.location.span
    properties = {
        "file": normalize(prefix + diagnostic.location.file),
        "line": span.line,
        "endLine": span.end_line,
        "col": span.column,
        "endColumn": span.end_column,
        "title": diagnostic.code,
    }
    if span.end_line != span.line:
        del properties["col"], properties["endColumn"]  # GitHub accepts columns only for a span within one line
    fields = ",".join(f"{name}={shown(str(value)).translate(_PROPERTY_ESCAPES)}" for name, value in properties.items())
    notes = (f"note: {_position(location, prefix)}: {message}" for location, message in diagnostic.related)
    text = _message(diagnostic.message, _help(diagnostic.help), *notes)
    return f"::{_COMMANDS[diagnostic.severity]} {fields}::{text}\n"


def _position(location: Location, prefix: str) -> str:
    return f"{normalize(prefix + location.file)}:{location.span.line}:{location.span.column}"


def _help(text: str) -> str:
    return f"help: {text}" if text else ""


def _message(*parts: str) -> str:
    return "%0A".join(shown(part).translate(_MESSAGE_ESCAPES) for part in parts if part)
