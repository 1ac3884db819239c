"""Kilo Code: what it does differently from OpenCode, on which it is built."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import Workbench
from readers import AGENT, build, findings, path_of

ASKS = 'tools = ["Read", "Bash"]\n'


def _permission(bench: Workbench, manifest: str) -> dict[str, Any]:
    (file,) = build(bench, manifest, ["kilo"]).values()
    permission: dict[str, Any] = file.values["permission"]
    return permission


@pytest.mark.parametrize(
    ("tools", "bash"),
    [
        (["Bash"], "ask"),
        (["Bash(git:*)", "Bash(ls)"], {"*": "deny", "git *": "ask", "ls": "ask"}),
        (["Bash", "Bash(ls)"], "ask"),
    ],
)
def test_it_still_asks_before_it_runs_a_command(tools: list[str], bash: object, bench: Workbench) -> None:
    assert _permission(bench, f"tools = {json.dumps(tools)}\n") == {"*": "deny", "bash": bash}


def test_other_tools_are_allowed_as_in_opencode(bench: Workbench) -> None:
    tools = 'tools = ["Read", "Edit", "Task", "Agent(a)", "Skill(s)", "mcp__docs"]\n'
    files = build(bench, tools, ["kilo", "opencode"])
    assert files["kilo"].values["permission"] == files["opencode"].values["permission"]


@pytest.mark.parametrize(
    ("tools", "permission", "codes"),
    [
        (ASKS, {"*": "deny", "bash": "ask"}, []),
        (ASKS, {"*": "deny", "bash": "allow"}, ["R501"]),
        ("", {"bash": "allow"}, ["R501"]),
        ("", {"bash": {"cat *": "allow", "rm *": "deny"}}, []),
        ("", {"bash": {"git *": "allow"}}, ["R501"]),
        ("", {"recall": "allow"}, ["R501"]),
        ("", {"edit": "allow", "webfetch": "allow"}, []),
        ('tools = ["Read"]\n', {"cron_create": "allow"}, ["R501"]),
    ],
)
def test_what_goes_beyond_its_own_defaults_needs_an_allowance(
    tools: str, permission: dict[str, Any], codes: list[str], bench: Workbench
) -> None:
    table = "\n".join(f"{json.dumps(key)} = {_toml(value)}" for key, value in permission.items())
    bench.write({"agents/critic.toml": f"{AGENT}{tools}[target.kilo.permission]\n{table}\n"})
    assert [one.code for one in findings(bench, "--target", "kilo") if one.code != "K124"] == codes


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(key)} = {json.dumps(inner)}' for key, inner in value.items())} }}"
    return json.dumps(value)


@pytest.mark.parametrize("target", ["opencode", "kilo"])
@pytest.mark.parametrize("tools", ["", "tools = []\n", 'tools = ["*"]\n', ASKS])
def test_permissions_of_the_format_v2_are_never_written(target: str, tools: str, bench: Workbench) -> None:
    (file,) = build(bench, tools, [target]).values()
    assert "permissions" not in file.values
    own = f'[[target.{target}.permissions]]\naction = "*"\nresource = "*"\neffect = "deny"\n'
    bench.write({"agents/critic.toml": AGENT + tools + own})
    before = bench.read(path_of(target))
    (found,) = findings(bench, "--target", target)
    assert (found.code, found.help) == (
        "K101",
        "it is a key of the format V2: the client ignores it here, and the agent keeps all permissions",
    )
    assert bench.read(path_of(target)) == before


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("{env:HOME}", "env:HOME"),
        ("`{env: X}`", "env: X"),
        ("{file:../notes.md}", "file:../notes.md"),
        ("\\n\\n```\\n{file:x}\\n```\\n", "file:x"),
    ],
)
def test_text_that_it_replaces_is_an_error(text: str, plain: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{AGENT.rpartition("role")[0]}role = "See {text} first."\n'})
    (found,) = findings(bench, "--target", "kilo")
    effect = "as a variable, so the agent is not loaded, or gets the content of a file instead"
    assert (found.code, found.message) == ("T407", f"Kilo Code treats `{{{plain}}}` {effect}")
    assert found.help == f"write it differently, such as `{plain}`"
    assert findings(bench, "--target", "opencode") == []


@pytest.mark.parametrize("text", ["${HOME}", "{env:}", "{file:}", "{ENV:X}", "@notes.md", "!`date`", "{{env}}"])
def test_other_text_stays(text: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{AGENT.rpartition("role")[0]}role = "See {text} first."\n'})
    assert findings(bench, "--target", "kilo") == []


def test_its_name_is_that_of_the_file(bench: Workbench) -> None:
    (file,) = build(bench, 'display-name = "The Critic"\n', ["kilo"]).values()
    assert (file.values.get("name"), file.values["displayName"]) == (None, "The Critic")
    bench.write({"assemble.toml": 'targets = ["kilo"]\n[target.kilo]\noutput = ".kilo/agents/kei-{name}.md"\n'})
    bench.write({"agents/critic.toml": AGENT})
    bench.run("--all", "--prune", "--force")
    assert "\nname: critic\n" in bench.read(".kilo/agents/kei-critic.md")


@pytest.mark.parametrize("path", [".kilo/agents/critic.md", ".kilo/agent/critic.md", ".kilocode/agents/critic.md"])
def test_its_files_are_imported(path: str, bench: Workbench) -> None:
    front = "description: Reviews code.\nmode: subagent\npermission:\n  '*': deny\n  bash: ask\n  grep: allow\n"
    bench.write({path: f"---\n{front}---\nYou review code.\n"})
    assert bench.run("import", ".").status == 0
    assert 'targets = ["kilo"]\n' in bench.read("assemble.toml")
    assert 'tools = ["Bash", "Grep"]\n' in bench.read("agents/critic.toml")


def test_import_does_not_widen_what_may_run_without_asking(bench: Workbench) -> None:
    front = "description: Reviews code.\nmode: subagent\npermission:\n  '*': deny\n  bash: allow\n"
    bench.write({".kilo/agents/critic.md": f"---\n{front}---\nYou review code.\n"})
    bench.run("import", ".")
    manifest = bench.read("agents/critic.toml")
    assert "tools" not in manifest
    assert '[target.kilo.permission]\n"*" = "deny"\nbash = "allow"\n' in manifest
