"""Where outputs are placed: clients that do not load them there, and keys that they ignore in a plugin."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import Workbench
from kei_assembler.targets import TARGETS
from readers import diagnostics

CRITIC = 'name = "critic"\ndescription = "Reviews code."\nrole = "You review code, and report what you find."\n'


def _found(bench: Workbench, *args: str) -> list[dict[str, Any]]:
    return diagnostics(bench, *args, codes=("O627", "O628"))


def _codes(bench: Workbench, *args: str) -> list[str]:
    return [one["code"] for one in _found(bench, *args)]


@pytest.mark.usefixtures("with_note_about_default_outputs")
def test_a_note_says_that_the_default_output_is_not_loaded(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": CRITIC, "agents/tester.toml": CRITIC.replace("critic", "tester")})
    for args in (["--all"], ["agents/critic.toml"], ["--all", "--check"], ["--all", "--diff"]):
        (note,) = _found(bench, *args)
        assert (
            note["message"]
            == "Claude Code looks for agents in `.claude/agents`, so it does not load `agents/critic.md`"
        )
        assert 'set `output = ".claude/agents/{name}.md"` in `[target.claude-code]`' in note["help"]
    bench.write({"assemble.toml": 'ignore = ["O627"]\n'})
    assert _codes(bench) == []


@pytest.mark.usefixtures("with_note_about_default_outputs")
def test_the_hint_leads_to_a_kit_whose_files_are_loaded(bench: Workbench) -> None:
    bench.write({"kit/assemble.toml": 'root = ".."\n', "kit/agents/critic.toml": CRITIC})
    (note,) = _found(bench, "--kit", "kit", "--all")
    assert '`output = "../.claude/agents/{name}.md"`' in note["help"]
    bench.write({"kit/assemble.toml": 'root = ".."\n[target.claude-code]\noutput = "../.claude/agents/{name}.md"\n'})
    assert _codes(bench, "--kit", "kit", "--all") == []


@pytest.mark.usefixtures("with_note_about_default_outputs")
@pytest.mark.parametrize("target", [name for name, row in TARGETS.items() if "{dir}" not in row.output])
def test_every_other_default_output_is_loaded(target: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{CRITIC}targets = ["{target}"]\n'})
    assert _codes(bench) == []


NOT_LOADED = {
    "claude-code": ["out/{name}.md", ".claude/{name}.md", ".claude/agents/{name}.txt", ".github/agents/{name}.md"],
    "copilot": ["out/{name}.agent.md", ".github/{name}.agent.md", ".cursor/agents/{name}.md"],
    "cursor": ["agents/{name}.md", ".cursor/rules/{name}.mdc"],
    "opencode": ["out/{name}.md", ".opencode/{name}.md"],
    "kilo": ["out/{name}.md", ".kilo/{name}.md", ".opencode/agents/{name}.md"],
    "droid": ["out/{name}.md", ".factory/droids/sub/{name}.md"],
    "auggie": ["out/{name}.md", ".augment/agents/.{name}.md", ".augment/agents/.sub/{name}.md"],
    "gemini": ["out/{name}.md", ".gemini/agents/sub/{name}.md", ".gemini/agents/_{name}.md"],
    "codex": ["out/{name}.toml", ".codex/agents/{name}.md"],
    "qwen": ["out/{name}.md", ".qwen/agents/sub/{name}.md"],
    "kimi": ["out/{name}.md", ".kimi/agents/{name}.md", ".kimi-code/agents/.drafts/{name}.md"],
    "grok": ["out/{name}.md", ".grok/agents/sub/{name}.md"],
    "kiro": ["out/{name}.md", ".kiro/steering/{name}.md"],
    "goose": ["out/{name}.md", ".goose/agents/sub/{name}.md"],
    "junie": ["out/{name}.md", ".junie/agents/sub/{name}.md"],
    "devin": ["out/{name}/AGENT.md", ".devin/agents/{name}.md"],
    "vibe": ["out/{name}.toml", ".vibe/agents/{name}.md", ".vibe/agents/sub/{name}.toml"],
    "pi": ["out/{name}.md", ".pi/{name}.md", ".pi/agents/{name}.chain.md", ".agents/skills/{name}/agent.md"],
    "cline": ["out/{name}.yaml", ".cline/agents/{name}.md", ".cline/agents/sub/{name}.yaml"],
}
LOADED = {
    "claude-code": [".claude/agents/{name}.md", ".claude/agents/sub/.hidden/{name}.md", "app/.claude/agents/{name}.md"],
    "copilot": [".github/agents/{name}.md", ".github/chatmodes/{name}.chatmode.md", ".copilot/agents/{name}.md"],
    "cursor": [".cursor/agents/{name}.mdc", ".cursor/agents/sub/{name}.md"],
    "opencode": [".opencode/agent/{name}.md", ".config/opencode/agents/{name}.md"],
    "kilo": [".kilo/agent/{name}.md", ".kilocode/agents/{name}.md", ".config/kilo/agents/{name}.md"],
    "droid": [".factory/droids/kei-{name}.md"],
    "auggie": [".augment/agents/sub/{name}.txt"],
    "gemini": ["app/.gemini/agents/{name}.md"],
    "codex": [".codex/agents/sub/{name}.toml"],
    "qwen": [".qwen/agents/{name}.md"],
    "kimi": [".kimi-code/agents/team/{name}.md", ".agents/agents/{name}.md"],
    "grok": [".grok/agents/{name}.md", "app/.grok/agents/{name}.md"],
    "kiro": [".kiro/agents/{name}.md"],
    "goose": [".goose/agents/{name}.md", ".agents/agents/{name}.md"],
    "junie": [".junie/agents/{name}.md", ".agents/agents/{name}.md"],
    "devin": [".devin/agents/{name}/AGENT.md", "app/.devin/agents/{name}/AGENT.md"],
    "vibe": ["app/.vibe/agents/{name}.toml"],
    "pi": [".pi/agents/skills/{name}.md", ".agents/{name}.md"],
    "cline": [".cline/agents/{name}.yml", "app/.cline/agents/{name}.yaml"],
}
CASES = [
    (target, output, code)
    for code, outputs in (("O627", NOT_LOADED), ("", LOADED))
    for target in outputs
    for output in outputs[target]
]


def test_every_client_is_tested() -> None:
    assert NOT_LOADED.keys() == LOADED.keys() == TARGETS.keys()


@pytest.mark.parametrize(("target", "output", "code"), CASES)
def test_a_client_loads_the_files_in_its_own_folders(target: str, output: str, code: str, bench: Workbench) -> None:
    settings = f'targets = ["{target}"]\n[target.{target}]\noutput = "{output}"\n'
    bench.write({"assemble.toml": settings, "agents/critic.toml": CRITIC})
    assert _codes(bench) == ([code] if code else [])


def test_there_is_one_note_per_client_at_its_output(bench: Workbench) -> None:
    settings = 'targets = ["claude-code", "codex"]\n[target.claude-code]\noutput = "a/{name}.md"\n'
    settings += '[target.codex]\noutput = "b/{dir}/{name}.toml"\n'
    bench.write({"assemble.toml": settings})
    bench.write({f"agents/{name}.toml": CRITIC.replace("critic", name) for name in ("a", "b", "x/c")})
    bench.write({"agents/x/c.toml": CRITIC.replace("critic", "c")})
    found = _found(bench)
    assert [(one["file"], one["line"]) for one in found] == [("assemble.toml", 3), ("assemble.toml", 5)]


@pytest.mark.usefixtures("with_note_about_default_outputs")
def test_a_linked_folder_and_a_kit_in_the_client_s_folder_are_loaded(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": CRITIC, ".claude/x": "", "home/.claude/agents/critic.toml": CRITIC})
    (bench.folder / ".claude/agents").symlink_to("../agents")
    assert _codes(bench) == []
    assert _codes(bench, "home/.claude/agents/critic.toml") == []


@pytest.mark.usefixtures("with_note_about_default_outputs")
@pytest.mark.parametrize("marker", [".claude-plugin/plugin.json", ".claude-plugin/marketplace.json"])
def test_a_plugin_loads_the_default_output(marker: str, bench: Workbench) -> None:
    bench.write(
        {marker: "{}", "agents/critic.toml": CRITIC, "agents/sub/tester.toml": CRITIC.replace("critic", "tester")}
    )
    assert _codes(bench) == []


@pytest.mark.usefixtures("with_note_about_default_outputs")
def test_a_plugin_loads_other_folders_only_if_it_names_them(bench: Workbench) -> None:
    bench.write({"assemble.toml": '[target.claude-code]\noutput = "out/x/{name}.md"\n', "agents/critic.toml": CRITIC})
    bench.write({".claude-plugin/plugin.json": '{"name": "team"}'})
    assert _codes(bench) == ["O627"]
    bench.write({".claude-plugin/plugin.json": '{"name": "team", "agents": "./out/x/"}'})
    assert _codes(bench) == []


def test_a_marketplace_names_the_folders_of_its_plugins(bench: Workbench) -> None:
    bench.write({"assemble.toml": '[target.claude-code]\noutput = "plugins/a/agents/x/{name}.md"\n'})
    bench.write({"agents/critic.toml": CRITIC, ".claude-plugin/marketplace.json": '{"plugins": []}'})
    assert _codes(bench) == ["O627"]
    bench.write({".claude-plugin/marketplace.json": '{"plugins": [{"name": "a", "source": "./plugins/a"}]}'})
    assert _codes(bench) == []


def test_extensions_of_other_clients_are_loaded(bench: Workbench) -> None:
    settings = 'targets = ["gemini"]\n[target.gemini]\noutput = "ext/agents/{name}.md"\n'
    bench.write({"assemble.toml": settings, "agents/critic.toml": CRITIC})
    assert _codes(bench) == ["O627"]
    bench.write({"ext/gemini-extension.json": "{}"})
    assert _codes(bench) == []


GUARD = '[[target.claude-code.hooks.PreToolUse]]\nhooks = [{ type = "command", command = "./guard" }]\n'
RIGHTS = """\
[[allow-rights]]
agent = "critic"
rights = ["claude-code.hooks", "claude-code.mcpServers", "claude-code.isolation=remote"]
reason = "a test"
"""
IGNORED = {
    "permissionMode": '[target.claude-code]\npermissionMode = "plan"\n',
    "hooks": GUARD,
    "mcpServers": '[target.claude-code]\nmcpServers = ["tracker"]\n',
    "initialPrompt": '[target.claude-code]\ninitialPrompt = "Begin."\n',
    "isolation": '[target.claude-code]\nisolation = "remote"\n',
}


@pytest.mark.parametrize("key", IGNORED)
def test_each_key_that_a_plugin_ignores_is_a_warning(key: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": RIGHTS, "agents/critic.toml": CRITIC + IGNORED[key]})
    assert _codes(bench) == []
    bench.write({".claude-plugin/plugin.json": "{}"})
    (found,) = _found(bench, "agents/critic.toml")
    assert (found["code"], found["severity"], found["line"]) == ("O628", "warning", 4 if key == "hooks" else 5)
    assert f"`{key}`" in found["message"]


def test_the_plugin_can_be_around_the_folder_of_the_outputs(bench: Workbench) -> None:
    settings = f'root = ".."\n[target.claude-code]\noutput = "../plugins/x/agents/{{name}}.md"\n{RIGHTS}'
    bench.write({"kit/assemble.toml": settings, "kit/agents/critic.toml": CRITIC + GUARD})
    bench.write({"plugins/y/.claude-plugin/plugin.json": "{}"})
    assert _codes(bench, "--kit", "kit", "--all") == ["O627"]
    bench.write({"plugins/x/.claude-plugin/plugin.json": "{}"})
    (found,) = _found(bench, "--kit", "kit", "--all")
    assert "`../plugins/x/.claude-plugin/plugin.json`" in found["message"]


def test_the_project_s_own_folder_is_not_part_of_a_plugin(bench: Workbench) -> None:
    settings = f'[target.claude-code]\noutput = ".claude/agents/{{name}}.md"\n{RIGHTS}'
    bench.write({"assemble.toml": settings, "agents/critic.toml": CRITIC + GUARD, ".claude-plugin/plugin.json": "{}"})
    assert _codes(bench) == []


def test_a_worktree_and_other_targets_are_fine_in_a_plugin(bench: Workbench) -> None:
    manifest = f'{CRITIC}targets = ["codex"]\n[target.claude-code]\npermissionMode = "plan"\n'
    bench.write({".claude-plugin/plugin.json": "{}", "agents/critic.toml": manifest})
    bench.write({"agents/b.toml": CRITIC.replace("critic", "b") + '[target.claude-code]\nisolation = "worktree"\n'})
    assert _codes(bench) == []


def test_a_default_that_a_plugin_ignores_is_reported_once_per_manifest(bench: Workbench) -> None:
    bench.write({"assemble.toml": '[defaults.target.claude-code]\npermissionMode = "plan"\n'})
    bench.write({".claude-plugin/plugin.json": "{}", "agents/critic.toml": CRITIC})
    assert _codes(bench) == ["O628"]


CURSOR = 'targets = ["cursor", "claude-code"]\n'
SPECIAL = {
    "Reviews code: correctness first.": "Reviews code – correctness first.",
    "Reviews issue #12 of a repository.": "Reviews issue – 12 of a repository.",
    "Use it for these:": "Use it for these",
    "Scope: #1, then: the rest.\\nUrls as http://x.org:80/#a are fine.": (
        "Scope – 1, then – the rest. Urls as http://x.org:80/#a are fine."
    ),
}


def _quoting(bench: Workbench) -> list[dict[str, Any]]:
    return diagnostics(bench, codes=("O629",))


def _described(name: str, description: str) -> dict[str, str]:
    return {f"agents/{name}.toml": f'name = "{name}"\ndescription = "{description}"\nrole = "You review."\n'}


@pytest.mark.parametrize("text", SPECIAL)
def test_a_description_that_needs_quotes_is_written_without(text: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": CURSOR} | _described("critic", text))
    (note,) = _quoting(bench)
    assert (note["severity"], note["file"], note["line"]) == ("note", "agents/critic.toml", 2)
    written = text.replace("\\n", " ")
    assert f"\ndescription: {written}\n" in bench.read(".cursor/agents/critic.md")


@pytest.mark.parametrize("text", SPECIAL)
def test_a_setting_makes_the_description_plain(text: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": f"{CURSOR}[target.cursor]\nplain-descriptions = true\n"} | _described("critic", text))
    assert _quoting(bench) == []
    assert f"\ndescription: {SPECIAL[text]}\n" in bench.read(".cursor/agents/critic.md")
    assert "–" not in bench.read("agents/critic.md")


def test_there_is_one_note_about_quotes_for_the_whole_kit(bench: Workbench) -> None:
    agents = {f"a{number}": "Reviews: all." for number in range(5)} | {"plain": "Reviews http://x.org:80/#a all."}
    bench.write({"assemble.toml": CURSOR})
    for name, description in agents.items():
        bench.write(_described(name, description))
    (note,) = _quoting(bench)
    assert "as in 4 other agents" in note["message"]
    bench.write({"assemble.toml": f'{CURSOR}ignore = ["O629"]\n'})
    assert _quoting(bench) == []


def test_other_clients_get_quotes_and_no_note(bench: Workbench) -> None:
    bench.write(
        {"assemble.toml": 'targets = ["claude-code", "codex", "qwen"]\n'} | _described("critic", "Reviews: all.")
    )
    assert _quoting(bench) == []


PLUGIN = ".claude-plugin/plugin.json"
MARKET = ".claude-plugin/marketplace.json"
BOSS = 'name = "boss"\ndescription = "Plans."\ntools = ["Read", "Agent(critic, Explore)"]\n'
HANDOFF = '[[handoff]]\ntarget = "critic"\ntrigger = "a review"\n'


@pytest.mark.parametrize(
    ("files", "output", "name"),
    [
        ({PLUGIN: '{"name": "team"}'}, "agents/{name}.md", "team:critic"),
        ({PLUGIN: '{"name": "team"}'}, "agents/sub/deep/{name}.md", "team:sub:deep:critic"),
        ({PLUGIN: '{"name": "team", "agents": ["./prompts"]}'}, "prompts/{name}.md", "team:critic"),
        ({f"p/{PLUGIN}": '{"name": "team"}', PLUGIN: '{"name": "other"}'}, "p/agents/{name}.md", "team:critic"),
        ({MARKET: '{"plugins": [{"name": "team", "source": "./p"}]}'}, "p/agents/{name}.md", "team:critic"),
        ({MARKET: '{"plugins": [{"name": "x", "source": "./q"}, {"name": "y"}]}'}, "p/agents/{name}.md", "y:critic"),
        ({MARKET: '{"plugins": [{"name": "x", "source": "./q"}]}'}, "p/agents/{name}.md", "critic"),
        ({MARKET: '{"plugins": [7, {"name": "x", "source": {"source": "github"}}]}'}, "agents/{name}.md", "critic"),
        ({PLUGIN: '{"name": "team"}'}, ".claude/agents/{name}.md", "critic"),
        ({PLUGIN: '{"name": "a b"}'}, "agents/{name}.md", "critic"),
        ({PLUGIN: '["team"]'}, "agents/{name}.md", "critic"),
        ({PLUGIN: "{"}, "agents/{name}.md", "critic"),
        ({}, "agents/{name}.md", "critic"),
    ],
)
def test_agents_of_a_plugin_are_called_by_their_names_there(
    files: dict[str, str], output: str, name: str, bench: Workbench
) -> None:
    settings = f'ignore = ["O627"]\n[target.claude-code]\noutput = "{output}"\n'
    bench.write({"assemble.toml": settings, "agents/critic.toml": CRITIC, "agents/boss.toml": BOSS + HANDOFF} | files)
    run = bench.run("--all")
    assert (run.status, run.stderr) == (0, "2 agents, 2 files: 2 created\n")
    text = bench.read(output.format(name="boss"))
    assert f'tools: [Read, "Agent({name}, Explore)"]\n' in text
    assert "- **critic**: a review" in text
    assert "\nname: critic\n" in bench.read(output.format(name="critic"))


def test_handoffs_that_limit_an_agent_have_full_names(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": CRITIC, "agents/boss.toml": BOSS.replace("(critic, Explore)", "") + HANDOFF})
    bench.write({"assemble.toml": "[target.claude-code]\nlimit-agents = true\n", PLUGIN: '{"name": "team"}'})
    bench.run("--all")
    assert "tools: Read, Agent(team:critic)\n" in bench.read("agents/boss.md")


def test_the_name_of_a_plugin_is_noticed_when_it_changes(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": CRITIC, "agents/boss.toml": BOSS, PLUGIN: '{"name": "team"}'})
    for _ in range(2):
        assert bench.run("--all").status == 0
    bench.write({PLUGIN: '{"name": "crew"}'})
    assert bench.run("--all").stdout == "updated agents/boss.md\n"


def test_other_clients_have_no_prefix(bench: Workbench) -> None:
    settings = 'targets = ["qwen"]\n[target.qwen]\noutput = "agents/{name}.md"\n'
    bench.write({"assemble.toml": settings, "agents/critic.toml": CRITIC, "agents/boss.toml": BOSS + HANDOFF})
    bench.write({PLUGIN: '{"name": "team"}'})
    bench.run("--all")
    assert "- **critic**: a review" in bench.read("agents/boss.md")


@pytest.mark.parametrize(
    ("folder", "is_loaded"),
    [
        ("", True),
        ("sub/", True),
        ("1/2/3/4/5/6/7/8/9/10/", True),
        ("1/2/3/4/5/6/7/8/9/10/11/", False),
        ("dist/", False),
    ],
)
def test_cursor_does_not_enter_some_folders(folder: str, is_loaded: bool, bench: Workbench) -> None:
    settings = f'targets = ["cursor"]\n[target.cursor]\noutput = ".cursor/agents/{folder}{{name}}.md"\n'
    bench.write({"assemble.toml": settings, "agents/critic.toml": CRITIC})
    assert _codes(bench) == ["O627"] * (not is_loaded)
