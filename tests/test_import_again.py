"""Import once more: what this tool made itself is told from what people wrote, and nothing of theirs is lost."""

from __future__ import annotations

import re
import shlex

import pytest

from conftest import Run, Workbench
from readers import path_of

NEXT = re.compile(r"^next: .*run: assemble (?P<args>[^,\n]*)", re.MULTILINE)


def _agent(name: str, body: str = "You review code.") -> str:
    return f"---\nname: {name}\ndescription: Reviews code.\n---\n{body}\n"


def _follow(bench: Workbench, run: Run, cwd: str = ".") -> Run:
    """Run what an import says comes next."""
    match = NEXT.search(run.stderr)
    assert match, run.stderr
    return bench.run(*shlex.split(match["args"]), cwd=cwd)


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    """A kit with one agent, imported and taken over."""
    bench.write({".claude/agents/a.md": _agent("a")})
    _follow(bench, bench.run("import", ".claude/agents"))
    return bench


def test_what_was_generated_and_left_so_is_kept_in_silence(kit: Workbench) -> None:
    before = kit.files()
    assert kit.run("import", ".claude/agents") == (0, "kept agents/a.toml\n", "1 agent\n")
    assert kit.files() == before


@pytest.mark.parametrize("target", ["claude-code", "codex", "opencode", "copilot", "gemini", "cursor", "qwen"])
def test_what_was_generated_is_no_second_agent(target: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": f'targets = ["{target}"]\n'})
    bench.write({"agents/critic.toml": 'name = "critic"\ndescription = "Reviews code."\nrole = "You review code."\n'})
    assert bench.run("--all").status == 0
    before = bench.files()
    run = bench.run("import", path_of(target).rpartition("/")[0])
    assert (run.status, run.stdout, bench.files()) == (0, "kept agents/critic.toml\n", before)


def test_the_file_that_an_agent_came_from_is_no_second_one(bench: Workbench) -> None:
    bench.write({".claude/agents/My Rev.md": _agent("rev")})
    bench.run("import", ".claude/agents")
    bench.run("--all")
    run = bench.run("import", ".claude/agents")
    assert (run.status, run.stdout) == (0, "kept agents/rev.toml\nunchanged agents/rev.toml\n")
    assert "\n1 agent; 1 note\n" in run.stderr
    assert "My Rev.md:1:1: note[I910] the agent's file will be `.claude/agents/rev.md`" in run.stderr
    assert "help: once `.claude/agents/rev.md` is there, delete this one" in run.stderr
    assert [path for path in bench.files() if path.startswith("agents/")] == ["agents/rev.toml"]
    bench.write({"agents/rev.toml": bench.read("agents/rev.toml").replace("Reviews", "Checks")})
    run = bench.run("import", ".claude/agents")
    assert (run.status, run.stdout) == (1, "kept agents/rev.toml\nforeign agents/rev.toml\n")


def test_a_linked_folder_of_agents_is_known(bench: Workbench) -> None:
    bench.write({"shared/.keep": "", ".claude/.keep": ""})
    (bench.folder / ".claude" / "agents").symlink_to("../shared")
    bench.write({".claude/agents/a.md": _agent("a")})
    _follow(bench, bench.run("import", ".claude/agents"))
    assert bench.run("import", ".claude/agents").stdout == "kept agents/a.toml\n"


def test_a_copy_under_another_name_is_an_agent_to_import(kit: Workbench) -> None:
    kit.write({".claude/agents/b.md": kit.read(".claude/agents/a.md").replace("name: a", "name: b")})
    assert kit.run("import", ".claude/agents").stdout == "kept agents/a.toml\ncreated agents/b.toml\n"


def test_a_file_whose_manifest_is_gone_is_an_agent_to_import(kit: Workbench) -> None:
    (kit.folder / "agents" / "a.toml").unlink()
    assert kit.run("import", ".claude/agents").stdout == "created agents/a.toml\n"
