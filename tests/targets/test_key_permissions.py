"""Every key of every client is classified: it grants nothing, needs an allowance, or is never written."""

from __future__ import annotations

import re

import pytest

from conftest import REPOSITORY, Workbench
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Key
from readers import AGENT, findings

GENERAL = {"name", "description", "tools", "model"}
"""The keys that are written from the manifest's general keys."""

KEYS = [pytest.param(name, key, id=f"{name}.{key.field.key}") for name, row in TARGETS.items() for key in row.table]
REFUSED = [(name, key) for name, row in TARGETS.items() for key in row.refused if "=" not in key]

UNKNOWN_KEY = {"K101", "K110"}
"""The codes for a key that does not exist in its table; K110 if it exists in another one."""

FACTS = {
    "claude-code": (
        "tools disallowedTools model permissionMode maxTurns skills mcpServers hooks memory background effort "
        "isolation color initialPrompt omitClaudeMd autoCompactWindow observer observerMessage observeSubagents "
        "observeToolResults experimental"
    ),
    "copilot": (
        "target tools model disable-model-invocation user-invocable argument-hint mcp-servers metadata agents handoffs"
    ),
    "cursor": "model readonly is_background tools background force-default-model",
    "opencode": (
        "mode model variant temperature top_p steps hidden disable color permission prompt options tools maxSteps "
        "request system disabled permissions name"
    ),
    "kilo": (
        "displayName mode model variant temperature top_p steps hidden disable color permission prompt options tools "
        "maxSteps source request system disabled permissions name"
    ),
    "droid": "model reasoningEffort tools mcpServers createdAt updatedAt version",
    "auggie": (
        "model color tools disabled_tools hidden replace_system_prompt disable_rules disable_workspace_guidelines "
        "disable_skills finish_tool tool_description instruction_description provider_model provider_api_key "
        "provider_base_url"
    ),
    "gemini": (
        "kind display_name tools mcp_servers model temperature max_turns timeout_mins agent_card_url agent_card_json "
        "auth"
    ),
    "codex": (
        "model model_reasoning_effort sandbox_mode nickname_candidates mcp_servers approval_policy web_search "
        "model_verbosity features skills developer_instructions"
    ),
    "qwen": (
        "tools disallowedTools model approvalMode maxTurns color background mcpServers hooks permissionMode executor "
        "executionBackend modelConfig runConfig"
    ),
    "kimi": "whenToUse override tools disallowedTools subagents",
    "grok": (
        "tools disallowedTools mcpInheritance model effort maxTurns permissionMode capabilityMode promptMode isolation "
        "background color memory skills discoverSkills inheritSkills initialPrompt mcpServers hooks injectDefaultTools "
        "toolConfig toolOverrides completionRequirement userMessageTemplate agentsMd"
    ),
    "kiro": "model tools mcpServers permissions resources welcomeMessage includeMcpJson includePowers",
    "goose": "model",
    "junie": "model tools disallowedTools mcpServers skills reasoningLevel maxTurns allowPromptArgument",
    "devin": "model allowed-tools permissions max-nesting",
    "cline": "tools skills providerId modelId maxIterations",
    "vibe": (
        "display_name agent_type safety active_model enabled_tools disabled_tools enabled_skills disabled_skills "
        "instructions system_prompt_id bypass_tool_permissions mcp_servers providers models tools model base_disabled"
    ),
    "pi": (
        "package advertise alias aliases tools excludeTools allowNestedSubagents model fallbackModels fast thinking "
        "systemPromptMode inheritProjectContext inheritGlobalContext inheritSkills defaultContext async timeoutMs "
        "toolTimeoutMs acceptance acceptanceRole skill skills skillPath extensions subagentOnlyExtensions "
        "mutationTools output outputMode defaultReads defaultProgress interactive maxSubagentDepth completionGuard "
        "toolBudget permission permissions memory runner"
    ),
}
"""The keys that each client is known to read."""


@pytest.mark.parametrize("target", TARGETS)
def test_every_known_key_of_a_client_is_classified(target: str) -> None:
    row = TARGETS[target]
    own = {key.field.key for key in row.table}
    assert own.isdisjoint(row.refused)
    assert set(FACTS[target].split()) - GENERAL <= own | row.refused.keys()
    assert set(row.keys) <= GENERAL | own
    assert own <= set(row.keys)


@pytest.mark.parametrize(("target", "key"), KEYS)
def test_every_key_says_what_it_grants(target: str, key: Key) -> None:
    assert key.permissions
    assert all((right.target, right.key) == (target, key.field.key) for right in key.rights)
    # what is said about a key with a fixed set of values covers every value
    granted = {right.value for right in key.rights}
    named = set(re.findall("`([^`]+)`", key.permissions))
    if granted and key.field.shape.choices and "" not in granted:
        assert {*key.field.shape.choices} - granted <= named


@pytest.mark.parametrize(("target", "key"), REFUSED)
def test_a_refused_key_is_never_written(target: str, key: str, bench: Workbench) -> None:
    row = TARGETS[target]
    bench.write({"agents/critic.toml": f"{AGENT}[target.{target}]\n{key} = true\n"})
    (found,) = findings(bench, "--target", target)
    assert (found.code in UNKNOWN_KEY, found.line, found.column) == (True, 5, 1)
    if found.code == "K101":
        assert found.message == f"`{key}` is a key of {row.label}, but `assemble` never writes it"
        assert found.help == f"it {row.refused[key]}"
    bench.write({"agents/critic.toml": AGENT, "assemble.toml": f"[defaults.target.{target}]\n{key} = true\n"})
    (found,) = findings(bench, "--target", target)
    assert (found.code, found.help, found.line, found.column) == ("C701", f"it {row.refused[key]}", 2, 1)
    assert not [path for path in bench.files() if path.endswith((".md", "critic.agent.toml"))]


def test_a_remote_agent_is_not_called_a_mistake_of_its_client(bench: Workbench) -> None:
    says = "Gemini CLI accepts `remote` here, but `assemble` never writes it"
    bench.write({"agents/critic.toml": f'{AGENT}[target.gemini]\nkind = "remote"\n'})
    assert [(one.code, one.message, one.line) for one in findings(bench, "--target", "gemini")] == [("K106", says, 5)]
    bench.write({"agents/critic.toml": AGENT, "assemble.toml": '[defaults.target.gemini]\nkind = "remote"\n'})
    assert [(one.code, one.message, one.line) for one in findings(bench, "--target", "gemini")] == [("C702", says, 2)]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("key", ["frobnicate", "Tools", "PERMISSION", "'tools '", "'hooks\\u200b'", "description"])
def test_a_key_that_the_row_does_not_have_is_never_written(target: str, key: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f"{AGENT}[target.{target}]\n{key} = true\n"})
    assert {one.code for one in findings(bench, "--target", target)} & UNKNOWN_KEY
    assert not [path for path in bench.files() if path.endswith((".md", "critic.agent.toml"))]


NESTED = (
    ("copilot", 'handoffs = [{ label = "Go", agent = "b", prompt = "on", trust = true }]', "K101"),
    ("copilot", 'mcp-servers.x = { type = "local", command = "x", tools = ["*"] }', "R501"),
    ("gemini", 'mcp_servers.x = { url = "x", trust = true }', "R501"),
    ("gemini", "mcp_servers = { x = {} }", "K106"),
    ("auggie", 'disabled_tools = ["view"]', None),
    ("auggie", 'tools = ["view"]\ndisabled_tools = ["save-file"]', "R501"),
    ("auggie", 'tools = ["view, save-file"]', "K106"),
    ("auggie", 'hidden = "true"', "K102"),
    ("droid", 'tools = ["all"]', "K106"),
    ("droid", 'tools = ["read-only"]', "K106"),
    ("droid", 'tools = "all"', "K106"),
    ("droid", 'tools = "read-only"', None),
    ("droid", "model = 5", "K102"),
    ("qwen", 'mcpServers.x = { url = "https://x.example" }', "R501"),
    ("qwen", "hooks.Stop = []", "R501"),
    ("claude-code", "mcpServers.x = {}", "K103"),
    ("claude-code", 'mcpServers = [{ x = { type = "http", url = "x", headersHelper = "sh" } }]', "R501"),
    ("claude-code", "hooks.Stop = []", "R501"),
    ("claude-code", "hooks.Stop.deep = 1", "K102"),
    ("codex", 'mcp_servers.x = { url = "https://x.example" }', "R501"),
    ("qwen", 'executor = { kind = "acp", command = "x" }', "R501"),
    ("opencode", 'permission.new_permission."*" = "allow"', None),
    ("opencode", 'permission = [{ action = "*", resource = "*", effect = "allow" }]', "K102"),
    ("kilo", 'permission.background_process."*" = "allow"', None),
    ("kilo", 'permission.cat = { "*" = "allow" }', None),
    ("kilo", 'permission.bash."git *" = "allow"', "R501"),
)


@pytest.mark.parametrize(("target", "own", "code"), NESTED)
def test_what_is_inside_a_key_belongs_to_its_right(target: str, own: str, code: str | None, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f"{AGENT}[target.{target}]\n{own}\n"})
    bench.write({"assemble.toml": 'external-agents = ["b"]'})
    assert [one.code for one in findings(bench, "--target", target)] == ([code] if code else [])


SPELLINGS = (
    *("Read, Bash", "Read,Bash", "Bash ", " Bash", "Read Bash", "mcp__*", "mcp__s__*__t", "mcp__s__t*", "Bash()"),
    *("Bash(:*)", "Bash(**)", "Bash(* *)", "Agent( )", "* ", "**", "Bash*", "?", "Read\u00a0Bash", "B\u200bash"),
    *("[*]", "Bash(a)Edit", "Bash(a),Edit", "Bash(a) Edit", "Agent(a), Bash", "'*'"),
    *("mcp__", "mcp____", "Agent(*, a)", "Agent(a, *)", "Task(a,*,b)", "Skill(a, ** )", "Skill(*,*)"),
)
"""Entries of `tools` that could give more than one tool, or all of them."""


@pytest.mark.parametrize("entry", SPELLINGS)
@pytest.mark.parametrize("target", TARGETS)
def test_no_spelling_of_a_tool_grants_several(entry: str, target: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{AGENT}tools = ["Read", "{entry}"]\n'})
    assert {one.code for one in findings(bench, "--target", target)} & {"K116", "H301"}


@pytest.mark.parametrize("server", ["execute", "Execute", "edit", "read", "search", "agent", "web", "todo", "vscode"])
@pytest.mark.parametrize("tool", ["", "__*", "__runInTerminal"])
def test_a_server_is_not_one_of_copilots_own_groups_of_tools(server: str, tool: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{AGENT}tools = ["mcp__tracker", "mcp__{server}{tool}"]\n'})
    assert [one.code for one in findings(bench, "--target", "copilot")] == ["K113"]
    assert "tools: [tracker/*]\n" in bench.run("--stdout", "--target", "copilot", "agents/critic.toml").stdout


@pytest.mark.parametrize(
    "entry", ["Agent(*)", "Agent(a-b, c)", "Skill(a:b)", "Bash(ls *, x)", "mcp__a:b__c", "mcp__a__*"]
)
def test_an_entry_for_one_tool_is_accepted(entry: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{AGENT}tools = ["{entry}"]\n'})
    assert findings(bench) == []


@pytest.mark.parametrize(
    ("entry", "hint"),
    [
        ("Read, Bash", "write a separate entry for each"),
        ("Agent(a, b) Read", "write a separate entry for each"),
        ("mcp__s, mcp__*", "write a separate entry for each"),
        ("mcp__*", "name one server, as in `mcp__tracker`"),
        ("mcp__", "name one server, as in `mcp__tracker`"),
        ("Agent(a, *)", "say what the tool is limited to, or remove the parentheses"),
        ("Bash()", "say what the tool is limited to, or remove the parentheses"),
        ("Bash*", "write the name of one tool"),
    ],
)
def test_the_help_says_what_to_write_instead(entry: str, hint: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{AGENT}tools = ["{entry}"]\n'})
    assert [one.help for one in findings(bench) if one.code == "K116"] == [hint]


UNKNOWN = ("bash", "BASH", "all", "All", "any", "default", "\uff22ash", "\u0412ash", "execute", "MultiEdit")
"""Names that are not the names of tools, although they look like one."""


@pytest.mark.parametrize("entry", UNKNOWN)
def test_a_name_that_looks_like_a_tool_is_reported(entry: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{AGENT}tools = ["Read", "{entry}"]\n'})
    assert "K111" in {one.code for one in findings(bench)}


@pytest.mark.parametrize("entry", ["read_file run_shell_command", "read_file,run_shell_command", "edit\u00a0x", " *"])
def test_an_entry_of_qwens_own_list_is_one_tool(entry: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{AGENT}[target.qwen]\ntools = ["{entry}"]\n'})
    assert [one.code for one in findings(bench, "--target", "qwen")] == ["K106"]


def test_the_page_lists_the_decision_for_every_key() -> None:
    page = (REPOSITORY / "docs/targets.md").read_text()
    for name, row in TARGETS.items():
        section = page.partition(f": `{name}`\n")[2].partition("\n## ")[0]
        for key in row.table:
            assert re.search(rf"^\| `{key.field.key}` \| .*{re.escape(key.permissions)} \|$", section, re.MULTILINE)
        for refused, why in row.refused.items():
            assert f"\n- **not written**: `{refused}`, because it {why}\n" in section
