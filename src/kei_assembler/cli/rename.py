"""`assemble rename`: give an agent, a block, a bundle or a value another name."""

from __future__ import annotations

import click

from kei_assembler.cli import completion, console, drafts
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import kit_option, user_option
from kei_assembler.loader import load_kit
from kei_assembler.markdown import shell
from kei_assembler.repair.rename import Renaming, rename
from kei_assembler.report import text_report
from kei_assembler.selection import folder_of
from kei_assembler.suggestions import counted


@click.command("rename")
@click.argument("old", shell_complete=completion.names)
@click.argument("new")
@click.option("--prose", is_flag=True, help="Also change mentions of OLD in backticks in texts.")
@click.option("--dry-run", is_flag=True, help="Write nothing; print what would change, with a diff of the sources.")
@user_option
@kit_option
def command(old: str, new: str, folder: str | None, **options: bool) -> None:
    """Give an agent, a block, a bundle or a value another name.

    The manifest, and all that refers to it, gets the new name. Files are moved, those that git tracks in git's index,
    too. Generated files follow, and nothing else in them changes.

    OLD is the name of an agent, instructions/NAME, skills/NAME, block:NAME, bundle:NAME or value:NAME.

    \b
    Examples:
      assemble rename critic reviewer
      assemble rename --dry-run block:honesty candour
      assemble rename --prose value:PROJECT PRODUCT
    """
    is_dry = options["dry_run"]
    kit = load_kit(folder_of(folder), for_user=options["for_user"])
    renaming = rename(kit, old, new, options["prose"])
    if not is_dry:
        renaming.draft.write()
    on_out, on_err = console.colours()
    diff = drafts.diff(renaming.sources, on_out) if is_dry else ""
    write(drafts.lines(renaming.draft, is_dry) + diff, _notes(renaming, is_dry, on_err))


def _notes(renaming: Renaming, is_dry: bool, colours: bool) -> str:
    old, new, draft = renaming.old, renaming.new, renaming.draft
    kit = draft.kit
    options = kit.command_options if kit.for_user else ""
    parts = [text_report.diagnostics(renaming.found, colours)]
    parts.append(drafts.mentioned(draft, renaming.mentions))
    if count := len(renaming.mentions):
        verb, run = "would stay" if is_dry else "left", f"assemble rename --prose{options}"
        run = f"{run} {shell.word(old.label)} {shell.word(new.name)}"
        them = "it" if count == 1 else "them"
        parts.append(f"{counted(count, 'mention')} of `{old.name}` in backticks {verb}; to change {them}, run: {run}\n")
    if count := len(renaming.left):
        are, them = ("is", "it") if count == 1 else ("are", "them")
        what = f"{counted(count, 'generated file')} {are} out of date, as before"
        parts.append(f"{what}; to update {them}, run: assemble --all{options}\n")
    verb = "would become" if is_dry else "is now"
    parts.append(f"`{old.label}` {verb} `{new.label}`: {drafts.counts(draft, is_dry)}\n")
    return "".join(parts)
