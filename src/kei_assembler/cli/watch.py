"""`assemble watch`: build, and rebuild after each change."""

from __future__ import annotations

from collections.abc import Sequence

import click

from kei_assembler.cli import console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import kit_option, target_option
from kei_assembler.report import text_report
from kei_assembler.selection import folder_of
from kei_assembler.watch import builds


@click.command("watch")
@target_option
@kit_option
def command(targets: Sequence[str], folder: str | None) -> None:
    """Build all manifests, and rebuild them when a source changes. Press Ctrl-C to stop."""
    watched = folder_of(folder)
    try:
        for result in builds(watched, tuple(dict.fromkeys(targets))):
            write(*text_report.render(result.printed_with(False, console.colours())))
    except KeyboardInterrupt:
        write("", "\n")
