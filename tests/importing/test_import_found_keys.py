"""Keys and values that people write into agent files, although no client knows them like this."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from conftest import Run, Workbench
from readers import path_of


def _import(bench: Workbench, front: str, target: str = "claude-code", *args: str) -> Run:
    text = f"---\nname: critic\ndescription: Reviews code.\n{front}---\nYou review code.\n"
    path = ".claude/agents/critic.md" if target == "claude-code" else path_of(target)
    bench.write({path: text})
    return bench.run("import", ".", *args)


def _own(bench: Workbench, target: str) -> Any:
    return tomllib.loads(bench.read("agents/critic.toml")).get("target", {}).get(target, {})


def test_a_color_is_imported_in_lower_case(bench: Workbench) -> None:
    run = _import(bench, "color: Blue\n")
    assert run.status == 0
    assert run.stderr.startswith(
        ".claude/agents/critic.md:4:1: note[I927] `color: Blue` became `color: blue`\n"
        "    4 | color: Blue\n"
        "      | ^^^^^ help: Claude Code knows the word in lower case only\n"
        "1 agent; 1 note\n"
    )
    assert _own(bench, "claude-code") == {"color": "blue"}
    assert bench.run("--all", "--force").status == 0
    assert "color: blue\n" in bench.read(".claude/agents/critic.md")


@pytest.mark.parametrize(
    ("target", "line", "expected"),
    [
        ("qwen", "color: AUTO", "auto"),
        ("auggie", "color: ' Pink'", "pink"),
        ("grok", "color: Cyan", "cyan"),
        ("claude-code", "color: red", "red"),
    ],
)
def test_colors_of_other_clients(target: str, line: str, expected: str, bench: Workbench) -> None:
    run = _import(bench, f"{line}\n", target)
    assert (run.status, _own(bench, target)["color"]) == (0, expected)
    assert ("I927" in run.stderr) is (expected not in line)


@pytest.mark.parametrize("line", ["color: Mauve", "color: [Blue]", "permissionMode: BypassPermissions"])
def test_a_right_or_an_unknown_word_is_not_imported_in_lower_case(line: str, bench: Workbench) -> None:
    run = _import(bench, f"{line}\n")
    assert ("I904" in run.stderr, "I927" in run.stderr, _own(bench, "claude-code")) == (True, False, {})


def test_a_color_in_many_files_is_one_finding(bench: Workbench) -> None:
    text = "---\nname: tester\ndescription: Tests code.\ncolor: Blue\n---\nYou test code.\n"
    bench.write({".claude/agents/tester.md": text})
    run = _import(bench, "color: Blue\n")
    assert "`color: Blue` became `color: blue`; also in `.claude/agents/tester.md`\n" in run.stderr
