"""`assemble import`: manifests from agent files that are there already."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from kei_assembler.commands import completing, tell
from kei_assembler.commands.options import OneOf, kit_option
from kei_assembler.importing.run import ImportResult, import_agents
from kei_assembler.plan.result import Request, RunResult
from kei_assembler.report import as_text
from kei_assembler.targets import COPILOT, DEFAULT_TARGET, TARGETS
from kei_assembler.text.hidden import shown

_EXAMPLE = COPILOT.default_path.partition("/{name}")[0]
_FROM_HELP = (
    f"The AI tool that the files are for; else their paths tell, as {_EXAMPLE}, "
    f"or it is {TARGETS[DEFAULT_TARGET].label}."
)


@click.command("import")
@click.argument("sources", nargs=-1, required=True, metavar="FILE-OR-FOLDER...", shell_complete=completing.files)
@click.option("--from", "target", type=OneOf(TARGETS), metavar="TARGET", help=_FROM_HELP)
@click.option("--share", is_flag=True, help="Make blocks of the sections that several files have word for word.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be written.")
@kit_option
def command(sources: Sequence[str], target: str | None, share: bool, dry_run: bool, folder: str | None) -> int:
    """Make manifests of agent files that are there already. Nothing that is there is overwritten."""
    imported = import_agents(sources, target, share, dry_run, folder)
    result = RunResult(Request(imported.agents), tuple(imported.found))
    tell(sys.stdout, "".join(f"{word} {shown(path)}\n" for word, path in imported.made))
    tell(sys.stderr, as_text.diagnostics(result.diagnostics) + _closing(imported, result))
    return result.status


def _closing(imported: ImportResult, result: RunResult) -> str:
    agents, found = as_text.counted(result.request.agents, "agent"), as_text.tally(result.diagnostics)
    counts = "; ".join(filter(None, (agents, found)))
    following = f"next: look at the manifests, then run: {imported.build}\n" if imported.build else ""
    return f"{counts}\n{following}"
