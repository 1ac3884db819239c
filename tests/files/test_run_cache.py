"""The run cache: a recorded run saves work, and never changes a result."""

from __future__ import annotations

import json
import mmap
import os
import pty
import random
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import cast
from zlib import crc32

import pytest

from conftest import Run, leave_temporary_file
from kei_assembler import __main__, files
from kei_assembler.files import run_cache, signatures
from kei_assembler.files.folder import Folder
from kei_assembler.files.recorder import RECORDER
from kei_assembler.kit import LoadedKit, discovery
from repositories import git

COMMAND = [sys.executable, "-m", "kei_assembler"]
CI = ("CI", "GITHUB_ACTIONS", "JENKINS_URL", "TEAMCITY_VERSION", "TF_BUILD")
AGENT = 'name = "{}"\ndescription = "Agent."\nblocks = ["rule"]\n'
KIT = {
    ".git/HEAD": "ref: refs/heads/main\n",
    "kit/assemble.toml": """
manifests = "all/agents"
blocks = ["parts/blocks"]
root = "."
[target.claude-code]
output = "out/of/{name}.md"
""",
    "kit/all/agents/a.toml": AGENT.format("a"),
    "kit/all/agents/b.toml": AGENT.format("b"),
    "kit/parts/blocks/rule.md": "# RULE\n\nBe kind.\n",
    "kit/templates/notes.txt": "No template.\n",
}


class CachedKit:
    """A kit, a home folder with a cache, and runs of the command that can write and use records."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self.repository, self.folder, self.cache = folder / "repo", folder / "repo/kit", folder / "home/.cache"
        self.outside = folder / "outside"
        self.records = self.cache / "kei-assembler"
        self.patch, self.capfd = patch, capfd
        self.was_cached = False
        self.cache.mkdir(parents=True)
        self.outside.mkdir()
        self.write(KIT)

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def run(self, *args: str, cwd: str = "kit") -> Run:
        self._wait_for_clock()
        self.patch.chdir(self.repository / cwd)
        self.patch.setattr(sys, "argv", ["assemble", *args])
        self.was_cached = False
        self.capfd.readouterr()
        with pytest.raises(SystemExit) as exit_:
            __main__.main()
        return Run(int(exit_.value.code or 0), *self.capfd.readouterr())

    def _wait_for_clock(self) -> None:
        """Wait until new changes get a later time than earlier ones."""
        clock = self.outside.parent / "clock"
        clock.touch()
        before = clock.stat().st_ctime_ns
        while clock.stat().st_ctime_ns == before:
            clock.touch()

    def watch_recall(self) -> None:
        recall = run_cache.recall

        def watched(args: list[str]) -> tuple[str, str] | None:
            result = recall(args)
            self.was_cached = result is not None
            return result

        self.patch.setattr(run_cache, "recall", watched)

    def remember(self, *args: str, cwd: str = "kit") -> Run:
        """Build, run until a run is answered from the cache, and return its result."""
        self.run("--all", "--no-cache")
        for _ in range(5):  # more than two if the source of the program changes meanwhile
            result = self.run(*args, cwd=cwd)
            if self.was_cached:
                break
        assert (self.was_cached, result.status) == (True, 0)
        return result

    def assert_same_without_cache(self, *args: str, cwd: str = "kit") -> Run:
        """Run, and check that a run without the cache has the same result."""
        result = self.run(*args, cwd=cwd)
        assert result == self.run(*args, "--no-cache", cwd=cwd)
        return result

    def record(self) -> Path:
        (record,) = self.records.glob("*.json")
        return record


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[CachedKit]:
    for name in CI:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "tests" not in path])
    monkeypatch.setattr(signatures, "_FINE", 0)
    monkeypatch.setattr(signatures, "_COARSE", 0)
    monkeypatch.setattr(run_cache._Run, "folder", "")  # otherwise, later tests in this process would use the cache
    kit = CachedKit(tmp_path, monkeypatch, capfd)
    kit.watch_recall()
    previous = signal.getsignal(signal.SIGTERM)
    yield kit
    RECORDER.stop()
    signal.signal(signal.SIGTERM, previous)


@pytest.mark.parametrize(
    "args",
    [("--all",), ("--all", "--check"), ("--all", "--diff"), ("all/agents/a.toml",), ("--all", "--output-format=json")],
    ids=" ".join,
)
def test_an_up_to_date_run_is_cached(kit: CachedKit, args: tuple[str, ...]) -> None:
    assert kit.remember(*args) == kit.run(*args, "--no-cache")


def _edit(folder: Path) -> None:
    (folder / OUTPUT).write_text("mine")


def _mark(folder: Path) -> None:
    (folder / "assemble.toml").touch()


def _link(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))
    folder.symlink_to("../repo/kit")


@pytest.mark.parametrize("change", [shutil.rmtree, _edit, _mark, _link])
@pytest.mark.parametrize("without", [(), ("--without", "block:rule")], ids=" ".join)
def test_a_build_into_another_folder_is_cached(
    change: Callable[[Path], None], without: tuple[str, ...], kit: CachedKit
) -> None:
    args = ("--all", "--output-dir", "../../outside/preview", *without)
    kit.run(*args, "--no-cache")
    assert kit.remember(*args) == kit.run(*args, "--no-cache")
    assert kit.run("--all", *args[1:3]).stdout.count("updated") == 2 * len(without) // 2
    kit.run(*args, "--no-cache")
    kit.remember(*args)
    change(kit.outside / "preview")
    assert kit.assert_same_without_cache(*args, "--check").status > 0


def test_findings_are_cached(kit: CachedKit) -> None:
    kit.write({"kit/parts/blocks/unused.md": "Unused.\n"})
    assert "note[B206]" in kit.remember("--all").stderr


@pytest.mark.parametrize("args", [("--all", "--staged"), ("all/agents/a.toml", "--stdout"), ("explain",), ("--help",)])
def test_runs_with_other_inputs_are_not_cached(kit: CachedKit, args: tuple[str, ...]) -> None:
    kit.run("--all", "--no-cache")
    for _ in range(3):
        kit.run(*args)
        assert not kit.was_cached


@pytest.mark.parametrize("args", [("--all",), ("--all", "--check"), ("--all", "--strict")], ids=" ".join)
def test_a_run_that_is_not_up_to_date_is_not_cached(kit: CachedKit, args: tuple[str, ...]) -> None:
    kit.remember("--all")
    kit.write({"kit/out/of/c.md": "---\nname: c\ndescription: C.\n---\n", f"kit/{OUTPUT}": "mine"})
    first = kit.run(*args)
    assert first.status == 1
    assert first == kit.run(*args)
    assert not kit.was_cached


def _rewrite(path: Path, old: str, new: str, keeps_times: bool = True) -> None:
    before = path.stat()
    path.write_text(path.read_text().replace(old, new))
    if keeps_times:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(path: Path, old: str, new: str) -> None:
    """Replace it by another file of the same size and time, as `cp -p` and `mv` do."""
    twin = path.with_name("twin")
    shutil.copy2(path, twin)
    _rewrite(twin, old, new)
    twin.replace(path)


def _move_out(path: Path, kit: CachedKit) -> None:
    """Move a folder out of the kit, and leave a link to it."""
    path.rename(kit.outside / path.name)
    path.symlink_to(kit.outside / path.name)


OUTPUT = "out/of/a.md"
SCHEMA = "kit/.assemble/manifest.schema.json"
CHANGES: dict[str, Callable[[CachedKit], object]] = {
    "a block of the same size, with its times": lambda s: _rewrite(s.folder / "parts/blocks/rule.md", "kind", "wise"),
    "a block replaced by one alike": lambda s: _replace(s.folder / "parts/blocks/rule.md", "kind", "wise"),
    "a manifest of the same size, with its times": lambda s: _rewrite(s.folder / "all/agents/a.toml", "Agent", "Actor"),
    "a manifest replaced by one alike": lambda s: _replace(s.folder / "all/agents/a.toml", "Agent", "Actor"),
    "the settings": lambda s: _rewrite(s.folder / "assemble.toml", '"."\n', '"."\ntargets = ["gemini"]\n'),
    "the settings broken": lambda s: _rewrite(s.folder / "assemble.toml", "root", "rood"),
    "no settings": lambda s: (s.folder / "assemble.toml").unlink(),
    "settings also in pyproject.toml": lambda s: s.write({"kit/pyproject.toml": "[tool.assemble]\n"}),
    "a manifest more": lambda s: s.write({"kit/all/agents/c.toml": AGENT.format("c")}),
    "a manifest more, in a folder more": lambda s: s.write({"kit/all/agents/x/y/c.toml": AGENT.format("c")}),
    "a manifest less": lambda s: (s.folder / "all/agents/b.toml").unlink(),
    "a block more": lambda s: s.write({"kit/parts/blocks/unused.md": "Unused.\n"}),
    "a block less": lambda s: (s.folder / "parts/blocks/rule.md").unlink(),
    "a block that cannot be read": lambda s: _to_link(s.folder / "parts/blocks/rule.md", "nowhere"),
    "a template": lambda s: s.write({"kit/templates/agent.md.j2": "# Mine\n"}),
    "a template of a target": lambda s: s.write({"kit/templates/claude-code/agent.md.j2": "# Mine\n"}),
    "a template that is a dangling link": lambda s: (s.folder / "templates/agent.md.j2").symlink_to("nowhere"),
    "an output edited, of the same size": lambda s: _rewrite(s.folder / OUTPUT, "kind", "wise"),
    "an output gone": lambda s: (s.folder / OUTPUT).unlink(),
    "an orphan": lambda s: shutil.copy(s.folder / OUTPUT, s.folder / "out/of/z.md"),
    "a link where a manifest may be": lambda s: (s.folder / "all/agents/c.toml").symlink_to("nowhere"),
    "dangling settings": lambda s: _to_link(s.folder / "pyproject.toml", "nowhere"),
    "the blocks moved out of the root": lambda s: _move_out(s.folder / "parts/blocks", s),
    "what the blocks are in moved out of the root": lambda s: _move_out(s.folder / "parts", s),
    "what the manifests are in moved out of the root": lambda s: _move_out(s.folder / "all", s),
    "the outputs moved out of the root": lambda s: _move_out(s.folder / "out", s),
    "a schema that is out of date": lambda s: s.write({SCHEMA: '{"$comment": "Generated by `assemble schema`"}'}),
    "a folder for an output": lambda s: _to_folder(s.folder / OUTPUT),
}


def _to_link(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_invalidates_the_record(kit: CachedKit, change: str) -> None:
    before = kit.remember("--all", "--check")
    CHANGES[change](kit)
    assert kit.assert_same_without_cache("--all", "--check") != before


ROLE = "texts/a.md"
ROLE_CHANGES: dict[str, Callable[[CachedKit], object]] = {
    "of the same size, with its times": lambda s: _rewrite(s.folder / ROLE, "work", "rest"),
    "replaced by one alike": lambda s: _replace(s.folder / ROLE, "work", "rest"),
    "gone": lambda s: (s.folder / ROLE).unlink(),
    "moved": lambda s: (s.folder / ROLE).rename(s.folder / "texts/b.md"),
    "a folder": lambda s: _to_folder(s.folder / ROLE),
    "a link to nowhere": lambda s: _to_link(s.folder / ROLE, "nowhere"),
    "moved with its folder": lambda s: (s.folder / "texts").rename(s.folder / "roles"),
    "moved out of the root": lambda s: _move_out(s.folder / "texts", s),
    "among the blocks": lambda s: _rewrite(s.folder / "assemble.toml", '"parts/blocks"', '"parts/blocks", "texts"'),
}


@pytest.mark.parametrize("args", [("--all", "--check"), ("all/agents/a.toml",)], ids=" ".join)
@pytest.mark.parametrize("change", ROLE_CHANGES)
def test_every_change_of_a_role_file_invalidates_the_record(kit: CachedKit, change: str, args: tuple[str, ...]) -> None:
    kit.write(
        {"kit/all/agents/a.toml": f'{AGENT.format("a")}role = {{ file = "{ROLE}" }}\n', f"kit/{ROLE}": "You work.\n"}
    )
    before = kit.remember(*args)
    ROLE_CHANGES[change](kit)
    after = kit.run(*args)
    assert not kit.was_cached
    assert after != before


def test_a_role_file_that_returns_is_noticed(kit: CachedKit) -> None:
    kit.write({"kit/all/agents/a.toml": f'{AGENT.format("a")}role = {{ file = "{ROLE}" }}\n'})
    assert kit.run("--all").status == 1
    kit.write({f"kit/{ROLE}": "You work.\n"})
    assert kit.run("--all").status == 0


def test_another_role_file_does_not_matter_for_one_agent(kit: CachedKit) -> None:
    kit.write(
        {"kit/all/agents/b.toml": f'{AGENT.format("b")}role = {{ file = "{ROLE}" }}\n', f"kit/{ROLE}": "You work.\n"}
    )
    kit.remember("all/agents/a.toml")
    (kit.folder / ROLE).unlink()
    assert kit.run("all/agents/a.toml").status == 0
    assert kit.was_cached


def test_a_changed_schema_invalidates_the_record(kit: CachedKit) -> None:
    kit.write({SCHEMA: kit.run("schema").stdout})
    before = kit.remember("--all", "--check")
    _rewrite(kit.repository / SCHEMA, "agents", "actors")
    assert kit.assert_same_without_cache("--all", "--check") != before


def _relink(link: Path, target: str) -> None:
    """Retarget a link; if the file system reuses inode numbers, with the same number."""
    link.unlink()
    link.symlink_to(target)


def _two_block_folders(kit: CachedKit) -> None:
    (kit.folder / "parts").rename(kit.folder / "one")
    shutil.copytree(kit.folder / "one", kit.folder / "two")
    _rewrite(kit.folder / "two/blocks/rule.md", "kind", "wise")
    (kit.folder / "parts").symlink_to("one")


def _linked_output(kit: CachedKit) -> None:
    kit.run("--all", "--no-cache")
    (kit.folder / "out").rename(kit.folder / "one")
    (kit.folder / "out").symlink_to("one")
    (kit.folder / "two").mkdir()


def _linked_root(kit: CachedKit) -> None:
    kit.write(
        {
            "kit/assemble.toml": KIT["kit/assemble.toml"].replace('root = "."', 'root = "top"'),
            "one/kit": "",
            "two/x/kit": "",
        }
    )
    (kit.folder / "top").symlink_to("..")
    (kit.folder / "parts").rename(kit.repository / "parts")
    (kit.folder / "parts").symlink_to("../parts")


def _linked_survey(kit: CachedKit) -> None:
    settings = 'targets = ["cursor"]' + KIT["kit/assemble.toml"].replace("claude-code", "cursor")
    kit.write({"kit/x/y/.keep": "", "kit/assemble.toml": settings})
    (kit.folder / "far").symlink_to(kit.outside)
    (kit.folder / ".cursor").symlink_to("far")
    (kit.outside / "agents").mkdir()


def _linked_manifests(kit: CachedKit) -> None:
    kit.write({"kit/late/x/.keep": ""})
    (kit.folder / "all/agents/more").symlink_to("../../late/x")


def _stray_agent(kit: CachedKit) -> None:
    _relink(kit.folder / "far", "x/y")
    kit.write({"kit/x/y/agents/z.md": "---\nname: z\ndescription: Z.\n---\n"})


LINKS: dict[str, tuple[Callable[[CachedKit], object], Callable[[CachedKit], object]]] = {
    "what the blocks are in": (_two_block_folders, lambda s: _relink(s.folder / "parts", "two")),
    "the outputs": (_linked_output, lambda s: _relink(s.folder / "out", "two")),
    "the outputs, out of the root": (_linked_output, lambda s: _relink(s.folder / "out", str(s.outside))),
    "the root": (_linked_root, lambda s: _relink(s.folder / "top", ".")),
    "where agent files may stray": (_linked_survey, _stray_agent),
    "a folder that was not there": (
        lambda s: (s.folder / "all/agents/more").symlink_to("../../late"),
        lambda s: s.write({"kit/late/c.toml": AGENT.format("c")}),
    ),
    "a folder in a linked one": (
        _linked_manifests,
        lambda s: s.write({"kit/late/x/c.toml": AGENT.format("c")}),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("link", LINKS)
def test_a_redirected_link_invalidates_the_record(kit: CachedKit, link: str) -> None:
    prepare, change = LINKS[link]
    prepare(kit)
    before = kit.remember("--all", "--check")
    change(kit)
    assert kit.assert_same_without_cache("--all", "--check") != before


def test_a_redirected_argument_invalidates_the_record(kit: CachedKit) -> None:
    link = kit.folder / "mine.toml"
    link.symlink_to("all/agents/a.toml")
    before = kit.remember("mine.toml", "--output-format", "json")
    _relink(link, "all/agents/b.toml")
    assert kit.assert_same_without_cache("mine.toml", "--output-format", "json") != before


@pytest.mark.parametrize("args", [("--all", "--kit", "way/link"), ("way/link/all/agents/a.toml",)], ids=" ".join)
@pytest.mark.parametrize("link", ["way", "way/link"])
def test_a_redirected_link_to_the_kit_invalidates_the_record(kit: CachedKit, args: tuple[str, ...], link: str) -> None:
    kit.write({"one/.keep": "", "two/.keep": ""})
    (kit.repository / "way").symlink_to("one")
    (kit.repository / "one/link").symlink_to("../kit")
    before = kit.remember(*args, "--check", cwd=".")
    shutil.copytree(kit.folder, kit.repository / "other")
    _rewrite(kit.repository / "other/all/agents/a.toml", "Agent.", "Agens.")
    (kit.repository / "two/link").symlink_to("../other")
    _relink(kit.repository / link, "two" if link == "way" else "../other")
    assert kit.assert_same_without_cache(*args, "--check", cwd=".") != before


@pytest.mark.parametrize(
    "path", ["assemble.toml", "_blocks/rule.md", "pyproject.toml", ".git/HEAD", ".git", "agents/assemble.toml"]
)
def test_another_kit_above_invalidates_the_record(kit: CachedKit, path: str) -> None:
    before = kit.remember("--all", "--check", cwd="kit/all/agents")
    if path == ".git":
        (kit.folder / "all/.git").symlink_to("nowhere")
    else:
        kit.write({f"kit/all/{path}": "[tool.assemble]\n" if path == "pyproject.toml" else ""})
    assert kit.assert_same_without_cache("--all", "--check", cwd="kit/all/agents") != before


def test_a_moved_git_folder_invalidates_the_record(kit: CachedKit) -> None:
    kit.write({"kit/assemble.toml": KIT["kit/assemble.toml"].replace('root = "."', 'root = ".."')})
    before = kit.remember("--all", "--check")
    (kit.repository / ".git").rename(kit.folder / ".git")
    assert kit.assert_same_without_cache("--all", "--check") != before


def test_changes_in_the_git_folder_are_ignored(kit: CachedKit) -> None:
    kit.remember("--all")
    kit.write({".git/index.lock": ""})
    kit.run("--all")
    assert kit.was_cached


def test_another_branch_and_back(kit: CachedKit) -> None:
    shutil.rmtree(kit.repository / ".git")
    kit.run("--all", "--no-cache")
    git(kit.repository, "init", "-q", "-b", "main")
    git(kit.repository, "add", "-A")
    git(kit.repository, "commit", "-qm", "one")
    git(kit.repository, "checkout", "-qb", "other")
    _rewrite(kit.folder / "parts/blocks/rule.md", "kind", "wise", keeps_times=False)
    git(kit.repository, "commit", "-qam", "two")
    git(kit.repository, "checkout", "-q", "main")
    before = kit.remember("--all", "--check")
    git(kit.repository, "checkout", "-q", "other")
    assert kit.assert_same_without_cache("--all", "--check") != before
    git(kit.repository, "checkout", "-q", "main")
    assert kit.assert_same_without_cache("--all", "--check") == before


@pytest.mark.slow
@pytest.mark.parametrize("what", ["a module", "a template of the package", "a folder that modules come from"])
def test_another_program_invalidates_the_record(kit: CachedKit, what: str) -> None:
    from kei_assembler.render import templates

    package = kit.outside / "package"
    shutil.copytree(templates.PACKAGE_FOLDER, package)
    kit.patch.setattr(templates, "PACKAGE_FOLDER", str(package))
    kit.patch.setattr(sys, "path", [*sys.path, str(kit.outside)])
    kit.patch.setitem(sys.modules, "made_up", type(os)("made_up"))
    kit.patch.setattr(sys.modules["made_up"], "__file__", str(package / "agent.md.j2"), raising=False)
    kit.remember("--all")
    if what == "a template of the package":
        kit.patch.delitem(sys.modules, "made_up")
        kit.remember("--all")
    if what == "a folder that modules come from":
        (kit.outside / "jinja2.py").write_text("")
    else:
        _rewrite(package / "agent.md.j2", "agent", "agend")
    kit.run("--all")
    assert not kit.was_cached


def _setting(name: str, value: str) -> Callable[[CachedKit], object]:
    return lambda kit: kit.patch.setenv(name, value)


OTHERWISE: dict[str, Callable[[CachedKit], object]] = {
    "without colours": _setting("NO_COLOR", "1"),
    **{f"on CI by {name}": _setting(name, "true") for name in CI},
    "to complete a command line": _setting("_ASSEMBLE_COMPLETE", "bash_source"),
    "in another home": _setting("HOME", "/nowhere"),
    "with another cache": _setting("XDG_CACHE_HOME", "/nowhere"),
    "by another Python": lambda s: s.patch.setattr(sys, "version", "4"),
    "by another version": lambda s: s.patch.setattr(run_cache, "__version__", "4"),
    "with other modules": lambda s: s.patch.setattr(sys, "path", [*sys.path, "/nowhere"]),
    "by another user": lambda s: s.patch.setattr(os, "geteuid", lambda: 4),
    "in another group": lambda s: s.patch.setattr(os, "getgroups", lambda: [4]),
    "with a closed stream": lambda s: s.patch.setattr(sys, "stderr", None),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", OTHERWISE)
def test_a_record_applies_only_to_the_same_environment(kit: CachedKit, how: str) -> None:
    kit.remember("--all")
    OTHERWISE[how](kit)
    kit.run("--all")
    assert not kit.was_cached


@pytest.mark.parametrize(("args", "cwd"), [(("--all", "--check"), "kit"), (("--all",), "kit/all"), ((), "kit")])
def test_other_arguments_and_folders_are_other_runs(kit: CachedKit, args: tuple[str, ...], cwd: str) -> None:
    kit.remember("--all")
    kit.run(*args, cwd=cwd)
    assert not kit.was_cached


@pytest.mark.parametrize("name", CI)
def test_nothing_is_cached_on_ci(kit: CachedKit, name: str) -> None:
    kit.patch.setenv(name, "1")
    kit.run("--all")
    kit.run("--all")
    assert list(kit.cache.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["kit", "kit/all/.cache", "kit/.cache", ".cache", "../outside"])
@pytest.mark.parametrize("mark", [".git", ".hg", None])
def test_nothing_is_cached_in_a_project(kit: CachedKit, folder: str, mark: str | None) -> None:
    base = kit.repository / folder
    base.mkdir(parents=True, exist_ok=True)
    (kit.repository / ".git").rename(kit.repository / (mark or ".no"))
    kit.patch.setenv("XDG_CACHE_HOME", str(base))
    kit.run("--all")
    kit.run("--all")
    is_outside = folder == "../outside" or (folder == ".cache" and mark is None)
    assert (base / "kei-assembler").exists() is is_outside


@pytest.mark.parametrize("base", ["", "kit", "../kit", "~/x"])
def test_a_relative_cache_folder_is_ignored(kit: CachedKit, base: str) -> None:
    kit.patch.setenv("XDG_CACHE_HOME", base)
    kit.remember("--all")
    assert kit.record().exists()


def test_a_relative_home_is_ignored(kit: CachedKit) -> None:
    kit.patch.setenv("HOME", "kit")
    kit.run("--all")
    kit.run("--all")
    assert not kit.was_cached
    assert list(kit.repository.rglob("kei-assembler")) == []


def test_a_cache_folder_linked_into_the_kit_is_ignored(kit: CachedKit) -> None:
    (kit.folder / "planted").mkdir()
    kit.records.symlink_to(kit.folder / "planted")
    kit.run("--all")
    kit.run("--all")
    assert not kit.was_cached
    assert list((kit.folder / "planted").iterdir()) == []


def _saved(record: Path) -> dict[str, object]:
    return dict(json.loads(record.read_bytes().partition(b"\n")[2]))


def _forge(record: Path, **values: object) -> None:
    """Write a valid record with other values. `None` removes a value."""
    saved = _saved(record) | {"out": "FORGED\n"} | values
    text = json.dumps({key: value for key, value in saved.items() if value is not None}).encode()
    record.write_bytes(b"%08x\n" % crc32(text) + text)


def _make_fifo(record: Path) -> None:
    record.unlink()
    os.mkfifo(record)


def _copy(record: Path) -> None:
    """Copy the record, as from a repository, a backup or another machine."""
    _forge(record)
    record.rename(record.with_name("other"))
    shutil.copy2(record.with_name("other"), record)


def _garble(record: Path) -> None:
    raw = bytearray(record.read_bytes())
    raw[len(raw) // 2] ^= 1
    record.write_bytes(raw)


def _write_text(record: Path, text: str) -> None:
    raw = text.encode()
    record.write_bytes(b"%08x\n" % crc32(raw) + raw)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda r: r.write_bytes(b""),
    "cut off": lambda r: os.truncate(r, r.stat().st_size - 1),
    "cut off early": lambda r: os.truncate(r, 5),
    "one bit": _garble,
    "no record": lambda r: r.write_bytes(os.urandom(999)),
    "another shape": lambda r: _write_text(r, "[1, 2]"),
    "a number": lambda r: _write_text(r, "1"),
    "too deep": lambda r: _write_text(r, "[" * 100_000),
    "a folder": _to_folder,
    "a pipe": _make_fifo,
    "a device": lambda r: _relink(r, "/dev/zero"),
    "a link": lambda r: r.rename(r.with_name("other")).with_name(r.name).symlink_to("other"),
    "writable by others": lambda r: r.chmod(0o622),
    "in a folder that others can write to": lambda r: r.parent.chmod(0o777),
    "from elsewhere": _copy,
    "of another run": lambda r: _forge(r, key=["other"]),
    "of nothing": lambda r: _forge(r, paths=[], signatures=[]),
    "without its own place": lambda r: _forge(r, self=None),
    "in another place": lambda r: _forge(r, self=[1, 2]),
    "of fewer signatures": lambda r: _forge(r, signatures=[]),
    "without paths": lambda r: _forge(r, paths=None),
    "with odd paths": lambda r: _forge(r, paths=["\0", "\ud800"], signatures=["1", "1"]),
    "with odder paths": lambda r: _forge(r, paths=[None, 3.5], signatures=["", ""]),
    "with odd folders": lambda r: _forge(r, folders=["x"]),
    "with other folders": lambda r: _forge(r, folders={"/": "/x"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_record_is_ignored(kit: CachedKit, damage: str) -> None:
    result = kit.remember("--all")
    DAMAGES[damage](kit.record())
    assert kit.run("--all") == result
    assert not kit.was_cached
    assert kit.assert_same_without_cache("--all") == result


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the owner of a file")
def test_a_record_of_another_user_is_ignored(kit: CachedKit) -> None:
    result = kit.remember("--all")
    os.chown(kit.record(), 12345, 0)
    assert (kit.run("--all"), kit.was_cached) == (result, False)
    os.chown(kit.records, 12345, 0)
    assert (kit.run("--all"), kit.was_cached) == (result, False)
    assert (kit.run("--all"), kit.was_cached) == (result, False)


def _fail(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def _file_for_cache(kit: CachedKit) -> None:
    kit.cache.rmdir()
    kit.cache.write_text("")


HARDSHIPS: dict[str, Callable[[CachedKit], object]] = {
    "a file for the folder": lambda s: s.records.write_text(""),
    "a file for the cache": _file_for_cache,
    "a dangling link": lambda s: s.records.symlink_to("/nowhere/at/all"),
    "no space for a record": lambda s: s.patch.setattr(os, "replace", _fail),
    "no folder can be made": lambda s: s.patch.setattr(os, "makedirs", _fail),
    "a folder that cannot be listed": lambda s: s.patch.setattr(run_cache, "remove_stale_temp_files", _fail),
    "clutter": lambda s: [os.makedirs(s.records / f"{number}.json") for number in range(80)],  # type: ignore[func-returns-value]
}


@pytest.mark.slow
@pytest.mark.parametrize("hardship", HARDSHIPS)
def test_a_run_without_a_usable_cache_is_the_same(kit: CachedKit, hardship: str) -> None:
    kit.run("--all", "--no-cache")
    result = kit.run("--all", "--no-cache")
    HARDSHIPS[hardship](kit)
    assert kit.run("--all") == result
    assert kit.run("--all") == result
    assert not kit.records.is_dir() or not list(kit.records.glob(".*"))


def test_records_are_private_and_few_and_other_files_stay(kit: CachedKit) -> None:
    kit.remember("--all")
    (kit.records / "mine.txt").write_text("")
    for number in range(70):
        (kit.records / f"{number:016x}.json").write_text("")
    of_killed = leave_temporary_file(kit.records)
    kit.remember("--all", "--check")
    names = {path.name for path in kit.records.iterdir()}
    assert len(names) == 64 + len({"mine.txt"} & names) == 65
    assert of_killed.name not in names
    assert {stat.S_IMODE(path.stat().st_mode) for path in kit.records.glob(f"{'?' * 16}.json")} <= {0o600, 0o644}
    assert stat.S_IMODE(kit.records.stat().st_mode) == 0o700


def test_a_planted_link_is_never_written_through(kit: CachedKit, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.remember("--all")
    kit.record().unlink()
    victim = kit.outside / "victim"
    victim.write_text("precious")
    with monkeypatch.context() as patch:
        patch.setattr(os, "urandom", bytes)  # makes the names predictable
        link = kit.records / ".assemble-0000000000000000.tmp"
        link.symlink_to(victim)
        assert kit.run("--all").status == 0
        assert link.is_symlink()
        assert not list(kit.records.glob("*.json"))
    link.unlink()
    assert victim.read_text() == "precious"
    kit.remember("--all")


def test_an_edit_during_the_run_is_noticed(kit: CachedKit) -> None:
    kit.run("--all", "--no-cache")
    read, block = Folder.read, kit.folder / "parts/blocks/rule.md"

    def read_and_edit(folder: Folder, name: str, max_bytes: int) -> bytes:
        raw = read(folder, name, max_bytes)
        if raw == block.read_bytes():
            _rewrite(block, "kind", "wise")
        return raw

    kit.patch.setattr(Folder, "read", read_and_edit)
    assert kit.run("--all", "--check").status == 0
    kit.patch.setattr(Folder, "read", read)
    assert kit.assert_same_without_cache("--all", "--check").status == 1


def test_a_file_that_exists_only_during_the_run_is_noticed(kit: CachedKit) -> None:
    late = kit.folder / "assemble.toml"
    kit.run("--all", "--no-cache")
    late.rename(kit.outside / "assemble.toml")
    note = RECORDER.record_lookup

    def note_and_bring_about(path: str) -> None:
        note(path)
        if path == str(late) and not late.exists():
            shutil.copy(kit.outside / "assemble.toml", late)

    kit.patch.setattr(RECORDER, "record_lookup", note_and_bring_about)
    assert kit.run("--all", "--check").status == 0
    kit.patch.setattr(RECORDER, "record_lookup", note)
    late.unlink()
    assert kit.assert_same_without_cache("--all", "--check").status != 0


@pytest.fixture
def stopped(kit: CachedKit) -> CachedKit:
    """A kit on a file system whose clock has stopped, so that no change shows in the times."""
    now, real, signature_of = time.time_ns() + 10**15, signatures._fields, signatures.signature

    def fields(found: os.stat_result) -> tuple[int, ...]:
        return (*real(found)[:4], now, now)

    def signature(path: str) -> signatures.Signature:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(signatures, "_fields", fields if path.startswith(str(kit.repository)) else real)
            return signature_of(path)

    kit.patch.setattr(signatures, "signature", signature)
    kit.patch.setattr(signatures, "_FINE", 100_000_000)
    return kit


def test_a_build_of_one_agent_is_cached(kit: CachedKit) -> None:
    kit.run("--all", "--no-cache")
    kit.patch.setattr(signatures, "_FINE", 100_000_000)
    time.sleep(0.15)
    _rewrite(kit.folder / "all/agents/a.toml", "Agent.", "Other.")
    assert "updated" in kit.run("all/agents/a.toml").stdout
    assert kit.assert_same_without_cache("all/agents/a.toml").stdout == ""


@pytest.mark.parametrize("args", [("--all",), ("--all", "--output-format=json")], ids=" ".join)
def test_a_build_that_writes_is_cached(stopped: CachedKit, args: tuple[str, ...]) -> None:
    assert "created out/of/a.md\n" in stopped.run("--all").stdout
    for _ in range(2):
        _rewrite(stopped.folder / "parts/blocks/rule.md", "kind", "wise")
        stopped.run(*args)
        result = stopped.run(*args)
        assert stopped.was_cached
        assert result == stopped.run(*args, "--no-cache")


def test_a_build_that_creates_another_kit_is_not_cached(kit: CachedKit) -> None:
    manifest = 'name = "a"\ndescription = "A."\nrole = "You."\ntargets = ["cursor"]\n'
    kit.write({"bare/agents/a.toml": manifest, "bare/.cursor/.keep": ""})
    assert "created" in kit.run("--all", cwd="bare/.cursor").stdout
    kit.run("--all", cwd="bare/.cursor")
    assert not kit.was_cached


def test_an_updated_schema_file_is_reported_only_once(kit: CachedKit) -> None:
    kit.write({SCHEMA: kit.run("schema").stdout})
    kit.run("--all", "--no-cache")
    kit.write({"kit/all/agents/c.toml": AGENT.format("c")})
    assert "renewed .assemble/manifest.schema.json" in kit.run("--all").stdout
    assert ".assemble" not in kit.assert_same_without_cache("--all").stdout


def test_a_file_that_changes_between_two_reads_prevents_a_record(stopped: CachedKit) -> None:
    project = stopped.folder / "pyproject.toml"
    (stopped.folder / "assemble.toml").unlink()
    stopped.write({"kit/agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    project.write_text("[tool.assemble]\n")
    read_kit = discovery.read_kit

    def edit_and_read(folder: str, reader: files.Files) -> LoadedKit:
        _rewrite(project, "assemble", "assembly")
        return read_kit(folder, reader)

    stopped.patch.setattr(discovery, "read_kit", edit_and_read)
    stopped.run("--all")
    assert not list(stopped.records.glob("*.json"))


@pytest.mark.parametrize("of", ["digests", "entries"])
def test_two_processes_that_saw_different_states_prevent_a_record(stopped: CachedKit, of: str) -> None:
    stopped.run("--all", "--no-cache")
    keep = run_cache.keep

    def add_and_keep(out: str, err: str) -> None:
        seen = files.accesses()
        assert seen
        files.add_accesses(seen._replace(**{of: dict.fromkeys(getattr(seen, of), "other")}))  # type: ignore[arg-type]
        keep(out, err)

    stopped.patch.setattr(run_cache, "keep", add_and_keep)
    stopped.run("--all")
    assert not list(stopped.records.glob("*.json"))


def test_an_immediate_overwrite_is_noticed_despite_a_clock_set_back(stopped: CachedKit) -> None:
    record_written = RECORDER.record_written
    stopped.patch.setattr(signatures, "is_settled", lambda *_: True)

    def meddle_and_note(path: str, content: bytes) -> None:
        _rewrite(Path(path), "kind", "mild")
        record_written(path, content)

    stopped.patch.setattr(RECORDER, "record_written", meddle_and_note)
    stopped.run("--all")
    stopped.patch.setattr(RECORDER, "record_written", record_written)
    stopped.run("--all")
    assert not stopped.was_cached


def test_digests_stay_if_a_file_changes_while_they_are_compared(stopped: CachedKit) -> None:
    stopped.run("--all")
    mature = run_cache._mature

    def replace_and_mature(record: dict[str, object]) -> None:
        _replace(stopped.folder / OUTPUT, "kind", "mild")
        stopped.patch.setattr(signatures, "is_settled", lambda *_: True)
        mature(record)

    stopped.patch.setattr(run_cache, "_mature", replace_and_mature)
    stopped.run("--all")
    assert stopped.was_cached
    assert _saved(stopped.record())["digests"]


def test_templates_moved_out_of_the_root_are_noticed_without_agents(kit: CachedKit) -> None:
    settings = KIT["kit/assemble.toml"].replace("root =", 'templates = "templates"\nroot =')
    agents = {f"kit/all/agents/{name}.toml": AGENT.format(name) + 'targets = ["claude-code"]\n' for name in "ab"}
    kit.write({"kit/assemble.toml": settings, **agents})
    before = kit.remember("--all", "--target", "cursor")
    _move_out(kit.folder / "templates", kit)
    assert kit.assert_same_without_cache("--all", "--target", "cursor") != before


TO_THE_SIZE: dict[str, Callable[[CachedKit], object]] = {
    "a block": lambda s: _rewrite(s.folder / "parts/blocks/rule.md", "kind", "wise"),
    "a manifest": lambda s: _rewrite(s.folder / "all/agents/a.toml", "Agent.", "Other."),
    "the settings": lambda s: _rewrite(s.folder / "assemble.toml", "of/{name}", "ow/{name}"),
    "an output": lambda s: _rewrite(s.folder / OUTPUT, "kind", "mild"),
    "a manifest more": lambda s: s.write({"kit/all/agents/c.toml": AGENT.format("c")}),
    "a manifest less": lambda s: (s.folder / "all/agents/b.toml").unlink(),
    "an output more": lambda s: s.write({"kit/out/of/z.md": "---\nname: z\ndescription: Z.\n---\n"}),
    "an output less": lambda s: (s.folder / OUTPUT).unlink(),
}


@pytest.mark.parametrize("change", TO_THE_SIZE)
def test_a_change_without_a_new_time_is_noticed_by_the_content(stopped: CachedKit, change: str) -> None:
    stopped.run("--all")
    stopped.run("--all", "--check")
    TO_THE_SIZE[change](stopped)
    result = stopped.run("--all", "--check")
    assert not stopped.was_cached
    assert result == stopped.run("--all", "--check", "--no-cache")


def test_a_write_by_another_program_is_noticed(stopped: CachedKit) -> None:
    keep = run_cache.keep

    def meddle_and_keep(out: str, err: str) -> None:
        _rewrite(stopped.folder / OUTPUT, "kind", "mild")
        keep(out, err)

    stopped.patch.setattr(run_cache, "keep", meddle_and_keep)
    stopped.run("--all")
    stopped.patch.setattr(run_cache, "keep", keep)
    assert stopped.run("--all").status == 1


def test_digests_are_dropped_once_signatures_are_settled(kit: CachedKit) -> None:
    kit.patch.setattr(signatures, "_FINE", 100_000_000)
    kit.run("--all")
    assert json.loads(kit.record().read_bytes().partition(b"\n")[2])["digests"].keys() >= {str(kit.folder / OUTPUT)}
    time.sleep(0.15)
    kit.run("--all")
    assert kit.was_cached
    assert json.loads(kit.record().read_bytes().partition(b"\n")[2])["digests"] == {}
    assert kit.assert_same_without_cache("--all").status == 0


@pytest.mark.slow
@pytest.mark.parametrize("is_record_older", [True, False])
def test_runs_in_a_sparse_checkout_are_not_cached(kit: CachedKit, is_record_older: bool) -> None:
    shutil.rmtree(kit.repository / ".git")
    kit.run("--all", "--no-cache")
    git(kit.repository, "init", "--quiet")
    git(kit.repository, "add", ".")
    git(kit.repository, "commit", "--quiet", "--message=kit")
    before = kit.remember("--all", "--check") if is_record_older else kit.run("--all", "--check", "--no-cache")
    git(kit.repository, "sparse-checkout", "set", "--no-cone", "/kit/", "!/nothing")
    for _ in range(3):
        assert kit.run("--all", "--check") == before
        assert not kit.was_cached
    # The index alone decides.
    git(kit.repository, "rm", "--cached", "--quiet", "kit/all/agents/b.toml")
    (kit.folder / "all/agents/b.toml").unlink()
    assert kit.assert_same_without_cache("--all", "--check").status == 1
    git(kit.repository, "reset", "--quiet")
    git(kit.repository, "update-index", "--skip-worktree", "kit/all/agents/b.toml")
    assert kit.assert_same_without_cache("--all", "--check") == before


@pytest.fixture
def mapped(kit: CachedKit) -> Iterator[mmap.mmap]:
    """A block that another program has mapped into its memory, and already changed there.

    Further changes of the same page do not show in its times, until the kernel has written the page to the disk.
    """
    kit.patch.setattr(signatures, "_FINE", 100_000_000)
    block = kit.folder / "parts/blocks/rule.md"
    with block.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[:] = memory[:].replace(b"kind", b"mild")
        kit.run("--all", "--no-cache")
        time.sleep(0.15)
        yield memory


def test_a_change_through_a_mapping_is_noticed(kit: CachedKit, mapped: mmap.mmap) -> None:
    assert kit.remember("--all", "--check").status == 0
    before = (kit.folder / "parts/blocks/rule.md").stat()
    mapped[:] = mapped[:].replace(b"mild", b"wise")
    assert (kit.folder / "parts/blocks/rule.md").stat() == before
    assert kit.assert_same_without_cache("--all", "--check").status == 1
    mapped[:] = mapped[:].replace(b"wise", b"mild")
    assert kit.run("--all", "--check").status == 0


def test_the_newest_of_many_recent_files_are_compared(kit: CachedKit, mapped: mmap.mmap) -> None:
    kit.write({f"kit/all/agents/x{number}.toml": AGENT.format(f"x{number}") for number in range(50)})
    os.utime(kit.folder / "parts/blocks/rule.md")
    kit.run("--all", "--no-cache")
    time.sleep(0.15)
    assert kit.remember("--all", "--check").status == 0
    assert len(_recent(kit)) <= signatures.MAX_RECENT
    mapped[:] = mapped[:].replace(b"mild", b"wise")
    assert kit.assert_same_without_cache("--all", "--check").status == 1


def test_digests_of_recent_files_are_dropped_after_a_minute(kit: CachedKit, mapped: mmap.mmap) -> None:
    kit.remember("--all", "--check")
    assert str(kit.folder / "parts/blocks/rule.md") in _recent(kit)
    mapped.flush()
    kit.patch.setattr(signatures, "_WRITE_BACK", 100_000_000)
    assert kit.run("--all", "--check").status == 0
    assert kit.was_cached
    assert _recent(kit) == {}
    mapped[:] = mapped[:].replace(b"mild", b"wise")
    assert kit.assert_same_without_cache("--all", "--check").status == 1


def _recent(kit: CachedKit) -> dict[str, str]:
    return cast(dict[str, str], _saved(kit.record())["recent"])


def test_a_digest_is_taken_of_nothing_but_the_recorded_file(tmp_path: Path) -> None:
    file, link, folder = tmp_path / "file", tmp_path / "link", tmp_path / "folder"
    file.write_text("text")
    link.symlink_to("file")
    folder.mkdir()
    before = {path: signatures.signature(str(path)) for path in (file, link, folder)}
    digests = {path: signatures.digest_of(str(path), before[path]) for path in before}
    assert digests[file] == digests[link] == signatures.digest(b"text")
    for path in before:
        path.rmdir() if path == folder else path.unlink()
        path.symlink_to("/etc" if path == folder else "/etc/passwd")
    for path in (file, folder):
        with pytest.raises(OSError, match=r"symbolic link|Not a directory"):
            signatures.digest_of(str(path), before[path])
    with pytest.raises(OSError, match="symbolic link"):  # the recorded target is itself a link by now
        signatures.digest_of(str(link), before[link])


@pytest.mark.parametrize("is_link", [False, True])
def test_no_digest_is_taken_of_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_link: bool) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    path = str(link if is_link else pipe)
    known = signatures.signature(path)
    monkeypatch.setattr(os, "open", None)
    with pytest.raises(OSError, match="neither a file nor a folder"):
        signatures.digest_of(path, known)


def test_a_pipe_instead_of_a_file_does_not_block(kit: CachedKit) -> None:
    pipe = kit.outside / "pipe"
    os.mkfifo(pipe)
    known = signatures.signature(__file__)  # what was there before the pipe
    program = f"from kei_assembler.files.signatures import digest_of; digest_of({str(pipe)!r}, {known!r})"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=10)


@pytest.mark.parametrize(
    ("mtime", "ctime", "is_settled"),
    [
        (1, 9_899_999_999, True),
        (1, 9_900_000_000, False),
        (1, 11_000_000_001, False),
        (9_999_999_999, 1, False),
        (7_000_000_000, 7_400_000_001, True),  # some file systems count in seconds
        (7_000_000_000, 7_500_000_001, False),
        (1, 7_510_000_000, False),  # or in hundredths
    ],
)
def test_recent_times_are_not_trusted(mtime: int, ctime: int, is_settled: bool) -> None:
    signature = (1, 2, 3, 4, mtime, ctime)
    assert signatures.is_settled(signature, 10_000_000_000) is is_settled
    assert signatures.is_settled((*signature[:4], 1, 1, *signature, "/x"), 10_000_000_000) is is_settled


def test_a_clock_that_was_set_back_is_not_trusted(kit: CachedKit) -> None:
    kit.run("--all", "--no-cache")
    kit.patch.setattr(time, "time_ns", lambda: 1_000_000_000)
    kit.run("--all")
    assert not list(kit.records.glob("*.json"))


MOUNTS = "24 1 0:7 / /a\u2028\r\v\xa0b rw - ext4 /dev/x rw\n25 24 {} / /mnt rw,relatime shared:1 - {} source rw\n"


@pytest.mark.parametrize(
    ("kind", "is_trusted"), [("ext4", True), ("nfs4", False), ("vfat", False), ("fuse.sshfs", False), ("9p", False)]
)
def test_file_systems_without_a_real_ctime(kit: CachedKit, kind: str, is_trusted: bool) -> None:
    kit.run("--all", "--no-cache")
    device = kit.folder.stat().st_dev
    mounts = kit.outside / "mounts"
    mounts.write_text(MOUNTS.format(f"{os.major(device)}:{os.minor(device)}", kind))
    kit.patch.setattr(signatures, "_MOUNTS", str(mounts))
    kit.run("--all")
    assert bool(list(kit.records.glob("*.json"))) is is_trusted


# Whole processes


@pytest.fixture
def environment(kit: CachedKit) -> dict[str, str]:
    kit.run("--all", "--no-cache")
    time.sleep(0.15)
    return dict(os.environ) | {"PYTHONPATH": str(Path(__main__.__file__).parent.parent), "PYTHONSAFEPATH": "1"}


def _process(kit: CachedKit, environment: dict[str, str], *args: str, **options: object) -> tuple[int, str, str]:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    done = subprocess.run([*COMMAND, *args], cwd=kit.folder, env=environment, check=False, text=True, **options)  # type: ignore[call-overload]
    return done.returncode, done.stdout or "", done.stderr or ""


def test_a_second_process_prints_the_same(kit: CachedKit, environment: dict[str, str]) -> None:
    first, again = (_process(kit, environment, "--all") for _ in range(2))
    assert first == again == _process(kit, environment, "--all", "--no-cache")
    assert "kei_assembler.cli.app" not in _process(kit, environment | {"PYTHONPROFILEIMPORTTIME": "1"}, "--all")[2]


def test_a_report_that_cannot_be_written_fails_again(kit: CachedKit, environment: dict[str, str]) -> None:
    args = ("--all", "--output-format", "json")
    for _ in range(2):
        _process(kit, environment, *args)
    with Path("/dev/full").open("w") as full:
        cached = _process(kit, environment, *args, stdout=full)
        assert cached == _process(kit, environment, *args, "--no-cache", stdout=full)
        assert cached == (2, "", "error: the report cannot be written: No space left on device\n")
        assert _process(kit, environment, "--all", stdout=full, stderr=full)[0] == 2


def test_a_terminal_is_not_a_pipe(kit: CachedKit, environment: dict[str, str]) -> None:
    _process(kit, environment, "--all")
    count = len(list(kit.records.glob("*.json")))
    main, terminal = pty.openpty()
    _process(kit, environment, "--all", stdout=terminal)
    os.close(terminal)
    os.close(main)
    with (kit.outside / "out").open("w") as file:
        _process(kit, environment, "--all", stdout=file)
    assert len(list(kit.records.glob("*.json"))) == count + 2


ONE_CLOSED = (pytest.param(one, marks=pytest.mark.slow) for one in ("<&-", ">&-", "2>&-"))


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", *ONE_CLOSED])
def test_closed_streams(kit: CachedKit, environment: dict[str, str], closed: str) -> None:
    def run(*args: str) -> tuple[int, str, str]:
        line = f'exec "$@" {closed}'
        command = ["sh", "-c", line, "sh", *COMMAND, "--all", *args]
        done = subprocess.run(command, cwd=kit.folder, env=environment, check=False, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    fresh = run("--no-cache")
    assert [run(), run()] == [fresh, fresh]


def test_a_closed_pipe(kit: CachedKit, environment: dict[str, str]) -> None:
    for _ in range(3):
        reader, writer = os.pipe()
        os.close(reader)
        assert _process(kit, environment, "--all", stdout=writer)[0] == 0
        os.close(writer)


@pytest.mark.slow
def test_several_runs_at_once_that_are_killed_during_edits(kit: CachedKit, environment: dict[str, str]) -> None:
    chooser, block = random.Random(7), kit.folder / "parts/blocks/rule.md"
    command = [*COMMAND, "--all", "--check"]
    for words in [("kind", "wise"), ("wise", "kind")] * 12:
        runs = [
            subprocess.Popen(
                command, cwd=kit.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            for _ in range(3)
        ]
        time.sleep(chooser.uniform(0.02, 0.35))
        _rewrite(block, *words)
        for run in runs:
            time.sleep(chooser.uniform(0, 0.02))
            run.kill()
            run.wait()
        cached = _process(kit, environment, "--all", "--check")
        assert cached == _process(kit, environment, "--all", "--check", "--no-cache")
        assert cached[0] == (1 if words[1] == "wise" else 0)


@pytest.fixture
def user(kit: CachedKit) -> CachedKit:
    """A kit outside of git whose outputs are in the home folder, with a record of a build."""
    shutil.rmtree(kit.repository / ".git")
    settings = KIT["kit/assemble.toml"].replace("out/of", "~/.claude/agents")
    kit.write({"kit/assemble.toml": settings})
    (kit.outside / "home").mkdir()
    kit.patch.setenv("XDG_CACHE_HOME", os.environ["HOME"] + "/.cache")
    assert kit.run("--all", "--user", "--no-cache").status == 0
    for _ in range(5):
        kit.run("--all", "--user")
    assert kit.was_cached
    return kit


def test_a_record_with_the_option_is_not_one_without_it(user: CachedKit) -> None:
    for options in (["--all"], ["--all", "--check"]):
        run = user.run(*options)
        assert (run.status, user.was_cached, "error[C713]" in run.stderr) == (2, False, True)
    run = user.run("--all", "--user")
    assert (run.status, user.was_cached) == (0, True)


@pytest.mark.parametrize("path", ["kit/.git", ".git", "../.git", "HEAD"])
def test_a_record_does_not_outlive_a_new_repository(user: CachedKit, path: str) -> None:
    if path == "HEAD":
        for name in ("objects", "refs"):
            (user.repository / name).mkdir()
    (user.repository / path).write_text("")
    run = user.run("--all", "--user")
    assert (run.status, user.was_cached, "error[C712]" in run.stderr) == (2, False, True)


def test_a_record_is_about_one_home_folder(user: CachedKit) -> None:
    user.patch.setenv("HOME", str(user.outside / "home"))
    run = user.run("--all", "--user")
    assert (run.status, user.was_cached) == (0, False)
    assert (user.outside / "home/.claude/agents/a.md").is_file()


def test_a_record_notices_a_changed_file_and_a_new_link_in_the_home_folder(user: CachedKit) -> None:
    folder = Path(os.environ["HOME"], ".claude")
    (folder / "agents/a.md").unlink()
    assert (user.run("--all", "--user").status, user.was_cached) == (0, False)
    folder.rename(user.outside / "claude")
    folder.symlink_to(user.outside / "claude")
    run = user.run("--all", "--user")
    assert (run.status, user.was_cached, "is outside your home folder" in run.stderr) == (1, False, True)
