"""Whether ten times the manifests cost ten times the time: for a build, a check, and a build for each further tool."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import kits
from kei_assembler.targets import TARGETS
from processes import seconds
from rows import Verdict
from tools import Tool

GOAL = 11
"""Ten times the manifests cost at most so many times the time beyond start-up."""

_LARGEST = 10_000
_LEAST = 0.001  # what is less than a millisecond is noise
_STEPS = (100, 10, 1)


class Growth(NamedTuple):
    """One action, with its command line, on kits of growing size."""

    name: str
    args: tuple[str, ...]
    largest: int = _LARGEST

    @property
    def sizes(self) -> list[int]:
        """How many manifests the kits have."""
        return [self.largest // step for step in _STEPS]

    @property
    def writes(self) -> bool:
        """Tell whether all outputs are new in each run; else they are all there."""
        return "--check" not in self.args


class Grown(NamedTuple):
    """What an action took, in seconds: on a kit of one manifest, which is the start-up, and on kits of each size."""

    growth: Growth
    start: float
    times: tuple[float, ...]

    @property
    def factors(self) -> list[float]:
        """What the time beyond start-up is multiplied with, where the manifests are multiplied with ten."""
        beyond = [max(time - self.start, _LEAST) for time in self.times]
        return [more / less for less, more in pairwise(beyond)]

    @property
    def each(self) -> float:
        """Seconds for each further manifest, of the many by which the two largest kits differ."""
        smaller, larger = self.growth.sizes[-2:]
        return (self.times[-1] - self.times[-2]) / (larger - smaller)

    def verdicts(self) -> Iterator[Verdict]:
        """Yield how the action stands to its goals."""
        title = f"`{' '.join(self.growth.args)}`"
        for size, factor in zip(self.growth.sizes[1:], self.factors, strict=True):
            goal = f"{title}, {size // 10:,} to {size:,} manifests: at most {GOAL} times the time beyond start-up"
            yield Verdict(goal, f"{factor:.1f}", factor <= GOAL)


GROWTHS = (
    Growth("grow-build", ("--all",)),
    Growth("grow-check", ("--all", "--check")),
    *(Growth(f"grow-{name}", ("--all", "--target", name)) for name in list(TARGETS)[1:]),
)


def growth_named(name: str) -> Growth | None:
    """Return the growth of this name, which may end in the size of the largest kit, such as `grow-check-200`."""
    match = re.fullmatch(r"(grow-.*?)(?:-([1-9][0-9]{2,}))?", name)
    known = {growth.name: growth for growth in GROWTHS}
    found = known.get(match[1]) if match else None
    return found._replace(largest=int(match[2] or _LARGEST)) if match and found else None


def measure(growth: Growth, tool: Tool, runs: int) -> Grown:
    """Return what an action takes on kits of growing size, which take turns."""
    tool.built(1)  # so that all modules are compiled
    taken = [[_once(growth, tool, size) for size in (1, *growth.sizes)] for _ in range(runs)]
    start, *times = map(median, zip(*taken, strict=True))
    for size in (1, *growth.sizes):
        kits.cleared(tool.kit(size))
    return Grown(growth, start, tuple(times))


def _once(growth: Growth, tool: Tool, size: int) -> float:
    """What one run takes; what it finds is made, or deleted, before."""
    folder = kits.cleared(tool.kit(size)) if growth.writes else tool.built(size)
    return seconds([*tool.command, *growth.args], tool.cold(folder))
