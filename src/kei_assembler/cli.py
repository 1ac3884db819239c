"""The command `assemble`: parses, calls, reports, exits."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import NoReturn

import click

from kei_assembler import __version__, discovery, report
from kei_assembler.build import Plan, blocked, make_plan
from kei_assembler.diagnostics import AssembleError, Diagnostic, Severity, nearest
from kei_assembler.disk import Disk
from kei_assembler.kit import Kit
from kei_assembler.plan import Kind

CLEAN, FINDINGS, CANNOT_RUN, INTERRUPTED = 0, 1, 2, 130

_BUILD_HELP = """Assemble agent files from their manifests.

\b
Examples:
  assemble agents/kei-critic.toml   write one agent's file
  assemble --all                    write the files of all agents
  assemble --all --check            write nothing, fail when a file is out of date
"""


class _DefaultGroup(click.Group):
    """A group whose first subcommand is meant when none is named; the group's help begins with that one's."""

    @property
    def default(self) -> click.Command:
        return next(iter(self.commands.values()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args:
            args = ["--help"]
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if args[0] not in own and args[0] not in self.commands:
            args = [self.default.name or "", *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with click.Context(self.default, info_name=ctx.info_name, parent=ctx.parent) as default:
            self.default.format_usage(default, formatter)
            self.default.format_help_text(default, formatter)
            options = [*self.default.params, *self.get_params(ctx)]
            records = [
                record
                for option in options
                if isinstance(option, click.Option) and (record := option.get_help_record(default))
            ]
        with formatter.section("Options"):
            formatter.write_dl(records)
        self.format_commands(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for name in self.commands if name != self.default.name]


@click.group(cls=_DefaultGroup)
@click.version_option(__version__, message="assemble %(version)s")
def assemble() -> None:
    """Assemble agent files; one command is one function below."""


@assemble.command("build", help=_BUILD_HELP)
@click.argument("manifests", nargs=-1, metavar="MANIFEST...")
@click.option("--all", "all_", is_flag=True, help="Take all manifests of the kit.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a file is out of date.")
@click.option("--kit", "folder", metavar="DIR", help="The kit's folder, instead of the nearest one upwards.")
def build(manifests: Sequence[str], all_: bool, check: bool, folder: str | None) -> int:
    """Write the agent files, or check them, and return the exit status."""
    if bool(manifests) == all_:
        raise click.UsageError("name the manifests to assemble, or use --all" if not all_ else _ALL_AND_SOME)
    kit = _kit_of(manifests, folder)
    files = kit.manifests if all_ else _files(kit, manifests)
    plan = make_plan(kit, files, whole=all_)
    return _report_check(plan, files) if check else _write(kit, plan, files)


_ALL_AND_SOME = "--all takes all manifests; name some of them, or use it alone"


def _kit_of(manifests: Sequence[str], folder: str | None) -> Kit:
    if folder is not None:
        if not os.path.isdir(folder):
            raise AssembleError(
                f"there is no folder {folder}", "--kit takes the folder that holds the manifests' folder"
            )
        return discovery.load(os.path.abspath(folder))
    for manifest in manifests:
        if not os.path.lexists(manifest):
            raise _not_there(manifest)
    starts = [os.path.dirname(os.path.abspath(manifest)) for manifest in manifests] or [os.getcwd()]
    found = {discovery.find(start): start for start in starts}
    if None in found:
        raise AssembleError(f"no kit was found from {found[None]} upwards", _WHAT_IS_A_KIT)
    if len(found) > 1:
        raise click.UsageError(f"these manifests are of several kits: {', '.join(sorted(map(str, found)))}")
    return discovery.load(str(found.popitem()[0]))


_WHAT_IS_A_KIT = (
    "a kit is a folder with `assemble.toml`, a `pyproject.toml` with [tool.assemble], `_blocks` or `agents`; "
    "--kit DIR names one elsewhere"
)


def _not_there(argument: str) -> AssembleError:
    """The error for an argument that is neither a file nor a command: likely one of them, misspelt."""
    folder = discovery.find(os.getcwd())
    manifests = discovery.load(folder).manifests if folder else ()
    known = {file: file for file in manifests} | {os.path.basename(file)[:-5]: file for file in manifests}
    known |= {command: f"assemble {command}" for command in assemble.commands}
    match = nearest(argument, known)
    kind = "file" if "/" in argument or "." in argument else "file or command"
    return AssembleError(f"there is no {kind} {argument}", f"did you mean `{known[match]}`?" if match else "")


def _files(kit: Kit, manifests: Sequence[str]) -> list[str]:
    return sorted({_manifest_of(kit, manifest) for manifest in manifests})


def _manifest_of(kit: Kit, argument: str) -> str:
    """Return the kit's own name for a manifest that the command line names."""
    for path, base in ((os.path.abspath, kit.folder), (os.path.realpath, os.path.realpath(kit.folder))):
        file = os.path.relpath(path(argument), base).replace(os.sep, "/")
        if file in kit.manifests:
            return file
    raise _no_manifest(kit, argument)


def _no_manifest(kit: Kit, argument: str) -> AssembleError:
    if not os.path.lexists(argument):
        return _not_there(argument)
    if os.path.isdir(argument):
        return AssembleError(f"{argument} is a folder", "name manifests, or take all of the kit's with --all")
    sibling = f"{os.path.splitext(argument)[0]}.toml"
    if argument.endswith(".md") and os.path.isfile(sibling):
        return AssembleError(f"{argument} is no manifest, but what is made from one", f"did you mean `{sibling}`?")
    return AssembleError(
        f"{argument} is no manifest of the kit in {kit.folder}",
        f"its manifests are the .toml files in {kit.settings.manifests}/",
    )


def _report_check(plan: Plan, files: Sequence[str]) -> int:
    drift = [change for change in plan.changes if change.kind is not Kind.UNCHANGED]
    click.echo(report.changes_text(drift, report.DRIFT), nl=False)
    found = [*plan.diagnostics, *blocked(plan.changes)]
    _say(report.diagnostics_text(found))
    _say(_closing(plan, files, found, report.DRIFT))
    if drift:
        _say("to bring the files up to date, run: assemble --all")
    return FINDINGS if drift or not plan.is_sound else CLEAN


def _write(kit: Kit, plan: Plan, files: Sequence[str]) -> int:
    found = [*plan.diagnostics, *(blocked(plan.changes) if plan.is_sound else ())]
    _say(report.diagnostics_text(found))
    if not plan.is_sound:
        _say(f"{report.tally(found)}; nothing was written")
        return FINDINGS
    Disk(kit).apply(plan.changes)
    click.echo(report.changes_text(plan.changes, report.DONE), nl=False)
    _say(_closing(plan, files, found, report.DONE))
    return FINDINGS if any(diagnostic.severity is Severity.ERROR for diagnostic in found) else CLEAN


def _closing(plan: Plan, files: Sequence[str], found: Iterable[Diagnostic], words: dict[Kind, str]) -> str:
    tally = report.tally(found)
    return report.summary(len(files), plan.changes, words) + (f"; {tally}" if tally else "")


def _say(text: str) -> None:
    """Write to stderr, which holds all that is not a result."""
    if text:
        click.echo(text.rstrip("\n"), err=True)


def main(args: Sequence[str] | None = None, prog_name: str = "assemble") -> NoReturn:
    """Run the command and exit with its status."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal that lacks a letter
    sys.exit(_status(args, prog_name))


def _status(args: Sequence[str] | None, prog_name: str) -> int:
    try:
        return int(assemble.main(args, prog_name, standalone_mode=False) or CLEAN)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return CANNOT_RUN
    except AssembleError as error:
        _say(report.diagnostics_text(error.diagnostics))
        _say(f"error: {report.shown(error.message)}")
        _say(f"  help: {report.shown(error.hint)}" if error.hint else "")
        return CANNOT_RUN
