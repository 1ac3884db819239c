"""`assemble why`: show where the lines of a generated file come from."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import click

from kei_assembler.build.changes import FileStatus
from kei_assembler.build.explanation import Excerpts, Explanation, Piece, explain
from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import home_option, kit_option
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.kit import LoadedKit, discovery
from kei_assembler.kit.owners import generated_at, possible_outputs
from kei_assembler.loader import load_kit
from kei_assembler.markdown import shell
from kei_assembler.paths import display_path
from kei_assembler.report import why_report
from kei_assembler.report.text_report import escaped
from kei_assembler.selection import candidates, folder_of, nearest_kit, working_directory
from kei_assembler.suggestions import counted, nearest

_LINES = re.compile(r"(?P<file>.+?)(?::(?P<first>[0-9]{1,9})(?:-(?P<last>[0-9]{1,9}))?)?", re.DOTALL)


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
    found, kit = _explained(path, folder, for_user)
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


def _explained(path: str, folder: str | None, for_user: bool) -> tuple[Explanation, LoadedKit]:
    kits = [load_kit(each, for_user=for_user) for each in _folders(path, folder)]
    for kit in kits:
        in_home = os.path.join(DISK.resolve(os.path.dirname(os.path.abspath(path))), os.path.basename(path))
        if found := generated_at(kit, (*candidates(kit.folder, path), in_home)):
            return explain(kit, found), kit
    raise _not_generated(next((kit for kit in kits if kit.manifests), kits[0]), path)


def _folders(path: str, folder: str | None) -> Iterator[str]:
    """Yield the folders of the kits that may generate a file: those around it and around the working directory."""
    if folder is not None:
        yield folder_of(folder)
        return
    start = os.path.dirname(os.path.abspath(path))
    while not DISK.is_folder(start):
        start = os.path.dirname(start)
    around, here = discovery.find(start), discovery.find(working_directory())
    yield around or here or nearest_kit(start)
    if around and here and around != here:
        yield here


def _not_generated(kit: LoadedKit, path: str) -> AssembleError:
    wanted = frozenset(candidates(kit.folder, path))
    usual = [one for one in possible_outputs(kit) if one.output.target in kit.settings.targets]
    of_manifest = [one.output.path for one in usual if one.manifest in wanted]
    known = {display_path(kit.path(one.output.path)): one.output.path for one in usual}
    match = display_path(kit.path(of_manifest[0])) if of_manifest else nearest(path, known)
    hint = f"did you mean `{match}`?" if match else "name a file that `assemble --all` writes"
    if kit.settings.is_user_level and not kit.for_user and not of_manifest:
        hint = "for a file in your home folder, use --user"
    if not DISK.exists(path):
        return AssembleError(f"`{path}` does not exist", hint)
    return AssembleError(f"`{path}` is not a file that the kit in {kit.folder} generates", hint)


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
