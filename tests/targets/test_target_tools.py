"""The tools of a manifest in each client's file, and the diagnostics for tools that a file cannot express."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from conftest import Workbench
from kei_assembler.model.adaptation import toolset
from kei_assembler.rules.catalog import RULES, documentation
from kei_assembler.targets import CLAUDE_TOOLS, TARGETS
from readers import AGENT, AgentFile, Found, build, findings

OTHERS = [name for name in TARGETS if name != "claude-code"]
EMPTY_MEANS_ALL = ["cursor", "qwen", "auggie", "grok", "vibe", "kiro"]

DEFAULT_READ = {"*": "allow", "*.env": "ask", "*.env.*": "ask", "*.env.example": "allow"}
"""OpenCode's default permission to read. A plain `allow` would undo it."""


WITH_LISTS = ("copilot", "cursor", "gemini", "qwen")


def _tools(*tools: str) -> str:
    return f"tools = {json.dumps(tools)}\n"


def _found(bench: Workbench, manifest: str, *targets: str) -> list[Found]:
    """The findings for a manifest and these targets, in a kit with one additional tool."""
    bench.write({"agents/critic.toml": AGENT + manifest, "assemble.toml": 'known-tools = ["Frobnicate"]\n'})
    return findings(bench, *(arg for target in targets for arg in ("--target", target)))


def _section(file: AgentFile) -> str | None:
    """The section of the instructions about tools."""
    _, found, rest = file.body.partition("# TOOLS\n\n")
    return rest.strip("\n") if found else None


class Translation(NamedTuple):
    """A list of tools for each client. `granted` is for OpenCode, without its leading `*`; `prose` is for Codex."""

    tools: list[str]
    copilot: list[str]
    cursor: str
    granted: dict[str, Any]
    gemini: list[str]
    prose: list[str]
    qwen: list[str]


TRANSLATIONS = (
    Translation(
        ["Grep", "Read", "Glob"],
        ["search", "read"],
        "Grep, Read, Glob",
        {"grep": "allow", "read": DEFAULT_READ, "glob": "allow"},
        ["grep_search", "read_file", "glob"],
        ["search in files", "read files", "find files by name"],
        ["grep_search", "read_file", "glob"],
    ),
    Translation(
        ["Write", "Edit", "NotebookEdit"],
        ["edit"],
        "Write, Edit, NotebookEdit",
        {"edit": "allow"},
        ["write_file", "replace"],
        ["write files", "change files", "change notebooks"],
        ["write_file", "edit", "notebook_edit"],
    ),
    Translation(
        ["Bash", "WebFetch", "WebSearch", "TodoWrite", "Skill"],
        ["execute", "web", "todo"],
        "Bash, WebFetch, WebSearch, TodoWrite, Skill",
        dict.fromkeys(("bash", "webfetch", "websearch", "todowrite", "skill"), "allow"),
        ["run_shell_command", "web_fetch", "google_web_search", "write_todos", "activate_skill"],
        [
            "run commands in the shell",
            "fetch pages of the web",
            "search the web",
            "keep a list of what is to be done",
            "use skills",
        ],
        ["run_shell_command", "web_fetch", "web_search", "todo_write", "skill"],
    ),
    Translation(
        ["Task", "Agent", "Read"],
        ["agent", "read"],
        "Agent, Read",
        {"task": "allow", "read": DEFAULT_READ},
        ["read_file"],
        ["start other agents", "read files"],
        ["agent", "read_file"],
    ),
    Translation(
        ["Read", "Agent(a, b)"],
        ["read", "agent"],
        "Read, Agent",
        {"read": DEFAULT_READ, "task": {"*": "deny", "a": "allow", "b": "allow"}},
        ["read_file"],
        ["read files", "start other agents, but only `a` and `b`"],
        ["read_file", "agent"],
    ),
    Translation(
        ["Bash(git:*)", "Bash(ls)"],
        ["execute"],
        "Bash",
        {"bash": {"*": "deny", "git *": "allow", "ls": "allow"}},
        ["run_shell_command"],
        ["run commands in the shell, but only `git *` and `ls`"],
        ["run_shell_command"],
    ),
    Translation(
        ["Read(src/**)", "Grep"],
        ["read", "search"],
        "Read, Grep",
        {"read": DEFAULT_READ, "grep": "allow"},
        ["read_file", "grep_search"],
        ["read files, but only `src/**`", "search in files"],
        ["read_file", "grep_search"],
    ),
    Translation(
        ["Bash(git:*)", "Bash"],
        ["execute"],
        "Bash",
        {"bash": "allow"},
        ["run_shell_command"],
        ["run commands in the shell"],
        ["run_shell_command"],
    ),
    Translation(
        ["Bash(*)", "Skill(review, commit)"],
        ["execute"],
        "Bash, Skill",
        {"bash": "allow", "skill": {"*": "deny", "review": "allow", "commit": "allow"}},
        ["run_shell_command", "activate_skill"],
        ["run commands in the shell", "use skills, but only `review` and `commit`"],
        ["run_shell_command", "skill"],
    ),
    Translation(
        ["mcp__s__find", "mcp__s", "mcp__s__*", "mcp__t-1__a__b"],
        ["s/find", "s/*", "t-1/a__b"],
        "mcp__s__find, mcp__s__*, mcp__t-1__a__b",
        {"s_find": "allow", "s_*": "allow", "t-1_a__b": "allow"},
        ["mcp_s_find", "mcp_s_*", "mcp_t-1_a__b"],
        [
            "use the tool `find` of the MCP server `s`",
            "use the tools of the MCP server `s`",
            "use the tool `a__b` of the MCP server `t-1`",
        ],
        ["mcp__s__find", "mcp__s__*", "mcp__t-1__a__b"],
    ),
    Translation(
        ["Read", "Frobnicate", "plugin:tool.x"],
        ["read"],
        "Read, Frobnicate, plugin:tool.x",
        {"read": DEFAULT_READ},
        ["read_file"],
        ["read files", "use the tool `Frobnicate`", "use the tool `plugin:tool.x`"],
        ["read_file"],
    ),
)


@pytest.mark.parametrize("row", TRANSLATIONS, ids=lambda row: ",".join(row.tools))
def test_tools_have_each_clients_names(row: Translation, bench: Workbench) -> None:
    files = build(bench, _tools(*row.tools), ["claude-code", "opencode", "codex", *WITH_LISTS])
    is_string = not any("," in tool for tool in row.tools)
    assert files["claude-code"].values["tools"] == (", ".join(row.tools) if is_string else row.tools)
    for name in WITH_LISTS:
        assert files[name].values["tools"] == getattr(row, name)
    assert list(files["opencode"].values["permission"].items()) == [("*", "deny"), *row.granted.items()]
    lines = "\n- ".join(["Besides thinking and answering, you may do this, and nothing else:\n", *row.prose])
    assert (_section(files["codex"]), "tools" in files["codex"].values) == (lines, False)


@pytest.mark.parametrize(
    ("target", "tools", "written"),
    [
        ("vibe", ["Read", "Grep", "Bash", "Glob", "WebFetch"], ["read_file", "bash", "git_bash"]),
        ("vibe", ["Grep", "Edit", "mcp__s"], ["edit"]),
        ("pi", ["Read", "Glob", "Agent", "WebFetch"], "read, find, subagent"),
        ("pi", ["mcp__s__find", "mcp__s", "Edit"], "mcp:s/find, mcp:s, edit"),
        ("pi", [], ""),
        ("cline", ["Edit", "Read", "Bash", "Glob"], ["editor", "apply_patch", "read_files", "run_commands"]),
        ("cline", ["Glob", "mcp__s__find", "WebSearch", "Grep"], ["search_codebase"]),
        ("cline", ["Skill(review)", "WebFetch", "AskUserQuestion"], ["skills", "fetch_web_content", "ask_question"]),
        ("cline", [], []),
    ],
)
def test_tools_have_the_names_of(target: str, tools: list[str], written: object, bench: Workbench) -> None:
    assert build(bench, _tools(*tools), [target])[target].values[TARGETS[target].tools.key] == written


@pytest.mark.parametrize("manifest", ["", _tools("*"), _tools("Read", "*")])
def test_without_a_list_or_with_all_tools_the_clients_default_applies(manifest: str, bench: Workbench) -> None:
    files = build(bench, manifest)
    assert not [name for name in OTHERS if files[name].values.keys() & {"tools", "permission"}]
    assert _section(files["codex"]) is None
    assert ("tools" in files["claude-code"].values) == bool(manifest)
    assert findings(bench, *(arg for name in TARGETS for arg in ("--target", name))) == []


def test_an_empty_list_means_no_tools(bench: Workbench) -> None:
    files = build(bench, "tools = []\n", [name for name in TARGETS if name not in EMPTY_MEANS_ALL])
    assert [files[name].values["tools"] for name in ("claude-code", "copilot", "gemini")] == [[], [], []]
    assert files["opencode"].values["permission"] == {"*": "deny"}
    assert _section(files["codex"]) == "You may use no tools: answer from what you are given."


def test_copilot_keeps_the_agents_that_can_be_started(bench: Workbench) -> None:
    limited, whole = (
        build(bench, _tools(*tools), ["copilot"])["copilot"].values
        for tools in (("Agent(a,  b)", "Task(c)"), ("Agent(a)", "Agent"))
    )
    assert (limited["tools"], limited["agents"]) == (["agent"], ["a", "b", "c"])
    assert (whole["tools"], "agents" in whole) == (["agent"], False)


@pytest.mark.parametrize(
    ("tools", "subagents"),
    [
        ("", ["*"]),
        (_tools("*"), ["*"]),
        (_tools("Read", "Task"), ["*"]),
        (_tools("Agent(a)", "Agent"), ["*"]),
        (_tools("Agent(a, b)"), ["a", "b"]),
        (_tools("Read"), None),
        ('[target.kimi]\nsubagents = ["a"]\n', ["a"]),
    ],
)
def test_kimi_is_told_which_agents_can_be_started(tools: str, subagents: list[str] | None, bench: Workbench) -> None:
    """Without the key, the agent could start only three built-in ones."""
    assert build(bench, tools, ["kimi"])["kimi"].values.get("subagents") == subagents


@pytest.mark.parametrize(
    ("tools", "written", "servers"),
    [
        (["Read", "WebFetch"], "Read, web_fetch", "none"),
        (["Read", "mcp__s", "mcp__s__*", "mcp__t__*"], "Read, mcp__s__*, mcp__t__*", {"named": ["s", "t"]}),
        (["Read", "Edit"], "Read, Edit", "none"),
    ],
)
def test_grok_gets_no_servers_beside_those_of_the_tools(
    tools: list[str], written: str, servers: object, bench: Workbench
) -> None:
    values = build(bench, _tools(*tools), ["grok"])["grok"].values
    assert (values["tools"], values["mcpInheritance"]) == (written, servers)
    assert _found(bench, _tools(*tools), "grok") == []


def test_grok_cannot_limit_a_server_to_one_tool(bench: Workbench) -> None:
    (found,) = _found(bench, _tools("Read", "mcp__s__find"), "grok")
    message = "Grok Build cannot limit `mcp__s__find`, so the agent gets the whole server there"
    assert (found.code, found.message, found.column) == ("K114", message, 18)


def test_grok_edits_only_with_the_tool_to_read(bench: Workbench) -> None:
    """The client refuses to start an agent with only `Edit`."""
    (found,) = _found(bench, _tools("Edit", "Grep"), "grok")
    assert (found.code, found.message) == (
        "K113",
        "there is no counterpart in Grok Build for `Edit`, which the agent then lacks",
    )
    assert build(bench, _tools("Edit", "Grep"), ["grok"])["grok"].values["tools"] == "Grep"


def test_a_name_that_grok_does_not_know_is_an_error(bench: Workbench) -> None:
    """With it, the client gives the agent all tools."""
    (found,) = _found(bench, f"{_tools('Read')}[target.grok]\ntools = ['Read', 'Raed']\n", "grok")
    assert (found.code, found.column) == ("K106", 18)


def test_kimi_has_its_own_names_for_some_tools(bench: Workbench) -> None:
    tools = _tools("Read", "WebFetch", "TodoWrite", "mcp__s", "mcp__s__find")
    written = "Read, FetchURL, TodoList, mcp__s__*, mcp__s__find"
    assert build(bench, tools, ["kimi"])["kimi"].values["tools"] == written


@pytest.mark.parametrize(
    ("target", "own", "key", "written"),
    [
        ("copilot", 'tools = ["codebase", "read"]', "tools", ["codebase", "read"]),
        ("cursor", 'tools = ["Read", "Own"]', "tools", "Read, Own"),
        ("opencode", 'permission = "ask"', "permission", "ask"),
        (
            "opencode",
            'permission = { "*" = "ask", bash = { "rm *" = "deny" } }',
            "permission",
            {"*": "ask", "bash": {"rm *": "deny"}},
        ),
        ("gemini", 'tools = ["list_directory", "mcp_s_*"]', "tools", ["list_directory", "mcp_s_*"]),
        ("qwen", 'tools = ["lsp"]', "tools", ["lsp"]),
        ("kimi", 'tools = ["ReadMediaFile", "mcp__s__*"]', "tools", ["ReadMediaFile", "mcp__s__*"]),
    ],
)
def test_a_targets_own_tools_replace_the_manifests(
    target: str, own: str, key: str, written: object, bench: Workbench
) -> None:
    manifest = f"{_tools('LSP(x)', 'Monitor')}[target.{target}]\n{own}\n"
    assert build(bench, manifest, [target])[target].values[key] == written
    assert _found(bench, manifest, target) == []


KEPT = {
    "copilot": "Bash Read Edit Write NotebookEdit Grep Glob Agent Task WebFetch WebSearch TodoWrite",
    "opencode": "Read Edit Write NotebookEdit Glob Grep Bash Agent Task LSP Skill TodoWrite WebFetch WebSearch",
    "auggie": "Read Edit Write Glob Grep Bash TodoWrite WebFetch WebSearch",
    "droid": "Read Edit Write Glob Grep Bash Agent Task AskUserQuestion Skill TodoWrite WebFetch WebSearch",
    "kilo": "Read Edit Write NotebookEdit Glob Grep Bash Agent Task LSP Skill TodoWrite WebFetch WebSearch",
    "gemini": "Read Edit Write Bash Glob Grep WebFetch WebSearch TodoWrite Skill",
    "qwen": "Read Edit Write Bash Glob Grep WebFetch WebSearch NotebookEdit Agent Task TodoWrite Skill",
    "kimi": (
        "Read Edit Write Bash Glob Grep WebFetch WebSearch Agent Task Skill TodoWrite AskUserQuestion CronCreate "
        "CronDelete CronList EnterPlanMode ExitPlanMode TaskStop"
    ),
    "grok": "Bash Glob Grep LSP Read Edit Write TodoWrite AskUserQuestion TaskStop ToolSearch WebFetch WebSearch",
    "kiro": "Read Grep Glob Edit Write Bash WebFetch WebSearch Agent Task TodoWrite",
    "vibe": "Bash Edit Glob Grep PowerShell Read Skill Write",
    "pi": "Agent Bash Edit Glob Grep Read Task Write",
    "cline": "AskUserQuestion Bash Edit Glob Grep Read Skill WebFetch Write",
}


@pytest.mark.parametrize("part", [slice(None, 28), slice(28, None)], ids=["some", "others"])  # a message is limited
@pytest.mark.parametrize("target", TARGETS)
def test_unsupported_tools_are_one_note_for_each_target(target: str, part: slice, bench: Workbench) -> None:
    tools = ("mcp__s", *CLAUDE_TOOLS[part], "Frobnicate")
    kept = [*KEPT.get(target, "").split(), *(["mcp__s"] if TARGETS[target].tools.mcp_server else [])]
    unsupported = [tool for tool in tools if tool not in kept] if target in KEPT else []
    notes = [(one.code, one.message) for one in _found(bench, _tools(*tools), target)]
    names = ", ".join(f"`{tool}`" for tool in unsupported[:-1])
    message = (
        f"there is no counterpart in {TARGETS[target].label} for {names} and `Frobnicate`, which the agent then lacks"
    )
    assert notes == [("K113", message)] * bool(unsupported)


def test_an_unknown_tool_is_one_finding(bench: Workbench) -> None:
    assert [one.code for one in _found(bench, _tools("Read", "Raed"), *TARGETS)] == ["K111"]


@pytest.mark.parametrize("tool", ["Read, Bash", "Read Bash", "mcp__s__find, Bash", "Agent()", "Bash(a)\nx", "a`b"])
def test_an_entry_is_one_tool(tool: str, bench: Workbench) -> None:
    (found,) = _found(bench, _tools("Read", tool))
    assert (found.code, found.line, found.column) == ("K116", 4, 18)


def test_a_note_is_located_at_the_first_unsupported_tool(bench: Workbench) -> None:
    (one, other) = _found(bench, _tools("Read", "Task", "LSP"), "gemini", "qwen")
    assert (one.line, one.column, other.line, other.column) == (4, 18, 4, 26)
    assert one.message.startswith("there is no counterpart in Gemini CLI for `Task` and `LSP`, ")
    assert other.message.startswith("there is no counterpart in Qwen Code for `LSP`, ")
    assert one.help == "to list the client's own tools instead, set `tools` in `[target.gemini]`"


SCOPED = ("Bash(git:*)", "Agent(a)", "Skill(x)", "Read(src/**)")


@pytest.mark.parametrize(
    ("target", "unscoped"),
    [
        ("claude-code", ()),
        ("copilot", ("Bash(git:*)", "Read(src/**)")),
        ("cursor", SCOPED),
        ("opencode", ("Read(src/**)",)),
        ("gemini", ("Bash(git:*)", "Skill(x)", "Read(src/**)")),
        ("codex", ()),
        ("qwen", SCOPED),
        ("cline", ("Bash(git:*)", "Skill(x)", "Read(src/**)")),
        ("pi", ("Bash(git:*)", "Agent(a)", "Read(src/**)")),
        ("vibe", ("Bash(git:*)", "Skill(x)", "Read(src/**)")),
    ],
)
def test_scopes_that_a_client_does_not_support_are_one_warning(
    target: str, unscoped: tuple[str, ...], bench: Workbench
) -> None:
    warnings = [one for one in _found(bench, _tools(*SCOPED), target) if one.code == "K114"]
    assert [tool for one in warnings for tool in SCOPED if f"`{tool}`" in one.message] == list(unscoped)
    assert len(warnings) == bool(unscoped)
    assert [one.column for one in warnings] == [_tools(*SCOPED).index(tool) for tool in unscoped[:1]]


def test_a_scope_has_no_effect_if_another_entry_grants_the_whole_tool(bench: Workbench) -> None:
    assert _found(bench, _tools("Bash(git:*)", "Bash", "Read(*)"), *TARGETS) == []


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("manifest", "location"),
    [("tools = []\n", (4, 1)), (_tools("Monitor"), (4, 1)), ("[target.{0}]\ntools = []\n", (5, 1))],
    ids=["none", "unsupported", "own"],
)
def test_an_empty_list_that_means_all_tools_is_an_error(
    target: str, manifest: str, location: tuple[int, int], bench: Workbench
) -> None:
    has_own = "tools" in {field.key for field in TARGETS[target].fields}
    if "{0}" in manifest and not has_own:
        return
    errors = [one for one in _found(bench, manifest.replace("{0}", target), target) if one.code == "K115"]
    is_wrong = target in EMPTY_MEANS_ALL and not (target == "cursor" and "Monitor" in manifest)
    assert [(one.line, one.column) for one in errors] == [location] * is_wrong


@pytest.mark.parametrize(
    ("tools", "handoffs", "written"),
    [
        (["Read", "Agent"], ["a", "b"], ["Read", "Agent(a, b)"]),
        (["Task"], ["a"], "Agent(a)"),
        (["Read", "Agent"], [], "Read"),
        (["Agent(b)"], ["a"], "Agent(a)"),
        (["Agent", "Read", "Task"], ["a"], "Agent(a), Read"),
        (["Read"], ["a"], "Read"),
        (["Agent"], [], []),
    ],
)
def test_claude_codes_agents_can_be_limited_to_the_handoffs(
    tools: list[str], handoffs: list[str], written: object, bench: Workbench
) -> None:
    tables = "".join(f'[[handoff]]\ntarget = "{name}"\ntrigger = "more"\n' for name in handoffs)
    settings = "[target.claude-code]\nlimit-agents = {}\n"
    for limits, expected in (("true", written), ("false", ", ".join(tools))):
        files = build(bench, _tools(*tools) + tables, ["claude-code"], settings.format(limits))
        assert files["claude-code"].values["tools"] == expected


IN_WORDS = ["Codex CLI", "Goose", "Junie", "Devin CLI"]


def test_the_clients_that_explanations_name_are_those_that_they_apply_to() -> None:
    assert [row.label for row in TARGETS.values() if row.tools.output_format == "prose"] == IN_WORDS
    replacing = {row.label for row in TARGETS.values() if row.placeholder.pattern}
    for code, clients in {"T407": replacing, "T408": replacing, "O617": {*IN_WORDS}}.items():
        text = documentation(RULES[code]).text
        assert {row.label for row in TARGETS.values() if row.label in text} <= clients
    limited = {
        row.label: [tool for tool in ("Bash", "Agent", "Skill", "Read", "WebFetch") if _can_limit(tool, name)]
        for name, row in TARGETS.items()
        if row.tools.names is not None and row.tools.output_format != "prose"
    }
    assert {label: tools for label, tools in limited.items() if tools} == {
        "GitHub Copilot and VS Code": ["Agent"],
        "OpenCode": ["Bash", "Agent", "Skill"],
        "Kilo Code": ["Bash", "Agent", "Skill"],
        "Kimi Code": ["Agent"],
    }
    text = " ".join(documentation(RULES["K114"]).text.split())
    assert "OpenCode and Kilo Code can limit `Bash`, `Agent` and `Skill`." in text
    assert "GitHub Copilot and Kimi Code can limit `Agent`;" in text


def _can_limit(tool: str, target: str) -> bool:
    adapted = toolset((f"{tool}(a)",), target)
    return not adapted.unscoped and not adapted.unsupported
