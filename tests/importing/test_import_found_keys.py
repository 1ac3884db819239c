"""Keys and values that people write into agent files, although no client knows them like this."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from conftest import Run, Workbench
from readers import path_of


def _import(bench: Workbench, front: str, target: str = "claude-code", *args: str) -> Run:
    text = f"---\nname: critic\ndescription: Reviews code.\n{front}---\nYou review code.\n"
    path = ".claude/agents/critic.md" if target == "claude-code" else path_of(target)
    bench.write({path: text})
    return bench.run("import", ".", *args)


def _own(bench: Workbench, target: str) -> Any:
    return tomllib.loads(bench.read("agents/critic.toml")).get("target", {}).get(target, {})


def test_a_color_is_imported_in_lower_case(bench: Workbench) -> None:
    run = _import(bench, "color: Blue\n")
    assert run.status == 0
    assert run.stderr.startswith(
        ".claude/agents/critic.md:4:1: note[I927] `color: Blue` became `color: blue`\n"
        "    4 | color: Blue\n"
        "      | ^^^^^ help: Claude Code knows the word in lower case only\n"
        "1 agent; 1 note\n"
    )
    assert _own(bench, "claude-code") == {"color": "blue"}
    assert bench.run("--all", "--force").status == 0
    assert "color: blue\n" in bench.read(".claude/agents/critic.md")


@pytest.mark.parametrize(
    ("target", "line", "expected"),
    [
        ("qwen", "color: AUTO", "auto"),
        ("auggie", "color: ' Pink'", "pink"),
        ("grok", "color: Cyan", "cyan"),
        ("claude-code", "color: red", "red"),
    ],
)
def test_colors_of_other_clients(target: str, line: str, expected: str, bench: Workbench) -> None:
    run = _import(bench, f"{line}\n", target)
    assert (run.status, _own(bench, target)["color"]) == (0, expected)
    assert ("I927" in run.stderr) is (expected not in line)


@pytest.mark.parametrize("line", ["color: Mauve", "color: [Blue]", "permissionMode: BypassPermissions"])
def test_a_right_or_an_unknown_word_is_not_imported_in_lower_case(line: str, bench: Workbench) -> None:
    run = _import(bench, f"{line}\n")
    assert ("I904" in run.stderr, "I927" in run.stderr, _own(bench, "claude-code")) == (True, False, {})


def test_a_color_in_many_files_is_one_finding(bench: Workbench) -> None:
    text = "---\nname: tester\ndescription: Tests code.\ncolor: Blue\n---\nYou test code.\n"
    bench.write({".claude/agents/tester.md": text})
    run = _import(bench, "color: Blue\n")
    assert "`color: Blue` became `color: blue`; also in `.claude/agents/tester.md`\n" in run.stderr


@pytest.mark.parametrize(
    ("target", "key", "hint"),
    [
        ("opencode", "permissions: {edit: deny}", "did you mean `permission`? The manifest lacks the key"),
        ("kilo", "permissions: {edit: deny}", "did you mean `permission`? The manifest lacks the key"),
        ("claude-code", "max_turns: 5", "did you mean `maxTurns`? The manifest lacks the key"),
        ("qwen", "tool: [read_file]", "did you mean `tools`? The manifest lacks the key"),
    ],
)
def test_a_misspelled_key_is_reported_with_the_right_one(target: str, key: str, hint: str, bench: Workbench) -> None:
    run = _import(bench, f"{key}\n", target)
    assert (run.status, run.stderr.count("[I904]")) == (0, 1)
    assert f" help: {hint}\n" in run.stderr
    assert "permission" not in _own(bench, target)


@pytest.mark.parametrize("front", ["permissions: {edit: deny}\npermission: {edit: deny}\n", "category: x\n"])
def test_no_key_is_suggested_that_the_file_has_or_that_is_not_close(front: str, bench: Workbench) -> None:
    run = _import(bench, front, "opencode")
    assert ("[I904]" in run.stderr, "did you mean" in run.stderr) == (True, False)
    assert " help: the manifest lacks the key" in run.stderr


GO = "- label: Go\n  agent: x\n  prompt: y\n"


@pytest.mark.parametrize(
    ("entries", "fault", "kept"),
    [
        ("- label: Go\n", "the value of `handoffs`: in entry 1, `agent` is missing and `prompt` is missing", 0),
        (f"{GO}- label: A\n  agent: x\n", "part of the value of `handoffs`: in entry 2, `prompt` is missing", 1),
        (
            "- agent: x\n  prompt: ' '\n",
            "the value of `handoffs`: in entry 1, `prompt` is blank and `label` is missing",
            0,
        ),
        (f"{GO}- x\n", "part of the value of `handoffs`: in entry 2, it must be a table, not a string", 1),
        (f"{GO}{GO}  send: maybe\n", "in entry 2, `send` must be true or false, not a string", 1),
        (
            "- label: A\n  agent: x\n" * 5,
            "in entry 1, `prompt` is missing; in entry 2, `prompt` is missing; in entry 3, `prompt` is missing; "
            "and 2 more entries are wrong",
            0,
        ),
    ],
)
def test_an_incomplete_handoff_is_reported_with_what_is_missing(
    entries: str, fault: str, kept: int, bench: Workbench
) -> None:
    run = _import(bench, f"handoffs:\n{entries}", "copilot")
    assert (run.status, run.stderr.count("[I904]")) == (0, 1)
    assert f"{fault}\n" in run.stderr
    assert "help: the manifest lacks it; complete it in `[target.copilot]`\n" in run.stderr
    assert len(_own(bench, "copilot").get("handoffs", [])) == kept


def test_handoffs_that_are_not_a_list(bench: Workbench) -> None:
    run = _import(bench, "handoffs: tester\n", "copilot")
    assert "[I904] a manifest cannot have the value of `handoffs`: it must be a list of tables\n" in run.stderr
    assert "help: the manifest lacks it; find out whether GitHub Copilot and VS Code accepts it\n" in run.stderr


METADATA = (
    "category: quality\nversion: 1.10\ntags: [review, 7]\nemoji: 🦊\npriority: 2\nbeta: true\nowner: {team: core}\n"
)


def _manifest(bench: Workbench) -> Any:
    return tomllib.loads(bench.read("agents/critic.toml"))


def test_metadata_is_kept_as_extra_keys(bench: Workbench) -> None:
    run = _import(bench, METADATA, "claude-code", "--keep-metadata")
    assert (run.status, run.stderr.count("note[I928]"), "I904" in run.stderr) == (0, 7, False)
    assert run.stderr.startswith(
        ".claude/agents/critic.md:4:1: note[I928] `category` is kept in the manifest, but generated files do not have "
        "it\n"
        "    4 | category: quality\n"
        "      | ^^^^^^^^ help: a template of the kit can print `extra.category`\n"
    )
    assert bench.read("assemble.toml") == (
        'required = ["name", "description"]\n\n[extra-keys]\nbeta = "boolean"\ncategory = "string"\nemoji = "string"\n'
        'owner = "table"\npriority = "integer"\ntags = "strings"\nversion = "string"\n\n'
        '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'
    )
    assert bench.read("agents/critic.toml") == (
        'name = "critic"\ndescription = "Reviews code."\ncategory = "quality"\nversion = "1.10"\n'
        'tags = ["review", "7"]\nemoji = "🦊"\npriority = 2\nbeta = true\n'
        'role = """\nYou review code.\n"""\n\n[owner]\nteam = "core"\n'
    )
    assert bench.run("--all", "--force").status == 0
    assert bench.run("--all", "--check").status == 0
    assert "quality" not in bench.read(".claude/agents/critic.md")
    again = bench.run("import", "--keep-metadata", ".")
    assert (again.status, again.stdout) == (0, "")


def test_without_the_option_a_new_kit_keeps_no_metadata(bench: Workbench) -> None:
    run = _import(bench, METADATA)
    assert (run.stderr.count("[I904]"), "I928" in run.stderr, "extra-keys" in bench.read("assemble.toml")) == (
        7,
        False,
        False,
    )


def test_an_existing_kit_keeps_what_it_declares(bench: Workbench) -> None:
    settings = 'required = ["name"]\nextra-keys = { category = "string", version = "integer" }\n'
    bench.write({"assemble.toml": settings})
    run = _import(bench, METADATA, "claude-code", "--keep-metadata")
    assert (run.stderr.count("[I928]"), run.stderr.count("[I904]")) == (1, 6)
    assert (_manifest(bench)["category"], bench.read("assemble.toml")) == ("quality", settings)


@pytest.mark.parametrize(
    "line",
    [
        "hooks2x: '{{A}}'",
        "max_turns: 5",
        "permission: allow",
        "role: critic",
        "Category: x",
        "a.b: c",
        "x:",
        "y: [[a]]",
    ],
)
def test_what_is_no_metadata_is_not_kept(line: str, bench: Workbench) -> None:
    _import(bench, f"{line}\n", "claude-code", "--keep-metadata")
    assert "extra-keys" not in bench.read("assemble.toml")
    assert {*_manifest(bench)} <= {"name", "description", "role"}


def test_one_kind_for_all_files_of_a_key(bench: Workbench) -> None:
    text = "---\nname: tester\ndescription: Tests code.\nversion: 2.0.1\ntags: one\n---\nYou test code.\n"
    bench.write({".claude/agents/tester.md": text})
    run = _import(bench, "version: 2\ntags: [a, b]\n", "claude-code", "--keep-metadata")
    assert (run.status, "I904" in run.stderr, run.stderr.count("[I928]")) == (0, False, 2)
    tester = tomllib.loads(bench.read("agents/tester.toml"))
    assert (_manifest(bench)["version"], tester["version"]) == ("2", "2.0.1")
    assert (_manifest(bench)["tags"], tester["tags"]) == (["a", "b"], ["one"])


def test_the_metadata_of_an_agent_for_two_clients(bench: Workbench) -> None:
    text = "---\nname: critic\ndescription: Reviews code.\ncategory: other\nemoji: 🦊\n---\nYou review code.\n"
    bench.write({path_of("qwen"): text})
    run = _import(bench, "category: quality\n", "claude-code", "--keep-metadata")
    manifest = _manifest(bench)
    assert (run.status, manifest["category"], manifest["emoji"]) == (0, "quality", "🦊")
    assert "warning[I924] the manifest for several clients changes `category` for Qwen Code\n" in run.stderr


def test_a_tool_that_only_the_client_has_keeps_its_spelling(bench: Workbench) -> None:
    tools = "[runCommands, web_fetch, Todo_Write, READ]"
    text = f"---\nname: critic\ndescription: D.\ntools: {tools}\n---\n\nYou review.\n"
    bench.write({".github/agents/critic.agent.md": text})
    run = bench.run("import", ".")
    manifest = tomllib.loads(bench.read("agents/critic.toml"))
    assert manifest["target"]["copilot"]["tools"] == ["runCommands", "web_fetch", "Todo_Write", "read"]
    assert [line.partition("] ")[2] for line in run.stderr.split("\n") if "[I902]" in line] == ["`READ` became `read`"]
