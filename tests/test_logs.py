"""What reports show is data: nothing in a kit's text or paths acts on a terminal, or in a log that takes commands."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Workbench
from kei_assembler.text.hidden import as_json
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


EVERYWHERE = ("##[x]y", "###[x]y", "####vso[x]y", COMMANDS[1], "##teamcity[x]y", "::set-output name=x::y", "::error::x")
LOOSENED = """
root = ".."
[allow-characters]
"U+00AD" = '{0}'
[[allow-rights]]
agent = "a"
rights = ["claude-code.permissionMode=auto"]
reason = '{0}'
[target.claude-code]
output = "../{0}/{{name}}.md"
"""
RIGHT = "[target.claude-code]\npermissionMode = 'auto'\n"
FAULTS = "domain_in = ['{0}', '{0}']\nblocks = ['{0}']\n'{0}' = 1\n"


def _checked(command: str, faults: str, output_format: str, bench: Workbench) -> str:
    """The report on a kit with the command in its paths, in the reasons of its settings, and in its texts."""
    bench.write({f"kit/agents/{command}/a.toml": f"{AGENT}role = '''\n{command}x\n'''\n{faults}{RIGHT}"})
    bench.write({"kit/assemble.toml": LOOSENED.format(command), f"{command}/a.md": f"{command}\n"})
    run = bench.run("--all", "--check", "--diff", "--kit", "kit", "--output-format", output_format)
    assert (run.status, run.stderr) == (1, "")
    return run.stdout


@pytest.mark.parametrize("command", EVERYWHERE)
@pytest.mark.parametrize("faults", ["", FAULTS], ids=["drift", "faults"])
@pytest.mark.parametrize("output_format", ["json", "sarif", "github"])
def test_no_field_of_a_format_for_programs_holds_a_command(
    command: str, faults: str, output_format: str, bench: Workbench
) -> None:
    report = _checked(command, faults.format(command), output_format, bench)
    assert not re.search(r"##\w*\[|^\s*::(?!(error|warning|notice) (file|title)=)", report, re.MULTILINE)


@pytest.mark.parametrize("command", EVERYWHERE)
def test_what_programs_read_is_exact(command: str, bench: Workbench) -> None:
    told = json.loads(_checked(command, "", "json", bench))
    assert [one["reason"] for one in told["loosened"]].count(command) == 2
    (change,) = told["changes"]
    assert (change["path"], change["manifest"]) == (f"../{command}/a.md", f"agents/{command}/a.toml")
    assert f"\n-{command}\n" in change["diff"]
    assert f"\n+{command}x\n" in change["diff"]


@pytest.mark.parametrize("text", ["##[x]", "###", r"\##", r"\\###[x]\u0023", "a#b", '"##"'])
def test_what_is_inert_reads_back_as_it_was(text: str) -> None:
    written = as_json({text: [text]})
    assert json.loads(written) == {text: [text]}
    assert "##" not in written


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
