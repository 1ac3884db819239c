"""What is measured: runs as people and CI start them, each with its goal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from statistics import median
from typing import NamedTuple

import kits
from processes import Memory, Place, can_see_memory, peak, seconds
from tools import Tool

MIB = 1 << 20
_ALL = ("--all",)
_MEMORY_RUNS_MOST = 3


class State(StrEnum):
    """What a run finds: no outputs; all of them; all and the record of their build; all and that of a run since."""

    NEW = "new"
    SAME = "same"
    BUILT = "built"
    AGAIN = "again"


class Row(NamedTuple):
    """One run to measure, on a kit of so many agents or, with none, anywhere.

    The goal is at most so many times the bare interpreter; a guide is one that nobody is held to. With `in_memory`, the
    kit's files are there, so that what a disk takes is left out.
    """

    name: str
    title: str
    args: tuple[str, ...] = _ALL
    agents: int = 0
    state: State = State.SAME
    goal: float | None = None
    is_guide: bool = False
    memory_goal: int | None = None
    in_memory: bool = False


class Verdict(NamedTuple):
    """A goal, what was measured, whether the goal is met, and whether it is only a guide."""

    goal: str
    measured: str
    is_met: bool
    is_guide: bool = False


class Result(NamedTuple):
    """What one installation took for a row, in seconds, beside the bare interpreter, and its memory at most."""

    row: Row
    times: Sequence[float]
    bare: Sequence[float]
    memory: Memory

    @property
    def ratio(self) -> float:
        """How many times the bare interpreter the run takes."""
        return median(self.times) / median(self.bare)

    @property
    def each(self) -> float | None:
        """Seconds for each manifest, beyond the bare interpreter, where the run is about all of the kit."""
        beyond = median(self.times) - median(self.bare)
        return beyond / self.row.agents if self.row.args == _ALL else None


_ONE = (f"agents/{kits.manifest(kits.REPOSITORY).name}",)

ROWS = (
    Row("version", "`--version`", args=("--version",)),
    Row("help", "`--help`", args=("--help",)),
    Row("one", "one manifest, alone in its kit, new", _ONE, 1, State.NEW, goal=11),
    Row("one-of-1000", "one manifest of 1,000, nothing changed, no record", _ONE, 1_000),
    Row("same-1000", "1,000 manifests, nothing changed, no record", agents=1_000, goal=20),
    Row("built-1000", "1,000 manifests, nothing changed, after their build", _ALL, 1_000, State.BUILT),
    Row("again-1000", "1,000 manifests, nothing changed, again", _ALL, 1_000, State.AGAIN, goal=6),
    Row("new-1000", "1,000 manifests, all new", _ALL, 1_000, State.NEW),
    Row("same-10000", "10,000 manifests, nothing changed, no record", _ALL, 10_000, State.SAME, 110, True, 120),
    Row("built-10000", "10,000 manifests, nothing changed, after their build", _ALL, 10_000, State.BUILT, 110, True),
    Row("again-10000", "10,000 manifests, nothing changed, again", _ALL, 10_000, State.AGAIN, 110, True, 120),
    Row("new-10000", "10,000 manifests, all new", _ALL, 10_000, State.NEW, 250, True, 400),
    Row("new-memory", "10,000 manifests, all new, in memory", _ALL, 10_000, State.NEW, 250, True, in_memory=True),
)


def row_named(name: str) -> Row | None:
    """Return the row of this name: one of those with goals, or a state and any number, such as `new-50`."""
    known = {row.name: row for row in ROWS}
    match = re.fullmatch(rf"({'|'.join(State)})-([1-9][0-9]*)", name)
    if name in known or not match:
        return known.get(name)
    return Row(name, f"{int(match[2]):,} manifests, {match[1]}", agents=int(match[2]), state=State(match[1]))


def measure(row: Row, tools: Sequence[Tool], runs: int) -> list[Result]:
    """Return what each installation takes for a row; their runs and those of the bare interpreters take turns."""
    lanes = [_Lane(row, tool) for tool in tools]
    for _ in range(runs + 1):
        for lane in lanes:
            lane.turn()
    return [lane.result(min(runs, _MEMORY_RUNS_MOST)) for lane in lanes]


class _Lane:
    """The runs of one installation for a row; the first is there to compile modules and to fill the disk's cache."""

    def __init__(self, row: Row, tool: Tool) -> None:
        self.row = row
        self.bare_command, self.command = tool.bare, [*tool.command, *row.args]
        self.place = _places(row, tool)
        self.bare: list[float] = []
        self.times: list[float] = []

    def turn(self) -> None:
        """Measure the bare interpreter and the run, once each."""
        here = self.place()
        self.bare.append(seconds(self.bare_command, here))
        self.times.append(seconds(self.command, here))

    def result(self, memory_runs: int) -> Result:
        """Return what was measured, and the memory of some more runs."""
        most = Memory()
        for _ in range(memory_runs if can_see_memory() else 0):
            most = Memory(*map(max, most, peak(self.command, self.place())))
        return Result(self.row, self.times[1:], self.bare[1:], most)


def _places(row: Row, tool: Tool) -> Callable[[], Place]:
    """Return what gives the place for one more run of a row, with everything as its state says."""
    agents = row.agents or 1
    if row.state is State.AGAIN:
        place = tool.warm(tool.built(agents), *row.args)
        return lambda: place
    if row.state is State.NEW:
        return lambda: tool.cold(kits.cleared(tool.kit(agents)))
    if row.state is State.BUILT:
        return lambda: _just_built(row, tool)
    folder = tool.built(agents)
    return lambda: tool.cold(folder)


def _just_built(row: Row, tool: Tool) -> Place:
    place = tool.cold(kits.cleared(tool.kit(row.agents)))
    seconds([*tool.command, *row.args], place)
    return place


def verdicts(result: Result) -> Iterator[Verdict]:
    """Yield how the row stands to its goals."""
    row, mib = result.row, result.memory.resident / MIB
    if row.goal is not None:
        goal = f"{row.title}: at most {row.goal:g} times the bare interpreter"
        yield Verdict(goal, f"{result.ratio:.1f}", result.ratio <= row.goal, row.is_guide)
    if row.memory_goal is not None and mib:
        yield Verdict(f"{row.title}: under {row.memory_goal} MiB", f"{mib:.0f}", mib < row.memory_goal)
