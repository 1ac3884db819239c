"""Reports are safe to print: no text or path of a kit acts on a terminal or in a CI log."""

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
from forkserver import ForkServer
from kei_assembler.markdown.hidden_text import as_json

AGENT = 'name = "a"\ndescription = "A."\n'
COMMANDS = ("##[set-output name=x]y", "##vso[task.setvariable variable=x]y", "##teamcity[buildStatus text='x']")
ESCAPE = "\x1b]0;owned\x07\x1b[2J"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("output_format", ["text", "json", "github", "gitlab", "junit", "sarif"])
def test_command_in_an_excerpt_or_message_is_escaped(command: str, output_format: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": f'{AGENT}"{command}" = 1\nblocks = ["{command}"]\n'})
    run = bench.run("--all", "--output-format", output_format)
    assert run.status == 1
    assert command.partition("[")[0] + "[" not in run.stdout + run.stderr


INJECTED = ("##[x]y", "###[x]y", "####vso[x]y", COMMANDS[1], "##teamcity[x]y", "::set-output name=x::y", "::error::x")
SETTINGS = """
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
    """Return the report on a kit with the command in its paths, the reasons in its settings, and its text."""
    bench.write({f"kit/agents/{command}/a.toml": f"{AGENT}role = '''\n{command}x\n'''\n{faults}{RIGHT}"})
    bench.write({"kit/assemble.toml": SETTINGS.format(command), f"{command}/a.md": f"{command}\n"})
    run = bench.run("--all", "--check", "--diff", "--kit", "kit", "--output-format", output_format)
    assert (run.status, run.stderr) == (1, "")
    return run.stdout


@pytest.mark.parametrize("command", INJECTED)
@pytest.mark.parametrize("faults", ["", FAULTS], ids=["drift", "faults"])
@pytest.mark.parametrize("output_format", ["json", "sarif", "github", "gitlab", "junit"])
def test_machine_formats_contain_no_command(command: str, faults: str, output_format: str, bench: Workbench) -> None:
    report = _checked(command, faults.format(command), output_format, bench)
    assert not re.search(r"##\w*\[|^\s*::(?!(error|warning|notice) (file|title)=)", report, re.MULTILINE)


@pytest.mark.parametrize("command", INJECTED)
def test_json_reads_back_exactly(command: str, bench: Workbench) -> None:
    report = json.loads(_checked(command, "", "json", bench))
    assert [waiver["reason"] for waiver in report["loosened"]].count(command) == 2
    (change,) = report["changes"]
    assert (change["path"], change["manifest"]) == (f"../{command}/a.md", f"agents/{command}/a.toml")
    assert f"\n-{command}\n" in change["diff"]
    assert f"\n+{command}x\n" in change["diff"]


@pytest.mark.parametrize("text", ["##[x]", "###", r"\##", r"\\###[x]\u0023", "a#b", '"##"'])
def test_escaped_json_reads_back(text: str) -> None:
    output = as_json({text: [text]})
    assert json.loads(output) == {text: [text]}
    assert "##" not in output


def test_command_in_a_path_is_escaped(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'manifests = "."', " ::error::x/a.toml": "nmae = 1\n"})
    err = bench.run("--all").stderr
    assert " <U+003A>:error::x/a.toml:1:1: error[K101]" in err
    assert not any(line.lstrip().startswith("::") for line in err.splitlines())


@pytest.fixture
def edited(bench: Workbench) -> Workbench:
    """A kit with terminal escapes and commands of CI services added to its output."""
    bench.write({"agents/a.toml": f"{AGENT}role = '''\nOne.\n::set-output name=x::y\n'''\n"})
    assert bench.run("--all").status == 0
    bench.write({"agents/a.md": bench.read("agents/a.md") + f"{ESCAPE}\n{COMMANDS[0]}\n"})
    return bench


def _assemble(forkserver: ForkServer, bench: Workbench, *args: str, **environment: str) -> str:
    plain = {name: value for name, value in os.environ.items() if name not in ("GITHUB_ACTIONS", "TF_BUILD")}
    return forkserver.run(bench.folder, args, environment=plain | environment).stdout.decode()


def test_diff_in_a_build_report_is_escaped(edited: Workbench) -> None:
    out = edited.run("--all").stdout
    assert "-<U+001B>]0;owned<U+0007><U+001B>[2J\n-#<U+0023>[set-output" in out
    assert "\x1b" not in out


def test_diff_in_a_pipe_is_exact(forkserver: ForkServer, edited: Workbench) -> None:
    out = _assemble(forkserver, edited, "--all", "--diff")
    assert f"-{ESCAPE}\n-{COMMANDS[0]}\n" in out
    assert "\n ::set-output name=x::y\n" in out


@pytest.mark.parametrize("service", ["GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"])
def test_diff_in_a_ci_log_is_escaped(forkserver: ForkServer, service: str, edited: Workbench) -> None:
    out = _assemble(forkserver, edited, "--all", "--diff", **{service: "true"})
    assert "\n <U+003A>:set-output name=x::y\n" in out
    assert "##[" not in out
    assert "\x1b" not in out


def test_file_printed_in_a_ci_log_is_escaped(forkserver: ForkServer, bench: Workbench) -> None:
    bench.write({"agents/a.toml": f"{AGENT}role = '::set-output name=x::y'\n"})
    assert "\n::set-output" in _assemble(forkserver, bench, "--stdout", "agents/a.toml")
    assert "\n<U+003A>:set-output" in _assemble(forkserver, bench, "--stdout", "agents/a.toml", GITHUB_ACTIONS="true")


def test_diff_redirected_to_a_file_in_ci_is_exact(edited: Workbench, tmp_path: Path) -> None:
    patch = tmp_path / "fix.patch"
    with patch.open("wb") as out:
        subprocess.run(
            [sys.executable, "-m", "kei_assembler", "--all", "--diff"],
            cwd=edited.folder, env=os.environ | {"GITHUB_ACTIONS": "true"}, stdout=out, check=False,
        )  # fmt: skip
    assert f"-{ESCAPE}\n-{COMMANDS[0]}\n" in patch.read_text()


@pytest.mark.parametrize("no_color", ["", "1"])
def test_diff_on_a_terminal_is_escaped(no_color: str, edited: Workbench) -> None:
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
def test_command_line_arguments_are_escaped(argument: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT})
    run = bench.run("--all", argument)
    assert run.status == 2
    assert "\x1b" not in run.stdout + run.stderr
