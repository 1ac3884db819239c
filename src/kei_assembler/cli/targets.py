"""`assemble targets`: list the supported clients, or say everything about some of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

import click

from kei_assembler.cli import console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import OneOf
from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import SETTINGS_FILE
from kei_assembler.report import target_table
from kei_assembler.report.markdown_text import wrapped
from kei_assembler.scaffold.clients import present_clients
from kei_assembler.selection import kit_if_any, working_directory
from kei_assembler.targets import TARGETS, docs
from kei_assembler.targets.target import Target

_INDENT = " " * 15
_WITHOUT_SETTINGS = "note: the settings of this kit have errors, so the paths are the default ones\n"


@click.command("targets")
@click.argument("names", nargs=-1, metavar="[NAME]...", type=OneOf(TARGETS))
@click.option("--all", "all_", is_flag=True, help="Print the documentation of all targets as Markdown.")
@click.option("--present", is_flag=True, help="Print the names of the clients that have files here, one per line.")
def command(names: Sequence[str], all_: bool, present: bool) -> None:
    """List the supported clients, with the path of their files, the version that was looked at, and what they get.

    With a NAME, print all about this client: what is supported, and what is lost. The path of its files is then the
    one that the settings of the kit say. A client is `docs only` if nobody has run it or read its code.

    With --present, a client counts if the working directory, or a folder around it in the repository, has a folder or
    file that is only this client's, such as `.cursor`, and that git does not ignore. `AGENTS.md` and `.agents` are for
    many.
    """
    if bool(names) + all_ + present > 1:
        raise click.UsageError("a NAME, --all and --present exclude each other")
    if all_:
        write(docs.page())
    elif present:
        found = present_clients(working_directory())
        write("".join(f"{name}\n" for name in found), _next_step(found))
    elif names:
        output_of, problem = _outputs()
        rows = [TARGETS[name] for name in dict.fromkeys(names)]
        write("\n".join(_text(row, docs.facts(row, output_of(row))) for row in rows), problem)
    else:
        write(target_table.table(TARGETS.values(), console.columns(), console.colours()[0]))


def _next_step(found: Sequence[str]) -> str:
    """Return what to do with the names of the clients that were found, as a line for people."""
    if not found:
        return "no client has files of its own here\n"
    try:
        kit = kit_if_any(None)
    except AssembleError:  # settings with errors name nothing
        return "next: name them in the setting `targets`\n"
    if kit is None:
        return "next: to create a kit whose settings name them, run: assemble init\n"
    file = kit.settings_source.file if kit.settings_source else SETTINGS_FILE
    missing = [name for name in found if name not in kit.settings.targets]
    if not missing:
        return "the setting `targets` of this kit names all of them\n"
    named = json.dumps([*kit.settings_table.get("targets", kit.settings.targets), *missing])
    return f"next: to generate files for all of them, set in {file}: targets = {named}\n"


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
