"""`assemble doctor`: the installed clients and their versions, and what they read of a kit."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from textwrap import fill
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Run, Workbench
from kei_assembler.analysis.doctor.installed import NEWER, OLDER, SAME, UNKNOWN, compared, version_in
from kei_assembler.files import programs
from kei_assembler.report.layout import width
from kei_assembler.targets import TARGETS

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the clients are shell scripts")

AGENT = 'name = "critic"\ndescription = "Reviews code."\nrole = "You review."\n'
SETTINGS = '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'

LOOKED_FOR = [name for name, row in TARGETS.items() if any(one.executable for one in row.verified)]

Install = Callable[[str, str], Path]


def _missing(*installed: str, columns: int = 60) -> str:
    """The line about the clients that are not installed."""
    names = ", ".join(name for name in LOOKED_FOR if name not in installed)
    return fill(f"  not installed: {names}", columns - 1, subsequent_indent="    ", break_on_hyphens=False)


@pytest.fixture(autouse=True)
def install(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs a script as a client. No other program is on PATH."""
    folder = tmp_path_factory.mktemp("bin")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("COLUMNS", "60")

    def script(name: str, code: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/sh\n{code}\n")
        path.chmod(0o755)
        return path

    return script


def test_executables_are_plain_names() -> None:
    found = [one.executable for row in TARGETS.values() for one in row.verified if one.executable]
    assert len(found) > 5
    assert all(re.fullmatch("[a-z][a-z0-9-]*", name) for each in found for name in each.names)
    assert all(each.names and each.arguments for each in found)


def _report(run: Run) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(run.stdout)
    return report


def _client(run: Run, target: str) -> dict[str, Any]:
    (found,) = (each for each in _report(run)["clients"] if each["target"] == target)
    return dict(found)


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("2.1.332 (Claude Code)\n", "2.1.332"),
        ("codex-cli 0.171.0", "0.171.0"),
        ("GitHub Copilot CLI 1.0.102.\nCommit: 4ab1.2", "1.0.102"),
        ("v1.18.33", "1.18.33"),
        ("kimi, version 2.1.0-rc.1", "2.1.0-rc.1"),
        ("0.2.111+b5", "0.2.111"),
        ("\x1b[1m3.0.3\x1b[22m", "3.0.3"),
        ("2026.11.20-ab12cd", "2026.11.20-ab12cd"),
        ("1.2", "1.2"),
        ("1.2.3-\n", "1.2.3"),
        ("", ""),
        ("7", ""),
        ("version x.y", ""),
        ("1." + "2" * 5000, ""),
        ("١.٢.٣", ""),
    ],
)
def test_the_version_is_found_in_the_output(output: str, version: str) -> None:
    assert version_in(output) == version


@pytest.mark.parametrize(
    ("version", "verified", "state"),
    [
        ("2.1.332", "2.1.332", SAME),
        ("2.1.340", "2.1.332", NEWER),
        ("2.1.34", "2.1.332", OLDER),
        ("2.2", "2.1.332", NEWER),
        ("2.1", "2.1.0", SAME),
        ("2.1.0", "2.1.0-beta.2", NEWER),
        ("2.1.0-beta.2", "2.1.0", OLDER),
        ("2.1.1-beta.2", "2.1.0", NEWER),
        ("2.1.0-beta.2", "2.1.0-beta.2", SAME),
        ("2.1.0-beta.3", "2.1.0-beta.2", UNKNOWN),
        ("2.1.0", "", UNKNOWN),
        ("", "2.1.0", UNKNOWN),
        ("2.1.0", "the newest one", UNKNOWN),
    ],
)
def test_versions_are_compared(version: str, verified: str, state: str) -> None:
    assert compared(version, verified) == state


VERSIONS = st.builds(
    "{}{}".format,
    st.lists(st.integers(0, 30).map(str), min_size=2, max_size=4).map(".".join),
    st.sampled_from(("", "-rc.1", "-beta")),
)


@given(one=VERSIONS, other=VERSIONS)
def test_the_comparison_has_a_direction(one: str, other: str) -> None:
    opposite = {NEWER: OLDER, OLDER: NEWER, SAME: SAME, UNKNOWN: UNKNOWN}
    assert compared(other, one) == opposite[compared(one, other)]
    assert version_in(f"The client {one}, built today") == one


def test_without_a_kit_the_installed_clients_are_reported(bench: Workbench, install: Install) -> None:
    install("claude", 'echo "2.1.340 (Claude Code)"')
    install("codex", "echo codex-cli 0.170.9")
    install("gemini", "echo 0.61.0")
    install("cursor-agent", "echo 2026.11.20-ab12cd")
    assert bench.run("doctor") == (
        0,
        f"""\
CLIENTS
  claude-code  2.1.340            newer than the verified
                                  2.1.332
  cursor       2026.11.20-ab12cd  verified with Cursor's
                                  SDK 1.0.32
  gemini       0.61.0             as verified
  codex        0.170.9            older than the verified
                                  0.171.0
{_missing("claude-code", "cursor", "gemini", "codex")}

""",
        "note: there is no kit here; to create one, run: assemble init\n",
    )
    assert bench.files() == {}


def test_a_client_that_does_not_say_its_version_is_reported(
    bench: Workbench, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "SECONDS", 0.5)
    install("claude", "exec /bin/sleep 60")
    install("codex", "echo 1.2.3; exit 3")
    install("gemini", "echo soon")
    install("qwen", "while :; do echo 1.2.3; done")
    monkeypatch.setenv("COLUMNS", "80")
    run = bench.run("doctor")
    assert (run.status, run.stdout) == (
        0,
        f"""\
CLIENTS
  claude-code  unknown  claude --version did not end in time; verified with
                        2.1.332
  gemini       unknown  gemini --version printed no version; verified with
                        0.61.0
  codex        unknown  codex --version ended with status 3; verified with
                        0.171.0
  qwen         unknown  qwen --version printed too much; verified with 0.24.4
{_missing("claude-code", "gemini", "codex", "qwen", columns=80)}

""",
    )


def test_the_option_runs_no_client(bench: Workbench, install: Install, tmp_path: Path) -> None:
    path = install("claude", f"touch {tmp_path}/ran; echo 2.1.332")
    run = bench.run("doctor", "--no-run")
    assert run.stdout.startswith("CLIENTS\n  claude-code  installed  verified with 2.1.332\n  not installed: copilot,")
    found = _client(bench.run("doctor", "--no-run", "--output-format", "json"), "claude-code")
    assert (found["state"], found["path"], found["version"]) == ("not run", str(path), "")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("folder", ["node_modules/.bin", "kit/bin", "bin"])
def test_a_client_in_the_work_tree_is_never_run(
    folder: str, bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write({"kit/assemble.toml": SETTINGS, "kit/agents/critic.toml": AGENT})
    bench.write({f"{folder}/claude": f"#!/bin/sh\ntouch {tmp_path}/ran; echo 2.1.332\n"})
    (tmp_path / folder / "claude").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / folder}:{folder}:.:")
    for args, cwd in (((), "kit"), (("--kit", "kit"), "."), (("--recursive",), ".")):
        run = bench.run("doctor", *args, cwd=cwd)
        place = os.path.relpath(tmp_path / folder / "claude", tmp_path / cwd)
        line = f"  claude-code  installed  {place} lies in this project, so it is not run; verified with 2.1.332"
        assert " ".join(run.stdout.split()).startswith(f"CLIENTS {' '.join(line.split())} not installed: ")
    assert not (tmp_path / "ran").exists()


def test_the_kit_is_not_visible_to_a_client(
    bench: Workbench, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write({"assemble.toml": SETTINGS, "agents/critic.toml": AGENT, "bin/helper": "#!/bin/sh\necho 6.6.6\n"})
    (bench.folder / "bin/helper").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bench.folder}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("GIT_DIR", str(bench.folder / ".git"))
    install("claude", 'helper 2> /dev/null; read -r x && echo 7.7.7; [ "$PWD$(pwd)$GIT_DIR" = // ] && echo 2.1.332')
    assert _client(bench.run("doctor", "--output-format", "json"), "claude-code")["version"] == "2.1.332"


def test_what_each_client_reads_is_reported(bench: Workbench, install: Install) -> None:
    install("gemini", "echo 0.61.0")
    bench.write(
        {
            "assemble.toml": f'targets = ["claude-code", "codex"]\n{SETTINGS}',
            "agents/critic.toml": AGENT,
            "agents/tester.toml": AGENT.replace("critic", "tester"),
            "instructions/house.toml": 'name = "house"\nrole = "Be kind."\n',
            "instructions/api.toml": 'name = "api"\nrole = "Be fast."\npaths = ["api/**"]\ntargets = ["claude-code"]\n',
            "skills/release.toml": 'name = "release"\ndescription = "Releases."\nrole = "Tag it."\n',
        }
    )
    before = bench.files()
    assert bench.run("doctor") == (
        0,
        f"""\
CLIENTS
  gemini  0.61.0  as verified
{_missing("gemini")}

READS
  claude-code  .claude/agents (2 agents),
               .claude/rules (1 rule),
               AGENTS.md (1 section),
               .claude/skills (1 skill)
  codex        .codex/agents (2 agents),
               AGENTS.md (1 section),
               .agents/skills (1 skill)
  .claude/agents is also read by copilot, cursor, auggie,
    grok and goose
  installed, but not a target: gemini

8 outputs: all are read
""",
        "",
    )
    assert bench.files() == before


def test_an_output_that_no_client_reads_fails(bench: Workbench) -> None:
    settings = '[target.claude-code]\noutput = "out/{name}.md"\n'
    bench.write({"assemble.toml": settings, "agents/critic.toml": AGENT})
    bench.write({"agents/tester.toml": AGENT.replace("critic", "tester")})
    run = bench.run("doctor")
    assert (run.status, run.stderr) == (1, "")
    assert (
        run.stdout.partition("\n\n")[2]
        == """\
READS
  claude-code  nothing

PROBLEMS
  assemble.toml:2:1: note[O627] Claude Code looks for
    agents in `.claude/agents`, so it does not load
    `out/critic.md`, and 1 other file
    help: set `output = ".claude/agents/{name}.md"` in
    `[target.claude-code]` of the settings, or ignore this
    if you copy the file

2 outputs: 2 not read by the client
"""
    )
    (kit,) = _report(bench.run("doctor", "--output-format", "json"))["kits"]
    unread = [(each["target"], each["path"], each["readers"], each["code"]) for each in kit["unread"]]
    assert unread == [("claude-code", f"out/{name}.md", [], "O627") for name in ("critic", "tester")]
    bench.write({"assemble.toml": f'ignore = ["O627"]\n{settings}'})
    run = bench.run("doctor")
    end = "READS\n  claude-code  nothing\n\n2 outputs: 2 not read by the client (O627 is ignored)\n"
    assert (run.status, run.stdout.partition("\n\n")[2]) == (0, end)


VSCODE = '{ "chat.agentFilesLocations": { ".claude/agents": false } }'


def _kit(run: Run) -> dict[str, Any]:
    (kit,) = _report(run)["kits"]
    return dict(kit)


@pytest.mark.parametrize(("vscode", "effect"), [("{}", "shows both"), (VSCODE, "hides")])
def test_two_files_of_an_agent_that_one_client_reads(bench: Workbench, vscode: str, effect: str) -> None:
    bench.write({"assemble.toml": f'targets = ["claude-code", "copilot"]\n{SETTINGS}', "agents/critic.toml": AGENT})
    bench.write(
        {".vscode/settings.json": vscode, "agents/a.toml": AGENT.replace("critic", "a") + 'targets = ["codex"]'}
    )
    run = bench.run("doctor")
    assert run.status == 0
    hidden = ", hidden by its own" if effect == "hides" else ""
    words = " ".join(run.stdout.split())
    assert f"copilot .github/agents (1 agent), .claude/agents (1 agent of claude-code{hidden}) codex" in words
    assert ("note[O630] VS Code shows this agent twice" in words) is (effect != "hides")
    kit = _kit(bench.run("doctor", "--output-format", "json"))
    paths = [".github/agents/critic.agent.md", ".claude/agents/critic.md"]
    assert kit["several"] == [
        {"target": "copilot", "agent": "critic", "paths": paths, "has_own": True, "effect": effect}
    ]
    assert [one["code"] for one in kit["findings"]] == (["O630"] if effect != "hides" else [])


def test_two_files_of_an_agent_in_one_folder_are_a_problem(bench: Workbench) -> None:
    of_copilot = '[target.copilot]\noutput = ".claude/agents/{name}.agent.md"\n'
    settings = f'targets = ["claude-code", "copilot"]\n{SETTINGS}{of_copilot}'
    bench.write({"assemble.toml": settings, "agents/critic.toml": AGENT})
    run = bench.run("doctor")
    assert run.status == 1
    assert (
        """
  .claude/agents is also read by cursor, auggie, grok and
    goose

PROBLEMS
  Claude Code finds `critic` in `.claude/agents/critic.md`
    and `.claude/agents/critic.agent.md`, and loads only
    one of them
    help: write the files of different clients to different
    folders, with `output` in the settings
"""
        in run.stdout
    )


def test_a_client_that_uses_the_files_of_another(bench: Workbench) -> None:
    settings = f'targets = ["claude-code", "cursor"]\n{SETTINGS}[target.cursor]\nuse-files-of = "claude-code"\n'
    bench.write({"assemble.toml": settings, "agents/critic.toml": AGENT})
    run = bench.run("doctor")
    assert (
        "  cursor       .claude/agents (1 agent of claude-code)\n"
        "  .claude/agents is also read by copilot, auggie, grok and\n    goose\n" in run.stdout
    )
    assert (run.status, run.stdout.endswith("\n1 output: all are read\n")) == (0, True)


def test_instructions_that_a_client_does_not_read(bench: Workbench) -> None:
    bench.write({"instructions/house.toml": 'name = "house"\nrole = "Be kind."\ntargets = ["codex", "qwen"]\n'})
    bench.write({"AGENTS.override.md": "Ask first.\n"})
    run = bench.run("doctor")
    assert run.status == 1
    assert "  claude-code  nothing\n  codex        nothing\n  qwen         AGENTS.md (1 section)\n" in run.stdout
    assert "PROBLEMS\n  AGENTS.override.md:1:1: warning[O646] Codex CLI reads" in run.stdout
    assert run.stdout.endswith("\n1 output: 1 not read by the client\n")
    unread = {"target": "codex", "path": "AGENTS.md", "readers": ["qwen"], "code": "O646", "is_ignored": False}
    assert _kit(bench.run("doctor", "--output-format", "json"))["unread"] == [unread]


def test_a_skill_that_no_client_of_the_kit_reads(bench: Workbench) -> None:
    bench.write({"assemble.toml": SETTINGS, "agents/critic.toml": AGENT + "also-skill = true\n"})
    run = bench.run("doctor")
    assert run.status == 1
    assert (
        """
PROBLEMS
  [O627] Claude Code does not read
    `.agents/skills/critic/SKILL.md`

2 outputs: 1 not read by the client
"""
        in run.stdout
    )


def test_errors_are_reported_and_the_rest_of_the_kit_is_examined(bench: Workbench) -> None:
    bench.write({"assemble.toml": SETTINGS, "agents/critic.toml": AGENT})
    bench.write({"agents/tester.toml": AGENT.replace("critic", "tester") + 'blocks = ["nothing"]\n'})
    run = bench.run("doctor")
    assert run.status == 1
    assert "  claude-code  .claude/agents (1 agent)\n" in run.stdout
    assert "PROBLEMS\n  agents/tester.toml:4:11: error[B201] unknown block\n    `nothing`\n" in run.stdout


def test_a_file_of_the_same_name_is_a_problem(bench: Workbench) -> None:
    bench.write({"assemble.toml": SETTINGS, "agents/critic.toml": AGENT})
    bench.write({".claude/agents/old/x.md": "---\nname: critic\ndescription: Old.\n---\nYou review.\n"})
    run = bench.run("doctor")
    assert run.status == 1
    assert "PROBLEMS\n  .claude/agents/old/x.md:2:1: error[O625] this agent has\n    the name `critic`" in run.stdout


def test_a_plugin_is_read(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": AGENT, ".claude-plugin/plugin.json": '{ "name": "team" }'})
    run = bench.run("doctor")
    assert (run.status, "  claude-code  agents (1 agent)\n" in run.stdout) == (0, True)


def test_the_name_of_an_agent_can_be_that_of_a_folder(bench: Workbench) -> None:
    bench.write({"assemble.toml": '[target.claude-code]\noutput = ".claude/agents/{name}/{name}.md"\n'})
    bench.write({"agents/critic.toml": AGENT, "agents/tester.toml": AGENT.replace("critic", "tester")})
    run = bench.run("doctor")
    assert (run.status, "  claude-code  .claude/agents (2 agents)\n" in run.stdout) == (0, True)


def test_several_kits_are_reported_one_after_the_other(bench: Workbench, install: Install, tmp_path: Path) -> None:
    install("claude", f"echo again >> {tmp_path}/runs; echo 2.1.332")
    bench.write({"a/assemble.toml": SETTINGS, "a/agents/critic.toml": AGENT, "b/agents/critic.toml": AGENT})
    bench.write(
        {
            "b/assemble.toml": SETTINGS.replace(".claude/", "out/"),
            "c/assemble.toml": "manifest = 1\n",
            "c/agents/critic.toml": AGENT,
        }
    )
    run = bench.run("doctor", "--recursive")
    assert run.status == 2
    assert run.stdout.count("CLIENTS") == 1
    assert bench.read("runs") == "again\n"
    assert [line for line in run.stdout.split("\n") if line.endswith(":") or "output" in line] == [
        *("a:", "1 output: all are read"),
        *("b:", '    help: set `output = ".claude/agents/{name}.md"` in', "1 output: 1 not read by the client"),
        "c:",
    ]
    assert "c/assemble.toml:1:1: error[C701]" in run.stderr
    report = _report(bench.run("doctor", "--recursive", "--output-format", "json"))
    assert [(kit["kit"], "failure" in kit) for kit in report["kits"]] == [("a", False), ("b", False), ("c", True)]
    run = bench.run("doctor", "--recursive", "--exclude", "b", "--exclude", "c", "--exclude", "d")
    assert (run.status, run.stderr) == (0, "note: `--exclude d` matches no folder\n")
    assert run.stdout.partition("\n\n")[2].startswith("a:\nREADS\n")


def test_a_kit_with_invalid_settings_does_not_hide_the_clients(bench: Workbench, install: Install) -> None:
    install("claude", "echo 2.1.332")
    bench.write({"assemble.toml": "manifest = 1\n", "agents/critic.toml": AGENT})
    run = bench.run("doctor")
    assert (run.status, run.stdout.startswith("CLIENTS\n  claude-code  2.1.332  as verified\n")) == (2, True)
    assert run.stderr.startswith("assemble.toml:1:1: error[C701]")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--exclude", "a"), "--exclude requires --recursive"),
        (("--user", "--recursive"), "--user allows one kit to name files in your home folder"),
        (("--kit", "missing"), "the folder `missing` does not exist"),
        (("--recursive",), "no kit was found"),
        (("--output-format", "jsn"), "did you mean `json`?"),
    ],
)
def test_what_cannot_be_done_is_refused(args: tuple[str, ...], message: str, bench: Workbench) -> None:
    run = bench.run("doctor", *args)
    assert (run.status, run.stdout, message in run.stderr) == (2, "", True)


def test_a_kit_for_the_home_folder(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    (bench.folder / ".git").rmdir()
    home = bench.below("home")
    home.write({"kit/assemble.toml": '[target.claude-code]\noutput = "~/.claude/agents/{name}.md"\n'})
    home.write({"kit/agents/critic.toml": AGENT, ".local/bin/claude": "#!/bin/sh\necho 2.1.332\n"})
    (home.folder / ".local/bin/claude").chmod(0o755)
    monkeypatch.setenv("HOME", str(home.folder))
    monkeypatch.setenv("PATH", str(home.folder / ".local/bin"))
    run = home.run("doctor", cwd="kit")
    assert (run.status, "--user" in run.stderr) == (2, True)
    run = home.run("doctor", "--user", cwd="kit")
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout.startswith("CLIENTS\n  claude-code  2.1.332  as verified\n")
    assert "READS\n  claude-code  ~/.claude/agents (1 agent)\n" in run.stdout


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_the_report_fits_the_terminal(
    columns: int, bench: Workbench, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for name in ("claude", "codex", "qwen"):
        install(name, "echo 2026.11.20-ab12cd")
    settings = 'targets = ["claude-code", "copilot", "codex"]\n[target.codex]\noutput = "o/{name}.toml"\n'
    bench.write({"assemble.toml": settings + SETTINGS, "agents/critic.toml": AGENT + "also-skill = true\n"})
    run = bench.run("doctor")
    assert "PROBLEMS" in run.stdout
    assert "NOTES" in run.stdout
    assert [line for line in run.stdout.split("\n") if width(line) > columns or line != line.rstrip()] == []


def test_what_a_client_or_a_kit_says_is_harmless_on_a_terminal(bench: Workbench, install: Install) -> None:
    install("claude", r"printf '\033]0;x\007 2.1.332-\033[31m'")
    bench.write(
        {"assemble.toml": '[target.claude-code]\noutput = "o\\u001b[31m/{name}.md"\n', "agents/critic.toml": AGENT}
    )
    run = bench.run("doctor")
    assert "\x1b" not in run.stdout + run.stderr
    assert "\x1b" not in bench.run("doctor", "--output-format", "json").stdout
