"""`assemble targets`: list the supported clients."""

from __future__ import annotations

from collections.abc import Sequence

import click

from kei_assembler.cli.commands import write
from kei_assembler.cli.options import OneOf
from kei_assembler.targets import TARGETS, docs


@click.command("targets")
@click.argument("names", nargs=-1, metavar="[NAME]...", type=OneOf(TARGETS))
@click.option("--all", "all_", is_flag=True, help="Print the documentation of all targets as Markdown.")
def command(names: Sequence[str], all_: bool) -> None:
    """List the supported clients, with the path of their files, what is supported, and what is lost."""
    write(docs.page() if all_ else docs.overview(names))
