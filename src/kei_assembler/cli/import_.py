"""`assemble import`: convert existing agent files to manifests."""

from __future__ import annotations

from collections.abc import Sequence

import click

from kei_assembler.build.result import Request, RunResult
from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import OneOf, kit_option
from kei_assembler.importing.run import import_agents
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.report import text_report
from kei_assembler.suggestions import counted
from kei_assembler.targets import COPILOT, DEFAULT_TARGET, TARGETS

_EXAMPLE = COPILOT.default_path.partition("/{name}")[0]
_FROM_HELP = (
    f"The client that the files are for. By default it depends on their paths, such as {_EXAMPLE}, and otherwise it is "
    f"{TARGETS[DEFAULT_TARGET].label}."
)


@click.command("import")
@click.argument("sources", nargs=-1, required=True, metavar="FILE-OR-FOLDER...", shell_complete=completion.files)
@click.option("--from", "target", type=OneOf(TARGETS), metavar="TARGET", help=_FROM_HELP)
@click.option("--share", is_flag=True, help="Move sections that several files have word for word to blocks.")
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be written.")
@kit_option
def command(sources: Sequence[str], target: str | None, share: bool, dry_run: bool, folder: str | None) -> int:
    """Convert existing agent files to manifests. No existing file is overwritten."""
    imported = import_agents(sources, target, share, dry_run, folder)
    result = RunResult(Request(imported.agents), tuple(imported.found))
    summary = filter(None, (counted(imported.agents, "agent"), text_report.tally(result.diagnostics)))
    following = f"next: review the manifests, then run: {imported.build}\n" if imported.build else ""
    files = "".join(f"{status} {shown(path)}\n" for status, path in imported.files)
    findings = text_report.diagnostics(result.diagnostics, console.colours()[1])
    write(files, f"{findings}{'; '.join(summary)}\n{following}")
    return result.status
