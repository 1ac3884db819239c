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
    verb = "have" if target == "copilot" else "has"
    assert f"{TARGETS[target].label} {verb} a built-in agent `{name}`, " in found.message


@pytest.mark.parametrize("name", [" Code", "Code\\t", "", "  ", "a\\nb", "x" * 257])
def test_a_display_name_that_is_not_a_name_is_one_error(name: str, bench: Workbench) -> None:
    _agent(bench, "aa", "qwen", f'display-name = "{name}"\n')
    assert len(findings(bench)) == 1


@pytest.mark.parametrize("name", ["System", "MODEL"])
def test_a_reserved_name_in_another_case_is_reserved_too(name: str, bench: Workbench) -> None:
    _agent(bench, "aa", "qwen", f'display-name = "{name}"\n')
    assert [one.code for one in findings(bench)] == ["K129"]


@pytest.mark.parametrize(("target", "name"), [("claude-code", "explore"), ("claude-code", "plan")])
def test_a_built_in_name_in_another_case_is_another_name(target: str, name: str, bench: Workbench) -> None:
    _agent(bench, name, target)
    assert not findings(bench)


def test_a_client_that_ignores_case_has_the_built_in_name_in_any_case(bench: Workbench) -> None:
    _agent(bench, "explore", "qwen")
    assert [one.code for one in findings(bench)] == ["L807"]
    _agent(bench, "explore", "qwen", 'display-name = "EXPLORE"\n')
    (found,) = findings(bench)
    assert (found.code, found.message[:46]) == ("L807", "Qwen Code has a built-in agent `Explore`, whic")


def test_reserved_names_are_reserved_in_any_case(bench: Workbench) -> None:
    _agent(bench, "main", "qwen")
    assert [one.message for one in findings(bench)] == ["the name `main` is reserved by Qwen Code"]
    _agent(bench, "tester", "qwen", 'display-name = "Main"\n')
    (bench.folder / "agents/main.toml").unlink()
    assert [one.code for one in findings(bench)] == ["K129"]


def test_cursor_never_loads_one_name(bench: Workbench) -> None:
    _agent(bench, "claude-code-tutor", "cursor")
    assert [one.code for one in findings(bench)] == ["L801"]


@pytest.mark.parametrize(
    ("target", "name", "more"),
    [
        ("opencode", "build", 'mode = "primary"'),
        ("opencode", "plan", 'mode = "all"'),
        ("kilo", "debug", 'mode = "primary"'),
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


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "kimi"])  # it accepts no `_`
def test_handoffs_accept_the_same_names(target: str, bench: Workbench) -> None:
    bench.write({"agents/3d_expert.toml": 'name = "3d_expert"\ndescription = "Models."\nrole = "You build models."\n'})
    handoff = '[[handoff]]\ntarget = "3d_expert"\ntrigger = "models"\n'
    assert "- **3d_expert**: models" in build(bench, handoff, [target])[target].body


def test_new_refuses_a_file_name(bench: Workbench) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    run = bench.run("new", "critic.toml")
    assert (run.status, "did you mean `critic`?" in run.stderr) == (2, True)


DISPLAYED = 'display-name = "Code Reviewer"\n'
ACCEPTS = dict.fromkeys(("claude-code", "copilot", "opencode", "codex", "grok", "goose", "cline", "pi"), "name")
ACCEPTS |= {"gemini": "display_name", "kilo": "displayName", "vibe": "display_name"}
NAMED_BY_FILE = ("opencode", "kilo", "kiro", "vibe")


@pytest.mark.parametrize("target", TARGETS)
def test_a_display_name_is_written_where_the_client_accepts_it(target: str, bench: Workbench) -> None:
    file = build(bench, DISPLAYED, [target])[target]
    codes = [one.code for one in findings(bench, "--target", target)]
    if target in ACCEPTS:
        assert (file.values[ACCEPTS[target]], codes) == ("Code Reviewer", [])
    else:
        assert (file.values.get("name", "critic"), codes) == ("critic", ["K129"])
    assert bench.run("--all", "--check", "--target", target).status == 0


@pytest.mark.parametrize("target", TARGETS)
def test_without_a_display_name_the_front_matter_is_as_before(target: str, bench: Workbench) -> None:
    values = build(bench, "", [target])[target].values
    shown = {"display_name", "displayName"}.intersection(values)
    assert (shown, values.get("name")) == (set(), None if target in NAMED_BY_FILE else "critic")


@pytest.mark.parametrize(
    ("target", "name", "is_accepted"),
    [
        ("claude-code", "Prüfer #1 (senior), 'x' & \"y\"", True),
        ("claude-code", "a: b", False),
        ("claude-code", "-x", False),
        ("claude-code", "x" * 256, True),
        ("claude-code", "a\uff1a b", False),
        ("codex", "Prüfer: Ops & Co/x", True),
        ("opencode", "a*b", False),
        ("opencode", "Prüfer", True),
        ("qwen", "CodeReviewer", True),
        ("qwen", "Prüferß", True),
        ("qwen", "_x", False),
        ("qwen", "System", False),
        ("qwen", "x", False),
        ("qwen", "x" * 51, False),
        ("cursor", "code-reviewer", True),
        ("gemini", "Ops: Lead", True),
        ("pi", "Prüfer: \"Ops\" & 'Co'/x", True),
        ("pi", "claude-code", False),
        ("vibe", "Ops: Lead", True),
        ("cline", "Prüfer: Ops & Co/x", True),
    ],
)
def test_each_client_has_its_own_rule_for_display_names(
    target: str, name: str, is_accepted: bool, bench: Workbench
) -> None:
    text = name.replace('"', '\\"')
    values = build(bench, f'display-name = "{text}"\n', [target])[target].values
    assert (name in values.values()) is is_accepted
    found = [one for one in findings(bench, "--target", target) if one.code == "K129"]
    assert [TARGETS[target].label in one.message for one in found] == [True] * (not is_accepted)


@pytest.mark.parametrize("text", ["a\\nb", " ", "x" * 257, "a\\u200bb"])
def test_a_display_name_is_one_line_without_hidden_text(text: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'name = "critic"\ndescription = "A."\ndisplay-name = "{text}"\n'})
    assert bench.run("--all", "--check").status == 1
    assert any(one.line == 3 for one in findings(bench))


@pytest.mark.parametrize("target", TARGETS)
def test_handoffs_and_tools_name_what_the_client_calls(target: str, bench: Workbench) -> None:
    other = 'name = "tester-2"\ndisplay-name = "Chief Tester"\ndescription = "Tests."\nrole = "You test code."\n'
    bench.write({"agents/tester-2.toml": other})
    manifest = 'tools = ["Read", "Agent(tester-2, a)"]\n[[handoff]]\ntarget = "tester-2"\ntrigger = "tests"\n'
    file = build(bench, manifest, [target])[target]
    is_called = ACCEPTS.get(target) == "name"
    name, other_name = ("Chief Tester", "tester-2")[:: 1 if is_called else -1]
    assert f"- **{name}**: tests" in file.body
    assert f"**Out (hand off):** `{name}`" in file.body
    assert other_name not in f"{file.values}{file.body}"
    written = {"claude-code": f"Agent({name}, a)", "copilot": f"'{name}', 'a'", "opencode": f"'{name}': 'allow'"}
    assert written.get(target, "") in f"{file.values}"


def test_one_build_and_all_builds_agree_about_display_names(bench: Workbench) -> None:
    handoff = '[[handoff]]\ntarget = "{}"\ntrigger = "x"\n'
    agents = {name: f'name = "{name}"\ndisplay-name = "The {name}"\ndescription = "A."\n' for name in ("a", "b", "z")}
    bench.write(
        {f"agents/{name}.toml": text + handoff.format("abz"["abz".index(name) - 1]) for name, text in agents.items()}
    )
    for name in agents:
        assert bench.run(f"agents/{name}.toml").status == 0
    assert bench.run("--all", "--check").status == 0
    assert "**The z**" in bench.read("agents/a.md")
    bench.write({"agents/z.toml": agents["z"].replace("The z", "Last One") + handoff.format("b")})
    assert bench.run("--all", "--check").status == 1
    assert bench.run("--all").status == 0
    assert "**Last One**" in bench.read("agents/a.md")


def test_two_agents_that_a_client_cannot_tell_apart_are_an_error(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'targets = ["claude-code", "gemini"]\n'})
    bench.write({"agents/a.toml": 'name = "a"\ndisplay-name = "b"\ndescription = "A."\nrole = "A."\n'})
    bench.write({"agents/b.toml": 'name = "b"\ndescription = "B."\nrole = "B."\n'})
    assert [(one.code, one.message) for one in findings(bench)] == [
        ("O626", "this agent has the name `b`, like that of agents/a.toml; only one is loaded in Claude Code")
    ]
    bench.write({"assemble.toml": 'targets = ["gemini"]\n'})
    assert findings(bench) == []


def test_a_built_in_name_counts_as_the_client_sees_it(bench: Workbench) -> None:
    _agent(bench, "scout", "claude-code", 'display-name = "Explore"\n')
    assert [(one.code, one.line) for one in findings(bench)] == [("L807", 4)]
    _agent(bench, "general-purpose", "claude-code", 'display-name = "All Rounder"\n')
    assert [one.code for one in findings(bench) if "general" in one.file] == []


def test_a_name_that_the_client_does_not_see_has_no_limits(bench: Workbench) -> None:
    _agent(bench, "expert-4.8", "qwen", 'display-name = "Expert48"\n')
    assert findings(bench) == []


def test_limit_agents_never_splits_a_display_name(bench: Workbench) -> None:
    other = 'name = "tester"\ndisplay-name = "Tester, Critic (all)"\ndescription = "Tests."\n'
    settings = 'ignore = ["O627"]\n[target.claude-code]\nlimit-agents = true\n'
    bench.write({"agents/tester.toml": other, "assemble.toml": settings})
    handoff = '[[handoff]]\ntarget = "tester"\ntrigger = "x"\n'
    bench.write({"agents/a.toml": f'name = "a"\ndescription = "A."\ntools = ["Read", "Agent"]\n{handoff}'})
    assert [one.code for one in findings(bench)] == ["K131"]
    assert "tools: Read\n" in bench.read("agents/a.md")


@pytest.mark.parametrize("name", ['nmae = "critic"', 'name = "critique"'])
def test_a_manifest_without_a_valid_name_can_have_a_model_that_some_clients_do_not_get(
    name: str, bench: Workbench
) -> None:
    bench.write({"assemble.toml": 'targets = ["claude-code", "opencode"]\n'})
    bench.write(
        {"agents/critic.toml": f'{name}\ndescription = "Reviews code."\nrole = "You review."\nmodel = "opus"\n'}
    )
    assert [one.code for one in findings(bench) if one.code != "O609"] == ["K101" if "nmae" in name else "K107"]
