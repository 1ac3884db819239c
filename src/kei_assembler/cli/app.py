"""The command `assemble`: parses arguments, runs the build, and prints the report."""

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

from kei_assembler import __version__
from kei_assembler.build.changes import WritePolicy
from kei_assembler.build.kit_plan import preview
from kei_assembler.build.result import CANNOT_RUN, CLEAN, Request, RunResult, failed
from kei_assembler.build.run import Policy, RunOptions, run
from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import COMMANDS, MODULES, write
from kei_assembler.cli.options import OneOf, kit_option, several, target_option
from kei_assembler.diagnostics import OUT_OF_MEMORY, AssembleError
from kei_assembler.files import run_cache
from kei_assembler.kit import LoadedKit
from kei_assembler.loader import load_kit
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.report import FORMATS, render, text_report
from kei_assembler.selection import files_of, kit_option_value, locate_kit, prefix_to

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

INTERRUPTED = 130


class _DefaultGroup(click.Group):
    """A group that runs its first subcommand if the arguments name none. Its help starts with that one's help.

    The other subcommands are imported on first use.
    """

    @property
    def default(self) -> click.Command:
        return next(iter(self.commands.values()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args:
            args = ["--help"]
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if args[0] not in own and args[0] not in (self.default.name, *COMMANDS):
            args = [self.default.name or "", *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with click.Context(self.default, info_name=ctx.info_name, parent=ctx.parent) as default:
            self.default.format_usage(default, formatter)
            self.default.format_help_text(default, formatter)
            options = [*self.default.params, *self.get_params(ctx)]
            records = [record for option in options if (record := option.get_help_record(default))]
        with formatter.section("Options"):
            formatter.write_dl(records)
        self.format_commands(ctx, formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = import_module(f"kei_assembler.cli.{MODULES.get(cmd_name, cmd_name)}").command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        with click.Context(self.default, info_name=ctx.info_name, parent=ctx.parent) as default:
            options = self.default.shell_complete(default, incomplete)
        words = [] if incomplete.startswith("-") else completion.manifests(ctx, None, incomplete)
        return [*super().shell_complete(ctx, incomplete), *options, *map(CompletionItem, words)]


class _DefaultCommand(click.Command):
    """The default subcommand, whose name its usage line leaves out."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if parent is not None:
            info_name, parent = parent.info_name, parent.parent
        return super().make_context(info_name, args, parent, **extra)


@click.group(cls=_DefaultGroup)
@click.version_option(__version__, message="assemble %(version)s")
def assemble() -> None:
    """Assemble agent files."""


@assemble.command("build", cls=_DefaultCommand)
@click.argument("manifests", nargs=-1, metavar="MANIFEST...", shell_complete=completion.manifests)
@click.option("--all", "all_", is_flag=True, help="Build all manifests of the kit.")
@click.option("--check", is_flag=True, help="Write nothing; exit with status 1 if a file is out of date.")
@click.option("--diff", is_flag=True, help="Write nothing; print the changes as a diff.")
@click.option("--stdout", is_flag=True, help="Write nothing; print the generated file of one manifest.")
@click.option("--force", is_flag=True, help="Overwrite files that were edited or not generated.")
@click.option(
    "--prune", is_flag=True, help="Delete generated files that no manifest generates any more; requires --all."
)
@click.option("--staged", is_flag=True, help="Also fail if a file of the kit has unstaged changes.")
@click.option("--strict", is_flag=True, help="Treat warnings as errors.")
@several("--ignore", "CODE", "Ignore a diagnostic code", completion.codes)
@click.option("--output-format", type=OneOf(FORMATS), default="text", help="The format of the report (default: text).")
@click.option("--quiet", "-q", is_flag=True, help="Print only findings and the summary, not the files that changed.")
@target_option
@click.option("--no-cache", is_flag=True, help="Do not read or write the run cache.")
@kit_option
def build(manifests: Sequence[str], folder: str | None, output_format: str, **options: Any) -> int:
    """Generate agent files from their manifests.

    \b
    Examples:
      assemble agents/critic.toml      build one agent
      assemble --all                   build all agents
      assemble --all --check --diff    write nothing, show the changes, and fail if there are any
    """
    _refuse_contradictions(manifests, output_format, options)
    run_cache.start_recording()
    prefix = located = ""
    try:
        located = locate_kit(manifests, folder, COMMANDS)
        prefix = prefix_to(located)
        kit = load_kit(located, options["targets"])
        kit.display_folder = kit_option_value(located)
        result = _result(kit, manifests, options)
    except AssembleError as error:
        result = failed(error)
    except MemoryError:
        result = failed(OUT_OF_MEMORY)
    result = result.seen_from(prefix, located).printed_with(options["quiet"], console.colours())
    return _report(result, output_format, can_cache=not options["staged"])


def _result(kit: LoadedKit, manifests: Sequence[str], options: Mapping[str, Any]) -> RunResult:
    files = files_of(kit, manifests, COMMANDS)
    policy = Policy.of(kit, _ignored(options["ignore"]), options["strict"])
    if options["stdout"]:
        return _preview(kit, files[0], policy)
    write_policy = WritePolicy(options["force"], options["prune"])
    run_options = RunOptions(options["check"], options["diff"], options["staged"], write_policy, policy)
    return run(kit, files or kit.manifests, not files, run_options)


def _refuse_contradictions(manifests: Sequence[str], output_format: str, options: Mapping[str, Any]) -> None:
    given = {name for name, value in options.items() if value}
    only_looks, writes = given & {"check", "diff"}, given & {"force", "prune"}
    contradictions = (
        (manifests and "all_" in given, "--all builds all manifests; name manifests or use --all, not both"),
        (not manifests and "all_" not in given, "name the manifests to assemble, or use --all"),
        (only_looks and writes, "--force and --prune cannot be used with --check or --diff, which write nothing"),
        ("prune" in given and "all_" not in given, "--prune requires --all"),
        (
            "stdout" in given and (only_looks or writes or "staged" in given),
            "--stdout cannot be used with --check, --diff, --force, --prune or --staged",
        ),
        ("stdout" in given and len(manifests) != 1, "--stdout takes exactly one manifest"),
        ("stdout" in given and output_format != "text", "--stdout cannot be used with --output-format"),
    )
    for contradicts, message in contradictions:
        if contradicts:
            raise click.UsageError(message)


def _preview(kit: LoadedKit, file: str, policy: Policy) -> RunResult:
    found, artifacts = preview(kit, file, policy.ignore)
    result = RunResult(Request(1), tuple(policy.weigh(found)))
    if result.status != CLEAN:
        return result
    if len(artifacts) > 1:
        names = ", ".join(artifact.target for artifact in artifacts)
        raise AssembleError(f"`{file}` has several targets: {names}", "choose one with --target")
    if not artifacts:
        raise AssembleError(f"`{file}` has no output for this target", "add the target to `targets` in the manifest")
    return result._replace(printed=artifacts[0].content.decode())


def _ignored(codes: Sequence[str]) -> list[str]:
    """Return the codes of `--ignore` in upper case, after checking that they can be ignored."""
    for code in codes:
        from kei_assembler.cli.explain import rule_named

        if not rule_named(code).may_ignore:
            raise click.UsageError(f"{code} cannot be ignored, since the output would be wrong")
    return [code.upper() for code in codes]


def _report(result: RunResult, output_format: str, can_cache: bool) -> int:
    out, err = _rendered(result, output_format)
    write(out, err)
    if can_cache and run_cache.is_recording() and (again := result.again).is_up_to_date:
        run_cache.keep(*(_rendered(again, output_format) if result.applied else (out, err)))
    return result.status


def _rendered(result: RunResult, output_format: str) -> tuple[str, str]:
    out, err = render(output_format, [result])
    is_raw = output_format == "text" and (result.request.diff or result.printed is not None)
    # Terminals and CI logs act on control characters. Programs get the exact bytes.
    if is_raw and sys.stdout and (sys.stdout.isatty() or _is_log(sys.stdout)):
        out = text_report.escaped(out, result.request.diff and result.request.colours[0])
    return out, err


def _is_log(stream: TextIO) -> bool:
    """Return whether a CI service reads the stream, in which it looks for commands."""
    takes_commands = any(os.environ.get(name) for name in ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"))
    return takes_commands and not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)


def main(args: Sequence[str] | None = None, prog_name: str = "assemble") -> NoReturn:
    """Run the command.

    Raises:
        SystemExit: always, with the exit status.
    """
    console.set_up()
    # End with an exception, so that temporary files are removed.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(_status(args, prog_name))


def _status(args: Sequence[str] | None, prog_name: str) -> int:
    try:
        return int(assemble.main(args, prog_name, standalone_mode=False) or CLEAN)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as error:
        text, message = StringIO(), error.format_message()
        error.show(text)
        # the message quotes an argument, which can have several lines
        write("", text_report.escaped(text.getvalue().replace(message, shown(message))))
    except AssembleError as error:
        _write_failure(error)
    except MemoryError:
        _write_failure(OUT_OF_MEMORY)
    return CANNOT_RUN


def _write_failure(error: AssembleError) -> None:
    with suppress(AssembleError):
        write(*text_report.render(failed(error).printed_with(False, console.colours())))
