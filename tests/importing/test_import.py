"""Import converts agent files to manifests, and these generate equivalent agent files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from typing import Any

import pytest
import rtoml

from conftest import REPOSITORY, Run, Workbench
from kei_assembler.importing.agent_file import read_agent
from kei_assembler.importing.bodies import fields_of
from kei_assembler.model.manifest import slug
from kei_assembler.rules.catalog import RULES, documentation
from readers import AGENT, path_of
from rule_examples import example_files

HEAD = "---\nname: critic\ndescription: Reviews code.\n"
PATH = ".claude/agents/critic.md"
CODE = re.compile(r" (?:error|warning|note)\[(\w+)\]")


def _import(bench: Workbench, front: str, body: str = "You review code.\n", path: str = PATH) -> Run:
    bench.write({path: f"---\n{front}---\n{body}"})
    return bench.run("import", path)


def _manifest(bench: Workbench, name: str = "critic") -> dict[str, Any]:
    text = bench.read(f"agents/{name}.toml")
    assert tomllib.loads(text) == rtoml.loads(text)
    return tomllib.loads(text)


def _codes(run: Run) -> list[str]:
    return CODE.findall(run.stderr)


def test_import_converts_a_file_and_creates_settings(bench: Workbench) -> None:
    bench.write({PATH: f"{HEAD}tools: Read, Bash(git log:*)\nmodel: opus\n---\n\nYou review code.\n"})
    run = bench.run("import", ".claude/agents")
    assert run.status == 0
    assert run.stdout == "created assemble.toml\ncreated agents/critic.toml\n"
    assert run.stderr == (
        "1 agent\nnext: review the manifests, then run: assemble --all --force, which overwrites the imported files\n"
    )
    assert bench.read("assemble.toml") == (
        'required = ["name", "description"]\n\n[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'
    )
    assert bench.read("agents/critic.toml") == (
        'name = "critic"\ndescription = "Reviews code."\ntools = ["Read", "Bash(git log:*)"]\nmodel = "opus"\n'
        'role = """\nYou review code.\n"""\n'
    )
    assert bench.run("--all", "--force").stdout == "overwrote .claude/agents/critic.md\n"
    assert bench.run("--all", "--check").status == 0


def test_a_second_import_changes_nothing(bench: Workbench) -> None:
    _import(bench, "name: critic\ndescription: Reviews code.\n")
    before = bench.files()
    run = bench.run("import", ".claude/agents")
    assert (run.status, run.stdout) == (0, "")
    assert run.stderr.startswith("1 agent: 1 already imported\n")
    bench.run("--all", "--force")
    assert bench.run("import", ".claude/agents").stdout == ""
    assert before.items() <= {**bench.files(), ".claude/agents/critic.md": before[".claude/agents/critic.md"]}.items()


def test_generated_files_do_not_conflict_with_their_manifests(bench: Workbench) -> None:
    text = '# Ours.\nname = "critic"\ndescription = "Reviews code."\nblocks = ["honesty"]\n'
    bench.write({"agents/team/critic.toml": text, "agents/tester.toml": text.replace("critic", "tester")})
    bench.write({"_blocks/honesty.md": "# Honesty\n\nSay what you ran.\n"})
    assert bench.run("--all").status == 0
    run = bench.run("import", ".")
    assert (run.status, run.stdout) == (0, "")
    assert bench.read("agents/tester.toml") == text.replace("critic", "tester")


def test_a_dry_run_writes_nothing(bench: Workbench) -> None:
    bench.write({PATH: f"{HEAD}---\nYou review code.\n"})
    before = bench.files()
    run = bench.run("import", "--dry-run", ".claude/agents")
    assert (run.status, run.stdout) == (0, "would create assemble.toml\nwould create agents/critic.toml\n")
    assert bench.files() == before


def test_an_existing_manifest_is_kept_and_the_others_are_imported(bench: Workbench) -> None:
    mine = 'name = "critic"\ndescription = "Reviews novels."\n'
    bench.write({"agents/critic.toml": mine, PATH: f"{HEAD}---\nYou review code.\n"})
    bench.write({".claude/agents/tester.md": "---\nname: tester\ndescription: Tests code.\n---\nYou test.\n"})
    run = bench.run("import", ".claude")
    assert (run.status, run.stdout) == (1, "foreign agents/critic.toml\ncreated agents/tester.toml\n")
    assert _codes(run) == ["I908", "I910", "I910"]
    assert bench.read("agents/critic.toml") == mine


def test_a_manifest_that_is_not_written_has_no_other_findings(bench: Workbench) -> None:
    mine = 'name = "critic"\ndescription = "Reviews novels."\nblocks = ["honesty"]\n'
    bench.write({"assemble.toml": 'obligatory = ["honesty"]\n', "_blocks/honesty.md": "Be honest.\n"})
    bench.write({"agents/critic.toml": mine, PATH: f"{HEAD}---\nYou review code.\n"})
    bench.write({".claude/agents/tester.md": "---\nname: tester\ndescription: Tests code.\n---\nYou test.\n"})
    run = bench.run("import", ".claude")
    assert [code for code in _codes(run) if code != "I910"] == ["I908", "B203"]
    assert "agents/tester.toml:1:1: error[B203]" in run.stderr


@pytest.mark.parametrize("existing", ["agents", "agents/critic.toml/x"])
def test_a_failed_write_is_reported(existing: str, bench: Workbench) -> None:
    bench.write({existing: ""})
    run = _import(bench, "name: critic\ndescription: Reviews code.\n", path="critic.md")
    assert (run.status, run.stdout.splitlines()[-1]) == (1, "foreign agents/critic.toml")
    assert re.search(r"\[I908\] agents/critic.toml cannot be written: (Not a directory|it is a folder)", run.stderr)


def test_an_agent_with_the_same_name_elsewhere_is_a_conflict(bench: Workbench) -> None:
    bench.write({"agents/team/critic.toml": 'name = "critic"\ndescription = "Reviews novels."\n'})
    run = _import(bench, "name: critic\ndescription: Reviews code.\n", path="critic.md")
    assert (run.status, run.stdout) == (1, "foreign agents/critic.toml\n")
    assert "agents/team/critic.toml has the same agent name" in run.stderr


def test_import_to_the_kit_in_the_option(bench: Workbench) -> None:
    bench.write({"kit/assemble.toml": 'manifests = "bots"\n', "kit/bots/x.toml": 'name = "x"\ndescription = "X."\n'})
    bench.write({"critic.md": f"{HEAD}---\nYou review code.\n"})
    assert bench.run("import", "critic.md", "--kit", "kit").stdout == "created kit/bots/critic.toml\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nothing.md"], "`nothing.md` does not exist"),
        (["empty"], "no agent files were found"),
        (["x.md", "--kit", "nowhere"], "`nowhere` does not exist"),
        ([], "Missing argument"),
        (["x.md", "--from", "claude"], "Invalid value for '--from'"),
    ],
)
def test_invalid_arguments(args: list[str], message: str, bench: Workbench) -> None:
    bench.write({"x.md": f"{HEAD}---\n", "empty/notes.txt": ""})
    run = bench.run("import", *args)
    assert (run.status, run.stdout) == (2, "")
    assert message in run.stderr


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        ("description: Reviews code: with care.\n", "Reviews code: with care."),
        ('description: He said "no": twice.\n', 'He said "no": twice.'),
        ("description: Reviews\n  code.\n", "Reviews code."),
        ("description: |\n  One: 1\n\n  Two # 2\n", "One: 1\n\nTwo # 2\n"),
        ("description: 'one\\ntwo'\n", "one\ntwo"),
        ('description: "one\\ntwo"\n', "one\ntwo"),
        ("description: before --- after\n", "before --- after"),
        ("description: Reviews C # code\n", "Reviews C"),
        ("description: first\ndescription: second\n", "second"),
        ("description: yes\n", "yes"),
        ("description: 12\n", "12"),
        ('description: Use it.\nContext: "a" b\nuser: c: d\n', 'Use it.\nContext: "a" b\nuser: c: d'),
        ("description: @reviewer, `now`\n", "@reviewer, `now`"),
        ("description: Prüft 日本語 🦊\n", "Prüft 日本語 🦊"),
        ("description:\tset off\tby tabs\t\n", "set off\tby tabs"),
        ("description: |\n\tone\n\ttwo\n", "one\ntwo"),
        ("description: |\n    one\n  two\n", "  one\ntwo"),
        ("description: Use it.\n\n  Examples:\n  <example>\n  user: x\n", "Use it.\n\nExamples:\n<example>\nuser: x"),
        ('description: "Use" or "use not": yes\n', '"Use" or "use not": yes'),
        ('description: "say "no": twice"\n', 'say "no": twice'),
        ("description: 'it's: fine'\n", "it's: fine"),
        ('description: "a\\d \\"b\\"\\nc"\n', 'a\\d "b"\nc'),
        ("description: 'a\u2028b\u0085c'\n", "a\u2028b\u0085c"),
        ("description: [a, b]\n", "a\nb"),
        ("description: {a: b}\n", "a: b"),
        ("description: true\n", "true"),
        ("Description: by capitals\n", "by capitals"),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_descriptions_are_read_leniently(front: str, expected: str, ends: str, bench: Workbench) -> None:
    text = f"---\nname: critic\n{front}model: opus\n---\nYou review code.\n"
    bench.write({"critic.md": b"\xef\xbb\xbf" * (ends != "\n") + text.replace("\n", ends).encode()})
    assert "created agents/critic.toml" in bench.run("import", "critic.md").stdout
    manifest = _manifest(bench)
    assert (manifest["description"], manifest["model"]) == (expected, "opus")


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ("Read, Grep", ["Read", "Grep"]),
        ("[Read, Grep]", ["Read", "Grep"]),
        ("\n- Read\n- Bash(git log:*)", ["Read", "Bash(git log:*)"]),
        ("\n\t- Read\n\t- Grep", ["Read", "Grep"]),
        ("\n  -\tRead\t\n  - Grep\t# both", ["Read", "Grep"]),
        ("Read Grep, Agent(a, b)", ["Read", "Grep", "Agent(a, b)"]),
        ("*", ["*"]),
        ("", []),
        ("[]", []),
        ("Read, Read", ["Read"]),
        ("mcp__tracker__search, mcp__gh", ["mcp__tracker__search", "mcp__gh"]),
    ],
)
def test_tools_of_claude_code(tools: str, expected: list[str], bench: Workbench) -> None:
    assert _import(bench, f"name: critic\ndescription: Reviews code.\ntools: {tools}\n").status == 0
    assert _manifest(bench)["tools"] == expected


@pytest.mark.parametrize(
    ("target", "front", "expected"),
    [
        ("copilot", "tools: [read, edit]", {"tools": ["Read", "Edit", "Write", "NotebookEdit"]}),
        ("copilot", "tools: ['read', 'gh/*', 'gh/list']", {"tools": ["Read", "mcp__gh", "mcp__gh__list"]}),
        ("copilot", "tools: ['read', 'vscode/x y']", {"target": {"copilot": {"tools": ["read", "vscode/x y"]}}}),
        ("copilot", "model: opus", {"target": {"copilot": {"model": "opus"}}}),
        ("cursor", "tools: Read, Grep\nmodel: inherit", {"tools": ["Read", "Grep"], "model": "inherit"}),
        ("cursor", "description: 'It''s: fine'", {"description": "It's: fine"}),
        (
            "opencode",
            "tools:\n  write: false",
            {"target": {"opencode": {"mode": "all", "permission": {"edit": "deny"}}}},
        ),
        (
            "opencode",
            "mode: subagent\npermission: {'*': deny, edit: allow}",
            {"tools": ["Edit", "Write", "NotebookEdit"]},
        ),
        (
            "opencode",
            "mode: subagent\ntools: {write: true, bash: false}\npermission: {edit: ask}",
            {"target": {"opencode": {"permission": {"edit": "ask", "bash": "deny"}}}},
        ),
        ("gemini", "tools: [read_file, mcp_gh_list]", {"tools": ["Read", "mcp__gh__list"]}),
        ("gemini", "tools: [search_file_content]", {"tools": ["Grep"]}),
        ("gemini", "tools: [list_directory]", {"target": {"gemini": {"tools": ["list_directory"]}}}),
        (
            "qwen",
            "tools: read_file, glob\nmaxTurns: '5'",
            {"tools": ["Read", "Glob"], "target": {"qwen": {"maxTurns": 5}}},
        ),
        ("kiro", "tools: [shell, '@gh/list', '@git']", {"tools": ["Bash", "mcp__gh__list", "mcp__git"]}),
        ("devin", "model: x", {"target": {"devin": {"model": "x"}}}),
        ("grok", "tools: read_file, Grep, mcp__gh__list", {"tools": ["Read", "Grep", "mcp__gh__list"]}),
        (
            "grok",
            "tools: Read, mcp__gh__*\nmcpInheritance: {named: [gh]}\nmaxTurns: 5",
            {"tools": ["Read", "mcp__gh"], "target": {"grok": {"maxTurns": 5}}},
        ),
        ("grok", "tools: [Read, monitor]", {"target": {"grok": {"tools": ["Read", "monitor"]}}}),
        ("kimi", "tools: Grep, Read Edit", {"tools": ["Grep"]}),
        ("kimi", "tools: Read, FetchURL, mcp__gh__*", {"tools": ["Read", "WebFetch", "mcp__gh"]}),
        ("kimi", "tools: [Read, ReadMediaFile]", {"target": {"kimi": {"tools": ["Read", "ReadMediaFile"]}}}),
        (
            "kimi",
            "tools: Read, Agent",
            {"tools": ["Read", "Agent"], "target": {"kimi": {"subagents": ["coder", "explore", "plan"]}}},
        ),
        (
            "kimi",
            "subagents: tester\nmodel: x",
            {"target": {"kimi": {"subagents": ["tester"]}}},
        ),
        ("pi", "tools: read, mcp:gh, mcp:gh/list", {"tools": ["Read", "mcp__gh", "mcp__gh__list"]}),
        ("pi", "tools:\n  - read\n  - ls", {"target": {"pi": {"tools": ["read", "ls"]}}}),
        ("pi", "tools:\nasync: 'true'", {"tools": [], "target": {"pi": {"async": True}}}),
        ("pi", "description: \"a\" and 'b'", {"description": "\"a\" and 'b'"}),
        ("cline", "tools: read_file, editor, apply_patch", {"tools": ["Read", "Edit", "Write"]}),
        ("cline", "tools: [editor]\nmodelId: a/b", {"target": {"cline": {"tools": ["editor"], "modelId": "a/b"}}}),
    ],
)
def test_tools_of_other_clients(target: str, front: str, expected: Any, bench: Workbench) -> None:
    path = path_of(target)
    assert _import(bench, f"name: critic\ndescription: Reviews code.\n{front}\n", path=path).status == 0
    manifest = _manifest(bench)
    assert tomllib.loads(bench.read("assemble.toml"))["targets"] == [target]
    assert {key: manifest[key] for key in ("tools", "model", "target", *expected) if key in manifest} == expected
    assert bench.run("--all", "--force").stdout == f"overwrote {path}\n"


def test_a_codex_file_without_text_is_skipped(bench: Workbench) -> None:
    bench.write({".codex/agents/critic.toml": 'name = "critic"\ndeveloper_instructions = 5\n'})
    assert _codes(bench.run("import", ".codex")) == ["I901"]


def test_the_file_with_the_shorter_path_keeps_the_name(bench: Workbench) -> None:
    for path in (".claude/agents/a/critic.md", PATH):
        bench.write({path: f"{HEAD}---\nIn {path}.\n"})
    bench.run("import", ".")
    assert _manifest(bench)["role"] == f"In {PATH}.\n"
    assert "2 agents: 2 already imported" in bench.run("import", ".").stderr


def test_a_vibe_file_has_no_other_name(bench: Workbench) -> None:
    text = 'name = "other"\ndescription = "Reviews code."\nagent_type = "subagent"\ninstructions = "Review."\n'
    bench.write({".vibe/agents/critic.toml": text})
    assert "warning[I904] `assemble` does not know `name`" in bench.run("import", ".vibe").stderr
    assert _manifest(bench)["name"] == "critic"


def test_a_vibe_file(bench: Workbench) -> None:
    text = 'description = "Reviews code."\nagent_type = "subagent"\nenabled_tools = ["read_file", "grep"]\n'
    bench.write({".vibe/agents/critic.toml": f'{text}active_model = "large"\ninstructions = "Review."\n'})
    run = bench.run("import", ".vibe")
    assert (run.status, "there is no tool `grep` in Mistral Vibe; left out" in run.stderr) == (0, True)
    manifest = _manifest(bench)
    assert [manifest[key] for key in ("name", "role", "tools")] == ["critic", "Review.\n", ["Read"]]
    assert manifest["target"] == {"vibe": {"active_model": "large"}}


@pytest.mark.parametrize("line", ["", 'agent_type = "agent"\n'])
def test_a_mode_of_vibe_is_not_an_agent(line: str, bench: Workbench) -> None:
    bench.write({".vibe/agents/critic.toml": f'description = "A mode."\n{line}instructions = "Review."\n'})
    run = bench.run("import", ".vibe")
    assert "`agent_type: agent` makes the file a mode of the session" in run.stderr
    assert not (bench.folder / "agents/critic.toml").exists()


def test_a_codex_file(bench: Workbench) -> None:
    text = 'name = "critic"\ndescription = "Reviews code."\nsandbox_mode = "read-only"\n'
    bench.write({".codex/agents/critic.toml": f'{text}developer_instructions = "Review."\n'})
    assert bench.run("import", ".codex").status == 0
    manifest = _manifest(bench)
    assert (manifest["role"], manifest["target"]) == ("Review.\n", {"codex": {"sandbox_mode": "read-only"}})


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        (["Read", "Grep", "Agent"], ["Read", "Grep", "Agent"]),
        ([], []),
        (["Bash(git:*)", "Bash(npm test)", "Agent(a, b)"], ["Bash(git *)", "Bash(npm test)", "Agent(a, b)"]),
        (["mcp__gh", "mcp__jira__list", "mcp__x__*"], ["mcp__gh", "mcp__jira__list", "mcp__x"]),
        (["Deploy", "Deploy2(a)", "PowerShell"], ["Deploy", "Deploy2", "Bash"]),
        (["Read(`a` and `b`)", "Edit(a`b)"], ["Read(`a` and `b`)", "Edit(a`b)"]),
    ],
)
def test_tools_in_codex_instructions_are_read_back(tools: list[str], expected: list[str], bench: Workbench) -> None:
    bench.write({"assemble.toml": 'targets = ["codex"]\nexternal-agents = ["a", "b"]\n'})
    forbidden = 'forbidden_domain = ["Push"]\noutput_extra_fields = ["Result"]\n'
    bench.write({"agents/critic.toml": f"{AGENT}tools = {tools}\n{forbidden}"})
    assert bench.run("--all").status == 0
    made = bench.read(path_of("codex"))
    (bench.folder / "agents" / "critic.toml").unlink()
    assert bench.run("import", ".codex").status == 0
    manifest = _manifest(bench)
    assert [manifest[key] for key in ("tools", "role", "forbidden_domain")] == [
        expected,
        "You review code.\n",
        ["Push"],
    ]
    assert bench.run("--all").status == 0
    assert bench.read(path_of("codex")) == made


@pytest.mark.parametrize(
    "text",
    [
        "You may use no tools.",
        "Besides thinking and answering, you may do this, and nothing else:\n\n- read files\n- pray",
        "Besides thinking and answering, you may do this, and nothing else:\n\n- read files\n- read files",
        "Besides thinking and answering, you may do this, and nothing else:",
        "- read files",
    ],
)
@pytest.mark.parametrize("target", ["codex", "claude-code"])
def test_other_text_about_tools_stays_text(text: str, target: str, bench: Workbench) -> None:
    body = f"You review code.\n\n# TOOLS\n\n{text}"
    file = f"{AGENT.partition('role')[0]}developer_instructions = {json.dumps(body)}\n"
    bench.write({path_of(target): file if target == "codex" else f"{HEAD}---\n{body}\n"})
    bench.run("import", "--from", target, path_of(target))
    manifest = _manifest(bench)
    assert (manifest["role"], "tools" in manifest) == (f"{body}\n", False)


def test_codex_sentences_about_tools_are_text_in_other_files(bench: Workbench) -> None:
    body = "You review code.\n\n# TOOLS\n\nYou may use no tools: answer from what you are given.\n"
    _import(bench, "name: critic\ndescription: Reviews code.\n", body)
    assert (_manifest(bench)["role"], "tools" in _manifest(bench)) == (body, False)


@pytest.mark.parametrize(
    ("path", "name", "code"),
    [
        (".opencode/agent/critic.md", "critic", "I906"),
        (".opencode/agents/team/critic.md", "team/critic", "I905"),
        (".github/agents/critic.agent.md", "critic", "I906"),
        (".github/agents/critic.md", "critic", "I906"),
        (".github/chatmodes/The Critic.chatmode.md", "the-critic", "I905"),
        (".opencode/agents/README.md", "", "I901"),
        (".claude/agents/critic.md", "", "I901"),
        (".cursor/agents/critic.md", "", "I901"),
    ],
)
def test_front_matter_is_optional_for_some_clients(path: str, name: str, code: str, bench: Workbench) -> None:
    bench.write({path: "You review code.\n"})
    run = bench.run("import", ".")
    assert (run.status, code in _codes(run), bool(name)) == (0, True, "agents/" in run.stdout)
    if name:
        assert _manifest(bench, name)["description"] == "You review code."


@pytest.mark.parametrize(
    ("path", "front", "message"),
    [
        (PATH, "tools:", "[I907] `tools` names no tools, so the agent has none"),
        (PATH, "tools: {bash: true}", "[I907] `tools` names no tools, so the agent has none"),
        (PATH, "tools: [Read, [Grep]]", "[I907] `Grep` is not the name of a tool; left out"),
        (PATH, "skills: [a, null]", "[I904] `skills` contains empty values, which are left out"),
        (PATH, "color: !x red", "[I902] the tag `!x` was ignored"),
        (PATH, "Model: opus", "[I902] `Model` was read as `model`"),
        (".qwen/agents/critic.md", "tools: []", "[I907] `tools` names no tools, so the agent has all tools"),
        (
            ".gemini/agents/critic.md",
            "tools: [search_file_content]",
            "[I902] `search_file_content` became `grep_search`",
        ),
        (".gemini/agents/_critic.md", "", "[I902] Gemini CLI ignores files whose names start with `_`"),
        (".opencode/agents/critic.md", "maxSteps: 5", "[I902] `maxSteps` became `steps`"),
        (
            ".qwen/agents/critic.md",
            "permissionMode: auto",
            "[I902] `permissionMode: auto` became `approvalMode: auto-edit`",
        ),
        (
            ".qwen/agents/critic.md",
            "approvalMode: plan\npermissionMode: auto",
            "[I904] `assemble` never writes `permissionMode`, because it is Claude Code's spelling of `approvalMode`",
        ),
        (
            ".cursor/agents/critic.md",
            "tools:\n  - Read",
            ":4:1: warning[I902] `tools` was read as YAML, but Cursor reads no YAML, and takes the rest of the",
        ),
        (
            ".cursor/agents/critic.md",
            "model: a: b\n  - Read",
            ":5:3: warning[I902] this line was skipped, and others like it",
        ),
    ],
)
def test_recoveries_are_reported(path: str, front: str, message: str, bench: Workbench) -> None:
    run = _import(bench, f"name: critic\ndescription: Reviews code.\n{front}\n", "You review code.\n", path=path)
    assert (run.status, message in run.stderr) == (0, True), run.stderr


def test_front_matter_can_end_with_dots(bench: Workbench) -> None:
    text = f"{HEAD}...\nYou review code.\n\n---\n\nThat is all.\n"
    bench.write({PATH: text})
    run = bench.run("import", PATH)
    assert (run.status, _codes(run)) == (0, ["I902"])
    assert _manifest(bench)["role"] == "You review code.\n\n---\n\nThat is all.\n"


def test_dots_in_a_description_do_not_end_the_front_matter(bench: Workbench) -> None:
    bench.write({PATH: f"{HEAD}and so on\n...\nmodel: opus\n---\nYou review code.\n"})
    bench.run("import", PATH)
    assert (_manifest(bench)["model"], _manifest(bench)["role"]) == ("opus", "You review code.\n")


@pytest.mark.parametrize("ends", ["\r", "\r\r\n"])
def test_other_line_endings(ends: str, bench: Workbench) -> None:
    bench.write({PATH: f"{HEAD}---\nYou\nreview.\n".replace("\n", ends).encode()})
    assert bench.run("import", PATH).status == 0
    assert _manifest(bench)["role"] == "You\nreview.\n"


def test_links_are_followed_once(bench: Workbench) -> None:
    bench.write({"shared/critic.md": f"{HEAD}---\nYou review code.\n", ".claude/agents/x/keep.txt": ""})
    agents = bench.folder / ".claude" / "agents"
    (agents / "team").symlink_to("../../shared")
    (agents / "x" / "loop").symlink_to("../..")
    (agents / "up").symlink_to("../../..")
    (agents / "tester.md").symlink_to("../../shared/critic.md")
    (agents / "nothing.md").symlink_to("nowhere")
    run = bench.run("import", ".")
    assert run.stdout == "created assemble.toml\ncreated agents/critic.toml\n"
    assert _codes(run) == ["S001", "I910"]
    assert bench.run("--all", "--force").stdout == "created .claude/agents/critic.md\n"


def test_only_the_agents_of_a_plugin_are_imported(bench: Workbench) -> None:
    for path in ("plugins/a/agents/critic.md", "plugins/a/commands/go.md", "plugins/a/skills/x/SKILL.md", "README.md"):
        bench.write({path: f"{HEAD}---\nYou review code.\n"})
    assert bench.run("import", ".").stdout == "created assemble.toml\ncreated agents/critic.toml\n"


def test_a_target_that_the_kit_lacks_is_in_the_manifest(bench: Workbench) -> None:
    bench.write({"assemble.toml": "", path_of("gemini"): f"{HEAD}---\nYou review code.\n"})
    bench.run("import", ".gemini")
    assert _manifest(bench)["targets"] == ["gemini"]


def test_from_sets_the_client(bench: Workbench) -> None:
    bench.write({"critic.md": f"{HEAD}tools: [read]\n---\nYou review code.\n"})
    bench.run("import", "critic.md", "--from", "copilot")
    assert _manifest(bench)["tools"] == ["Read"]


def test_repaired_names_are_reported(bench: Workbench) -> None:
    for file, name in {"a": "Code Critic", "b": "Code Critic", "code-critic": "code-critic"}.items():
        bench.write({f".claude/agents/{file}.md": f"---\nname: {name}\ndescription: D.\n---\nBody of {file}.\n"})
    bench.write({".gemini/agents/c.md": "---\nname: code-critic\ndescription: D.\n---\nText.\n"})
    run = bench.run("import", ".")
    assert [path for path in bench.files() if path.startswith("agents/")] == [
        *("agents/a.toml", "agents/b.toml", "agents/c.toml", "agents/code-critic.toml")
    ]
    assert [_manifest(bench, name).get("display-name") for name in "abc"] == ["Code Critic", None, None]
    reports = [line.partition("[I905] ")[2] for line in run.stderr.split("\n") if "[I905]" in line]
    assert reports == [
        "another agent is already called `Code Critic`; this one is imported as `b`",
        "`.claude/agents/code-critic.md` is not the same agent: only 0% of the texts are the same; this one is "
        "imported as `c`",
    ]


@pytest.mark.parametrize(
    ("path", "given", "data"),
    [
        (".claude/agents/x.md", "Code Critic", {"name": "x", "display-name": "Code Critic"}),
        (".claude/agents/x.md", "CodeCritic", {"name": "x", "display-name": "CodeCritic"}),
        (".claude/agents/審査.md", "Code Critic", {"name": "code-critic", "display-name": "Code Critic"}),
        (".claude/agents/Code Critic.md", "Code Critic", {"name": "code-critic", "display-name": "Code Critic"}),
        (".claude/agents/x.md", "審査", {"name": "x", "display-name": "審査"}),
        (".claude/agents/x.md", "expert-4.8", {"name": "expert-4.8"}),
        (".claude/agents/x.md", "'Ops: Lead'", {"name": "x"}),
        (".claude/agents/x.md", "4.8", {"name": "4.8"}),
        (".github/agents/x.agent.md", "Code Critic", {"name": "x", "display-name": "Code Critic"}),
        (".github/agents/x.agent.md", "critic", {"name": "x", "display-name": "critic"}),
        (".opencode/agents/x.md", "Code Critic", {"name": "x", "display-name": "Code Critic"}),
        (".qwen/agents/x.md", "Code Critic", {"name": "x"}),
        (".gemini/agents/x.md", "Code Critic", {"name": "x"}),
    ],
)
def test_a_name_that_a_manifest_cannot_have_is_the_display_name(
    path: str, given: str, data: dict[str, str], bench: Workbench
) -> None:
    bench.write({path: f"---\nname: {given}\ndescription: Reviews code.\n---\nYou review all code.\n"})
    run = bench.run("import", ".")
    manifest = _manifest(bench, data["name"])
    assert {key: manifest[key] for key in ("name", "display-name") if key in manifest} == data
    assert ("I905" in _codes(run)) is (given not in data.values())
    if "display-name" in data:
        written = bench.run("--stdout", f"agents/{data['name']}.toml").stdout
        assert f"name: {given}\n" in written


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Crème Brûlée!", "creme-brulee"),
        ("9 lives", "9-lives"),
        ("dotnet-framework-4.8-expert", "dotnet-framework-4.8-expert"),
        ("Code Reviewer (v1.2).", "code-reviewer-v1.2"),
        ("..a..b..", "a-b"),
        ("_a_b_", "a_b"),
        ("NUL.x", "nul-x-agent"),
        ("Größe", "grosse"),
        ("nul", "nul-agent"),
        ("審査", ""),
        ("a" * 99, "a" * 64),
    ],
)
def test_slugs(text: str, name: str) -> None:
    assert slug(text) == name


def test_keys_that_are_not_allowed_are_reported_with_their_location(bench: Workbench) -> None:
    run = _import(bench, "name: critic\ndescription: Reviews code.\nversion: 2\ncolor: mauve\n")
    assert run.status == 0
    assert ".claude/agents/critic.md:4:1: warning[I904] `assemble` does not know `version`" in run.stderr
    assert ".claude/agents/critic.md:5:1: warning[I904] a manifest cannot have the value of `color`" in run.stderr


def test_rights_are_reported_with_the_required_setting(bench: Workbench) -> None:
    run = _import(bench, "name: critic\ndescription: Reviews code.\npermissionMode: bypassPermissions\n")
    assert (run.status, _codes(run)) == (1, ["R501"])
    assert "add `claude-code.permissionMode=bypassPermissions` to the setting `allow-rights` for `critic`" in run.stderr
    assert _manifest(bench)["target"]["claude-code"] == {"permissionMode": "bypassPermissions"}


@pytest.mark.parametrize("body", ["Fill in {{PROJECT}}.\n", "Hidden\u200b text.\n"])
def test_an_invalid_body_is_imported_and_reported(body: str, bench: Workbench) -> None:
    run = _import(bench, "name: critic\ndescription: Reviews code.\n", body)
    assert run.status == 1
    assert _manifest(bench)["role"] == body


def test_an_escaped_placeholder_stays_as_it_is(bench: Workbench) -> None:
    run = _import(bench, "name: critic\ndescription: Fills \\\\{{A}}.\n", "In `\\{{A}}` and \\{{A}}.\n")
    assert run.status == 0
    assert bench.run("--all", "--force").status == 0
    assert _manifest(bench)["role"] == "In `\\\\{{A}}` and \\\\{{A}}.\n"


@pytest.mark.parametrize(
    ("body", "closing"),
    [
        ("```py\nx\n", "```"),
        ("~~~~\nx\n", "~~~~"),
        ("<!-- x\n", "-->"),
        ("<pre>\nx\n", "</pre>"),
        ("<?x\n", "?>"),
        ("<!X\n", ">"),
        ("<![CDATA[x\n", "]]>"),
    ],
)
def test_open_fences_and_html_blocks_are_closed(body: str, closing: str, bench: Workbench) -> None:
    run = _import(bench, "name: critic\ndescription: Reviews code.\n", f"Text.\n\n{body}")
    assert (run.status, _codes(run)) == (0, ["I909"])
    assert ".claude/agents/critic.md:7:1: warning[I909]" in run.stderr
    assert _manifest(bench)["role"] == f"Text.\n\n{body}{closing}\n"
    assert bench.run("--all", "--force").status == 0


def test_findings_about_the_generated_file_are_reported(bench: Workbench) -> None:
    run = _import(bench, "name: critic\ndescription: Reviews code.\n", "", path=path_of("qwen"))
    assert (run.status, _codes(run)) == (1, ["L801"])
    assert (
        "agents/critic.toml:1:1: error[L801] the body has 0 characters; the minimum for Qwen Code is 10" in run.stderr
    )


def test_findings_about_shared_sections_are_reported(bench: Workbench) -> None:
    for name in ("critic", "planner", "tester"):
        bench.write({f"x/{name}.md": f"---\nname: {name}\ndescription: D.\n---\n# Fill\n\nIn {{{{THIS}}}}.\n"})
    run = bench.run("import", "--share", "x")
    assert (run.status, _codes(run)) == (1, ["T402"])
    assert "_blocks/fill.md:3:4: error[T402]" in run.stderr


def test_defaults_of_the_kit_that_change_the_agent_are_reported(bench: Workbench) -> None:
    defaults = '[defaults]\nmodel = "opus"\ntools = ["Read"]\n\n[defaults.target.claude-code]\ncolor = "red"\n'
    bench.write({"assemble.toml": f"{defaults}[target.claude-code]\nlimit-agents = true\n"})
    run = _import(bench, "name: critic\ndescription: Reviews code.\nmodel: haiku\n", path="critic.md")
    assert (run.status, _codes(run)) == (0, ["I912"])
    assert "critic.md:1:1: warning[I912] the kit's settings change the agent's `color`" in run.stderr
    assert (_manifest(bench)["tools"], _manifest(bench)["model"]) == (["*"], "haiku")
    run = _import(bench, "name: tester\ndescription: Tests code.\ntools: Agent, Read\ncolor: blue\n", path="tester.md")
    assert ["tester.md:4:1" in run.stderr, _codes(run)] == [True, ["I912", "I912"]]


def test_files_that_are_not_written_have_no_build_findings(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": 'name = "critic"\ndescription = "Reviews novels."\n'})
    run = _import(bench, "name: critic\ndescription: Reviews code.\npermissionMode: auto\n", path="critic.md")
    assert (run.status, _codes(run)) == (1, ["I908"])


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (f"---\nname: x\n{BOMB}---\n".encode(), "I903"),
        (b"---\na: " + b"[" * 5000 + b"\n---\n", "I903"),
        (b"---\na: " + b"x" * 70_000 + b"\n---\n", "I903"),
        (b"---\nname: x\n---\n" + b"x" * 1024 * 1024, "S004"),
        (b"---\nname: \xff\n---\n", "S002"),
        (b"Just text.\n", "I901"),
        (b"---\nname: x\n", "I901"),
        (b"---\ntitle: Agents of ours\n---\nText.\n", "I901"),
        (b"---\n- name: x\n---\n", "I901"),
        (b"---\n---\nText.\n", "I901"),
        (b"", "I901"),
    ],
)
def test_files_that_are_not_imported(content: bytes, code: str, bench: Workbench) -> None:
    bench.write({".claude/agents/x.md": content, PATH: f"{HEAD}---\nBody.\n"})
    run = bench.run("import", ".claude")
    assert (code in _codes(run), "created agents/critic.toml" in run.stdout) == (True, True)
    assert not (bench.folder / "agents" / "x.toml").exists()
    assert run.status == (0 if code == "I901" else 1)


@pytest.mark.parametrize(
    "content", [b'"\\UFFFFFFFF"', b'"\\ud800"', b"\x7f", b"%YAML 9", b"? [a]\n: b", b"!!x y", b"- a"]
)
def test_unusual_front_matter_is_imported(content: bytes, bench: Workbench) -> None:
    bench.write({"critic.md": b"---\nname: critic\ndescription: " + content + b"\n---\nBody.\n"})
    assert bench.run("import", "critic.md").status in (0, 1)
    assert "role" in _manifest(bench)


def test_generated_files_become_their_manifests_again(bench: Workbench) -> None:
    manifest = (
        'name = "critic"\ndescription = "Reviews code."\nrole = "You review code.\\n"\n'
        'domain_in = ["# 1 of all", "Bugs"]\n'
        'forbidden_domain = ["- x"]\noutput_extra_fields = ["Findings: path:line"]\n\n'
        '[[handoff]]\ntarget = "tester"\ntrigger = "what is to be tested"\n\n'
        '[references]\nextra = ["docs/review.md", "The handbook"]\n'
    )
    bench.write(
        {"agents/critic.toml": manifest, "agents/tester.toml": 'name = "tester"\ndescription = "Tests code."\n'}
    )
    assert bench.run("--all").status == 0
    bench.run("import", "agents/critic.md", "agents/tester.md", "--kit", _folder(bench, "other"))
    assert rtoml.loads(bench.read("other/agents/critic.toml")) == rtoml.loads(manifest)


def _folder(bench: Workbench, name: str) -> str:
    (bench.folder / name).mkdir()
    return name


def test_the_agents_of_this_repository_are_read_back() -> None:
    for path in sorted((REPOSITORY / "agents").glob("*.toml")):
        manifest = tomllib.loads(path.read_text())
        agent, found = read_agent("x.md", path.with_suffix(".md").read_bytes(), "claude-code")
        assert (found, agent is not None) == ([], True)
        assert agent is not None
        fields = fields_of(agent.body, lambda _: True)
        expected = {key: manifest[key] for key in ("domain_in", "handoff", "forbidden_domain")}
        assert {key: fields[key] for key in expected} == expected


def test_sections_in_another_format_stay_text() -> None:
    body = "You review.\n\n# FORBIDDEN\n\nNothing much.\n\n# REFERENCES\n\n- docs/x.md"
    assert fields_of(body, lambda _: True) == {"role": body}


@pytest.mark.parametrize(
    ("front", "body", "is_reported"),
    [("\r\n", "\r\n", True), ("\r\n", "\n", True), ("\n", "\r\n", False), ("\n", "\n", False)],
)
@pytest.mark.parametrize("end", ["---", "..."])
def test_line_endings_are_reported_only_for_the_front_matter(
    front: str, body: str, is_reported: bool, end: str, bench: Workbench
) -> None:
    head = f"---\nname: critic\ndescription: Reviews: code.\n{end}\n"
    text = "Ja.\n\nDu prüfst größere Änderungen.\n---\n"
    bench.write({PATH: head.replace("\n", front) + text.replace("\n", body)})
    assert ("CRLF line endings were read as LF" in bench.run("import", PATH).stderr) is is_reported


@pytest.mark.parametrize("code", [code for code in RULES if code.startswith("I")])
def test_the_examples_of_the_rules(code: str, bench: Workbench) -> None:
    args = {"I911": ["--share"], "I934": ["--share"], "I935": ["--share=near"], "I917": ["--replace"]}.get(code, [])
    pages = documentation(RULES[code])
    for folder, example in {"fails": pages.fails, "passes": pages.passes}.items():
        bench.write({f"{folder}/{file.path}": file.text * file.times for file in example_files(example)})
        named = [file.path for file in example_files(example) if file.path in ("AGENTS.md", "CLAUDE.md")]
        run = bench.run("import", *(named or ["."]), *args, cwd=folder)
        assert (code in _codes(run)) is (folder == "fails")
        assert set(_codes(run)) <= {code, "I910", *(["I901"] if code == "I917" else [])}


@pytest.mark.parametrize(("code", "message"), [("I999", "unknown code `I999`"), ("I903", "`I903` cannot be ignored")])
def test_invalid_settings_are_refused_before_writing(code: str, message: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": f'ignore = ["{code}"]\n', "critic.md": f"{HEAD}---\nYou review code.\n"})
    run = bench.run("import", "critic.md")
    assert (run.status, run.stdout) == (2, "")
    assert f"assemble.toml:1:11: error[C707] {message}" in run.stderr
    assert not (bench.folder / "agents").exists()


def test_the_settings_can_ignore_a_code(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'ignore = ["I902"]\n'})
    assert _codes(_import(bench, "name: critic\ndescription: a: b\n", path="critic.md")) == []


@pytest.mark.parametrize("module", ["cli", "importing"])
def test_modules_for_import_are_loaded_lazily(module: str) -> None:
    code = f"import sys; from kei_assembler import {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    lazy = {f"kei_assembler.{name}" for name in ("markdown.lenient_yaml", "rules.imports", "rules.bodies")}
    assert not {"yaml", "tomli_w", *lazy} & {*loaded}
