"""A kit of 37 agents whose 7 roles are bundles of 16 fragments: each agent gets those of its role, then its blocks."""

from __future__ import annotations

import re

import pytest

from conftest import Workbench
from kei_assembler.toml.writer import document

ROLES = {
    "everyone": "honesty sources notes",
    "builder": "@everyone plan-first tests-first small-commits",
    "reviewer": "@everyone read-only severity one-finding-per-defect",
    "auditor": "@reviewer reproduce",
    "researcher": "@everyone read-only cite compare",
    "writer": "@everyone plain-words examples",
    "operator": "@everyone dry-run rollback small-commits",
}
FRAGMENTS = sorted({word for words in ROLES.values() for word in words.split() if not word.startswith("@")})

AGENTS = """
api-builder         builder             http
batch-builder       builder             sql queues
cli-builder         builder
data-builder        builder             sql
docs-builder        builder writer      markdown
game-builder        builder
graph-builder       builder
kernel-builder      builder             memory
mobile-builder      builder             http
model-builder       builder researcher  statistics
parser-builder      builder             memory
search-builder      builder             queues
site-builder        builder             http markdown
api-reviewer        reviewer            http
data-reviewer       reviewer            sql statistics
docs-reviewer       reviewer writer     markdown
test-reviewer       reviewer
type-reviewer       reviewer
access-auditor      auditor             http
cost-auditor        auditor             statistics
licence-auditor     auditor
privacy-auditor     auditor             sql
query-auditor       auditor             sql
release-auditor     auditor operator
secret-auditor      auditor
library-researcher  researcher
market-researcher   researcher          statistics
paper-researcher    researcher writer   statistics
change-writer       writer              markdown
guide-writer        writer              markdown
letter-writer       writer
reference-writer    writer              markdown http
backup-operator     operator            sql
deploy-operator     operator            http
incident-operator   operator auditor    queues
queue-operator      operator            queues
release-operator    operator            markdown
"""
"""The agents, with their roles and the blocks of their own. A word that is no role is a block."""

OWN_BLOCKS = ("http", "markdown", "memory", "queues", "sql", "statistics")


def _agents() -> dict[str, list[str]]:
    """The words after each agent's name."""
    return {name: words for name, *words in (line.split() for line in AGENTS.strip().splitlines())}


def _expanded(entry: str) -> list[str]:
    if not entry.startswith("@"):
        return [entry]
    return [block for inner in ROLES[entry[1:]].split() for block in _expanded(inner)]


def _expected(words: list[str]) -> list[str]:
    """The blocks of an agent in order: the fragments of its roles, each once, and then its own blocks."""
    entries = [f"@{word}" if word in ROLES else word for word in words]
    return list(dict.fromkeys(block for entry in entries for block in _expanded(entry)))


def _text(block: str) -> str:
    return f"# {block.upper()}\n\nWhat `{block}` asks for, you do each time.\n"


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    settings = {
        "obligatory": ["@everyone"],
        "bundles": {name: words.split() for name, words in ROLES.items()},
        "target": {"claude-code": {"output": ".claude/agents/{name}.md"}},
    }
    bench.write({"assemble.toml": document(settings)})
    bench.write({f"_blocks/{block}.md": _text(block) for block in (*FRAGMENTS, *OWN_BLOCKS)})
    for name, words in _agents().items():
        blocks = [f"@{word}" if word in ROLES else word for word in words]
        manifest = {"name": name, "description": f"Works as {name}.", "role": "You work.", "blocks": blocks}
        bench.write({f"agents/{name}.toml": document(manifest)})
    return bench


def _blocks_of(bench: Workbench, name: str) -> list[str]:
    """The blocks in a generated file, by their headings, after a check of their texts."""
    text = bench.read(f".claude/agents/{name}.md")
    found = [heading.lower() for heading in re.findall(r"^# ([A-Z-]+)$", text, re.MULTILINE) if heading != "ROLE"]
    assert "\n".join(map(_text, found)) in text
    return found


def test_the_table_has_37_agents_7_roles_and_16_fragments() -> None:
    assert (len(_agents()), len(ROLES), len(FRAGMENTS)) == (37, 7, 16)
    assert {word for words in _agents().values() for word in words} == {*ROLES, *OWN_BLOCKS} - {"everyone"}


def test_each_agent_gets_the_fragments_of_its_roles_before_its_blocks(kit: Workbench) -> None:
    run = kit.run("--all")
    assert (run.status, run.stderr) == (0, "37 agents, 37 files: 37 created\n")
    assert {name: _blocks_of(kit, name) for name in _agents()} == {
        name: _expected(words) for name, words in _agents().items()
    }
    assert (
        _blocks_of(kit, "release-auditor")
        == (
            "honesty sources notes read-only severity one-finding-per-defect reproduce dry-run rollback small-commits"
        ).split()
    )
    assert kit.run("--all", "--check").status == 0


def test_a_change_of_a_role_reaches_its_agents_only(kit: Workbench) -> None:
    kit.run("--all")
    kit.write({"assemble.toml": kit.read("assemble.toml").replace('"reproduce"', '"reproduce", "compare"')})
    run = kit.run("--all")
    changed = [name for name, words in _agents().items() if "auditor" in words]
    assert sorted(run.stdout.splitlines()) == sorted(f"updated .claude/agents/{name}.md" for name in changed)


def test_the_flat_kit_generates_the_same_files(kit: Workbench) -> None:
    kit.run("--all")
    assert kit.run("flatten", "--all", "--write").stderr == "37 manifests: 37 updated\n"
    settings = re.sub(
        r'"@everyone"', '"honesty", "sources", "notes"', kit.read("assemble.toml").partition("[bundles]")[0]
    )
    kit.write({"assemble.toml": settings + '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'})
    run = kit.run("--all", "--check")
    assert (run.status, run.stderr) == (0, "37 agents, 37 files: 37 unchanged\n")
