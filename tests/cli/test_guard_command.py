"""`assemble guard`: what it answers to the hook of a client, and what it lets pass."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from conftest import Run, Workbench

KIT = {
    "assemble.toml": (
        'manifests = ["agents", "instructions"]\ntargets = ["claude-code"]\n\n'
        '[target.claude-code]\noutput = ".claude/agents/{name}.md"\n'
    ),
    "agents/critic.toml": (
        'name = "critic"\ndescription = "Reviews code."\nrole = "You review."\nblocks = ["honesty"]\n'
        'domain_in = ["diffs", "plans"]\n'
    ),
    "instructions/house.toml": 'name = "house"\nblocks = ["honesty"]\ntargets = ["codex"]\n',
    "_blocks/honesty.md": "# HONESTY\n\nSay what you ran.\n\nSay what you read.\n",
    "AGENTS.md": "# Ours\n\nBe kind.\n",
    "src/main.py": "print()\n",
}
FILE = ".claude/agents/critic.md"
PASSES = Run(0, "", "")


class Client:
    """A client that announces edits to the hook."""

    def __init__(self, kit: Workbench, patch: pytest.MonkeyPatch) -> None:
        self.kit = kit
        self._patch = patch

    def sends(self, content: bytes, *options: str, cwd: str = ".") -> Run:
        self._patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        return self.kit.run("guard", *options, cwd=cwd)

    def edits(self, file: str, *options: str, cwd: str = ".", **arguments: Any) -> Run:
        given = {"file_path": str(self.kit.folder / file), **arguments}
        call = {"hook_event_name": "PreToolUse", "tool_name": "Edit", "cwd": str(self.kit.folder), "tool_input": given}
        return self.sends(json.dumps(call).encode(), *options, cwd=cwd)


@pytest.fixture
def client(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Client:
    bench.write(KIT)
    run = bench.run("--all")
    assert run.status == 0, run.stderr
    return Client(bench, monkeypatch)


GENERATED = f"`{FILE}` is generated from `agents/critic.toml`. "
THEN = "Edit what these lines come from instead, then run: assemble agents/critic.toml\n"


def test_an_edit_of_a_block_names_the_block(client: Client) -> None:
    number = client.kit.line_of(FILE, "Say what you ran.")
    run = client.edits(FILE, old_string="what you ran", new_string="everything")
    assert run == (2, "", f"{GENERATED}{THEN}{number}  _blocks/honesty.md:3  block\n")


def test_an_edit_of_a_list_names_the_key(client: Client) -> None:
    number = client.kit.line_of(FILE, "- plans")
    edits = [
        {"old_string": "Reviews code.", "new_string": "Reads code."},
        {"old_string": "Reads code.", "new_string": "Reads all code."},
        {"old_string": "- plans", "new_string": "- ideas"},
    ]
    run = client.edits(FILE, edits=edits)
    assert run == (
        2,
        "",
        f"{GENERATED}{THEN} 3  agents/critic.toml:2  description\n{number}  agents/critic.toml:5  domain_in\n",
    )


def test_added_lines_name_the_source_before_them(client: Client) -> None:
    number = client.kit.line_of(FILE, "Say what you read.")
    run = client.edits(FILE, old_string="what you read.\n", new_string="what you read.\n\nSay more.\n")
    assert run == (2, "", f"{GENERATED}{THEN}{number}  _blocks/honesty.md:5  block\n")


def test_a_new_text_names_the_sources_of_the_lines_that_change(client: Client) -> None:
    number = client.kit.line_of(FILE, "Say what you ran.")
    content = client.kit.read(FILE).replace("you ran", "you did")
    run = client.edits(FILE, content=content.replace("\n", "\r\n"))
    assert run == (2, "", f"{GENERATED}{THEN}{number}  _blocks/honesty.md:3  block\n")
    assert client.edits(FILE, content=client.kit.read(FILE)) == PASSES


def test_an_unclear_edit_names_all_sources(client: Client) -> None:
    run = client.edits(FILE, old_string="not there", new_string="x")
    assert run.status == 2
    assert run.stderr.startswith(f"{GENERATED}{THEN}")
    assert [line.split()[1] for line in run.stderr.splitlines()[1:] if "_blocks" in line] == ["_blocks/honesty.md:1-5"]
    assert client.edits(FILE).stderr == run.stderr


def test_an_edited_file_is_still_generated(client: Client) -> None:
    client.kit.write({FILE: client.kit.read(FILE).replace("you ran", "you did")})
    run = client.edits(FILE, old_string="what you did", new_string="x")
    assert run.status == 2
    assert run.stderr.endswith("  (an edit, or its source has changed)\n")


def test_a_file_that_does_not_exist_yet(client: Client) -> None:
    (client.kit.folder / FILE).unlink()
    assert client.edits(FILE, content="x") == (
        2,
        "",
        f"{GENERATED}Edit its sources instead, then run: assemble agents/critic.toml\n",
    )


def test_a_kit_with_errors_still_names_the_manifest(client: Client) -> None:
    client.kit.write({"agents/critic.toml": client.kit.read("agents/critic.toml").replace("honesty", "honest")})
    assert client.edits(FILE, old_string="what you ran", new_string="x") == (
        2,
        "",
        f"{GENERATED}Edit its sources instead, then run: assemble agents/critic.toml\n",
    )


def test_an_edit_outside_of_sections_passes(client: Client) -> None:
    assert client.edits("AGENTS.md", old_string="Be kind.", new_string="Be bold.") == PASSES
    assert client.edits("AGENTS.md", old_string="not there", new_string="x") == PASSES
    text = client.kit.read("AGENTS.md")
    assert client.edits("AGENTS.md", content=f"# New\n\n{text}\nMore.\n") == PASSES
    (client.kit.folder / "AGENTS.md").unlink()
    assert client.edits("AGENTS.md", content="# Ours\n") == PASSES


def test_an_edit_of_a_section_names_its_source(client: Client) -> None:
    number = client.kit.line_of("AGENTS.md", "Say what you ran.")
    message = (
        "section `house` of `AGENTS.md` is generated from `instructions/house.toml`. "
        "Edit what these lines come from instead, then run: assemble instructions/house.toml\n"
    )
    run = client.edits("AGENTS.md", old_string="what you ran", new_string="x")
    assert run == (2, "", f"{message}{number}  _blocks/honesty.md:3  block\n")
    run = client.edits("AGENTS.md", content=client.kit.read("AGENTS.md").replace("kind", "bold").replace("ran", "did"))
    assert run == (2, "", f"{message}{number}  _blocks/honesty.md:3  block\n")
    assert client.edits("AGENTS.md", content="# All gone\n").status == 2


def test_several_sections(client: Client) -> None:
    client.kit.write({"instructions/more.toml": 'name = "more"\nrole = "Be brief."\ntargets = ["codex"]\n'})
    assert client.kit.run("--all").status == 0
    assert client.edits("AGENTS.md", content="# All gone\n").stderr.startswith(
        "sections `house` and `more` of `AGENTS.md` are generated from `instructions/house.toml` and "
        "`instructions/more.toml`. Edit "
    )


@pytest.mark.parametrize("file", ["src/main.py", "agents/critic.toml", "_blocks/honesty.md", "assemble.toml", "new.md"])
def test_other_files_pass(client: Client, file: str) -> None:
    assert client.edits(file, content="x") == PASSES


def test_a_file_of_somebody_else_passes(client: Client) -> None:
    client.kit.write({FILE: "---\nname: critic\n---\n", ".claude/agents/mine.md": "---\nname: mine\n---\n"})
    assert client.edits(FILE, content="x") == PASSES
    assert client.edits(".claude/agents/mine.md", content="x") == PASSES


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"tool_input": []}',
        b'{"tool_input": {}}',
        b'{"tool_input": {"file_path": 1}}',
        b'{"tool_input": {"file_path": ""}}',
        b'{"tool_input": {"file_path": "a\\u0000b"}}',
        b'{"tool_input": {"file_path": "a\\ud800b"}}',
        b'{"tool_input": {"command": "rm -r ."}}',
    ],
    ids=repr,
)
def test_other_input_passes(client: Client, content: bytes) -> None:
    assert client.sends(content) == PASSES


@pytest.mark.parametrize("arguments", [{"edits": ["x"]}, {"edits": 1}, {"old_string": 1, "new_string": "x"}])
def test_unknown_arguments_do_not_hide_the_file(client: Client, arguments: dict[str, Any]) -> None:
    assert client.edits(FILE, **arguments).status == 2


def test_broken_settings_and_no_kit_pass(client: Client) -> None:
    client.kit.write({"assemble.toml": "targets = 1\n"})
    assert client.edits(FILE, content="x") == PASSES
    for file in KIT:
        (client.kit.folder / file).unlink()
    for folder in ("agents", "instructions", "_blocks"):
        (client.kit.folder / folder).rmdir()
    assert client.edits(FILE, content="x") == PASSES


def test_a_relative_path_is_relative_to_the_folder_of_the_client(client: Client) -> None:
    call = {"cwd": str(client.kit.folder / "src"), "tool_input": {"file_path": f"../{FILE}", "content": "x"}}
    assert client.sends(json.dumps(call).encode(), cwd="agents").status == 2


def test_a_kit_that_writes_above_its_folder_is_named(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"tools/{name}": text for name, text in KIT.items() if "instructions" not in text and name != "AGENTS.md"}
    settings = 'root = ".."\ntargets = ["claude-code"]\n[target.claude-code]\noutput = "../.claude/agents/{name}.md"\n'
    bench.write({**files, "tools/assemble.toml": settings})
    assert bench.run("--all", "--kit", "tools").status == 0
    client = Client(bench, monkeypatch)
    assert client.edits(FILE, content="x") == PASSES
    run = client.edits(FILE, "--kit", str(bench.folder / "tools"), old_string="you ran", new_string="x")
    assert run == (
        2,
        "",
        f"{GENERATED}Edit what these lines come from instead (paths are relative to `tools`), "
        "then run: assemble --kit tools agents/critic.toml\n14  _blocks/honesty.md:3  block\n",
    )
    assert client.edits(FILE, "--kit", "missing", content="x") == PASSES


def test_a_person_is_told_what_the_command_is_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    run = client.kit.run("guard")
    assert run.status == 2
    assert run.stderr.endswith(
        "Error: this command is for hooks, which send JSON on stdin; to add one: assemble init --guard\n"
    )
