"""The measured runs, as people and CI start them, and their goals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from statistics import median
from typing import NamedTuple

import kits
from installation import Installation
from kei_assembler.targets import TARGETS, groups
from kits import Form
from processes import Context, Memory, can_see_memory, peak, seconds

MIB = 1 << 20
_ALL = ("--all",)
_MAX_MEMORY_RUNS = 3


class State(StrEnum):
    """The files before a run: none generated, or all up to date.

    The cache has no record (`same`), the record of the build (`built`), or the record of the same run (`again`). An
    `edited` kit is committed, for two clients, and then a block that all agents share was changed.
    """

    NEW = "new"
    SAME = "same"
    BUILT = "built"
    AGAIN = "again"
    EDITED = "edited"


class Row(NamedTuple):
    """One run to measure, on a kit with this many manifests, or on any kit if the number is 0.

    `targets` are those of the kit's settings, and `form` says how its manifests are written.

    `goal` is the maximum ratio to the time of the bare interpreter, `memory_goal` the maximum in MiB. A missed
    guideline is not a failure. With `in_memory`, the kit's files are in memory, to exclude the time of the disk.
    """

    name: str
    title: str
    args: tuple[str, ...] = _ALL
    agents: int = 0
    state: State = State.SAME
    goal: float | None = None
    is_guideline: bool = False
    memory_goal: int | None = None
    in_memory: bool = False
    targets: tuple[str, ...] = ()
    form: Form = Form.FLAT


class Verdict(NamedTuple):
    """A goal, the measured value, and whether it meets the goal."""

    goal: str
    measured: str
    is_met: bool
    is_guideline: bool = False


class Result(NamedTuple):
    """One installation's times for a row in seconds, those of the bare interpreter, and the peak memory."""

    row: Row
    times: Sequence[float]
    bare: Sequence[float]
    memory: Memory

    @property
    def ratio(self) -> float:
        """The ratio of the median times of the run and the bare interpreter."""
        return median(self.times) / median(self.bare)

    @property
    def per_manifest(self) -> float | None:
        """The seconds per manifest, without the interpreter's start. None if the run is not about the whole kit."""
        net = median(self.times) - median(self.bare)
        return net / self.row.agents if self.row.args == _ALL else None


_CHECK = ("--all", "--check")
_SEVEN = ("claude-code", "copilot", "cursor", "opencode", "gemini", "codex", "qwen")
_EVERY = groups.expanded(["@all"])
_ONE = (f"agents/{kits.manifest(kits.REPOSITORY).name}",)

ROWS = (
    Row("version", "`--version`", args=("--version",), goal=4),
    Row("help", "`--help`", args=("--help",)),
    Row("one", "one manifest, alone in its kit, not generated yet", _ONE, 1, State.NEW, goal=8.5),
    Row("one-of-1000", "one manifest of 1,000, up to date, no cache record", _ONE, 1_000),
    Row("same-1000", "1,000 manifests, up to date, no cache record", agents=1_000, goal=24),
    Row("built-1000", "1,000 manifests, up to date, first run after the build", _ALL, 1_000, State.BUILT),
    Row("again-1000", "1,000 manifests, up to date, same run again", _ALL, 1_000, State.AGAIN, goal=2.7),
    Row("new-1000", "1,000 manifests, not generated yet", _ALL, 1_000, State.NEW),
    Row("same-10000", "10,000 manifests, up to date, no cache record", _ALL, 10_000, State.SAME, 110, True, 120),
    Row("built-10000", "10,000 manifests, up to date, first run after the build", _ALL, 10_000, State.BUILT, 110, True),
    Row("again-10000", "10,000 manifests, up to date, same run again", _ALL, 10_000, State.AGAIN, 110, True, 120),
    Row("new-10000", "10,000 manifests, not generated yet", _ALL, 10_000, State.NEW, 250, True, 400),
    Row(
        "new-memory",
        "10,000 manifests, not generated yet, in memory",
        _ALL,
        10_000,
        State.NEW,
        250,
        True,
        in_memory=True,
    ),
    Row(
        "memory-1000",
        "1,000 manifests, not generated yet, in memory",
        _ALL,
        1_000,
        State.NEW,
        36,
        in_memory=True,
    ),
    Row(
        "seven-200", "`--check` of 200 agents for seven clients, no cache record", _CHECK, 200, goal=45, targets=_SEVEN
    ),
    Row(
        "every-200",
        f"`--check` of 200 agents for all {len(_EVERY)} clients that `@all` stands for, no cache record",
        _CHECK,
        200,
        targets=_EVERY,
    ),
    *(
        Row(
            f"{name}-200",
            f"`--check` of 200 agents for {row.label}, no cache record",
            _CHECK,
            200,
            goal=18,
            targets=(name,),
        )
        for name, row in TARGETS.items()
    ),
    Row(
        "sections-200",
        "`--check` of 200 sections in 20 `AGENTS.md` files, no cache record",
        _CHECK,
        200,
        form=Form.INSTRUCTIONS,
    ),
    Row(
        "impact-200",
        "`impact` of one changed block on 200 agents for two clients",
        ("impact",),
        200,
        State.EDITED,
        goal=60,
    ),
)


def row_named(name: str) -> Row | None:
    """Return the row with this name. It can also be a state and any number of manifests, as in `new-50`."""
    known = {row.name: row for row in ROWS}
    match = re.fullmatch(rf"({'|'.join(State)})-([1-9][0-9]*)", name)
    if name in known or not match:
        return known.get(name)
    return Row(name, f"{int(match[2]):,} manifests, {match[1]}", agents=int(match[2]), state=State(match[1]))


def measure(row: Row, installations: Sequence[Installation], runs: int) -> list[Result]:
    """Return each installation's result for a row. The runs take turns with those of the bare interpreters."""
    all_series = [_Series(row, installation) for installation in installations]
    for _ in range(runs + 1):
        for series in all_series:
            series.measure_once()
    return [series.result(min(runs, _MAX_MEMORY_RUNS)) for series in all_series]


class _Series:
    """The runs of one installation for a row. The first only compiles modules and fills the disk's cache."""

    def __init__(self, row: Row, installation: Installation) -> None:
        self.row = row
        self.bare_command, self.command = installation.bare, [*installation.command, *row.args]
        self.context = _contexts(row, installation)
        self.bare: list[float] = []
        self.times: list[float] = []

    def measure_once(self) -> None:
        """Measure the bare interpreter and the run, once each."""
        context = self.context()
        self.bare.append(seconds(self.bare_command, context))
        self.times.append(seconds(self.command, context))

    def result(self, memory_runs: int) -> Result:
        """Return the measured times, and the memory of some more runs."""
        maximum = Memory()
        for _ in range(memory_runs if can_see_memory() else 0):
            maximum = Memory(*map(max, maximum, peak(self.command, self.context())))
        return Result(self.row, self.times[1:], self.bare[1:], maximum)


def _contexts(row: Row, installation: Installation) -> Callable[[], Context]:
    """Return a function that prepares the files for a run of the row and returns its context."""
    agents = row.agents or 1
    if row.state is State.AGAIN:
        context = installation.warm(installation.built(agents, row.form, row.targets), *row.args)
        return lambda: context
    if row.state is State.EDITED:
        folder = installation.edited(agents)
        return lambda: installation.cold(folder)
    if row.state is State.NEW:
        return lambda: installation.cold(kits.delete_outputs(installation.kit(agents, row.form, row.targets)))
    if row.state is State.BUILT:
        return lambda: _just_built(row, installation)
    folder = installation.built(agents, row.form, row.targets)
    return lambda: installation.cold(folder)


def _just_built(row: Row, installation: Installation) -> Context:
    context = installation.cold(kits.delete_outputs(installation.kit(row.agents)))
    seconds([*installation.command, *row.args], context)
    return context


def verdicts(result: Result) -> Iterator[Verdict]:
    """Yield the verdict for each goal of the row."""
    row, mib = result.row, result.memory.resident / MIB
    if row.goal is not None:
        goal = f"{row.title}: at most {row.goal:g} times the bare interpreter"
        yield Verdict(goal, f"{result.ratio:.1f}", result.ratio <= row.goal, row.is_guideline)
    if row.memory_goal is not None and mib:
        yield Verdict(f"{row.title}: under {row.memory_goal} MiB", f"{mib:.0f}", mib < row.memory_goal)
