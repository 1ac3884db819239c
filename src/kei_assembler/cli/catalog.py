"""`assemble catalog`: write a site about a kit."""

from __future__ import annotations

import os

import click

from kei_assembler.analysis.agents import survey
from kei_assembler.analysis.catalog import catalog
from kei_assembler.analysis.impact.comparison import compare
from kei_assembler.analysis.impact.results import WORK_TREE
from kei_assembler.analysis.impact.states import kit_at
from kei_assembler.build.site_files import Site, site_folder, write_site
from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import home_option, kit_option
from kei_assembler.loader import load_kit
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.paths import display_path
from kei_assembler.report.text_report import diagnostics, escaped
from kei_assembler.selection import folder_of, working_directory
from kei_assembler.suggestions import counted


@click.command("catalog")
@click.argument("site", metavar="DIR", shell_complete=completion.folders)
@click.option("--since", metavar="REV", help="Add a page about the impact of what has changed since this commit.")
@home_option
@kit_option
def command(site: str, since: str | None, for_user: bool, folder: str | None) -> int:
    """Write a site with the agents, blocks and handoffs of the kit.

    It has a page for each agent, each block, and each of the instructions and skills, the graph of the handoffs, a
    matrix of agents and blocks, and a search. It needs no server: open its index.html, whose path is printed, in a
    browser. It loads nothing from elsewhere.

    DIR is a new or an empty folder, or one with an earlier catalog. Then its pages are updated, and those that are gone
    are deleted. A file that this command did not write, or that someone has edited, is never overwritten or deleted.
    Agents with errors are left out: the errors go to stderr, and the exit status is 1.

    \b
    Examples:
      assemble catalog site                 write it to site/
      assemble catalog --kit team ../site   for another kit
      assemble catalog --since main site    with the impact
    """
    path = os.path.normpath(os.path.join(working_directory(), site))
    kit = load_kit(folder_of(folder), for_user=for_user)
    real = site_folder(kit, path)
    found = survey(kit)
    impact = None if since is None else compare(kit_at(kit.folder, since), kit, since, WORK_TREE)
    done = write_site(real, catalog(kit, found, impact))
    name = shown(display_path(path))
    _, on_err = console.colours()
    write(escaped(f"{name}/index.html\n"), diagnostics(found.errors, on_err) + escaped(_summary(done, name)))
    return int(bool(found.errors))


def _summary(done: Site, name: str) -> str:
    written = done.created + done.updated
    number = f"{'' if written == done.total else f'{written:,} of '}{counted(done.total, 'file')}"
    deleted = f", deleted {done.deleted:,}" if done.deleted else ""
    kept = "".join(f"kept {name}/{path}, which was edited\n" for path in done.edited)
    if not written and not deleted:
        return f"{kept}{name} is up to date: {counted(done.total, 'file')}\n"
    return f"{kept}wrote {number} to {name}{deleted}\n"
