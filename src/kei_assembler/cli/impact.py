"""`assemble impact`: show which agents a change affects, and why."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import click

from kei_assembler.analysis.impact import gates
from kei_assembler.analysis.impact.comparison import compare
from kei_assembler.analysis.impact.data import as_data
from kei_assembler.analysis.impact.results import DELETED, WORK_TREE, Impact
from kei_assembler.analysis.impact.states import kit_at
from kei_assembler.analysis.impact.text import as_text
from kei_assembler.build.result import Request, RunResult
from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import NEEDS_RECURSIVE, OneOf, exclude_option, home_option, kit_option, several
from kei_assembler.cli.recursive import found_kits
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files.git_tree import tree_at
from kei_assembler.files.revisions import default_base, revision
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import LoadedKit, discovery
from kei_assembler.loader import load_kit
from kei_assembler.paths import display_path
from kei_assembler.report import headings
from kei_assembler.report.places import Places
from kei_assembler.report.text_report import diagnostics, escaped
from kei_assembler.selection import folder_of, working_directory

_FORMATS = ("text", "markdown", "json", "github")


@click.command("impact")
@click.option("--since", metavar="REV", help="Compare with this commit (default: HEAD, or the base of a pull request).")
@click.option("--until", metavar="REV", help="Look at this commit instead of the work tree.")
@click.option("--names", is_flag=True, help="Print only the names of the affected agents, one per line.")
@several("--fail-on", "GATES", f"Exit with status 1 if the change does any of these: {gates.EXAMPLE}", completion.gates)
@click.option("--output-format", type=OneOf(_FORMATS), default="text", help="The format (default: text).")
@click.option(
    "--recursive", is_flag=True, help="Look at every kit in the working directory, or in --kit, and below it."
)
@exclude_option
@home_option
@kit_option
def command(folder: str | None, **options: Any) -> int:
    """Show which agents a change affects, and why.

    The change is everything that differs between a commit and the work tree, committed or not, or between two commits.
    A block, a manifest, a base, a bundle, a value, a setting or a template that changed is a cause. For each cause, you
    see the change, the agents and clients it affects, and about how many tokens it adds. What agents may do comes
    first. Instructions and skills follow the agents, as `instructions/NAME` and `skills/NAME`. Generated files need not
    be up to date or committed, since both ends are built in memory.

    In CI, for a pull request, `--since` defaults to the merge base with its base.

    The gates of `--fail-on` are `rights` and `tools`, for gains in any client, `tokens=+10%` or `tokens=+200`, for each
    agent, and `agents=20`. Deleted agents are not in `--names`. If an agent has errors, they go to stderr, and the exit
    status is 1.

    \b
    Examples:
      assemble impact              what my edits do
      assemble impact --names      the agents to test
      assemble impact --since main --fail-on rights,tools
      assemble impact --since v1 --until v2
    """
    _refuse_contradictions(options)
    wanted = [gate for text in options["fail_on"] for gate in gates.parse(text)]
    since = default_base(working_directory()) if options["since"] is None else options["since"]
    impacts = [(each, _impact(each, since, options)) for each in _folders(folder, since, options)]
    failures = [failure for _, impact in impacts for failure in gates.failures(impact, wanted)]
    write(_formatted(impacts, options), _messages([impact for _, impact in impacts], failures))
    return int(bool(failures) or any(impact.errors for _, impact in impacts))


def _refuse_contradictions(options: Mapping[str, Any]) -> None:
    output_format = options["output_format"]
    for contradicts, message in (
        (options["names"] and output_format != "text", "--names cannot be used with --output-format"),
        (options["exclude"] and not options["recursive"], NEEDS_RECURSIVE),
        (
            options["recursive"] and output_format == "json",
            "--recursive cannot be used with --output-format json; name a kit with --kit",
        ),
    ):
        if contradicts:
            raise click.UsageError(message)


def _folders(folder: str | None, since: str, options: Mapping[str, Any]) -> list[str]:
    if not options["recursive"]:
        return [_folder(folder, [since] if options["until"] is None else [since, options["until"]])]
    kits, _ = found_kits(folder, options["exclude"])
    for error in (error for _, error in kits if error):
        raise error
    return [found for found, _ in kits]


def _impact(folder: str, since: str, options: Mapping[str, Any]) -> Impact:
    until = options["until"]
    before = kit_at(folder, since)
    after = _kit_in(folder, options["for_user"]) if until is None else kit_at(folder, until)
    return compare(before, after, since, WORK_TREE if until is None else until)


def _formatted(impacts: Sequence[tuple[str, Impact]], options: Mapping[str, Any]) -> str:
    if options["names"]:
        affected = (item.named.label for _, impact in impacts for item in impact.items if item.status != DELETED)
        return "".join(map("{}\n".format, affected))
    named = [(display_path(folder) if len(impacts) > 1 else "", impact) for folder, impact in impacts]
    match options["output_format"]:
        case "json":
            return "".join(as_data(impact) for _, impact in impacts)
        case "markdown":
            from kei_assembler.analysis.impact.page import as_markdown

            return as_markdown(named)
        case "github":
            from kei_assembler.analysis.impact.annotations import as_annotations

            results = {folder: RunResult(Request(folder=folder)) for folder, _ in impacts}
            places = Places([*results.values()], "GITHUB_WORKSPACE")
            return as_annotations([(partial(places.path, results[folder]), impact) for folder, impact in impacts])
    columns, on_out = console.line_columns(), console.colours()[0]
    texts = (as_text(impact, columns, on_out) for _, impact in impacts)
    lines = (headings.heading(name, index, len(named), on_out) if name else "" for index, (name, _) in enumerate(named))
    return "".join(f"{line}{text}" for line, text in zip(lines, texts, strict=True))


def _messages(impacts: Sequence[Impact], failures: Sequence[str]) -> str:
    """The errors, the agents that could not be built before, and what a gate forbids."""
    errors = diagnostics((error for impact in impacts for error in impact.errors), console.colours()[1])
    lines = [
        *(
            f"note: {named.label} could not be built at {impact.since}, so it counts as new\n"
            for impact in impacts
            for named in impact.broken
        ),
        *(f"error: {failure} [--fail-on]\n" for failure in failures),
    ]
    return errors + escaped("".join(lines))


def _folder(folder: str | None, revisions: Sequence[str]) -> str:
    """The folder of the kit. The work tree need not have the kit any more, if one of the revisions has it."""
    try:
        return folder_of(folder)
    except AssembleError:
        start = os.path.abspath(folder or os.curdir)
        for name in revisions if git_top(start) else ():
            files = tree_at(start, revision(start, name))
            found = (start if discovery.is_kit(start, files) else None) if folder else discovery.find(start, files)
            if found:
                return found
        raise


def _kit_in(folder: str, for_user: bool) -> LoadedKit | None:
    return load_kit(folder, for_user=for_user) if discovery.is_kit(folder) else None
