"""`assemble doctor`: report which clients are installed, and what they read of a kit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from kei_assembler.analysis.doctor import text
from kei_assembler.analysis.doctor.data import as_data
from kei_assembler.analysis.doctor.installed import Installed, installed_clients
from kei_assembler.analysis.doctor.reading import KitReading, reading_of
from kei_assembler.build.result import CANNOT_RUN, failed
from kei_assembler.cli import console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import NEEDS_RECURSIVE, OneOf, exclude_option, home_option, kit_option
from kei_assembler.cli.recursive import found_kits
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import discovery
from kei_assembler.kit.search import Found
from kei_assembler.loader import load_kit
from kei_assembler.paths import display_path
from kei_assembler.records import NamedTuple
from kei_assembler.report import headings, text_report
from kei_assembler.selection import folder_of, working_directory


@click.command("doctor")
@click.option("--no-run", is_flag=True, help="Do not run the clients, so their versions are not known.")
@click.option(
    "--recursive", is_flag=True, help="Report on every kit in the working directory, or in --kit, and below it."
)
@exclude_option
@click.option("--output-format", type=OneOf(("text", "json")), default="text", help="The format (default: text).")
@home_option
@kit_option
def command(folder: str | None, for_user: bool, recursive: bool, **options: Any) -> int:
    """Report which clients are installed, and which files of the kit they read.

    The version of an installed client is compared with the one that `assemble` was verified with. For the kit, the
    report says where each client finds agents, skills and instructions, which outputs a client does not read although
    they are for it, and which agents it finds twice. Nothing is written.

    Each client on PATH is run with --version: outside of the kit, without input, and for at most 15 seconds. A client
    that lies in the kit or its git work tree is never run.

    The exit status is 1 if a client does not read an output that is for it, or if there are errors. Versions do not
    change it. The setting `ignore` silences a code.

    \b
    Examples:
      assemble doctor
      assemble doctor --no-run       for CI: only the kit
      assemble doctor --recursive    check all kits below
    """
    if options["exclude"] and not recursive:
        raise click.UsageError(NEEDS_RECURSIVE)
    if for_user and recursive:
        raise click.UsageError(
            "--user allows one kit to name files in your home folder, so it cannot be used with --recursive"
        )
    kits = [_examined(located, for_user) for located in _located(folder, recursive, options["exclude"])]
    around = filter(None, (git_top(each) for each in (working_directory(), *(kit.folder for kit in kits))))
    projects = [*(each for kit in kits for each in (kit.folder, kit.root)), *map(DISK.resolve, around)]
    installed = installed_clients(projects, not options["no_run"])
    if options["output_format"] == "json":
        write(as_data(installed, [(display_path(kit.folder), kit.found) for kit in kits]))
    else:
        _write_text(installed, kits, recursive)
    return max((kit.status for kit in kits), default=0)


class _Examined(NamedTuple):
    """A kit: its folder, what the clients read of it, or why that is not known, and its root.

    The root is the folder if it is not known, or if it was allowed to be the home folder, where the user's clients are.
    """

    folder: str
    found: KitReading | AssembleError
    root: str

    @property
    def status(self) -> int:
        """The exit status of a report on this kit alone."""
        return CANNOT_RUN if isinstance(self.found, AssembleError) else int(not self.found.is_healthy)


def _located(folder: str | None, recursive: bool, exclude: Sequence[str]) -> Iterator[Found]:
    """Yield the kits that the command line means. There need not be one here."""
    if recursive:
        yield from found_kits(folder, exclude)[0]
    elif located := discovery.find(working_directory()) if folder is None else folder_of(folder):
        yield Found(located)


def _examined(located: Found, for_user: bool) -> _Examined:
    root = located.folder
    try:
        if located.error:
            raise located.error
        kit = load_kit(located.folder, for_user=for_user)
        root = root if for_user else kit.root
        return _Examined(located.folder, reading_of(kit), root)
    except AssembleError as error:
        return _Examined(located.folder, error, root)


def _write_text(installed: Sequence[Installed], kits: Sequence[_Examined], recursive: bool) -> None:
    columns, (on_out, on_err) = console.columns(), console.colours()
    write(text.clients(installed, columns, on_out), "" if kits else _NO_KIT)
    for number, kit in enumerate(kits):
        path = display_path(kit.folder) if recursive else ""
        heading = headings.heading(path, number, len(kits), on_out) if path else ""
        if isinstance(kit.found, AssembleError):
            failure = failed(kit.found).headed(path).printed_with(False, (on_out, on_err))
            write(heading, text_report.render(failure)[1])
        else:
            write(heading + text.reading(kit.found, installed, columns, on_out) + text.summary(kit.found))


_NO_KIT = "note: there is no kit here; to create one, run: assemble init\n"
