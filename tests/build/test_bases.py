"""Manifests that are only bases of others: what a kit does with its agents, it does not do with them."""

from __future__ import annotations

import json
import subprocess

import pytest

from conftest import Workbench
from kei_assembler import Kit

BASE = """\
name = "base"
abstract = true
role = "You review."
blocks = ["baseline"]
"""
KIT = {
    "assemble.toml": '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n',
    "_blocks/baseline.md": "Be honest.\n",
    "agents/base.toml": BASE,
    "agents/critic.toml": 'name = "critic"\ndescription = "Reviews code."\nextends = "base"\n',
}
AS_AGENT = BASE.replace("abstract = true", 'description = "Reviews."')
OLD = ".claude/agents/base.md"
ORPHANED = f"""\
{OLD}:1:1: error[O611] the file was generated from agents/base.toml, which is abstract now, and generates no file
    help: to delete it, run: assemble --all --prune
"""


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write(KIT)
    return bench


def _has(bench: Workbench, file: str) -> bool:
    return (bench.folder / file).exists()


def test_a_build_counts_bases_separately(kit: Workbench) -> None:
    assert kit.run("--all") == (0, "created .claude/agents/critic.md\n", "1 agent and 1 base, 1 file: 1 created\n")
    assert kit.run("--all", "--check") == (0, "", "1 agent and 1 base, 1 file: 1 unchanged\n")
    assert not _has(kit, OLD)


@pytest.mark.parametrize("option", [(), ("--check",), ("--diff",), ("--force",), ("--target=codex",)])
def test_a_base_alone_has_nothing_to_write(kit: Workbench, option: tuple[str, ...]) -> None:
    before = kit.files()
    assert kit.run("agents/base.toml", *option) == (0, "", "1 base: nothing to write\n")
    assert kit.files() == before


def test_a_kit_can_have_only_bases(kit: Workbench) -> None:
    (kit.folder / "agents/critic.toml").unlink()
    run = kit.run("--all")
    assert (run.status, run.stdout) == (0, "")
    assert run.stderr.endswith("1 base: nothing to write; 1 note\n")
    assert "agents/base.toml:2:1: note[E108] no manifest extends `base`" in run.stderr


def test_a_base_cannot_be_previewed(kit: Workbench) -> None:
    message = "error: `agents/base.toml` is abstract, so it has no output\n  help: name a manifest that extends it\n"
    assert kit.run("--stdout", "agents/base.toml") == (2, "", message)
    assert kit.run("--stdout", "--target=codex", "agents/base.toml") == (2, "", message)


def test_json_lists_only_the_files_of_agents(kit: Workbench) -> None:
    report = json.loads(kit.run("--all", "--output-format=json").stdout)
    assert [change["manifest"] for change in report["changes"]] == ["agents/critic.toml"]


def test_the_file_of_a_manifest_that_became_abstract_is_an_orphan(kit: Workbench) -> None:
    kit.write({"agents/base.toml": AS_AGENT})
    assert kit.run("--all").status == 0
    kit.write({"agents/base.toml": BASE})
    counts = "1 agent and 1 base, 2 files: 1 orphaned, 1 unchanged; 1 error\n"
    repair = f"--prune deletes {OLD}\nto fix this, run: assemble --all --prune\n"
    assert kit.run("--all", "--check") == (1, f"orphan {OLD} [O611]\n", ORPHANED + counts + repair)
    assert kit.run("--all") == (1, f"orphan {OLD}\n", ORPHANED + counts)
    assert kit.run("--all", "--prune") == (
        0,
        f"deleted {OLD}\n",
        "1 agent and 1 base, 2 files: 1 deleted, 1 unchanged\n",
    )
    assert not _has(kit, OLD)


def test_an_edited_orphan_is_kept(kit: Workbench) -> None:
    kit.write({"agents/base.toml": AS_AGENT})
    assert kit.run("--all").status == 0
    kit.write({"agents/base.toml": BASE, OLD: kit.read(OLD) + "My own line.\n"})
    assert kit.run("--all", "--prune").status == 1
    assert _has(kit, OLD)


def test_an_exclusive_kit_generates_no_file_for_a_base(kit: Workbench) -> None:
    kit.write({"assemble.toml": f"exclusive = true\n{KIT['assemble.toml']}"})
    assert kit.run("--all").status == 0
    kit.write({OLD: "---\nname: base\ndescription: x\n---\n"})
    run = kit.run("--all", "--check")
    assert (run.status, f"{OLD}:1:1: error[O608]" in run.stderr) == (1, True)


def test_git_ignores_no_files_of_bases(kit: Workbench) -> None:
    kit.write({"agents/base.toml": f'{BASE}targets = ["codex"]\n'})
    kit.write({"agents/critic.toml": KIT["agents/critic.toml"] + 'unset = ["targets"]\n'})
    assert kit.run("gitignore") == (0, "/.claude/agents/*.md\n", "")
    (kit.folder / "assemble.toml").unlink()
    kit.write({"agents/base.toml": f'{BASE}targets = ["codex"]\n'})
    kit.run("init")
    assert ".codex" not in kit.read(".gitattributes")


def test_a_link_to_the_file_that_a_base_does_not_generate(kit: Workbench) -> None:
    kit.write(
        {"agents/critic.toml": KIT["agents/critic.toml"] + 'role = "Ask [the base](base.md) or [me](critic.md)."\n'}
    )
    run = kit.run("agents/critic.toml")
    found = "agents/critic.toml:4:24: note[B210] the link `base.md` leads nowhere from `.claude/agents/critic.md`"
    assert (run.status, run.stderr.count("B210"), found in run.stderr) == (0, 1, True), run


def test_a_file_in_the_place_of_a_base_can_have_the_name_of_an_agent(kit: Workbench) -> None:
    kit.write({OLD: "---\nname: critic\ndescription: x\n---\n"})
    for args in (("agents/critic.toml",), ("--all",)):
        run = kit.run(*args)
        assert f"{OLD}:2:1: error[O625]" in run.stderr, run


@pytest.mark.parametrize("target", ["base", "bas"])
def test_nothing_can_be_handed_to_a_base(kit: Workbench, target: str) -> None:
    handoff = f'[[handoff]]\ntarget = "{target}"\ntrigger = "x"\n'
    kit.write({"agents/critic.toml": KIT["agents/critic.toml"] + handoff})
    run = kit.run("--all")
    assert (run.status, run.stderr.count("error["), "did you mean" in run.stderr) == (1, 1, False), run
    assert "agents/critic.toml:5:1: error[H301]" in run.stderr
    kit.write({"assemble.toml": f'external-agents = ["{target}"]\n{KIT["assemble.toml"]}'})
    assert kit.run("--all").status == 0


def test_a_list_of_agents_cannot_have_a_base(kit: Workbench) -> None:
    kit.write({"agents/critic.toml": KIT["agents/critic.toml"] + 'tools = ["Read", "Agent(base)"]\n'})
    run = kit.run("--all")
    assert "agents/critic.toml:4:18: warning[K127]" in run.stderr, run
    assert "`base` is not an agent, because its manifest is abstract" in run.stderr


def test_descriptions_of_bases_do_not_count(kit: Workbench) -> None:
    long = "x" * 900
    bases = {
        f"agents/b{each}.toml": f'name = "b{each}"\nabstract = true\ndescription = "{long}"\n' for each in range(99)
    }
    kit.write(bases)
    run = kit.run("--all", "--ignore=E108")
    assert (run.status, run.stderr) == (0, "1 agent and 100 bases, 1 file: 1 created\n"), run


def test_the_api_knows_bases(kit: Workbench) -> None:
    own = Kit.load(kit.folder)
    assert (own.agents, own.manifests) == (("critic",), ("agents/base.toml", "agents/critic.toml"))
    assert own.render("agents/base.toml") == ()
    assert own.plan("agents/base.toml").changes == ()
    assert [change.path for change in own.build().changes] == [".claude/agents/critic.md"]


def test_staged_checks_bases(kit: Workbench) -> None:
    kit.run("--all")
    subprocess.run(["git", "init", "--quiet"], cwd=kit.folder, check=True)
    subprocess.run(["git", "add", "."], cwd=kit.folder, check=True)
    assert kit.run("--all", "--check", "--staged").status == 0
    kit.write({"agents/base.toml": f"{BASE}# New.\n"})
    run = kit.run("agents/critic.toml", "--check", "--staged")
    assert (run.status, "agents/base.toml:1:1: error[O612]" in run.stderr) == (1, True), run


def test_an_escape_in_a_key_does_not_hide_that_an_agent_is_abstract(bench: Workbench) -> None:
    agent = 'name = "a"\ndescription = "A."\nrole = "You work."\nhandoff = [{ target = "writer", trigger = "x" }]\n'
    bench.write({"agents/a.toml": agent, "agents/writer.toml": 'name = "writer"\n"abstr\\u0061ct" = true\n'})
    run = bench.run("agents/a.toml", "--check")
    assert run.status == 1
    assert "`writer` is not an agent, because its manifest is abstract" in run.stderr
