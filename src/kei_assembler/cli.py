"""The command `assemble`: parses, calls, reports, exits."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from kei_assembler import __version__, discovery
from kei_assembler.build import Policy, run
from kei_assembler.diagnostics import AssembleError, Rule, nearest
from kei_assembler.kit import Kit, stem
from kei_assembler.report import FORMATS, Outcome
from kei_assembler.report.outcome import CLEAN, Failure

USAGE, INTERRUPTED = 2, 130

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
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.option("--ignore", multiple=True, metavar="CODE", help="Silence a code; may be given several times.")
@click.option(
    "--output-format", type=click.Choice(list(FORMATS)), default="text", help="How to report; text by default."
)
@click.option("--kit", "folder", metavar="DIR", help="The kit's folder, instead of the nearest one upwards.")
def build(
    manifests: Sequence[str],
    all_: bool,
    check: bool,
    strict: bool,
    ignore: Sequence[str],
    output_format: str,
    folder: str | None,
) -> int:
    """Write the agent files, or check them, and return the exit status."""
    if bool(manifests) == all_:
        raise click.UsageError(_ALL_AND_SOME if all_ else "name the manifests to assemble, or use --all")
    try:
        kit = _kit_of(manifests, folder)
        files = kit.manifests if all_ else _files(kit, manifests)
        outcome = run(kit, files, all_, check, Policy(_ignored(kit, ignore), strict))
    except AssembleError as error:
        outcome = Outcome(error.diagnostics, failure=Failure(error.message, error.hint))
    return _tell(outcome, output_format)


_ALL_AND_SOME = "--all takes all manifests; name some of them, or use it alone"


@assemble.command()
@click.argument("codes", nargs=-1, metavar="[CODE]...")
@click.option("--all", "all_", is_flag=True, help="Print the documentation of all codes, as Markdown.")
def explain(codes: Sequence[str], all_: bool) -> int:
    """Explain the code of a finding; without one, list all codes."""
    from kei_assembler import catalog

    rules = [_rule(code) for code in codes]
    text = "\n".join(map(catalog.explain, rules)) or (catalog.reference() if all_ else catalog.overview())
    click.echo(text, nl=False)
    return CLEAN


def _rule(code: str) -> Rule:
    from kei_assembler.catalog import RULES

    if code.upper() in RULES:
        return RULES[code.upper()]
    match = nearest(code, RULES)
    hint = f"Did you mean {match}?" if match else "`assemble explain` lists all codes."
    raise click.UsageError(f"there is no code {code}. {hint}")


def _ignored(kit: Kit, codes: Sequence[str]) -> frozenset[str]:
    """The codes to silence, by the command line and the settings; each must exist, and may be silenced."""
    for code in codes:
        if not _rule(code).may_ignore:
            raise click.UsageError(f"{code} cannot be ignored: it would make the output wrong")
    if kit.settings.ignore:
        from kei_assembler.catalog import check_ignore

        check_ignore(kit)
    return frozenset({*(code.upper() for code in codes), *kit.settings.ignore})


def _tell(outcome: Outcome, output_format: str) -> int:
    out, err = FORMATS[output_format](outcome)
    click.echo(out, nl=False)
    click.echo(err, nl=False, err=True)
    return outcome.status


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
    known = {file: file for file in manifests} | {stem(file): file for file in manifests}
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
        return USAGE
