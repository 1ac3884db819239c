"""`assemble show`: what an agent is made of, what it may do in each client, and how it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Workbench
from kei_assembler.analysis.agents import survey
from kei_assembler.analysis.parts import matrix, parts
from kei_assembler.analysis.portrait import portrait
from kei_assembler.loader import load_kit
from kei_assembler.markdown.tokens import tokens
from kei_assembler.report.layout import width
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.targets import TARGETS

SETTINGS = """\
targets = ["claude-code", "opencode"]
ignore = ["K126", "K127"]

[bundles]
core = ["honesty"]

[target.claude-code]
output = ".claude/agents/{name}.md"

[[allow-rights]]
agent = "critic"
rights = ["claude-code.permissionMode=acceptEdits"]
reason = "It formats what it reads."
"""
CRITIC = """\
name = "critic"
extends = "base"
description = "Reviews code."
tools = ["Read", "Bash(git log:*)", "Monitor", "Agent"]
blocks = ["...", "rules#testing"]

[role]
file = "roles/critic.md"

[[handoff]]
target = "coder"
trigger = "confirmed findings"

[target.claude-code]
permissionMode = "acceptEdits"
"""
KIT = {
    "assemble.toml": SETTINGS,
    "agents/base.toml": (
        'name = "base"\nabstract = true\nmodel = "opus"\nblocks = ["@core"]\ndomain_in = ["the diff"]\n'
    ),
    "agents/critic.toml": CRITIC,
    "agents/coder.toml": (
        'name = "coder"\ndescription = "Writes code."\nrole = "You write code."\n'
        '[[handoff]]\ntarget = "critic"\ntrigger = "a diff"\n'
    ),
    "roles/critic.md": "You review code.\n",
    "_blocks/honesty.md": "Be honest. Say what you ran.\n",
    "_blocks/rules.md": "# RULES\n\n## Testing\n\nTest first.\n",
}
SHOWN = """\
critic
  Reviews code.
  agents/critic.toml, extends base
  model opus, up to date, {total} tokens in the largest file

PARTS
  description            {description}  agents/critic.toml:3
  role                   {role}  roles/critic.md:1
  block honesty          {honesty}  _blocks/honesty.md:1, listed in assemble.toml:5
  block rules#testing    {testing}  _blocks/rules.md:3
  domain_in              {domain}  agents/base.toml:5
  handoff                {handoff}  agents/critic.toml:10
  everything else      {rest}

TOOLS AND RIGHTS
                                          claude-code      opencode
  Read                                    Read             read
  Bash(git log:*)                         Bash(git log:*)  bash(…)
  Monitor                                 Monitor          -
  Agent                                   Agent            task
  claude-code.permissionMode=acceptEdits  yes              -

HANDOFFS
  -> coder: confirmed findings
  <- coder: a diff

FILES
  .claude/agents/critic.md    up to date  {claude} tokens
  .opencode/agents/critic.md  up to date  {opencode} tokens
"""


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write(KIT)
    run = bench.run("--all")
    assert run.status == 0, run.stderr
    return bench


def test_an_agent_is_shown_with_parts_tools_handoffs_and_files(kit: Workbench) -> None:
    before = kit.files()
    texts = {
        "description": "Reviews code.",
        "role": "You review code.\n",
        "honesty": "Be honest. Say what you ran.",
        "testing": "## Testing\n\nTest first.",
        "domain": "the diff",
        "handoff": "coder: confirmed findings",
    }
    counts = {name: tokens(text) for name, text in texts.items()}
    files = {name: tokens(kit.read(f".{name}/agents/critic.md")) for name in ("claude", "opencode")}
    total = max(files.values())
    rest = total - sum(counts.values())
    run = kit.run("show", "critic")
    assert run.stdout == SHOWN.format(**counts, **files, total=total, rest=rest)
    assert (run.status, run.stderr) == (0, "")
    assert kit.files() == before


@pytest.mark.parametrize(
    "name",
    ["critic", "agents/critic.toml", "./agents/critic.toml", ".claude/agents/critic.md", ".opencode/agents/critic.md"],
)
def test_an_agent_has_several_names(name: str, kit: Workbench) -> None:
    run = kit.run("show", name)
    assert (run.status, run.stdout) == (0, kit.run("show", "critic").stdout)


def test_files_are_named_from_the_working_directory(kit: Workbench) -> None:
    assert kit.run("show", "critic.toml", cwd="agents").stdout == kit.run("show", "critic").stdout


def test_a_file_for_a_client_of_the_manifest_alone_names_its_agent(kit: Workbench) -> None:
    kit.write(
        {"agents/alone.toml": 'name = "alone"\ndescription = "Works."\nrole = "You work."\ntargets = ["codex"]\n'}
    )
    assert kit.run("show", ".codex/agents/alone.toml").stdout.startswith("alone\n")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("critc", "error: unknown agent `critc`\n  help: did you mean `critic`?\n"),
        ("zzz", "error: unknown agent `zzz`\n  help: `assemble list` lists the agents\n"),
        ("", "error: unknown agent ``\n  help: `assemble list` lists the agents\n"),
        ("a\nb\u202e", "error: unknown agent `a<U+000A>b<U+202E>`\n  help: `assemble list` lists the agents\n"),
        ("_blocks/rules.md", "error: unknown agent `_blocks/rules.md`\n  help: `assemble list` lists the agents\n"),
        (
            "base",
            "error: `base` is only a base of others\n"
            "  help: `assemble list --uses base:base` lists the agents that extend it\n",
        ),
    ],
)
def test_an_unknown_name_is_refused(name: str, message: str, kit: Workbench) -> None:
    assert kit.run("show", name) == (2, "", message)


def test_errors_of_the_agent_are_reported_and_those_of_others_are_not(kit: Workbench) -> None:
    kit.write({"agents/coder.toml": 'name = "coder"\ndescription = "Writes code."\nrole = 1\n'})
    run = kit.run("show", "coder")
    assert (run.status, run.stdout, run.stderr.count("error[")) == (1, "", 1)
    assert kit.run("show", "critic")[::2] == (0, "")


def test_states_are_those_of_the_files(kit: Workbench) -> None:
    (kit.folder / ".claude/agents/critic.md").unlink()
    kit.write({".opencode/agents/critic.md": kit.read(".opencode/agents/critic.md") + "More.\n"})
    lines = kit.run("show", "critic").stdout.splitlines()
    assert [line.split()[1] for line in lines[-2:]] == ["missing", "edited"]


def test_the_parts_are_all_of_the_largest_file(kit: Workbench) -> None:
    own = load_kit(str(kit.folder))
    for agent in survey(own).agents:
        found = parts(own, ManifestContext(own, own.read_manifest(agent.file)), agent)
        assert sum(part.tokens for part in found) == agent.tokens
        for part in found[:-1]:
            file, line = part.source.rsplit(":", 1)
            assert len((kit.folder / file).read_text().splitlines()) >= int(line)


@pytest.mark.parametrize(
    ("keys", "settings", "rows"),
    [
        ("", "", [("*", "all", "all")]),
        ('tools = ["*"]', "", [("*", "all", "all")]),
        ("tools = []", "", []),
        (
            'tools = ["Read"]\n[target.opencode]\npermission = { "*" = "deny" }',
            "",
            [("Read", "Read", "own")],
        ),
        ('tools = ["Agent"]', "limit-agents = true\n", [("Agent", "-", "task")]),
    ],
)
def test_tools_are_shown_as_they_take_effect(
    keys: str, settings: str, rows: list[tuple[str, ...]], tmp_path: Path
) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "assemble.toml").write_text(f'targets = ["claude-code", "opencode"]\n[target.claude-code]\n{settings}')
    (tmp_path / "agents/x.toml").write_text(f'name = "x"\ndescription = "Works."\nrole = "You work."\n{keys}\n')
    own = load_kit(str(tmp_path))
    (agent,) = survey(own).agents
    assert matrix(own, agent) == rows


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_nothing_is_wider_than_the_terminal(columns: int, kit: Workbench) -> None:
    targets = ", ".join(f'"{name}"' for name in TARGETS)
    kit.write({"assemble.toml": SETTINGS.replace('"claude-code", "opencode"', targets)})
    own = load_kit(str(kit.folder))
    (agent,) = (one for one in survey(own).agents if one.name == "critic")
    text = portrait(own, agent, columns)
    assert max(map(width, text.splitlines())) <= columns
    assert all(name in text for name in TARGETS)
