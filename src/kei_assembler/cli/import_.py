"""`assemble import`: manifests from agent files that are there already."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from kei_assembler.build.result import Request, RunResult
from kei_assembler.cli import completion
from kei_assembler.cli.commands import tell
from kei_assembler.cli.options import OneOf, kit_option
from kei_assembler.importing.run import ImportResult, import_agents
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.report import text_report
from kei_assembler.targets import COPILOT, DEFAULT_TARGET, TARGETS

_EXAMPLE = COPILOT.default_path.partition("/{name}")[0]
_FROM_HELP = (
    f"The AI tool that the files are for; else their paths tell, as {_EXAMPLE}, "
    f"or it is {TARGETS[DEFAULT_TARGET].label}."
)


@click.command("import")
@click.argument("sources", nargs=-1, required=True, metavar="FILE-OR-FOLDER...", shell_complete=completion.files)
@click.option("--from", "target", type=OneOf(TARGETS), metavar="TARGET", help=_FROM_HELP)
@click.option("--share", is_flag=True, help="Make blocks of the sections that several files have word for word.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be written.")
@kit_option
def command(sources: Sequence[str], target: str | None, share: bool, dry_run: bool, folder: str | None) -> int:
    """Make manifests of agent files that are there already. Nothing that is there is overwritten."""
    imported = import_agents(sources, target, share, dry_run, folder)
    result = RunResult(Request(imported.agents), tuple(imported.found))
    tell(sys.stdout, "".join(f"{word} {shown(path)}\n" for word, path in imported.made))
    tell(sys.stderr, text_report.diagnostics(result.diagnostics) + _closing(imported, result))
    return result.status


def _closing(imported: ImportResult, result: RunResult) -> str:
    agents, found = text_report.counted(result.request.agents, "agent"), text_report.tally(result.diagnostics)
    counts = "; ".join(filter(None, (agents, found)))
    following = f"next: look at the manifests, then run: {imported.build}\n" if imported.build else ""
    return f"{counts}\n{following}"
