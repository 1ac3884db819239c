"""`assemble gitignore`: print the lines that make git ignore the generated files of a kit."""

from __future__ import annotations

import click

from kei_assembler.build.ignore_lines import ignore_lines
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import kit_option
from kei_assembler.loader import load_kit
from kei_assembler.selection import folder_of


@click.command("gitignore")
@kit_option
def command(folder: str | None) -> None:
    """Print the lines for `.gitignore` that match the generated files.

    They are for the file at the top of the git work tree, for a kit with `commit-outputs = false`.

    \b
    Example:
      assemble gitignore >> .gitignore
    """
    write("".join(f"{line}\n" for line in ignore_lines(load_kit(folder_of(folder)))))
