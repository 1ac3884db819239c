"""The command `assemble`: parses, calls, reports, exits."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import click

from kei_assembler import __version__, streams
from kei_assembler.commands import COMMANDS, MODULES, NAMES, completing, tell
from kei_assembler.commands.options import OneOf, kit_option, several, target_option
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import run_cache
from kei_assembler.kit import Kit
from kei_assembler.loader import load_kit
from kei_assembler.plan.changes import WritePolicy
from kei_assembler.plan.kit_plan import preview
from kei_assembler.plan.options import Policy, RunOptions
from kei_assembler.plan.result import CANNOT_RUN, CLEAN, Request, RunResult, failed
from kei_assembler.plan.run import run
from kei_assembler.report import FORMATS, as_text
from kei_assembler.selection import files_of, home_of, named, way_to
from kei_assembler.text.hidden import shown

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

INTERRUPTED = 130

_BUILD_HELP = """Assemble agent files from their manifests.

\b
Examples:
  assemble agents/kei-critic.toml    write one agent's file
  assemble --all                     write the files of all agents
  assemble --all --check --diff      write nothing, fail and show it when one is out of date
"""


class _DefaultGroup(click.Group):
    """A group whose first subcommand is meant when none is named; the group's help begins with that one's.

    The other subcommands are loaded when they are asked for.
    """

    @property
    def default(self) -> click.Command:
        return next(iter(self.commands.values()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args:
            args = ["--help"]
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if args[0] not in own and args[0] not in (self.default.name, *NAMES):
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
        return list(NAMES)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in NAMES:
            return super().get_command(ctx, cmd_name)
        command: click.Command = import_module(f"kei_assembler.commands.{MODULES.get(cmd_name, cmd_name)}").command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        with click.Context(self.default, info_name=ctx.info_name, parent=ctx.parent) as default:
            options = self.default.shell_complete(default, incomplete)
        words = [] if incomplete.startswith("-") else completing.manifests(ctx, None, incomplete)
        return [*super().shell_complete(ctx, incomplete), *options, *map(CompletionItem, words)]


class _DefaultCommand(click.Command):
    """The command that is meant when none is named: its usage does not name it either."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if parent is not None:
            info_name, parent = parent.info_name, parent.parent
        return super().make_context(info_name, args, parent, **extra)


@click.group(cls=_DefaultGroup)
@click.version_option(__version__, message="assemble %(version)s")
def assemble() -> None:
    """Assemble agent files; one command is one function below."""


@assemble.command("build", cls=_DefaultCommand, help=_BUILD_HELP)
@click.argument("manifests", nargs=-1, metavar="MANIFEST...", shell_complete=completing.manifests)
@click.option("--all", "all_", is_flag=True, help="Take all manifests of the kit.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a file is not what the sources give.")
@click.option("--diff", is_flag=True, help="Write nothing; print what a build would change as a diff.")
@click.option("--stdout", is_flag=True, help="Write nothing; print the file of one manifest.")
@click.option("--force", is_flag=True, help="Overwrite also files that were edited, or not generated.")
@click.option("--prune", is_flag=True, help="Delete generated files whose manifest is gone; with --all.")
@click.option("--staged", is_flag=True, help="Fail also when a file of the kit is not in git's index as it is here.")
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@several("--ignore", "ignore", "CODE", "Silence a code", completing.codes)
@click.option("--output-format", type=OneOf(FORMATS), default="text", help="How to report; else text.")
@target_option
@click.option("--no-cache", is_flag=True, help="Look at every file, also where nothing changed since the last run.")
@kit_option
def build(manifests: Sequence[str], folder: str | None, output_format: str, **options: Any) -> int:
    """Write the agent files, or look at what would be written, and return the exit status."""
    _refuse_contradictions(manifests, output_format, options)
    run_cache.start_recording()
    way = ""
    try:
        home = home_of(manifests, folder, NAMES)
        way = way_to(home)
        kit = load_kit(home, options["targets"])
        kit.display_folder = named(home)
        result = _result(kit, manifests, options)
    except AssembleError as error:
        result = failed(error)
    return _tell(result.seen_from(way), output_format, keeps=not options["staged"])


def _result(kit: Kit, manifests: Sequence[str], options: Mapping[str, Any]) -> RunResult:
    files = files_of(kit, manifests, NAMES)
    policy = Policy.of(kit, _ignored(options["ignore"]), options["strict"])
    if options["stdout"]:
        return _preview(kit, files[0], policy)
    write_policy = WritePolicy(options["force"], options["prune"])
    run_options = RunOptions(options["check"], options["diff"], options["staged"], write_policy, policy)
    return run(kit, files or kit.manifests, not files, run_options)


def _refuse_contradictions(manifests: Sequence[str], output_format: str, options: Mapping[str, Any]) -> None:
    given = {name for name, value in options.items() if value}
    looks, writes = given & {"check", "diff"}, given & {"force", "prune"}
    contradictions = (
        (manifests and "all_" in given, "--all takes all manifests; name some of them, or use it alone"),
        (not manifests and "all_" not in given, "name the manifests to assemble, or use --all"),
        (looks and writes, "--check and --diff write nothing; --force and --prune are for a run that writes"),
        ("prune" in given and "all_" not in given, "--prune looks at the whole kit; use it with --all"),
        ("stdout" in given and (looks or writes or "staged" in given), "--stdout prints a file, and does no more"),
        ("stdout" in given and len(manifests) != 1, "--stdout prints the file of one manifest"),
        ("stdout" in given and output_format != "text", "--stdout prints the file itself; it takes no --output-format"),
    )
    for contradicts, message in contradictions:
        if contradicts:
            raise click.UsageError(message)


def _preview(kit: Kit, file: str, policy: Policy) -> RunResult:
    found, artifacts = preview(kit, file, policy.ignore)
    result = RunResult(Request(1), tuple(policy.weigh(found)))
    if result.status == CLEAN and len(artifacts) > 1:
        names = ", ".join(artifact.target for artifact in artifacts)
        raise AssembleError(f"{file} has several targets: {names}", "choose one with --target")
    if result.status == CLEAN and not artifacts:
        raise AssembleError(f"{file} has no such target", "its own `targets` leave it out")
    return result._replace(printed=artifacts[0].content.decode()) if result.status == CLEAN else result


def _ignored(codes: Sequence[str]) -> list[str]:
    """The codes to silence, by the command line; each must exist, and may be silenced."""
    for code in codes:
        from kei_assembler.commands.explain import rule_named

        if not rule_named(code).may_ignore:
            raise click.UsageError(f"{code} cannot be ignored: it would make the output wrong")
    return [code.upper() for code in codes]


def _tell(result: RunResult, output_format: str, keeps: bool) -> int:
    out, err = _said(result, output_format)
    tell(sys.stdout, out)
    tell(sys.stderr, err)
    if keeps and run_cache.is_recording():
        _keep(result, (out, err), output_format)
    return result.status


def _keep(result: RunResult, said: tuple[str, str], output_format: str) -> None:
    again = result.again
    if again.is_up_to_date:
        run_cache.keep(*(_said(again, output_format) if result.applied else said))


def _said(result: RunResult, output_format: str) -> tuple[str, str]:
    out, err = FORMATS[output_format](result)
    is_raw = output_format == "text" and (result.request.diff or result.printed is not None)
    return _as_read(sys.stdout, out, result.request.diff) if is_raw else out, err


def _as_read(stream: TextIO | None, text: str, is_diff: bool) -> str:
    """Diffs and files go out as they are to programs; where people read them, nothing in them may act."""
    if stream is None or not (stream.isatty() or _is_log(stream)):
        return text
    return as_text.escaped(text, is_diff and stream.isatty() and not os.environ.get("NO_COLOR"))


def _is_log(stream: TextIO) -> bool:
    """Tell whether the stream is read by a CI service that takes commands from it, and not kept in a file."""
    takes_commands = any(os.environ.get(name) for name in ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"))
    return takes_commands and not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)


def main(args: Sequence[str] | None = None, prog_name: str = "assemble") -> NoReturn:
    """Run the command and exit with its status."""
    streams.set_up()
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(_status(args, prog_name))


def _terminate(number: int, _frame: object) -> NoReturn:
    """End by an exception, so that what is half done is cleaned up."""
    raise SystemExit(128 + number)


def _status(args: Sequence[str] | None, prog_name: str) -> int:
    try:
        return int(assemble.main(args, prog_name, standalone_mode=False) or CLEAN)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as error:
        told = StringIO()
        error.show(told)
        tell(sys.stderr, "\n".join(map(shown, told.getvalue().split("\n"))))
    except AssembleError as error:
        with suppress(AssembleError):
            tell(sys.stderr, as_text.render(failed(error)).err)
    return CANNOT_RUN
