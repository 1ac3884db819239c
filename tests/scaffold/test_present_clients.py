"""The clients of a repository are those with files that only they have, unless git ignores these files."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from conftest import Workbench
from kei_assembler.scaffold.clients import present_clients
from kei_assembler.targets import TARGETS
from kei_assembler.targets.presence import signs
from repositories import commit_all, git

EACH = {
    "claude-code": ("CLAUDE.md", ".claude/settings.json", ".claude/skills/x/SKILL.md", ".claude/agents/sub/x.md"),
    "copilot": (
        ".github/agents/x.agent.md",
        ".github/chatmodes/x.chatmode.md",
        ".github/copilot-instructions.md",
        ".github/instructions/x.instructions.md",
        ".github/skills/x/SKILL.md",
    ),
    "cursor": (".cursor/rules/x.mdc", ".cursor/mcp.json", ".cursorrules"),
    "opencode": (".opencode/agent/x.md", "opencode.json", "opencode.jsonc"),
    "gemini": ("GEMINI.md", ".gemini/settings.json"),
    "codex": (".codex/config.toml",),
    "qwen": ("QWEN.md", ".qwen/agents/x.md"),
}
NOBODYS = (
    "AGENTS.md",
    ".agents/skills/x/SKILL.md",
    ".agents/agents/x.md",
    ".github/workflows/x.yml",
    ".vscode/settings.json",
    "agents/x.md",
    "docs/CLAUDE.md",
    "src/.codex/config.toml",
    "claude.md.txt",
)


@pytest.fixture(params=["git", "no git"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "git":
        git(tmp_path, "init", "--quiet")
    return tmp_path


def _add(folder: Path, *files: str) -> None:
    for file in files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n")


def test_each_sign_belongs_to_one_target() -> None:
    assert {*signs().values()} == {*TARGETS}
    for path in signs():
        assert path not in ("AGENTS.md", ".agents", ".github", ".vscode")
        assert not path.startswith(("/", ".agents/"))
        assert "{" not in path


@pytest.mark.parametrize(("target", "file"), [(target, file) for target, files in EACH.items() for file in files])
def test_a_file_of_its_own_shows_a_client(target: str, file: str, folder: Path) -> None:
    _add(folder, file, *NOBODYS)
    assert present_clients(str(folder)) == (target,)


def test_what_many_have_shows_nobody(folder: Path) -> None:
    _add(folder, *NOBODYS)
    for empty in (".codex", ".cursor/rules"):
        (folder / empty).mkdir(parents=True)
    assert present_clients(str(folder)) == ()


def test_the_clients_are_in_the_order_of_the_rows(folder: Path) -> None:
    _add(folder, *(files[-1] for files in reversed(EACH.values())))
    assert present_clients(str(folder)) == tuple(name for name in TARGETS if name in EACH)


def test_what_git_ignores_does_not_count(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    _add(tmp_path, ".claude/settings.json", ".cursor/mcp.json", ".qwen/x", ".codex/config.toml", ".codex/cache/x")
    (tmp_path / ".gitignore").write_text(".cursor/\n/.qwen/*\n.codex/cache\nCLAUDE.md\n")
    assert present_clients(str(tmp_path)) == ("claude-code", "codex")
    git(tmp_path, "add", "--force", ".cursor/mcp.json")
    assert present_clients(str(tmp_path)) == ("claude-code", "cursor", "codex")
    shutil.rmtree(tmp_path / ".cursor")
    assert present_clients(str(tmp_path)) == ("claude-code", "codex")


def test_a_clone_has_the_same_clients(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / ".git").mkdir(parents=True)
    _add(work, ".claude/agents/x.md", "GEMINI.md", ".github/agents/x.agent.md", ".cursor/x")
    (work / ".gitignore").write_text(".cursor\n")
    commit_all(work)
    git(tmp_path, "clone", "--quiet", "work", "clone")
    expected = ("claude-code", "copilot", "gemini")
    assert present_clients(str(work)) == present_clients(str(tmp_path / "clone")) == expected
    git(tmp_path / "clone", "sparse-checkout", "set", "--no-cone", "/GEMINI.md")
    assert not (tmp_path / "clone/.claude").exists()
    assert present_clients(str(tmp_path / "clone")) == expected


def test_the_folders_around_count_up_to_the_top_of_the_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    inner = tmp_path / "packages/api"
    _add(tmp_path, "CLAUDE.md", "packages/.cursor/x", "packages/api/.codex/x", "packages/web/.qwen/x")
    assert present_clients(str(inner)) == ("claude-code", "cursor", "codex")
    assert present_clients(str(tmp_path)) == ("claude-code",)
    git(inner, "init", "--quiet")
    assert present_clients(str(inner)) == ("codex",)


def test_links_are_like_files(folder: Path) -> None:
    _add(folder, "AGENTS.md", "shared/agents/x.md")
    (folder / "CLAUDE.md").symlink_to("AGENTS.md")
    (folder / ".qwen").symlink_to("shared")
    (folder / ".codex").symlink_to("nowhere")
    assert present_clients(str(folder)) == ("claude-code", "codex", "qwen")
    linked = folder.parent / f"{folder.name}-linked"
    linked.symlink_to(folder)
    assert present_clients(str(linked)) == ("claude-code", "codex", "qwen")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permissions of this kind")
def test_a_folder_that_cannot_be_read_counts(tmp_path: Path) -> None:
    (tmp_path / ".codex").mkdir(mode=0)
    expected = ("codex",) if os.geteuid() else ()  # root can read it, and it is empty
    assert present_clients(str(tmp_path)) == expected
    (tmp_path / ".codex").chmod(0o700)


def test_the_command_prints_the_names_for_scripts(bench: Workbench) -> None:
    _add(bench.folder, ".codex/config.toml", "CLAUDE.md")
    run = bench.run("targets", "--present")
    hint = "next: to create a kit whose settings name them, run: assemble init\n"
    assert run == (0, "claude-code\ncodex\n", hint)


def test_the_command_says_if_there_are_none(bench: Workbench) -> None:
    assert bench.run("targets", "--present") == (0, "", "no client has files of its own here\n")


SET = "next: to generate files for all of them, set in"


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        (
            {"assemble.toml": 'targets = ["@all"]\n'},
            "the setting `targets` of this kit names all of them\n",
        ),
        (
            {"assemble.toml": 'targets = ["codex", "gemini"]\n'},
            f'{SET} assemble.toml: targets = ["codex", "gemini", "claude-code"]\n',
        ),
        (
            {"pyproject.toml": "[tool.assemble]\n"},
            f'{SET} pyproject.toml: targets = ["claude-code", "codex"]\n',
        ),
        (
            {"agents/x.toml": 'name = "x"\n'},
            f'{SET} assemble.toml: targets = ["claude-code", "codex"]\n',
        ),
        (
            {"assemble.toml": "targts = []\n"},
            "next: name them in the setting `targets`\n",
        ),
    ],
)
def test_in_a_kit_the_hint_is_about_its_settings(files: dict[str, str], hint: str, bench: Workbench) -> None:
    _add(bench.folder, ".codex/config.toml", "CLAUDE.md")
    bench.write(files)
    before = bench.files()
    assert bench.run("targets", "--present") == (0, "claude-code\ncodex\n", hint)
    assert bench.files() == before


@pytest.mark.parametrize("args", [("--present", "--all"), ("--present", "codex"), ("--all", "codex")])
def test_names_and_options_exclude_each_other(args: tuple[str, ...], bench: Workbench) -> None:
    run = bench.run("targets", *args)
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.endswith("Error: a NAME, --all and --present exclude each other\n")


def test_a_new_kit_is_for_the_clients_that_are_there(bench: Workbench) -> None:
    (bench.folder / ".git").rmdir()
    git(bench.folder, "init", "--quiet")
    _add(bench.folder, ".codex/config.toml", ".cursorrules", ".qwen/x")
    (bench.folder / ".gitignore").write_text(".qwen/\n")
    run = bench.run("init", "tools/kit")
    assert run.status == 0
    assert "created .codex/agents/reviewer.toml\n" in run.stdout
    assert "created .cursor/agents/reviewer.md\n" in run.stdout
    assert run.stderr.startswith(
        "1 agent, 2 files: 2 created\n"
        "the setting `targets` names the clients that had files here: `cursor` and `codex`\n"
        "next: "
    )
    settings = tomllib.loads(bench.read("tools/kit/assemble.toml"))
    assert settings["targets"] == ["cursor", "codex"]
    assert settings["target"] == {
        "cursor": {"output": "../../.cursor/agents/{name}.md"},
        "codex": {"output": "../../.codex/agents/{name}.toml"},
    }
    for file in (".gitattributes", ".prettierignore"):
        assert bench.read(file).startswith((".codex/agents/*.toml", ".codex/agents/*.toml linguist-generated"))
        assert "\n.cursor/agents/*.md" in bench.read(file)
    shutil.rmtree(bench.folder / ".cursor")
    assert bench.run("--all", "--kit", "tools/kit").stdout == "created ../../.cursor/agents/reviewer.md\n"
    assert bench.run("--all", "--check", "--strict", "--kit", "tools/kit").status == 0


def test_at_the_top_a_client_needs_no_path(bench: Workbench) -> None:
    _add(bench.folder, ".codex/config.toml")
    assert bench.run("init").status == 0
    text = bench.read("assemble.toml")
    assert 'targets = ["codex"]\n' in text
    assert '\n# [target.codex]\n# output = ".codex/agents/{name}.toml"\n' in text
    assert "target" not in tomllib.loads(text)
    assert set(bench.files()) >= {".codex/agents/reviewer.toml", "assemble.toml"}
    assert ".claude/agents/reviewer.md" not in bench.files()


def test_a_new_kit_for_all_clients_builds(bench: Workbench) -> None:
    _add(bench.folder, *(files[-1] for files in EACH.values()))
    run = bench.run("init")
    assert run.status == 0
    assert tomllib.loads(bench.read("assemble.toml"))["targets"] == [name for name in TARGETS if name in EACH]
    assert bench.run("--all", "--check").status == 0
    assert "O629" not in run.stderr


def test_the_settings_of_an_existing_kit_stay(bench: Workbench) -> None:
    _add(bench.folder, ".codex/config.toml")
    bench.write({"assemble.toml": 'targets = ["qwen"]\n'})
    run = bench.run("init")
    assert run.status == 0
    assert "names the clients" not in run.stderr
    assert bench.read("assemble.toml").endswith('\ntargets = ["qwen"]\n')


def test_without_git_all_files_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "--quiet")
    _add(tmp_path, ".codex/config.toml")
    (tmp_path / ".gitignore").write_text(".codex\n")
    assert present_clients(str(tmp_path)) == ()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        subprocess.run(["git"], check=False)
    assert present_clients(str(tmp_path)) == ("codex",)
