"""What reports show is data: nothing in a kit's text or paths acts on a terminal, or in a log that takes commands."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Workbench
from nursery import Nursery

AGENT = 'name = "a"\ndescription = "A."\n'
COMMANDS = ("##[set-output name=x]y", "##vso[task.setvariable variable=x]y", "##teamcity[buildStatus text='x']")
ESCAPE = "\x1b]0;owned\x07\x1b[2J"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("output_format", ["text", "json", "github", "sarif"])
def test_a_command_in_an_excerpt_or_a_message_is_none(command: str, output_format: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": f'{AGENT}"{command}" = 1\nblocks = ["{command}"]\n'})
    run = bench.run("--all", "--output-format", output_format)
    assert run.status == 1
    assert command.partition("[")[0] + "[" not in run.stdout + run.stderr


def test_a_command_in_a_path_is_none(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'manifests = "."', " ::error::x/a.toml": "nmae = 1\n"})
    err = bench.run("--all").stderr
    assert " <U+003A>:error::x/a.toml:1:1: error[K101]" in err
    assert not any(line.lstrip().startswith("::") for line in err.splitlines())


@pytest.fixture
def edited(bench: Workbench) -> Workbench:
    """A kit whose output was edited: by terminal escapes, and by commands of CI services."""
    bench.write({"agents/a.toml": f"{AGENT}role = '''\nOne.\n::set-output name=x::y\n'''\n"})
    assert bench.run("--all").status == 0
    bench.write({"agents/a.md": bench.read("agents/a.md") + f"{ESCAPE}\n{COMMANDS[0]}\n"})
    return bench


def _assemble(nursery: Nursery, bench: Workbench, *args: str, **environment: str) -> str:
    plain = {name: value for name, value in os.environ.items() if name not in ("GITHUB_ACTIONS", "TF_BUILD")}
    return nursery.run(bench.folder, args, environment=plain | environment).stdout.decode()


def test_the_difference_that_a_build_shows_is_for_people(edited: Workbench) -> None:
    out = edited.run("--all").stdout
    assert "-<U+001B>]0;owned<U+0007><U+001B>[2J\n-#<U+0023>[set-output" in out
    assert "\x1b" not in out


def test_a_diff_for_programs_is_exact(nursery: Nursery, edited: Workbench) -> None:
    out = _assemble(nursery, edited, "--all", "--diff")
    assert f"-{ESCAPE}\n-{COMMANDS[0]}\n" in out
    assert "\n ::set-output name=x::y\n" in out


@pytest.mark.parametrize("service", ["GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"])
def test_a_diff_in_a_log_that_takes_commands_gives_none(nursery: Nursery, service: str, edited: Workbench) -> None:
    out = _assemble(nursery, edited, "--all", "--diff", **{service: "true"})
    assert "\n <U+003A>:set-output name=x::y\n" in out
    assert "##[" not in out
    assert "\x1b" not in out


def test_a_file_that_is_printed_into_such_a_log_gives_none(nursery: Nursery, bench: Workbench) -> None:
    bench.write({"agents/a.toml": f"{AGENT}role = '::set-output name=x::y'\n"})
    assert "\n::set-output" in _assemble(nursery, bench, "--stdout", "agents/a.toml")
    assert "\n<U+003A>:set-output" in _assemble(nursery, bench, "--stdout", "agents/a.toml", GITHUB_ACTIONS="true")


def test_a_diff_that_goes_into_a_file_is_exact_there_too(edited: Workbench, tmp_path: Path) -> None:
    patch = tmp_path / "fix.patch"
    with patch.open("wb") as out:
        subprocess.run(
            [sys.executable, "-m", "kei_assembler", "--all", "--diff"],
            cwd=edited.folder, env=os.environ | {"GITHUB_ACTIONS": "true"}, stdout=out, check=False,
        )  # fmt: skip
    assert f"-{ESCAPE}\n-{COMMANDS[0]}\n" in patch.read_text()


@pytest.mark.parametrize("no_color", ["", "1"])
def test_nothing_acts_on_a_terminal(no_color: str, edited: Workbench) -> None:
    main, terminal = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "kei_assembler", "--all", "--diff"],
        cwd=edited.folder, env=os.environ | {"NO_COLOR": no_color}, stdout=terminal, check=False,
    )  # fmt: skip
    os.close(terminal)
    shown = os.read(main, 1 << 16).decode()
    os.close(main)
    assert "<U+001B>]0;owned<U+0007><U+001B>[2J" in shown
    assert "\x1b]0" not in shown
    assert ("\x1b[31m" in shown) is not bool(no_color)


@pytest.mark.parametrize("argument", ["--\x1b]0;owned", "\x1b]0;owned", "--output-format=\x1b", "--kit=\x1b"])
def test_what_was_typed_does_not_act_either(argument: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT})
    run = bench.run("--all", argument)
    assert run.status == 2
    assert "\x1b" not in run.stdout + run.stderr
