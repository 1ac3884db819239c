"""One agent with files for several clients becomes one manifest, which generates all of them again."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Run, Workbench, examples
from kei_assembler.diagnostics import Severity
from kei_assembler.importing.agent_file import AgentFile, read_agent
from kei_assembler.importing.agents import convert_agents
from kei_assembler.importing.block_names import BlockNames
from kei_assembler.importing.convert import Conversion, convert
from kei_assembler.importing.likeness import MIN_LIKENESS, likeness
from kei_assembler.importing.merging import entries
from kei_assembler.importing.names import wanted_name
from kei_assembler.importing.pending_kit import PendingKit, new_kit, pending_manifests, with_pieces
from kei_assembler.importing.text_variants import split_texts
from kei_assembler.kit import LoadedKit
from kei_assembler.render.renderer import Renderer
from kei_assembler.rules import check_manifest
from kei_assembler.targets import TARGETS
from kei_assembler.targets.opencode_format import USUAL_PERMISSIONS
from kei_assembler.targets.opencode_permission import excess
from readers import path_of, read

CLAUDE, COPILOT, CODEX = ".claude/agents/critic.md", ".github/agents/critic.agent.md", ".codex/agents/critic.toml"
CODE = re.compile(r" (?:error|warning|note)\[(\w+)\]")
RULES = "## Rules\n\nSay what you ran, what you only read, and what you expect.\n"
BODY = f"You review code before it is merged.\n\n{RULES}\n## Notes\n\nWrite to `.claude/notes.md`.\n\n## End\n\nStop.\n"


def _agent(more: str = "", body: str = BODY, name: str = "critic") -> str:
    return f"---\nname: {name}\ndescription: Reviews code.\n{more}---\n\n{body}"


def _codex(body: str = BODY, more: str = "") -> str:
    return f"name = 'critic'\ndescription = 'Reviews code.'\n{more}developer_instructions = '''\n{body}'''\n"


def _manifest(bench: Workbench, name: str = "critic") -> dict[str, Any]:
    return tomllib.loads(bench.read(f"agents/{name}.toml"))


def _codes(run: Run) -> list[str]:
    return CODE.findall(run.stderr)


def _follow(bench: Workbench, run: Run) -> None:
    """Run the commands that the import recommends. After them, a check is clean."""
    commands = re.findall(r"^(?:next: .*)?then run: assemble (.*?)(?:, which .*)?$", run.stderr, re.MULTILINE)
    assert commands
    assert [bench.run(*shlex.split(command)).status for command in commands] == [0] * len(commands)
    assert bench.run("--all", "--check").status == 0


def test_files_with_the_same_text_become_one_manifest(bench: Workbench) -> None:
    bench.write({CLAUDE: _agent("model: opus\n"), COPILOT: _agent("model: GPT-5\n")})
    run = bench.run("import", ".")
    assert (run.status, run.stdout) == (0, "created assemble.toml\ncreated agents/critic.toml\n")
    assert run.stderr.startswith("1 agent from 2 files\nnext: review the manifests, then run: assemble --all --force")
    assert bench.read("assemble.toml") == (
        'required = ["name", "description"]\ntargets = ["claude-code", "copilot"]\n\n'
        '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'
    )
    assert bench.read("agents/critic.toml") == (
        f'name = "critic"\ndescription = "Reviews code."\nmodel = "opus"\nrole = """\n{BODY}"""\n\n'
        '[target.copilot]\nmodel = "GPT-5"\n'
    )
    _follow(bench, run)
    assert "model: GPT-5" in bench.read(COPILOT)
    assert bench.run("import", ".").stderr == "1 agent: 1 already imported\n"


def test_agents_of_some_clients_name_their_targets(bench: Workbench) -> None:
    other = {".claude/agents/tester.md": _agent(name="tester", body="You test.\n")}
    bench.write({CLAUDE: _agent(), COPILOT: _agent(), **other})
    bench.run("import", ".")
    assert _manifest(bench)["targets"] == ["claude-code", "copilot"]
    assert "targets" not in _manifest(bench, "tester")
    assert "targets" not in tomllib.loads(bench.read("assemble.toml"))


def test_texts_that_differ_become_blocks_with_variants(bench: Workbench) -> None:
    theirs = BODY.replace(".claude", ".codex")
    bench.write({CLAUDE: _agent(), CODEX: _codex(theirs)})
    run = bench.run("import", ".")
    assert (run.status, _codes(run)) == (0, [])
    assert run.stdout.split()[3::2] == [
        "_blocks/critic-notes.md",
        "_blocks/critic-notes@codex.md",
        "_blocks/critic-end.md",
        "agents/critic.toml",
    ]
    assert bench.read("_blocks/critic-notes@codex.md") == "## Notes\n\nWrite to `.codex/notes.md`.\n"
    manifest = _manifest(bench)
    assert manifest["role"] == BODY.partition("\n## Notes")[0]
    assert manifest["blocks"] == ["critic-notes", "critic-end"]
    _follow(bench, run)
    for target, body in {"claude-code": BODY, "codex": theirs}.items():
        path = CLAUDE if target == "claude-code" else CODEX
        assert read(target, bench.read(path)).body.removeprefix("# ROLE\n\n") == body.rstrip("\n")
    assert bench.run("import", ".").stdout == ""


def test_a_second_import_recognizes_blocks_with_variants(bench: Workbench) -> None:
    bench.write({CLAUDE: _agent(), CODEX: _codex(BODY.replace(".claude", ".codex"))})
    bench.run("import", ".")
    before = bench.files()
    assert (bench.run("import", ".").stdout, bench.files()) == ("", before)
    bench.write({"_blocks/critic-notes@codex.md": "Mine.\n"})
    assert bench.run("import", ".") == (0, "", "1 agent from 2 files: 1 already imported\n")
    assert bench.read("_blocks/critic-notes@codex.md") == "Mine.\n"


def test_names_of_blocks_are_cut_after_a_word(bench: Workbench) -> None:
    title = "## A very long heading that goes on and on"
    bench.write({CLAUDE: _agent(body=f"{BODY}\n{title}\n\nA.\n"), CODEX: _codex(f"{BODY}\n{title}\n\nB.\n")})
    bench.run("import", ".")
    assert _manifest(bench)["blocks"] == ["critic-a-very-long-heading-that-goes"]


def test_a_section_that_only_one_client_has_is_an_empty_variant(bench: Workbench) -> None:
    bench.write({CLAUDE: _agent(), CODEX: _codex(BODY.replace("\n## End\n\nStop.\n", ""))})
    run = bench.run("import", ".")
    assert bench.read("_blocks/critic-end@codex.md") == ""
    _follow(bench, run)
    assert ("## End" in bench.read(CLAUDE), "## End" in bench.read(CODEX)) == (True, False)


def test_different_descriptions_are_values(bench: Workbench) -> None:
    theirs = _agent().replace("Reviews code.", '"For VS Code: reviews {{it}}."')
    bench.write({CLAUDE: _agent(), COPILOT: theirs})
    run = bench.run("import", ".")
    assert run.status == 0
    manifest = _manifest(bench)
    assert (manifest["description"], manifest["values"]) == ("{{DESCRIPTION}}", {"DESCRIPTION": "Reviews code."})
    assert manifest["target"] == {"copilot": {"values": {"DESCRIPTION": "For VS Code: reviews {{it}}."}}}
    _follow(bench, run)
    assert read("copilot", bench.read(COPILOT)).values["description"] == "For VS Code: reviews {{it}}."
    assert read("claude-code", bench.read(CLAUDE)).values["description"] == "Reviews code."


@pytest.mark.parametrize(
    "theirs", ["A \\{{NAME}} of ours.", "x" * 10_001, ""], ids=["an escaped placeholder", "too long", "none"]
)
def test_a_description_that_cannot_be_a_value_is_reported(theirs: str, bench: Workbench) -> None:
    bench.write({CLAUDE: _agent(), COPILOT: _agent().replace("Reviews code.", theirs)})
    run = bench.run("import", ".")
    assert f"{COPILOT}:3:1: warning[I924] the manifest for several clients changes `description`" in run.stderr
    assert (_manifest(bench)["description"], "I906" in run.stderr) == ("Reviews code.", False)


def test_other_texts_stay_two_agents_and_the_difference_is_shown(bench: Workbench) -> None:
    bench.write({CLAUDE: _agent(body="You review code.\n"), CODEX: _codex("You write novels.\n")})
    run = bench.run("import", ".")
    assert run.stdout.split()[3::2] == ["agents/critic.toml", "agents/critic-codex.toml"]
    assert (
        f"{CODEX}:1:1: warning[I905] `{CLAUDE}` is not the same agent: only 33% of the texts are the same; "
        "this one is imported as `critic-codex`\n"
    ) in run.stderr
    assert f"--- {CLAUDE}\n+++ {CODEX}\n@@ -1,6 +1,5 @@\n" in run.stderr
    assert "\n-You review code.\n" in run.stderr
    assert "\n+You write novels.\n" in run.stderr
    assert "\n2 agents; 1 warning, 1 note\n" in run.stderr


def test_a_file_for_another_client_that_comes_later_is_not_imported_again(bench: Workbench) -> None:
    bench.write({CLAUDE: _agent()})
    bench.run("import", CLAUDE)
    bench.write({COPILOT: _agent()})
    run = bench.run("import", COPILOT)
    assert (run.status, run.stdout) == (1, "foreign agents/critic.toml\n")
    assert "help: if it is the same agent, add `copilot` to its `targets`; otherwise move one of the two" in run.stderr


def test_a_long_difference_is_cut(bench: Workbench) -> None:
    bench.write({CLAUDE: _agent(body="".join(f"{n}\n" for n in range(99))), CODEX: _codex("None.\n")})
    error = bench.run("import", ".").stderr
    assert f" more lines; to see them, run: diff -u {CLAUDE} {CODEX}\n" in error
    assert error.count("\n-") < 40


def test_copies_for_one_client_become_one_manifest(bench: Workbench) -> None:
    copy = ".claude/agents/team/critic.md"
    bench.write({CLAUDE: _agent(), copy: _agent()})
    run = bench.run("import", ".")
    assert run.stdout == "created assemble.toml\ncreated agents/critic.toml\n"
    assert run.stderr.startswith(
        f"{copy}:1:1: note[I910] the agent's file will be `{CLAUDE}`\n"
        f"    help: once `{CLAUDE}` exists, delete this file: otherwise Claude Code sees the agent twice\n"
        f"{copy}:1:1: note[I923] the file has the same bytes as `{CLAUDE}`, so both become one manifest\n"
    )
    assert f"\nnext: review the manifests, then delete {CLAUDE} {copy} and run: assemble --all\n" in run.stderr
    for path in (CLAUDE, copy):
        (bench.folder / path).unlink()
    assert bench.run("--all").stdout == f"created {CLAUDE}\n"


def test_the_old_files_of_all_clients_are_removed(bench: Workbench) -> None:
    bench.write({".opencode/agent/critic.md": _agent(), ".github/chatmodes/critic.chatmode.md": _agent()})
    run = bench.run("import", ".")
    assert "assemble import --replace .github/chatmodes/critic.chatmode.md .opencode/agent/critic.md" in run.stderr
    manifest = bench.read("agents/critic.toml")
    assert re.findall("^# Imported from ([^ ]*)", manifest, re.MULTILINE) == [
        ".github/chatmodes/critic.chatmode.md",
        ".opencode/agent/critic.md",
    ]
    bench.write({"agents/critic.toml": manifest.replace("Reviews", "Always reviews")})
    _follow(bench, run)
    assert sorted(path for path in bench.files() if path.startswith(".")) == [
        ".assemble/imported.json",
        path_of("copilot"),
        path_of("opencode"),
    ]
    assert "Always" in bench.read(path_of("opencode"))


def test_a_file_with_more_than_the_manifest_is_kept(bench: Workbench) -> None:
    bench.write({CLAUDE: _agent(), COPILOT: _agent("version: 2\n")})
    run = bench.run("import", ".")
    assert "I904" in _codes(run)
    assert "--force" not in run.stderr
    assert f"delete {CLAUDE} {COPILOT} and run: assemble --all\n" in run.stderr


def test_a_limit_of_one_client_is_reported_for_the_others(bench: Workbench) -> None:
    bench.write({CLAUDE: _agent("tools: Read, Grep\n"), CODEX: _codex()})
    run = bench.run("import", ".")
    assert (
        f"{CODEX}:1:1: warning[I924] the manifest limits the agent to the tools in `{CLAUDE}`, for Codex CLI, too\n"
        "    help: if it needs others here, give this client a manifest of its own\n"
    ) in run.stderr
    _follow(bench, run)
    assert "- read files\n- search in files" in bench.read(CODEX)


def test_a_client_keeps_its_own_list_of_tools(bench: Workbench) -> None:
    bench.write({CLAUDE: _agent("tools: Read, Grep\n"), COPILOT: _agent("tools: [read, edit]\n")})
    run = bench.run("import", ".")
    assert (_manifest(bench)["tools"], _manifest(bench)["target"]) == (
        ["Read", "Grep"],
        {"copilot": {"tools": ["read", "edit"]}},
    )
    assert "I924" not in _codes(run)


def test_no_client_gets_more_tools(bench: Workbench) -> None:
    listed = "# TOOLS\n\nBesides thinking and answering, you may do this, and nothing else:\n\n- read files\n"
    body = f"{BODY}\n{RULES * 3}"
    bench.write({CLAUDE: _agent("tools: Read, Bash\n", body), CODEX: _codex(f"{body}\n{listed}")})
    run = bench.run("import", ".")
    assert f"{CODEX}:1:1: warning[I905] `{CLAUDE}` is not the same agent: its tools differ from those in" in run.stderr
    assert (_manifest(bench)["tools"], _manifest(bench, "critic-codex")["tools"]) == (["Read", "Bash"], ["Read"])
    assert _manifest(bench, "critic-codex")["targets"] == ["codex"]


@pytest.mark.parametrize(
    ("front", "own", "codes"),
    [
        ("permission: {edit: deny}\n", {}, {"I924"}),
        ("permission: {grep: ask, edit: deny}\n", {"permission": {"grep": "ask", "edit": "deny"}}, {"R501"}),
        ("permission: {read: allow, grep: allow, bash: allow}\n", {}, {"I924"}),
        ("", {}, {"I924"}),
    ],
    ids=["the list allows less", "the list allows more", "they would need an allowance", "no permissions"],
)
def test_permissions_stay_if_the_list_of_tools_would_allow_more(
    front: str, own: dict[str, Any], codes: set[str], bench: Workbench
) -> None:
    path = ".opencode/agents/critic.md"
    bench.write({CLAUDE: _agent("tools: Read, Grep\n"), path: _agent(f"mode: subagent\n{front}")})
    run = bench.run("import", ".")
    assert codes <= {*_codes(run)}
    assert _manifest(bench).get("target", {}).get("opencode", {}) == own


def test_another_name_in_one_client_is_reported(bench: Workbench) -> None:
    bench.write({CLAUDE: _agent(), COPILOT: _agent(name="Critic")})
    run = bench.run("import", ".")
    assert f"{COPILOT}:2:1: warning[I905] `Critic` will be called `critic`, as in the other clients" in run.stderr
    assert "display-name" not in _manifest(bench)


def test_a_display_name_that_suits_all_clients_is_kept(bench: Workbench) -> None:
    bench.write({CLAUDE: _agent(name="Critic!"), COPILOT: _agent(name="Critic!"), ".qwen/agents/critic.md": _agent()})
    run = bench.run("import", ".")
    assert _manifest(bench)["display-name"] == "Critic!"
    assert "I905" not in _codes(run)


def test_generated_sections_of_only_one_client_are_text(bench: Workbench) -> None:
    section = "# FORBIDDEN\n\n- Push\n"
    bench.write({CLAUDE: _agent(body=f"{BODY}\n{section}"), CODEX: _codex(BODY)})
    bench.run("import", ".")
    assert "forbidden_domain" not in _manifest(bench)
    assert bench.read("_blocks/critic-forbidden.md") == section


def test_shared_sections_and_variants_are_both_blocks(bench: Workbench) -> None:
    tester = {".claude/agents/tester.md": _agent(name="tester", body=f"You test.\n\n{RULES}")}
    bench.write({CLAUDE: _agent(), CODEX: _codex(BODY.replace(".claude", ".codex")), **tester})
    run = bench.run("import", ".", "--share-min=2")
    assert _manifest(bench)["blocks"] == ["rules", "critic-notes"]
    assert _manifest(bench, "tester")["blocks"] == ["rules"]
    _follow(bench, run)


def test_a_dry_run_writes_nothing(bench: Workbench) -> None:
    bench.write({CLAUDE: _agent("model: opus\n"), CODEX: _codex(BODY.replace(".claude", ".codex"))})
    before = bench.files()
    run = bench.run("import", ".", "--dry-run")
    assert (run.status, bench.files(), _codes(run)) == (0, before, ["K126"])
    assert "would create _blocks/critic-notes@codex.md\n" in run.stdout


# What an import does not look at.


def test_other_files_that_may_be_agents_are_named(bench: Workbench) -> None:
    others = {f"plugins/{name}/agents/{name}.md": _agent(name=name) for name in "abcdefg"}
    others |= {
        "docs/guide.md": "---\ntitle: Guide\n---\nname: x\n",
        "skills/x/SKILL.md": _agent(),
        "README.md": "Hi.\n",
    }
    others |= {"plugins/a/agents/README.md": "Ours.\n", "library/one.md": _agent(name="one")}
    bench.write({CLAUDE: _agent(), **others, "AGENTS.md": "Be kind.\n", "api/CLAUDE.md": "Be brief.\n"})
    run = bench.run("import", ".")
    assert run.stdout.split()[3::2] == ["agents/critic.toml"]
    assert [line for line in run.stderr.split("\n") if "I925" in line or "assemble import" in line] == [
        "AGENTS.md:1:1: note[I925] `AGENTS.md` and `api/CLAUDE.md` were not looked at, because files with instructions "
        "have to be named",
        "    help: to import them, run: assemble import AGENTS.md",
        "library/one.md:1:1: note[I925] 8 files outside the clients' folders look like agents but were not looked at: "
        "`library` (1), `plugins/a/agents` (1), `plugins/b/agents` (1), `plugins/c/agents` (1), `plugins/d/agents` (1) "
        "and 3 more folders",
        "    help: if they are agents of yours, name the folder, as in: assemble import library",
    ]


def test_files_of_a_client_that_are_not_agents_are_left_alone(bench: Workbench) -> None:
    chain = "---\nname: review\ndescription: Reviews.\n---\n\n## critic\n\nReview {task}.\n"
    bench.write({".pi/agents/critic.md": _agent(), ".pi/agents/review.chain.md": chain})
    for args in (["."], [".pi/agents"], ["--from", "pi", "."]):
        run = bench.run("import", "--dry-run", *args)
        assert "would create agents/critic.toml" in run.stdout
        assert "review" not in run.stdout + run.stderr


def test_files_of_the_kit_are_not_named(bench: Workbench) -> None:
    bench.write({CLAUDE: _agent(), "agents/x.toml": 'name = "x"\ndescription = "X."\n', "_blocks/y.md": _agent()})
    bench.write({"instructions/house.toml": 'name = "house"\nrole = "Be kind."\n'})
    assert bench.run("--all").status == 0
    run = bench.run("import", ".")
    assert ("I925" in run.stderr, "agents/x.md" in bench.files()) == (False, True)


@pytest.mark.parametrize("args", [[".claude/agents"], [CLAUDE], [".", "--from", "claude-code"]])
def test_what_was_not_named_is_not_mentioned(args: list[str], bench: Workbench) -> None:
    bench.write({CLAUDE: _agent(), "plugins/a/agents/tester.md": _agent(name="tester", body="You test.\n")})
    assert "I925" not in bench.run("import", *args).stderr


def test_files_with_other_ends_that_the_client_loads_are_imported(bench: Workbench) -> None:
    bench.write({".cursor/agents/critic.mdc": _agent()})
    run = bench.run("import", ".")
    assert "created agents/critic.toml\n" in run.stdout
    _follow(bench, run)
    assert [path for path in bench.files() if path.startswith(".cursor")] == [path_of("cursor")]


# The pieces.


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a b c", "a b c", 1.0),
        ("", "", 1.0),
        ("", "a", 0.0),
        ("a b c d", "a b c e", 0.75),
        ("a\n\nb", "b a", 1.0),
        ("a a a a", "a", 0.4),
    ],
)
def test_likeness(one: str, other: str, expected: float) -> None:
    assert likeness(one, other) == likeness(other, one) == expected


@pytest.mark.parametrize(
    ("texts", "role", "pieces"),
    [
        (("Hi.", "Hi."), "Hi.", []),
        (("Hi.\n\n# A\nx", "Hi.\n\n# A\ny"), "Hi.", [("A", "# A\nx", {"b": "# A\ny"})]),
        (("Hi.", "Ho."), "", [("", "Hi.", {"b": "Ho."})]),
        (("# A\nx\n# B\ny", "# A\nx"), "# A\nx", [("B", "# B\ny", {"b": ""})]),
        (("# A\nx", "# A\nx\n# B\ny"), "# A\nx", [("B", "# B\ny", {"a": ""})]),
        (
            ("# A\nx\n# B\ny\n# C", "# A\nz\n# B\nw\n# C"),
            "",
            [("A", "# A\nx", {"b": "# A\nz"}), ("B", "# B\ny", {"b": "# B\nw"}), ("C", "# C", {})],
        ),
        (("# A\nx\n# C", "# B\ny\n# C"), "", [("A", "# A\nx", {"b": "# B\ny"}), ("C", "# C", {})]),
        (("Hi.\n\n# A\nx", "Hi.\n\n# A\ny", "Hi.\n\n# A\ny"), "Hi.", [("A", "# A\ny", {"a": "# A\nx"})]),
        (("```\n# A\n```\n\n# B\nx", "```\n# A\n```\n\n# B\ny"), "```\n# A\n```", [("B", "# B\nx", {"b": "# B\ny"})]),
    ],
)
def test_texts_are_split_at_their_headings(texts: tuple[str, ...], role: str, pieces: list[Any]) -> None:
    split = split_texts(dict(zip("abc", texts, strict=False)))
    assert split
    assert (split.role, [(piece.title, piece.text, piece.variants) for piece in split.pieces]) == (role, pieces)


def test_texts_that_would_be_front_matter_are_not_split() -> None:
    assert split_texts({"a": "---\nx: y\n---\nHi.", "b": "Ho."}) is None


# The law: each client gets what its own manifest would give it, or the report says otherwise, and nothing more.

SECTION = st.tuples(st.sampled_from(["# A", "## B", "## C", "### D"]), st.sampled_from("xyz")).map("\n\n".join)
TEXT = st.lists(SECTION | st.sampled_from(["You.", "- x", "```\n# A\n```"]), max_size=5).map("\n\n".join)
TOOLS = {
    "claude-code": ["Read, Grep", "Read", "*", "[]", "Agent(x), Read", "Bash(git log:*)"],
    "copilot": ["[read, search]", "[read]", "['*']", "[]", "[agent]", "[x/y]"],
    "cursor": ["Read, Grep", "Read", "mcp__x__*"],
    "gemini": ["[read_file, grep_search]", "['*']", "[list_directory]"],
    "qwen": ["[read_file]", "[read_file, grep_search]", "[]"],
}
LINES = {
    "claude-code": ["model: opus", "model: inherit", "permissionMode: plan", "color: red"],
    "copilot": ["model: GPT-5", "agents: [x]", "user-invocable: false"],
    "cursor": ["model: inherit", "model: fast", "readonly: true"],
    "gemini": ["model: inherit", "display_name: The Critic"],
    "opencode": ["permission: {edit: deny}", "permission: {'*': deny, read: allow}", "tools: {bash: false}"],
    "qwen": ["model: inherit", "approvalMode: plan"],
}  # fmt: skip


def _key(line: str) -> str:
    return line.partition(":")[0]


@st.composite
def _files(pick: st.DrawFn) -> list[AgentFile]:
    found, filler = [], "word " * 40
    for target in pick(st.lists(st.sampled_from(sorted((*LINES, "codex"))), min_size=2, max_size=4, unique=True)):
        name = pick(st.sampled_from(["critic", "critic", "Critic"]))
        description = pick(st.sampled_from(["Reviews code.", "Reviews code.", "Checks code."]))
        body = f"{pick(TEXT)}\n\n{filler}\n"
        if target == "codex":
            text = f"name = '{name}'\ndescription = '{description}'\ndeveloper_instructions = '''\n{body}'''\n"
        else:
            lines = [f"name: {name}", f"description: {description}"]
            lines += (
                [f"tools: {pick(st.sampled_from(TOOLS[target]))}"] if target in TOOLS and pick(st.booleans()) else []
            )
            lines += pick(st.lists(st.sampled_from(LINES[target]), max_size=2, unique_by=_key))
            text = "\n".join(["---", *lines, "---", body])
        path = TARGETS[target].default_path.format(name="critic", dir="agents")
        agent, _ = read_agent(path, text.encode(), target, is_in_place=True)
        assert agent
        found.append(agent._replace(kit_path=path))
    return found


def _rendered(kit: LoadedKit, made: Conversion, target: str) -> tuple[dict[str, Any], str]:
    names = BlockNames(kit)
    (file,) = pending_manifests(kit, [made], lambda each: with_pieces(each, names))
    pending = PendingKit(kit, [file], names.new)
    manifest, found = check_manifest(pending, pending.read_manifest(file.path))
    assert not [one for one in found if one.severity is Severity.ERROR and one.code != "R501"]
    values, body = read(target, Renderer(pending).render(manifest, file.path, target).content.decode())
    return values, " ".join(body.replace("# ROLE\n", "").split())


@settings(examples(100))
@given(_files())
def test_each_client_gets_what_its_own_manifest_gives_it(
    tmp_path_factory: pytest.TempPathFactory, agents: list[AgentFile]
) -> None:
    kit, _ = new_kit(str(tmp_path_factory.getbasetemp()), agents)
    conversions = convert_agents(kit, agents)
    assert sum(len(made.each) for made in conversions) == len(agents)
    assert len({made.name for made in conversions}) == len(conversions)
    for made in conversions:
        for part in made.parts:
            alone = convert(kit, part.agent, wanted_name(part.agent)._replace(name=made.name), frozenset())
            before, body = _rendered(kit, alone, part.target)
            after, merged = _rendered(kit, made, part.target)
            differing = {key for key in before | after if before.get(key) != after.get(key)}
            reported = {re.sub("permission", "tools", key) for key in part.changed}
            _check_rights(kit, alone, made, part.target)
            differing -= {"model"} if {before.get("model"), after.get("model")} == {None, "inherit"} else set()
            assert {re.sub("permission", "tools", key) for key in differing} <= reported
            assert merged.startswith(body) if "tools" in reported else merged == body


def _check_rights(kit: LoadedKit, alone: Conversion, made: Conversion, target: str) -> None:
    """No client gets more tools: the list of tools is the same, or there was none."""
    key = TARGETS[target].tools.key or "allowed"
    before, after = (entries(kit, each.data, target).get(key) for each in (alone, made))
    if TARGETS[target].tools.output_format == "permissions":
        assert after is None or excess(after, USUAL_PERMISSIONS, before or {}) is None
    else:
        assert before in (None, after)


def test_the_threshold_is_a_large_part_of_the_text() -> None:
    assert 0.5 < MIN_LIKENESS < 0.9


def test_a_generated_file_with_crlf_line_endings_is_not_reported(bench: Workbench) -> None:
    bench.write({CLAUDE: _agent()})
    _follow(bench, bench.run("import", "."))
    generated = bench.read(CLAUDE)
    bench.write({"backup/agents/critic.md": generated.replace("\n", "\r\n"), "backup/agents/x.md": generated})
    assert "I925" not in bench.run("import", ".").stderr


@pytest.mark.parametrize("targets", ['["claude-code", "copilot"]', '["@all"]', ""])
def test_targets_that_the_manifest_has_need_not_be_added(bench: Workbench, targets: str) -> None:
    bench.write({"assemble.toml": "", "agents/base.toml": 'name = "base"\nabstract = true\ntargets = ["@all"]\n'})
    own = f"targets = {targets}" if targets else 'extends = "base"'
    bench.write({"agents/critic.toml": f'name = "critic"\ndescription = "Reviews."\n{own}\n', COPILOT: _agent()})
    run = bench.run("import", COPILOT)
    assert run.status == 1
    assert "help: move one of the two files, or rename this agent\n" in run.stderr


def test_a_file_whose_front_matter_does_not_end_is_not_reported(bench: Workbench) -> None:
    form = "---\nname: Bug report\ndescription: Say what is wrong.\nbody:\n  - type: input\n"
    bench.write({CLAUDE: _agent(), ".github/ISSUE_TEMPLATE/bug.yml": form})
    assert "I925" not in bench.run("import", ".").stderr
    bench.write({"helpers/x.yml": f"{form}---\nYou help.\n"})
    assert "`helpers` (1)" in bench.run("import", ".").stderr
