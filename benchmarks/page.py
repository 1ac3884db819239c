"""Write the results as Markdown: the machine, the goals, and tables of times, memory and growth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from statistics import median
from typing import NamedTuple

from composition import ComparisonResult
from growth import GrowthResult
from rows import MIB, Result, Verdict, verdicts

MARKER = "<!-- `python benchmarks/run.py --markdown` writes all below this line. -->\n"

_TIMES = "run|`--rows`|median, s|fastest, s|bare interpreter, s|ratio|goal|µs per manifest"
_MEMORY = "run|all processes, MiB|shared pages counted once, MiB|goal, MiB"
_COMPOSITION = "run|`--rows`|median, s|median of the other kit, s|ratio|goal"
_GROWTH = "run|1, s|{}|growth per step|µs per additional manifest"
_COMPARISON = "run|this version, s|other version, s|this / other"


class Measurements(NamedTuple):
    """All measurements of one installation."""

    label: str
    version: str
    results: Sequence[Result]
    grown: Sequence[GrowthResult] = ()
    compared: Sequence[ComparisonResult] = ()


def page(measurements: Sequence[Measurements], machine: str, runs: str) -> str:
    """Return the results of all installations as Markdown."""
    parts = [f"Measured on {machine}. {runs}", *chain.from_iterable(map(_sections, measurements))]
    if len(measurements) > 1:
        rows = map(_comparison, measurements[0].results, measurements[1].results)
        parts += ["## Comparison", _table(_COMPARISON, rows)]
    return "\n\n".join(filter(None, parts)) + "\n"


def write(path: Path, text: str) -> None:
    """Replace the part of a file below its marker."""
    before = path.read_text(encoding="utf-8").partition(MARKER)[0] if path.exists() else ""
    path.write_text(f"{before}{MARKER}\n{text}", encoding="utf-8")


def _sections(measured: Measurements) -> Iterator[str]:
    yield f"## Goals: {measured.label}"
    yield f"Versions: {measured.version}."
    yield _goals(measured)
    if measured.results:
        yield f"## Time: {measured.label}"
        yield _table(_TIMES, map(_time, measured.results))
        yield f"## Memory: {measured.label}"
        yield _table(_MEMORY, map(_memory, measured.results))
    if measured.compared:
        yield f"## Composition: {measured.label}"
        yield _table(_COMPOSITION, map(_composition, measured.compared))
    for sizes in sorted({tuple(grown.growth.sizes) for grown in measured.grown}):
        yield f"## Growth: {measured.label}"
        same = (grown for grown in measured.grown if tuple(grown.growth.sizes) == sizes)
        yield _table(_GROWTH.format("|".join(f"{size:,}, s" for size in sizes)), map(_growth, same))


def _goals(measured: Measurements) -> str:
    every = [verdict for result in measured.results for verdict in verdicts(result)]
    every += [verdict for compared in measured.compared for verdict in compared.verdicts()]
    every += [verdict for grown in measured.grown for verdict in grown.verdicts()]
    lines = (f"- {_verdict(verdict)}, {verdict.measured}: {verdict.goal}" for verdict in every)
    return "\n".join(lines) or "None measured."


def _verdict(verdict: Verdict) -> str:
    if verdict.is_guideline:
        return "within the guideline" if verdict.is_met else "ABOVE THE GUIDELINE"
    return "met" if verdict.is_met else "MISSED"


def _time(result: Result) -> list[str]:
    row, times = result.row, result.times
    goal = "" if row.goal is None else f"{row.goal:g}{' (guideline)' if row.is_guideline else ''}"
    seconds = [f"{value:.4f}" for value in (median(times), min(times), median(result.bare))]
    each = "" if result.per_manifest is None else f"{result.per_manifest * 1e6:,.0f}"
    return [row.title, f"`{row.name}`", *seconds, f"{result.ratio:.1f}", goal, each]


def _memory(result: Result) -> list[str]:
    goal = f"under {result.row.memory_goal}" if result.row.memory_goal else ""
    return [result.row.title, *(f"{size / MIB:.0f}" if size else "unknown" for size in result.memory), goal]


def _composition(compared: ComparisonResult) -> list[str]:
    row, medians = compared.comparison, (median(compared.times), median(compared.others))
    seconds = [f"{value:.4f}" for value in medians]
    return [
        row.title,
        f"`{row.name}`",
        *seconds,
        f"{compared.ratio:.2f}",
        f"{row.goal:g}{' (guideline)' if row.is_guideline else ''}",
    ]


def _growth(grown: GrowthResult) -> list[str]:
    factors = ", ".join(f"{factor:.1f}" for factor in grown.factors)
    times = [f"{time:.3f}" for time in (grown.start, *grown.times)]
    return [f"`{' '.join(grown.growth.args)}`", *times, factors, f"{grown.per_manifest * 1e6:,.0f}"]


def _comparison(this: Result, other: Result) -> list[str]:
    ours, theirs = median(this.times), median(other.times)
    return [this.row.title, f"{ours:.4f}", f"{theirs:.4f}", f"{ours / theirs:.2f}"]


def _table(head: str, rows: Iterable[list[str]]) -> str:
    titles = head.split("|")
    body = list(rows)
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if body else ""
