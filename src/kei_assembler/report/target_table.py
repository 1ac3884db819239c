"""The table of the targets, whose columns are as wide as the screen allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product, zip_longest

from kei_assembler.report.layout import BOLD, painted, width
from kei_assembler.report.markdown_text import cut, wrapped
from kei_assembler.targets.target import Target

_GAP = "  "
_HEADINGS = ("NAME", "LABEL", "FILE", "VERIFIED", "KINDS")
_WRAPPED = ("LABEL", "FILE", "VERIFIED")
_MARKS = {"agents": "A", "instructions": "I", "scoped rules": "R", "skills": "S"}
"""What a client reads, each with what stands for it in the table."""

_BELOW = (
    f"KINDS: {', '.join(f'{mark} {kind}' for kind, mark in _MARKS.items())}",
    "for all about a client, run: assemble targets NAME",
)
DOCS_ONLY = "docs only"


def table(rows: Iterable[Target], columns: int, colours: bool = False) -> str:
    """Return a line for each target below a line of headings, and below them what the letters of the kinds mean.

    To make it fit in so many `columns`, it wraps labels, paths and versions. If that is not enough, there are no
    columns: below its name, each target has a line with the rest.
    """
    cells = [_cells(row) for row in rows]
    if widths := _widths(cells, columns):
        lines = [_line(_HEADINGS, widths, BOLD if colours else "")]
        lines += [line for row in cells for line in _lines(row, widths)]
    else:
        lines = [line for row in cells for line in _stacked(row, columns, colours)]
    lines += ["", *(line for text in _BELOW for line in wrapped(text, columns, rest=_GAP))]
    return "".join(f"{line}\n" for line in lines)


def _cells(row: Target) -> dict[str, str]:
    first = next((one for one in row.verified if one.version), row.verified[0])
    has = {"scoped rules": row.instructions.rules, "skills": row.skill_folders}
    return {
        "NAME": row.name,
        "LABEL": row.label,
        "FILE": row.output.replace("{name}", "*"),
        "VERIFIED": DOCS_ONLY if row.is_docs_only else f"{first.version or '-'} {first.date}",
        "KINDS": "".join(mark if has.get(kind, True) else "-" for kind, mark in _MARKS.items()),
    }


def _widths(rows: Sequence[Mapping[str, str]], columns: int) -> Mapping[str, int] | None:
    """Return the widths of the columns with which the table has the fewest lines, or None if it does not fit."""
    most = {heading: _width(heading, (row[heading] for row in rows)) for heading in _HEADINGS}
    least = {name: _width(name, (part for row in rows for part in _parts(name, row[name]))) for name in _WRAPPED}
    free = columns - len(_GAP) * (len(_HEADINGS) - 1) - sum(most[each] for each in _HEADINGS if each not in _WRAPPED)
    labels = range(most["LABEL"], least["LABEL"] - 1, -1)
    candidates = []
    for label, verified in product(labels, (most["VERIFIED"], least["VERIFIED"])):
        file = min(most["FILE"], free - label - verified)
        if file >= least["FILE"]:
            candidates.append({**most, "LABEL": label, "FILE": file, "VERIFIED": verified})
    if not candidates:
        return None
    best = min(candidates, key=lambda each: sum(len([*_lines(row, each)]) for row in rows))
    return {
        name: _width(name, (line for row in rows for line in _cell_lines(name, row[name], size)))
        for name, size in best.items()
    }


def _width(heading: str, texts: Iterable[str]) -> int:
    return max(map(width, (heading, *texts)))


def _parts(heading: str, text: str) -> list[str]:
    """Return the parts of a cell that stay together: the folders of a path, or words."""
    if heading != "FILE":
        return text.split(" ")
    *folders, name = text.split("/")
    return [*(f"{folder}/" for folder in folders), name]


def _lines(row: Mapping[str, str], widths: Mapping[str, int]) -> Iterator[str]:
    cells = (_cell_lines(heading, row[heading], widths[heading]) for heading in _HEADINGS)
    yield from (_line(line, widths) for line in zip_longest(*cells, fillvalue=""))


def _cell_lines(heading: str, text: str, size: int) -> list[str]:
    lines, joint = [""], "" if heading == "FILE" else " "
    for part in _parts(heading, text):
        longer = f"{lines[-1]}{joint}{part}" if lines[-1] else part
        if lines[-1] and width(longer) > size:
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


def _line(cells: Iterable[str], widths: Mapping[str, int], style: str = "") -> str:
    pairs = zip(cells, widths.values(), strict=True)
    return _GAP.join(painted(cell, style) + " " * (size - width(cell)) for cell, size in pairs).rstrip(" ")


def _stacked(row: Mapping[str, str], columns: int, colours: bool) -> Iterator[str]:
    """Yield the lines about a target in a narrow terminal: its name and label, and below them everything else."""
    yield from wrapped(f"**{row['NAME']}**: {row['LABEL']}", columns, rest=_GAP, colours=colours)
    text = ", ".join(row[heading] for heading in ("FILE", "VERIFIED", "KINDS"))
    yield from (line.rstrip(" ") for line in cut(text, columns, _GAP, _GAP))
