"""`assemble why`: show where the lines of a generated file come from."""

from __future__ import annotations

import re

import click

from kei_assembler import lazy_re
from kei_assembler.build.changes import FileStatus
from kei_assembler.build.explanation import Excerpts, Explanation, Piece, explain
from kei_assembler.cli import completion, console, generated
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import home_option, kit_option
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown import shell
from kei_assembler.paths import display_path
from kei_assembler.report import why_report
from kei_assembler.report.text_report import escaped
from kei_assembler.selection import working_directory
from kei_assembler.suggestions import counted

_LINES = lazy_re.compile(r"(?P<file>.+?)(?::(?P<first>[0-9]{1,9})(?:-(?P<last>[0-9]{1,9}))?)?", re.DOTALL)


@click.command("why")
@click.argument("place", metavar="FILE[:LINE[-LINE]]", shell_complete=completion.files)
@click.option(
    "--git", "with_git", is_flag=True, help="With LINE, also show who last changed each source line, and when."
)
@home_option
@kit_option
def command(place: str, with_git: bool, for_user: bool, folder: str | None) -> None:
    """Show where the lines of a generated file come from.

    Without LINE, list which lines come from which source. With it, show the source of each line, and what includes it:
    an entry of a list, a bundle, a base. In a file with generated sections, such as AGENTS.md, all other lines are
    handwritten.

    \b
    Examples:
      assemble why .claude/agents/critic.md
      assemble why .claude/agents/critic.md:12
      assemble why AGENTS.md
      assemble why --git .claude/agents/critic.md:12-14
    """
    working_directory()
    path, first, last = _parsed(place)
    if with_git and not first:
        raise click.UsageError("--git needs a line, as in `FILE:12`")
    kit, made = generated.at(path, folder, for_user)
    found = explain(kit, made)
    size = len(found.lines)
    if last > size:
        raise AssembleError(f"`{path}` has no line {last}", f"it has {counted(size, 'line')}")
    shown = found._replace(path=display_path(kit.path(found.path)))
    columns, note = console.columns(), _note(shown, kit)
    if not first:
        write(why_report.table(shown, columns), note)
        return
    excerpts, numbers = Excerpts(kit), range(first, last + 1)
    parts = [part for number in numbers for part in found.lines[number - 1].parts] if with_git else []
    commits = excerpts.commits(parts) if with_git else None
    write(why_report.details(shown, excerpts, numbers, columns, commits), note)


def _parsed(place: str) -> tuple[str, int, int]:
    """Return the path, the first and the last line of an argument. The lines are 0 if it names none.

    Raises:
        click.UsageError: the range is empty.
    """
    match = _LINES.fullmatch(place)
    if match is None or match["first"] is None or DISK.exists(place):
        return place, 0, 0
    first = int(match["first"])
    last = int(match["last"] or first)
    if not 0 < first <= last:
        raise click.UsageError("lines count from 1, and a range starts with the smaller number, as in `FILE:12-14`")
    return match["file"], first, last


def _note(found: Explanation, kit: LoadedKit) -> str:
    """The messages that parts of a file differ from what would be generated."""
    return escaped("".join(_note_about(piece, found.path, kit) for piece in found.pieces))


def _note_about(piece: Piece, path: str, kit: LoadedKit) -> str:
    options, manifest = kit.command_options, shell.word(piece.manifest) if piece.manifest else "--all"
    notes = {
        FileStatus.EDITED: f"was edited; to see how, run: assemble{options} --diff {manifest}",
        FileStatus.UPDATE: f"is out of date; to update it, run: assemble{options} {manifest}",
        FileStatus.CREATE: f"has not been generated yet; run: assemble{options} {manifest}",
        FileStatus.FOREIGN: f"was not generated from `{piece.manifest}`; to see what would be generated instead, "
        f"run: assemble{options} --diff {manifest}",
    }
    what = f"section `{piece.section}` of `{path}`" if piece.section else f"`{path}`"
    return f"note: {what} {notes[piece.status]}\n" if piece.status in notes else ""
