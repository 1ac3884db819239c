"""`assemble init`: create a kit."""

from __future__ import annotations

from itertools import chain

import click

from kei_assembler import scaffold
from kei_assembler.build.run import RunOptions, run
from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import write
from kei_assembler.kit import discovery, kit_option
from kei_assembler.loader import load_kit
from kei_assembler.paths import display_path
from kei_assembler.report import text_report
from kei_assembler.scaffold import guard
from kei_assembler.scaffold.clients import present_clients
from kei_assembler.selection import kit_option_value
from kei_assembler.suggestions import listed

_NEXT = "next: edit the manifest, or create another with `assemble new NAME{kit}`, then run: assemble --all{kit}\n"

_FOUND = "the setting `targets` names the clients that had files here: {targets}\n"

_NEXT_IN_KIT = """\
this folder is already a kit, so {done}
next: create another agent with `assemble new NAME{kit}`, then run: assemble --all{user}{kit}
"""


@click.command("init")
@click.argument("folder", metavar="[DIR]", required=False, shell_complete=completion.folders)
@click.option("--guard", "with_guard", is_flag=True, help="Also guard the generated files against edits.")
def command(folder: str | None, with_guard: bool) -> int:
    """Create a kit: settings, an agent, a shared block, and checks for git and CI. Existing files are not overwritten.

    The settings name the clients that have files here, in the folder or in one around it, such as `.cursor`, and that
    git does not ignore. Without any, they name Claude Code.

    In a folder that is already a kit, for example after an import, only add the checks (a pre-commit hook, a workflow,
    and lines for git and Prettier) and, if the kit has none, schemas for editors. Its manifests then start with a line
    that names the schema. If its settings say that generated files are not committed, the checks build them, and git
    ignores them.

    With --guard, also add a hook to `.claude/settings.json`, so that an agent of Claude Code that edits a generated
    file is told which sources to edit, and add the generated files to `files.readonlyInclude` in
    `.vscode/settings.json`. Everything else in these files stays as it is.

    \b
    Examples:
      assemble init
      assemble init --guard
    """
    path = scaffold.kit_folder(folder)
    if with_guard:
        guard.check(path)
    is_kit = discovery.is_kit(path)
    is_changed = False
    found = () if is_kit else present_clients(path)
    for line in chain(scaffold.create_kit(path, found), guard.add(path) if with_guard else ()):
        write(line)
        is_changed |= not line.startswith("kept ")
    option = kit_option(kit_option_value(path))
    if is_kit:
        settings = load_kit(path).settings
        what = "only schemas" if settings.is_user_level else "only checks and schemas"
        guards = ", and a guard of generated files," if with_guard else ""
        done = f"{what} for editors{guards} were added" if is_changed else "nothing was added"
        write("", _NEXT_IN_KIT.format(done=done, kit=option, user=settings.command_option))
        return 0
    kit = load_kit(path)
    result = run(kit, kit.manifests, True, RunOptions())
    changes = tuple(change._replace(path=display_path(kit.path(change.path))) for change in result.changes)
    out, err = text_report.render(result._replace(changes=changes).printed_with(False, console.colours()))
    about = _FOUND.format(targets=listed(found)) if found else ""
    write(out, err + about + ("" if result.status else _NEXT.format(kit=option)))
    return result.status
