"""The report as text for people: results on stdout, diagnostics and the summary on stderr.

Where `Request.colours` says so, terminal escapes highlight the places, severities and codes. Text of the kit is escaped
first, so only the report's own escapes reach the terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence

from kei_assembler import lazy_re
from kei_assembler.build.changes import DRIFT, PROTECTED, Change, FileStatus, joined
from kei_assembler.build.repair import Repair
from kei_assembler.build.result import Request, RunResult
from kei_assembler.diagnostics import Diagnostic, Location, RelatedLocation, Severity
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.model.kinds import AGENT, KINDS
from kei_assembler.report.layout import BOLD, BOLD_CYAN, BOLD_RED, BOLD_YELLOW, CYAN, GREEN, RED, painted, width
from kei_assembler.rules import drift
from kei_assembler.suggestions import counted, numbers

_MAX_LINE_LENGTH, _MAX_PATHS = 100, 3
_QUOTED = lazy_re.compile(r"""([\"'])(?!\1).+\1""")
_WORDS = {
    "created": "created",
    "updated": "updated",
    "renewed": "renewed",
    "overwrote": "overwritten",
    "deleted": "deleted",
    "would create": "to create",
    "would update": "to update",
    "would renew": "to renew",
    "edited": "edited",
    "foreign": "foreign",
    "orphan": "orphaned",
    "unmanaged": "unmanaged",
    "unchanged": "unchanged",
}
"""The word for a file's status in its line, and in the summary, which has them in this order."""

_DONE = {FileStatus.CREATE: "created", FileStatus.UPDATE: "updated", FileStatus.ORPHAN: "deleted"}
_PLANNED = {FileStatus.CREATE: "would create", FileStatus.UPDATE: "would update"}
_RENEWAL = {"updated": "renewed", "would update": "would renew"}
_CODES = {
    FileStatus.CREATE: drift.output_missing.code,
    FileStatus.UPDATE: drift.output_outdated.code,
    FileStatus.EDITED: drift.output_edited.code,
    FileStatus.FOREIGN: drift.output_foreign.code,
    FileStatus.ORPHAN: drift.output_orphaned.code,
}
_COLOURS = {Severity.ERROR: BOLD_RED, Severity.WARNING: BOLD_YELLOW, Severity.NOTE: BOLD_CYAN}
_DIFF_COLOURS = (("+++", BOLD), ("---", BOLD), ("@@", CYAN), ("+", GREEN), ("-", RED))


def render_all(results: Sequence[RunResult]) -> tuple[str, str]:
    """Return the reports on the runs of several kits, see `render`."""
    outs, errs = zip(*map(render, results), strict=True)
    return "".join(outs), "".join(errs)


def render(result: RunResult) -> tuple[str, str]:
    """Return a line for each file that changed or has to change, and the diagnostics with a summary.

    If the run was about several kits, paths are relative to the working directory, since stdout has no headings.
    With `--diff`, stdout contains only the diffs, so that other programs can read them.
    """
    out, err = details(result)
    return out, err if result.printed is not None else f"{err}{closing(result)}"


def details(result: RunResult) -> tuple[str, str]:
    """Return the report without its end: the lines, the diffs and the diagnostics."""
    request = result.request
    on_out, on_err = request.colours
    findings = "".join(_diagnostic(_seen_from_here(one, request), on_err) for one in result.diagnostics)
    if result.printed is not None:
        return result.printed, findings
    lines = "".join(_lines(result))
    if request.diff:
        return _diffs_of_fixes(result) + _diffs(result, DRIFT), lines + findings
    shows_diffs = request.writes and not request.quiet
    return lines + (escaped(_diffs(result, PROTECTED), on_out) if shows_diffs else ""), findings


def diagnostics(found: Iterable[Diagnostic], colours: bool = False) -> str:
    """Return the diagnostics as text, each with its excerpt."""
    return "".join(_diagnostic(one, colours) for one in found)


def escaped(text: str, colours: bool = False) -> str:
    """Return a diff or a file in a form that is safe to print on a terminal or in a CI log.

    With `colours`, terminal escapes highlight the lines of a diff.
    """
    lines = text.removesuffix("\n").split("\n") if text else ()
    return "".join(f"{painted(_line(line), _diff_colour(line), colours)}\n" for line in lines)


def _diff_colour(line: str) -> str:
    return next((colour for start, colour in _DIFF_COLOURS if line.startswith(start)), "")


def _line(text: str) -> str:
    """Return a line that is safe to print: to GitHub, `::` after nothing but white space starts a command."""
    safe = shown(text)
    return _LEADING_COMMAND.sub(r"\1<U+003A>", safe) if "::" in safe else safe


_LEADING_COMMAND = lazy_re.compile(r"\A(\s*):(?=:)")


def _lines(result: RunResult) -> Iterable[str]:
    """The lines about files. A check adds the code of the finding; `--quiet` leaves out what is not a finding."""
    request = result.request
    for file in result.fixed if not request.quiet else ():
        codes = ", ".join(sorted({*file.codes}))
        yield shown(f"{'would fix' if request.diff else 'fixed'} {request.path(file.path)} [{codes}]") + "\n"
    for change in result.changes:
        is_finding = request.check and change.status in _PLANNED
        if change.status in DRIFT and (is_finding or not request.quiet):
            code = f" [{_CODES[change.status]}]" if request.check else ""
            yield shown(f"{_word(result, change)} {request.path(change.shown)}{code}") + "\n"


def _word(result: RunResult, change: Change) -> str:
    if result.request.writes:
        word = _DONE.get(change.status, "overwrote") if change.applied else str(change.status)
    else:
        word = _PLANNED.get(change.status, str(change.status))
    return _RENEWAL.get(word, word) if change.is_schema else word


def _diffs(result: RunResult, kinds: Container[FileStatus]) -> str:
    pending = [change for change in result.changes if change.status in kinds and not change.applied]
    if not pending:
        return ""
    from kei_assembler.build.diff import diffs

    return "".join(diffs(joined(pending), result.request.diff_prefix, result.request.printed_before))


def _diffs_of_fixes(result: RunResult) -> str:
    if not result.fixed:
        return ""
    from kei_assembler.build.diff import diffs

    changes = (file.as_change for file in result.fixed)
    return "".join(diffs(changes, result.request.diff_prefix, result.request.printed_before))


def closing(result: RunResult) -> str:
    """Return the end of the report: the failure or summary, what the settings allow, and the command that repairs."""
    return "".join(_closing(result))


def _closing(result: RunResult) -> Iterable[str]:
    counts = tally(result.diagnostics)
    on_err = result.request.colours[1]
    if result.failure:
        yield f"{painted('error', BOLD_RED, on_err)}: {shown(result.failure.message).rstrip()}\n"
        yield "".join(f"{_line(f'  {line}').rstrip()}\n" for line in result.failure.details)
        hint = shown(result.failure.hint)
        yield f"  {painted('help', BOLD, on_err)}: {hint}\n" if hint else ""
    elif not result.changes and result.status and not result.fixed:
        yield f"{counts}; nothing was written\n"
    elif not result.changes and result.fixed:
        yield f"{'; '.join(filter(None, (_fixes(result), counts)))}\n"
    else:
        yield f"{'; '.join(filter(None, (_fixes(result), *_summary(result), counts)))}\n"
    yield from _fixable(result)
    for waiver in result.waivers:
        yield f"{shown(waiver.line)}\n"
    if result.repair:
        yield "".join(f"{shown(f'{effect} {_listed(result, paths)}')}\n" for effect, paths in result.repair.effects)
        yield repair_line(result.repair, result.request)


def _fixes(result: RunResult) -> str:
    """The number of findings that the run has corrected or, with `--diff`, would correct."""
    count = sum(len(file.codes) for file in result.fixed)
    return f"{counted(count, 'finding')} {'to fix' if result.request.diff else 'fixed'}" if count else ""


def _fixable(result: RunResult) -> Iterable[str]:
    """The number of findings that an option corrects."""
    safe, unsafe = result.fixable if result.request.offers_fixes else (0, 0)
    counts = [f"{safe:,} fixable with --fix"] if safe else []
    counts += [f"{unsafe:,} {'more' if safe else 'fixable'} with --unsafe-fixes"] if unsafe else []
    yield f"{', '.join(counts)}\n" if counts else ""


def repair_line(repair: Repair, request: Request) -> str:
    """Return the line with the command that repairs what the runs with this request found, or nothing without one."""
    purpose = "apply this" if request.diff and not request.check else "fix this"
    if purpose == "fix this" and repair.left:
        purpose = f"fix all but {counted(repair.left, 'error')}"
    return f"{shown(f'to {purpose}, run: {repair.command}')}\n" if repair.command else ""


def _listed(result: RunResult, paths: Sequence[str]) -> str:
    names, others = map(result.request.path, paths[:_MAX_PATHS]), len(paths) - _MAX_PATHS
    return f"{', '.join(names)}{f' and {others:,} more' if others > 0 else ''}"


def _summary(result: RunResult) -> Iterable[str]:
    """Yield the counts of the run: "7 agents, 8 files: 1 created, 7 unchanged" and "1 schema renewed"."""
    files = Counter(_word(result, change) for change in result.changes if not (change.is_schema or change.section))
    sections = Counter(_word(result, change) for change in result.changes if change.section)
    schemas = Counter(_word(result, change) for change in result.changes if change.is_schema)
    request = result.request
    others = ((count, KINDS[kind].noun) for kind, count in request.others.items())
    what = numbers([(request.agents, AGENT.noun), *others, (request.bases, "base")])
    parts = [_counted_words(some, noun) for some, noun in ((files, "file"), (sections, "section")) if some]
    if parts:
        yield f"{what}, {parts[0]}"
        yield from parts[1:]
    else:
        yield what if schemas else f"{what}: nothing to write"
    yield from (f"{counted(schemas[word], 'schema')} {past}" for word, past in _WORDS.items() if schemas[word])


def _counted_words(counts: Counter[str], noun: str) -> str:
    words = ", ".join(f"{counts[word]:,} {past}" for word, past in _WORDS.items() if counts[word])
    return f"{counted(counts.total(), noun)}: {words}"


def tally(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the number of diagnostics by severity, for example "3 errors, 1 note"; empty if there are none."""
    counts = Counter(diagnostic.severity for diagnostic in diagnostics)
    return ", ".join(counted(counts[severity], severity.word) for severity in sorted(counts, reverse=True))


def _seen_from_here(diagnostic: Diagnostic, request: Request) -> Diagnostic:
    """Return the diagnostic with the paths of its locations as the report has them, see `Request.path`."""
    if not request.heading:
        return diagnostic
    related = (RelatedLocation(request.located(location), message) for location, message in diagnostic.related)
    return diagnostic._replace(location=request.located(diagnostic.location), related=tuple(related))


def _diagnostic(diagnostic: Diagnostic, colours: bool) -> str:
    colour = _COLOURS[diagnostic.severity]
    kind = painted(f"{diagnostic.severity.word}[{diagnostic.code}]", colour, colours)
    lines = [
        f"{painted(_line(f'{diagnostic.location}:'), BOLD, colours)} {kind} {shown(diagnostic.message)}",
        *_excerpt(diagnostic.location, diagnostic.help, colour if colours else ""),
    ]
    for location, message in diagnostic.related:
        place, note = painted(_line(f"{location}:"), BOLD, colours), painted("note", BOLD_CYAN, colours)
        lines += [f"{place} {note}: {shown(message)}", *_excerpt(location, "", BOLD_CYAN if colours else "")]
    return "\n".join(lines) + "\n"


def _excerpt(location: Location, hint: str, colour: str) -> list[str]:
    """The lines below a finding: the line of the source, its underline in the colour, and the help."""
    label = f"{painted('help', BOLD, bool(colour))}: {shown(hint)}" if hint else ""
    if location.excerpt is None:
        return [f"    {label}"] if label else []
    before, marked, after = _cropped(location.excerpt, *_underlined(location))
    line = f"{before}{marked}{after}"
    underline = painted("^" * max(1, width(marked)), colour, bool(colour))
    return [
        f"{location.span.line:5} | {line}".rstrip(),
        f"      | {' ' * width(before)}{underline} {label}".rstrip(),
    ]


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
