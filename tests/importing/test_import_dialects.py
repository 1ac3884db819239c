"""A file in a plain folder is read as one for the client whose keys or tools it has."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from conftest import Run, Workbench
from kei_assembler.importing.dialects import Guess, read_recognized

HEAD = "name: critic\ndescription: Reviews code.\n"


def _file(more: str, body: str = "You review all of the code.") -> str:
    return f"---\n{HEAD}{more}---\n\n{body}\n"


def _import(bench: Workbench, files: dict[str, str], *args: str) -> tuple[Run, dict[str, Any]]:
    bench.write(files)
    run = bench.run("import", *(args or ("agents",)))
    assert run.status == 0, run.stderr
    return run, tomllib.loads(bench.read("agents/critic.toml"))


@pytest.mark.parametrize(
    ("front", "target"),
    [
        ("mode: subagent\n", "opencode"),
        ("mode: subagent\ntools:\n  write: false\n", "opencode"),
        ("tools: {write: false, edit: false}\n", "opencode"),
        ("permission: {edit: deny}\n", "opencode"),
        ("tools:\n  - ReadFile\n  - Grep\n", "qwen"),
        ("tools: [read_file, run_shell_command, save_memory]\n", "qwen"),
        ("approvalMode: plan\n", "qwen"),
        ("handoffs:\n- label: Go\n  agent: x\n  prompt: y\n", "copilot"),
        ("target: vscode\n", "copilot"),
        ("tools: [search, edit]\n", "copilot"),
        ("tools: Read, Grep\n", "claude-code"),
        ("tools: read, grep\n", "claude-code"),
        ("tools: Read, Write, search\n", "claude-code"),
        ("tools: Read, Deploy\n", "claude-code"),
        ("tools: []\n", "claude-code"),
        ("tools: {}\n", "claude-code"),
        ("mode: fast\n", "claude-code"),
        ("temperature: 0.2\n", "claude-code"),
        ("metadata: {author: us}\n", "claude-code"),
        ("tools: [mcp__x__y]\n", "claude-code"),
        ("color: red\nmodel: opus\npermissionMode: plan\n", "claude-code"),
        ("version: 1\n", "claude-code"),
    ],
)
def test_the_client_of_a_file(front: str, target: str) -> None:
    assert read_recognized("agents/critic.md", _file(front).encode())[2] == Guess(target)


def test_a_file_that_several_clients_may_have() -> None:
    guess = read_recognized("agents/critic.md", _file("tools: [read_file, grep_search]\n").encode())[2]
    assert (guess.target, {"gemini", "qwen"} <= {*guess.may_be}) == ("claude-code", True)


@pytest.mark.parametrize("raw", [b"", b"---\n", b"Hi.\n", b"---\n- a\n---\n", b"\xff", b"---\nx: [\n---\n"])
def test_other_files_are_nobodys(raw: bytes) -> None:
    guesses = [read_recognized(f"agents/x.{suffix}", raw)[2] for suffix in ("md", "toml")]
    assert guesses == 2 * [Guess("claude-code")]


def test_recognized_files_are_reported_once_per_folder(bench: Workbench) -> None:
    files = {f"agents/{name}.md": f"---\ndescription: D.\nmode: subagent\n---\nYou {name}.\n" for name in "ab"}
    run, manifest = _import(bench, {**files, "agents/critic.md": _file("tools: [Read]\n")})
    assert run.stderr.startswith(
        "agents/a.md:1:1: note[I926] 2 files in `agents` were recognized as files for OpenCode\n"
        "    help: if that is wrong, import with `--from`\n"
    )
    assert (manifest.get("targets"), manifest["tools"]) == (None, ["Read"])
    assert tomllib.loads(bench.read("agents/a.toml"))["targets"] == ["opencode"]


def test_a_hint_names_the_clients_that_may_be_meant(bench: Workbench) -> None:
    run, _ = _import(bench, {"agents/critic.md": _file("tools: [read_file, grep_search]\n")})
    assert re.search(
        r"note\[I926\] 1 file in `agents` has the tools of Gemini CLI or .*, but was read as for Claude Code\n"
        r"    help: if it is for one of these clients, import the folder with `--from gemini` or .*`--from qwen`",
        run.stderr,
    )


@pytest.mark.parametrize("args", [["agents", "--from", "claude-code"], [".claude/agents"]])
def test_a_client_that_is_known_is_not_guessed(args: list[str], bench: Workbench) -> None:
    file = _file("mode: subagent\n")
    run, manifest = _import(bench, {"agents/critic.md": file, ".claude/agents/critic.md": file}, *args)
    assert ("I926" in run.stderr, "I904" in run.stderr, "target" in manifest) == (False, True, False)


def test_files_of_codex_in_a_plain_folder(bench: Workbench) -> None:
    codex = 'name = "critic"\ndescription = "Reviews code."\ndeveloper_instructions = "You review."\n'
    bench.write({"assemble.toml": 'manifests = "kit"\n', "kit/.keep": "", "agents/other.toml": 'name = "other"\n'})
    bench.write({"agents/x.toml": codex, "agents/tester.md": _file("", "You test.").replace("critic", "tester")})
    run = bench.run("import", "agents")
    assert (run.status, run.stdout.split()[1::2]) == (0, ["kit/tester.toml", "kit/critic.toml"])
    assert tomllib.loads(bench.read("kit/critic.toml"))["targets"] == ["codex"]
    assert "note[I926] 1 file in `agents` was recognized as a file for Codex CLI" in run.stderr


def test_tools_of_a_recognized_client_are_translated(bench: Workbench) -> None:
    _, manifest = _import(bench, {"agents/critic.md": _file("tools:\n  - ReadFile\n  - Grep_Search\n  - glob\n")})
    assert (manifest["tools"], "target" in manifest) == (["Read", "Grep", "Glob"], False)


def test_tools_that_allow_less_in_other_clients_stay(bench: Workbench) -> None:
    _, manifest = _import(bench, {"agents/critic.md": _file("tools: {write: false}\nmode: subagent\n")})
    assert ("tools" in manifest, manifest["target"]) == (False, {"opencode": {"permission": {"edit": "deny"}}})
