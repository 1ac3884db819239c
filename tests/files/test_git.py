"""How git is run: nothing that a repository or the environment configures runs or changes what git answers."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import pytest

from conftest import Workbench
from kei_assembler.files.git_index import Git
from repositories import git

MANIFEST = 'name = "a"\ndescription = "A."\n'
CHECK = ("--all", "--check", "--staged")


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    """A kit in a repository, built and staged."""
    shutil.rmtree(bench.folder / ".git")
    git(bench.folder, "init", "--quiet")
    bench.write({"agents/a.toml": MANIFEST, "_blocks/Ä b.md": "B.\n"})
    bench.run("--all")
    git(bench.folder, "add", ".")
    assert bench.run(*CHECK).status == 0
    return bench


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((f"GIT_{kind}_PATHSPECS", "1") for kind in ("ICASE", "GLOB", "NOGLOB", "LITERAL")),
        *((name, "/nowhere") for name in ("GIT_CEILING_DIRECTORIES", "GIT_WORK_TREE", "GIT_PREFIX")),
        *((name, "/nowhere/x") for name in ("GIT_TRACE", "GIT_TRACE_SETUP", "GIT_TRACE2", "GIT_TRACE2_EVENT")),
        *((name, "2") for name in ("GIT_TRACE", "GIT_TRACE_PACKET", "GIT_TRACE_SETUP", "GIT_TRACE2_PERF")),
        *((name, "exit 1") for name in ("GIT_EXTERNAL_DIFF", "GIT_PAGER", "PAGER", "GIT_ASKPASS", "GIT_SSH_COMMAND")),
        *((name, "xx_YY.UTF-9") for name in ("LC_ALL", "LANG", "LANGUAGE")),
        ("GIT_ATTR_SOURCE", "nothing"),
        ("GIT_DEFAULT_HASH", "sha9"),
        ("GIT_DIFF_OPTS", "--nonsense"),
        ("GIT_FLUSH", "0"),
        ("GIT_IMPLICIT_WORK_TREE", "0"),
        ("GIT_INDEX_VERSION", "4"),
        ("GIT_NAMESPACE", "x"),
        ("GIT_OPTIONAL_LOCKS", "1"),
        ("GIT_REDIRECT_STDOUT", "off"),
        ("GIT_TEST_SPLIT_INDEX", "1"),
        ("GIT_INTERNAL_SUPER_PREFIX", "x/"),
    ],
)
def test_a_variable_that_changes_how_git_works(
    kit: Workbench, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert kit.run(*CHECK) == kit.run("--all", "--check")
    kit.write({"_blocks/Ä b.md": "C.\n"})
    assert "_blocks/Ä b.md:1:1: error[O612]" in kit.run(*CHECK).stderr


def test_settings_in_variables_do_not_win(kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = kit.folder / "ran"
    for name, value in (("COUNT", "1"), ("KEY_0", "core.fsmonitor"), ("VALUE_0", f"touch {shlex.quote(str(marker))}")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    assert kit.run(*CHECK).status == 0
    assert not marker.exists()


def test_nothing_that_a_repository_configures_runs(kit: Workbench) -> None:
    marker = kit.folder / "ran"
    command = f"touch {shlex.quote(str(marker))}; cat"
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "core.askPass", "diff.external", "alias.ls-files",
                "filter.x.clean", "filter.x.smudge", "diff.x.textconv", "diff.x.command"):  # fmt: skip
        git(kit.folder, "config", key, f"!{command}" if key.startswith("alias") else command)
    hooks = kit.folder / ".git/hooks"
    for name in ("post-index-change", "fsmonitor-watchman", "reference-transaction", "pre-commit"):
        (hooks / name).write_text(f"#!/bin/sh\n{command}\n")
        (hooks / name).chmod(0o755)
    kit.write({".gitattributes": "* filter=x diff=x\n"})
    (kit.folder / "agents/a.toml").touch()
    assert kit.run(*CHECK).status == 0
    kit.write({"agents/a.toml": MANIFEST.replace("A.", "B.")})
    (kit.folder / "_blocks/Ä b.md").unlink()
    assert kit.run("--all").status == 0
    assert kit.run(*CHECK).stderr.count("error[O612]") == 3
    assert not marker.exists()


def test_the_index_is_not_written(kit: Workbench) -> None:
    (kit.folder / "agents/a.toml").touch()
    before = (kit.folder / ".git/index").stat()
    assert kit.run(*CHECK).status == 0
    assert (kit.folder / ".git/index").stat() == before


def _bare_repository(folder: Path) -> None:
    """What a commit can contain: a folder that looks like a bare repository, with a command in its settings."""
    folder.mkdir(exist_ok=True)
    for name in ("objects", "refs"):
        (folder / name).mkdir()
        (folder / name / ".keep").write_text("")
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    marker = shlex.quote(str(folder / "ran"))
    (folder / "config").write_text(f'[core]\n\tbare = false\n\tworktree = "{folder}"\n\tfsmonitor = "touch {marker}"\n')


@pytest.mark.parametrize("has_git_folder", [True, False])
def test_a_bare_repository_in_the_work_tree_is_not_used(kit: Workbench, has_git_folder: bool) -> None:
    _bare_repository(kit.folder)
    if not has_git_folder:
        shutil.rmtree(kit.folder / ".git")
        (kit.folder / ".git").mkdir()
    run = kit.run(*CHECK)
    assert run.status == (0 if has_git_folder else 2), run
    assert not (kit.folder / "ran").exists()


def test_a_repository_above_a_broken_one_is_not_used(kit: Workbench) -> None:
    inner = kit.below("inner")
    inner.write({".git/HEAD": "", "agents/a.toml": MANIFEST})
    inner.run("--all")
    git(kit.folder, "add", ".")
    run = inner.run(*CHECK)
    assert (run.status, "not a git repository" in run.stderr) == (2, True)


def test_a_message_of_git_keeps_its_lines(kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    run = kit.run(*CHECK)
    assert run.status == 2
    lines = run.stderr.splitlines()
    assert (
        lines[0]
        == f"error: git cannot read the index: fatal: detected dubious ownership in repository at '{kit.folder}'"
    )
    assert any(line.strip() == f"git config --global --add safe.directory {kit.folder}" for line in lines)
    assert "<U+" not in run.stderr
    for output_format, newline in (("json", "\\n"), ("sarif", "\\n"), ("github", "%0A")):
        run = kit.run(*CHECK, "--output-format", output_format)
        assert f"at '{kit.folder}'{newline}To add an exception" in run.stdout
        assert "<U+" not in run.stdout


def test_a_message_of_git_is_safe_to_print(kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = kit.folder / "x\n::error::y\x1b[2J\r##vso[z]"
    folder.mkdir()
    inner = Workbench(folder, kit._capsys, monkeypatch)
    inner.write({"agents/a.toml": MANIFEST})
    git(folder, "init", "--quiet")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    run = inner.run(*CHECK)
    assert run.status == 2
    assert "\x1b" not in run.stderr
    assert "##" not in run.stderr
    assert not any(line.lstrip().startswith("::") for line in run.stderr.splitlines())


@pytest.mark.parametrize("variable", [True, False])
def test_a_safe_directory_is_trusted(kit: Workbench, monkeypatch: pytest.MonkeyPatch, variable: bool) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    if variable:
        for name, value in (("COUNT", "1"), ("KEY_0", "safe.directory"), ("VALUE_0", str(kit.folder))):
            monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    else:
        settings = kit.folder.with_name("settings")
        settings.write_text(f"[safe]\n\tdirectory = {kit.folder}\n")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    assert kit.run(*CHECK).status == 0


def test_nothing_is_fetched(kit: Workbench, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In a partial clone, git would fetch the content that it lacks."""
    git(kit.folder, "commit", "--quiet", "--message=a")
    git(kit.folder, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path_factory.mktemp("clone") / "kit"
    git(kit.folder, "clone", "--quiet", "--filter=blob:none", f"file://{kit.folder}", str(clone))
    partial = Workbench(clone, kit._capsys, kit._monkeypatch)
    assert partial.run(*CHECK).status == 0
    kit.write({"_blocks/Ä b.md": "C.\n"})
    git(kit.folder, "commit", "--quiet", "--all", "--message=b")
    git(clone, "fetch", "--quiet")
    git(clone, "read-tree", "FETCH_HEAD")
    packs = sorted(os.listdir(clone / ".git/objects/pack"))
    assert partial.run(*CHECK).stderr.count("error[O612]") == 1
    assert sorted(os.listdir(clone / ".git/objects/pack")) == packs


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_an_empty_file_without_content_in_the_index(tmp_path: Path, algorithm: str) -> None:
    git(tmp_path, "init", "--quiet", f"--object-format={algorithm}")
    for name in ("added", "intended"):
        (tmp_path / name).write_text("")
    git(tmp_path, "add", "added")
    git(tmp_path, "add", "--intent-to-add", "intended")
    work_tree = Git.of(str(tmp_path), is_here=False)
    entries = work_tree.entries([str(tmp_path)])
    assert {Path(path).name: work_tree.has(path, entry) for path, entry in entries.items()} == {
        "added": True,
        "intended": False,
    }
