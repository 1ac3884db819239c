"""The result as Markdown: what was measured on, the goals, and a table of each kind of figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from growth import Grown
from rows import MIB, Result, Verdict, verdicts

MARK = "<!-- `python benchmarks/run.py --markdown` writes all below this line. -->\n"

_TIMES = "run|`--rows`|seconds|fastest|bare interpreter|times the bare one|goal|µs for each manifest"
_MEMORY = "run|processes together, MiB|shared pages counted once, MiB|goal, MiB"
_GROWTH = "run|one manifest|{}|times, by step|µs for each further manifest"
_SIDES = "run|this, seconds|other, seconds|this / other"


class Figures(NamedTuple):
    """Everything that was measured of one installation."""

    label: str
    version: str
    results: Sequence[Result]
    grown: Sequence[Grown] = ()


def page(figures: Sequence[Figures], machine: str, runs: str) -> str:
    """Return the page about all installations."""
    parts = [f"Measured on: {machine}. {runs}", *(part for tool in figures for part in _chapter(tool))]
    if len(figures) > 1:
        parts += ["## This and the other", _table(_SIDES, map(_side, figures[0].results, figures[1].results))]
    return "\n\n".join(filter(None, parts)) + "\n"


def write(path: Path, text: str) -> None:
    """Write the page to a file, below what stands above its mark."""
    before = path.read_text(encoding="utf-8").partition(MARK)[0] if path.exists() else ""
    path.write_text(f"{before}{MARK}\n{text}", encoding="utf-8")


def _chapter(tool: Figures) -> Iterator[str]:
    yield f"## Goals: {tool.label}"
    yield f"Versions: {tool.version}."
    yield _goals(tool)
    if tool.results:
        yield f"## Time: {tool.label}"
        yield _table(_TIMES, map(_time, tool.results))
        yield f"## Memory: {tool.label}"
        yield _table(_MEMORY, map(_memory, tool.results))
    for sizes in sorted({tuple(grown.growth.sizes) for grown in tool.grown}):
        yield f"## Growth: {tool.label}"
        same = (grown for grown in tool.grown if tuple(grown.growth.sizes) == sizes)
        yield _table(_GROWTH.format("|".join(f"{size:,}" for size in sizes)), map(_growth, same))


def _goals(tool: Figures) -> str:
    every = [verdict for result in tool.results for verdict in verdicts(result)]
    every += [verdict for grown in tool.grown for verdict in grown.verdicts()]
    return "\n".join(f"- {_word(verdict)}, {verdict.measured}: {verdict.goal}" for verdict in every) or "None measured."


def _word(verdict: Verdict) -> str:
    if verdict.is_guide:
        return "within the guide" if verdict.is_met else "BEYOND THE GUIDE"
    return "met" if verdict.is_met else "MISSED"


def _time(result: Result) -> list[str]:
    row, times = result.row, result.times
    goal = "" if row.goal is None else f"{row.goal:g}{' (guide)' if row.is_guide else ''}"
    seconds = [f"{value:.4f}" for value in (median(times), min(times), median(result.bare))]
    each = "" if result.each is None else f"{result.each * 1e6:,.0f}"
    return [row.title, f"`{row.name}`", *seconds, f"{result.ratio:.1f}", goal, each]


def _memory(result: Result) -> list[str]:
    goal = f"under {result.row.memory_goal}" if result.row.memory_goal else ""
    return [result.row.title, *(f"{size / MIB:.0f}" if size else "unknown" for size in result.memory), goal]


def _growth(grown: Grown) -> list[str]:
    factors = ", ".join(f"{factor:.1f}" for factor in grown.factors)
    times = [f"{time:.3f}" for time in (grown.start, *grown.times)]
    return [f"`{' '.join(grown.growth.args)}`", *times, factors, f"{grown.each * 1e6:,.0f}"]


def _side(this: Result, other: Result) -> list[str]:
    ours, theirs = median(this.times), median(other.times)
    return [this.row.title, f"{ours:.4f}", f"{theirs:.4f}", f"{ours / theirs:.2f}"]


def _table(head: str, rows: Iterable[list[str]]) -> str:
    titles = head.split("|")
    body = list(rows)
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if body else ""
