"""An import into a kit with bases: it takes no base for an agent, and no text for an entry that inherits."""

from __future__ import annotations

import tomllib

import pytest

from conftest import Workbench
from kei_assembler.render.templates import default_titles

BASE = 'name = "base"\nabstract = true\nrole = "You review."\n'
HEAD = "---\nname: critic\ndescription: Reviews code.\n---\n\n"
FOLDER = ".claude/agents"


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    output = f'[target.claude-code]\noutput = "{FOLDER}/{{name}}.md"\n'
    defaults = '[defaults]\ntools = ["Read", "Bash"]\n'
    bench.write({"assemble.toml": output + defaults, "agents/base.toml": BASE})
    return bench


def _imported(kit: Workbench, body: str) -> dict[str, object]:
    kit.write({f"{FOLDER}/critic.md": HEAD + body})
    run = kit.run("import", f"{FOLDER}/critic.md")
    assert (run.status, run.stdout) == (0, "created agents/critic.toml\n"), run
    return tomllib.loads(kit.read("agents/critic.toml"))


SECTIONS = {
    "domain": "# DOMAIN SCOPE\n\n**In:**\n\n- Errors\n- {}\n",
    "output": "# OUTPUT FORMAT\n\n```\nFindings\n{}\n```\n",
    "forbidden": "# FORBIDDEN\n\n- Guesses\n- {}\n",
    "references": "# REFERENCES\n\n- Prose\n- {}\n",
}


@pytest.mark.parametrize("section", SECTIONS)
def test_an_entry_that_would_inherit_stays_text(kit: Workbench, section: str) -> None:
    assert section in default_titles()
    body = f"# ROLE\n\nYou review.\n\n{SECTIONS[section].format('...')}"
    data = _imported(kit, body)
    assert "..." in str(data["role"])
    assert data.keys() == {"name", "description", "tools", "role"}
    assert kit.run("--all", "--force").status == 0
    assert kit.read(f"{FOLDER}/critic.md").endswith(body)


@pytest.mark.parametrize("section", SECTIONS)
def test_an_entry_that_drops_nothing_is_imported(kit: Workbench, section: str) -> None:
    body = f"# ROLE\n\nYou review.\n\n{SECTIONS[section].format('!x')}"
    assert str(_imported(kit, body)["role"]) == "You review.\n"
    assert kit.run("--all", "--force").status == 0
    assert kit.read(f"{FOLDER}/critic.md").endswith(body)


def test_the_name_of_a_base_is_taken(kit: Workbench) -> None:
    kit.write({f"{FOLDER}/base.md": HEAD.replace("critic", "base")})
    run = kit.run("import", f"{FOLDER}/base.md")
    message = "error[I908] agents/base.toml exists with different content, and was kept"
    assert (run.status, f"{FOLDER}/base.md:1:1: {message}" in run.stderr) == (1, True), run
    assert kit.read("agents/base.toml") == BASE


def test_a_handoff_to_a_base_stays_text(kit: Workbench) -> None:
    handoffs = "# DOMAIN SCOPE\n\n**Out (hand off):** `{0}`\n\n# HANDOFFS\n\n- **{0}**: findings\n"
    kit.write({"agents/fixer.toml": 'name = "fixer"\ndescription = "Fixes."\n'})
    data = _imported(kit, f"# ROLE\n\nYou review.\n\n{handoffs.format('base')}")
    assert "handoff" not in data
    (kit.folder / "agents/critic.toml").unlink()
    data = _imported(kit, f"# ROLE\n\nYou review.\n\n{handoffs.format('fixer')}")
    assert data["handoff"] == [{"target": "fixer", "trigger": "findings"}]


def test_a_file_where_a_base_would_have_its_output_can_be_deleted(kit: Workbench) -> None:
    kit.write({f"{FOLDER}/base.md": f"{HEAD}You work.\n"})
    run = kit.run("import", f"{FOLDER}/base.md", "--replace")
    assert (run.status, f"deleted {FOLDER}/base.md\n" in run.stdout) == (0, True), run
    assert kit.run("--all", "--check", "--ignore=E108").status == 0


def test_the_next_step_builds_all_agents(kit: Workbench) -> None:
    kit.write({f"{FOLDER}/critic.md": f"{HEAD}You work.\n"})
    run = kit.run("import", f"{FOLDER}/critic.md")
    assert "assemble --all --force, which overwrites the imported files" in run.stderr, run


def test_shared_sections_become_blocks_beside_a_base(kit: Workbench) -> None:
    for name in ("one", "two"):
        kit.write({f"{FOLDER}/{name}.md": HEAD.replace("critic", name) + "You work.\n\n# @Core ...\n\nBe honest.\n"})
    run = kit.run("import", f"{FOLDER}/one.md", f"{FOLDER}/two.md", "--share-min=2")
    assert run.status == 0, run
    assert tomllib.loads(kit.read("agents/one.toml"))["blocks"] == ["core"]
    assert kit.run("--all", "--force", "--ignore=E108").status == 0
