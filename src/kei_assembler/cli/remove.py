"""`assemble remove`: delete an agent, a block, a bundle or a value."""

from __future__ import annotations

import click

from kei_assembler.cli import completion, console, drafts
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import kit_option, user_option
from kei_assembler.loader import load_kit
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.paths import display_path
from kei_assembler.repair.remove import Removal, remove
from kei_assembler.report import text_report
from kei_assembler.selection import folder_of


@click.command("remove")
@click.argument("name", shell_complete=completion.names)
@click.option("--force", is_flag=True, help="Remove it although it is used, or a generated file was edited.")
@click.option("--dry-run", is_flag=True, help="Write nothing; print what would change, with a diff of the sources.")
@user_option
@kit_option
def command(name: str, folder: str | None, **options: bool) -> None:
    """Remove an agent, a block, a bundle or a value that nothing uses.

    The manifest and the files that were generated from it are deleted. If something still refers to NAME, nothing is
    removed, and each place is listed.

    NAME is the name of an agent, instructions/NAME, skills/NAME, block:NAME, bundle:NAME or value:NAME.

    \b
    Examples:
      assemble remove writer
      assemble remove --dry-run block:honesty
    """
    is_dry = options["dry_run"]
    kit = load_kit(folder_of(folder), for_user=options["for_user"])
    removal = remove(kit, name, options["force"])
    if not is_dry:
        removal.draft.write()
    on_out, on_err = console.colours()
    diff = drafts.diff(removal.sources, on_out) if is_dry else ""
    write(drafts.lines(removal.draft, is_dry) + diff, _notes(removal, is_dry, on_err))


def _notes(removal: Removal, is_dry: bool, colours: bool) -> str:
    kit = removal.draft.kit
    parts = [text_report.diagnostics(removal.found, colours)]
    parts += [f"{shown(f'{display_path(kit.path(use.file))}:{use.line} still {use.what}')}\n" for use in removal.uses]
    parts.append(drafts.mentioned(removal.draft, removal.mentions))
    if removal.role_file:
        parts.append(f"{shown(display_path(kit.path(removal.role_file)))} stays, and no manifest names it any more\n")
    verb = "would be removed" if is_dry else "is removed"
    parts.append(f"`{removal.name.label}` {verb}: {drafts.counts(removal.draft, is_dry)}\n")
    return "".join(parts)
