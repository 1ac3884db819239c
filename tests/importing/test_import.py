"""Import: agent files become manifests, and these give agent files that say the same."""

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
from kei_assembler.importing.bodies import fields_of, share
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


def test_a_whole_import(bench: Workbench) -> None:
    bench.write({PATH: f"{HEAD}tools: Read, Bash(git log:*)\nmodel: opus\n---\n\nYou review code.\n"})
    run = bench.run("import", ".claude/agents")
    assert run.status == 0
    assert run.stdout == "created assemble.toml\ncreated agents/critic.toml\n"
    assert run.stderr == (
        "1 agent\nnext: look at the manifests, then run: "
        "assemble --all --force, which takes over the files that they came from\n"
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


def test_the_same_import_again_changes_nothing(bench: Workbench) -> None:
    _import(bench, "name: critic\ndescription: Reviews code.\n")
    before = bench.files()
    run = bench.run("import", ".claude/agents")
    assert (run.status, run.stdout) == (0, "unchanged agents/critic.toml\n")
    bench.run("--all", "--force")
    assert bench.run("import", ".claude/agents").stdout == "kept agents/critic.toml\n"
    assert before.items() <= {**bench.files(), ".claude/agents/critic.md": before[".claude/agents/critic.md"]}.items()


def test_what_was_generated_here_is_not_in_its_own_way(bench: Workbench) -> None:
    text = '# Ours.\nname = "critic"\ndescription = "Reviews code."\nblocks = ["honesty"]\n'
    bench.write({"agents/team/critic.toml": text, "agents/tester.toml": text.replace("critic", "tester")})
    bench.write({"_blocks/honesty.md": "# Honesty\n\nSay what you ran.\n"})
    assert bench.run("--all").status == 0
    run = bench.run("import", ".")
    assert (run.status, run.stdout) == (0, "kept agents/tester.toml\nkept agents/team/critic.toml\n")
    assert bench.read("agents/tester.toml") == text.replace("critic", "tester")


def test_a_dry_run_writes_nothing(bench: Workbench) -> None:
    bench.write({PATH: f"{HEAD}---\nYou review code.\n"})
    before = bench.files()
    run = bench.run("import", "--dry-run", ".claude/agents")
    assert (run.status, run.stdout) == (0, "would create assemble.toml\nwould create agents/critic.toml\n")
    assert bench.files() == before


def test_a_manifest_that_is_there_stays_and_the_others_go_on(bench: Workbench) -> None:
    mine = 'name = "critic"\ndescription = "Reviews novels."\n'
    bench.write({"agents/critic.toml": mine, PATH: f"{HEAD}---\nYou review code.\n"})
    bench.write({".claude/agents/tester.md": "---\nname: tester\ndescription: Tests code.\n---\nYou test.\n"})
    run = bench.run("import", ".claude")
    assert (run.status, run.stdout) == (1, "foreign agents/critic.toml\ncreated agents/tester.toml\n")
    assert _codes(run) == ["I908", "I910", "I910"]
    assert bench.read("agents/critic.toml") == mine


def test_of_a_manifest_that_is_not_written_nothing_more_is_said(bench: Workbench) -> None:
    mine = 'name = "critic"\ndescription = "Reviews novels."\nblocks = ["honesty"]\n'
    bench.write({"assemble.toml": 'obligatory = ["honesty"]\n', "_blocks/honesty.md": "Be honest.\n"})
    bench.write({"agents/critic.toml": mine, PATH: f"{HEAD}---\nYou review code.\n"})
    bench.write({".claude/agents/tester.md": "---\nname: tester\ndescription: Tests code.\n---\nYou test.\n"})
    run = bench.run("import", ".claude")
    assert [code for code in _codes(run) if code != "I910"] == ["I908", "B203"]
    assert "agents/tester.toml:1:1: error[B203]" in run.stderr


@pytest.mark.parametrize("there", ["agents", "agents/critic.toml/x"])
def test_what_cannot_be_written_is_said(there: str, bench: Workbench) -> None:
    bench.write({there: ""})
    run = _import(bench, "name: critic\ndescription: Reviews code.\n", path="critic.md")
    assert (run.status, run.stdout.splitlines()[-1]) == (1, "foreign agents/critic.toml")
    assert re.search(r"\[I908\] agents/critic.toml cannot be written: (Not a directory|it is a folder)", run.stderr)


def test_an_agent_of_the_name_elsewhere_in_the_kit_is_in_the_way(bench: Workbench) -> None:
    bench.write({"agents/team/critic.toml": 'name = "critic"\ndescription = "Reviews novels."\n'})
    run = _import(bench, "name: critic\ndescription: Reviews code.\n", path="critic.md")
    assert (run.status, run.stdout) == (1, "foreign agents/critic.toml\n")
    assert "agents/team/critic.toml is an agent of this name" in run.stderr


def test_into_a_named_kit(bench: Workbench) -> None:
    bench.write({"kit/assemble.toml": 'manifests = "bots"\n', "kit/bots/x.toml": 'name = "x"\ndescription = "X."\n'})
    bench.write({"critic.md": f"{HEAD}---\nYou review code.\n"})
    assert bench.run("import", "critic.md", "--kit", "kit").stdout == "created kit/bots/critic.toml\n"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["nothing.md"], "there is no file or folder nothing.md"),
        (["empty"], "there are no agent files"),
        (["x.md", "--kit", "nowhere"], "there is no folder nowhere"),
        ([], "Missing argument"),
        (["x.md", "--from", "claude"], "Invalid value for '--from'"),
    ],
)
def test_what_cannot_run(args: list[str], says: str, bench: Workbench) -> None:
    bench.write({"x.md": f"{HEAD}---\n", "empty/notes.txt": ""})
    run = bench.run("import", *args)
    assert (run.status, run.stdout) == (2, "")
    assert says in run.stderr


@pytest.mark.parametrize(
    ("front", "told"),
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
def test_descriptions_are_read_as_leniently_as_clients_do(front: str, told: str, ends: str, bench: Workbench) -> None:
    text = f"---\nname: critic\n{front}model: opus\n---\nYou review code.\n"
    bench.write({"critic.md": b"\xef\xbb\xbf" * (ends != "\n") + text.replace("\n", ends).encode()})
    assert "created agents/critic.toml" in bench.run("import", "critic.md").stdout
    manifest = _manifest(bench)
    assert (manifest["description"], manifest["model"]) == (told, "opus")


@pytest.mark.parametrize(
    ("tools", "listed"),
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
def test_tools_of_claude_code(tools: str, listed: list[str], bench: Workbench) -> None:
    assert _import(bench, f"name: critic\ndescription: Reviews code.\ntools: {tools}\n").status == 0
    assert _manifest(bench)["tools"] == listed


@pytest.mark.parametrize(
    ("target", "front", "expected"),
    [
        ("copilot", "tools: [read, edit]", {"tools": ["Read", "Edit", "Write", "NotebookEdit"]}),
        ("copilot", "tools: ['read', 'gh/*', 'gh/list']", {"tools": ["Read", "mcp__gh", "mcp__gh__list"]}),
        ("copilot", "tools: ['read', 'vscode/x y']", {"target": {"copilot": {"tools": ["read", "vscode/x y"]}}}),
        ("copilot", "model: opus", {"target": {"copilot": {"model": "opus"}}}),
        ("cursor", "tools: Read, Grep\nmodel: inherit", {"tools": ["Read", "Grep"], "model": "inherit"}),
        ("cursor", "description: 'It''s: fine'", {"description": "'It''s: fine'"}),
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
    ],
)
def test_other_clients_speak_of_their_own_tools(target: str, front: str, expected: Any, bench: Workbench) -> None:
    path = path_of(target)
    assert _import(bench, f"name: critic\ndescription: Reviews code.\n{front}\n", path=path).status == 0
    manifest = _manifest(bench)
    assert tomllib.loads(bench.read("assemble.toml"))["targets"] == [target]
    assert {key: manifest[key] for key in ("tools", "model", "target", *expected) if key in manifest} == expected
    assert bench.run("--all", "--force").stdout == f"overwrote {path}\n"


def test_a_role_of_codex_is_text(bench: Workbench) -> None:
    bench.write({".codex/agents/critic.toml": 'name = "critic"\ndeveloper_instructions = 5\n'})
    assert _codes(bench.run("import", ".codex")) == ["I901"]


def test_the_upper_of_two_files_keeps_the_name(bench: Workbench) -> None:
    for path in (".claude/agents/a/critic.md", PATH):
        bench.write({path: f"{HEAD}---\nIn {path}.\n"})
    bench.run("import", ".")
    assert (_manifest(bench)["role"], len(bench.run("import", ".").stdout.splitlines())) == (f"In {PATH}.\n", 2)


def test_a_role_of_codex(bench: Workbench) -> None:
    text = 'name = "critic"\ndescription = "Reviews code."\nsandbox_mode = "read-only"\n'
    bench.write({".codex/agents/critic.toml": f'{text}developer_instructions = "Review."\n'})
    assert bench.run("import", ".codex").status == 0
    manifest = _manifest(bench)
    assert (manifest["role"], manifest["target"]) == ("Review.\n", {"codex": {"sandbox_mode": "read-only"}})


@pytest.mark.parametrize(
    ("tools", "again"),
    [
        (["Read", "Grep", "Agent"], ["Read", "Grep", "Agent"]),
        ([], []),
        (["Bash(git:*)", "Bash(npm test)", "Agent(a, b)"], ["Bash(git *)", "Bash(npm test)", "Agent(a, b)"]),
        (["mcp__gh", "mcp__jira__list", "mcp__x__*"], ["mcp__gh", "mcp__jira__list", "mcp__x"]),
        (["Deploy", "Deploy2(a)", "PowerShell"], ["Deploy", "Deploy2", "Bash"]),
        (["Read(`a` and `b`)", "Edit(a`b)"], ["Read(`a` and `b`)", "Edit(a`b)"]),
    ],
)
def test_what_codex_is_told_of_tools_is_read_back(tools: list[str], again: list[str], bench: Workbench) -> None:
    bench.write({"assemble.toml": 'targets = ["codex"]\nexternal-agents = ["a", "b"]\n'})
    forbidden = 'forbidden_domain = ["Push"]\noutput_extra_fields = ["Result"]\n'
    bench.write({"agents/critic.toml": f"{AGENT}tools = {tools}\n{forbidden}"})
    assert bench.run("--all").status == 0
    made = bench.read(path_of("codex"))
    (bench.folder / "agents" / "critic.toml").unlink()
    assert bench.run("import", ".codex").status == 0
    manifest = _manifest(bench)
    assert [manifest[key] for key in ("tools", "role", "forbidden_domain")] == [again, "You review code.\n", ["Push"]]
    assert bench.run("--all").status == 0
    assert bench.read(path_of("codex")) == made


@pytest.mark.parametrize(
    "says",
    [
        "You may use no tools.",
        "Besides thinking and answering, you may do this, and nothing else:\n\n- read files\n- pray",
        "Besides thinking and answering, you may do this, and nothing else:\n\n- read files\n- read files",
        "Besides thinking and answering, you may do this, and nothing else:",
        "- read files",
    ],
)
@pytest.mark.parametrize("target", ["codex", "claude-code"])
def test_what_else_is_said_of_tools_stays_text(says: str, target: str, bench: Workbench) -> None:
    body = f"You review code.\n\n# TOOLS\n\n{says}"
    text = f"{AGENT.partition('role')[0]}developer_instructions = {json.dumps(body)}\n"
    bench.write({path_of(target): text if target == "codex" else f"{HEAD}---\n{body}\n"})
    bench.run("import", "--from", target, path_of(target))
    manifest = _manifest(bench)
    assert (manifest["role"], "tools" in manifest) == (f"{body}\n", False)


def test_what_only_codex_says_in_words_is_text_for_others(bench: Workbench) -> None:
    body = "You review code.\n\n# TOOLS\n\nYou may use no tools: answer from what you are given.\n"
    _import(bench, "name: critic\ndescription: Reviews code.\n", body)
    assert (_manifest(bench)["role"], "tools" in _manifest(bench)) == (body, False)


@pytest.mark.parametrize(
    ("path", "name", "code"),
    [
        (".opencode/agent/critic.md", "critic", "I906"),
        (".opencode/agents/team/critic.md", "team-critic", "I905"),
        (".github/agents/critic.agent.md", "critic", "I906"),
        (".github/agents/critic.md", "critic", "I906"),
        (".github/chatmodes/The Critic.chatmode.md", "the-critic", "I905"),
        (".opencode/agents/README.md", "", "I901"),
        (".claude/agents/critic.md", "", "I901"),
        (".cursor/agents/critic.md", "", "I901"),
    ],
)
def test_some_clients_need_no_front_matter(path: str, name: str, code: str, bench: Workbench) -> None:
    bench.write({path: "You review code.\n"})
    run = bench.run("import", ".")
    assert (run.status, code in _codes(run), bool(name)) == (0, True, "agents/" in run.stdout)
    if name:
        assert _manifest(bench, name)["description"] == "You review code."


@pytest.mark.parametrize(
    ("path", "front", "says"),
    [
        (PATH, "tools:", "[I907] `tools` names no tools; the agent has none at all"),
        (PATH, "tools: {bash: true}", "[I907] `tools` names no tools; the agent has none at all"),
        (PATH, "tools: [Read, [Grep]]", "[I907] `Grep` is no name of a tool, and left out"),
        (PATH, "skills: [a, null]", "[I904] `skills` has empty values inside, which are left out"),
        (PATH, "color: !x red", "[I902] the tag `!x` was ignored"),
        (PATH, "Model: opus", "[I902] `Model` was taken for `model`"),
        (".qwen/agents/critic.md", "tools: []", "[I907] `tools` names no tools; the agent has all tools"),
        (
            ".gemini/agents/critic.md",
            "tools: [search_file_content]",
            "[I902] `search_file_content` became `grep_search`",
        ),
        (".gemini/agents/_critic.md", "", "[I902] Gemini CLI passes over files whose names begin with `_`"),
        (".opencode/agents/critic.md", "maxSteps: 5", "[I902] `maxSteps` became `steps`"),
        (
            ".cursor/agents/critic.md",
            "tools:\n  - Read",
            ":5:3: warning[I902] this line was skipped, and others like it",
        ),
    ],
)
def test_what_is_read_otherwise_is_said(path: str, front: str, says: str, bench: Workbench) -> None:
    run = _import(bench, f"name: critic\ndescription: Reviews code.\n{front}\n", "You review code.\n", path=path)
    assert (run.status, says in run.stderr) == (0, True), run.stderr


def test_front_matter_may_end_with_dots(bench: Workbench) -> None:
    text = f"{HEAD}...\nYou review code.\n\n---\n\nThat is all.\n"
    bench.write({PATH: text})
    run = bench.run("import", PATH)
    assert (run.status, _codes(run)) == (0, ["I902"])
    assert _manifest(bench)["role"] == "You review code.\n\n---\n\nThat is all.\n"


def test_dots_in_a_description_end_nothing(bench: Workbench) -> None:
    bench.write({PATH: f"{HEAD}and so on\n...\nmodel: opus\n---\nYou review code.\n"})
    bench.run("import", PATH)
    assert (_manifest(bench)["model"], _manifest(bench)["role"]) == ("opus", "You review code.\n")


@pytest.mark.parametrize("ends", ["\r", "\r\r\n"])
def test_other_line_ends(ends: str, bench: Workbench) -> None:
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


def test_in_a_plugin_only_its_agents_are_agents(bench: Workbench) -> None:
    for path in ("plugins/a/agents/critic.md", "plugins/a/commands/go.md", "plugins/a/skills/x/SKILL.md", "README.md"):
        bench.write({path: f"{HEAD}---\nYou review code.\n"})
    assert bench.run("import", ".").stdout == "created assemble.toml\ncreated agents/critic.toml\n"


def test_a_target_that_is_not_the_kits_is_named(bench: Workbench) -> None:
    bench.write({"assemble.toml": "", path_of("gemini"): f"{HEAD}---\nYou review code.\n"})
    bench.run("import", ".gemini")
    assert _manifest(bench)["targets"] == ["gemini"]


def test_from_tells_the_client(bench: Workbench) -> None:
    bench.write({"critic.md": f"{HEAD}tools: [read]\n---\nYou review code.\n"})
    bench.run("import", "critic.md", "--from", "copilot")
    assert _manifest(bench)["tools"] == ["Read"]


def test_names_are_repaired_and_said(bench: Workbench) -> None:
    for path, name in {".claude/agents/a.md": "Code Critic", ".claude/agents/b.md": "code-critic"}.items():
        bench.write({path: f"---\nname: {name}\ndescription: Reviews code.\n---\nBody.\n"})
    bench.write({".gemini/agents/c.md": "---\nname: code-critic\ndescription: Reviews code.\n---\nBody.\n"})
    run = bench.run("import", ".")
    assert {
        "agents/code-critic.toml",
        "agents/code-critic-2.toml",
        "agents/code-critic-gemini.toml",
    } <= bench.files().keys()
    assert _codes(run).count("I905") == 3
    assert bench.run("--all", "--check").stderr.count("error[") == 0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Crème Brûlée!", "creme-brulee"),
        ("9 lives", "agent-9-lives"),
        ("Größe", "grosse"),
        ("nul", "nul-agent"),
        ("審査", ""),
        ("a" * 99, "a" * 64),
    ],
)
def test_slugs(text: str, name: str) -> None:
    assert slug(text) == name


def test_what_has_no_place_is_said_with_its_place(bench: Workbench) -> None:
    run = _import(bench, "name: critic\ndescription: Reviews code.\nversion: 2\ncolor: mauve\n")
    assert run.status == 0
    assert ".claude/agents/critic.md:4:1: warning[I904] `version` has no place in a manifest" in run.stderr
    assert ".claude/agents/critic.md:5:1: warning[I904] the value of `color` has no place" in run.stderr


def test_rights_are_reported_as_what_they_need(bench: Workbench) -> None:
    run = _import(bench, "name: critic\ndescription: Reviews code.\npermissionMode: bypassPermissions\n")
    assert (run.status, _codes(run)) == (1, ["R501"])
    assert "add `claude-code.permissionMode=bypassPermissions` to the setting `allow-rights` for `critic`" in run.stderr
    assert _manifest(bench)["target"]["claude-code"] == {"permissionMode": "bypassPermissions"}


@pytest.mark.parametrize("body", ["Fill in {{PROJECT}}.\n", "Hidden\u200b text.\n"])
def test_a_body_that_a_build_refuses_is_imported_and_said(body: str, bench: Workbench) -> None:
    run = _import(bench, "name: critic\ndescription: Reviews code.\n", body)
    assert run.status == 1
    assert _manifest(bench)["role"] == body


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
def test_what_a_body_leaves_open_is_closed(body: str, closing: str, bench: Workbench) -> None:
    run = _import(bench, "name: critic\ndescription: Reviews code.\n", f"Text.\n\n{body}")
    assert (run.status, _codes(run)) == (0, ["I909"])
    assert ".claude/agents/critic.md:7:1: warning[I909]" in run.stderr
    assert _manifest(bench)["role"] == f"Text.\n\n{body}{closing}\n"
    assert bench.run("--all", "--force").status == 0


def test_what_a_build_would_say_of_the_whole_file_is_said(bench: Workbench) -> None:
    run = _import(bench, "name: critic\ndescription: Reviews code.\n", "", path=path_of("qwen"))
    assert (run.status, _codes(run)) == (1, ["L801"])
    assert "agents/critic.toml:1:1: error[L801] the body has 0 characters; Qwen Code needs at least 10" in run.stderr


def test_what_a_build_would_say_of_shared_sections_is_said(bench: Workbench) -> None:
    for name in ("critic", "tester"):
        bench.write({f"x/{name}.md": f"---\nname: {name}\ndescription: D.\n---\n# Fill\n\nIn {{{{THIS}}}}.\n"})
    run = bench.run("import", "--share", "x")
    assert (run.status, _codes(run)) == (1, ["T402"])
    assert "_blocks/fill.md:3:4: error[T402]" in run.stderr


def test_the_kits_defaults_are_told_from_what_the_file_says(bench: Workbench) -> None:
    defaults = '[defaults]\nmodel = "opus"\ntools = ["Read"]\n\n[defaults.target.claude-code]\ncolor = "red"\n'
    bench.write({"assemble.toml": f"{defaults}[target.claude-code]\nlimit-agents = true\n"})
    run = _import(bench, "name: critic\ndescription: Reviews code.\nmodel: haiku\n", path="critic.md")
    assert (run.status, _codes(run)) == (0, ["I912"])
    assert (
        "critic.md:1:1: warning[I912] the kit's settings give the agent another `color` than this file has"
        in run.stderr
    )
    assert (_manifest(bench)["tools"], _manifest(bench)["model"]) == (["*"], "haiku")
    run = _import(bench, "name: tester\ndescription: Tests code.\ntools: Agent, Read\ncolor: blue\n", path="tester.md")
    assert ["tester.md:4:1" in run.stderr, _codes(run)] == [True, ["I912", "I912"]]


def test_nothing_is_said_of_what_is_not_written(bench: Workbench) -> None:
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
def test_what_is_not_imported(content: bytes, code: str, bench: Workbench) -> None:
    bench.write({".claude/agents/x.md": content, PATH: f"{HEAD}---\nBody.\n"})
    run = bench.run("import", ".claude")
    assert (code in _codes(run), "created agents/critic.toml" in run.stdout) == (True, True)
    assert not (bench.folder / "agents" / "x.toml").exists()
    assert run.status == (0 if code == "I901" else 1)


@pytest.mark.parametrize(
    "content", [b'"\\UFFFFFFFF"', b'"\\ud800"', b"\x7f", b"%YAML 9", b"? [a]\n: b", b"!!x y", b"- a"]
)
def test_odd_front_matter_is_no_mishap(content: bytes, bench: Workbench) -> None:
    bench.write({"critic.md": b"---\nname: critic\ndescription: " + content + b"\n---\nBody.\n"})
    assert bench.run("import", "critic.md").status in (0, 1)
    assert "role" in _manifest(bench)


def test_our_own_files_become_their_manifests_again(bench: Workbench) -> None:
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


def test_this_repositorys_agents_are_read_back() -> None:
    for path in sorted((REPOSITORY / "agents").glob("*.toml")):
        manifest = tomllib.loads(path.read_text())
        agent, found = read_agent("x.md", path.with_suffix(".md").read_bytes(), "claude-code")
        assert (found, agent is not None) == ([], True)
        assert agent is not None
        fields = fields_of(agent.body, lambda _: True)
        expected = {key: manifest[key] for key in ("domain_in", "handoff", "forbidden_domain")}
        assert {key: fields[key] for key in expected} == expected


def test_sections_in_another_form_stay_text() -> None:
    body = "You review.\n\n# FORBIDDEN\n\nNothing much.\n\n# REFERENCES\n\n- docs/x.md"
    assert fields_of(body, lambda _: True) == {"role": body}


def test_shared_sections_become_blocks_once(bench: Workbench) -> None:
    shared = "## Honesty\n\nSay what you ran.\n\n### Always\n\nEven then.\n"
    for name in ("critic", "tester"):
        body = f"# Title {name}\n\nHi.\n\n{shared}\n## Own\n\n{name}\n"
        bench.write({f"x/{name}.md": f"---\nname: {name}\ndescription: D.\n---\n{body}"})
    run = bench.run("import", "--share", "x")
    assert run.stdout == (
        "created assemble.toml\ncreated _blocks/honesty.md\ncreated agents/critic.toml\ncreated agents/tester.toml\n"
    )
    assert _codes(run) == ["I911", "I911"]
    assert bench.read("_blocks/honesty.md") == shared
    assert _manifest(bench)["blocks"] == ["honesty"]
    assert bench.run("--all").status == 0
    assert bench.read("agents/critic.md").endswith(shared)


@pytest.mark.parametrize(
    ("front", "body", "is_told"),
    [("\r\n", "\r\n", True), ("\r\n", "\n", True), ("\n", "\r\n", False), ("\n", "\n", False)],
)
@pytest.mark.parametrize("end", ["---", "..."])
def test_line_ends_are_told_of_the_front_matter_alone(
    front: str, body: str, is_told: bool, end: str, bench: Workbench
) -> None:
    mended = f"---\nname: critic\ndescription: Reviews: code.\n{end}\n"
    text = "Ja.\n\nDu prüfst größere Änderungen.\n---\n"
    bench.write({PATH: mended.replace("\n", front) + text.replace("\n", body)})
    assert ("line ends of CRLF were read as LF" in bench.run("import", PATH).stderr) is is_told


HONESTY = "# Honesty\n\nSay what you ran."


@pytest.mark.parametrize(
    ("there", "created", "block"),
    [
        ({}, ["one/honesty.md"], "honesty"),
        ({"one/honesty.md": HONESTY}, [], "honesty"),
        ({"one/honesty.md": f"\n{HONESTY}\n\n".replace("\n", "\r\n")}, [], "honesty"),
        ({"two/honesty.md": f"{HONESTY}\n"}, [], "honesty"),
        ({"one/honesty.md": "Other.\n"}, ["one/honesty-2.md"], "honesty-2"),
        ({"one/honesty.md": "Other.\n", "two/honesty-2.md": f"{HONESTY}\n"}, [], "honesty-2"),
    ],
    ids=["none", "no newline", "other newlines", "another folder", "other text", "another name"],
)
def test_a_block_that_says_the_same_is_used(
    there: dict[str, str], created: list[str], block: str, bench: Workbench
) -> None:
    bench.write({"assemble.toml": 'blocks = ["one", "two"]\n', "one/x.txt": "", "two/x.txt": "", **there})
    for name in ("critic", "tester"):
        bench.write({f"x/{name}.md": f"---\nname: {name}\ndescription: D.\n---\nHi {name}.\n\n{HONESTY}\n"})
    run = bench.run("import", "--share", "x")
    manifests = ["agents/critic.toml", "agents/tester.toml"]
    assert (run.status, run.stdout.splitlines()) == (0, [f"created {file}" for file in (*created, *manifests)])
    assert _manifest(bench)["blocks"] == [block]
    assert {file: bench.read(file) for file in there} == there


def test_sections_below_several_titles_are_not_torn_out() -> None:
    splits = share({name: f"# A\n\n## Same\n\nx\n\n# B\n\n{name}" for name in ("one", "two")})
    assert [[section.title for section in split.shared] for split in splits.values()] == [["A"], ["A"]]


@pytest.mark.parametrize("code", [code for code in RULES if code.startswith("I")])
def test_the_examples_do_what_they_say(code: str, bench: Workbench) -> None:
    args = ["--share"] if code == "I911" else []
    told = documentation(RULES[code])
    for folder, example in {"fails": told.fails, "passes": told.passes}.items():
        bench.write({f"{folder}/{file.path}": file.text for file in example_files(example)})
        run = bench.run("import", ".claude", *args, cwd=folder)
        assert (code in _codes(run)) is (folder == "fails")
        assert set(_codes(run)) <= {code, "I910"}


@pytest.mark.parametrize(("code", "says"), [("I999", "unknown code `I999`"), ("I903", "`I903` cannot be ignored")])
def test_settings_that_are_wrong_are_refused_before_anything_is_written(code: str, says: str, bench: Workbench) -> None:
    bench.write({"assemble.toml": f'ignore = ["{code}"]\n', "critic.md": f"{HEAD}---\nYou review code.\n"})
    run = bench.run("import", "critic.md")
    assert (run.status, run.stdout) == (2, "")
    assert f"assemble.toml:1:11: error[C707] {says}" in run.stderr
    assert not (bench.folder / "agents").exists()


def test_a_note_can_be_silenced_by_the_settings(bench: Workbench) -> None:
    bench.write({"assemble.toml": 'ignore = ["I902"]\n'})
    assert _codes(_import(bench, "name: critic\ndescription: a: b\n", path="critic.md")) == []


@pytest.mark.parametrize("module", ["cli", "importing"])
def test_what_only_an_import_needs_is_not_loaded_before(module: str) -> None:
    code = f"import sys; from kei_assembler import {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    only = {f"kei_assembler.{room}" for room in ("importing.lenient_yaml", "rules.imports", "rules.bodies")}
    assert not {"yaml", "tomli_w", *only} & {*loaded}
