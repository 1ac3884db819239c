"""Measure whether a kit that is ten times as large takes ten times as long, for builds and checks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import kits
from installation import Installation
from kei_assembler.targets import TARGETS
from processes import seconds
from rows import Verdict

GOAL = 11
"""The maximum growth of the time without start-up, as a factor, with ten times as many manifests."""

_LARGEST = 10_000
_MIN_SECONDS = 0.001  # shorter times are noise
_STEPS = (100, 10, 1)


class Growth(NamedTuple):
    """One action with its arguments, measured on kits of growing size."""

    name: str
    args: tuple[str, ...]
    largest: int = _LARGEST

    @property
    def sizes(self) -> list[int]:
        """The number of manifests in each kit."""
        return [self.largest // step for step in _STEPS]

    @property
    def writes(self) -> bool:
        """Whether each run starts without generated files. Otherwise they are up to date."""
        return "--check" not in self.args


class GrowthResult(NamedTuple):
    """The seconds that an action took: on a kit with one manifest, which counts as start-up, and on each larger kit."""

    growth: Growth
    start: float
    times: tuple[float, ...]

    @property
    def factors(self) -> list[float]:
        """The growth of the time without start-up from each kit to the next, as factors."""
        net = [max(time - self.start, _MIN_SECONDS) for time in self.times]
        return [more / less for less, more in pairwise(net)]

    @property
    def per_manifest(self) -> float:
        """The seconds for each additional manifest, from the difference between the two largest kits."""
        smaller, larger = self.growth.sizes[-2:]
        return (self.times[-1] - self.times[-2]) / (larger - smaller)

    def verdicts(self) -> Iterator[Verdict]:
        """Yield the verdict for each step in size."""
        title = f"`{' '.join(self.growth.args)}`"
        for size, factor in zip(self.growth.sizes[1:], self.factors, strict=True):
            goal = f"{title}, {size // 10:,} to {size:,} manifests: at most {GOAL} times the time without start-up"
            yield Verdict(goal, f"{factor:.1f}", factor <= GOAL)


GROWTHS = (
    Growth("grow-build", ("--all",)),
    Growth("grow-check", ("--all", "--check")),
    *(Growth(f"grow-{name}", ("--all", "--target", name)) for name in list(TARGETS)[1:]),
)


def growth_named(name: str) -> Growth | None:
    """Return the action with this name. The name can end in the size of the largest kit, as in `grow-check-200`."""
    match = re.fullmatch(r"(grow-.*?)(?:-([1-9][0-9]{2,}))?", name)
    known = {growth.name: growth for growth in GROWTHS}
    found = known.get(match[1]) if match else None
    return found._replace(largest=int(match[2] or _LARGEST)) if match and found else None


def measure(growth: Growth, installation: Installation, runs: int) -> GrowthResult:
    """Return the times of an action on kits of growing size, measured in turns."""
    installation.built(1)  # compiles all modules
    taken = [[_measure_once(growth, installation, size) for size in (1, *growth.sizes)] for _ in range(runs)]
    start, *times = map(median, zip(*taken, strict=True))
    for size in (1, *growth.sizes):
        kits.delete_outputs(installation.kit(size))
    return GrowthResult(growth, start, tuple(times))


def _measure_once(growth: Growth, installation: Installation, size: int) -> float:
    """The seconds of one run. Its generated files are deleted or brought up to date first."""
    folder = kits.delete_outputs(installation.kit(size)) if growth.writes else installation.built(size)
    return seconds([*installation.command, *growth.args], installation.cold(folder))
