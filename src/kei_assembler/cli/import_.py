"""`assemble import`: convert existing agent files to manifests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from kei_assembler.build.result import Request, RunResult
from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import OneOf, OptionalValues, kit_option
from kei_assembler.importing.run import ImportOptions, import_files
from kei_assembler.importing.sharing.split import MIN_USERS
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


_REPLACE_HELP = (
    "Delete imported files whose agents get files with other names, after generating these, and replace the text of "
    "imported instructions with the generated section. A file that says more than its manifest is kept."
)
_UPDATE_HELP = "Take what changed in files that were imported before. Your changes of the manifests stay."
_PREFER_HELP = "Where you and a file changed the same part, keep yours, or take that of the file. Implies `--update`."
_SHARE_HELP = (
    "Move sections that several agents have word for word to blocks. With `=near`, those that are almost the same "
    "become one block, too."
)
_SHARE_MIN_HELP = f"How many agents must have a section that becomes a block (default: {MIN_USERS}). Implies `--share`."
_METADATA_HELP = (
    "Keep keys that no client knows, such as `category`, in the manifests: the settings of a new kit declare them in "
    "`extra-keys`. An existing kit keeps those that it declares, also without this option."
)


@click.command("import", cls=OptionalValues, defaults={"--share": "exact"})
@click.argument("sources", nargs=-1, required=True, metavar="FILE-OR-FOLDER...", shell_complete=completion.files)
@click.option("--from", "target", type=OneOf(TARGETS), metavar="TARGET", help=_FROM_HELP)
@click.option("--share", type=OneOf(("exact", "near")), metavar="[=near]", help=_SHARE_HELP)
@click.option("--share-min", type=click.IntRange(2), metavar="N", help=_SHARE_MIN_HELP)
@click.option("--keep-metadata", is_flag=True, help=_METADATA_HELP)
@click.option("--dry-run", is_flag=True, help="Write nothing; show what would be written.")
@click.option("--replace", is_flag=True, help=_REPLACE_HELP)
@click.option("--update", is_flag=True, help=_UPDATE_HELP)
@click.option("--prefer", type=OneOf(("mine", "upstream")), help=_PREFER_HELP)
@kit_option
def command(
    sources: Sequence[str],
    target: str | None,
    folder: str | None,
    share: str | None,
    share_min: int | None,
    **options: Any,
) -> int:
    """Convert existing agent files to manifests. Without --update and --replace, no existing file changes.

    In a folder, it looks for the folders of all clients. The files of an agent for several clients become one manifest.

    A file with instructions, such as AGENTS.md, becomes a manifest with a block for each section. It has to be named.
    """
    options["update"] |= bool(options["prefer"])
    options |= {"share": share or ("exact" if share_min else ""), "share_min": share_min or MIN_USERS}
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
    write(files, f"{findings}{diffs}{imported.sharing}{'; '.join(summary)}\n{following}")
    return result.status
