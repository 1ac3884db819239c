"""Targets: the file that each client gets, the choice of targets for a run, and the ownership of the files."""

from __future__ import annotations

import json
import re
from datetime import date
from hashlib import sha256
from typing import Any

import pytest
import tomli_w

from conftest import REPOSITORY, Run, Workbench
from kei_assembler.model.settings import RIGHTS
from kei_assembler.suggestions import listed
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.validation import Field
from readers import AGENT, build, findings, path_of, read

HANDOFFS = "".join(f'[[handoff]]\ntarget = "{name}"\ntrigger = "what is\\n{name}\'s"\n' for name in ("a", "b"))
BUTTONS = [{"label": f"Hand off to {name}", "agent": name, "prompt": f"what is {name}'s"} for name in ("a", "b")]


@pytest.mark.parametrize(
    ("model", "targets"),
    [
        ("opus", {"claude-code"}),
        ("inherit", {"claude-code", "cursor", "gemini", "droid", "grok"}),
        ("gpt-x", {"claude-code"}),
    ],
)
def test_a_model_is_written_for_the_clients_that_support_it(model: str, targets: set[str], bench: Workbench) -> None:
    files = build(bench, f'model = "{model}"\n')
    assert {name: file.values["model"] for name, file in files.items() if "model" in file.values} == dict.fromkeys(
        targets, model
    )


@pytest.mark.parametrize("target", [name for name, row in TARGETS.items() if "model" in row.keys])
def test_a_target_can_have_its_own_model(target: str, bench: Workbench) -> None:
    key = TARGETS[target].model_key
    (file,) = build(bench, f'model = "inherit"\n[target.{target}]\n{key} = "maker/one"\n', [target]).values()
    assert file.values[key] == "maker/one"


def test_only_copilot_has_handoffs_in_its_front_matter(bench: Workbench) -> None:
    files = build(bench, HANDOFFS)
    assert {name: file.values["handoffs"] for name, file in files.items() if "handoffs" in file.values} == {
        "copilot": BUTTONS
    }
    assert all("# HANDOFFS\n\n- **a**: what is a's\n- **b**: what is b's" in file.body for file in files.values())


@pytest.mark.parametrize(
    ("own", "handoffs"),
    [
        ('target = "vscode"', BUTTONS),
        ('target = "github-copilot"', None),
        (
            'handoffs = [{ label = "Go", agent = "c", prompt = "on", send = true }]',
            [{"label": "Go", "agent": "c", "prompt": "on", "send": True}],
        ),
    ],
)
def test_copilots_table_can_change_its_handoffs(own: str, handoffs: object, bench: Workbench) -> None:
    (file,) = build(bench, f"{HANDOFFS}[target.copilot]\n{own}\n", ["copilot"]).values()
    assert file.values.get("handoffs") == handoffs
    assert "- **a**: what is a's" in file.body


SERVERS = {"tracker": {"command": "tracker", "args": ["--stdio"], "env": {"LEVEL": "1"}}}
OTHER = {"type": "http", "url": "https://example.org"}
HOOKS = {"Stop": [{"hooks": [{"type": "command", "command": "true", "timeout": 5}]}]}
TABLES: dict[str, dict[str, Any]] = {
    "claude-code": {
        "disallowedTools": ["Bash(rm:*)", "WebFetch"],
        "model": "haiku",
        "effort": "xhigh",
        "permissionMode": "bypassPermissions",
        "maxTurns": 7,
        "skills": ["review", "plugin:commit"],
        "mcpServers": ["shared", SERVERS],
        "hooks": HOOKS,
        "memory": "project",
        "background": True,
        "isolation": "worktree",
        "color": "cyan",
        "initialPrompt": "Begin: now.\nThen stop.",
        "omitClaudeMd": False,
        "autoCompactWindow": 100_000,
        "experimental": {"cacheTtl": "1h"},
    },
    "copilot": {
        "target": "vscode",
        "tools": ["read", "tracker/*"],
        "agents": ["*"],
        "model": ["GPT-5 (copilot)", "Claude Opus"],
        "argument-hint": "[path] to look at",
        "user-invocable": False,
        "disable-model-invocation": True,
        "mcp-servers": SERVERS,
        "metadata": {"owner": "us", "since": "2026"},
        "handoffs": [{"label": "Go", "agent": "a", "prompt": "on", "showContinueOn": False, "model": "GPT-5"}],
    },
    "cursor": {"model": "fast: one", "readonly": True, "is_background": False, "tools": ["Read", "Grep"]},
    "opencode": {
        "mode": "primary",
        "model": "anthropic/one",
        "temperature": 0.5,
        "top_p": 1,
        "steps": 9,
        "hidden": True,
        "disable": False,
        "color": "#ff8800",
        "permission": {"*": "allow", "bash": {"*": "ask", "git *": "allow"}, "webfetch": "deny"},
    },
    "kilo": {
        "displayName": "The Critic",
        "mode": "primary",
        "model": "anthropic/one",
        "variant": "high",
        "temperature": 0.5,
        "top_p": 1,
        "steps": 9,
        "hidden": True,
        "disable": False,
        "color": "accent",
        "permission": {"*": "allow", "bash": {"*": "ask", "git *": "allow"}, "webfetch": "deny"},
    },
    "droid": {
        "model": "custom:one",
        "reasoningEffort": "high",
        "tools": ["Read", "tracker___find"],
        "mcpServers": ["tracker"],
    },
    "auggie": {
        "model": "haiku",
        "color": "pink",
        "tools": ["view", "codebase-retrieval"],
        "disabled_tools": ["save-file"],
        "hidden": True,
        "disable_skills": True,
        "tool_description": "Reviews: all.",
        "instruction_description": "What to review.",
    },
    "gemini": {
        "display_name": "The Critic",
        "kind": "local",
        "tools": ["read_file", "mcp_tracker_*"],
        "mcp_servers": SERVERS,
        "model": "flash-lite",
        "temperature": 0,
        "max_turns": 3,
        "timeout_mins": 10,
    },
    "codex": {
        "model": "gpt-x",
        "model_reasoning_effort": "high",
        "model_verbosity": "low",
        "sandbox_mode": "danger-full-access",
        "approval_policy": "on-request",
        "web_search": "disabled",
        "nickname_candidates": ["Ada", "Bob 2"],
        "mcp_servers": SERVERS,
    },
    "qwen": {
        "tools": ["read_file"],
        "disallowedTools": ["edit"],
        "model": "fast",
        "approvalMode": "yolo",
        "maxTurns": 4,
        "color": "blue",
        "background": True,
        "mcpServers": SERVERS,
        "hooks": HOOKS,
        "executor": {"kind": "acp", "command": "other", "args": ["--acp"]},
        "executionBackend": "container",
    },
    "kimi": {
        "whenToUse": "After: each change.\nAt the end.",
        "override": True,
        "tools": ["Read", "mcp__tracker__*", "ReadMediaFile"],
        "disallowedTools": ["Bash"],
        "subagents": ["coder", "plan"],
    },
    "grok": {
        "tools": ["Read", "monitor", "mcp__tracker__*"],
        "disallowedTools": ["run_terminal_cmd"],
        "mcpInheritance": {"except": ["secrets"]},
        "model": "grok-4.6",
        "effort": "xhigh",
        "maxTurns": 7,
        "permissionMode": "bypassPermissions",
        "capabilityMode": "read-only",
        "promptMode": "full",
        "isolation": "worktree",
        "background": True,
        "color": "cyan",
        "memory": "project",
        "skills": ["review"],
        "discoverSkills": False,
        "inheritSkills": True,
        "initialPrompt": "Begin: now.\nThen stop.",
        "mcpServers": ["shared", SERVERS],
    },
    "kiro": {"model": "claude: one", "tools": ["read", "knowledge", "@tracker/find"]},
    "goose": {"model": "maker: one"},
    "junie": {"model": "maker: one"},
    "devin": {"model": "maker: one"},
    "vibe": {
        "display_name": "The Critic",
        "agent_type": "subagent",
        "safety": "safe",
        "active_model": "maker/one",
        "enabled_tools": ["read_file", "skill"],
        "disabled_tools": ["bash"],
        "enabled_skills": ["review"],
        "disabled_skills": ["deploy"],
    },
    "pi": {
        "advertise": True,
        "tools": ["read", "mcp:tracker/find"],
        "excludeTools": ["ls", "bash"],
        "allowNestedSubagents": False,
        "model": "maker/one",
        "fallbackModels": ["maker/two", "three"],
        "fast": False,
        "thinking": "high",
        "systemPromptMode": "append",
        "inheritProjectContext": True,
        "inheritGlobalContext": False,
        "inheritSkills": True,
        "defaultContext": "fork",
        "async": True,
        "timeoutMs": 60_000,
        "toolTimeoutMs": 5_000,
        "acceptanceRole": "read-only",
        "skills": ["review", "commit"],
        "maxSubagentDepth": 0,
        "completionGuard": False,
    },
    "cline": {
        "tools": ["read_files", "submit_and_exit"],
        "skills": ["review"],
        "modelId": "maker/one",
        "maxIterations": 5,
    },
}


def _as_text(value: Any) -> str:
    """A value of a client that knows only text."""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, list) else str(value)


@pytest.mark.parametrize("target", TARGETS)
def test_every_key_of_a_targets_table_reaches_its_client(target: str, bench: Workbench) -> None:
    table = TABLES[target]
    assert table.keys() == {field.key for field in TARGETS[target].fields}
    rights = [name for name, right in RIGHTS.items() if right.target == target and right.is_granted_by(table)]
    allowed = [{"agent": "critic", "rights": rights, "reason": "tested"}] if rights else []
    manifest = tomli_w.dumps({"target": {target: table}})
    (file,) = build(bench, manifest, [target], tomli_w.dumps({"allow-rights": allowed})).values()
    is_text = TARGETS[target].form.syntax in ("lines", "raw")
    expected = {key: _as_text(value) for key, value in table.items()} if is_text else table
    assert {key: file.values[key] for key in table} == expected
    if target != "codex":
        assert list(file.values) == [key for key in TARGETS[target].keys if key in file.values]


@pytest.mark.parametrize("target", TARGETS)
def test_a_file_with_every_key_is_imported_and_generated_again(target: str, bench: Workbench) -> None:
    rights = [name for name, right in RIGHTS.items() if right.target == target]
    allowed = [{"agent": "critic", "rights": rights, "reason": "tested"}] if rights else []
    settings = {"targets": [target], "external-agents": ["a"], "allow-rights": allowed}
    bench.write({"assemble.toml": tomli_w.dumps(settings)})
    bench.write({"agents/critic.toml": AGENT + tomli_w.dumps({"target": {target: TABLES[target]}})})
    path = path_of(target)
    assert bench.run("--all").status == 0
    generated = bench.read(path)
    bench.write({path: re.sub("(?m)^(?:# |<!-- )Generated by assemble .*\n", "", generated)})
    (bench.folder / "agents/critic.toml").unlink()
    assert bench.run("import", "--from", target, path).status == 0
    assert bench.run("--all", "--force").status == 0
    assert bench.read(path) == generated


@pytest.mark.parametrize(
    ("table", "written"),
    [
        ({"effort": 1}, {"effort": 1}),
        ({"effort": "max"}, {"effort": "max"}),
        ({"mcpServers": ["shared"]}, {"mcpServers": ["shared"]}),
        ({"mcpServers": SERVERS | {"b": OTHER}}, {"mcpServers": [SERVERS, {"b": OTHER}]}),
    ],
)
def test_some_keys_accept_values_of_several_types(
    table: dict[str, Any], written: dict[str, Any], bench: Workbench
) -> None:
    allowed = '[[allow-rights]]\nagent = "critic"\nrights = ["claude-code.mcpServers"]\nreason = "tested"\n'
    (file,) = build(bench, tomli_w.dumps({"target": {"claude-code": table}}), ["claude-code"], allowed).values()
    assert {key: file.values[key] for key in table} == written


FIELDS = [(name, field) for name, row in TARGETS.items() for field in row.fields]
CHOICES = [(name, field) for name, field in FIELDS if field.shape.choices]


def _id(value: object) -> str:
    return value.key if isinstance(value, Field) else str(value)


@pytest.mark.parametrize(("target", "field"), FIELDS, ids=_id)
def test_a_value_of_a_wrong_type_is_located(target: str, field: Field, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f"{AGENT}[target.{target}]\n  {field.key} = 2026-11-01\n"})
    (found,) = findings(bench)
    assert (found.code, found.file, found.line, found.column) == ("K102", "agents/critic.toml", 5, 3)
    assert found.message.startswith(f"`{field.key}` must be ")


@pytest.mark.parametrize(("target", "field"), CHOICES, ids=_id)
def test_a_value_outside_its_set_is_located_and_the_closest_suggested(
    target: str, field: Field, bench: Workbench
) -> None:
    choice = field.shape.choices[-1]
    bench.write({"agents/critic.toml": f'{AGENT}[target.{target}]\n\n{field.key} = "{choice}x"\n'})
    (found,) = findings(bench)
    assert (found.code, found.line, found.column, found.help) == ("K106", 6, 1, f"did you mean `{choice}`?")
    assert found.message == f"`{field.key}` must be {field.shape.expects}"


@pytest.mark.parametrize("target", TARGETS)
def test_an_unknown_key_is_located_and_the_closest_suggested(target: str, bench: Workbench) -> None:
    key = TARGETS[target].fields[-1].key
    bench.write({"agents/critic.toml": f"{AGENT}[target.{target}]\n{key}x = 1\n"})
    (found,) = findings(bench)
    assert (found.code, found.line, found.column, found.message) == ("K101", 5, 1, f"unknown key `{key}x`")
    assert found.help == f"did you mean `{key}`?"


@pytest.mark.parametrize(
    ("table", "code", "location"),
    [
        ("claude-code]\nmaxTurns = 0", "K106", (5, 1)),
        ('claude-code]\ncolor = "gray"', "K106", (5, 1)),
        ("claude-code]\neffort = true", "K102", (5, 1)),
        ('copilot]\nhandoffs = [{ label = "Go", agent = "a" }]', "K103", (5, 13)),
        ("copilot.metadata]\nowner = 1", "K102", (5, 1)),
        ('copilot]\nmodel = ["x", 1]', "K102", (5, 15)),
        ('cursor]\nmodel = "a\\nb"', "K105", (5, 1)),
        ('opencode]\nmodel = "opus"', "K106", (5, 1)),
        ('opencode.permission]\nbash = "maybe"', "K106", (5, 1)),
        ('opencode.permission.webfetch]\n"*" = "ask"', "K102", (4, 29)),
        ('gemini]\ntools = ["read_file", "Read"]', "K106", (5, 23)),
        ("gemini]\ntemperature = inf", "K102", (5, 1)),
        ("codex]\nnickname_candidates = []", "K104", (5, 1)),
        ('codex]\nnickname_candidates = ["Ä"]', "K106", (5, 24)),
        ('qwen]\ntools = ["read_file", ""]', "K104", (5, 23)),
        ('vibe]\nenabled_tools = ["re:.*"]', "K106", (5, 18)),
        ('vibe]\nenabled_tools = ["bash", "grep"]', "K106", (5, 26)),
        ('vibe]\nsafety = "yolo"', "K106", (5, 1)),
        ('vibe]\nagent_type = "agent"', "K106", (5, 1)),
        ('pi]\ntools = ["read", "./tool.ts"]', "K106", (5, 18)),
        ('pi]\nthinking = "hi"', "K106", (5, 1)),
        ("pi]\nmaxSubagentDepth = -1", "K106", (5, 1)),
        ('cline]\ntools = ["read_files, editor"]', "K106", (5, 10)),
        ("cline]\nmaxIterations = 0", "K106", (5, 1)),
        ('cursr]\nmodel = "x"', "K101", (4, 9)),
    ],
)
def test_other_errors_in_a_table_are_located(
    table: str, code: str, location: tuple[int, int], bench: Workbench
) -> None:
    bench.write({"agents/critic.toml": f"{AGENT}[target.{table}\n"})
    assert [(one.code, (one.line, one.column)) for one in findings(bench)] == [(code, location)]


BODIES = {
    "templates/agent.md.j2": "For all, also {{ target }}.",
    "templates/codex/agent.md.j2": "For Codex: {{ agent.name }}, {{ allowed | join('; ') }}.",
    "templates/qwen/agent.md.j2": '{% extends "agent.md.j2" %}',
    "templates/gemini/agent.md.j2": '{% extends "default/agent.md.j2" %}{% block role %}Instead.{% endblock %}',
}


@pytest.mark.parametrize(
    ("output", "name"),
    [
        (".opencode/agents/{name}.md", ""),
        (".opencode/agent/{name}.md", ""),
        (".opencode/agents/team/{name}.md", "name: critic\n"),
        (".opencode/agents/{name}/agent.md", "name: critic\n"),
        (".opencode/agents/kei-{name}.md", "name: critic\n"),
        ("out/{name}.md", ""),
    ],
)
def test_an_opencode_agent_has_its_name_wherever_its_file_is(output: str, name: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": f'targets = ["opencode"]\n[target.opencode]\noutput = "{output}"\n'})
    bench.write({"agents/critic.toml": 'name = "critic"\ndescription = "Reviews code."\n'})
    bench.run("--all")
    assert bench.read(output.format(name="critic")).startswith(f"---\n{name}description: ")


def test_a_target_can_have_its_own_template(bench: Workbench) -> None:
    bench.write(BODIES)
    files = build(bench, 'tools = ["Read", "Agent(a)"]\n')
    bodies = {name: file.body for name, file in files.items()}
    assert bodies.pop("codex") == "For Codex: critic, read files; start other agents, but only `a`."
    assert bodies.pop("gemini") == "Instead."
    assert bodies == {name: f"For all, also {name}." for name in bodies}


def test_an_error_in_a_targets_template_is_located_there(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": AGENT, "templates/cursor/agent.md.j2": "\n{{ agent.nmae }}"})
    (found,) = findings(bench, "--target", "cursor")
    assert (found.code, found.file, found.line) == ("O603", "templates/cursor/agent.md.j2", 2)
    assert findings(bench) == []


@pytest.mark.parametrize(
    ("tools", "target", "codes"),
    [('["Read"]', "codex", ["O617"]), ("[]", "codex", ["O617"]), ('["Read"]', "qwen", []), ('["*"]', "codex", [])],
)
def test_a_template_that_leaves_out_codexs_tools_is_reported(
    tools: str, target: str, codes: list[str], bench: Workbench
) -> None:
    bench.write(
        {"agents/critic.toml": f"{AGENT}tools = {tools}\n", "templates/agent.md.j2": "You are {{ agent.name }}."}
    )
    assert [one.code for one in findings(bench, "--target", target)] == codes


@pytest.mark.parametrize(
    "template",
    [
        "{% extends 'default/agent.md.j2' %}",
        "{% if allowed is not none %}You may {{ allowed | join(', ') or 'nothing' }}.{% endif %}",
        "You may {{ allowed | join(', ') }}.",
    ],
)
@pytest.mark.parametrize("tools", ["[]", '["Read"]'])
def test_a_template_that_lists_codexs_tools_passes(template: str, tools: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f"{AGENT}tools = {tools}\n", "templates/agent.md.j2": template})
    assert [one.code for one in findings(bench, "--target", "codex")] == []


def test_a_template_that_leaves_out_an_empty_list_of_tools_is_reported(bench: Workbench) -> None:
    template = "Be kind. {% if allowed %}You may {{ allowed | join(', ') }}.{% endif %}"
    for tools, codes in (('["Read"]', []), ("[]", ["O617"])):
        bench.write({"agents/critic.toml": f"{AGENT}tools = {tools}\n", "templates/agent.md.j2": template})
        assert [one.code for one in findings(bench, "--target", "codex")] == codes


def test_a_template_that_leaves_out_an_empty_list_of_tools_is_reported_despite_values(bench: Workbench) -> None:
    bench.write(
        {
            "assemble.toml": '[values.LANGUAGE]\ndefault = "Python"\n',
            "agents/critic.toml": f'{AGENT}tools = []\ndomain_in = ["{{{{LANGUAGE}}}}"]\n',
            "templates/agent.md.j2": "Reviews {{ agent.domain_in | join }}.",
        }
    )
    assert [one.code for one in findings(bench, "--target", "codex")] == ["O617"]


def test_a_variable_of_the_client_that_only_a_filled_block_has_is_refused(bench: Workbench) -> None:
    bench.write(
        {
            "assemble.toml": '[values.PLACE]\ndefault = "HOME"\n',
            "agents/critic.toml": f'{AGENT}blocks = ["paths"]\n',
            "_blocks/paths.md": "# Paths\n\nRead ${{{PLACE}}}.\n",
        }
    )
    found = [(one.code, one.file, one.message) for one in findings(bench, "--target", "gemini")]
    assert found == [("T408", "agents/critic.toml", TAKEN)]


TAKEN = "Gemini CLI treats `${HOME}` as a variable, and does not run the agent if it does not know it"


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ('domain_in = ["a", "in ${HOME}"]', (4, 23)),
        ('output_extra_fields = ["${HOME}"]', (4, 25)),
        ('forbidden_domain = ["""\nx\n${HOME}"""]', (6, 1)),
        ('[[handoff]]\ntarget = "a"\ntrigger = "to ${HOME}"', (6, 15)),
        ('[references]\nextra = ["${HOME}/x"]', (5, 11)),
        (r'domain_in = ["a", "in $\x7bHOME}"]', (4, 23)),
        ('forbidden_domain = ["""x $\\\n  {HOME}"""]', (4, 21)),
    ],
)
def test_a_gemini_placeholder_in_a_manifest_is_an_error(text: str, location: tuple[int, int], bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f"{AGENT}{text}\n", "assemble.toml": 'external-agents = ["a"]'})
    assert findings(bench) == []
    (found,) = findings(bench, "--target", "gemini")
    assert (found.code, found.message, (found.line, found.column)) == ("T407", TAKEN, location)
    assert found.help == "write it differently, such as `$HOME`"


@pytest.mark.parametrize(
    ("file", "location"),
    [("_blocks/one.md", (2, 4)), ("templates/agent.md.j2", (1, 1)), ("templates/gemini/agent.md.j2", (1, 1))],
)
def test_a_gemini_placeholder_in_another_file_is_an_error(
    file: str, location: tuple[int, int], bench: Workbench
) -> None:
    bench.write(
        {"agents/critic.toml": f'{AGENT}blocks = ["one"]\n', "_blocks/one.md": "One.\n", file: "One.\nIn ${HOME}.\n"}
    )
    assert findings(bench) == []
    (found,) = findings(bench, "--target", "gemini", "--target", "qwen")
    assert (found.code, found.file, found.message, (found.line, found.column)) == ("T408", file, TAKEN, location)


def test_a_block_that_no_gemini_agent_uses_can_contain_a_placeholder(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{AGENT}targets = ["gemini"]\n', "_blocks/one.md": "In ${HOME}.\n"})
    bench.write({"agents/other.toml": AGENT.replace("critic", "other") + 'blocks = ["one"]\n'})
    assert findings(bench) == []


@pytest.mark.parametrize("text", ["$HOME", "${A:-x}", "$ {HOME}", "${}", "{HOME}", "${{ github.ref }}"])
def test_text_that_gemini_does_not_replace_passes(text: str, bench: Workbench) -> None:
    bench.write({"_blocks/one.md": f"In {text}.\n", "templates/agent.md.j2": "{{ agent.role }} {{ blocks[0] }}"})
    manifest = f'blocks = ["one"]\ndomain_in = ["{text}"]\n[target.gemini]\ndisplay_name = "${{HOME}}"\n'
    (file,) = build(bench, manifest, ["gemini"]).values()
    assert file.body == f"You review code. In {text}."


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    """A kit with one agent, built for all targets."""
    bench.write({"agents/critic.toml": AGENT, "assemble.toml": f"targets = {json.dumps(list(TARGETS))}\n"})
    assert bench.run("--all").status == 0
    return bench


def _check_only(bench: Workbench, *args: str) -> Run:
    before = bench.files()
    run = bench.run("--all", "--check", *args)
    assert bench.files() == before
    return run


@pytest.mark.parametrize("target", TARGETS)
def test_the_stamp_is_a_comment(target: str, kit: Workbench) -> None:
    start, end = ("# ", "") if TARGETS[target].form.syntax == "toml" else ("<!-- ", " -->")
    depth = path_of(target).count("/")
    prefix = "" if target == "claude-code" else f"{'../' * depth}agents/"
    text = kit.read(path_of(target))
    (line,) = (line for line in text.split("\n") if "Generated by assemble" in line)
    text_of_stamp = (
        f"{start}Generated by assemble from {prefix}critic.toml. Edit that file, then run: assemble agents/critic.toml"
    )
    digest = sha256(text.replace(f"{line}\n", "").encode()).hexdigest()
    assert line == f"{text_of_stamp} · sha256:{digest[:12]}{end}"


@pytest.mark.parametrize("target", TARGETS)
def test_an_edit_is_reported_and_overwritten_only_by_force(target: str, kit: Workbench) -> None:
    path, generated = path_of(target), kit.read(path_of(target))
    kit.write({path: generated.replace("You review", "You rewrite")})
    run = _check_only(kit, "--diff")
    assert (run.status, f"edited {path} [O604]\n" in run.stderr) == (1, True)
    assert "-You rewrite code.\n+You review code.\n" in run.stdout
    assert kit.run("--all").status == 1
    assert "You rewrite" in kit.read(path)
    assert (kit.run("--all", "--force").status, kit.read(path)) == (0, generated)


@pytest.mark.parametrize("target", TARGETS)
def test_crlf_and_conflicting_stamps_are_not_edits(target: str, kit: Workbench) -> None:
    path, generated = path_of(target), kit.read(path_of(target))
    kit.write({path: generated.replace("\n", "\r\n")})
    assert _check_only(kit).status == 0
    stamp = next(line for line in generated.split("\n") if "sha256:" in line)
    other = re.sub(r"sha256:\w+", f"sha256:{'0' * 12}", stamp)
    kit.write({path: generated.replace(stamp, f"<<<<<<< HEAD\n{stamp}\n=======\n{other}\n>>>>>>> theirs")})
    assert f"updated {path}\n" in kit.run("--all").stdout
    assert kit.read(path) == generated


@pytest.mark.parametrize("target", TARGETS)
def test_a_foreign_file_at_the_output_and_one_beside_it_are_reported(target: str, kit: Workbench) -> None:
    path, beside = path_of(target), path_of(target, "by-hand")
    by_hand = 'developer_instructions = "Mine."\n' if target == "codex" else "---\nname: mine\n---\n\nMine.\n"
    kit.write({path: by_hand, beside: by_hand})
    run = _check_only(kit)
    assert (run.status, f"foreign {path} [O605]\n" in run.stdout) == (1, True)
    assert f"{beside}:1:1: note[O607]" in run.stderr
    assert kit.run("--all", "--force", "--prune").status == 0
    assert (kit.read(beside), "You review code." in kit.read(path)) == (by_hand, True)


@pytest.mark.parametrize("target", TARGETS)
def test_the_file_of_a_deleted_manifest_is_an_orphan(target: str, kit: Workbench) -> None:
    kit.write({"agents/other.toml": AGENT.replace("critic", "other")})
    (kit.folder / "agents/critic.toml").unlink()
    assert f"orphan {path_of(target)} [O611]\n" in _check_only(kit).stdout
    assert f"deleted {path_of(target)}\n" in kit.run("--all", "--prune").stdout
    assert _check_only(kit).status == 0


def _orphans(run: Run) -> set[str]:
    return set(re.findall(r"^orphan (.+) \[O611\]$", run.stdout, re.MULTILINE))


@pytest.mark.parametrize("target", TARGETS)
def test_the_files_of_a_removed_target_are_orphans(target: str, kit: Workbench) -> None:
    kit.write({"assemble.toml": f"targets = {json.dumps([name for name in TARGETS if name != target])}\n"})
    assert _orphans(_check_only(kit)) == {path_of(target)}
    assert f"deleted {path_of(target)}\n" in kit.run("--all", "--prune").stdout
    assert _check_only(kit).status == 0


def test_a_chosen_target_replaces_the_kits_targets(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": AGENT, "assemble.toml": 'targets = ["cursor", "qwen"]'})
    run = bench.run("--all", "--target", "codex", "--target", "gemini", "--target", "codex")
    assert run == (0, f"created {path_of('codex')}\ncreated {path_of('gemini')}\n", "1 agent, 2 files: 2 created\n")
    assert _check_only(bench, "--target", "gemini").status == 0


@pytest.mark.parametrize(("own", "targets"), [('["codex", "cursor"]', ["codex"]), ('["cursor"]', [])])
def test_a_chosen_target_does_not_override_a_manifests_targets(own: str, targets: list[str], bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f"{AGENT}targets = {own}\n"})
    run = bench.run("--all", "--target", "gemini", "--target", "codex")
    assert (run.status, run.stdout) == (0, "".join(f"created {path_of(name)}\n" for name in targets))


def test_only_orphans_of_the_chosen_targets_are_reported(kit: Workbench) -> None:
    kit.write({"agents/critic.toml": f'{AGENT}targets = ["qwen"]\n'})
    assert _orphans(_check_only(kit, "--target", "codex", "--target", "qwen")) == {path_of("codex")}
    assert kit.run("--all", "--prune", "--target", "codex").stdout == f"deleted {path_of('codex')}\n"
    assert _orphans(_check_only(kit)) == {path_of(name) for name in TARGETS if name not in ("codex", "qwen")}


@pytest.mark.parametrize("target", TARGETS)
def test_stdout_prints_the_chosen_target(target: str, kit: Workbench) -> None:
    before = kit.files()
    run = kit.run("--stdout", "--target", target, "agents/critic.toml")
    assert (run.status, run.stdout, kit.files()) == (0, kit.read(path_of(target)), before)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "`agents/critic.toml` has several targets: claude-code, copilot,"),
        (("--target", "cursor", "--target", "qwen"), "`agents/critic.toml` has several targets: cursor, qwen\n"),
        (("--target", "cursr"), "'cursr' is not one of 'claude-code', 'copilot'"),
    ],
)
def test_stdout_prints_only_one_file(args: tuple[str, ...], message: str, kit: Workbench) -> None:
    run = kit.run("--stdout", *args, "agents/critic.toml")
    assert (run.status, run.stdout, message in run.stderr) == (2, "", True)


def test_stdout_needs_a_target_of_the_manifest(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{AGENT}targets = ["qwen"]\n'})
    run = bench.run("--stdout", "--target", "codex", "agents/critic.toml")
    assert (run.status, run.stdout) == (2, "")
    assert "`agents/critic.toml` has no output for this target\n" in run.stderr


@pytest.mark.parametrize("target", TARGETS)
def test_files_of_unused_targets_are_ignored(target: str, bench: Workbench) -> None:
    used = "qwen" if target == "codex" else "codex"
    for name in ("codex", "qwen", target):
        by_hand = 'developer_instructions = "Mine."\n' if name == "codex" else "---\nname: mine\n---\n\nMine.\n"
        bench.write({path_of(name, "by-hand"): by_hand})
    bench.write({"agents/critic.toml": AGENT, "assemble.toml": f'targets = ["{used}"]\n'})
    assert bench.run("--all").status == 0
    assert re.findall(r"(\S+):1:1: note\[O607\]", _check_only(bench).stderr) == [path_of(used, "by-hand")]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ('[target.codex]\noutput = "agents/{name}.toml"', "O616"),
        ('[target.codex]\noutput = "{dir}/deep/{name}.toml"', "O616"),
        ('manifests = "."\n[target.codex]\noutput = "out/{name}.toml"', "O616"),
        ('manifests = "."', ""),
        ('[target.codex]\noutput = "agents/.codex/{name}.toml"', "O627"),
        ('[target.codex]\noutput = "agents-codex/{name}.toml"', "O627"),
        ('[target.codex]\noutput = "agents/{name}.codex"', "O627"),
    ],
)
def test_an_output_cannot_have_a_manifests_path(settings: str, code: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": AGENT, "assemble.toml": settings})
    assert [one.code for one in findings(bench, "--target", "codex")] == [code] * bool(code)
    assert bench.read("agents/critic.toml") == AGENT
    if code != "O616":
        assert _check_only(bench, "--target", "codex").status == 0


def test_targets_can_share_a_folder_with_different_file_names(kit: Workbench) -> None:
    settings = "".join(f'[target.{name}]\noutput = "out/{{name}}.{name}"\n' for name in TARGETS)
    kit.write({"assemble.toml": f"targets = {json.dumps(list(TARGETS))}\n{settings}"})
    run = kit.run("--all", "--prune")
    assert (run.status, run.stdout.count("created out/"), run.stdout.count("deleted ")) == (
        0,
        len(TARGETS),
        len(TARGETS),
    )
    assert {read(name, kit.read(f"out/critic.{name}")).body for name in TARGETS} == {"# ROLE\n\nYou review code."}
    assert _check_only(kit).status == 0


def test_the_documentation_is_up_to_date(bench: Workbench) -> None:
    assert bench.run("targets", "--all") == (0, (REPOSITORY / "docs/targets.md").read_text(), "")


def test_all_about_a_target_is_printed_by_name(bench: Workbench) -> None:
    parts = {name: bench.run("targets", name).stdout for name in TARGETS}
    everything = bench.run("targets", *TARGETS, "codex")
    assert (everything.status, everything.stdout, everything.stderr) == (0, "\n".join(parts.values()), "")
    for part, row in zip(parts.values(), TARGETS.values(), strict=True):
        assert part.startswith(f"{row.name}: {row.label}\n  verified     ")
        assert f"\n  file         {row.output}, " in part
        assert all(right.name in " ".join(part.split()) for right in row.rights)
        assert max(map(len, part.split("\n"))) <= 120
    assert bench.run("targets", "qwen", "cursor").stdout == "\n".join([parts["qwen"], parts["cursor"]])


@pytest.mark.parametrize("row", TARGETS.values(), ids=TARGETS)
def test_every_row_says_which_version_it_describes_and_how_that_is_known(row: Target) -> None:
    released = re.findall(r"^## \[\d\S*\] - (\S+)$", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    latest = date.fromisoformat(released[0]) if released else date.today()
    assert row.verified
    for one in row.verified:
        assert one.program
        is_unversioned = one.program == "VS Code" or one.how == ("docs",)
        assert re.fullmatch(r"\d+(\.\d+)+", one.version) or (is_unversioned and not one.version)
        assert date(2026, 1, 1) <= date.fromisoformat(one.date) <= latest
        assert one.how
        assert {"run", "code", "docs"}.issuperset(one.how)


def test_targets_shows_the_versions(bench: Workbench) -> None:
    output = " ".join(bench.run("targets", "copilot").stdout.split())
    assert " verified GitHub Copilot CLI 1.0.102 on 2026-11-2" in output
    assert " VS Code (version not noted) on 2026-11-28: code read file " in output
    assert "- **verified**: OpenCode 1.18.33 on " in bench.run("targets", "--all").stdout


def test_a_target_that_does_not_exist_is_a_usage_error(bench: Workbench) -> None:
    run = bench.run("targets", "cursr")
    assert (run.status, run.stdout, "'cursr' is not one of 'claude-code'" in run.stderr) == (2, "", True)


def test_the_fix_command_keeps_the_chosen_target(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": AGENT})
    run = bench.run("--all", "--check", "--target", "gemini")
    assert run.stdout == "would create .gemini/agents/critic.md [O609]\n"
    assert run.stderr.endswith("to fix this, run: assemble --all --target gemini\n")


def test_every_client_that_reads_a_target_with_that_setting_has_it() -> None:
    for row in TARGETS.values():
        shared = {choice for field in row.settings if field.key == "use-files-of" for choice in field.shape.choices}
        assert shared == {each.target for each in row.foreign if each.target == "claude-code"}


def test_lists_of_clients_in_the_guides_are_complete() -> None:
    guide = " ".join((REPOSITORY / "docs/instructions.md").read_text().split())
    labels = [row.label for row in TARGETS.values() if row.instructions.rules]
    names = listed((label.removeprefix("GitHub ").partition(" and ")[0] for label in labels), str)
    assert f"{names} get a rule of their own" in guide
