"""A repeated import recognizes generated files, and loses nothing that people wrote."""

from __future__ import annotations

import re
import shlex

import pytest

from conftest import Run, Workbench
from kei_assembler.targets import TARGETS
from readers import path_of

NEXT = re.compile(r"^next: .*run: assemble (?P<args>[^,\n]*)", re.MULTILINE)
OUTPUT = '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'


def _agent(name: str, body: str = "You review code.") -> str:
    return f"---\nname: {name}\ndescription: Reviews code.\n---\n{body}\n"


def _edited(bench: Workbench, path: str) -> str:
    bench.write({path: f"{bench.read(path)}\nIMPORTANT\n"})
    return bench.read(path)


def _run_next(bench: Workbench, run: Run, cwd: str = ".") -> Run:
    """Run the command that an import suggests."""
    match = NEXT.search(run.stderr)
    assert match, run.stderr
    return bench.run(*shlex.split(match["args"]), cwd=cwd)


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    """A kit with one imported agent, whose file is overwritten by the generated one."""
    bench.write({".claude/agents/a.md": _agent("a")})
    _run_next(bench, bench.run("import", ".claude/agents"))
    return bench


def test_the_next_command_changes_only_imported_files(kit: Workbench) -> None:
    mine = _edited(kit, ".claude/agents/a.md")
    kit.write({".claude/agents/b.md": _agent("b"), ".claude/agents/c.md": _agent("c")})
    run = kit.run("import", ".claude/agents/b.md")
    assert run.stderr.endswith("run: assemble --force agents/b.toml, which overwrites the imported file\n")
    assert _run_next(kit, run).stdout == "overwrote .claude/agents/b.md\n"
    run = kit.run("import", ".claude/agents/c.md")
    assert _run_next(kit, run).stdout == "overwrote .claude/agents/c.md\n"
    assert kit.read(".claude/agents/a.md") == mine


def test_the_next_command_overwrites_several_files(kit: Workbench) -> None:
    kit.write({f"x/.claude/agents/{name}.md": _agent(name) for name in "bc"})
    kit.write({f".claude/agents/{name}.md": _agent(name) for name in "bc"})
    run = kit.run("import", "../.claude/agents", cwd="x")
    assert run.stdout == "created ../agents/b.toml\ncreated ../agents/c.toml\n"
    assert run.stderr.endswith(
        "assemble --force ../agents/b.toml ../agents/c.toml, which overwrites the imported files\n"
    )
    assert _run_next(kit, run, cwd="x").status == 0


def test_files_that_were_not_imported_are_not_overwritten(bench: Workbench) -> None:
    for name in "ab":
        bench.write({f".claude/agents/{name}.md": _agent(name)})
    bench.write({"assemble.toml": OUTPUT, "a.md": _agent("a", "You review novels.")})
    run = bench.run("import", "a.md", ".claude/agents/b.md")
    assert "run: assemble --force agents/b.toml, which" in run.stderr
    bench.write({"c.md": _agent("c")})
    assert bench.run("import", "c.md").stderr.endswith("run: assemble --all\n")


def test_the_file_of_another_target_is_not_overwritten(bench: Workbench) -> None:
    bench.write(
        {"assemble.toml": f'targets = ["claude-code", "copilot"]\n{OUTPUT}', ".claude/agents/a.md": _agent("a")}
    )
    bench.write({path_of("copilot", "a"): _agent("a", "Mine.")})
    run = bench.run("import", ".claude/agents/a.md")
    assert run.stderr.endswith("run: assemble --all\n")


def test_an_edit_of_a_generated_file_is_reported_and_kept(kit: Workbench) -> None:
    mine = _edited(kit, ".claude/agents/a.md")
    run = kit.run("import", ".claude/agents/a.md")
    assert (run.status, run.stdout) == (1, "")
    assert run.stderr == (
        ".claude/agents/a.md:1:1: error[I913] the file was generated from agents/a.toml and then edited; "
        "the edit was not imported\n"
        "    help: move the change to agents/a.toml, a block or a template; to see it, run: "
        "assemble --diff agents/a.toml\n"
        "1 agent: 1 already imported; 1 error\n"
    )
    assert kit.read(".claude/agents/a.md") == mine
    assert "-IMPORTANT\n" in kit.run("--diff", "agents/a.toml").stdout
    assert "run: assemble --diff a.toml\n" in kit.run("import", "../.claude/agents", cwd="agents").stderr


def test_unchanged_generated_files_are_kept_without_findings(kit: Workbench) -> None:
    before = kit.files()
    assert kit.run("import", ".claude/agents") == (0, "", "1 agent: 1 already imported\n")
    assert kit.files() == before


@pytest.mark.parametrize("target", TARGETS)
def test_a_generated_file_is_not_a_second_agent(target: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": f'targets = ["{target}"]\n'})
    bench.write({"agents/critic.toml": 'name = "critic"\ndescription = "Reviews code."\nrole = "You review code."\n'})
    assert bench.run("--all").status == 0
    before = bench.files()
    run = bench.run("import", path_of(target).rpartition("/")[0])
    assert (run.status, run.stdout, bench.files()) == (0, "", before)


def test_an_imported_file_is_not_a_second_agent(bench: Workbench) -> None:
    bench.write({".claude/agents/My Rev.md": _agent("rev")})
    bench.run("import", ".claude/agents")
    bench.run("--all")
    run = bench.run("import", ".claude/agents")
    steps = "assemble import --replace '.claude/agents/My Rev.md', which deletes the old file after generating the new"
    assert (run.status, run.stdout) == (0, "")
    assert run.stderr.startswith(f"1 agent: 1 already imported\nnext: review the manifests, then run: {steps}\n")
    assert [path for path in bench.files() if path.startswith("agents/")] == ["agents/rev.toml"]
    bench.write({"agents/rev.toml": bench.read("agents/rev.toml").replace("Reviews", "Checks")})
    run = bench.run("import", ".claude/agents")
    assert (run.status, run.stdout) == (0, "")


def test_a_kit_recognizes_its_files_outside_its_folder(bench: Workbench) -> None:
    bench.write({"kit/assemble.toml": 'root = ".."\n\n[target.claude-code]\noutput = "../.claude/agents/{name}.md"\n'})
    bench.write({".claude/agents/My Rev.md": _agent("rev"), ".claude/agents/b.md": _agent("b")})
    run = bench.run("import", "../.claude/agents", "--replace", cwd="kit")
    assert _run_next(bench, run, cwd="kit").stdout.split() == ["overwrote", "../.claude/agents/b.md"]
    for folder, args in {"kit": ["../.claude/agents"], ".": [".claude/agents", "--kit", "kit"]}.items():
        run = bench.run("import", *args, cwd=folder)
        assert (run.status, run.stdout) == (0, "")
        assert run.stderr.startswith("2 agents: 2 already imported\n")


def test_the_next_command_names_the_kit(bench: Workbench) -> None:
    bench.write({"kit/assemble.toml": 'targets = ["claude-code"]\n', "a.md": _agent("a")})
    run = bench.run("import", "a.md", "--kit", "kit")
    assert run.stderr.endswith("run: assemble --all --kit kit\n")
    assert _run_next(bench, run).stdout == "created agents/a.md\n"


def test_files_in_a_linked_folder_are_recognized(bench: Workbench) -> None:
    bench.write({"shared/.keep": "", ".claude/.keep": ""})
    (bench.folder / ".claude" / "agents").symlink_to("../shared")
    bench.write({".claude/agents/a.md": _agent("a")})
    _run_next(bench, bench.run("import", ".claude/agents"))
    assert bench.run("import", ".claude/agents").stdout == ""


def test_a_copy_with_another_name_is_imported(kit: Workbench) -> None:
    kit.write({".claude/agents/b.md": kit.read(".claude/agents/a.md").replace("name: a", "name: b")})
    assert kit.run("import", ".claude/agents").stdout == "created agents/b.toml\n"


def test_a_file_whose_manifest_was_deleted_is_imported(kit: Workbench) -> None:
    (kit.folder / "agents" / "a.toml").unlink()
    assert kit.run("import", ".claude/agents").stdout == "created agents/a.toml\n"
