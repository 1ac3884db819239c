"""`assemble watch`: build, and rebuild after each change."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from kei_assembler.cli.commands import tell
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
            for stream, text in zip((sys.stdout, sys.stderr), text_report.render(result), strict=True):
                tell(stream, text)
    except KeyboardInterrupt:
        tell(sys.stderr, "\n")
