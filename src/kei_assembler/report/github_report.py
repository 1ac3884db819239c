"""The report as workflow commands, which GitHub shows as annotations in a pull request.

The format is the one in GitHub's documentation, "Workflow commands for GitHub Actions": `%`, CR and LF are
percent-encoded in a message, and `:` and `,` as well in a property.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from kei_assembler.build.result import Request, RunResult
from kei_assembler.diagnostics import AssembleError, Diagnostic, Severity
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.records import NamedTuple
from kei_assembler.report.places import Places
from kei_assembler.report.text_report import escaped

MAX_ANNOTATIONS = 10
"""How many annotations of a kind (error, warning, notice) GitHub shows for a step. It drops the others."""

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_MESSAGE_ESCAPES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY_ESCAPES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


class Annotation(NamedTuple):
    """An annotation: its kind, its command, and the lines for the log if there are too many of its kind."""

    kind: str
    command: str
    lines: tuple[str, ...]


def render_all(results: Sequence[RunResult]) -> tuple[str, str]:
    """Return one command for each failure, finding and waiver; each is on its own line.

    If there are more of a kind than GitHub shows, its last command says how many more there are, and these follow as
    plain text for the log. Paths are relative to the folder that GitHub calls the workspace, or else to the top of the
    work tree.
    """
    places = Places(results, "GITHUB_WORKSPACE")
    failures = [_failure(result.failure, result.request) for result in results if result.failure]
    others = [annotation for result in results for annotation in _annotations(result, places)]
    return "".join(limited([*failures, *others])), ""


def annotation(kind: str, message: str, place: tuple[str, int] | None, title: str) -> Annotation:
    """Return an annotation of a kind (error, warning, notice) at the line of a file, or at none."""
    located = {"file": place[0], "line": place[1]} if place else {}
    fields = ",".join(f"{name}={_property(value)}" for name, value in {**located, "title": title}.items())
    where = f"{place[0]}:{place[1]}: " if place else ""
    return Annotation(kind, f"::{kind} {fields}::{_message([message])}\n", (f"{where}{kind}: {message}",))


def limited(annotations: Sequence[Annotation]) -> Iterator[str]:
    """Yield the commands of annotations. For those of a kind that GitHub would drop, yield lines for the log."""
    counts = Counter(annotation.kind for annotation in annotations)
    room = {
        kind: MAX_ANNOTATIONS if count <= MAX_ANNOTATIONS else MAX_ANNOTATIONS - 1 for kind, count in counts.items()
    }
    left_out = []
    for annotation in annotations:
        if room[annotation.kind]:
            room[annotation.kind] -= 1
            yield annotation.command
        else:
            left_out.append(annotation)
    for kind, count in Counter(annotation.kind for annotation in left_out).items():
        what = kind if count == 1 else f"{kind}s"
        yield f"::{kind} title=assemble::{count:,} more {what}: see the end of the log of this step\n"
    for annotation in left_out:
        yield "".join(map(_log_line, annotation.lines))


def _log_line(text: str) -> str:
    return escaped(shown(text))


def _annotations(result: RunResult, places: Places) -> Iterator[Annotation]:
    for diagnostic in result.findings:
        yield _of(diagnostic, result, places)
    for waiver in result.waivers:
        yield Annotation("notice", f"::notice title=waived::{_message(waiver)}\n", (waiver.line,))


def _failure(failure: AssembleError, request: Request) -> Annotation:
    lines = (request.with_heading(failure.message), *failure.details, *_help(failure.hint))
    return Annotation("error", f"::error::{_message(lines)}\n", (f"error: {lines[0]}", *lines[1:]))


def _of(diagnostic: Diagnostic, result: RunResult, places: Places) -> Annotation:
    file, span = places.path(result, diagnostic.location.file), diagnostic.location.span
    properties = {
        "file": file,
        "line": span.line,
        "endLine": span.end_line,
        "col": span.column,
        "endColumn": span.end_column,
        "title": diagnostic.code,
    }
    if span.end_line != span.line:
        del properties["col"], properties["endColumn"]  # GitHub accepts columns only for a span within one line
    fields = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    notes = [
        f"note: {places.path(result, location.file)}:{location.span.line}:{location.span.column}: {message}"
        for location, message in diagnostic.related
    ]
    texts = (diagnostic.message, *_help(diagnostic.help), *notes, *_suggestion(diagnostic))
    kind, lines = _COMMANDS[diagnostic.severity], texts
    head = f"{file}:{span.line}:{span.column}: {diagnostic.severity.word}[{diagnostic.code}] {lines[0]}"
    text = (head, *(f"    {line}" for line in lines[1:]))
    return Annotation(kind, f"::{kind} {fields}::{_message(lines)}\n", text)


def _suggestion(diagnostic: Diagnostic) -> Iterator[str]:
    """Yield the line as the fix makes it, if it only changes the line of the finding.

    It cannot be accepted with a click: only the comments of a review can have that, and a command makes none.
    """
    fix, (file, span, line) = diagnostic.fix, diagnostic.location
    if not fix.edits:
        return
    places = {(edit.file, edit.span.line, edit.span.end_line) for edit in fix.edits}
    if line is None or places != {(file, span.line, span.line)} or any("\n" in edit.text for edit in fix.edits):
        yield f"fix: assemble {fix.option} corrects this"
        return
    for edit in sorted(fix.edits, reverse=True):
        line = f"{line[: edit.span.column - 1]}{edit.text}{line[edit.span.end_column - 1 :]}"
    yield f"fix (assemble {fix.option}): {line}"


def _help(text: str) -> tuple[str, ...]:
    return (f"help: {text}",) if text else ()


def _property(value: object) -> str:
    return shown(str(value)).translate(_PROPERTY_ESCAPES)


def _message(parts: Iterable[str]) -> str:
    return "%0A".join(shown(part).translate(_MESSAGE_ESCAPES) for part in parts if part)
