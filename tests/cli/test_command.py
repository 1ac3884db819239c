"""The command line: the arguments that it accepts, and the errors about others."""

from __future__ import annotations

import click
import pytest

from conftest import Workbench
from kei_assembler import __version__
from kei_assembler.cli.app import assemble
from kei_assembler.cli.commands import COMMANDS, command_named
from kei_assembler.report.layout import width
from kei_assembler.targets.groups import GROUPS

AGENT = 'name = "{0}"\ndescription = "Does {0}."\n'


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write({f"agents/{name}.toml": AGENT.format(name) for name in ("alpha", "beta")})
    return bench


def test_version(bench: Workbench) -> None:
    assert bench.run("--version") == (0, f"assemble {__version__}\n", "")


@pytest.mark.parametrize("args", [("-h",), ("--all", "-h"), ("new", "-h")])
def test_the_short_form_of_help(bench: Workbench, args: tuple[str, ...]) -> None:
    run = bench.run(*args)
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout.startswith("Usage: assemble ")


@pytest.mark.parametrize("args", [(), ("--help",)])
def test_help_shows_the_build_first_and_examples(bench: Workbench, args: tuple[str, ...]) -> None:
    run = bench.run(*args)
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout.startswith("Usage: assemble [OPTIONS] MANIFEST...\n")
    assert "assemble --all --check" in run.stdout
    assert "--version" in run.stdout


SCHEMA_OF_A_KIT = {"kits/a/agents/gamma.toml": AGENT.format("gamma"), "schema/agents/delta.toml": AGENT.format("delta")}


@pytest.mark.parametrize(
    ("args", "same"),
    [
        ("--kit kits/a schema", "schema --kit kits/a"),
        ("--kit=kits/a schema", "schema --kit kits/a"),
        ("--kit schema schema", "schema --kit schema"),
        ("--kit schema schema --settings", "schema --settings"),
        ("--kit . schema --kit kits/a", "schema --kit kits/a"),
        ("--kit schema --kit kits/a schema", "schema --kit kits/a"),
        ("--kit kits/a build --all", "--all --kit kits/a"),
        ("--all --kit schema", "--kit schema --all"),
        ("--kit kits/a kits/a/agents/gamma.toml", "kits/a/agents/gamma.toml"),
        ("--all targets", "targets --all"),
        ("--all explain", "explain --all"),
        ("--kit . --version", "--version"),
        ("--all --help", "--help"),
        ("--kit . schema --help", "schema --help"),
        ("--no-cache schema", "schema"),
        ("--no-cache --kit kits/a schema", "schema --kit kits/a"),
        ("--no-cache explain K101", "explain K101"),
    ],
)
def test_options_can_come_before_the_command(args: str, same: str, kit: Workbench) -> None:
    kit.write(SCHEMA_OF_A_KIT)
    kit.run("--all", "--kit", "kits/a")
    kit.run("--all", "--kit", "schema")
    run = kit.run(*args.split())
    assert (run.status, run) == (0, kit.run(*same.split()))


@pytest.mark.parametrize("option", ["--check", "--diff", "--output-format json", "--target codex", "--ignore=B201"])
@pytest.mark.parametrize("command", [*COMMANDS])
def test_an_option_that_the_command_lacks_is_a_usage_error(option: str, command: str, kit: Workbench) -> None:
    before = kit.files()
    name = option.replace("=", " ").split()[0]
    if any(name in parameter.opts for parameter in command_named(command).params):
        return
    run = kit.run(*option.split(), command)
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith(f"Usage: assemble {command} ")
    assert run.stderr.endswith(f"Error: `{name}` does not apply to `assemble {command}`\n")
    assert kit.files() == before


@pytest.mark.parametrize("command", [*COMMANDS])
def test_a_command_in_the_place_of_a_folder_is_explained(command: str, kit: Workbench) -> None:
    run = kit.run("--kit", command)
    help_ = f"Error: --kit takes a folder; to run the command, write: assemble --kit DIR {command}\n"
    assert (run.status, run.stderr.endswith(help_)) == (2, True)


def test_options_of_one_name_take_as_many_values_in_each_command() -> None:
    build = {name: option for option in assemble.default.params for name in option.opts}
    for command in map(command_named, COMMANDS):
        for option in command.params:
            for name in build.keys() & set(option.opts):
                assert (option.nargs, option.multiple, getattr(option, "is_flag", None)) == (
                    build[name].nargs,
                    build[name].multiple,
                    getattr(build[name], "is_flag", None),
                )


def test_a_manifest_named_like_a_command_can_be_built(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'manifests = "."\n', "schema.toml": AGENT.format("schema")})
    for args in (("schema.toml",), ("--kit", ".", "schema.toml"), ("--kit", ".", "--", "schema.toml")):
        assert bench.run(*args).stderr.startswith("1 agent, 1 file: 1 ")


def test_a_command_after_a_manifest_is_explained(kit: Workbench) -> None:
    run = kit.run("agents/alpha.toml", "schema")
    assert run == (
        2,
        "",
        "error: `schema` is a command, and cannot follow a manifest\n  help: run: assemble schema --help\n",
    )


def test_several_manifests_in_one_call(kit: Workbench) -> None:
    run = kit.run("agents/beta.toml", "agents/alpha.toml", "agents/beta.toml")
    assert run == (0, "created agents/alpha.md\ncreated agents/beta.md\n", "2 agents, 2 files: 2 created\n")


def test_an_unchanged_file_is_not_touched(kit: Workbench) -> None:
    kit.run("--all")
    before = kit.files()
    assert kit.run("--all").stdout == ""
    assert kit.files() == before


def test_only_what_changed_is_written(kit: Workbench) -> None:
    kit.run("--all")
    kit.write({"agents/beta.toml": AGENT.format("beta") + 'model = "opus"\n'})
    assert kit.run("--all") == (
        0,
        "updated agents/beta.md\n",
        "2 agents, 2 files: 1 updated, 1 unchanged\n",
    )
    assert "model: opus" in kit.read("agents/beta.md")


@pytest.mark.parametrize(
    ("args", "stderr"),
    [
        (["agents/alhpa.toml"], "error: `agents/alhpa.toml` does not exist\n"
            "  help: did you mean `agents/alpha.toml`?\n"),
        (["alpha"], "error: `alpha` is neither a file nor a command\n  help: did you mean `agents/alpha.toml`?\n"),
        (["agents/alpha"], "error: `agents/alpha` does not exist\n  help: did you mean `agents/alpha.toml`?\n"),
        (["alpha.toml"], "error: `alpha.toml` does not exist\n  help: did you mean `agents/alpha.toml`?\n"),
        (["alpha.md"], "error: `alpha.md` does not exist\n  help: did you mean `agents/alpha.toml`?\n"),
        (["publish"], "error: `publish` is neither a file nor a command\n"
            "  help: to list the commands, run: assemble --help\n"),
        (["agents"], "error: `agents` is a folder\n  help: name manifests, or build all of them with --all\n"),
        (["agents/alpha.md"], "error: `agents/alpha.md` is a generated file, not a manifest\n"
            "  help: did you mean `agents/alpha.toml`?\n"),
        (["--kit", "nowhere", "--all"], "error: the folder `nowhere` does not exist\n"
            "  help: --kit takes the folder that contains the manifests' folder\n"),
    ],
)  # fmt: skip
def test_an_argument_that_is_not_a_manifest_is_explained(kit: Workbench, args: list[str], stderr: str) -> None:
    kit.run("--all")
    before = kit.files()
    assert kit.run(*args) == (2, "", stderr)
    assert kit.files() == before


def test_a_generated_file_in_another_folder_leads_to_its_manifest(kit: Workbench) -> None:
    output = 'output = ".claude/agents/{name}.md"\n'
    settings = f'targets = ["claude-code", "copilot"]\n[target.claude-code]\n{output}'
    kit.write({"assemble.toml": settings, ".claude/agents/other.md": "Text.\n"})
    kit.run("--all")
    for path in (".claude/agents/alpha.md", ".github/agents/alpha.agent.md"):
        message = f"error: `{path}` is a generated file, not a manifest\n  help: did you mean `agents/alpha.toml`?\n"
        assert kit.run(path) == (2, "", message)
    assert "`.claude/agents/other.md` is not a manifest of the kit" in kit.run(".claude/agents/other.md").stderr


@pytest.mark.parametrize("args", [["check"], ["check", "--all"], ["--all", "check"]])
def test_an_option_without_its_dashes_is_explained(kit: Workbench, args: list[str]) -> None:
    run = kit.run(*args)
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.endswith("\nError: `check` is an option; did you mean `--check`?\n")


def test_a_file_named_like_an_option_is_an_argument(kit: Workbench) -> None:
    kit.write({"check": "Text.\n"})
    assert "`check` is not a manifest of the kit" in kit.run("check").stderr


def test_without_a_kit_the_help_says_how_to_create_one(bench: Workbench) -> None:
    assert "to create one, run: assemble init\n" in bench.run("--all").stderr


def test_a_file_outside_the_manifest_folder_is_not_a_manifest(kit: Workbench) -> None:
    kit.write({"notes.toml": "x = 1\n"})
    run = kit.run("notes.toml")
    assert run.status == 2
    assert "notes.toml` is not a manifest of the kit" in run.stderr
    assert "the .toml files in agents/" in run.stderr


@pytest.mark.parametrize("args", [["--all", "agents/alpha.toml"], ["--check"], ["--frob"]])
def test_contradictory_arguments_are_usage_errors(kit: Workbench, args: list[str]) -> None:
    run = kit.run(*args)
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("Usage: assemble [OPTIONS] MANIFEST...\nTry 'assemble --help' for help.\n")
    assert "Error: " in run.stderr


def test_without_a_kit_the_error_explains_what_one_is(bench: Workbench) -> None:
    run = bench.run("--all")
    assert run.status == 2
    assert "a kit is a folder with" in run.stderr


def test_an_error_in_one_manifest_prevents_all_writes(kit: Workbench) -> None:
    kit.write({"agents/beta.toml": 'name = "gamma"\ndescription = "x"\n'})
    before = kit.files()
    run = kit.run("--all")
    assert (run.status, run.stdout) == (1, "")
    assert run.stderr.endswith("1 error; nothing was written\n")
    assert kit.files() == before


def test_check_writes_nothing(kit: Workbench) -> None:
    before = kit.files()
    run = kit.run("--all", "--check")
    assert (run.status, run.stdout) == (
        1,
        "would create agents/alpha.md [O609]\nwould create agents/beta.md [O609]\n",
    )
    assert kit.files() == before


def test_a_checkout_with_crlf_is_up_to_date(kit: Workbench) -> None:
    kit.run("--all")
    kit.write({"agents/alpha.md": kit.read("agents/alpha.md").replace("\n", "\r\n")})
    assert kit.run("--all", "--check").status == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_begins_as_the_list_of_them_says(name: str) -> None:
    command = assemble.get_command(click.Context(assemble), name)
    assert command is not None
    assert (command.help or "").startswith(COMMANDS[name])


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_fits_a_narrow_terminal(bench: Workbench, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    run = bench.run(*filter(None, [name]), "--help")
    assert run.status == 0
    assert [line for line in run.stdout.split("\n") if width(line) > 60] == []


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["--all", "--target", "gmini"], "; did you mean `gemini`?\n"),
        (["--all", "--target", "claude"], "; did you mean `claude-code`?\n"),
        (["--all", "--target", "vscode"], "; did you mean `copilot`?\n"),
        (["--all", "--output-format", "jsn"], "; did you mean `json`?\n"),
        (["watch", "--target", "gmini"], "; did you mean `gemini`?\n"),
        (["targets", "opencod"], "; did you mean `opencode`?\n"),
        (["import", "x.md", "--from", "copliot"], "; did you mean `copilot`?\n"),
        (["--all", "--target", "xyz"], f"'{list(GROUPS)[-1]}'.\n"),
    ],
)
def test_a_mistyped_choice_gets_the_nearest_one(kit: Workbench, args: list[str], hint: str) -> None:
    run = kit.run(*args)
    assert (run.status, run.stdout) == (2, "")
    assert "Error: Invalid value for " in run.stderr
    assert run.stderr.endswith(hint)
