"""`assemble import`: convert existing agent files to manifests."""

from __future__ import annotations

from collections.abc import Sequence

import click

from kei_assembler.build.result import Request, RunResult
from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import OneOf, kit_option
from kei_assembler.importing.run import ImportOptions, import_files
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.model.kinds import AGENT, KINDS
from kei_assembler.report import text_report
from kei_assembler.suggestions import numbers
from kei_assembler.targets import COPILOT, DEFAULT_TARGET, TARGETS

_EXAMPLE = COPILOT.default_path.partition("/{name}")[0]
_FROM_HELP = (
    f"The client that the files are for. By default it depends on their paths, such as {_EXAMPLE}, and otherwise it is "
    f"{TARGETS[DEFAULT_TARGET].label}."
)


_REMOVE_OLD_HELP = (
    "Delete imported files whose agents get files with other names, after generating these, and replace the text of "
    "imported instructions with the generated section. A file that says more than its manifest is kept."
)
_METADATA_HELP = (
    "Keep keys that no client knows, such as `category`, in the manifests: the settings of a new kit declare them in "
    "`extra-keys`. An existing kit keeps those that it declares, also without this option."
)


@click.command("import")
@click.argument("sources", nargs=-1, required=True, metavar="FILE-OR-FOLDER...", shell_complete=completion.files)
@click.option("--from", "target", type=OneOf(TARGETS), metavar="TARGET", help=_FROM_HELP)
@click.option("--share", is_flag=True, help="Move sections that several files have word for word to blocks.")
@click.option("--keep-metadata", is_flag=True, help=_METADATA_HELP)
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be written.")
@click.option("--remove-old", is_flag=True, help=_REMOVE_OLD_HELP)
@kit_option
def command(sources: Sequence[str], target: str | None, folder: str | None, **options: bool) -> int:
    """Convert existing agent files to manifests. No existing file is overwritten.

    In a folder, it looks for the folders of all clients. The files of an agent for several clients become one manifest.

    A file with instructions, such as AGENTS.md, becomes a manifest with a block for each section. It has to be named.
    """
    imported = import_files(sources, target, folder, ImportOptions(**options))
    result = RunResult(Request(imported.counts.get(AGENT, 0)), tuple(imported.found))
    what = numbers((imported.counts.get(kind, 0), kind.noun) for kind in KINDS.values())
    merged = f" from {imported.sources:,} files" if imported.sources > imported.counts.get(AGENT, 0) else ""
    known = f": {imported.known:,} already imported" if imported.known else ""
    summary = filter(None, (f"{what}{merged}{known}", text_report.tally(result.diagnostics)))
    following = "".join(f"{step}\n" for step in imported.next_steps)
    files = "".join(f"{status} {shown(path)}\n" for status, path in imported.files)
    colours = console.colours()[1]
    findings = text_report.diagnostics(result.diagnostics, colours)
    diffs = text_report.escaped("".join(imported.diffs), colours)
    write(files, f"{findings}{diffs}{'; '.join(summary)}\n{following}")
    return result.status
