"""`assemble targets`: list the supported clients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import click

from kei_assembler.cli import console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import OneOf
from kei_assembler.report.markdown_text import wrapped
from kei_assembler.targets import TARGETS, docs
from kei_assembler.targets.target import Target

_INDENT = " " * 15


@click.command("targets")
@click.argument("names", nargs=-1, metavar="[NAME]...", type=OneOf(TARGETS))
@click.option("--all", "all_", is_flag=True, help="Print the documentation of all targets as Markdown.")
def command(names: Sequence[str], all_: bool) -> None:
    """List the supported clients, with the path of their files, what is supported, and what is lost."""
    write(docs.page() if all_ else "\n".join(_text(row, facts) for row, facts in docs.overview(names)))


def _text(row: Target, facts: Iterable[tuple[str, str]]) -> str:
    columns, (colours, _) = console.columns(), console.colours()
    lines = wrapped(f"**{row.name}**: {row.label}", columns, rest=_INDENT, colours=colours)
    for label, same in groupby(facts, key=lambda fact: fact[0]):
        for index, (_, fact) in enumerate(same):
            start = f"  {'' if index else label}".ljust(len(_INDENT))
            lines += wrapped(fact, columns, start, _INDENT, colours)
    return "".join(f"{line}\n" for line in lines)
