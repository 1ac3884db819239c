"""`assemble show`: show what one agent is made of, or instructions."""

from __future__ import annotations

import click

from kei_assembler.analysis.agents import survey
from kei_assembler.analysis.portrait import portrait
from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import home_option, kit_option
from kei_assembler.loader import load_kit
from kei_assembler.report.text_report import diagnostics
from kei_assembler.selection import file_of_item, folder_of


@click.command("show")
@click.argument("name", metavar="NAME", shell_complete=completion.items)
@home_option
@kit_option
def command(name: str, for_user: bool, folder: str | None) -> int:
    """Show what an agent is made of, and what it may do in each client, or what instructions or a skill are made of.

    NAME is a name, a manifest or a generated file. If manifests of different kinds have the same name, put the folder
    before it: `agents/NAME`, `instructions/NAME` or `skills/NAME`. The parts are listed in the order of the file, with
    about how many tokens they have and where they are written. A tool has the name that the client uses: `all` means
    that there is no limit, `-` that the agent lacks the tool, and `own` that `[target.NAME]` in the manifest decides.
    Nothing is written. If there are errors, they go to stderr, and the exit status is 1.

    \b
    Examples:
      assemble show critic
      assemble show .claude/agents/critic.md
      assemble show instructions/house
    """
    kit = load_kit(folder_of(folder), for_user=for_user)
    found = survey(kit, [file_of_item(kit, name)])
    on_out, on_err = console.colours()
    texts = (portrait(kit, item, console.line_columns(), on_out) for item in found.items)
    write("".join(texts), diagnostics(found.errors, on_err))
    return int(bool(found.errors))
