"""Measure what composition costs: the same run on two kits, in turns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

import kits
from installation import Installation
from kits import Form
from processes import seconds
from rows import Verdict

_ONE = (f"agents/{kits.manifest(kits.REPOSITORY).name}",)
_AGENTS = 1_000


class Kit(NamedTuple):
    """The form and the number of the manifests of a kit."""

    form: Form
    agents: int


class Comparison(NamedTuple):
    """A run on a kit, and on another to compare it with.

    `goal` is the maximum ratio of the two medians. A missed guideline is not a failure. Without `writes`, all generated
    files are up to date.
    """

    name: str
    title: str
    args: tuple[str, ...]
    kit: Kit
    other: Kit
    goal: float
    writes: bool = False
    is_guideline: bool = False


class ComparisonResult(NamedTuple):
    """The seconds of the runs of a comparison, on its kit and on the other one."""

    comparison: Comparison
    times: tuple[float, ...]
    others: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The ratio of the two medians."""
        return median(self.times) / median(self.others)

    def verdicts(self) -> Iterator[Verdict]:
        """Yield the verdict on the goal."""
        wanted = f"{self.comparison.title}: at most {self.comparison.goal:g} times as long"
        yield Verdict(wanted, f"{self.ratio:.2f}", self.ratio <= self.comparison.goal, self.comparison.is_guideline)


def _of_form(form: Form, goal: float, title: str, is_guideline: bool = False) -> Iterator[Comparison]:
    """Yield the comparisons of a form of the kit with the flat one."""
    kit, flat = Kit(form, _AGENTS), Kit(Form.FLAT, _AGENTS)
    yield Comparison(f"{form}-new", f"{title}, not generated yet", ("--all",), kit, flat, goal, True, is_guideline)
    yield Comparison(
        f"{form}-check", f"{title}, up to date", ("--all", "--check"), kit, flat, goal, False, is_guideline
    )


COMPARISONS = (
    *_of_form(Form.COMPOSED, 1.1, "1,000 manifests, composed against flat"),
    *_of_form(Form.BASED, 1.3, "1,000 manifests with one base against flat"),
    *_of_form(Form.FILLED, 2, "1,000 manifests with a value in almost every line against flat", is_guideline=True),
    Comparison(
        "composed-one",
        "one manifest with a base, of 1,000 against alone in its kit",
        _ONE,
        Kit(Form.COMPOSED, _AGENTS),
        Kit(Form.COMPOSED, 1),
        1.1,
    ),
    Comparison(
        "composed-one-flat",
        "one manifest of 1,000, composed against flat",
        _ONE,
        Kit(Form.COMPOSED, _AGENTS),
        Kit(Form.FLAT, _AGENTS),
        1.1,
    ),
)


def comparison_named(name: str) -> Comparison | None:
    """Return the comparison with this name. It can end in another number of manifests, as in `composed-check-50`."""
    match = re.fullmatch(r"(.*?)(?:-([1-9][0-9]*))?", name)
    known = {comparison.name: comparison for comparison in COMPARISONS}
    found = known.get(match[1]) if match else None
    if not found or not match or not match[2]:
        return found
    agents = int(match[2])
    kit, other = (each._replace(agents=min(each.agents, agents)) for each in (found.kit, found.other))
    return found._replace(title=found.title.replace(f"{_AGENTS:,}", f"{agents:,}"), kit=kit, other=other)


def measure(comparison: Comparison, installation: Installation, runs: int) -> ComparisonResult:
    """Return the times of the two runs, measured in turns. The first of each only compiles modules and fills caches."""
    taken = [
        [_measure_once(comparison, installation, kit) for kit in (comparison.kit, comparison.other)]
        for _ in range(runs + 1)
    ]
    ours, others = zip(*taken[1:], strict=True)
    return ComparisonResult(comparison, ours, others)


def _measure_once(comparison: Comparison, installation: Installation, kit: Kit) -> float:
    """The seconds of one run without a cache record. Its generated files are deleted or brought up to date first."""
    folder = installation.kit(kit.agents, kit.form)
    if comparison.writes:
        kits.delete_outputs(folder)
    elif not (folder / kits.manifest(folder).with_suffix(".md")).exists():
        installation.built(kit.agents, kit.form)
    return seconds([*installation.command, *comparison.args], installation.cold(folder))
