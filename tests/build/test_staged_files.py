"""`--staged` fails if committing the index would leave out part of the kit on disk, and says what is missing."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import Workbench
from forkserver import ForkServer

PYTHON = shlex.quote(sys.executable)
AGENT = 'name = "{0}"\ndescription = "Does {0}."\nblocks = ["baseline", "one"]\n'


def _git(folder: Path, *args: str, **environment: str) -> str:
    own = {"GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.org"}
    own |= {"GIT_COMMITTER_NAME": "T", "GIT_COMMITTER_EMAIL": "t@example.org"}
    run = subprocess.run(
        ["git", *args], cwd=folder, env={**os.environ, **own, **environment}, capture_output=True, text=True, check=True
    )
    return run.stdout


class Repository(NamedTuple):
    """A repository, and the folder of its kit."""

    top: Path
    kit: str


@pytest.fixture(scope="module", params=[pytest.param(".", marks=pytest.mark.slow), "tools/our kit"])
def repository(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, forkserver: ForkServer
) -> Repository:
    """A kit at a repository's top or below it, assembled and committed; the outputs are at the top."""
    top, kit = tmp_path_factory.mktemp("repository"), request.param
    _git(top, "init", "--quiet", "--initial-branch=main")
    assert forkserver.run(top, ["init", kit]).returncode == 0
    (top / kit / "agents/alpha.toml").write_text(AGENT.format("alpha"))
    (top / kit / "_blocks/one.md").write_text("One.\n")
    assert forkserver.run(top / kit, ["--all"]).returncode == 0
    _git(top, "add", "--all")
    _git(top, "commit", "--quiet", "--message=start")
    assert forkserver.run(top / kit, ["--all", "--check", "--staged"]).returncode == 0
    return Repository(top, kit)


@pytest.fixture
def kit(repository: Repository, bench: Workbench) -> Workbench:
    """The kit in a copy of the repository."""
    shutil.rmtree(bench.folder / ".git")
    shutil.copytree(repository.top, bench.folder, symlinks=True, dirs_exist_ok=True)
    return bench.below(repository.kit)


def _missing(kit: Workbench) -> list[str]:
    """Return what the check reports as unstaged. Check that its advice stages everything."""
    run = kit.run("--all", "--check", "--staged")
    lines = run.stderr.splitlines()
    files = [line.partition(":1:1: error[O612]")[0] for line in lines if "error[O612]" in line]
    for line in lines:
        if "run: git add " in line:
            _git(kit.folder, *shlex.split(line.partition("run: git ")[2]))
    assert run.status == (1 if files else 0), run
    assert not files or kit.run("--all", "--check", "--staged").status == 0
    return sorted(file.replace("../../", "") for file in files)


def _repaired(kit: Workbench, cwd: str = ".") -> str:
    """Run the command at the end of the check, and return it."""
    run = kit.run("--all", "--check", "--staged", cwd=cwd)
    command = run.stderr.splitlines()[-1].removeprefix("to fix this, run: ")
    for part in command.split(" && "):
        name, *args = shlex.split(part)
        if name == "git":
            _git(kit.folder / cwd, *args)
        else:
            assert kit.run(*args, cwd=cwd).status == 0
    assert kit.run("--all", "--check", "--staged", cwd=cwd).status == 0
    return command


@pytest.mark.parametrize("cwd", [".", "agents"])
def test_one_command_repairs_and_stages(kit: Workbench, cwd: str) -> None:
    kit.write({"agents/beta.toml": AGENT.format("beta"), "_blocks/one.md": "Two.\n", "_blocks/it's.md": "New.\n"})
    (kit.folder / "agents/reviewer.toml").unlink()
    command = _repaired(kit, cwd)
    assert "--prune" in command
    assert command.count(" && git add ") == 1
    status = _git(kit.folder, "status", "--porcelain").splitlines()
    assert status
    assert all(line[1] == " " for line in status)


def test_one_command_stages_what_is_not_staged(kit: Workbench) -> None:
    kit.write({"_blocks/one.md": "Two.\n", "agents/beta.toml": AGENT.format("beta"), "_blocks/[a].md": "x\n"})
    (kit.folder / "_blocks/[a].md").unlink()
    kit.run("--all")
    command = _repaired(kit)
    assert command.startswith("git add ")
    assert "beta.md" in command


def test_the_command_leaves_out_what_git_does_not_commit(kit: Workbench) -> None:
    top = kit.folder / _git(kit.folder, "rev-parse", "--show-cdup").strip()
    (top / ".gitignore").write_text("beta.md\n/.claude/agents/alpha.md\n")
    _git(top, "add", ".gitignore")
    kit.write({"agents/beta.toml": AGENT.format("beta"), "_blocks/one.md": "Two.\n"})
    run = kit.run("--all", "--check", "--staged")
    _, _, stage = run.stderr.splitlines()[-1].partition(" && git add ")
    paths = [path.replace("../../", "") for path in shlex.split(stage)]
    # git tracks alpha.md, whatever .gitignore says
    assert "beta.md" not in stage
    assert {".claude/agents/alpha.md", "agents/beta.toml", "_blocks/one.md"} <= set(paths)


def test_a_build_ends_with_the_command_too(kit: Workbench) -> None:
    kit.write({"_blocks/one.md": "Two.\n"})
    run = kit.run("--all", "--staged")
    command = run.stderr.splitlines()[-1].removeprefix("to fix this, run: ")
    assert (run.status, command.startswith("git add ")) == (1, True)
    _git(kit.folder, *shlex.split(command)[1:])
    assert kit.run("--all", "--staged").status == 0


def test_an_output_and_the_schema_of_a_new_agent(kit: Workbench) -> None:
    kit.write({"agents/beta.toml": AGENT.format("beta")})
    kit.run("--all")
    _git(kit.folder, "add", "agents")
    assert _missing(kit) == [".assemble/manifest.schema.json", ".claude/agents/beta.md"]


@pytest.mark.parametrize(
    "file", ["agents/alpha.toml", "_blocks/one.md", "assemble.toml", "templates/claude-code/agent.md.j2"]
)
def test_a_source(kit: Workbench, file: str) -> None:
    if file.startswith("templates"):
        kit.write({file: "Hello.\n"})
    else:
        kit.write({file: kit.read(file) + ("more\n" if file.endswith(".md") else "# more\n")})
    kit.run("--all")
    _git(kit.folder, "add", "--all", ":/.claude")
    assert _missing(kit) == [file]


def test_deleted_settings(kit: Workbench) -> None:
    kit.write(
        {"assemble.toml": "".join(line for line in kit.read("assemble.toml").splitlines(True) if "root" not in line)}
    )
    (kit.folder / "assemble.toml").unlink()
    assert "assemble.toml:1:1: error[O612]" in kit.run("--all", "--check", "--staged").stderr


def test_unrelated_templates(kit: Workbench) -> None:
    kit.write({"templates/shop/index.html": "<p>Mine.</p>\n"})
    assert _missing(kit) == []
    kit.write({"templates/agent.md.j2": "Hello.\n", ".gitignore": "*~\n", "templates/agent.md.j2~": "Hi.\n"})
    kit.run("--all")
    assert _missing(kit) == [".claude/agents/alpha.md", ".claude/agents/reviewer.md", "templates/agent.md.j2",
                             "templates/shop/index.html"]  # fmt: skip


def test_unused_template(kit: Workbench) -> None:
    kit.write({"templates/old.j2": "Be kind.\u200b\n", "templates/index.html": "Mine.\n"})
    _git(kit.folder, "add", "--all")
    kit.write({"templates/old.j2": "Be kind.\n"})
    assert _missing(kit) == ["templates/old.j2"]
    (kit.folder / "templates/index.html").unlink()
    assert _missing(kit) == []


@pytest.mark.parametrize("name", ["templates/.h.j2", "templates/.parts/h.j2"])
def test_hidden_template(kit: Workbench, name: str) -> None:
    kit.write({"templates/agent.md.j2": '{% extends "default/agent.md.j2" %}\n', name: "Be kind.\n"})
    kit.run("--all")
    _git(kit.folder, "add", "--all", ":/")
    assert _missing(kit) == []
    kit.write({name: "Be cruel.\n"})
    assert _missing(kit) == [name]


def test_an_ignored_output_needs_force(kit: Workbench) -> None:
    kit.write({".gitignore": "beta.toml\n", "agents/beta.toml": AGENT.format("beta")})
    kit.run("--all")
    _git(kit.folder, "add", "--all", ":/")
    run = kit.run("--all", "--check", "--staged")
    assert "git ignores it; if clones need it, run: git add --force agents/beta.toml\n" in run.stderr
    assert _missing(kit) == ["agents/beta.toml"]


@pytest.mark.parametrize("linked", ["_blocks", "_blocks/one.md", "agents"])
def test_a_source_behind_a_link(kit: Workbench, linked: str) -> None:
    top = Path(_git(kit.folder, "rev-parse", "--show-toplevel").strip())
    real = top / "shared" / Path(linked).name
    real.parent.mkdir()
    (kit.folder / linked).rename(real)
    (kit.folder / linked).symlink_to(os.path.relpath(real, (kit.folder / linked).parent))
    kit.run("--all")
    _git(top, "add", "--all")
    assert _missing(kit) == []
    file = "agents/alpha.toml" if linked == "agents" else "_blocks/one.md"
    kit.write({file: kit.read(file).replace("Does", "Did").replace("One", "Two")})
    kit.run("--all")
    _git(top, "add", ":/.claude")
    assert _missing(kit) == [os.path.relpath((kit.folder / file).resolve(), kit.folder).replace("../../", "")]


def test_a_merge_in_which_an_output_was_deleted(kit: Workbench) -> None:
    top = Path(_git(kit.folder, "rev-parse", "--show-toplevel").strip())
    _git(top, "checkout", "--quiet", "-b", "other")
    (kit.folder / "agents/alpha.toml").unlink()
    kit.run("--all", "--prune")
    _git(top, "commit", "--quiet", "--all", "--message=gone")
    _git(top, "checkout", "--quiet", "main")
    kit.write({"agents/alpha.toml": kit.read("agents/alpha.toml").replace("Does", "Did")})
    kit.run("--all")
    _git(top, "commit", "--quiet", "--all", "--message=changed")
    with pytest.raises(subprocess.CalledProcessError):
        _git(top, "merge", "--quiet", "other")
    for file in ("agents/alpha.toml", f"{os.path.relpath(top, kit.folder)}/.claude/agents/alpha.md"):
        (kit.folder / file).unlink()
    run = kit.run("--all", "--check", "--staged")
    assert (run.status, run.stderr.count("alpha.md:1:1: error[O612]")) == (1, 1)


def test_a_hook_of_the_repository_around_a_submodule(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its variables describe that repository, not the one with the kit."""
    shutil.rmtree(bench.folder / ".git")
    for folder in (bench.folder, bench.folder / "sub"):
        folder.mkdir(exist_ok=True)
        _git(folder, "init", "--quiet")
    bench.run("init", "sub")
    _git(bench.folder / "sub", "add", ".")
    for name, value in (("GIT_DIR", ".git"), ("GIT_INDEX_FILE", ".git/index")):
        monkeypatch.setenv(name, value)
    assert bench.run("--all", "--check", "--staged", "--kit", "sub").status == 0


def test_deleted_files(kit: Workbench) -> None:
    (kit.folder / "agents/alpha.toml").unlink()
    kit.run("--all", "--prune")
    _git(kit.folder, "add", ".assemble")
    assert _missing(kit) == [".claude/agents/alpha.md", "agents/alpha.toml"]


NAMING = AGENT + 'role = {{ file = "{1}" }}\n'


@pytest.fixture
def with_role_file(kit: Workbench) -> Workbench:
    """The kit, with a committed role file."""
    kit.write({"agents/alpha.toml": NAMING.format("alpha", "roles/alpha.md"), "roles/alpha.md": "You work.\n"})
    kit.run("--all")
    _git(kit.folder, "add", "--all", ":/")
    assert _missing(kit) == []
    return kit


def test_a_changed_role_file(with_role_file: Workbench) -> None:
    with_role_file.write({"roles/alpha.md": "You rest.\n"})
    with_role_file.run("--all")
    _git(with_role_file.folder, "add", "--all", ":/.claude")
    assert _missing(with_role_file) == ["roles/alpha.md"]


def test_a_new_role_file(kit: Workbench) -> None:
    kit.write({"agents/alpha.toml": NAMING.format("alpha", "texts/alpha.md"), "texts/alpha.md": "You work.\n"})
    kit.run("--all")
    _git(kit.folder, "add", "--all", ":/.claude")
    assert _missing(kit) == ["agents/alpha.toml", "texts/alpha.md"]


def test_a_moved_role_file(with_role_file: Workbench) -> None:
    kit = with_role_file
    (kit.folder / "texts").mkdir()
    (kit.folder / "roles/alpha.md").rename(kit.folder / "texts/alpha.md")
    kit.write({"agents/alpha.toml": NAMING.format("alpha", "texts/alpha.md")})
    assert _missing(kit) == ["agents/alpha.toml", "roles/alpha.md", "texts/alpha.md"]


def test_a_role_file_that_disappeared(with_role_file: Workbench) -> None:
    kit = with_role_file
    (kit.folder / "roles/alpha.md").unlink()
    assert "error[K133] the role file `roles/alpha.md` does not exist" in kit.run("--all", "--check", "--staged").stderr
    kit.write({"agents/alpha.toml": AGENT.format("alpha")})
    kit.run("--all")
    _git(kit.folder, "add", "--all", ":/.claude")
    assert _missing(kit) == ["agents/alpha.toml", "roles/alpha.md"]


def test_a_handwritten_agent_file_is_ignored(kit: Workbench) -> None:
    top = Path(_git(kit.folder, "rev-parse", "--show-toplevel").strip())
    (top / ".claude/agents/mine.md").write_text("---\nname: mine\ndescription: Mine.\n---\n")
    assert _missing(kit) == []
    _git(top, "add", ".")
    _git(top, "commit", "--quiet", "--message=mine")
    (top / ".claude/agents/mine.md").unlink()
    assert _missing(kit) == []


def test_other_tables_of_the_project_file_are_ignored(bench: Workbench) -> None:
    shutil.rmtree(bench.folder / ".git")
    _git(bench.folder, "init", "--quiet")
    bench.write({"pyproject.toml": "[tool.assemble]\n", "agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    bench.run("--all")
    _git(bench.folder, "add", ".")
    bench.write({"pyproject.toml": "[tool.assemble]\n[tool.other]\n"})
    assert bench.run("--all", "--check", "--staged").status == 0


def test_hooks_of_a_linked_work_tree(kit: Workbench, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Git runs them with that work tree's variables. Some hold paths relative to its top."""
    linked = tmp_path_factory.mktemp("linked") / "tree"
    top = Path(_git(kit.folder, "rev-parse", "--show-toplevel").strip())
    _git(top, "worktree", "add", "--quiet", str(linked))
    hooks = Path(_git(top, "rev-parse", "--git-common-dir").strip())
    hook = (hooks if hooks.is_absolute() else top / hooks) / "hooks/pre-commit"
    prefix = os.path.relpath(kit.folder, top)
    hook.write_text(f"#!/bin/sh\nexec {PYTHON} -m kei_assembler --all --check --staged --kit {shlex.quote(prefix)}\n")
    hook.chmod(0o755)
    for tree in (top, linked):
        (tree / prefix / "notes.txt").write_text("x\n")
        _git(tree, "add", ".")
        _git(tree, "commit", "--quiet", "--message=notes")
        with (tree / prefix / "agents/alpha.toml").open("a") as manifest:
            manifest.write("# more\n")
        with pytest.raises(subprocess.CalledProcessError) as raised:
            _git(tree, "commit", "--quiet", "--allow-empty", "--message=more")
        assert "agents/alpha.toml:1:1: error[O612]" in raised.value.stderr
        _git(tree, "commit", "--quiet", "--all", "--message=more")


# What git does not report, or reports by its settings


def _edit(kit: Workbench, file: str = "_blocks/one.md") -> str:
    """Change a source and build, and stage only the outputs."""
    kit.write({file: kit.read(file).replace("One", "Two").replace("Does", "Did")})
    kit.run("--all")
    _git(kit.folder, "add", ":/.claude")
    return file


@pytest.mark.parametrize("flag", ["skip-worktree", "assume-unchanged"])
def test_a_file_that_git_does_not_look_at(kit: Workbench, flag: str) -> None:
    _git(kit.folder, "update-index", f"--{flag}", "_blocks/one.md", "agents/alpha.toml")
    assert _missing(kit) == []
    file = _edit(kit)
    run = kit.run("--all", "--check", "--staged")
    assert (run.status, f"{file}:1:1: error[O612]" in run.stderr) == (1, True)
    _git(kit.folder, "update-index", f"--no-{flag}", "_blocks/one.md", "agents/alpha.toml")
    assert _missing(kit) == [file]


def test_a_deleted_file_that_git_assumes_unchanged(kit: Workbench) -> None:
    _git(kit.folder, "update-index", "--assume-unchanged", "agents/alpha.toml")
    (kit.folder / "agents/alpha.toml").unlink()
    kit.run("--all", "--prune")
    _git(kit.folder, "add", ":/.claude", ".assemble")
    assert "agents/alpha.toml:1:1: error[O612]" in kit.run("--all", "--check", "--staged").stderr


SETTINGS = {
    "core.ignoreStat": "true",
    "core.checkStat": "minimal",
    "core.trustctime": "false",
    "core.untrackedCache": "true",
    "core.splitIndex": "true",
    "core.preloadIndex": "true",
    "core.ignoreCase": "true",
    "core.quotePath": "true",
    "feature.manyFiles": "true",
    "submodule.recurse": "true",
    "core.worktree": "/nowhere",
    "status.showUntrackedFiles": "no",
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_of_git(kit: Workbench, setting: str) -> None:
    if setting != "core.worktree":
        _git(kit.folder, "config", setting, SETTINGS[setting])
        _git(kit.folder, "update-index", "--refresh", "--force-write-index")
    file = kit.folder / "_blocks/one.md"
    before = file.stat()
    _edit(kit)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    if setting == "core.worktree":
        _git(kit.folder, "config", setting, SETTINGS[setting])
    run = kit.run("--all", "--check", "--staged")
    assert [line for line in run.stderr.splitlines() if "error[" in line] == [
        "_blocks/one.md:1:1: error[O612] the file on disk differs from git's index"
    ]


def test_an_entry_without_content(kit: Workbench) -> None:
    kit.write({"agents/beta.toml": AGENT.format("beta")})
    kit.run("--all")
    _git(kit.folder, "add", "--all", ":/")
    _git(kit.folder, "rm", "--cached", "--quiet", "agents/beta.toml")
    _git(kit.folder, "add", "--intent-to-add", "agents/beta.toml")
    assert _missing(kit) == ["agents/beta.toml"]


def test_a_conflict_in_a_source(kit: Workbench) -> None:
    blob = _git(kit.folder, "hash-object", "-w", "_blocks/one.md").strip()
    path = _git(kit.folder, "ls-files", "--full-name", "_blocks/one.md").strip()
    entries = "".join(f"100644 {blob} {stage}\t{path}\n" for stage in (1, 2, 3))
    _git(kit.folder, "rm", "--cached", "--quiet", "_blocks/one.md")
    subprocess.run(["git", "update-index", "--index-info"], cwd=kit.folder, input=entries, text=True, check=True)
    assert _missing(kit) == ["_blocks/one.md"]


def test_a_link_instead_of_a_file(kit: Workbench) -> None:
    file = kit.folder / "_blocks/one.md"
    file.rename(kit.folder / "_blocks/two.md")
    file.symlink_to("two.md")
    kit.run("--all")
    _git(kit.folder, "add", "_blocks/two.md", ".assemble")
    assert _missing(kit) == ["_blocks/one.md"]
    file.unlink()
    file.symlink_to("./two.md")
    assert _missing(kit) == ["_blocks/one.md"]
    file.unlink()
    shutil.copy(kit.folder / "_blocks/two.md", file)
    assert _missing(kit) == ["_blocks/one.md"]


@pytest.mark.parametrize("counts", ["true", "false"])
def test_an_executable_file(kit: Workbench, counts: str) -> None:
    _git(kit.folder, "config", "core.fileMode", counts)
    (kit.folder / "_blocks/one.md").chmod(0o755)
    assert _missing(kit) == (["_blocks/one.md"] if counts == "true" else [])


@pytest.mark.parametrize("attributes", ["* text eol=crlf", "* text=auto eol=crlf", "* -text"])
def test_line_ends_make_no_difference(kit: Workbench, attributes: str) -> None:
    """The kit reads CRLF as LF, so a commit with the other line ends contains the same kit."""
    kit.write({".gitattributes": f"{attributes}\n"})
    kit.write({"_blocks/one.md": "One.\r\n"})
    kit.run("--all")
    assert _missing(kit) == []
    _git(kit.folder, "add", "--all", ":/")
    kit.write({"_blocks/one.md": "One.\n"})
    assert _missing(kit) == []
    kit.write({"_blocks/one.md": "One.\r\nTwo.\r\n"})
    kit.run("--all")
    _git(kit.folder, "add", ":/.claude")
    assert _missing(kit) == ["_blocks/one.md"]


def test_names_that_differ_only_in_case(kit: Workbench) -> None:
    """Where a file system keeps them apart, the commit has another agent."""
    _git(kit.folder, "config", "core.ignoreCase", "true")
    kit.write({"templates/one.j2": "One.\n"})
    _git(kit.folder, "add", "templates/one.j2")
    (kit.folder / "templates/one.j2").rename(kit.folder / "templates/ONE.j2")
    kit.write({"templates/one.j2": "One.\n"})
    _git(kit.folder, "rm", "--cached", "--quiet", "templates/one.j2")
    run = kit.run("--all", "--check", "--staged")
    assert "templates/ONE.j2:1:1: error[O612]" in run.stderr
    assert "templates/one.j2:1:1: error[O612]" in run.stderr


@pytest.mark.parametrize("kind", ["clean", "process"])
def test_filters_do_not_run(kit: Workbench, kind: str) -> None:
    marker = kit.folder / "ran"
    kit.write({".gitattributes": "* filter=mine\n"})
    _git(kit.folder, "add", ".gitattributes")
    _git(kit.folder, "config", f"filter.mine.{kind}", f"touch {shlex.quote(str(marker))}; cat")
    (kit.folder / "_blocks/one.md").touch()
    assert kit.run("--all", "--check", "--staged").status == 0
    kit.write({"_blocks/one.md": "Two.\n"})
    kit.run("--all")
    assert "_blocks/one.md:1:1: error[O612]" in kit.run("--all", "--check", "--staged").stderr
    assert not marker.exists()


def test_filters_do_not_run_on_an_empty_file(kit: Workbench) -> None:
    kit.write({"templates/agent.md.j2": '{% extends "default/agent.md.j2" %}\n', "templates/empty.j2": ""})
    kit.run("--all")
    os.utime(kit.folder / "templates/empty.j2", (2**31, 2**31))  # newer than the index, so git compares the content
    _git(kit.folder, "add", "--all")
    kit.write({".gitattributes": "* filter=mine\n"})
    marker = kit.folder / "ran"
    _git(kit.folder, "config", "filter.mine.clean", f"touch {shlex.quote(str(marker))}; cat")
    assert kit.run("--all", "--check", "--staged").status == 0
    assert not marker.exists()


def _nested(kit: Workbench, folder: str = "_blocks") -> Path:
    """Make a folder of the kit a repository of its own, and commit its files there."""
    nested = kit.folder / folder
    _git(kit.folder, "rm", "-r", "--cached", "--quiet", folder)
    _git(nested, "init", "--quiet")
    _git(nested, "add", ".")
    _git(nested, "commit", "--quiet", "--message=nested")
    return nested


def test_a_nested_repository(kit: Workbench) -> None:
    _nested(kit)
    run = kit.run("--all", "--check", "--staged")
    message = "error[O612] the file is in another git repository, `_blocks`, and the version on disk is not staged here"
    assert (run.status, f"_blocks/one.md:1:1: {message}\n" in run.stderr) == (1, True)
    assert "help: commit the file there, then run: git add _blocks\n" in run.stderr


def test_a_submodule(kit: Workbench) -> None:
    nested = _nested(kit)
    _git(kit.folder, "add", "_blocks")
    assert _missing(kit) == []
    file = _edit(kit)
    for staged in (False, True):
        _git(nested, "commit", "--quiet", "--all", "--message=more") if staged else None
        assert f"{file}:1:1: error[O612]" in kit.run("--all", "--check", "--staged").stderr
    _git(kit.folder, "add", "_blocks")
    assert _missing(kit) == []
    (nested / "one.md").write_text("Three.\n")
    kit.run("--all")
    _git(kit.folder, "add", ":/.claude")
    assert f"{file}:1:1: error[O612]" in kit.run("--all", "--check", "--staged").stderr


def test_a_nested_repository_around_the_outputs(kit: Workbench) -> None:
    top = Path(_git(kit.folder, "rev-parse", "--show-toplevel").strip())
    _git(top, "rm", "-r", "--cached", "--quiet", ".claude")
    _git(top / ".claude", "init", "--quiet")
    run = kit.run("--all", "--check", "--staged")
    assert (run.status, run.stderr.count("is in another git repository")) == (1, 2)


def test_a_hook_with_an_index_of_its_own(kit: Workbench) -> None:
    """`git commit FILE` runs hooks with an index that has only these changes."""
    top = Path(_git(kit.folder, "rev-parse", "--show-toplevel").strip())
    prefix = os.path.relpath(kit.folder, top)
    hook = top / ".git/hooks/pre-commit"
    hook.write_text(f"#!/bin/sh\nexec {PYTHON} -m kei_assembler --all --check --staged --kit {shlex.quote(prefix)}\n")
    hook.chmod(0o755)
    (kit.folder / "notes.txt").write_text("x\n")
    _git(kit.folder, "add", "notes.txt")
    _edit(kit)
    with pytest.raises(subprocess.CalledProcessError) as raised:
        _git(kit.folder, "commit", "--quiet", "--message=notes", "notes.txt")
    assert "_blocks/one.md:1:1: error[O612]" in raised.value.stderr
    _git(top, "commit", "--quiet", "--message=kit", "--", f"{prefix}/_blocks", ".claude")
