"""A sparse checkout: what git's index has, but git did not check out, counts as if it were there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import Workbench
from forkserver import ForkServer
from kei_assembler.files import git_index
from kei_assembler.suggestions import counted
from repositories import git

AGENT = 'name = "{0}"\ndescription = "Does {0}."\nblocks = ["one"]\n'
KIT = {
    "assemble.toml": '[target.claude-code]\noutput = "out/{dir}/{name}.md"\n',
    "agents/a.toml": AGENT.format("a") + 'role.file = "roles/a.md"\n[[handoff]]\ntrigger = "tests"\ntarget = "b"\n',
    "agents/more/b.toml": AGENT.format("b") + 'targets = ["cursor", "claude-code"]\n',
    "_blocks/one.md": "# ONE\n\nOne.\n",
    "roles/a.md": "You are A.\n",
    "templates/agent.md.j2": "{% extends 'default/agent.md.j2' %}\n",
    "templates/cursor/agent.md.j2": "# CURSOR\n",
    "src/main.c": "",
    "src/deep/main.c": "",
}
CHECK = ("--all", "--check")


class Kit(NamedTuple):
    """A kit in a folder of a repository, relative to its top."""

    top: Path
    folder: str


@pytest.fixture(scope="module", params=[".", pytest.param("tools/kit", marks=pytest.mark.slow)])
def repository(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, forkserver: ForkServer) -> Kit:
    """A kit at the top of a repository or below it, built and committed."""
    top, kit = tmp_path_factory.mktemp("repository"), request.param
    git(top, "init", "--quiet")
    for name, content in KIT.items():
        (top / kit / name).parent.mkdir(parents=True, exist_ok=True)
        (top / kit / name).write_text(content)
    for args in (["--all"], CHECK):
        assert forkserver.run(top / kit, args).returncode == 0
        git(top, "add", ".")
    git(top, "commit", "--quiet", "--message=kit")
    return Kit(top, kit)


@pytest.fixture
def kit(repository: Kit, bench: Workbench) -> Workbench:
    """The kit in a copy of the repository."""
    shutil.rmtree(bench.folder / ".git")
    shutil.copytree(repository.top, bench.folder, dirs_exist_ok=True)
    git(bench.folder, "update-index", "--refresh")  # the copies have other inodes
    return bench.below(repository.folder)


def _sparse(kit: Workbench, *patterns: str, cone: bool = True) -> None:
    """Check out only these folders of the kit, or what these patterns match."""
    prefix = git(kit.folder, "rev-parse", "--show-prefix").strip()
    wanted = [f"{prefix}{pattern}" if cone else pattern.replace("/", f"/{prefix}", 1) for pattern in patterns]
    top = Path(git(kit.folder, "rev-parse", "--show-toplevel").strip())
    git(top, "sparse-checkout", "set", "--cone" if cone else "--no-cone", *wanted)


CONES = {
    "no outputs": ("agents", "_blocks", "roles", "templates"),
    "no manifests": ("_blocks", "templates", "out", ".cursor"),
    "some manifests": ("src", "_blocks", "templates", "out/agents/more", "agents/more"),
    "no blocks": ("agents", "templates", "out", ".cursor"),
    "no templates": ("agents", "_blocks", "roles", "out", ".cursor"),
    "no roles": ("agents", "_blocks", "templates", "out", ".cursor"),
    "no template of a client": ("agents", "_blocks", "out", ".cursor", "templates/x"),
    "none of it": ("src/deep",),
}


@pytest.mark.parametrize("index", ["--no-sparse-index", pytest.param("--sparse-index", marks=pytest.mark.slow)])
@pytest.mark.parametrize("cone", CONES)
def test_what_is_not_checked_out_is_up_to_date(kit: Workbench, cone: str, index: str) -> None:
    full = kit.run(*CHECK)
    _sparse(kit, *CONES[cone])
    git(kit.folder, "sparse-checkout", "reapply", index)
    before = kit.files()
    assert kit.run(*CHECK) == full
    assert kit.run("--all", "--prune").status == 0
    assert kit.run(*CHECK, "--staged") == full
    assert kit.run(*CHECK, "--diff") == full
    assert {name for name in kit.files() if not name.startswith(".git")} == {
        name for name in before if not name.startswith(".git")
    }


PATTERNS = {
    "no settings": ("/*", "!/assemble.toml"),
    "not one of the outputs": ("/*", "!/out/agents/a.md"),
    "not one of the manifests": ("/*", "!/agents/a.toml"),
    "no Markdown": ("/*", "!*.md"),
    "no manifests": ("/*", "!agents/**/*.toml"),
}


@pytest.mark.parametrize("patterns", PATTERNS)
def test_patterns(kit: Workbench, patterns: str) -> None:
    full = kit.run(*CHECK)
    _sparse(kit, *PATTERNS[patterns], cone=False)
    assert kit.run(*CHECK) == full
    assert kit.run("--all", "--prune").status == 0
    assert kit.run(*CHECK, "--staged") == full


def test_entries_that_are_skipped_by_hand(kit: Workbench) -> None:
    full = kit.run(*CHECK)
    names = ("agents/a.toml", "_blocks/one.md", "out/agents/more/b.md")
    git(kit.folder, "update-index", "--skip-worktree", *names)
    for name in names:
        (kit.folder / name).unlink()
    assert kit.run(*CHECK) == full
    assert kit.run("--all", "--prune").status == 0
    assert not any((kit.folder / name).exists() for name in names)
    kit.write({"_blocks/one.md": "# ONE\n\nTwo.\n"})
    assert kit.run(*CHECK).status == 1


ODDITIES: dict[str, Callable[[Workbench], object]] = {
    "a split index": lambda kit: git(kit.folder, "update-index", "--split-index"),
    "index version 4": lambda kit: git(kit.folder, "update-index", "--index-version=4"),
    "a file system monitor": lambda kit: git(kit.folder, "config", "core.fsmonitor", "exit 1"),
    "settings without a blob": lambda kit: git(kit.folder, "config", "extensions.worktreeConfig", "true"),
}


@pytest.mark.parametrize("oddity", ODDITIES)
@pytest.mark.parametrize("is_late", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_an_odd_index(kit: Workbench, oddity: str, is_late: bool) -> None:
    full = kit.run(*CHECK)
    if not is_late:
        ODDITIES[oddity](kit)
    _sparse(kit, "agents")
    if is_late:
        ODDITIES[oddity](kit)
    assert kit.run(*CHECK) == full


def test_a_linked_work_tree(kit: Workbench, tmp_path_factory: pytest.TempPathFactory) -> None:
    full = kit.run(*CHECK)
    top = Path(git(kit.folder, "rev-parse", "--show-toplevel").strip())
    linked = tmp_path_factory.mktemp("linked") / "tree"
    git(top, "worktree", "add", "--quiet", "--no-checkout", str(linked))
    folder = linked / os.path.relpath(kit.folder, top)
    there = Workbench(folder, kit._capsys, kit._monkeypatch)
    git(linked, "sparse-checkout", "set", os.path.relpath(folder / "agents", linked))
    git(linked, "checkout", "--quiet")
    assert not (folder / "out").exists()
    assert there.run(*CHECK) == full
    assert kit.run(*CHECK) == full


def test_a_change_updates_outputs_that_are_not_checked_out(kit: Workbench) -> None:
    _sparse(kit, "agents", "_blocks", "templates", ".cursor")
    kit.write({"_blocks/one.md": "# ONE\n\nTwo.\n"})
    run = kit.run(*CHECK, "--diff")
    assert run.status == 1
    assert "-One.\n+Two.\n" in run.stdout
    run = kit.run("--all")
    assert (run.status, run.stdout.splitlines()) == (
        0,
        ["updated out/agents/a.md", "updated out/agents/more/b.md"],
    )
    assert kit.run(*CHECK).status == 0
    git(kit.folder, "add", "--sparse", ".")
    assert kit.run(*CHECK, "--staged").status == 0


def test_an_edited_output_that_is_not_checked_out_is_kept(kit: Workbench) -> None:
    kit.write({"out/agents/a.md": kit.read("out/agents/a.md") + "Mine.\n"})
    git(kit.folder, "commit", "--quiet", "--all", "--message=mine")
    _sparse(kit, "agents", "_blocks")
    assert "error[O604]" in kit.run(*CHECK).stderr
    assert kit.run("--all").status == 1
    assert not (kit.folder / "out").exists()
    assert kit.run("--all", "--force").status == 0
    assert kit.run(*CHECK).status == 0


def test_an_orphan_that_is_not_checked_out_is_left_alone(kit: Workbench) -> None:
    (kit.folder / "agents/a.toml").unlink()
    kit.write({"agents/more/b.toml": KIT["agents/more/b.toml"] + "# more\n"})
    git(kit.folder, "commit", "--quiet", "--all", "--message=gone")
    assert "error[O611]" in kit.run(*CHECK).stderr
    _sparse(kit, "agents", "_blocks", "templates", ".cursor")
    assert kit.run(*CHECK).status == 0
    _sparse(kit, "agents", "_blocks", "templates", "out")
    assert "error[O611]" in kit.run(*CHECK).stderr
    assert "deleted out/agents/a.md" in kit.run("--all", "--prune").stdout


def test_an_output_whose_manifest_is_in_the_index_is_not_pruned(kit: Workbench) -> None:
    """Even if that manifest does not generate it any more."""
    kit.write({"agents/more/b.toml": AGENT.format("b")})
    git(kit.folder, "commit", "--quiet", "--all", "--message=b")
    assert "error[O611]" in kit.run(*CHECK).stderr
    _sparse(kit, "_blocks", "templates", "out", ".cursor")
    assert kit.run(*CHECK).status == 0
    assert kit.run("--all", "--prune").status == 0
    assert (kit.folder / ".cursor/agents/b.md").exists()


def test_a_manifest_that_is_not_checked_out(kit: Workbench) -> None:
    printed = kit.run("agents/a.toml", "--stdout").stdout
    _sparse(kit, "agents/more", "_blocks", "templates")
    (kit.folder / "agents/a.toml").unlink(missing_ok=True)
    _sparse(kit, "_blocks", "templates")
    assert not (kit.folder / "agents").exists()
    assert kit.run("agents/a.toml", "--stdout").stdout == printed
    assert kit.run("agents/a.toml", "--check").status == 0
    assert "`agents/c.toml` does not exist" in kit.run("agents/c.toml").stderr
    assert "did you mean" in kit.run("agents/aa.toml").stderr
    assert "the agent `a` already exists" in kit.run("new", "a", "--description", "A.").stderr


@pytest.mark.slow
def test_links_that_are_not_checked_out(kit: Workbench) -> None:
    (kit.folder / "real").mkdir()
    for name in ("_blocks/one.md", "agents/more"):
        path = kit.folder / name
        path.rename(kit.folder / "real" / path.name)
        path.symlink_to(os.path.join(os.path.relpath(kit.folder, path.parent), "real", path.name))
    (kit.folder / "_blocks").rename(kit.folder / "shared")
    (kit.folder / "_blocks").symlink_to("shared")
    kit.run("--all", "--force", "--prune")
    full = kit.run(*CHECK)
    assert full.status == 0
    git(kit.folder, "add", ".")
    git(kit.folder, "commit", "--quiet", "--message=links")
    for folders in (("agents", "out"), ("shared", "out"), ("real", "out"), ("out",), ("real", "shared")):
        _sparse(kit, *folders)
        assert kit.run(*CHECK) == full, folders
    _sparse(kit, "/out/", cone=False)
    assert not os.path.lexists(kit.folder / "_blocks")
    assert kit.run(*CHECK, "--kit", ".") == full


def test_a_link_out_of_the_root_that_is_not_checked_out(kit: Workbench) -> None:
    secret = kit.folder.parent / "secret.md"
    secret.write_text("# SECRET\n\nToken.\n")
    (kit.folder / "_blocks/two.md").symlink_to("../../secret.md")
    (kit.folder / "_blocks/three.md").symlink_to(str(secret))
    for name in ("two", "three"):
        kit.write({"agents/a.toml": AGENT.format("a").replace('"one"', f'"{name}"')})
        git(kit.folder, "add", "agents", "_blocks")
        _sparse(kit, "agents", "templates", "out")
        assert not os.path.lexists(kit.folder / "_blocks")
        run = kit.run(*CHECK, "--diff")
        assert run.status == 1
        assert "Token" not in run.stdout + run.stderr
        git(kit.folder, "sparse-checkout", "disable")


def test_two_links_that_lead_to_each_other(kit: Workbench) -> None:
    (kit.folder / "_blocks/two.md").symlink_to("three.md")
    (kit.folder / "_blocks/three.md").symlink_to("two.md")
    kit.write({"agents/a.toml": AGENT.format("a").replace('"one"', '"two"')})
    git(kit.folder, "add", "agents", "_blocks")
    _sparse(kit, "agents", "templates", "out")
    assert kit.run(*CHECK).status == 1


@pytest.fixture
def partial(kit: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """The kit in a clone that has the content only of what is checked out: the files next to its settings."""
    top = Path(git(kit.folder, "rev-parse", "--show-toplevel").strip())
    git(top, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path_factory.mktemp("clone") / "clone"
    git(top, "clone", "--quiet", "--filter=blob:none", "--sparse", f"file://{top}", str(clone))
    folder = clone / os.path.relpath(kit.folder, top)
    git(clone, "sparse-checkout", "set", os.path.relpath(folder / "src", clone))
    return Workbench(folder, kit._capsys, kit._monkeypatch)


SEEN = {
    "all that matters": (CONES["no outputs"], 0),
    "outputs": (("out", ".cursor"), 5),
    "manifests": (("agents",), 4),
    "one manifest": (("agents/more", "_blocks", "templates", "out"), 0),
    "no blocks": (("agents", "roles", "templates", "out"), 1),
    "no templates": (("agents", "_blocks", "roles", "out"), 2),
    "no roles": (("agents", "_blocks", "templates", "out"), 1),
    "blocks": (("_blocks", "templates", "out", ".cursor"), 2),
    "nothing": (("src",), 5),
}
"""What is checked out, and how many sources are not."""


@pytest.mark.slow
@pytest.mark.parametrize("seen", SEEN)
def test_content_that_a_partial_clone_lacks(partial: Workbench, seen: str) -> None:
    cone, lacking = SEEN[seen]
    waived = f"what needs {counted(lacking, 'file')} outside the sparse checkout is not checked"
    _sparse(partial, *cone)
    objects = partial.folder / git(partial.folder, "rev-parse", "--git-path", "objects").strip()
    packs, before = sorted(os.listdir(objects / "pack")), partial.files()
    for args in (CHECK, ("--all", "--prune"), ("--all", "--force"), (*CHECK, "--staged"), (*CHECK, "--strict")):
        run = partial.run(*args)
        assert run.status == 0, (args, run)
        assert (waived in run.stderr) == bool(lacking and "--check" in args), (args, run)
    assert {name for name in partial.files() if ".git/" not in name} == {name for name in before if ".git/" not in name}
    assert sorted(os.listdir(objects / "pack")) == packs


def test_a_change_of_which_a_partial_clone_lacks_the_outputs(partial: Workbench) -> None:
    _sparse(partial, *CONES["no outputs"])
    partial.write({"_blocks/one.md": "# ONE\n\nTwo.\n"})
    run = partial.run(*CHECK)
    assert (run.status, "this partial clone lacks its content" in run.stderr) == (1, True)
    assert partial.run("--all").status == 1
    assert not (partial.folder / "out").exists()


def test_a_manifest_by_name_that_a_partial_clone_lacks(partial: Workbench) -> None:
    _sparse(partial, "_blocks", "templates")
    run = partial.run("agents/a.toml")
    assert (run.status, "this partial clone lacks its content" in run.stderr) == (1, True)


def test_a_base_that_a_partial_clone_lacks(partial: Workbench) -> None:
    _sparse(partial, "agents/nothing", "_blocks", "roles", "templates", "out")
    partial.write({"agents/heir.toml": 'name = "heir"\ndescription = "Does more."\nextends = "b"\n'})
    run = partial.run(*CHECK)
    waived = "waived: what needs 1 file outside the sparse checkout is not checked"
    assert (run.status, waived in run.stderr) == (0, True), run


EXCLUSIVE = 'exclusive = true\ntargets = ["claude-code", "cursor"]\n' + KIT["assemble.toml"]
ROGUE = "---\nname: rogue\ndescription: Rogue.\n---\n"


def test_an_exclusive_kit(kit: Workbench) -> None:
    kit.write({"assemble.toml": EXCLUSIVE})
    kit.run("--all")
    kit.write({"out/agents/more/rogue.md": ROGUE})
    git(kit.folder, "add", ".")
    git(kit.folder, "commit", "--quiet", "--message=exclusive")
    assert "out/agents/more/rogue.md:1:1: error[O608]" in kit.run(*CHECK).stderr
    for cone, is_found in ((("agents", ".cursor"), False), (("out",), True)):
        _sparse(kit, *cone)
        run = kit.run(*CHECK)
        assert (run.status, run.stderr.count("error[")) == (int(is_found), int(is_found)), run
        assert ("out/agents/more/rogue.md:1:1: error[O608]" in run.stderr) == is_found


@pytest.mark.parametrize("cone", [("out", ".cursor"), ("out", ".cursor", "agents"), ("out", "agents", "templates")])
def test_an_exclusive_kit_in_a_partial_clone(partial: Workbench, cone: tuple[str, ...]) -> None:
    partial.write({"assemble.toml": EXCLUSIVE})
    _sparse(partial, *cone)
    assert partial.run(*CHECK).status == 0
    partial.write({"out/agents/more/rogue.md": ROGUE})
    run = partial.run(*CHECK)
    assert (run.status, run.stderr.count("error["), "rogue.md:1:1: error[O608]" in run.stderr) == (1, 1, True)


def test_orphans_in_a_partial_clone(partial: Workbench) -> None:
    _sparse(partial, "agents", "templates", "out")
    (partial.folder / "out/agents/z.md").write_text(partial.read("out/agents/a.md").replace("a.toml", "z.toml"))
    run = partial.run(*CHECK)
    assert (run.status, "out/agents/z.md:1:1: error[O611]" in run.stderr, run.stderr.count("error[")) == (1, True, 1)


def test_git_is_not_started_without_need(kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> bytes:
        raise AssertionError("git was started")

    monkeypatch.setattr(git_index.Git, "run", run)
    assert kit.run(*CHECK).status == 0
    assert kit.run("--all", "--prune").status == 0
    assert kit.run("agents/c.toml").status == 2


@pytest.mark.parametrize("index", [b"", b"DIRC", b"DIRC\0\0\0\3", b"\0" * 99, b"DIRC\xff\xff\xff\xff"])
def test_a_damaged_index(kit: Workbench, index: bytes) -> None:
    """The kit itself is all there."""
    top = Path(git(kit.folder, "rev-parse", "--show-toplevel").strip())
    (top / ".git/index").write_bytes(index)
    assert kit.run(*CHECK).status == 0


def test_a_sparse_checkout_that_git_refuses_to_read(kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    _sparse(kit, "agents")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    run = kit.run("--all", "--prune")
    assert (run.status, "detected dubious ownership" in run.stderr) == (2, True)
