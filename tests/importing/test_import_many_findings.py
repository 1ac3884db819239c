"""Findings that many imported files have in common are reported once."""

from __future__ import annotations

from conftest import Workbench

TEXT = "---\nname: {name}\ndescription: Reviews code.\n{more}---\nYou review code as {name}.\n"


def _agents(bench: Workbench, count: int, more: str, folder: str = ".claude/agents") -> None:
    names = [f"critic-{number}" for number in range(1, count + 1)]
    bench.write({f"{folder}/{name}.md": TEXT.format(name=name, more=more) for name in names})


def test_a_key_in_many_files_is_one_finding(bench: Workbench) -> None:
    _agents(bench, 6, "version: 2\n")
    run = bench.run("import", ".claude/agents")
    assert run.status == 0
    assert run.stderr.startswith(
        ".claude/agents/critic-1.md:4:1: warning[I904] `assemble` does not know `version`; also in 5 other files: "
        "`.claude/agents/critic-2.md`, `.claude/agents/critic-3.md` and 3 more\n"
        "    4 | version: 2\n"
        "      | ^^^^^^^ help: the manifest lacks the key; Claude Code may know it. If it is a key of another "
        "client, see `--from`\n"
        "6 agents; 1 warning\n"
    )
    assert all(f"leaves `.claude/agents/critic-{number}.md`" not in run.stderr for number in range(1, 7))
    assert bench.run("--all", "--force").status == 0


def test_a_finding_names_one_or_two_other_files(bench: Workbench) -> None:
    _agents(bench, 2, "version: 2\n")
    assert "`version`; also in `.claude/agents/critic-2.md`\n" in bench.run("import", ".claude/agents").stderr


def test_two_other_files_are_both_named(bench: Workbench) -> None:
    _agents(bench, 3, "version: 2\n")
    run = bench.run("import", ".claude/agents")
    assert "`version`; also in `.claude/agents/critic-2.md` and `.claude/agents/critic-3.md`\n" in run.stderr


def test_each_key_and_each_client_has_its_own_finding(bench: Workbench) -> None:
    _agents(bench, 2, "version: 2\ncategory: core\n")
    _agents(bench, 2, "version: 2\n", ".qwen/agents")
    run = bench.run("import", ".")
    assert run.status == 0
    assert run.stderr.count("does not know `version`; also in") == 2
    assert run.stderr.count("does not know `category`; also in `.claude/agents/critic-2.md`") == 1
    assert run.stderr.count("[I904]") == 3


def test_a_file_with_a_common_finding_still_says_more_than_its_manifest(bench: Workbench) -> None:
    _agents(bench, 3, "version: 2\n")
    files = [f".claude/agents/critic-{number}.md" for number in range(1, 4)]
    run = bench.run("import", ".claude/agents")
    assert all(run.stderr.partition("3 agents")[2].count(file) == 1 for file in files)


def test_an_old_tool_in_many_files_is_one_finding(bench: Workbench) -> None:
    _agents(bench, 4, "tools: Read, MultiEdit, LS\n")
    run = bench.run("import", ".claude/agents")
    assert run.status == 0
    assert run.stderr.startswith(
        "agents/critic-1.toml:3:18: warning[K111] `MultiEdit` is an old tool, which Claude Code no longer has; also in "
        "3 other files: `agents/critic-2.toml`, `agents/critic-3.toml` and 1 more\n"
        '    3 | tools = ["Read", "MultiEdit", "LS"]\n'
        "      |                   ^^^^^^^^^ help: `Edit` replaced it\n"
        "agents/critic-1.toml:3:31: warning[K111] `LS` is an old tool"
    )
    assert run.stderr.partition("\n4 agents; ")[2].startswith("2 warnings\n")
    assert bench.run("--all", "--force").status == 0
    assert "tools: Read, MultiEdit, LS\n" in bench.read(".claude/agents/critic-4.md")


def test_many_files_with_new_paths_are_one_finding(bench: Workbench) -> None:
    names = [f"critic-{number}" for number in range(1, 6)]
    bench.write({f".claude/agents/my-{name}.md": TEXT.format(name=name, more="") for name in names})
    bench.write({".claude/agents/our-tester.md": TEXT.format(name="tester", more="version: 2\n")})
    run = bench.run("import", ".claude/agents")
    assert run.stderr.startswith(
        ".claude/agents/my-critic-1.md:1:1: note[I910] the agent's file will be `.claude/agents/critic-1.md`; likewise "
        "for 4 other files: `.claude/agents/my-critic-2.md`, `.claude/agents/my-critic-3.md` and 2 more\n"
        "    help: once `.claude/agents/critic-1.md` exists, delete this file: otherwise Claude Code sees the agent "
        "twice\n"
        ".claude/agents/our-tester.md:1:1: note[I910] the agent's file will be `.claude/agents/tester.md`\n"
        "    help: once `.claude/agents/tester.md` exists, move what the manifest lacks and delete this file: "
    )


def test_old_names_and_models_of_other_clients_in_many_files_are_one_finding_each(bench: Workbench) -> None:
    _agents(bench, 4, "tools: [ReadFile]\nmodel: opus\n", ".qwen/agents")
    run = bench.run("import", ".qwen")
    assert [line.partition("[")[2] for line in run.stderr.split("\n") if "warning[" in line] == [
        "I902] `ReadFile` became `read_file`; likewise for 3 other files: `.qwen/agents/critic-2.md`, "
        "`.qwen/agents/critic-3.md` and 1 more",
        "K132] there is no model `opus` in Qwen Code; it is a word of Claude Code; likewise for 3 other files: "
        "`agents/critic-2.toml`, `agents/critic-3.toml` and 1 more",
    ]
    assert "\n4 agents; 2 warnings\n" in run.stderr


def test_files_that_are_no_agents_are_one_finding(bench: Workbench) -> None:
    _agents(bench, 1, "")
    bench.write({f".claude/agents/{folder}/README.md": "Ours.\n" for folder in "abcd"})
    run = bench.run("import", ".claude")
    files = "`.claude/agents/b/README.md`, `.claude/agents/c/README.md` and 1 more"
    assert f"was skipped; likewise for 3 other files: {files}\n" in run.stderr
    assert run.stderr.count("[I901]") == 1


def test_many_new_names_and_copies_are_one_finding_each(bench: Workbench) -> None:
    bench.write({f".claude/agents/{folder}/x.md": TEXT.format(name="x", more=f"# {folder}\n") for folder in "abcdef"})
    bench.write({f".claude/agents/{folder}/y.md": TEXT.format(name="y", more="") for folder in "abcdef"})
    run = bench.run("import", ".claude")
    folder = ".claude/agents"
    reports = [line.partition("[")[2] for line in run.stderr.split("\n") if "[I905]" in line or "[I923]" in line]
    assert reports == [
        "I905] another agent is already named `x`; this one is imported as `b-x`; likewise for 4 other files: "
        f"`{folder}/c/x.md`, `{folder}/d/x.md` and 2 more",
        f"I923] the file has the same bytes as `{folder}/a/y.md`, so both become one manifest; likewise for 4 other "
        f"files: `{folder}/c/y.md`, `{folder}/d/y.md` and 2 more",
    ]


def test_a_skill_is_not_an_agent(bench: Workbench) -> None:
    bench.write({f"kit/{path}": TEXT.format(name="x", more="") for path in ("skills/x/SKILL.md", "experts/x.md")})
    run = bench.run("import", "kit")
    assert (run.status, run.stdout) == (0, "created assemble.toml\ncreated agents/x.toml\n")
    assert "I9" not in run.stderr


def test_many_agents_with_the_tools_of_another_client_are_one_finding(bench: Workbench) -> None:
    _agents(bench, 5, "tools: Read, NotebookEdit\n")
    text = TEXT.replace("name: {name}\n", "").replace("{more}", "mode: subagent\n")
    names = [f"critic-{number}" for number in range(1, 6)]
    bench.write({f".opencode/agents/{name}.md": text.format(name=name) for name in names})
    run = bench.run("import", ".")
    reports = [line.partition("[")[2] for line in run.stderr.split("\n") if "[I924]" in line]
    assert reports == [
        "I924] the manifest limits the agent to the tools in `.claude/agents/critic-1.md`, for OpenCode, too; likewise "
        "for 4 other files: `.opencode/agents/critic-2.md`, `.opencode/agents/critic-3.md` and 2 more",
    ]
