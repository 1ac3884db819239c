"""`assemble init --guard`: the hook and the settings of the editor, in files that other people write, too."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from conftest import Workbench
from repositories import git

HOOK, EDITOR = ".claude/settings.json", ".vscode/settings.json"
NEW_HOOK = """\
{
  "hooks": {
    "PreToolUse": [
      {
        "matcher": "Edit|Write|MultiEdit|NotebookEdit",
        "hooks": [
          {
            "type": "command",
            "command": "assemble guard"
          }
        ]
      }
    ]
  }
}
"""
NEW_EDITOR = '{\n  "files.readonlyInclude": {\n    ".claude/agents/*.md": true\n  }\n}\n'


def test_a_new_kit_gets_a_guard(bench: Workbench) -> None:
    run = bench.run("init", "--guard")
    assert run.status == 0
    assert run.stdout.splitlines()[-3:] == [
        f"created {HOOK}",
        f"created {EDITOR}",
        "created .claude/agents/reviewer.md",
    ]
    assert (bench.read(HOOK), bench.read(EDITOR)) == (NEW_HOOK, NEW_EDITOR)
    assert bench.run("--all", "--check", "--strict") == (0, "", "1 agent, 1 file: 1 unchanged\n")


def test_a_second_run_changes_nothing(bench: Workbench) -> None:
    bench.run("init", "--guard")
    before = bench.files()
    run = bench.run("init", "--guard")
    assert (run.status, run.stdout.splitlines()[-2:]) == (0, [f"kept {HOOK}", f"kept {EDITOR}"])
    assert "so nothing was added\n" in run.stderr
    assert bench.files() == before


def test_a_kit_gets_a_guard_later(bench: Workbench) -> None:
    bench.run("init")
    run = bench.run("init", "--guard")
    assert run.stdout.splitlines()[-2:] == [f"created {HOOK}", f"created {EDITOR}"]
    assert run.stderr.startswith(
        "this folder is already a kit, so only checks and schemas for editors, and a guard of generated files, "
        "were added\n"
    )


def test_what_is_in_the_files_stays(bench: Workbench) -> None:
    bench.run("init")
    bench.write(
        {
            HOOK: '{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": []}]},\n "model": "opus"}',
            EDITOR: '{\r\n    "files.readonlyInclude": {\r\n        "dist/**": true\r\n    }\r\n}\r\n',
        }
    )
    run = bench.run("init", "--guard")
    assert run.stdout.splitlines()[-2:] == [f"extended {HOOK}", f"extended {EDITOR}"]
    entry = (
        '{"matcher": "Edit|Write|MultiEdit|NotebookEdit", "hooks": [{"type": "command", "command": "assemble guard"}]}'
    )
    assert bench.read(HOOK) == (
        '{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": []}, ' + entry + ']},\n "model": "opus"}'
    )
    assert bench.read(EDITOR) == (
        '{\r\n    "files.readonlyInclude": {\r\n        "dist/**": true,\r\n'
        '        ".claude/agents/*.md": true\r\n    }\r\n}\r\n'
    )


@pytest.mark.parametrize("content", ["", "\n", " \r\n"])
def test_an_empty_file_is_an_empty_object(bench: Workbench, content: str) -> None:
    bench.write({HOOK: content})
    assert bench.run("init", "--guard").status == 0
    assert bench.read(HOOK) == NEW_HOOK


def test_a_hook_or_a_pattern_that_somebody_changed_stays(bench: Workbench) -> None:
    bench.run("init")
    bench.write(
        {
            HOOK: '{"hooks": {"PreToolUse": [{"matcher": "*", "hooks": [{"command": "assemble guard", "x": 5}]}]}}',
            EDITOR: '{"files.readonlyInclude": {".claude/agents/*.md": false}}',
        }
    )
    before = bench.files()
    assert bench.run("init", "--guard").status == 0
    assert bench.files() == before


def test_handwritten_agents_stay_writable(bench: Workbench) -> None:
    bench.write({".claude/agents/mine.md": "---\nname: mine\n---\n"})
    bench.run("init", "--guard")
    assert json.loads(bench.read(EDITOR)) == {"files.readonlyInclude": {".claude/agents/reviewer.md": True}}


def test_names_with_special_characters_match_only_themselves(bench: Workbench) -> None:
    bench.write(
        {
            "assemble.toml": '[target.claude-code]\noutput = "out[1]*x/{name}.md"\n',
            "agents/a.toml": 'name = "a"\ndescription = "Does."\nrole = "You do."\n',
        }
    )
    bench.run("init", "--guard")
    assert json.loads(bench.read(EDITOR)) == {"files.readonlyInclude": {"out[[]1][*]x/*.md": True}}


def test_a_kit_in_a_folder_is_named(bench: Workbench) -> None:
    git(bench.folder, "init", "--quiet")
    bench.run("init", "--guard", "tools/our agents")
    bench.run("init", "--guard", "other")
    commands = [entry["hooks"][0]["command"] for entry in json.loads(bench.read(HOOK))["hooks"]["PreToolUse"]]
    folder = '"$CLAUDE_PROJECT_DIR"'
    assert commands == [f"assemble guard --kit {folder}/'tools/our agents'", f"assemble guard --kit {folder}/other"]
    assert not (bench.folder / "tools/our agents/.claude").exists()


def test_a_kit_with_sections_only_has_no_files_for_the_editor(bench: Workbench) -> None:
    bench.write(
        {
            "assemble.toml": 'manifests = ["instructions"]\ntargets = ["codex"]\n',
            "instructions/house.toml": 'name = "house"\nblocks = ["rule"]\n',
            "_blocks/rule.md": "# RULE\n\nTest.\n",
        }
    )
    run = bench.run("init", "--guard")
    assert (run.status, run.stdout.splitlines()[-1]) == (0, f"created {HOOK}")
    assert not (bench.folder / ".vscode").exists()


@pytest.mark.parametrize("file", [HOOK, EDITOR])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{\n  // ours\n  "a": 1\n}\n', "has comments, or a comma after the last item"),
        (b"{", "is not valid JSON in line 1"),
        (b"[]", "is not a JSON object"),
        (b'{"hooks": [], "files.readonlyInclude": []}', ""),
        (b'{"a": 1, "a": 2}', "has the key `a` twice"),
        (b'{"a": "\xff"}', "is not UTF-8 text"),
    ],
)
@pytest.mark.parametrize("is_kit", [True, False])
def test_a_file_that_cannot_be_merged_is_refused(
    bench: Workbench, file: str, content: bytes, reason: str, is_kit: bool
) -> None:
    if is_kit:
        bench.run("init")
    bench.write({file: content})
    before = bench.files()
    key = {HOOK: "hooks", EDITOR: "files.readonlyInclude"}[file]
    reason = reason or f"has a value of `{key}` that is not an object"
    assert bench.run("init", "--guard") == (
        2,
        "",
        f"error: {file} {reason}, so nothing can be added to it; nothing was changed\n"
        "  help: correct it, or run this without --guard and add the guard by hand, as docs/guard.md shows\n",
    )
    assert bench.files() == before


def test_a_link_inside_the_repository_is_followed(bench: Workbench) -> None:
    git(bench.folder, "init", "--quiet")
    bench.write({"shared/claude.json": "{}\n", ".claude/x": ""})
    (bench.folder / HOOK).symlink_to("../shared/claude.json")
    assert bench.run("init", "--guard").status == 0
    assert (bench.folder / HOOK).is_symlink()
    assert bench.read("shared/claude.json") == NEW_HOOK


@pytest.mark.parametrize("link", [".claude", HOOK, ".vscode", EDITOR])
def test_a_link_out_of_the_repository_is_refused(bench: Workbench, tmp_path: Path, link: str) -> None:
    repository = bench.below("repository")
    repository.write({"README.md": ""})
    git(repository.folder, "init", "--quiet")
    outside = tmp_path / "outside"
    outside.mkdir()
    target = outside if link in (".claude", ".vscode") else outside / "settings.json"
    if target is not outside:
        target.write_text("{}\n")
        (repository.folder / link).parent.mkdir()
    (repository.folder / link).symlink_to(target)
    before = (repository.files(), sorted(outside.iterdir()))
    run = repository.run("init", "--guard")
    file = link if link.endswith(".json") else f"{link}/settings.json"
    assert run == (2, "", f"error: {file} cannot be read: its real path is outside the repository\n")
    assert (repository.files(), sorted(outside.iterdir())) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write in every folder")
def test_both_files_are_written_or_none(bench: Workbench) -> None:
    bench.run("init")
    (bench.folder / ".vscode").mkdir(mode=0o500)
    before = bench.files()
    run = bench.run("init", "--guard")
    assert (run.status, run.stderr) == (
        2,
        f"error: {bench.folder / EDITOR} cannot be written: Permission denied\n",
    )
    assert bench.files() == before


def test_a_kit_of_the_home_folder_has_no_project(bench: Workbench) -> None:
    (bench.folder / ".git").rmdir()
    bench.write({"assemble.toml": '[target.claude-code]\noutput = "~/.claude/agents/{name}.md"\n'})
    assert bench.run("init", "--guard") == (
        2,
        "",
        "error: this kit writes to your home folder, which has no settings of a project\n  help: omit --guard\n",
    )
