"""Rights: a manifest and the settings both have to grant a right, and a check lists everything that is waived."""

from __future__ import annotations

import json
import re

import pytest

from conftest import Workbench
from kei_assembler.model.settings import RIGHTS
from kei_assembler.suggestions import listed
from kei_assembler.targets import TARGETS

AGENT = 'name = "{0}"\ndescription = "Reviews."\n'
DANGEROUS = {
    "claude-code.permissionMode=bypassPermissions": '[target.claude-code]\npermissionMode = "bypassPermissions"\n',
    "claude-code.permissionMode=auto": '[target.claude-code]\npermissionMode = "auto"\n',
    "claude-code.permissionMode=acceptEdits": (
        'tools = ["Bash"]\n[target.claude-code]\npermissionMode = "acceptEdits"\n'
    ),
    "claude-code.skills": 'tools = ["Read"]\n[target.claude-code]\nskills = ["deploy"]\n',
    "claude-code.memory": 'tools = ["Read", "Grep"]\n[target.claude-code]\nmemory = "user"\n',
    "claude-code.isolation=remote": '[target.claude-code]\nisolation = "remote"\n',
    "claude-code.omitClaudeMd": "[target.claude-code]\nomitClaudeMd = true\n",
    "claude-code.hooks": '[target.claude-code.hooks]\nStop = [{hooks = [{type = "command", command = "x"}]}]\n',
    "claude-code.mcpServers": '[target.claude-code]\nmcpServers = ["tracker"]\n',
    "copilot.tools=*": 'tools = ["Read"]\n[target.copilot]\ntools = ["*"]\n',
    "copilot.agents=*": 'tools = ["Read", "Agent(b)"]\n[target.copilot]\nagents = ["*"]\n',
    "copilot.mcp-servers": "[target.copilot.mcp-servers]\ntracker = {}\n",
    "cursor.tools=*": 'tools = ["Read"]\n[target.cursor]\ntools = ["*"]\n',
    "opencode.permission=allow": '[target.opencode.permission]\n"*" = "allow"\n',
    "kilo.permission=allow": '[target.kilo.permission]\nbash = "allow"\n',
    "droid.tools=read-only": 'tools = ["Read"]\n[target.droid]\ntools = "read-only"\n',
    "droid.tools=edit": 'tools = ["Edit"]\n[target.droid]\ntools = "edit"\n',
    "droid.tools=execute": 'tools = ["Read"]\n[target.droid]\ntools = "execute"\n',
    "droid.tools=execution": 'tools = ["Read"]\n[target.droid]\ntools = "execution"\n',
    "droid.tools=web": 'tools = ["WebFetch"]\n[target.droid]\ntools = "web"\n',
    "droid.mcpServers": 'tools = ["Read"]\n[target.droid]\nmcpServers = ["tracker"]\n',
    "auggie.disabled_tools": 'tools = ["Read"]\n[target.auggie]\ndisabled_tools = ["web-fetch"]\n',
    "gemini.tools=*": 'tools = ["Read"]\n[target.gemini]\ntools = ["*"]\n',
    "gemini.mcp_servers": '[target.gemini.mcp_servers]\ntracker = { command = "x" }\n',
    "codex.sandbox_mode=danger-full-access": '[target.codex]\nsandbox_mode = "danger-full-access"\n',
    "codex.sandbox_mode=workspace-write": 'tools = ["Read"]\n[target.codex]\nsandbox_mode = "workspace-write"\n',
    "codex.approval_policy=never": '[target.codex]\napproval_policy = "never"\n',
    "codex.approval_policy=on-failure": '[target.codex]\napproval_policy = "on-failure"\n',
    "codex.approval_policy=on-request": '[target.codex]\napproval_policy = "on-request"\n',
    "codex.web_search=live": 'tools = ["Read"]\n[target.codex]\nweb_search = "live"\n',
    "codex.web_search=indexed": 'tools = ["Read"]\n[target.codex]\nweb_search = "indexed"\n',
    "codex.web_search=cached": 'tools = ["Read"]\n[target.codex]\nweb_search = "cached"\n',
    "codex.mcp_servers": '[target.codex.mcp_servers]\ntracker = { command = "x" }\n',
    "qwen.tools=*": 'tools = ["Read"]\n[target.qwen]\ntools = ["*"]\n',
    "qwen.approvalMode=auto-edit": 'tools = ["Edit"]\n[target.qwen]\napprovalMode = "auto-edit"\n',
    "qwen.approvalMode=yolo": '[target.qwen]\napprovalMode = "yolo"\n',
    "qwen.approvalMode=auto": '[target.qwen]\napprovalMode = "auto"\n',
    "qwen.hooks": "[target.qwen.hooks]\nStop = []\n",
    "qwen.mcpServers": '[target.qwen.mcpServers]\ntracker = { command = "x" }\n',
    "pi.allowNestedSubagents": 'tools = ["Read"]\n[target.pi]\nallowNestedSubagents = true\n',
    "pi.skills": 'tools = ["Grep"]\n[target.pi]\nskills = ["deploy"]\n',
    "cline.skills": 'tools = ["Read"]\n[target.cline]\nskills = ["deploy"]\n',
    "qwen.executor": '[target.qwen]\nexecutor = { kind = "acp", command = "x" }\n',
    "kimi.tools=*": 'tools = ["Read"]\n[target.kimi]\ntools = ["*"]\n',
    "kimi.subagents=*": 'tools = ["Agent(b)"]\n[target.kimi]\nsubagents = ["*"]\n',
    "grok.mcpInheritance": 'tools = ["Read"]\n[target.grok]\nmcpInheritance = "all"\n',
    "grok.permissionMode=bypassPermissions": '[target.grok]\npermissionMode = "bypassPermissions"\n',
    "grok.permissionMode=auto": '[target.grok]\npermissionMode = "auto"\n',
    "grok.permissionMode=acceptEdits": 'tools = ["Read"]\n[target.grok]\npermissionMode = "acceptEdits"\n',
    "grok.memory": 'tools = ["Read"]\n[target.grok]\nmemory = "user"\n',
    "grok.skills": 'tools = ["Read"]\n[target.grok]\nskills = ["deploy"]\n',
    "grok.mcpServers": '[target.grok.mcpServers]\ntracker = { command = "x" }\n',
    "kiro.tools=*": 'tools = ["Read"]\n[target.kiro]\ntools = ["*"]\n',
}
ALLOWANCE = '[[allow-rights]]\nagent = "{0}"\nrights = ["{1}"]\nreason = "as decided"\n'


def test_every_right_is_tested_here() -> None:
    assert RIGHTS.keys() == DANGEROUS.keys()


@pytest.mark.parametrize(("right", "table"), DANGEROUS.items())
def test_a_right_needs_an_allowance_for_that_agent(right: str, table: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT.format("a") + table, "agents/b.toml": AGENT.format("b")})
    run = bench.run("--all")
    assert (run.status, re.findall(r"(\S+):\d+:\d+: error\[R501\] `(.*)` lets", run.stderr)) == (
        1,
        [("agents/a.toml", right)],
    )
    bench.write({"assemble.toml": ALLOWANCE.format("b", right)})
    assert "error[R501]" in bench.run("--all").stderr
    bench.write({"assemble.toml": ALLOWANCE.format("a", right)})
    assert bench.run("--all").status == 0


HARMLESS = (
    ("", '[target.claude-code]\npermissionMode = "plan"'),
    ("", '[target.claude-code]\npermissionMode = "default"'),
    ("", '[target.claude-code]\npermissionMode = "dontAsk"'),
    ("", '[target.claude-code]\npermissionMode = "acceptEdits"'),
    ('tools = ["Edit", "Write"]', '[target.claude-code]\npermissionMode = "acceptEdits"'),
    ("", "[target.claude-code]\nhooks = {}"),
    ("", '[target.codex]\nweb_search = "live"'),
    ('tools = ["WebSearch"]', '[target.codex]\nweb_search = "cached"'),
    ("", '[target.codex]\napproval_policy = "untrusted"'),
    ("", '[target.qwen]\napprovalMode = "bubble"'),
    ("", '[target.claude-code]\nisolation = "worktree"'),
    ("", "[target.claude-code]\nomitClaudeMd = false"),
    ("", '[target.claude-code]\ninitialPrompt = "Begin."'),
    ("", '[target.claude-code]\nmemory = "user"'),
    ('tools = ["*"]', '[target.claude-code]\nmemory = "project"'),
    ('tools = ["Write", "Read", "Edit"]', '[target.claude-code]\nmemory = "local"'),
    ('tools = ["Skill"]', '[target.claude-code]\nskills = ["deploy"]'),
    ('tools = ["Read"]', '[target.claude-code]\ndisallowedTools = ["*"]'),
    ('tools = ["Task"]', '[target.copilot]\nagents = ["*"]'),
    ('tools = ["Agent(b)"]', "[target.copilot]\nagents = []"),
    ("", '[target.copilot]\ntools = ["*"]'),
    ('tools = ["Read"]', '[target.copilot]\ntools = ["read", "tracker/*"]'),
    ("", '[target.copilot]\nhandoffs = [{ label = "Go", agent = "b", prompt = "on", send = true }]'),
    ('tools = ["Read"]', '[target.gemini]\ntools = ["read_file", "mcp_tracker_*"]'),
    ('tools = ["Read"]', '[target.codex]\nsandbox_mode = "read-only"'),
    ('tools = ["Edit", "Write"]', '[target.codex]\nsandbox_mode = "workspace-write"'),
    ('tools = ["Edit", "Write"]', '[target.qwen]\napprovalMode = "auto-edit"'),
    ("", '[target.qwen]\napprovalMode = "default"'),
    ("", '[target.kimi]\nsubagents = ["*"]'),
    ('tools = ["Agent(b)"]', '[target.kimi]\nsubagents = ["b"]'),
    ('tools = ["Read"]', '[target.kimi]\ntools = ["Read", "ReadMediaFile"]'),
    ('tools = ["Read"]', '[target.grok]\nmcpInheritance = "none"'),
    ("", "[target.grok]\nmcpInheritance.named = ['docs']"),
    ('tools = ["Read"]', '[target.grok]\ncapabilityMode = "all"'),
    ('tools = ["Read"]', '[target.kiro]\ntools = ["read", "@tracker"]'),
    ('tools = ["Read"]', '[target.pi]\nskills = ["deploy"]'),
    ('tools = ["Agent"]', "[target.pi]\nallowNestedSubagents = true"),
    ('tools = ["Read"]', '[target.pi]\ntools = ["read", "mcp:tracker"]'),
    ('tools = ["Skill"]', '[target.cline]\nskills = ["deploy"]'),
    ('tools = ["Read"]', '[target.cline]\ntools = ["run_commands"]'),
)


@pytest.mark.parametrize(("tools", "table"), HARMLESS)
def test_what_adds_nothing_to_the_tools_needs_no_allowance(tools: str, table: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": f"{AGENT.format('a')}{tools}\n{table}\n"})
    run = bench.run("--all")
    assert (run.status, "R501" in run.stderr) == (0, False), run.stderr


ADDING = (
    ('tools = ["Read", "Write", "Edit(docs/**)"]', 'memory = "user"', "memory"),
    ("tools = []", 'memory = "local"', "memory"),
    ('tools = ["Read", "Write"]', 'memory = "project"', "memory"),
    ('tools = ["Skill(review)"]', 'skills = ["deploy"]', "skills"),
    ('tools = ["Read", "Edit"]', 'permissionMode = "acceptEdits"', "permissionMode=acceptEdits"),
)


@pytest.mark.parametrize(("tools", "own", "right"), ADDING)
def test_a_key_that_adds_to_the_tools_names_them(tools: str, own: str, right: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": f"{AGENT.format('a')}{tools}\n[target.claude-code]\n{own}\n"})
    run = bench.run("--all")
    row = RIGHTS[f"claude-code.{right}"]
    assert f"agents/a.toml:5:1: error[R501] `{row.name}` lets the agent {row.grants}\n" in run.stderr
    assert (
        f" help: if you want this, list {listed(row.covered_by)} in `tools`, or add `{row.name}` to the" in run.stderr
    )


@pytest.mark.parametrize("target", ["copilot", "cursor", "gemini", "qwen"])
@pytest.mark.parametrize("entry", [
    *("*", " *", "**", "?*", "*/*", "/*", "mcp_*", "mcp__*", "mcp__*__*", "r*", "s/*x*"),
    *("mcp__s*", "mcp_s*", "mcp__s_*", "mcp__s__t *", "mcp_____*", "mcp_s, *", "read, s/*", "mcp__", "mcp_"),
])  # fmt: skip
def test_an_entry_for_many_tools_needs_an_allowance(target: str, entry: str, bench: Workbench) -> None:
    own = f'[target.{target}]\ntools = ["{entry}"]\n'
    bench.write({"agents/a.toml": f'{AGENT.format("a")}tools = ["Read"]\n{own}'})
    codes = re.findall(r"error\[(\w+)\]", bench.run("--all").stderr)
    assert codes in (["R501"], ["K106"], ["K106", "R501"])
    bench.write({"agents/a.toml": AGENT.format("a") + own})
    assert "R501" not in bench.run("--all").stderr


@pytest.mark.parametrize(
    ("target", "entry"),
    [
        *(
            ("copilot", "s/*"),
            ("copilot", "io.github.s/server/*"),
            ("cursor", "mcp__s__*"),
            ("qwen", "mcp__my_s__get*"),
        ),
        *(("qwen", "mcp__s"), ("cursor", "mcp__s__t"), ("gemini", "mcp_s_*")),
    ],
)
def test_an_entry_for_the_tools_of_one_server_needs_no_allowance(target: str, entry: str, bench: Workbench) -> None:
    own = f'[target.{target}]\ntools = ["{entry}"]\n'
    bench.write({"agents/critic.toml": f'{AGENT.format("critic")}role = "You review code."\ntools = ["Read"]\n{own}'})
    assert bench.run("--all", "--target", target).status == 0


def test_an_allowance_for_one_value_does_not_cover_another(bench: Workbench) -> None:
    right = "claude-code.permissionMode=auto"
    bench.write({"assemble.toml": ALLOWANCE.format("a", right)})
    bench.write({"agents/a.toml": AGENT.format("a") + DANGEROUS["claude-code.permissionMode=bypassPermissions"]})
    assert "`claude-code.permissionMode=bypassPermissions` lets the agent" in bench.run("--all").stderr


def test_the_error_about_a_right_cannot_be_ignored(bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT.format("a"), "assemble.toml": 'ignore = ["R501"]'})
    assert bench.run("--all").status == 2
    assert bench.run("--all", "--ignore", "R501").status == 2


def test_an_unused_allowance_is_a_warning(bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT.format("a"), "assemble.toml": ALLOWANCE.format("gone", "claude-code.hooks")})
    run = bench.run("--all")
    assert run.status == 0
    assert "assemble.toml:3:11: warning[R502] the agent `gone` does not use `claude-code.hooks`" in run.stderr
    assert bench.run("agents/a.toml").stderr.count("R502") == 0
    assert bench.run("--all", "--strict").status == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (ALLOWANCE.format("a", "claude-code.hoks"), "3:11: error[C710] unknown right `claude-code.hoks`"),
        ('[[allow-rights]]\nagent = "a"\nrights = []\nreason = "x"\n', "error[C702] `rights` is empty"),
        ('[[allow-rights]]\nagent = "a"\nrights = ["claude-code.hooks"]\n', "error[C702] `reason` is missing"),
        ('[allow-rights]\na = "claude-code.hooks"\n', "error[C702] `allow-rights` must be a list of tables"),
    ],
)
def test_an_invalid_allowance_is_reported(settings: str, message: str, bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT.format("a"), "assemble.toml": settings})
    run = bench.run("--all")
    assert (run.status, message in run.stderr) == (2, True), run.stderr


SETTINGS_WITH_WAIVERS = """\
root = ".."
ignore = ["B206"]
allow-characters = { "U+00AD" = "narrow columns" }

[target.claude-code]
output = "../.claude/agents/{name}.md"

[[allow-rights]]
agent = "a"
rights = ["claude-code.hooks"]
reason = "formats"
"""
WAIVERS = [
    ("B206 is ignored", ""),
    ("H301 is ignored", ""),
    ("U+00AD SOFT HYPHEN may be in the text", "narrow columns"),
    ("a may have claude-code.hooks", "formats"),
    ("files are written outside the kit, to ../.claude/agents", ""),
]


@pytest.fixture
def bench_with_waivers(bench: Workbench) -> Workbench:
    manifest = AGENT.format("a") + DANGEROUS["claude-code.hooks"]
    bench.write({"kit/assemble.toml": SETTINGS_WITH_WAIVERS, "kit/agents/a.toml": manifest})
    assert bench.run("--all", cwd="kit").status == 0
    return bench


def test_a_check_lists_all_waivers(bench_with_waivers: Workbench) -> None:
    run = bench_with_waivers.run("--all", "--check", "--ignore", "H303", cwd="kit")
    waived = [what.replace("H301", "H303") + (f" ({reason})" if reason else "") for what, reason in WAIVERS]
    assert run.stderr == "1 agent, 1 file: 1 unchanged\n" + "".join(f"waived: {line}\n" for line in waived)


@pytest.mark.parametrize("output_format", ["json", "github", "sarif"])
def test_every_format_lists_the_waivers(output_format: str, bench_with_waivers: Workbench) -> None:
    out = bench_with_waivers.run("--all", "--check", "--output-format", output_format, cwd="kit").stdout
    if output_format == "github":
        assert "::notice title=waived::a may have claude-code.hooks%0Aformats\n" in out
        return
    loaded = json.loads(out)
    waived = loaded["loosened"] if output_format == "json" else loaded["runs"][0]["properties"]["loosened"]
    assert [(one["what"], one["reason"]) for one in waived] == [one for one in WAIVERS if "H301" not in one[0]]


def test_a_check_without_waivers_lists_none(bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT.format("a")})
    bench.run("--all")
    assert bench.run("--all", "--check").stderr == "1 agent, 1 file: 1 unchanged\n"


def test_each_right_is_about_a_key_of_its_target() -> None:
    for right in RIGHTS.values():
        assert right.key in {field.key for field in TARGETS[right.target].fields}
