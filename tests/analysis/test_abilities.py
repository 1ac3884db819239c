"""What agents may do after a change that they could not do before, as it takes effect in each client."""

from __future__ import annotations

from itertools import permutations
from typing import NamedTuple

import pytest

from conftest import Workbench
from kei_assembler.analysis.impact.comparison import compare
from kei_assembler.loader import load_kit
from kei_assembler.model.settings import RIGHTS

FOLDERS = {"claude-code": ".claude/agents", "copilot": ".github/agents"}
ALLOWANCE = f"""
[[allow-rights]]
agent = "critic"
rights = [{", ".join(f'"{right}"' for right in sorted(RIGHTS))}]
reason = "for this test"
"""
B = '\n[[handoff]]\ntarget = "b"\ntrigger = "b"\n'
C = '\n[[handoff]]\ntarget = "c"\ntrigger = "c"\n'


def _settings(target: str, text: str) -> str:
    output = "" if "output" in text or target not in FOLDERS else f'output = "{FOLDERS[target]}/{{name}}.md"\n'
    output = output.replace(".md", ".agent.md") if target == "copilot" else output
    return f'targets = ["{target}"]\n{ALLOWANCE}\n[target.{target}]\n{output}{text}\n'


def _changes(bench: Workbench, before: tuple[str, str], after: tuple[str, str]) -> tuple[set[str], set[str]]:
    """What the critic gains and loses, if its manifest and the settings become others. The clients are in front."""
    kits = []
    for name, (settings, manifest) in {"before": before, "after": after}.items():
        agents = {
            f"agents/{other}.toml": f'name = "{other}"\ndescription = "An agent."\nrole = "You help with the code."\n'
            for other in ("b", "c")
        }
        critic = f'name = "critic"\ndescription = "Reviews code."\nrole = "You review all code."\n{manifest}\n'
        marker = {"plugin/.claude-plugin/plugin.json": '{"name": "team"}\n'}
        bench.below(name).write({"assemble.toml": settings, "agents/critic.toml": critic, **agents, **marker})
        kits.append(load_kit(str(bench.folder / name)))
    impact = compare(kits[0], kits[1], "before", "after")
    assert (impact.errors, impact.broken) == ((), ())
    found: tuple[set[str], set[str]] = set(), set()
    for item in (item for item in impact.items if item.name == "critic"):
        for difference in (item.tools, item.rights):
            for names, gains in zip(found, difference, strict=True):
                names.update(f"{gain.target}: {gain.name}" for gain in gains)
    return found


class Change(NamedTuple):
    """A change of a manifest for one client, and what the agent gains and loses, with semicolons."""

    target: str
    before: str
    after: str
    gains: str = ""
    losses: str = ""
    settings: str = ""


def _own(target: str, text: str) -> str:
    return f"[target.{target}]\n{text}"


def _valued(target: str, key: str, *values: str) -> list[Change]:
    """The changes between all values of a key, the strongest first. The last one is a limit."""
    found = []
    for old, new in permutations(range(len(values)), 2):
        before, after = values[old], values[new]
        gains = [f"{key}={after}"] if new < old else []
        losses = [f"{key}={before}"] if new > old else []
        gains += [f"no limit by {key}={before}"] if before == values[-1] else []
        losses += [f"no limit by {key}={after}"] if after == values[-1] else []
        texts = [_own(target, f'{key} = "{each}"') for each in (before, after)]
        found.append(Change(target, texts[0], texts[1], "; ".join(gains), "; ".join(losses)))
    return found


def _permitted(before: str, after: str, gains: str = "", losses: str = "") -> Change:
    texts = [text if text.startswith("tools") else _own("opencode", f"permission = {text}") for text in (before, after)]
    return Change("opencode", texts[0], texts[1], gains, losses)


def _denied(target: str, before: str, after: str, gain: str = "", loss: str = "") -> Change:
    texts = [_own(target, f"disallowedTools = {each}") for each in (before, after)]
    gain, loss = (f"no limit by disallowedTools: {tool}" if tool else "" for tool in (gain, loss))
    return Change(target, texts[0], texts[1], gain, loss)


AGENTS_OF_COPILOT = [
    Change("copilot", 'tools = ["Agent(b)"]', 'tools = ["Agent"]', "Agent"),
    Change("copilot", 'tools = ["Agent(b)"]', 'tools = ["Agent(b, c)"]', "Agent(c)"),
    Change("copilot", 'tools = ["Agent(b, c)"]', 'tools = ["Agent(c)"]', "", "Agent(b)"),
    Change("copilot", 'tools = ["Read"]', 'tools = ["Read", "Agent(b)"]', "Agent(b)"),
    Change("copilot", 'tools = ["Read"]', 'tools = ["Read", "Agent"]', "Agent"),
    Change("copilot", _own("copilot", 'agents = ["b"]'), "", "Agent"),
    Change("copilot", _own("copilot", "agents = []"), "", "Agent"),
    Change("copilot", "", _own("copilot", 'agents = ["b"]'), "", "Agent"),
    Change("copilot", _own("copilot", 'agents = ["*"]'), _own("copilot", 'agents = ["b"]'), "", "Agent"),
    Change("copilot", _own("copilot", 'agents = ["b"]'), _own("copilot", 'agents = ["c"]'), "Agent(c)", "Agent(b)"),
    Change("copilot", "", _own("copilot", 'agents = ["*"]')),
    Change(
        "copilot",
        'tools = ["Agent(b)"]\n' + _own("copilot", 'agents = ["b"]'),
        'tools = ["Agent(c)"]\n' + _own("copilot", 'agents = ["b"]'),
    ),
    Change("copilot", 'tools = ["Read"]', 'tools = ["Read"]\n' + _own("copilot", 'agents = ["*"]'), "Agent(*)"),
    Change(
        "copilot",
        'tools = ["Read"]\n' + _own("copilot", 'agents = ["b"]'),
        'tools = ["Read", "Agent"]\n' + _own("copilot", 'agents = ["b"]'),
        "Agent(b)",
    ),
    Change(
        "copilot",
        _own("copilot", 'tools = ["custom-agent"]\nagents = ["b"]'),
        _own("copilot", 'tools = ["custom-agent"]'),
        "Agent",
    ),
    Change("copilot", _own("copilot", 'tools = ["Edit"]'), _own("copilot", 'tools = ["edit"]')),
]
LISTED = [
    Change(target, f"tools = {before}", f"tools = {after}", gains, losses)
    for target in ("claude-code", "opencode", "codex")
    for before, after, gains, losses in (
        ('["Agent(b, c)"]', '["Agent(b)"]', "", "Agent(c)"),
        ('["Agent(b,c)"]', '["Agent(c, b)"]', "", ""),
        ('["Agent(b, c)"]', '["Agent(b)", "Agent(c)"]', "", ""),
        ('["Agent(b)"]', '["Agent(b, c)"]', "Agent(c)", ""),
        ('["Agent"]', '["Agent(b)"]', "", "Agent"),
        ('["Agent(b)"]', '["Agent"]', "Agent", ""),
        ('["Skill(x, y)"]', '["Skill(y)"]', "", "Skill(x)"),
        ('["Skill(x)"]', '["Skill(x)", "Skill(y)"]', "Skill(y)", ""),
        ('["Task"]', '["Agent"]', "", ""),
        ('["Bash(git:*)"]', '["Bash(git status)"]', "", "Bash(git:*)"),
        ('["Bash(git:*)"]', '["Bash(git status:*)"]', "", "Bash(git:*)"),
        ('["Bash(git:*)"]', '["Bash(git *)"]', "", ""),
        ('["Bash(git:*)"]', '["Bash(git)"]', "", "Bash(git:*)"),
        ('["Bash(git *)"]', '["Bash(git)"]', "Bash(git)", "Bash(git *)"),
        ('["Bash(git status)"]', '["Bash(git:*)"]', "Bash(git:*)", ""),
        ('["Bash(git:*)"]', '["Bash(gitk)"]', "Bash(gitk)", "Bash(git:*)"),
        ('["Bash(git:*)"]', '["Bash(git status && rm x)"]', "Bash(git status && rm x)", "Bash(git:*)"),
        ('["Bash(git:*)"]', '["Bash(git st*)"]', "Bash(git st*)", "Bash(git:*)"),
        ('["Bash", "PowerShell"]', '["Bash(*)", "PowerShell"]', "", ""),
    )
]
LIMITED = [
    Change(
        "claude-code", f'tools = ["Agent"]\n{B}{C}', f'tools = ["Agent"]\n{C}', "", "Agent(b)", "limit-agents = true"
    ),
    Change(
        "claude-code", f'tools = ["Agent"]\n{B}', f'tools = ["Agent"]\n{B}{C}', "Agent(c)", "", "limit-agents = true"
    ),
    Change("claude-code", f'tools = ["Agent"]\n{B}', 'tools = ["Agent"]\n', "", "Agent(b)", "limit-agents = true"),
]
PERMISSIONS = [
    _permitted('{ bash = "deny" }', '{ bash = "ask" }', "Bash"),
    _permitted('{ bash = "ask" }', '{ bash = "deny" }', "", "Bash"),
    _permitted('{ bash = "deny" }', '{ bash = "allow" }', "Bash; permission: bash"),
    _permitted('{ bash = "ask" }', '{ bash = "allow" }', "permission: bash"),
    _permitted('"deny"', '"ask"', "all tools"),
    _permitted('{ bash = "allow", "*" = "deny" }', '{ "*" = "deny", bash = "allow" }', "Bash; permission: bash"),
    _permitted('{ "*" = "deny" }', '{ "*" = "deny", "tracker_*" = "ask" }', "tracker_*"),
    _permitted('{ bash = { "*" = "deny" } }', '{ bash = { "*" = "deny", "git *" = "ask" } }', "Bash(git *)"),
    _permitted(
        '{ bash = { "*" = "allow", "rm *" = "deny" } }', '{ bash = "allow" }', "Bash(rm *); permission: bash rm *"
    ),
    _permitted(
        '{ bash = "ask", edit = "ask", webfetch = "ask" }',
        '{ bash = "allow", edit = "allow", webfetch = "allow" }',
        "permission: bash; permission: edit; permission: webfetch",
    ),
    _permitted('"deny"', '{ "*" = "allow", bash = "allow" }', "all tools; permission: *; permission: bash"),
    _permitted('{ external_directory = "ask" }', '{ external_directory = "allow" }', "permission: external_directory"),
    _permitted("tools = []", '{ "*" = "deny", edit = "ask" }', "Edit; NotebookEdit; Write"),
    _permitted('{ "*" = "deny", "edit" = "ask" }', 'tools = ["Edit"]', "permission: edit"),
    _permitted(
        '{ external_directory = { "~/*" = "ask" } }',
        '{ external_directory = { "~/*" = "allow" } }',
        "permission: external_directory ~/*",
    ),
]
DISABLED = [
    Change("opencode", "tools = []\n" + _own("opencode", "disable = true"), "tools = []"),
    Change("opencode", _own("opencode", "disable = true"), "", "all tools"),
    Change("opencode", _own("opencode", "disable = true"), _own("opencode", "disable = false"), "all tools"),
    Change("kilo", "", _own("kilo", 'permission = { bash = "allow" }'), "permission: bash"),
    Change("kilo", "", _own("kilo", 'permission = { bash = { "ls *" = "allow" } }')),
    Change("opencode", 'tools = ["Read"]', 'tools = ["Read"]\n' + _own("opencode", "disable = true"), "", "Read"),
]
VALUES = [
    *_valued("claude-code", "permissionMode", "bypassPermissions", "auto", "acceptEdits", "plan"),
    *_valued("codex", "sandbox_mode", "danger-full-access", "workspace-write", "read-only"),
    *_valued("codex", "approval_policy", "never", "on-failure", "on-request", "untrusted"),
    *_valued("codex", "web_search", "live", "indexed", "cached", "disabled"),
    *_valued("qwen", "approvalMode", "yolo", "auto", "auto-edit", "plan"),
    Change(
        "claude-code",
        _own("claude-code", 'memory = "user"'),
        _own("claude-code", 'memory = "project"'),
        "memory=project",
        "memory=user",
    ),
]
DENIED = [
    _denied("claude-code", '["Bash(rm:*)"]', '["Bash"]', "", "Bash"),
    _denied("claude-code", '["Bash"]', '["Bash(rm:*)"]', "Bash"),
    _denied("claude-code", '["Bash", "Edit"]', '["Bash, Edit"]'),
    _denied("claude-code", '["Bash, Edit"]', '["Edit Write"]', "Bash", "Write"),
    _denied("claude-code", '["Task"]', '["Agent"]'),
    _denied("claude-code", '["Agent(b, c)"]', '["Agent(c),Agent(b)"]'),
    _denied("claude-code", '["Agent(b, c)"]', '["Agent(b)"]', "Agent(c)"),
    _denied("claude-code", '["mcp__tracker__search"]', '["mcp__tracker"]', "", "mcp__tracker"),
    _denied("qwen", '["run_shell_command(rm:*)"]', '["run_shell_command"]', "", "Bash"),
    _denied("qwen", '["run_shell_command"]', "[]", "Bash"),
]
SERVERS = [
    Change(
        "claude-code",
        _own("claude-code", 'mcpServers = [{ a = { command = "x" } }, { a = { command = "z" } }]'),
        _own("claude-code", 'mcpServers = [{ a = { command = "y" } }, { a = { command = "z" } }]'),
        "mcpServers: a",
        "mcpServers: a",
    ),
    Change(
        "claude-code",
        _own("claude-code", 'mcpServers = [{ a = { command = "x" } }]'),
        _own("claude-code", 'mcpServers.a = { command = "x" }'),
    ),
]
TABLE = [*AGENTS_OF_COPILOT, *LISTED, *LIMITED, *PERMISSIONS, *DISABLED, *VALUES, *DENIED, *SERVERS]


def _names(target: str, text: str) -> set[str]:
    return {f"{target}: {name}" for name in filter(None, text.split("; "))}


@pytest.mark.parametrize("change", TABLE, ids=lambda change: f"{change.target} {change.before!r} to {change.after!r}")
def test_gains_and_losses(change: Change, bench: Workbench) -> None:
    settings = _settings(change.target, change.settings)
    found = _changes(bench, (settings, change.before), (settings, change.after))
    assert found == (_names(change.target, change.gains), _names(change.target, change.losses))


def _foreign(settings: str = "") -> str:
    return f"""\
targets = ["claude-code", "copilot", "cursor"]
{ALLOWANCE}
[target.claude-code]
output = ".claude/agents/{{name}}.md"
limit-agents = true

[target.copilot]
output = ".github/agents/{{name}}.agent.md"
{settings}

[target.cursor]
output = ".cursor/agents/{{name}}.md"
{settings}
"""


USED = 'use-files-of = "claude-code"'
FOREIGN = {
    "an own limit no longer counts": (
        ("", _own("copilot", 'agents = ["b"]')),
        (USED, _own("copilot", 'agents = ["b"]')),
        "copilot: Agent",
        "",
    ),
    "own tools no longer count": (
        ("", _own("cursor", 'tools = ["Read"]')),
        (USED, _own("cursor", 'tools = ["Read"]')),
        "cursor: all tools",
        "",
    ),
    "a limit of the client": (
        ("", _own("cursor", "readonly = true")),
        (USED, _own("cursor", "readonly = true")),
        "cursor: no limit by readonly",
        "",
    ),
    "the same tools": (("", 'tools = ["Read", "Edit"]'), (USED, 'tools = ["Read", "Edit"]'), "", ""),
    "tools that the client does not understand": (
        ("", 'tools = ["Read", "Agent(b)", "mcp__tracker__search"]'),
        (USED, 'tools = ["Read", "Agent(b)", "mcp__tracker__search"]'),
        "",
        "copilot: Agent(b); copilot: mcp__tracker__search; cursor: Agent",
    ),
    "keys of the other client": (
        ("", _own("claude-code", 'mcpServers.a = { command = "x" }\npermissionMode = "acceptEdits"')),
        (USED, _own("claude-code", 'mcpServers.a = { command = "x" }\npermissionMode = "acceptEdits"')),
        "copilot: mcpServers: a; cursor: mcpServers: a",
        "",
    ),
    "a tool while the setting is on": (
        (USED, 'tools = ["Read"]'),
        (USED, 'tools = ["Read", "Bash"]'),
        "claude-code: Bash; copilot: Bash; cursor: Bash",
        "",
    ),
    "a limit that the client ignores": (
        (USED, _own("claude-code", 'disallowedTools = ["Bash"]')),
        (USED, ""),
        "claude-code: no limit by disallowedTools: Bash",
        "",
    ),
    "a tool in place of a limit that the client ignores": (
        (USED, 'tools = ["Read"]'),
        (USED, 'tools = ["Read", "Bash"]\n' + _own("claude-code", 'disallowedTools = ["Edit"]')),
        "claude-code: Bash; copilot: Bash; cursor: Bash",
        "claude-code: no limit by disallowedTools: Edit",
    ),
    "the setting goes": (
        (USED, _own("copilot", 'agents = ["b"]')),
        ("", _own("copilot", 'agents = ["b"]')),
        "",
        "copilot: Agent",
    ),
    "a target with a limit goes": (
        ("", _own("claude-code", 'permissionMode = "plan"')),
        ("", 'targets = ["copilot"]\n' + _own("claude-code", 'permissionMode = "plan"')),
        "",
        "claude-code: all tools; cursor: all tools",
    ),
    "a target with a limit comes": (
        ("", 'targets = ["copilot"]\n' + _own("claude-code", 'permissionMode = "plan"')),
        ("", _own("claude-code", 'permissionMode = "plan"')),
        "claude-code: all tools; cursor: all tools",
        "",
    ),
    "the other target goes": (
        (USED, 'tools = ["Read"]'),
        (USED, 'tools = ["Read", "Bash"]\ntargets = ["copilot"]'),
        "copilot: Bash",
        "claude-code: Read; cursor: Read",
    ),
}


@pytest.mark.parametrize(("before", "after", "gains", "losses"), FOREIGN.values(), ids=FOREIGN)
def test_clients_that_use_the_file_of_another_one(
    before: tuple[str, str], after: tuple[str, str], gains: str, losses: str, bench: Workbench
) -> None:
    old, new = ((_foreign(settings), manifest) for settings, manifest in (before, after))
    found = _changes(bench, old, new)
    assert found == tuple({*filter(None, names.split("; "))} for names in (gains, losses))


PLUGIN = 'output = "plugin/agents/{name}.md"'
OWN = 'output = ".claude/agents/{name}.md"'
HOOK = '[[target.claude-code.hooks.Stop]]\nhooks = [{ type = "command", command = "make" }]'
MOVES = {
    "hooks": (HOOK, "hooks: Stop", ""),
    "servers": (_own("claude-code", 'mcpServers.a = { command = "x" }'), "mcpServers: a", ""),
    "a grant": (_own("claude-code", 'permissionMode = "auto"'), "permissionMode=auto", ""),
    "a limit": (_own("claude-code", 'permissionMode = "plan"'), "", "no limit by permissionMode=plan"),
    "a value that is not accepted": (_own("claude-code", 'isolation = "remote"'), "isolation=remote", ""),
    "a value that is accepted": (_own("claude-code", 'isolation = "worktree"'), "", ""),
    "a key that works": (_own("claude-code", 'disallowedTools = ["Bash"]'), "", ""),
}


@pytest.mark.parametrize(("manifest", "gains", "losses"), MOVES.values(), ids=MOVES)
def test_keys_that_a_plugin_makes_void(manifest: str, gains: str, losses: str, bench: Workbench) -> None:
    plugin, own = ((_settings("claude-code", output), manifest) for output in (PLUGIN, OWN))
    expected = _names("claude-code", gains), _names("claude-code", losses)
    assert _changes(bench.below("out"), plugin, own) == expected
    assert _changes(bench.below("in"), own, plugin) == expected[::-1]


def test_a_change_inside_a_plugin(bench: Workbench) -> None:
    settings = _settings("claude-code", PLUGIN)
    assert _changes(bench, (settings, ""), (settings, HOOK)) == (set(), set())


def test_of_many_permissions_some_are_named(bench: Workbench) -> None:
    settings = _settings("opencode", "")
    before, after = (
        _own("opencode", f"permission = {{ {', '.join(f'own_{at} = {action!r}' for at in range(50))} }}")
        for action in ("ask", "allow")
    )
    gains, losses = _changes(bench, (settings, before), (settings, after))
    assert (len(gains), losses) == (20, set())
