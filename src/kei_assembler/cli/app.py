"""The command `assemble`: parses arguments, runs the build, and prints the report."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Any, NoReturn

import click

from kei_assembler import __version__
from kei_assembler.build.changes import WritePolicy
from kei_assembler.build.findings import MAX_FINDINGS, with_findings
from kei_assembler.build.kit_plan import preview
from kei_assembler.build.repair import Repair, joint_repair
from kei_assembler.build.result import CANNOT_RUN, CLEAN, Request, RunResult, failed
from kei_assembler.build.run import Policy, RunOptions, run
from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import COMMANDS, command_named, write
from kei_assembler.cli.contradictions import refuse_contradictions
from kei_assembler.cli.leading_options import commands_after, with_command_first
from kei_assembler.cli.options import (
    OneOf,
    WithHelp,
    exclude_option,
    kit_option,
    printing,
    several,
    target_option,
    user_option,
)
from kei_assembler.diagnostics import OUT_OF_MEMORY, AssembleError
from kei_assembler.files import Files, run_cache
from kei_assembler.kit import LoadedKit
from kei_assembler.loader import load_kit
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.model.manifest import is_abstract
from kei_assembler.paths import display_path
from kei_assembler.records import NamedTuple
from kei_assembler.report import FORMATS, render, text_report
from kei_assembler.selection import files_of, kit_option_value, locate_kits, prefix_to

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

INTERRUPTED = 130


class _DefaultGroup(WithHelp, click.Group):
    """A group that runs its first subcommand if the arguments name none. Its help starts with that one's help.

    The other subcommands are imported on first use.
    """

    @property
    def default(self) -> click.Command:
        return next(iter(self.commands.values()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args:
            args = ["--help"]
        return super().parse_args(ctx, with_command_first(self.default, args, ctx))

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
        return command_named(cmd_name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        with click.Context(self.default, info_name=ctx.info_name, parent=ctx.parent) as default:
            options = self.default.shell_complete(default, incomplete)
        words = [] if incomplete.startswith("-") else completion.manifests(ctx, None, incomplete)
        return [*super().shell_complete(ctx, incomplete), *options, *map(CompletionItem, words)]


def _manifests_and_commands(ctx: click.Context, parameter: click.Parameter | None, incomplete: str) -> list[str]:
    commands = [name for name in commands_after(ctx) if name.startswith(incomplete)]
    return [*commands, *completion.manifests(ctx, parameter, incomplete)]


class _DefaultCommand(WithHelp):
    """The default subcommand, whose name its usage line leaves out."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if parent is not None:
            info_name, parent = parent.info_name, parent.parent
        return super().make_context(info_name, args, parent, **extra)


_HELP = {"help_option_names": ["--help", "-h"]}
_OUTPUT_DIR_HELP = "Build into this folder instead of the kit's root, with the same paths below it."


_VERSION = printing(["--version"], "Show the version and exit.", lambda _: f"assemble {__version__}")


@click.group(cls=_DefaultGroup, params=[_VERSION], context_settings=_HELP)
def assemble() -> None:
    """Assemble agent files."""


@assemble.command("build", cls=_DefaultCommand, context_settings=_HELP)
@click.argument("manifests", nargs=-1, metavar="MANIFEST...", shell_complete=_manifests_and_commands)
@click.option("--all", "all_", is_flag=True, help="Build all manifests of the kit.")
@click.option(
    "--recursive",
    is_flag=True,
    help="Build every kit in the working directory, or in --kit, and below it; requires --all.",
)
@exclude_option
@click.option("--check", is_flag=True, help="Write nothing; exit with status 1 if a file is out of date.")
@click.option("--diff", is_flag=True, help="Write nothing; print the changes as a diff.")
@click.option("--stdout", is_flag=True, help="Write nothing; print the generated file or section of one manifest.")
@click.option("--fix", is_flag=True, help="First correct the sources where that is safe; with --diff, only show how.")
@click.option(
    "--unsafe-fixes", is_flag=True, help="Like --fix, with corrections that can add tools, rights or handoffs."
)
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
@click.option("--output-dir", metavar="DIR", help=_OUTPUT_DIR_HELP, shell_complete=completion.folders)
@several("--without", "KIND:NAME", "Leave this block out of all agents; requires --output-dir", completion.omissions)
@user_option
@click.option("--no-cache", is_flag=True, help="Do not read or write the run cache.")
@kit_option
def build(manifests: Sequence[str], folder: str | None, output_format: str, **options: Any) -> int:
    """Generate agent files, skills, and sections of files such as AGENTS.md from their manifests.

    The folder of a manifest says what it is for: `agents`, `skills` or `instructions`.

    \b
    Examples:
      assemble agents/critic.toml     build one agent
      assemble --all                  build all manifests
      assemble --all --recursive      build all kits below
      assemble --all --check --diff   show what is out of date
      assemble --all --fix --diff     show the corrections
      assemble --all --output-dir out --without block:honesty
    """
    if folder in COMMANDS and not manifests and not options["all_"]:
        raise click.UsageError(f"--kit takes a folder; to run the command, write: assemble --kit DIR {folder}")
    _refuse_bare_options(manifests)
    refuse_contradictions(manifests, output_format, options)
    options["ignore"] = _ignored(options["ignore"])
    is_fixing = options["fix"] or options["unsafe_fixes"]
    if not options["recursive"] and not is_fixing:
        run_cache.start_recording()
    try:
        kits = _kits(manifests, folder, options)
    except AssembleError as error:
        return _report(_run(_Kit("", (), error), options), output_format, can_cache=False)
    if options["for_user"] and len(kits) > 1:
        raise click.UsageError("--user allows one kit to write to your home folder; name manifests of one kit only")
    if options["output_dir"] is not None and len(kits) > 1:
        raise click.UsageError("--output-dir takes the files of one kit; name manifests of one kit only")
    if options["recursive"] or len(kits) > 1:
        return _report_each(kits, output_format, options, _selection(manifests, folder, options))
    return _report(_run(kits[0], options), output_format, can_cache=not options["staged"])


class _Kit(NamedTuple):
    """A kit to build: its folder, the manifests that were named, or the error that stops its run.

    `unused_excludes` is as in `LoadedKit`.
    """

    folder: str
    manifests: Sequence[str] = ()
    error: AssembleError | None = None
    unused_excludes: Iterable[int] = ()


def _kits(manifests: Sequence[str], folder: str | None, options: Mapping[str, Any]) -> list[_Kit]:
    if options["recursive"]:
        from kei_assembler.cli.recursive import found_kits  # rarely needed

        kits, unused = found_kits(folder, options["exclude"])
        return [_Kit(found, (), error, unused.get(found, ())) for found, error in kits]
    return [_Kit(located, named) for located, named in locate_kits(manifests, folder, COMMANDS).items()]


def _run(selected: _Kit, options: Mapping[str, Any]) -> RunResult:
    prefix = ""
    try:
        if selected.error:
            raise selected.error
        prefix = prefix_to(selected.folder)
        if options["fix"] or options["unsafe_fixes"]:
            from kei_assembler.cli.fixing import run_with_fixes  # rarely needed

            result = run_with_fixes(partial(_run_on, selected), selected.folder, options)
        else:
            result = _run_on(selected, options)
    except AssembleError as error:
        result = failed(error)
    except MemoryError:
        result = failed(OUT_OF_MEMORY)
    result = result._replace(request=result.request._replace(offers_fixes=True))
    return result.seen_from(prefix, selected.folder).printed_with(options["quiet"], console.colours())


def _run_on(selected: _Kit, options: Mapping[str, Any], files: Files | None = None) -> RunResult:
    kit = load_kit(selected.folder, options["targets"], files, options["for_user"])
    kit.display_folder = kit_option_value(selected.folder)
    kit.unused_excludes = selected.unused_excludes
    return _result(kit, selected.manifests, options)


def _result(kit: LoadedKit, manifests: Sequence[str], options: Mapping[str, Any]) -> RunResult:
    files = files_of(kit, manifests, COMMANDS)
    if options["output_dir"] is not None:
        _build_variant(kit, files or kit.manifests, options)
    policy = Policy.of(kit, options["ignore"], options["strict"])
    if options["stdout"]:
        return _preview(kit, files[0], policy)
    write_policy = WritePolicy(options["force"], options["prune"])
    run_options = RunOptions(options["check"], options["diff"], options["staged"], write_policy, policy)
    return run(kit, files or kit.manifests, not files, run_options)


def _build_variant(kit: LoadedKit, files: Sequence[str], options: Mapping[str, Any]) -> None:
    from kei_assembler.build.output_folder import redirect  # rarely needed

    redirect(kit, options["output_dir"])
    if options["without"]:
        from kei_assembler.analysis.omissions import leave_out

        leave_out(kit, files, options["without"])


def _refuse_bare_options(manifests: Sequence[str]) -> None:
    """Refuse an argument such as `check`, which is the name of an option and of no file."""
    options = {name for parameter in build.params for name in parameter.opts} if manifests else ()
    for word in manifests:
        if f"--{word}" in options and not os.path.lexists(word):
            raise click.UsageError(f"`{word}` is an option; did you mean `--{word}`?")


def _preview(kit: LoadedKit, file: str, policy: Policy) -> RunResult:
    found, artifacts = preview(kit, file, policy.ignore)
    result = RunResult(Request(1), tuple(policy.weigh(found)))
    if result.status != CLEAN:
        return result
    kind = kit.manifest_files.kind_of(file).name
    # not a section that imports another one, or an agent as a skill
    artifacts = [artifact for artifact in artifacts if artifact.manifest and artifact.kind == kind]
    if len(artifacts) > 1:
        names = ", ".join(artifact.target for artifact in artifacts)
        raise AssembleError(f"`{file}` has several targets: {names}", "choose one with --target")
    if not artifacts and is_abstract(kit.read_manifest(file).data):
        raise AssembleError(f"`{file}` is abstract, so it has no output", "name a manifest that extends it")
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


def _selection(manifests: Sequence[str], folder: str | None, options: Mapping[str, Any]) -> list[str]:
    """Return the words of a command line that select its kits and what to build of them."""
    from kei_assembler.markdown import shell

    lists = (("--exclude", options["exclude"]), ("--target", options["targets"]), ("--ignore", options["ignore"]))
    given = [*((name, value) for name, values in lists for value in values), *([("--kit", folder)] if folder else [])]
    selected = map(shell.word, manifests) if manifests else ("--all", "--recursive")
    return [*selected, *(f"{name} {shell.word(value)}" for name, value in given)]


def _report_each(kits: Sequence[_Kit], output_format: str, options: Mapping[str, Any], selection: Sequence[str]) -> int:
    """Run and report on several kits: as text after each run, in the other formats together.

    `selection` contains the words of the command line that select the kits.
    """
    from kei_assembler.report import headings  # rarely needed

    results: list[RunResult] = []
    repairs: list[Repair] = []
    statuses: list[tuple[str, int]] = []
    room, size, left = MAX_FINDINGS, 0, 0
    for kit in kits:
        result = with_findings(_run(kit, options).headed(display_path(kit.folder), size), room)
        room = max(1, room - len(result.findings))
        if output_format == "text":
            write("", headings.heading(result.request.heading, len(statuses), len(kits), result.request.colours[1]))
            if result.repair and len(kits) > 1:
                repairs.append(result.repair)
            left += result.left
            out, err = _rendered(result.without_command if len(kits) > 1 else result, output_format)
            write(out, err)
            size += len(out)
        else:
            results.append(result.without_contents)
        statuses.append((result.request.heading, result.status))
    if output_format == "text":
        write("", headings.total(statuses))
        if repair := joint_repair(repairs, selection):
            write("", text_report.repair_line(repair._replace(left=left), result.request))
    else:
        write(*render(output_format, results))
    return max(status for _, status in statuses)


def _rendered(result: RunResult, output_format: str) -> tuple[str, str]:
    out, err = render(output_format, [result])
    is_raw = output_format == "text" and (result.request.diff or result.printed is not None)
    # Terminals and CI logs act on control characters. Programs get the exact bytes.
    if is_raw and console.acts_on_text():
        out = text_report.escaped(out, result.request.diff and result.request.colours[0])
    return out, err


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
