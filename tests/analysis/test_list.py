"""`assemble list`: which agents it lists, what it says about them, and how it fits a terminal."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from conftest import REPOSITORY, Workbench
from kei_assembler.analysis.agents import shared_tokens, survey
from kei_assembler.analysis.listing import table
from kei_assembler.build.budgets import excess_of
from kei_assembler.build.kit_plan import preview
from kei_assembler.loader import load_kit
from kei_assembler.markdown.tokens import tokens
from kei_assembler.report.layout import width
from terminals import on_terminal

SETTINGS = """\
targets = ["claude-code", "codex"]
ignore = ["K126"]
external-agents = ["general-purpose"]

[bundles]
core = ["honesty"]
careful = ["@core", "rules#testing"]

[values]
PROJECT = "Kei"
"""
CRITIC = """\
name = "critic"
description = "Reviews code."
model = "opus"
tools = ["Read", "Agent", "Bash(git:*)"]
role = "You review code."
extends = "reviewer"
blocks = ["...", "style"]

[[handoff]]
target = "coder"
trigger = "findings"
"""
CODER = """\
name = "coder"
description = "Writes code."
role = "You write code for {{PROJECT}}."
blocks = ["honesty"]
targets = ["claude-code"]
"""
REVIEWER = """\
name = "reviewer"
abstract = true
blocks = ["@careful"]
"""
KIT = {
    "assemble.toml": SETTINGS,
    "agents/critic.toml": CRITIC,
    "agents/coder.toml": CODER,
    "agents/reviewer.toml": REVIEWER,
    "_blocks/honesty.md": "Be honest. Say what you ran.\n",
    "_blocks/rules.md": "# RULES\n\n## Testing\n\nTest first.\n",
    "_blocks/style.md": "Be brief.\n",
}
LIST = """\
AGENT   MODEL  TOOLS  BLOCKS  TOKENS  STATE       TARGETS
coder   -        all       1      {0}  up to date  claude-code
critic  opus       3       3     {1}  up to date  claude-code, codex
"""


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write(KIT)
    run = bench.run("--all")
    assert run.status == 0, run.stderr
    return bench


def test_every_agent_has_a_line(kit: Workbench) -> None:
    before = kit.files()
    largest = [
        max(tokens(kit.read(path)) for path in paths)
        for paths in (("agents/coder.md",), ("agents/critic.md", ".codex/agents/critic.toml"))
    ]
    assert kit.run("list") == (0, LIST.format(*largest), "2 agents: 2 up to date\n")
    assert kit.files() == before


def test_tokens_are_those_of_the_budgets(kit: Workbench) -> None:
    settings = kit.read("assemble.toml") + "[budget]\nagent = 1\n"
    kit.write({"assemble.toml": settings})
    own = load_kit(str(kit.folder))
    for agent in survey(own).agents:
        excesses = [one.tokens for artifact in preview(own, agent.file)[1] for one in excess_of(own, artifact)]
        assert max(excesses) == agent.tokens


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda kit: (kit.folder / "agents/critic.md").unlink(), "missing"),
        (
            lambda kit: kit.write({"agents/critic.toml": CRITIC.replace("Reviews code", "Reviews all code")}),
            "out of date",
        ),
        (lambda kit: kit.write({"agents/critic.md": kit.read("agents/critic.md") + "More.\n"}), "edited"),
        (lambda kit: kit.write({"agents/critic.md": "---\nname: critic\n---\nMine.\n"}), "foreign"),
        (lambda kit: kit.write({"agents/critic.md": kit.read("agents/critic.md").replace("\n", "\r\n")}), "up to date"),
    ],
    ids=["missing", "outdated", "edited", "foreign", "crlf"],
)
def test_state_is_the_worst_of_the_files(change: Callable[[Workbench], None], state: str, kit: Workbench) -> None:
    change(kit)
    before = kit.files()
    run = kit.run("list")
    assert [line[38:50].rstrip() for line in run.stdout.splitlines()] == ["STATE", "up to date", state]
    assert run.status == 0
    assert kit.files() == before


@pytest.mark.parametrize(
    ("uses", "names"),
    [
        ("block:honesty", ["coder", "critic"]),
        ("block:rules", ["critic"]),
        ("block:rules#testing", ["critic"]),
        ("block:rules#rules", []),
        ("tool:Bash", ["coder", "critic"]),
        ("tool:Bash(git:*)", ["critic"]),
        ("tool:Task", ["coder", "critic"]),
        ("tool:Write", ["coder"]),
        ("tool:*", ["coder"]),
        ("model:opus", ["critic"]),
        ("model:haiku", []),
        ("agent:coder", ["critic"]),
        ("agent:general-purpose", []),
        ("value:PROJECT", ["coder"]),
        ("base:reviewer", ["critic"]),
        ("bundle:careful", ["critic"]),
        ("bundle:core", ["critic"]),
        ("bundle:@core", ["critic"]),
    ],
)
def test_agents_are_selected_by_what_they_use(uses: str, names: list[str], kit: Workbench) -> None:
    run = kit.run("list", "--uses", uses, "--output-format", "json")
    assert (run.status, run.stderr) == (0, "")
    assert [item["name"] for item in json.loads(run.stdout)["items"]] == names


def test_all_uses_must_hold(kit: Workbench) -> None:
    run = kit.run("list", "--uses", "block:honesty", "--uses", "tool:Write")
    assert [line.split()[0] for line in run.stdout.splitlines()] == ["AGENT", "coder"]
    assert run.stderr == "1 of 2 agents: 1 up to date\n"
    assert kit.run("list", "--uses", "model:opus", "--uses", "tool:Write") == (0, "", "0 of 2 agents\n")


def test_replaced_blocks_of_a_base_do_not_count(kit: Workbench) -> None:
    kit.write({"agents/critic.toml": CRITIC.replace('"...", ', "")})
    assert kit.run("list", "--uses", "bundle:careful").stdout == ""


def test_base_of_a_base_counts(kit: Workbench) -> None:
    kit.write(
        {
            "agents/reviewer.toml": 'name = "reviewer"\nabstract = true\nextends = "top"\nblocks = ["..."]\n',
            "agents/top.toml": 'name = "top"\nabstract = true\nblocks = ["@core"]\n',
        }
    )
    assert kit.run("list", "--uses", "base:top", "--uses", "bundle:core").stderr.startswith("1 of 2 agents")


@pytest.mark.parametrize(
    ("uses", "message", "hint"),
    [
        ("blok:style", "`blok:style` has an unknown kind, `blok`", "did you mean `block`?"),
        (
            "style",
            "`style` has no kind",
            "write KIND:NAME; the kinds are `block`, `tool`, `model`, `agent`, `value`, `base` and `bundle`",
        ),
        (
            "block:",
            "`block:` has no name after the kind",
            "write KIND:NAME; the kinds are `block`, `tool`, `model`, `agent`, `value`, `base` and `bundle`",
        ),
        ("block:stile", "unknown block `stile`", "did you mean `style`?"),
        ("block:rules#testng", "unknown block `rules#testng`", "did you mean `rules#testing`?"),
        ("agent:reviewer", "unknown agent `reviewer`", "the agents are `coder`, `critic` and `general-purpose`"),
        ("bundle:zzz", "unknown bundle `zzz`", "the bundles are `careful` and `core`"),
        ("tool:Bsh", "unknown tool `Bsh`", "did you mean `Bash`?"),
        ("value:PROJCT", "unknown value `PROJCT`", "did you mean `PROJECT`?"),
        ("base:qqq\x1b", "unknown base `qqq<U+001B>`", "the bases are `coder`, `critic` and `reviewer`"),
    ],
)
def test_unknown_use_is_refused(uses: str, message: str, hint: str, kit: Workbench) -> None:
    assert kit.run("list", "--uses", uses) == (2, "", f"error: {message}\n  help: {hint}\n")


def test_tokens_sort_and_show_what_is_shared(kit: Workbench) -> None:
    run = kit.run("list", "--tokens")
    lines = [line.split() for line in run.stdout.splitlines()]
    own = load_kit(str(kit.folder))
    shared = shared_tokens(own, survey(own).agents)
    assert set(shared.values()) == {tokens("Be honest. Say what you ran.")}
    assert [line[0] for line in lines] == ["AGENT", "critic", "coder"]
    assert [line[5] for line in lines] == ["SHARED", *(f"{shared[line[0]] / int(line[4]):.0%}" for line in lines[1:])]


def test_errors_go_to_stderr_and_valid_agents_are_listed(kit: Workbench) -> None:
    kit.write({"agents/critic.toml": CRITIC.replace('"coder"', '"codr"')})
    run = kit.run("list")
    assert [line.split()[0] for line in run.stdout.splitlines()] == ["AGENT", "coder"]
    assert run.status == 1
    assert run.stderr.startswith("agents/critic.toml:10:1: error[H301] unknown agent `codr`\n")
    assert run.stderr.endswith("\n1 of 2 agents: 1 up to date\n")
    assert run.stderr.count("error") == 1


@pytest.mark.parametrize("broken", [b"name = ", b"\xff", b'name = "critic"\nabstract = true\n', b""])
def test_broken_manifest_leaves_the_others(broken: bytes, kit: Workbench) -> None:
    kit.write({"agents/critic.toml": broken})
    run = kit.run("list", "--output-format", "json")
    assert [item["name"] for item in json.loads(run.stdout)["items"]] == ["coder"]
    assert run.status == (b"abstract" not in broken)


def test_error_in_a_base_concerns_its_heirs(kit: Workbench) -> None:
    kit.write({"agents/reviewer.toml": REVIEWER + "modle = 1\n"})
    run = kit.run("list")
    assert [line.split()[0] for line in run.stdout.splitlines()] == ["AGENT", "coder"]
    assert (run.status, run.stderr.count("error[")) == (1, 1)


def test_kit_without_agents(bench: Workbench) -> None:
    bench.write({"assemble.toml": "", "agents/x.toml": 'name = "x"\nabstract = true\n'})
    assert bench.run("list") == (0, "", "0 agents\n")
    assert json.loads(bench.run("list", "--output-format", "json").stdout) == {"items": []}


def test_json_has_all_that_the_table_has(kit: Workbench) -> None:
    items = json.loads(kit.run("list", "--output-format", "json").stdout)["items"]
    assert items[1] == {
        "name": "critic",
        "kind": "agent",
        "manifest": "agents/critic.toml",
        "model": "opus",
        "tools": ["Read", "Agent", "Bash(git:*)"],
        "blocks": ["honesty", "rules#testing", "style"],
        "bundles": ["careful", "core"],
        "bases": ["reviewer"],
        "values": [],
        "handoffs": ["coder"],
        "tokens": max(output["tokens"] for output in items[1]["outputs"]),
        "shared": tokens("Be honest. Say what you ran."),
        "targets": ["claude-code", "codex"],
        "state": "up to date",
        "outputs": [
            {
                "target": target,
                "path": path,
                "state": "up to date",
                "tokens": tokens(kit.read(path)),
            }
            for target, path in (("claude-code", "agents/critic.md"), ("codex", ".codex/agents/critic.toml"))
        ],
    }
    assert (items[0]["tools"], items[0]["values"]) == (None, ["PROJECT"])


def test_this_repository_is_listed() -> None:
    own = survey(load_kit(str(REPOSITORY)))
    assert [agent.name for agent in own.agents] == sorted(path.stem for path in REPOSITORY.glob("agents/*.toml"))
    assert own.errors == ()


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
@pytest.mark.parametrize("is_by_tokens", [False, True])
def test_nothing_is_wider_than_the_terminal(columns: int, is_by_tokens: bool, kit: Workbench) -> None:
    own = load_kit(str(kit.folder))
    agents = survey(own).agents
    text = table(agents, shared_tokens(own, agents) if is_by_tokens else None, columns)
    assert max(map(width, text.splitlines())) <= columns
    assert all(name in text for name in ("coder", "critic", "codex", "opus", "up to date"))


STACKED = """\
coder
  up to date, all tools, 1 block, {0} tokens
  claude-code
critic
  up to date, opus, 3 tools, 3 blocks, {1} tokens
  claude-code, codex
"""


def test_narrow_terminal_gets_several_lines_for_each_agent(kit: Workbench) -> None:
    agents = survey(load_kit(str(kit.folder))).agents
    assert table(agents, None, 54) == STACKED.format(*(agent.tokens for agent in agents))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
def test_terminal_gets_colours_and_what_fits(kit: Workbench) -> None:
    text = on_terminal(kit.folder, "list")
    assert text.startswith("\x1b[1mAGENT\x1b[0m")
    assert "\x1b[32mup to date\x1b[0m" in text
    assert on_terminal(kit.folder, "list", columns=50).startswith("\x1b[1mcoder\x1b[0m\n  up to date, all tools")


def test_unusual_model_is_escaped(kit: Workbench) -> None:
    kit.write({"agents/coder.toml": CODER + 'model = "a\\u202eb"\n'})
    assert "\u202e" not in "".join(map(str, kit.run("list")))


def test_home_folder_needs_the_option(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(bench.folder / "home"))
    (bench.folder / ".git").rmdir()
    bench.write({"home/x": "", "kit/agents/coder.toml": CODER.replace("{{PROJECT}}", "us").replace("honesty", "b")})
    bench.write({"kit/_blocks/b.md": "B.\n", "kit/assemble.toml": '[target.claude-code]\noutput = "~/{name}.md"\n'})
    kit = bench.below("kit")
    assert (kit.run("list").status, kit.run("show", "coder").status) == (2, 2)
    assert kit.run("list", "--user").stderr == "1 agent: 1 missing\n"
    assert kit.run("show", "coder", "--user").status == 0
