"""The doctor's report as text for people. Its lines fit in so many columns, except for words that are longer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from kei_assembler.analysis.doctor.installed import MISSING, NEWER, NOT_RUN, OLDER, SAME, UNKNOWN, Installed
from kei_assembler.analysis.doctor.reading import KitReading, Reading, Unread
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.paths import display_path
from kei_assembler.report.layout import BOLD, painted, width
from kei_assembler.report.markdown_text import cut
from kei_assembler.suggestions import counted, listed
from kei_assembler.targets import TARGETS

_INDENT = _GAP = "  "
_MIN_LAST = 16
"""The width that the last column has at least. In a narrower terminal, it has lines of its own."""
_COMPARISONS = {SAME: "as verified", NEWER: "newer than the verified {}", OLDER: "older than the verified {}"}

_WITHOUT = {NOT_RUN: "installed", UNKNOWN: "unknown"}
"""What there is to say about a program without a version."""

_Item = tuple[str, str]
"""A finding: what it says, and what to do about it."""


def clients(found: Sequence[Installed], columns: int, colours: bool = False) -> str:
    """Return a line for each installed program with its version, and the names of those that are not installed."""
    rows = [((each.target, each.version or _WITHOUT[each.state]), [_comparison(each)]) for each in found if each.path]
    missing = dict.fromkeys(each.target for each in found if each.state == MISSING)
    lines = [*_table(rows, columns), *(_line(f"not installed: {', '.join(missing)}", columns) if missing else ())]
    return _section("CLIENTS", lines, colours)


def _comparison(one: Installed) -> str:
    verified = one.verified
    if one.state in _COMPARISONS:
        return _COMPARISONS[one.state].format(verified.version)
    program = "" if one.is_comparable else f"{verified.program} "
    known = f"verified with {program}{verified.version}" if verified.version else ""
    path, *arguments = one.command
    command = display_path(path) if one.state == NOT_RUN else " ".join((os.path.basename(path), *arguments))
    return "; ".join(filter(None, (f"{command} {one.problem}" if one.problem else "", known)))


def reading(found: KitReading, installed: Iterable[Installed], columns: int, colours: bool = False) -> str:
    """Return what each client reads of a kit, what is wrong with that, and what else there is to know about it."""
    own: dict[str, list[Reading]] = {name: [] for name in found.targets}
    others: dict[str, dict[str, None]] = {}
    for each in found.readings:
        if each.target in own:
            own[each.target].append(each)
        else:
            others.setdefault(each.place, {})[each.target] = None
    lines = [*_table([((name,), [*map(_place, places)] or ["nothing"]) for name, places in own.items()], columns)]
    for place, targets in others.items():
        lines += _line(f"{place} is also read by {listed(targets, str)}", columns)
    idle = dict.fromkeys(each.target for each in installed if each.state != MISSING)
    if names := [name for name in idle if name not in own and not any(name in targets for targets in others.values())]:
        lines += _line(f"installed, but not a target: {', '.join(names)}", columns)
    serious = found.serious
    reported = (_finding(each, found.unread) for each in (*found.errors, *serious))
    problems = [*reported, *_unread(found, serious), *_unclear(found)]
    notes = [_finding(each, ()) for each in found.findings if each not in serious]
    return "".join(
        (
            _section("READS", lines, colours),
            _section("PROBLEMS", [line for item in problems for line in _listed(item, columns)], colours),
            _section("NOTES", [line for item in notes for line in _listed(item, columns)], colours),
        )
    )


def _place(one: Reading) -> str:
    maker = "" if one.made_for == one.target else f" of {one.made_for}"
    hidden = ""
    if one.hidden:
        hidden = f", {'' if one.hidden == one.number else f'{one.hidden:,} '}hidden by its own"
    return f"{one.place} ({counted(one.number, one.what)}{maker}{hidden})"


def _finding(one: Diagnostic, unread: Iterable[Unread]) -> _Item:
    """A finding of the rules. One about an output can stand for all others of the same client."""
    subject = next((each.subject for each in unread if _is_about(one, each)), None)
    more = len({each.path for each in unread if each.subject == subject}) - 1
    message = f"{one.message}, and {counted(more, 'other file')}" if more > 0 else one.message
    return f"{one.location}: {one.severity.word}[{one.code}] {message}", one.help


def _is_about(finding: Diagnostic, unread: Unread) -> bool:
    is_named = f"`{unread.path}`" in finding.message and TARGETS[unread.target].label in finding.message
    return finding.code == unread.code and is_named


def _unread(found: KitReading, serious: Sequence[Diagnostic]) -> Iterator[_Item]:
    """Yield the outputs that a client does not read, and that no finding stands for."""
    reported = {each.subject for each in found.unread for one in serious if _is_about(one, each)}
    for each in found.unread:
        if each.subject not in reported and not each.is_ignored:
            hint = f"only {listed(each.readers, str)} {'reads' if len(each.readers) == 1 else 'read'} it"
            message = f"[{each.code}] {TARGETS[each.target].label} does not read `{each.path}`"
            yield message, hint if each.readers else ""


def _unclear(found: KitReading) -> Iterator[_Item]:
    for each in found.unclear:
        message = (
            f"{TARGETS[each.target].label} finds `{each.agent}` in {listed(each.paths)}, and loads only one of them"
        )
        yield message, "write the files of different clients to different folders, with `output` in the settings"


def summary(found: KitReading) -> str:
    """Return a line about all outputs of a kit."""
    unread = len({each.path for each in found.unread})
    ignored = sorted({each.code for each in found.unread if each.is_ignored})
    what = f" ({listed(ignored, str)} {'is' if len(ignored) == 1 else 'are'} ignored)" if ignored else ""
    state = f"{unread:,} not read by the client{what}" if unread else "all are read"
    return f"{counted(found.outputs, 'output')}: {state}\n" if found.outputs else "the kit has no outputs\n"


def _section(heading: str, lines: Sequence[str], colours: bool) -> str:
    return "".join(f"{line}\n" for line in (painted(heading, BOLD, colours), *lines, "")) if lines else ""


def _table(rows: Sequence[tuple[tuple[str, ...], Sequence[str]]], columns: int) -> Iterator[str]:
    """Yield rows as lines with aligned columns: some cells, and a list whose items are broken only if they have to."""
    cells = [[*map(shown, first)] for first, _ in rows]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    rest = " " * (len(_INDENT) + sum(size + len(_GAP) for size in widths))
    is_narrow = columns - len(rest) < _MIN_LAST
    for first, (_, items) in zip(cells, rows, strict=True):
        padded = (f"{cell}{' ' * (size - width(cell))}" for cell, size in zip(first, widths, strict=True))
        start = f"{_INDENT}{_GAP.join(padded)}"
        if is_narrow:
            yield start.rstrip(" ")
            start = rest = _INDENT * 2
        for index, line in enumerate(_packed([*map(shown, items)], columns - len(rest))):
            yield from _cut(line, columns, rest if index or is_narrow else f"{start}{_GAP}", rest)


def _packed(items: Sequence[str], columns: int) -> list[str]:
    """Return a list in a sentence as lines, each with as many items as fit."""
    lines: list[str] = []
    for index, item in enumerate(items, 1):
        text = f"{item}," if index < len(items) else item
        if lines and width(lines[-1]) + 1 + width(text) <= columns:
            lines[-1] += f" {text}"
        else:
            lines.append(text)
    return lines


def _line(text: str, columns: int) -> list[str]:
    return _cut(shown(text), columns, _INDENT, _INDENT * 2)


def _listed(item: _Item, columns: int) -> list[str]:
    text, hint = item
    lines = _cut(shown(text), columns, _INDENT, _INDENT * 2)
    return [*lines, *(_cut(f"help: {shown(hint)}", columns, _INDENT * 2, _INDENT * 2) if hint else ())]


def _cut(text: str, columns: int, first: str, rest: str) -> list[str]:
    return [line.rstrip(" ") for line in cut(text, columns, first, rest)]
