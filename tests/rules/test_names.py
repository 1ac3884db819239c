"""The names of agents: those that clients have built in, and the forms that a name can have."""

from __future__ import annotations

import pytest
import yaml

from conftest import Workbench
from kei_assembler.targets import TARGETS
from readers import build, findings

BUILT_IN = [
    pytest.param(row.name, name, names.is_harmful, id=f"{row.name}-{name}")
    for row in TARGETS.values()
    for names in row.built_in
    for name in names.names
    if name.islower()
]


def _agent(bench: Workbench, name: str, target: str, more: str = "") -> None:
    bench.write({"assemble.toml": f'targets = ["{target}"]\n'})
    manifest = f'name = "{name}"\ndescription = "Reviews code."\nrole = "You review code."\n{more}'
    bench.write({f"agents/{name}.toml": manifest})


@pytest.mark.parametrize(("target", "name", "is_harmful"), BUILT_IN)
def test_a_built_in_name_is_reported(target: str, name: str, is_harmful: bool, bench: Workbench) -> None:
    _agent(bench, name, target)
    (found,) = (one for one in findings(bench) if one.code in ("L806", "L807"))
    assert found.code == ("L806" if is_harmful else "L807")
    assert f"{TARGETS[target].label} has a built-in agent `{name}`, " in found.message


@pytest.mark.parametrize(("target", "name"), [("claude-code", "explore"), ("claude-code", "plan"), ("qwen", "explore")])
def test_a_built_in_name_in_another_case_is_another_name(target: str, name: str, bench: Workbench) -> None:
    _agent(bench, name, target)
    assert not findings(bench)


@pytest.mark.parametrize(
    ("target", "name", "more"),
    [
        ("opencode", "build", 'mode = "primary"'),
        ("opencode", "plan", 'mode = "all"'),
        ("copilot", "code-review", 'target = "vscode"'),
    ],
)
def test_a_built_in_agent_can_be_replaced_on_purpose(target: str, name: str, more: str, bench: Workbench) -> None:
    _agent(bench, name, target, f"[target.{target}]\n{more}\n")
    assert not findings(bench)


def test_clients_with_the_same_built_in_name_are_one_finding(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'targets = ["claude-code", "qwen"]\n'})
    bench.write({"agents/general-purpose.toml": 'name = "general-purpose"\ndescription = "A."\nrole = "You do all."\n'})
    assert [(one.code, one.message) for one in findings(bench)] == [
        ("L807", "Claude Code and Qwen Code have a built-in agent `general-purpose`, which this one replaces")
    ]


NAMES = ["3d", "4.8", "1e5", "0x1f", "2024-01-01", "1_000", "a_b", "dotnet-framework-4.8-expert", "x.toml", "a.md", "7"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_can_begin_with_a_digit_and_hold_dots_and_underscores(name: str, bench: Workbench) -> None:
    _agent(bench, name, "claude-code")
    assert not findings(bench)
    assert bench.run("--all").status == 0
    assert yaml.safe_load(bench.read(f"agents/{name}.md").split("---\n")[1])["name"] == name
    assert bench.run("--all", "--check", "--strict").status == 0
    assert bench.run(f"agents/{name}.toml", "--check").status == 0
    (bench.folder / f"agents/{name}.toml").unlink()
    assert f"deleted agents/{name}.md" in bench.run("--all", "--prune").stdout


@pytest.mark.parametrize("name", [".a", "a.", "a..b", "_a", "-a", "A", "a b", "nul.x", "com1.md", "a/b", "a" * 65])
def test_a_name_that_is_not_safe_as_a_file_name_is_refused(name: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": f'name = "{name}"\ndescription = "A."\n'})
    assert "K106" in {one.code for one in findings(bench)}
    assert bench.run("new", name).status == 2


@pytest.mark.parametrize(
    ("target", "code"), [("qwen", "L801"), ("gemini", "L801"), ("cursor", "L802"), ("copilot", ""), ("opencode", "")]
)
def test_a_client_that_refuses_a_name_is_named(target: str, code: str, bench: Workbench) -> None:
    _agent(bench, "expert-4.8", target)
    assert [one.code for one in findings(bench)] == ([code] if code else [])
    assert all(TARGETS[target].label in one.message for one in findings(bench))


@pytest.mark.parametrize("target", TARGETS)
def test_handoffs_accept_the_same_names(target: str, bench: Workbench) -> None:
    bench.write({"agents/3d_expert.toml": 'name = "3d_expert"\ndescription = "Models."\nrole = "You build models."\n'})
    handoff = '[[handoff]]\ntarget = "3d_expert"\ntrigger = "models"\n'
    assert "- **3d_expert**: models" in build(bench, handoff, [target])[target].body


def test_new_refuses_a_file_name(bench: Workbench) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    run = bench.run("new", "critic.toml")
    assert (run.status, "did you mean `critic`?" in run.stderr) == (2, True)
