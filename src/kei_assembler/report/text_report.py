"""The report as text for people: results on stdout, diagnostics and the summary on stderr."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Sequence

from kei_assembler.build.changes import DRIFT, PROTECTED, Change, FileStatus
from kei_assembler.build.result import RunResult
from kei_assembler.diagnostics import Diagnostic, Location
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.suggestions import counted

_MAX_LINE_LENGTH = 100
_QUOTED = re.compile(r"""([\"'])(?!\1).+\1""")
_DONE = {FileStatus.CREATE: "created", FileStatus.UPDATE: "updated", FileStatus.ORPHAN: "deleted"}
_PLANNED = {FileStatus.CREATE: "would create", FileStatus.UPDATE: "would update"}


def render_all(results: Sequence[RunResult]) -> tuple[str, str]:
    """Return the reports on the runs of several kits, see `render`."""
    outs, errs = zip(*map(render, results), strict=True)
    return "".join(outs), "".join(errs)


def render(result: RunResult) -> tuple[str, str]:
    """Return the status of each output and the diagnostics; a check lists only the outputs that are out of date.

    With `--diff`, stdout contains only the diffs, so that other programs can read them.
    """
    results = "".join(_lines(result))
    err = "".join([diagnostics(result.diagnostics), *_closing(result)])
    if result.printed is not None:
        return result.printed, diagnostics(result.diagnostics)
    if result.request.diff:
        return _diffs(result, DRIFT), results + err
    return results + ("" if result.request.check else escaped(_diffs(result, PROTECTED))), err


def diagnostics(found: Iterable[Diagnostic]) -> str:
    """Return the diagnostics as text, each with its excerpt."""
    return "".join(map(_diagnostic, found))


def escaped(text: str, colours: bool = False) -> str:
    """Return a diff or a file in a form that is safe to print on a terminal or in a CI log.

    With `colours`, terminal escapes highlight the lines of a diff.
    """
    paint = _paint if colours else _line
    return "".join(f"{paint(line)}\n" for line in text.removesuffix("\n").split("\n")) if text else ""


def _paint(line: str) -> str:
    colour = next((colour for start, colour in _COLOURS if line.startswith(start)), "")
    return f"\x1b[{colour}m{_line(line)}\x1b[0m" if colour else _line(line)


def _line(text: str) -> str:
    """Return a line that is safe to print: to GitHub, `::` after nothing but white space starts a command."""
    return _LEADING_COMMAND.sub(r"\1<U+003A>", shown(text))


_LEADING_COMMAND = re.compile(r"\A(\s*):(?=:)")
_COLOURS = (("+++", "1"), ("---", "1"), ("@@", "36"), ("+", "32"), ("-", "31"))


def _lines(result: RunResult) -> Iterable[str]:
    for change in result.changes:
        if change.status in DRIFT or (change.status is FileStatus.UNCHANGED and result.request.writes):
            advice = "" if change.applied else change.fix_command(result.request.kit)
            yield shown(f"{_word(result, change)} {change.path}{': ' if advice else ''}{advice}") + "\n"


def _word(result: RunResult, change: Change) -> str:
    if not result.request.writes:
        return _PLANNED.get(change.status, str(change.status))
    return _DONE.get(change.status, "overwrote") if change.applied else str(change.status)


def _diffs(result: RunResult, kinds: Container[FileStatus]) -> str:
    pending = [change for change in result.changes if change.status in kinds and not change.applied]
    if not pending:
        return ""
    from kei_assembler.build.diff import diffs

    return "".join(diffs(pending, result.request.prefix))


def _closing(result: RunResult) -> Iterable[str]:
    counts = tally(result.diagnostics)
    if result.failure:
        lines = (f"error: {result.failure.message}", *(f"  {line}" for line in result.failure.details))
        yield "".join(f"{_line(line).rstrip()}\n" for line in lines)
        yield f"  help: {shown(result.failure.hint)}\n" if result.failure.hint else ""
    elif not result.changes and result.status:
        yield f"{counts}; nothing was written\n"
    else:
        yield f"{_summary(result)}{'; ' if counts else ''}{counts}\n"
    for what, reason in result.waivers:
        yield shown(f"waived: {what}{f' ({reason})' if reason else ''}") + "\n"


def _summary(result: RunResult) -> str:
    """Return the run in one line: "7 agents: 1 created, 6 unchanged"."""
    counts = Counter(_word(result, change).replace("would ", "to ") for change in result.changes)
    parts = ", ".join(f"{count:,} {word}" for word, count in counts.items())
    return f"{counted(result.request.agents, 'agent')}: {parts or 'nothing to write'}"


def tally(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the number of diagnostics by severity, for example "3 errors, 1 note"; empty if there are none."""
    counts = Counter(diagnostic.severity for diagnostic in diagnostics)
    return ", ".join(counted(counts[severity], severity.word) for severity in sorted(counts, reverse=True))


def _diagnostic(diagnostic: Diagnostic) -> str:
    head = f"{diagnostic.location}: {diagnostic.severity.word}[{diagnostic.code}] {diagnostic.message}"
    lines = [_line(head), *_excerpt(diagnostic.location, f"help: {diagnostic.help}" if diagnostic.help else "")]
    for location, message in diagnostic.related:
        lines += [_line(f"{location}: note: {message}"), *_excerpt(location, "")]
    return "\n".join(lines) + "\n"


def _excerpt(location: Location, label: str) -> list[str]:
    if location.excerpt is None:
        return [f"    {shown(label)}"] if label else []
    before, marked, after = _cropped(location.excerpt, *_underlined(location))
    line = f"{before}{marked}{after}"
    underline = " " * width(before) + "^" * max(1, width(marked))
    return [f"{location.span.line:5} | {line}".rstrip(), f"      | {underline} {shown(label)}".rstrip()]


def _underlined(location: Location) -> tuple[int, int]:
    """Return the columns to underline, from 0: of the span only its first line, of a string only its content."""
    line, span = location.excerpt or "", location.span
    start = span.column - 1
    end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    return (start + 1, end - 1) if _QUOTED.fullmatch(line[start:end]) else (start, end)


def _cropped(line: str, start: int, end: int) -> tuple[str, str, str]:
    """Return the parts of a line before, in and after the underline. A long line is cut around it."""
    first = 0 if len(line) <= _MAX_LINE_LENGTH else max(0, start - _MAX_LINE_LENGTH // 3)
    last = first + _MAX_LINE_LENGTH
    end = min(end, last)
    before = ("…" if first else "") + shown(line[first:start])
    after = shown(line[end:last]).rstrip() + ("…" if last < len(line) else "")
    return before, shown(line[start:end]), after


def width(text: str) -> int:
    """Return the width of a text in terminal columns: two for wide characters, none for combining ones."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) == "Me":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
