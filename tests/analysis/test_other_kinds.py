"""Skills, scoped rules, and agents that are also skills: they are explained, listed, shown and compared, too."""

from __future__ import annotations

import json

import jsonschema
import pytest

from conftest import REPOSITORY, Workbench
from kei_assembler.model.kinds import KINDS
from repositories import commit_all

SCHEMA = json.loads((REPOSITORY / "docs/impact.schema.json").read_text())
KIT = {
    "assemble.toml": (
        'targets = ["claude-code", "codex"]\n\n[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'
    ),
    "agents/coder.toml": (
        'name = "coder"\ndescription = "Codes."\nalso-skill = true\nrole = "You code."\nblocks = ["honesty"]\n'
    ),
    "instructions/py.toml": 'name = "py"\npaths = ["*.py"]\ntargets = ["claude-code"]\nblocks = ["honesty"]\n',
    "skills/review.toml": 'name = "review"\ndescription = "Reviews."\nrole = "You review."\nblocks = ["honesty"]\n',
    "_blocks/honesty.md": "# Honesty\n\nSay what you did.\n",
}


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write(KIT)
    assert bench.run("--all").status == 0
    commit_all(bench.folder)
    return bench


@pytest.mark.parametrize(
    ("path", "sources"),
    [
        (".agents/skills/review/SKILL.md", ["skills/review.toml:1", "skills/review.toml:2", "skills/review.toml:3"]),
        (".claude/rules/py.md", ["instructions/py.toml:2"]),
        (".agents/skills/coder/SKILL.md", ["agents/coder.toml:1", "agents/coder.toml:2", "agents/coder.toml:4"]),
        (".claude/agents/coder.md", ["agents/coder.toml:1", "agents/coder.toml:2", "agents/coder.toml:4"]),
    ],
)
def test_the_sources_of_files(kit: Workbench, path: str, sources: list[str]) -> None:
    run = kit.run("why", path)
    assert (run.status, run.stderr) == (0, "")
    found = [line.split()[1] for line in run.stdout.splitlines()]
    assert [each.split("-")[0] for each in found if each.partition(":")[0] == sources[0].partition(":")[0]] == sources
    assert "_blocks/honesty.md:1-3" in found


def test_the_list(kit: Workbench) -> None:
    run = kit.run("list")
    assert [line.split()[:2] for line in run.stdout.splitlines()[1:]] == [
        ["coder", "agent"],
        ["py", "instructions"],
        ["review", "skill"],
    ]
    assert run.stderr == "1 agent, 1 instruction manifest and 1 skill: 3 up to date\n"


def test_what_they_are_made_of(kit: Workbench) -> None:
    shown = kit.run("show", "skills/review").stdout
    assert shown.startswith("skills/review\n  Reviews.\n  skills/review.toml\n  up to date, ")
    assert "  description  " in shown
    assert "TOOLS" not in shown
    assert "  .agents/skills/coder/SKILL.md  up to date  " in kit.run("show", "coder").stdout
    assert kit.run("show", ".claude/rules/py.md").stdout.startswith("instructions/py\n")


def test_the_impact(kit: Workbench) -> None:
    assert kit.run("impact").stdout == "no agent, instruction manifest or skill is affected\n"
    kit.write({"_blocks/honesty.md": "# Honesty\n\nSay what you did, and what not.\n"})
    data = json.loads(kit.run("impact", "--output-format", "json").stdout)
    jsonschema.validate(data, SCHEMA)
    assert [(item["kind"], item["name"], len(item["outputs"])) for item in data["items"]] == [
        ("agent", "coder", 3),
        ("instructions", "py", 1),
        ("skill", "review", 2),
    ]
    assert kit.run("impact", "--names").stdout == "coder\ninstructions/py\nskills/review\n"
    run = kit.run("impact")
    assert (
        "→  1 agent, 3 files; 1 instruction manifest; 1 skill, 2 files: coder, instructions/py, skills/" in run.stdout
    )
    assert run.stdout.endswith("\n1 agent, 1 instruction manifest and 1 skill affected: 6 files, 1 cause\n")


def test_the_schema_of_the_impact_has_all_kinds() -> None:
    item = SCHEMA["properties"]["items"]["items"]["properties"]["kind"]
    assert item["enum"] == [*KINDS]


def test_the_file_on_stdout(kit: Workbench) -> None:
    out = kit.run("--stdout", "--target", "codex", "skills/review.toml").stdout
    assert out == kit.read(".agents/skills/review/SKILL.md")
    assert kit.run("--stdout", "--target", "codex", "agents/coder.toml").stdout == kit.read(".codex/agents/coder.toml")
