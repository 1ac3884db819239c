"""`assemble watch`: build, and rebuild after each change."""

from __future__ import annotations

from collections.abc import Sequence

import click

from kei_assembler.build.result import RunResult
from kei_assembler.cli import console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import kit_option, target_option, user_option
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.report.watch_report import WatchReport
from kei_assembler.selection import folder_of
from kei_assembler.suggestions import counted
from kei_assembler.watch import builds


@click.command("watch")
@click.option("--quiet", "-q", is_flag=True, help="Print only findings and the summary, not the files that changed.")
@target_option
@user_option
@kit_option
def command(targets: Sequence[str], folder: str | None, quiet: bool, for_user: bool) -> None:
    """Build all manifests, and rebuild them when a source changes. Press Ctrl-C to stop.

    After the first build, a finding is only printed if it is new. The others are counted.
    """
    watched, report = folder_of(folder), WatchReport()
    try:
        for number, result in enumerate(builds(watched, tuple(dict.fromkeys(targets)), for_user)):
            write(*report.render(result.printed_with(quiet, console.colours())))
            if number == 0:
                write("", _what(result, watched))
    except KeyboardInterrupt:
        write("", "\n")


def _what(result: RunResult, folder: str) -> str:
    agents = "" if result.failure else f"{counted(result.request.agents, 'agent')} in "
    return f"watching {agents}{shown(folder)}; press Ctrl-C to stop\n"
