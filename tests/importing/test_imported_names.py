"""A manifest is named after its file if its client's name is not one for manifests, and other agents still find it."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
import yaml

from conftest import Run, Workbench

FOLDER, COPILOT = ".claude/agents", ".github/agents"
CODE = re.compile(r" (?:error|warning|note)\[(\w+)\]")


def _agent(name: str, more: str = "", body: str = "You review all of the code.") -> str:
    return f"---\nname: {name}\ndescription: D.\n{more}---\n\n{body}\n"


def _manifest(bench: Workbench, name: str) -> dict[str, Any]:
    return tomllib.loads(bench.read(f"agents/{name}.toml"))


def _front(bench: Workbench, path: str) -> Any:
    return yaml.safe_load(bench.read(path).split("---\n")[1])


def _import(bench: Workbench, files: dict[str, str]) -> Run:
    bench.write(files)
    run = bench.run("import", ".")
    assert run.status == 0, run.stderr
    return run


@pytest.mark.parametrize("name", ["Code Critic", "critic", "CRITIC"])
def test_a_file_for_copilot_keeps_its_path_and_its_name(name: str, bench: Workbench) -> None:
    path = f"{COPILOT}/review.agent.md"
    run = _import(bench, {path: _agent(name)})
    assert CODE.findall(run.stderr) == []
    assert bench.run("--all", "--force").stdout == f"overwrote {path}\n"
    assert _front(bench, path)["name"] == name
    assert bench.run("--all", "--check").status == 0


def test_references_use_the_names_of_the_client(bench: Workbench) -> None:
    handoffs = "agents: [Code Critic, other]\nhandoffs:\n- label: Review\n  agent: Code Critic\n  prompt: Review it.\n"
    _import(
        bench, {f"{COPILOT}/review.agent.md": _agent("Code Critic"), f"{COPILOT}/write.agent.md": _agent("W", handoffs)}
    )
    own = _manifest(bench, "write")["target"]["copilot"]
    assert (own["agents"], own["handoffs"][0]["agent"]) == (["Code Critic", "other"], "Code Critic")


def test_references_to_a_renamed_agent_are_updated(bench: Workbench) -> None:
    handoffs = "agents: [Code Critic, other]\nhandoffs:\n- label: Review\n  agent: Code Critic\n  prompt: Review it.\n"
    files = {f"{COPILOT}/critic.agent.md": _agent("Code Critic"), f"{FOLDER}/critic.md": _agent("critic")}
    run = _import(bench, {**files, f"{COPILOT}/write.agent.md": _agent("Writer", handoffs, "You write.")})
    assert "[I905] `Code Critic` will be called `critic`, as in the other clients" in run.stderr
    own = _manifest(bench, "write")["target"]["copilot"]
    assert (own["agents"], own["handoffs"][0]["agent"]) == (["critic", "other"], "critic")
    assert "[I912]" not in run.stderr


def test_scopes_have_the_names_of_manifests(bench: Workbench) -> None:
    files = {
        f"{FOLDER}/review.md": _agent("Code Critic"),
        f"{FOLDER}/write.md": _agent("write", "tools: Read, Agent(Code Critic, x)\n"),
    }
    _import(bench, files)
    assert _manifest(bench, "write")["tools"] == ["Read", "Agent(review, x)"]
    bench.run("--all", "--force")
    assert _front(bench, f"{FOLDER}/write.md")["tools"] == ["Read", "Agent(Code Critic, x)"]


def test_agents_that_want_the_same_name_are_told_apart_by_their_files(bench: Workbench) -> None:
    run = _import(bench, {f"{FOLDER}/{file}.md": _agent("critic", body=f"You are {file}.") for file in ("one", "two")})
    assert sorted(path for path in bench.files() if path.startswith("agents")) == [
        "agents/critic.toml",
        "agents/two.toml",
    ]
    assert (
        f"{FOLDER}/two.md:2:1: warning[I905] another agent is already named `critic`; this one is imported as `two`"
        in run.stderr
    )


def test_two_files_of_one_name_in_different_folders_are_told_apart_by_these(bench: Workbench) -> None:
    _import(bench, {f"{FOLDER}/{folder}/x.md": _agent(f"The {folder}", body=f"You {folder}.") for folder in "ab"})
    shown = {name: _manifest(bench, name)["display-name"] for name in ("a/x", "b/b-x")}
    assert shown == {"a/x": "The a", "b/b-x": "The b"}


def test_copies_with_other_file_names_are_one_agent(bench: Workbench) -> None:
    run = _import(bench, {f"{FOLDER}/{file}.md": _agent("Code Critic") for file in "ab"})
    assert (run.stdout.split()[3::2], CODE.findall(run.stderr)) == (["agents/a.toml"], ["I910", "I923"])


def test_copies_that_are_named_by_their_files_are_several_agents(bench: Workbench) -> None:
    text = "---\ndescription: D.\n---\nYou review.\n"
    run = _import(bench, {f".opencode/agents/{file}.md": text for file in "ab"})
    assert run.stdout.split()[3::2] == ["agents/a.toml", "agents/b.toml"]
