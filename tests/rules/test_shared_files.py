"""Clients that read each other's folders: agents shown twice, served by a foreign file, or with other tools there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import Workbench
from readers import diagnostics

OUTPUT = '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'
CODES = ("O640", "O630", "O631", "O632", "O633")


def _manifest(name: str = "critic", rest: str = "") -> dict[str, str]:
    return {f"agents/{name}.toml": f'name = "{name}"\ndescription = "Works."\nrole = "You work with care."\n{rest}'}


def _found(bench: Workbench, *args: str) -> list[dict[str, Any]]:
    return diagnostics(bench, *args, codes=CODES)


def _codes(bench: Workbench, *args: str) -> list[str]:
    return [one["code"] for one in _found(bench, *args)]


def _settings(bench: Workbench, targets: str, more: str = "") -> None:
    bench.write({"assemble.toml": f"targets = {json.dumps(targets.split())}\n{OUTPUT}{more}"})


def test_one_note_says_that_agents_are_shown_twice(bench: Workbench) -> None:
    _settings(bench, "claude-code copilot")
    for name in "abc":
        bench.write(_manifest(name))
    (note,) = _found(bench)
    assert (note["code"], note["severity"], note["file"]) == ("O630", "note", "agents/a.toml")
    assert note["message"] == ("VS Code shows 3 agents such as this one twice, because it also reads `.claude/agents`")
    assert '"chat.agentFilesLocations": { ".claude/agents": false }' in note["help"]
    assert _codes(bench, "agents/b.toml") == ["O630"]
    bench.write({"assemble.toml": f'ignore = ["O630"]\n{bench.read("assemble.toml")}'})
    assert _codes(bench) == []


def test_the_note_goes_away_if_the_settings_turn_the_folder_off(bench: Workbench) -> None:
    _settings(bench, "claude-code copilot")
    bench.write(_manifest() | {".vscode/settings.json": '{ "chat.agentFilesLocations": { ".claude/agents": true } }'})
    assert _codes(bench) == ["O630"]
    bench.write({".vscode/settings.json": '{ "chat.agentFilesLocations": {\n  ".claude/agents" : false } }'})
    assert _codes(bench) == []


@pytest.mark.parametrize(
    ("settings", "is_off"),
    [
        ('{ // mine\n "chat.agentFilesLocations": { "./.claude/agents/": false, }, /* x */ }', True),
        ('\ufeff{"a": "// \\" ,}", "chat.agentFilesLocations": {".claude/agents": false}}', True),
        ('{ // "chat.agentFilesLocations": { ".claude/agents": false }\n}', False),
        ('{ "files.exclude": { ".claude/agents": false } }', False),
        ('{ "chat.agentFilesLocations": { ".claude/agents": false', False),
        ('{ "chat.agentFilesLocations": [".claude/agents"] }', False),
        ("[]", False),
        ("[" * 100_000, False),
    ],
)
def test_the_settings_are_json_with_comments(settings: str, is_off: bool, bench: Workbench) -> None:
    _settings(bench, "claude-code copilot")
    bench.write(_manifest() | {".vscode/settings.json": settings})
    assert _codes(bench) == ([] if is_off else ["O630"])


def test_an_agent_that_vscode_does_not_load_is_not_shown_twice(bench: Workbench) -> None:
    _settings(bench, "claude-code copilot")
    bench.write(_manifest(rest='[target.copilot]\ntarget = "github-copilot"\n'))
    assert _codes(bench) == []


BY_HAND = {".claude/agents/x.md": "---\nname: critic\ndescription: By hand.\n---\nYou review.\n"}


def test_a_file_that_somebody_wrote_for_another_client_is_shown_beside_the_agent(bench: Workbench) -> None:
    _settings(bench, "copilot")
    bench.write(_manifest() | BY_HAND)
    (note,) = _found(bench)
    assert (note["code"], note["file"], note["line"]) == ("O640", ".claude/agents/x.md", 2)
    assert (
        note["message"] == "VS Code shows `critic` twice: this file, and the generated `.github/agents/critic.agent.md`"
    )
    assert _codes(bench, "agents/critic.toml", "--check") == ["O640"]
    bench.write({".vscode/settings.json": '{ "chat.agentFilesLocations": { ".claude/agents": false } }'})
    assert _codes(bench) == []


@pytest.mark.parametrize(
    ("targets", "rest", "files"),
    [
        ("cursor", "", BY_HAND),
        ("copilot", '[target.copilot]\ntarget = "github-copilot"\n', BY_HAND),
        (
            "copilot",
            "",
            {".claude/agents/critic.md": "---\nname: other\n---\n", "out/x.md": BY_HAND[".claude/agents/x.md"]},
        ),
    ],
)
def test_other_files_are_not_shown_beside_the_agent(
    targets: str, rest: str, files: dict[str, str], bench: Workbench
) -> None:
    _settings(bench, targets)
    bench.write(_manifest(rest=rest) | files)
    assert _codes(bench) == []


def test_an_agent_of_two_names_is_shown_twice(bench: Workbench) -> None:
    _settings(bench, "claude-code cursor")
    bench.write(_manifest(rest='display-name = "Code Critic"\n'))
    (note,) = _found(bench)
    assert note["message"] == "Cursor shows this agent twice, because it has another name in `.claude/agents`"
    assert note["line"] == 4
    bench.write(_manifest(rest='display-name = "code-critic"\n'))
    assert _codes(bench) == []


@pytest.mark.parametrize("targets", ["claude-code", "copilot", "claude-code cursor", "copilot cursor codex gemini"])
def test_other_kits_show_no_agent_twice(targets: str, bench: Workbench) -> None:
    _settings(bench, targets)
    bench.write(_manifest())
    assert _codes(bench) == []


def test_files_that_are_not_in_the_shared_folder_are_not_shown_twice(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'targets = ["claude-code", "copilot"]\n'} | _manifest())
    assert _codes(bench) == []


@pytest.mark.parametrize("client", ["copilot", "cursor"])
def test_an_agent_that_is_left_out_is_served_by_the_foreign_file(client: str, bench: Workbench) -> None:
    _settings(bench, f"claude-code {client}")
    bench.write({"assemble.toml": f'ignore = ["O630"]\n{bench.read("assemble.toml")}'})
    for name in "ab":
        bench.write(_manifest(name, 'tools = ["Read", "Edit", "Task"]\ntargets = ["claude-code"]\n'))
    bench.write(_manifest("own"))
    (note,) = _found(bench)
    assert (note["code"], note["severity"], note["file"], note["line"]) == ("O631", "note", "agents/a.toml", 5)
    assert "2 agents" in note["message"]
    assert f"add `{client}`" in note["help"]
    assert _codes(bench, "--all", "--target", "claude-code") == []


def test_a_client_that_the_kit_does_not_build_for_is_not_mentioned(bench: Workbench) -> None:
    _settings(bench, "claude-code gemini codex")
    bench.write(_manifest(rest='targets = ["claude-code"]\ntools = ["mcp__a__b"]\n'))
    assert _codes(bench) == []


LOST = {
    ("copilot", 'tools = ["mcp__a__b"]'): "`mcp__a__b`, so the agent has no tool there",
    ("copilot", 'tools = ["Read", "mcp__a"]'): "`mcp__a`, which the agent then lacks",
    ("copilot", 'tools = ["Read", "Skill"]'): "`Skill`, which",
    ("copilot", 'tools = ["Bash(git:*)", "LSP"]'): "`Bash(git:*)` and `LSP`, so the agent has no tool",
    ("cursor", 'tools = ["Read", "Bash(git:*)"]'): "`Bash(git:*)`, which",
    ("copilot", '[target.claude-code]\ndisallowedTools = ["Bash"]'): "`disallowedTools`: the agent has these tools",
    ("cursor", '[target.claude-code]\ndisallowedTools = ["Bash"]'): "`disallowedTools`: the agent has these tools",
    ("auggie", 'tools = ["Read", "Bash"]'): "`Read` and `Bash`, so the agent has no tool there",
    ("auggie", 'tools = ["mcp__a__b"]'): "`mcp__a__b`, so the agent has no tool there",
    ("auggie", '[target.claude-code]\ndisallowedTools = ["Bash"]'): "`disallowedTools`: the agent has these tools",
    ("cursor", '[target.claude-code]\npermissionMode = "plan"'): "`permissionMode`: the agent asks",
}


@pytest.mark.parametrize("case", LOST, ids=lambda case: case[1][-30:])
def test_what_limits_an_agent_and_is_lost_is_a_warning(case: tuple[str, str], bench: Workbench) -> None:
    client, rest = case
    _settings(bench, f"claude-code {client}")
    bench.write(_manifest(rest=f'targets = ["claude-code"]\n{rest}\n'))
    (warning,) = _found(bench)
    assert (warning["code"], warning["severity"]) == ("O632", "warning")
    assert LOST[case] in warning["message"]
    assert _found(bench, "agents/critic.toml") == [warning]
    bench.write(_manifest(rest=f"{rest}\n"))  # its own file wins
    assert "O632" not in _codes(bench)


@pytest.mark.parametrize("rest", ['tools = ["Read", "mcp__a__b"]', "", 'tools = ["*"]', 'tools = ["Read", "Skill"]'])
def test_cursor_understands_claude_s_names(rest: str, bench: Workbench) -> None:
    _settings(bench, "claude-code cursor")
    bench.write(_manifest(rest=f'targets = ["claude-code"]\n{rest}\n'))
    assert _codes(bench) == ["O631"]


@pytest.mark.parametrize("rest", ["", 'tools = ["*"]'])
def test_auggie_also_finds_the_agents_that_have_all_tools(rest: str, bench: Workbench) -> None:
    _settings(bench, "claude-code auggie")
    bench.write(_manifest(rest=f'targets = ["claude-code"]\n{rest}\n'))
    (note,) = _found(bench)
    assert (note["code"], note["help"]) == ("O631", "to give it a file of its own, add `auggie`")
    assert "because it reads `.claude/agents`" in note["message"]


@pytest.mark.parametrize(
    ("name", "is_twice"), [("", False), ("Code Reviewer", False), ("Code-Reviewer", True), ("critic", False)]
)
def test_auggie_compares_the_agent_s_name_with_file_names(name: str, is_twice: bool, bench: Workbench) -> None:
    _settings(bench, "claude-code auggie")
    bench.write(_manifest(rest=f'display-name = "{name}"\n' if name else ""))
    found = _found(bench)
    assert [one["code"] for one in found] == ["O630"] * is_twice
    for one in found:
        assert "because the file has another name in `.claude/agents`" in one["message"]
        assert one["help"].startswith("remove it, which Auggie compares with file names; or set `use-files-of")


def test_one_file_can_serve_both_clients(bench: Workbench) -> None:
    _settings(bench, "claude-code copilot", '[target.copilot]\nuse-files-of = "claude-code"\n')
    bench.write(_manifest() | _manifest("alone", 'targets = ["copilot"]\n'))
    assert _codes(bench) == []
    assert sorted(path.name for path in bench.folder.rglob("*.md")) == ["alone.agent.md", "critic.md"]
    assert bench.run("--all", "--check").status == 0


def test_what_one_file_cannot_say_for_the_other_client_is_reported(bench: Workbench) -> None:
    _settings(bench, "claude-code copilot", '[target.copilot]\nuse-files-of = "claude-code"\n')
    bench.write(_manifest(rest='tools = ["Read", "mcp__a__b"]\n[target.copilot]\nargument-hint = "x"\n'))
    found = {one["code"]: one for one in _found(bench)}
    assert found.keys() == {"O632", "O633"}
    assert "remove `use-files-of` from `[target.copilot]`" in found["O632"]["help"]
    assert found["O633"]["line"] == 5


def test_files_from_before_the_setting_are_orphans(bench: Workbench) -> None:
    _settings(bench, "claude-code copilot")
    bench.write(_manifest())
    bench.run("--all")
    _settings(bench, "claude-code copilot", '[target.copilot]\nuse-files-of = "claude-code"\n')
    assert bench.run("--all").status == 1
    assert bench.run("--all", "--prune").status == 0
    assert not list(bench.folder.rglob("*.agent.md"))


@pytest.mark.parametrize(
    ("description", "hint"),
    [
        ("Reviews: code", "rephrase it, or set `plain-descriptions = true` in `[target.cursor]` of the settings"),
        ("- reviews: code", "rephrase it"),
        ("[x] reviews", "rephrase it"),
    ],
)
def test_the_hint_names_the_setting_only_if_it_helps(description: str, hint: str, bench: Workbench) -> None:
    _settings(bench, "cursor")
    bench.write(_manifest())
    bench.write({"agents/critic.toml": bench.read("agents/critic.toml").replace("Works.", description)})
    run = bench.run("--all", "--output-format", "json")
    assert [one["help"] for one in json.loads(run.stdout)["diagnostics"] if one["code"] == "O629"] == [hint]


ALL_TOOLS = "so the agent has all tools there"


@pytest.mark.parametrize(
    ("targets", "served", "tools", "effect"),
    [
        ("claude-code", "grok", ["Read", "Bash(git:*)"], f"does not understand `Bash(git:*)`, {ALL_TOOLS}"),
        ("claude-code", "grok", ["Read", "mcp__s"], ""),
        ("claude-code", "goose", ["Read"], f"ignores `tools`, {ALL_TOOLS}"),
        ("claude-code", "goose", ["*"], ""),
        ("grok", "cursor", ["Read", "WebFetch"], "does not understand `WebFetch`, which the agent then lacks"),
    ],
)
def test_what_limits_an_agent_is_lost_in_another_clients_folder(
    targets: str, served: str, tools: list[str], effect: str, bench: Workbench
) -> None:
    _settings(bench, f"{targets} {served}")
    bench.write(_manifest(rest=f"tools = {json.dumps(tools)}\ntargets = {json.dumps([targets])}\n"))
    (found,) = _found(bench)
    assert found["code"] == ("O632" if effect else "O631")
    assert found["message"].endswith(effect and f"/agents`, where it {effect}")
