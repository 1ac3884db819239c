"""Where the lines of a generated file come from, as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from kei_assembler.build.changes import FileStatus
from kei_assembler.build.explanation import Excerpts, Explanation
from kei_assembler.files.git_blame import Commit
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.render.places import Entry, Line, Part
from kei_assembler.render.templates import PACKAGE_FILES
from kei_assembler.report.layout import width
from kei_assembler.report.text_report import escaped
from kei_assembler.whitespace import SPACES

Commits = Mapping[tuple[str, int], Commit | None]
"""The commits of sources by file and line. None stands for a line that is not committed."""

_WITHOUT_FILE = {"client": "format of the client", "stamp": "stamp"}
_UNKNOWN = {
    FileStatus.EDITED: "not generated: an edit, or its source has changed",
    FileStatus.UPDATE: "not generated any more: its source has changed",
}
_SHORT_UNKNOWN = {FileStatus.EDITED: "an edit, or its source has changed", FileStatus.UPDATE: "its source has changed"}
_ID = 8


class Range(NamedTuple):
    """Lines of a generated file, and the lines of the source that they come from. Both ends are included."""

    first: int
    last: int
    source: str
    what: str


def details(
    found: Explanation, excerpts: Excerpts, numbers: range, columns: int, commits: Commits | None = None
) -> str:
    """Return lines of a generated file, each followed by where it comes from, with excerpts of the sources.

    `numbers` are the lines, from 1. With `commits`, say who changed the source last, and when. All lines fit in so many
    columns, except for long paths.
    """
    paragraphs = (_paragraph(found, excerpts, number, commits) for number in numbers)
    return escaped("\n\n".join("\n".join(_cropped(line, columns) for line in lines) for lines in paragraphs) + "\n")


def _paragraph(found: Explanation, excerpts: Excerpts, number: int, commits: Commits | None) -> Iterator[str]:
    line = found.lines[number - 1]
    yield f"{found.path}:{number}: {line.text}".rstrip(SPACES)
    if not line.parts:
        yield f"  {_UNKNOWN.get(found.status, _UNKNOWN[FileStatus.UPDATE])}"
    for first, last in _grouped(line.parts):
        if not first.file:
            yield f"  {_WITHOUT_FILE[first.kind]}: not from a source"
            continue
        yield f"  {_place(first.file, first.line, last.line)}: {_what(first)}"
        for at in range(first.line, last.line + 1) if first.line else ():
            yield f"{at:7} | {excerpts.line(first.file, at).strip(SPACES)}".rstrip(SPACES)
            if commits and (first.file, at) in commits:
                yield f"        | {_commit(commits[first.file, at])}"
        for entry in first.through:
            if entry.file in PACKAGE_FILES:  # nearly all text goes through the package's template
                continue
            yield f"    through {_place(entry.file, entry.line, entry.line)}{_key(entry)}"


def _grouped(parts: Sequence[Part]) -> Iterator[tuple[Part, Part]]:
    """Yield the first and the last of parts that differ only in their lines."""
    for _, same in groupby(parts, key=lambda part: part._replace(line=0)):
        group = [*same]
        yield group[0], group[-1]


def _place(file: str, first: int, last: int) -> str:
    if not first:
        return file
    return f"{file}:{first}" if first == last else f"{file}:{first}-{last}"


def _key(entry: Entry) -> str:
    return f": {entry.key}" if entry.key else ""


def _what(part: Part) -> str:
    if part.kind == "block":
        return f"block `{part.key}`"
    return part.key or {"role": "role file"}.get(part.kind, part.kind)


def _commit(commit: Commit | None) -> str:
    if commit is None:
        return "not committed yet"
    return f"{commit.id[:_ID]} {commit.date} {commit.author}: {commit.subject}"


def table(found: Explanation, columns: int) -> str:
    """Return a table of the lines of a generated file and their sources, which fits in so many columns."""
    rows = [*_ranges(found)]
    numbers = [str(row.first) if row.first == row.last else f"{row.first}-{row.last}" for row in rows]
    at = max(map(width, numbers))
    source = max((width(shown(row.source)) for row in rows if row.what), default=0)
    lines = (
        f"{number.rjust(at)}  {shown(row.source)}{' ' * (source - width(shown(row.source)))}  {row.what}"
        for number, row in zip(numbers, rows, strict=True)
    )
    return escaped("".join(f"{_cropped(line.rstrip(SPACES), columns)}\n" for line in lines))


def _ranges(found: Explanation) -> Iterator[Range]:
    """Yield the ranges of lines that have consecutive lines of one source, or none. Blank lines join them."""
    groups: list[tuple[tuple[str, ...], list[tuple[int, Part | None]]]] = []
    for number, line in enumerate(found.lines, 1):
        part = line.parts[0] if line.parts else None
        if groups and _is_filler(line):
            groups[-1][1].append((number, None))
        elif groups and groups[-1][0] == _group(part):
            groups[-1][1].append((number, part))
        else:
            groups.append((_group(part), [(number, part)]))
    for _, members in groups:
        parts = [part for _, part in members if part]
        first = parts[0] if parts else None
        yield Range(members[0][0], members[-1][0], *_summary(found, first, parts))


def _summary(found: Explanation, first: Part | None, parts: Iterable[Part]) -> tuple[str, str]:
    if first is None:
        return f"({_SHORT_UNKNOWN.get(found.status, _SHORT_UNKNOWN[FileStatus.UPDATE])})", ""
    if not first.file:
        return f"({_WITHOUT_FILE[first.kind]})", ""
    lines = [part.line for part in parts if part.line] or [0]
    what = "block" if first.kind == "block" else _what(first).partition("[")[0]
    return _place(first.file, min(lines), max(lines)), what


def _is_filler(line: Line) -> bool:
    return not line.text.strip(SPACES) and bool(line.parts) and line.parts[0].kind in ("template", "client")


def _group(part: Part | None) -> tuple[str, ...]:
    return (part.kind, part.file, part.key.partition("[")[0]) if part else ()


def _cropped(line: str, columns: int) -> str:
    """Return a line, safe to print, that fits in so many columns."""
    line = shown(line)
    if width(line) <= columns:
        return line
    size = end = 0
    while size + width(line[end]) < columns:
        size += width(line[end])
        end += 1
    return f"{line[:end]}…"
