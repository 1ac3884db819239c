"""Measures the tool as people meet it: whole processes, in times of what the bare interpreter takes.

`python benchmarks/run.py` measures everything and takes some minutes; `--rows one again-1000` keeps to some. A row may
be made up: `new-50`, `same-50`, `again-50`, `grow-check-200`. What is printed says which goals are met; the exit status
does not.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import growth
import machine
import page
import rows
from tools import Tool

_RUNS = 9
_AnyRow = rows.Row | growth.Growth
_Named = TypeVar("_Named", rows.Row, growth.Growth)


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
    every: list[_AnyRow] = [*rows.ROWS, *growth.GROWTHS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ", ".join(row.name for row in every)
    parser.add_argument("--rows", nargs="+", type=_row, default=every, metavar="ROW", help=f"of: {names}")
    parser.add_argument("--runs", type=int, default=_RUNS, help="how often; a third as often where kits grow")
    parser.add_argument("--against", metavar="PYTHON", help="interpreter with another version of the tool, to compare")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the result to this file, below its mark")
    return parser


def _row(name: str) -> _AnyRow:
    row = rows.row_named(name) or growth.growth_named(name)
    if row is None:
        raise argparse.ArgumentTypeError(f"there is no row {name}")
    return row


def _measured(options: argparse.Namespace, disk: Path, memory: Path) -> str:
    where = f"{machine.machine()}; load before: {machine.load()}"
    on_disk, in_memory = _tools(options, disk), _tools(options, memory)
    results, grown = _rows(options, on_disk, in_memory), _grown(options, in_memory[0])
    figures = [
        page.Figures(tool.label, tool.version(), [result[index] for result in results], grown if index == 0 else ())
        for index, tool in enumerate(on_disk)
    ]
    return page.page(figures, where, f"Medians of {options.runs} runs, {_fewer(options.runs)} where kits grow.")


def _tools(options: argparse.Namespace, folder: Path) -> list[Tool]:
    """The installations to measure, which work in this folder."""
    this = Tool("this", sys.executable, folder / "this")
    return [this, *([Tool("the other", os.path.abspath(options.against), folder / "other")] if options.against else [])]


def _rows(options: argparse.Namespace, on_disk: list[Tool], in_memory: list[Tool]) -> list[list[rows.Result]]:
    wanted = [row for row in options.rows if isinstance(row, rows.Row)]
    return [rows.measure(_told(row), in_memory if row.in_memory else on_disk, options.runs) for row in wanted]


def _grown(options: argparse.Namespace, tool: Tool) -> list[growth.Grown]:
    wanted = [row for row in options.rows if isinstance(row, growth.Growth)]
    return [growth.measure(_told(row), tool, _fewer(options.runs)) for row in wanted]


def _told(row: _Named) -> _Named:
    """Say on standard error what is measured next."""
    sys.stderr.write(f"{row.name} …\n")
    return row


def _fewer(runs: int) -> int:
    return max(runs // 3, 1)


if __name__ == "__main__":
    main()
