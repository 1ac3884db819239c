"""`assemble impact` on instructions: only the text of their sections counts, and they are told apart from agents."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from conftest import REPOSITORY, Workbench
from repositories import commit_all, git

SCHEMA = json.loads((REPOSITORY / "docs/impact.schema.json").read_text())
KIT = {
    "assemble.toml": (
        'targets = ["claude-code", "codex"]\n\n[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'
    ),
    "agents/house.toml": 'name = "house"\ndescription = "Keeps the house."\nblocks = ["honesty"]\n',
    "instructions/house.toml": 'name = "house"\nrole = "You are in this house."\nblocks = ["honesty"]\n',
    "instructions/api.toml": 'name = "api"\nfolder = "api"\ntargets = ["codex"]\nblocks = ["tests"]\n',
    "_blocks/honesty.md": "# Honesty\n\nSay what you did.\n",
    "_blocks/tests.md": "# Tests\n\nTest first.\n",
    "AGENTS.md": "Written by hand.\n",
    "api/go.mod": "module api\n",
}


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write(KIT)
    assert bench.run("--all").status == 0
    commit_all(bench.folder)
    return bench


def _edit(kit: Workbench, file: str, old: str, new: str) -> None:
    text = kit.read(file)
    assert old in text
    kit.write({file: text.replace(old, new)})


def _data(kit: Workbench, *args: str) -> Any:
    data = json.loads(kit.run("impact", "--output-format", "json", *args).stdout)
    jsonschema.validate(data, SCHEMA)
    return data


def test_nothing_changed(kit: Workbench) -> None:
    run = kit.run("impact")
    assert run == (0, "no agent or instruction manifest is affected\n", "")


def test_a_block_that_an_agent_and_instructions_share(kit: Workbench) -> None:
    _edit(kit, "_blocks/honesty.md", "Say what you did.", "Say what you did, and what not.")
    run = kit.run("impact")
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout == (
        "_blocks/honesty.md  +1 −1  →  1 agent × 2 targets and 1 instruction manifest: house, instructions/house"
        "   about +4 tokens each\n"
        "  @@ -1,3 +1,3 @@\n"
        "   # Honesty\n"
        "\n"
        "  -Say what you did.\n"
        "  +Say what you did, and what not.\n"
        "\n"
        "AGENTS\n"
        "  house: 62 → 66 tokens, in Claude Code, Codex CLI\n"
        "\n"
        "INSTRUCTIONS\n"
        "  instructions/house: 56 → 60 tokens, in Claude Code, Codex CLI\n"
        "    section of AGENTS.md\n"
        "\n"
        "1 agent and 1 instruction manifest affected: 3 files, 1 cause\n"
    )
    assert kit.run("impact", "--names").stdout == "house\ninstructions/house\n"


def test_the_json(kit: Workbench) -> None:
    _edit(kit, "_blocks/honesty.md", "Say what you did.", "Say what you did, and what not.")
    data = _data(kit)
    (cause,) = data["causes"]
    assert cause["agents"] == ["house"]
    assert cause["items"] == [{"name": "house", "kind": "agent"}, {"name": "house", "kind": "instructions"}]
    agent, instructions = data["items"]
    assert (agent["kind"], instructions["kind"], instructions["name"]) == ("agent", "instructions", "house")
    assert instructions["targets"] == ["claude-code", "codex"]
    assert instructions["tools"] == instructions["rights"] == {"added": [], "removed": []}
    assert instructions["outputs"] == [
        {
            "path": "AGENTS.md",
            "old_path": "AGENTS.md",
            "section": "house",
            "target": "claude-code",
            "targets": ["claude-code", "codex"],
            "status": "changed",
            "keys": [],
        }
    ]


def test_the_page_and_the_annotations(kit: Workbench) -> None:
    _edit(kit, "_blocks/honesty.md", "Say what you did.", "Say what you did, and what not.")
    page = kit.run("impact", "--output-format", "markdown").stdout
    assert page.startswith("## Impact on agents and instructions: 1 agent and 1 instruction manifest affected: 3 files")
    assert "### Instructions\n\n| instructions | change | tokens | clients | more |\n" in page
    row = "| `instructions/house` | changed | 56 → 60 tokens | Claude Code, Codex CLI | `section of AGENTS.md` |\n"
    assert row in page
    notices = kit.run("impact", "--output-format", "github").stdout
    assert "and 1 instruction manifest: house, instructions/house; about +4 tokens each\n" in notices


def test_only_the_text_of_the_section_counts(kit: Workbench) -> None:
    kit.write({"AGENTS.md": f"More by hand.\n\n{kit.read('AGENTS.md')}\nAnd below.\n"})
    assert kit.run("impact").stdout == "no agent or instruction manifest is affected\n"


def test_an_edit_of_the_manifest(kit: Workbench) -> None:
    _edit(kit, "instructions/house.toml", "You are in this house.", "Be at home.")
    data = _data(kit)
    assert [(item["kind"], item["name"]) for item in data["items"]] == [("instructions", "house")]
    assert [(cause["kind"], cause["file"], cause["agents"]) for cause in data["causes"]] == [
        ("manifest", "instructions/house.toml", [])
    ]
    assert kit.run("impact").stdout.endswith("\n1 instruction manifest affected: 1 file, 1 cause\n")


def test_another_folder(kit: Workbench) -> None:
    kit.write({"web/index.html": "<p>Hi.</p>\n"})
    _edit(kit, "instructions/api.toml", 'folder = "api"', 'folder = "web"')
    out = kit.run("impact").stdout
    assert "  instructions/api: 49 tokens, in Codex CLI\n    moves from api/AGENTS.md to web/AGENTS.md\n" in out
    (item,) = _data(kit)["items"]
    assert [output["status"] for output in item["outputs"]] == ["moved"]


def test_new_deleted_and_renamed_instructions(kit: Workbench) -> None:
    (kit.folder / "instructions/api.toml").rename(kit.folder / "instructions/server.toml")
    _edit(kit, "instructions/server.toml", 'name = "api"', 'name = "server"')
    out = kit.run("impact").stdout
    assert "  instructions/api: deleted, 49 tokens, in Codex CLI\n    section of api/AGENTS.md\n" in out
    assert "  instructions/server: new, 52 tokens, in Codex CLI\n    section of api/AGENTS.md\n" in out
    assert kit.run("impact", "--names").stdout == "instructions/server\n"


def test_instructions_become_an_agent(kit: Workbench) -> None:
    kit.write({"instructions/api.toml": 'name = "api"\nkind = "agent"\ndescription = "Serves."\nblocks = ["tests"]\n'})
    data = _data(kit)
    assert [(item["kind"], item["name"], item["status"]) for item in data["items"]] == [
        ("agent", "api", "new"),
        ("instructions", "api", "deleted"),
    ]


@pytest.mark.parametrize(
    ("gate", "failure"),
    [
        ("tokens=+2", "instructions/house grows by about 4 tokens (+7%)"),
        ("tokens=+5%", "instructions/house grows by about 4 tokens (+7%)"),
        ("tokens=+10", ""),
        ("agents=0", "the change affects 1 agent "),
        ("agents=1,rights,tools", ""),
    ],
)
def test_gates(kit: Workbench, gate: str, failure: str) -> None:
    _edit(kit, "_blocks/honesty.md", "Say what you did.", "Say what you did, and what not.")
    run = kit.run("impact", "--names", "--fail-on", gate)
    assert run.status == int(bool(failure))
    assert failure in run.stderr
    assert bool(failure) == bool(run.stderr)


def test_instructions_with_errors(kit: Workbench) -> None:
    _edit(kit, "instructions/api.toml", '"tests"', '"test"')
    run = kit.run("impact")
    assert run.status == 1
    assert run.stdout == (
        "instructions/api has errors and cannot be compared\n\nno other agent or instruction manifest is affected\n"
    )
    assert "unknown block `test`" in run.stderr
    assert _data(kit)["incomparable"] == ["instructions/api"]


def test_the_file_that_a_client_reads(kit: Workbench) -> None:
    """Without a setting of the client, Gemini CLI reads its own file, and the instructions are there."""
    _edit(kit, "instructions/api.toml", '"codex"', '"gemini"')
    data = _data(kit)
    assert [(output["path"], output["status"]) for output in data["items"][0]["outputs"]] == [
        ("api/GEMINI.md", "new"),
        (None, "deleted"),
    ]
    git(kit.folder, "commit", "--all", "--quiet", "--message=for Gemini")
    kit.write({".gemini/settings.json": '{"context": {"fileName": ["AGENTS.md"]}}\n'})
    (item,) = _data(kit)["items"]
    assert {output["status"] for output in item["outputs"]} == {"new", "deleted"}
    assert [cause["kind"] for cause in item["causes"]] == ["several"]
