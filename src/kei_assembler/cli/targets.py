"""`assemble targets`: list the supported clients, or say everything about some of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import click

from kei_assembler.cli import console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import OneOf
from kei_assembler.diagnostics import AssembleError
from kei_assembler.report import target_table
from kei_assembler.report.markdown_text import wrapped
from kei_assembler.selection import kit_if_any
from kei_assembler.targets import TARGETS, docs
from kei_assembler.targets.target import Target

_INDENT = " " * 15
_WITHOUT_SETTINGS = "note: the settings of this kit have errors, so the paths are the default ones\n"


@click.command("targets")
@click.argument("names", nargs=-1, metavar="[NAME]...", type=OneOf(TARGETS))
@click.option("--all", "all_", is_flag=True, help="Print the documentation of all targets as Markdown.")
def command(names: Sequence[str], all_: bool) -> None:
    """List the supported clients, with the path of their files, the version that was looked at, and what they get.

    With a NAME, print all about this client: what is supported, and what is lost. The path of its files is then the
    one that the settings of the kit say. A client is `docs only` if nobody has run it or read its code.
    """
    if all_ and names:
        raise click.UsageError("--all prints all clients, so it takes no NAME")
    if all_:
        write(docs.page())
    elif names:
        output_of, problem = _outputs()
        rows = [TARGETS[name] for name in dict.fromkeys(names)]
        write("\n".join(_text(row, docs.facts(row, output_of(row))) for row in rows), problem)
    else:
        write(target_table.table(TARGETS.values(), console.columns(), console.colours()[0]))


def _outputs() -> tuple[Callable[[Target], str], str]:
    """Return what gives the path pattern of a client's files in the kit, and a note if the kit cannot be used."""
    try:
        kit = kit_if_any(None)
    except AssembleError as error:
        return _default, _WITHOUT_SETTINGS if error.diagnostics else ""
    return (lambda row: kit.settings.output(row.name)) if kit else _default, ""


def _default(row: Target) -> str:
    return row.output


def _text(row: Target, facts: Iterable[tuple[str, str]]) -> str:
    columns, (colours, _) = console.columns(), console.colours()
    lines = wrapped(f"**{row.name}**: {row.label}", columns, rest=_INDENT, colours=colours)
    for label, same in groupby(facts, key=lambda fact: fact[0]):
        for index, (_, fact) in enumerate(same):
            start = f"  {'' if index else label}".ljust(len(_INDENT))
            lines += wrapped(fact, columns, start, _INDENT, colours)
    return "".join(f"{line}\n" for line in lines)
