"""The text report: its lines and summary, `--quiet`, the command that repairs everything, and colours."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys

import pytest

from conftest import Run, Workbench

AGENT = 'name = "{0}"\ndescription = "Helps with {0}."\ndomain_in = ["{0}"]\n'
ESCAPE = re.compile(r"\x1b\[[\d;]*m")


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write({"assemble.toml": 'targets = ["claude-code", "codex"]\n'})
    bench.write({f"agents/{name}.toml": AGENT.format(name) for name in ("one", "two")})
    assert bench.run("--all").status == 0
    return bench


def test_unchanged_files_get_no_line_and_files_are_counted(kit: Workbench) -> None:
    assert kit.run("--all") == (0, "", "2 agents, 4 files: 4 unchanged\n")
    kit.write({"agents/one.toml": AGENT.format("one") + 'role = "You help."\n'})
    (kit.folder / "agents/two.md").unlink()
    assert kit.run("--all") == (
        0,
        "updated agents/one.md\nupdated .codex/agents/one.toml\ncreated agents/two.md\n",
        "2 agents, 4 files: 1 created, 2 updated, 1 unchanged\n",
    )


def _edit(kit: Workbench) -> None:
    kit.write({"agents/one.md": kit.read("agents/one.md") + "Mine.\n"})


def _foreign(kit: Workbench) -> None:
    kit.write({"agents/one.md": "Mine.\n"})


def _remove(kit: Workbench) -> None:
    (kit.folder / "agents/two.md").unlink()


def _rename(kit: Workbench) -> None:
    (kit.folder / "agents/two.toml").unlink()
    kit.write({"agents/three.toml": AGENT.format("three")})


def _change(kit: Workbench) -> None:
    kit.write({"agents/one.toml": AGENT.format("one") + 'role = "You help."\n'})


def _drop_target(kit: Workbench) -> None:
    kit.write({"assemble.toml": 'targets = ["claude-code"]\n'})


def _edit_schema(kit: Workbench) -> None:
    schema = kit.run("schema").stdout
    kit.write({".assemble/manifest.schema.json": schema.replace('"title"', '"titel"')})


BREAKS = {
    "edited": (_edit, "--all --force"),
    "foreign": (_foreign, "--all --force"),
    "missing": (_remove, "--all"),
    "renamed": (_rename, "--all --prune"),
    "outdated": (_change, "--all"),
    "target dropped": (_drop_target, "--all --prune"),
    "schema": (_edit_schema, "--all --force"),
}


def _repair(kit: Workbench, checked: Run, cwd: str = ".") -> Run:
    """Run the command at the end of a check's report, which is the only one that its end names."""
    command = checked.stderr.splitlines()[-1].removeprefix("to fix this, run: ")
    assert checked.stderr.count("to fix this") == 1
    program, *args = shlex.split(command)
    assert program == "assemble"
    return kit.run(*args, cwd=cwd)


@pytest.mark.parametrize("name", BREAKS)
def test_the_command_repairs_what_the_check_found(name: str, kit: Workbench) -> None:
    break_it, args = BREAKS[name]
    break_it(kit)
    run = kit.run("--all", "--check")
    assert (run.status, run.stderr.endswith(f"\nto fix this, run: assemble {args}\n")) == (1, True)
    assert _repair(kit, run).status == 0
    assert kit.run("--all", "--check").status == 0


def test_one_command_repairs_everything_and_says_what_is_lost(kit: Workbench) -> None:
    for break_it in (_edit, _rename, _change):
        break_it(kit)
    run = kit.run("--all", "--check")
    assert run.stderr.splitlines()[-3:] == [
        "--force overwrites agents/one.md",
        "--prune deletes agents/two.md, .codex/agents/two.toml",
        "to fix this, run: assemble --all --force --prune",
    ]
    assert _repair(kit, run).status == 0
    assert kit.run("--all", "--check") == (0, "", "2 agents, 4 files: 4 unchanged\n")


@pytest.mark.parametrize("options", [("--target", "codex"), ("--strict",), ("--ignore", "B206"), ("--diff",)])
@pytest.mark.parametrize("where", [".", "agents", "kit in a folder"])
def test_the_command_repeats_what_the_check_was_about(options: tuple[str, ...], where: str, bench: Workbench) -> None:
    folder = "my kit" if where == "kit in a folder" else "."
    kit = bench.below(folder)
    kit.write({"assemble.toml": 'targets = ["claude-code", "codex"]\n'})
    kit.write({f"agents/{name}.toml": AGENT.format(name) for name in ("one", "two")})
    cwd = where if where == "agents" else "."
    args = ("--check", *options, *(("--kit", folder) if folder != "." else ()))
    run = bench.run("--all", *args, cwd=cwd)
    assert run.status == 1
    assert _repair(bench, run, cwd).status == 0
    assert bench.run("--all", *args, cwd=cwd).status == 0


def test_the_command_for_named_manifests_builds_only_these(kit: Workbench) -> None:
    _change(kit)
    _remove(kit)
    run = kit.run("--check", "agents/one.toml")
    assert run.stderr.endswith("to fix this, run: assemble agents/one.toml\n")
    assert _repair(kit, run).stdout == "updated agents/one.md\nupdated .codex/agents/one.toml\n"
    assert kit.run("--check", "agents/one.toml").status == 0


def test_no_command_if_a_build_would_change_nothing(kit: Workbench) -> None:
    (kit.folder / "agents/two.toml").unlink()
    kit.write({"agents/two.md": kit.read("agents/two.md") + "Mine.\n"})
    kit.run("--all", "--prune")
    assert "to fix this" not in kit.run("--all", "--check").stderr
    _change(kit)
    kit.write({"agents/two.toml": "name = 1\n"})
    assert "to fix this" not in kit.run("--all", "--check").stderr


def test_the_command_says_if_it_does_not_repair_everything(kit: Workbench) -> None:
    (kit.folder / "agents/two.toml").unlink()
    kit.write({"agents/two.md": kit.read("agents/two.md") + "Mine.\n"})
    run = kit.run("--all", "--check")
    assert run.stderr.endswith("\nto fix all but 1 error, run: assemble --all --prune\n")
    after = kit.run("--all", "--prune")
    assert (after.status, "1 error" in after.stderr) == (1, True)


def test_a_diff_ends_with_the_command_that_applies_it(kit: Workbench) -> None:
    _change(kit)
    assert kit.run("--all", "--diff").stderr.endswith("to apply this, run: assemble --all\n")
    assert "to apply" not in kit.run("--all").stderr


def test_quiet_prints_only_findings_and_the_summary(kit: Workbench) -> None:
    _change(kit)
    kit.write({"_blocks/unused.md": "Be honest.\n"})
    assert kit.run("--all", "--check", "-q").stdout == kit.run("--all", "--check").stdout
    _edit(kit)
    run = kit.run("--all", "--quiet")
    assert (run.status, run.stdout) == (1, "")
    assert "agents/one.md:1:1: error[O604]" in run.stderr
    assert "note[B206]" in run.stderr
    assert run.stderr.endswith("2 agents, 4 files: 1 updated, 1 edited, 2 unchanged; 1 error, 1 note\n")
    assert kit.run("agents/two.toml", "--quiet") == (0, "", "1 agent, 2 files: 2 unchanged\n")


@pytest.mark.parametrize(
    "args", [("--check", "--output-format", "json"), ("--stdout", "--target", "codex"), ("--diff",)]
)
def test_quiet_keeps_what_was_asked_for(args: tuple[str, ...], kit: Workbench) -> None:
    _change(kit)
    assert kit.run("agents/one.toml", "--quiet", *args).stdout == kit.run("agents/one.toml", *args).stdout != ""


FAULT = AGENT.format("one") + 'tools = ["Raed"]\nblocks = ["\\u001b[31m"]\n'


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": ""}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    ],
)
def test_colours_without_a_terminal(
    environment: dict[str, str], coloured: bool, kit: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit.write({"agents/one.toml": FAULT})
    plain = kit.run("--all")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    run = kit.run("--all")
    assert ("\x1b[" in run.stderr) is coloured
    assert ESCAPE.sub("", run.stderr) == plain.stderr
    assert "<U+001B>[31m" in run.stderr or "U+001B" in run.stderr


@pytest.mark.parametrize("args", [("--diff",), ("--output-format", "json"), ("--output-format", "sarif")])
def test_what_programs_read_has_no_colours(
    args: tuple[str, ...], kit: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    _change(kit)
    assert "\x1b" not in kit.run("--all", *args).stdout


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)],
)
def test_colours_on_a_terminal(environment: dict[str, str], coloured: bool, kit: Workbench) -> None:
    kit.write({"agents/one.toml": FAULT})
    ours, terminal = pty.openpty()
    base = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    subprocess.run(
        [sys.executable, "-m", "kei_assembler", "--all", "--no-cache"],
        cwd=kit.folder, env={**base, "TERM": "xterm", **environment}, stdout=subprocess.DEVNULL, stderr=terminal,
        check=False,
    )  # fmt: skip
    output = os.read(ours, 100_000).decode()
    os.close(ours)
    os.close(terminal)
    assert ("\x1b[1;31merror[" in output) is coloured
    assert "error[" in output


def test_a_report_is_only_repeated_with_the_same_colours(kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.write({"_blocks/unused.md": "Be honest.\n"})
    first = kit.run("--all")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert ("\x1b" in first.stderr, "\x1b" in kit.run("--all").stderr) == (False, True)
