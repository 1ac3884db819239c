"""Imported agents keep their subfolders, in the kit and in the generated files."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from conftest import Run, Workbench, examples
from kei_assembler.importing.agent_file import AgentFile, read_agent
from kei_assembler.importing.subfolders import output_in_place, with_subfolders

CODE = re.compile(r" (?:error|warning|note)\[(\w+)\]")


def _agent(name: str, more: str = "") -> str:
    return f"---\nname: {name}\ndescription: Knows {name}.\n---\n\nYou know all about {name}.{more}\n"


def _import(bench: Workbench, files: dict[str, str], *sources: str) -> Run:
    bench.write(files)
    return bench.run("import", *(sources or ("plugins/a/agents", "plugins/b/agents")))


def _follow(bench: Workbench, run: Run) -> None:
    """Run the commands that the import recommends. After them, a check is clean."""
    commands = re.findall(r"then run: assemble (.*?)(?:, which .*)?$", run.stderr, re.MULTILINE)
    assert commands
    assert [bench.run(*shlex.split(command)).status for command in commands] == [0] * len(commands)
    check = bench.run("--all", "--check")
    assert (check.status, "error" in check.stderr) == (0, False)


def _settings(bench: Workbench) -> dict[str, Any]:
    return tomllib.loads(bench.read("assemble.toml"))


def test_agents_of_several_plugins(bench: Workbench) -> None:
    files = {f"plugins/{each}/agents/{each}{each}.md": _agent(2 * each) for each in "ab"}
    run = _import(bench, files)
    assert run.stdout.split()[3::2] == ["agents/a/aa.toml", "agents/b/bb.toml"]
    assert _settings(bench)["target"]["claude-code"]["output"] == "plugins/{subdir}/agents/{name}.md"
    before = set(bench.files())
    _follow(bench, run)
    assert set(bench.files()) == before
    assert bench.read("plugins/a/agents/aa.md").startswith("---\nname: aa\n")


def test_agents_of_one_plugin_need_no_subfolder(bench: Workbench) -> None:
    run = _import(bench, {"plugins/a/agents/x.md": _agent("x")}, "plugins/a/agents")
    assert run.stdout == "created assemble.toml\ncreated agents/x.toml\n"
    assert "target" not in _settings(bench)


def test_agents_with_the_same_name_in_several_plugins(bench: Workbench) -> None:
    files = {f"plugins/{each}/agents/critic.md": _agent("critic", 9 * f" It is {each}.") for each in "ab"}
    files |= {f"plugins/{each}/.claude-plugin/plugin.json": f'{{"name": "{each}"}}' for each in "ab"}
    run = _import(bench, files)
    assert run.stdout.split()[3::2] == ["agents/a/critic.toml", "agents/b/b-critic.toml"]
    assert CODE.findall(run.stderr) == ["I910", "I905"]
    message = "another agent is already named `critic`; this one is imported as `b-critic`"
    assert f"plugins/b/agents/critic.md:2:1: warning[I905] {message}\n" in run.stderr
    _follow(bench, run)
    found = {path: "It is b" in bench.read(path) for path in bench.files() if path.endswith(".md")}
    assert found == {"plugins/a/agents/critic.md": False, "plugins/b/agents/b-critic.md": True}


@pytest.mark.parametrize(
    ("client", "folder", "new"),
    [
        ("opencode", ".opencode/agent", ".opencode/agents"),
        ("opencode", ".opencode/agents", ".opencode/agents"),
        ("claude-code", ".claude/agents", ".claude/agents"),
    ],
)
def test_subfolders_in_the_folder_of_a_client(bench: Workbench, client: str, folder: str, new: str) -> None:
    named = {"claude-code": "name: x\n"}.get(client, "mode: subagent\n")
    run = _import(bench, {f"{folder}/a/b/x.md": f"---\n{named}description: D.\n---\n\nYou.\n"}, ".")
    assert run.stdout.split()[3::2] == ["agents/a/b/x.toml"]
    assert _settings(bench)["target"][client]["output"] == f"{new}/{{subdir}}/{{name}}.md"
    assert ("`a/b/x` is not a valid name for a manifest" in run.stderr) == (client == "opencode")
    _follow(bench, run)
    assert [path for path in bench.files() if path.endswith(".md")] == [f"{new}/a/b/x.md"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".kiro/agents/sub/x.md", "---\ndescription: D.\n---\n\nYou.\n"),  # the client's name has the folder
        (".factory/droids/sub/x.md", _agent("x")),  # the client does not look there
        (".claude/agents/.sub/x.md", _agent("x")),  # the kit would not find the manifest
        (".claude/agents/{name}/x.md", _agent("x")),
    ],
)
def test_a_subfolder_that_cannot_be_kept_is_reported(bench: Workbench, path: str, text: str) -> None:
    run = _import(bench, {path: text}, ".")
    assert [each.count("/") for each in run.stdout.split()[3::2]] == [1]
    assert f"{path}:1:1: note[I910] the agent's file will be " in run.stderr


def test_clients_with_different_subfolders(bench: Workbench) -> None:
    codex = 'name = "x"\ndescription = "Knows x."\ndeveloper_instructions = "You know all about x."\n'
    run = _import(bench, {".claude/agents/team/x.md": _agent("x"), ".codex/agents/x.toml": codex}, ".")
    assert run.stdout.split()[3::2] == ["agents/team/x.toml"]
    _follow(bench, run)
    assert [path for path in bench.files() if path.endswith("/x.md") or path.startswith(".codex")] == [
        *(".claude/agents/team/x.md", ".codex/agents/x.toml")
    ]


def test_the_output_of_a_kit_is_kept(bench: Workbench) -> None:
    settings = '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'
    run = _import(bench, {"assemble.toml": settings, ".claude/agents/team/x.md": _agent("x")}, ".")
    assert run.stdout == "created agents/team/x.toml\n"
    assert "note[I910] the agent's file will be `.claude/agents/x.md`" in run.stderr
    _follow(bench, run)
    assert ".claude/agents/x.md" in bench.files()


def test_a_second_import_of_one_folder(bench: Workbench) -> None:
    _import(bench, {f"plugins/{each}/agents/{each}{each}.md": _agent(2 * each) for each in "ab"})
    run = bench.run("import", "plugins/a/agents")
    assert (run.status, run.stdout) == (0, "")
    assert run.stderr.startswith("1 agent: 1 already imported\n")


def test_one_more_plugin(bench: Workbench) -> None:
    run = _import(bench, {f"plugins/{each}/agents/{each}{each}.md": _agent(2 * each) for each in "ab"})
    _follow(bench, run)
    bench.write({"plugins/c/agents/cc.md": _agent("cc"), "plugins/agents/dd.md": _agent("dd")})
    run = bench.run("import", "plugins/agents", "plugins/c/agents")
    assert run.stdout == "created agents/dd.toml\ncreated agents/c/cc.toml\n"
    _follow(bench, run)


def test_names_below_the_working_directory(bench: Workbench) -> None:
    bench.write({"assemble.toml": "", ".opencode/agents/a/x.md": "---\ndescription: D.\n---\n\nYou.\n"})
    run = bench.run("import", "x.md", cwd=".opencode/agents/a")
    assert "`a/x` is not a valid name for a manifest; the agent is imported as `x`" in run.stderr


STEPS = st.lists(st.sampled_from(["a", "b", "agents", "x.y", ".h"]), max_size=4)


@examples(100, [HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, min_size=1, max_size=5))
def test_in_place_means_in_place(folders: list[list[str]]) -> None:
    files = ["/".join(["kit", *steps, f"n{number}.md"]) for number, steps in enumerate(folders)]
    agents = [_read(file) for file in files]
    found = with_subfolders(agents, None)
    if pattern := output_in_place(found):
        outputs = [pattern.format(subdir=each.subfolder, name=f"n{at}") for at, each in enumerate(found)]
        assert [output.replace("//", "/") for output in outputs] == [file.removeprefix("kit/") for file in files]


def _read(file: str) -> AgentFile:
    agent, _ = read_agent(file, _agent("x").encode(), "claude-code")
    assert agent
    return agent._replace(kit_path=file.removeprefix("kit/"))
