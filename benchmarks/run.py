"""Measures the tool as people meet it: whole processes, in times of what the bare interpreter takes.

`python benchmarks/run.py` measures everything and takes some minutes; `--rows one again-1000` keeps to some. A row may
be made up: `new-50`, `same-50`, `again-50`, `grow-check-200`. What is printed says which goals are met; the exit status
does not.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
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
    with tempfile.TemporaryDirectory(prefix="assemble-bench-") as folder:
        text = _measured(options, Path(folder))
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


def _measured(options: argparse.Namespace, folder: Path) -> str:
    tools = [Tool("this", sys.executable, folder / "this")]
    if options.against:
        tools.append(Tool("the other", os.path.abspath(options.against), folder / "other"))
    where = f"{machine.machine()}; load before: {machine.load()}"
    results, grown = _rows(options, tools), _grown(options, tools[0])
    figures = [
        page.Figures(tool.label, tool.version(), [result[index] for result in results], grown if index == 0 else ())
        for index, tool in enumerate(tools)
    ]
    return page.page(figures, where, f"Medians of {options.runs} runs, {_fewer(options.runs)} where kits grow.")


def _rows(options: argparse.Namespace, tools: Sequence[Tool]) -> list[list[rows.Result]]:
    return [rows.measure(_told(row), tools, options.runs) for row in options.rows if isinstance(row, rows.Row)]


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
