"""Measure `assemble` as people use it: whole processes, compared with a bare interpreter.

`python benchmarks/run.py` measures everything and takes some minutes. `--rows one again-1000` selects rows. A row can
have any number of manifests: `new-50`, `same-50`, `again-50`, `composed-check-50`, `grow-check-200`. The output says
which goals are met, but the exit status doesn't depend on them.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import composition
import growth
import machine
import page
import rows
from installation import Installation

_RUNS = 9
_AnyRow = rows.Row | growth.Growth | composition.Comparison
_Named = TypeVar("_Named", rows.Row, growth.Growth, composition.Comparison)


def main() -> None:
    """Run the command."""
    options = _parser().parse_args()
    prefix, memory = "assemble-bench-", machine.memory_disk()
    with TemporaryDirectory(prefix=prefix) as disk, TemporaryDirectory(prefix=prefix, dir=memory) as in_memory:
        text = _measured(options, Path(disk), Path(in_memory))
    sys.stdout.write(text)
    if options.markdown:
        page.write(options.markdown, text)


def _parser() -> argparse.ArgumentParser:
    every: list[_AnyRow] = [*rows.ROWS, *composition.COMPARISONS, *growth.GROWTHS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = f"the rows to measure, of: {', '.join(row.name for row in every)}"
    parser.add_argument("--rows", nargs="+", type=_row, default=every, metavar="ROW", help=names)
    parser.add_argument("--runs", type=int, default=_RUNS, help="number of runs of each row; a third of it for growth")
    parser.add_argument("--against", metavar="PYTHON", help="interpreter of another installation, to compare with")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the results below this file's marker")
    return parser


def _row(name: str) -> _AnyRow:
    row = rows.row_named(name) or composition.comparison_named(name) or growth.growth_named(name)
    if row is None:
        raise argparse.ArgumentTypeError(f"no such row: `{name}`")
    return row


def _measured(options: argparse.Namespace, disk: Path, memory: Path) -> str:
    where = f"{machine.machine()}; load before the benchmark: {machine.load()}"
    on_disk, in_memory = _installations(options, disk), _installations(options, memory)
    results, compared = _rows(options, on_disk, in_memory), _compared(options, on_disk[0])
    grown = _grown(options, in_memory[0])
    measurements = [
        page.Measurements(
            installation.label,
            installation.version(),
            [result[index] for result in results],
            grown if index == 0 else (),
            compared if index == 0 else (),
        )
        for index, installation in enumerate(on_disk)
    ]
    return page.page(measurements, where, f"Medians of {options.runs} runs, {_growth_runs(options.runs)} for growth.")


def _installations(options: argparse.Namespace, folder: Path) -> list[Installation]:
    """The installations to measure, with kits in this folder."""
    installations = [Installation("this version", sys.executable, folder / "this")]
    if options.against:
        # Not the resolved path: the link in a virtual environment is what selects the environment.
        installations.append(Installation("the other version", os.path.abspath(options.against), folder / "other"))
    return installations


def _rows(
    options: argparse.Namespace, on_disk: list[Installation], in_memory: list[Installation]
) -> list[list[rows.Result]]:
    wanted = [row for row in options.rows if isinstance(row, rows.Row)]
    return [rows.measure(_announced(row), in_memory if row.in_memory else on_disk, options.runs) for row in wanted]


def _compared(options: argparse.Namespace, installation: Installation) -> list[composition.ComparisonResult]:
    wanted = [row for row in options.rows if isinstance(row, composition.Comparison)]
    return [composition.measure(_announced(row), installation, options.runs) for row in wanted]


def _grown(options: argparse.Namespace, installation: Installation) -> list[growth.GrowthResult]:
    wanted = [row for row in options.rows if isinstance(row, growth.Growth)]
    return [growth.measure(_announced(row), installation, _growth_runs(options.runs)) for row in wanted]


def _announced(row: _Named) -> _Named:
    """Report on standard error which row is measured next."""
    sys.stderr.write(f"{row.name} …\n")
    return row


def _growth_runs(runs: int) -> int:
    return max(runs // 3, 1)


if __name__ == "__main__":
    main()
