"""The files that a commit has: the same as those on disk after a checkout, without one."""

from __future__ import annotations

import errno
import gc
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from conftest import REPOSITORY, Workbench, examples
from kei_assembler.build.kit_plan import plan_kit, preview
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK, Files, git_objects, git_tree
from kei_assembler.files.folder import Root
from kei_assembler.files.git_index import Git
from kei_assembler.files.git_tree import GitTree, tree_at
from kei_assembler.files.revisions import revision
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.discovery import find
from kei_assembler.loader import load_kit, load_kit_at
from random_kits import RandomKit
from repositories import git

KIT = {
    "assemble.toml": 'targets = ["claude-code", "codex"]\nobligatory = ["rule"]\n',
    "agents/critic.toml": 'name = "critic"\ndescription = "Reviews code."\nblocks = ["rule"]\n',
    "agents/more/author.toml": 'name = "author"\ndescription = "Writes code."\nblocks = ["rule"]\n',
    "_blocks/rule.md": "# RULE\n\nBe kind.\n",
    "templates/codex/agent.md.j2": '{% extends "default/agent.md.j2" %}\n',
}


def _write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def _commit(folder: Path, message: str = "kit") -> str:
    git(folder, "add", "--all", "--force", ".")
    git(folder, "commit", "--quiet", "--allow-empty", f"--message={message}")
    return git(folder, "rev-parse", "HEAD").strip()


def _clear(folder: Path) -> None:
    """Delete everything except `.git`."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            if path.name != ".git":
                shutil.rmtree(path)
        else:
            path.unlink()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    return tmp_path


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository for many examples, next to a file and a folder that links can lead to."""
    folder = tmp_path_factory.mktemp("scratch").resolve()
    _write(folder, {"outside/far/x": "far", "outside/x": "x"})
    (folder / "top").mkdir()
    git(folder / "top", "init", "--quiet")
    return folder / "top"


NAMES = ("a", "b", "c d", "é", "n\nl", os.fsdecode(b"\xff"), "A", ".hidden", "-x", "x.toml")
FOLDERS = ("", "a", "b", "a/b", "c d/é")
FILES = st.dictionaries(
    st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES)).map(lambda pair: "/".join(pair).lstrip("/")),
    st.one_of(
        st.binary(max_size=9),
        st.sampled_from([*NAMES, *(f"../{name}" for name in NAMES), "..", ".", "./a/", "../..", "a/b", "/"]),
        st.sampled_from([".git", ".git/HEAD", "../outside", "../outside/x", "../../outside", "../outside/../top/a"]),
        st.sampled_from(["{top}/a", "{top}", "{top}/../outside/far", "/nowhere", "a//b", "nowhere/x", "a/b/x.toml"]),
    ),
    max_size=8,
)
"""The content of files, or the targets of links."""

PATHS = (
    "",
    *NAMES,
    *map("/".join, product(("a", "b", "c d"), NAMES)),
    "c d/é/a",
    *map("/".join, product("ab", "ab", "ab")),
)
OTHER_PATHS = (
    ".git",
    ".git/HEAD",
    ".git/nowhere",
    "../outside",
    "../outside/x",
    "../nowhere",
    "..",
    "a/",
    "a/.",
    "./a",
)


def _make(top: Path, files: Mapping[str, bytes | str]) -> None:
    for name, content in files.items():
        path = top / name
        if any(above.is_symlink() or above.is_file() for above in path.parents):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            continue
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.symlink_to(content.format(top=top))


def _answers(files: Files, path: str, top: str) -> Iterator[object]:
    """What the files say about a path. Errors are given by their numbers, which vary for links that form a circle."""
    is_circular = _is_circular(path)
    calls: tuple[Callable[[], object], ...] = (
        lambda: files.exists(path),
        lambda: files.is_folder(path),
        lambda: files.is_link(path),
        lambda: set(files.list(path)),
        lambda: files.read(path, 3),
        lambda: files.read(path, 100),
        lambda: files.read(path, 100, Root(top)),
    )
    for call in calls if os.path.normpath(path) == path else calls[:-1]:
        try:
            yield call()
        except OSError as error:
            yield "error" if is_circular else errno.errorcode[error.errno or 0]


def _is_circular(path: str) -> bool:
    try:
        os.stat(path)
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


@given(files=FILES)
@examples(100, [HealthCheck.function_scoped_fixture])
def test_a_commit_and_the_disk_answer_alike(scratch: Path, files: Mapping[str, bytes | str]) -> None:
    _clear(scratch)
    _make(scratch, files)
    git(scratch, "add", "--all", "--force", ".")
    tree = git(scratch, "write-tree").strip()
    with closing(tree_at(str(scratch), tree)) as committed:
        for name in (*PATHS, *OTHER_PATHS):
            path = f"{scratch}/{name}" if name else str(scratch)
            known = (*_answers(DISK, path, str(scratch)),)
            assert (path, *_answers(committed, path, str(scratch))) == (path, *known)
            if not _is_circular(path):
                assert committed.resolve(path) == DISK.resolve(path)


def _made(kit: LoadedKit) -> dict[str, bytes | None]:
    """The outputs of a kit, which has no errors."""
    plan = plan_kit(kit, kit.manifests, whole=True)
    assert [found for found in plan.diagnostics if found.code != "B206"] == []
    return {change.path: change.after for change in plan.changes}


def _made_at(folder: Path, name: str = "HEAD") -> dict[str, bytes | None]:
    kit = load_kit_at(str(folder), revision(str(folder), name))
    assert kit
    previews = {file: preview(kit, file) for file in kit.manifests}
    assert all(artifacts for _, artifacts in previews.values())
    return _made(kit)


def _linked(top: Path) -> Path:
    git(top, "worktree", "add", "--quiet", "--detach", "../linked")
    return top.parent / "linked"


def _linked_to_bare(top: Path) -> Path:
    git(top.parent, "clone", "--quiet", "--bare", top.as_uri(), "bare.git")
    git(top.parent / "bare.git", "worktree", "add", "--quiet", "../of-bare")
    return top.parent / "of-bare"


def _shallow(top: Path) -> Path:
    git(top.parent, "clone", "--quiet", "--depth=1", top.as_uri(), "shallow")
    return top.parent / "shallow"


def _sparse(top: Path) -> Path:
    git(top, "sparse-checkout", "set", "--no-cone", "/nothing")
    return top


def _changed(top: Path) -> Path:
    for path in sorted(top.rglob("*.toml")):
        path.write_text("changed")
        git(top, "add", str(path.relative_to(top)))
    return top


def _emptied(top: Path) -> Path:
    _clear(top)
    return top


def _without_index(top: Path) -> Path:
    (top / ".git/index").unlink()
    return top


def _with_links_instead(top: Path) -> Path:
    """Replace the folders on disk with links that lead out of the work tree."""
    _clear(top)
    for name in ("agents", "_blocks", "kit"):
        (top / name).symlink_to("/")
    return top


def _packed(top: Path) -> Path:
    git(top, "gc", "--quiet")
    return top


def _merged(top: Path) -> Path:
    git(top, "checkout", "--quiet", "-b", "other")
    _write(top, {"more.txt": "more"})
    _commit(top)
    git(top, "checkout", "--quiet", "-")
    _write(top, {"other.txt": "other"})
    _commit(top)
    git(top, "merge", "--quiet", "--no-edit", "other")
    return top


STATES: dict[str, Callable[[Path], Path]] = {
    "clean": lambda top: top,
    "nothing on disk": _emptied,
    "links on disk": _with_links_instead,
    "changed, on disk and in the index": _changed,
    "no index": _without_index,
    "a linked work tree": _linked,
    "a work tree of a bare repository": _linked_to_bare,
    "a shallow clone": _shallow,
    "a sparse checkout": _sparse,
    "packed": _packed,
    "a merge": _merged,
}


@pytest.mark.parametrize("folder", [".", pytest.param("tools/kit", marks=pytest.mark.slow)])
@pytest.mark.parametrize("state", STATES)
def test_a_kit_is_built_as_committed(tmp_path: Path, state: str, folder: str) -> None:
    top = tmp_path / "top"
    top.mkdir()
    git(top, "init", "--quiet")
    _write(top / folder, KIT)
    made = _made(load_kit(str(top / folder)))
    assert len(made) == 4
    _commit(top)
    top = STATES[state](top)
    before = git(top, "status", "--porcelain")
    assert _made_at(top / folder) == made
    assert git(top, "status", "--porcelain") == before


def test_a_repository_with_sha256(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256")
    _write(tmp_path, KIT)
    made = _made(load_kit(str(tmp_path)))
    _commit(tmp_path)
    _clear(tmp_path)
    assert _made_at(tmp_path) == made


def test_a_kit_is_found_in_a_commit(repository: Path) -> None:
    _write(repository / "tools", KIT)
    commit = _commit(repository)
    _clear(repository)
    with closing(tree_at(str(repository), commit)) as files:
        assert git_top(f"{repository}/tools/agents", files) == str(repository)
        assert find(f"{repository}/tools/agents", files) == f"{repository}/tools"


def test_a_commit_without_the_kit(repository: Path) -> None:
    _write(repository, {"README.md": ""})
    first = _commit(repository)
    _write(repository / "kit", KIT)
    _commit(repository)
    assert load_kit_at(str(repository / "kit"), first) is None
    assert load_kit_at(str(repository / "never"), first) is None
    assert _made_at(repository / "kit")


def test_a_commit_with_invalid_settings(repository: Path) -> None:
    _write(repository, {**KIT, "assemble.toml": "targets = 1\n"})
    commit = _commit(repository)
    _write(repository, KIT)
    with pytest.raises(AssembleError) as raised:
        load_kit_at(str(repository), commit)
    assert [found.location.file for found in raised.value.diagnostics] == ["assemble.toml"]


def test_line_endings_are_read_as_on_disk(repository: Path) -> None:
    git(repository, "config", "core.autocrlf", "true")
    _write(repository, {name: text.replace("\n", "\r\n") for name, text in KIT.items()})
    made = _made(load_kit(str(repository)))
    _commit(repository)
    assert b"\r" not in subprocess.check_output(["git", "show", "HEAD:_blocks/rule.md"], cwd=repository)
    assert _made_at(repository) == made


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12\n"


def test_a_pointer_of_git_lfs_is_not_read_as_text(repository: Path) -> None:
    _write(repository, {**KIT, "_blocks/rule.md": POINTER, "_blocks/about-lfs.md": f"{POINTER}\nMore.\n"})
    kit = load_kit_at(str(repository), _commit(repository))
    assert kit
    plan = plan_kit(kit, kit.manifests, whole=True)
    (found,) = (found for found in plan.diagnostics if found.location.file == "_blocks/rule.md")
    assert "its content is in Git LFS" in found.message
    assert (block := kit.block("about-lfs"))
    assert block.source.error is None


@pytest.fixture
def with_submodule(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a kit whose blocks are in a submodule, and a link in it that leads to the rest of the kit."""
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "--quiet")
    _write(other, {"_blocks/rule.md": KIT["_blocks/rule.md"]})
    (other / "link").symlink_to("../agents")
    _commit(other)
    git(repository, "submodule", "--quiet", "add", other.as_uri(), "shared")
    settings = KIT["assemble.toml"] + 'blocks = ["shared/_blocks"]\n'
    _write(repository, {**{name: KIT[name] for name in KIT if name[0] != "_"}, "assemble.toml": settings})
    _commit(repository)
    return repository


def test_a_submodule_has_its_content(with_submodule: Path) -> None:
    made = _made(load_kit(str(with_submodule)))
    _write(with_submodule / "shared", {"_blocks/rule.md": "# RULE\n\nChanged.\n"})
    _commit(with_submodule / "shared")
    assert _made(load_kit(str(with_submodule))) != made
    assert _made_at(with_submodule) == made
    _commit(with_submodule)
    assert _made_at(with_submodule) == _made(load_kit(str(with_submodule))) != made
    assert _made_at(with_submodule, "HEAD~1") == made
    with closing(tree_at(str(with_submodule), revision(str(with_submodule), "HEAD"))) as files:
        assert files.resolve(f"{with_submodule}/shared/link/more") == f"{with_submodule}/agents/more"
        assert not files.exists(f"{with_submodule}/shared/.git")


def test_a_submodule_that_is_not_here_is_an_empty_folder(
    with_submodule: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    commit = revision(str(with_submodule), "HEAD")
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "--quiet", with_submodule.as_uri(), ".")
    shutil.rmtree(clone / "shared")

    def assert_is_empty() -> None:
        with closing(tree_at(str(clone), commit)) as files:
            assert (files.is_folder(f"{clone}/shared"), files.list(f"{clone}/shared")) == (True, [])
            assert not files.exists(f"{clone}/shared/_blocks")

    assert_is_empty()
    (clone / "shared").symlink_to(with_submodule / "shared")
    assert_is_empty()
    (clone / "shared").unlink()
    git(clone, "init", "--quiet", "shared")
    assert_is_empty()
    (clone / "shared/.git/HEAD").write_text("damaged")
    assert_is_empty()


def test_links_are_files_where_git_makes_no_links(repository: Path) -> None:
    (repository / "link").symlink_to("_blocks")
    _write(repository, KIT)
    commit = _commit(repository)
    git(repository, "config", "core.symlinks", "false")
    with closing(tree_at(str(repository), commit)) as files:
        assert (files.is_link(f"{repository}/link"), files.is_folder(f"{repository}/link")) == (False, False)
        assert files.read(f"{repository}/link", 99) == b"_blocks"


def _tree_object(repository: Path, *entries: tuple[str, bytes, str]) -> str:
    raw = b"".join(b"%s %s\0%s" % (mode.encode(), name, bytes.fromhex(id_)) for mode, name, id_ in entries)
    return git(repository, "hash-object", "-t", "tree", "-w", "--stdin", "--literally", given=raw).strip()


def test_names_that_git_does_not_check_out_are_left_out(repository: Path) -> None:
    blob = git(repository, "hash-object", "-w", "--stdin", given=b"X.").strip()
    inner = _tree_object(repository, ("100644", b"config", blob))
    names = (b".git", b".GIT", b"git~1", b"..", b".", b"", b"a/b", b"../c")
    odd = [("40000", name, inner) for name in names] + [("100664", b"x", blob), ("644", b"y", blob)]
    with closing(tree_at(str(repository), _tree_object(repository, *odd))) as files:
        listed = {entry.name for entry in files.list(str(repository))}
        assert listed == {".git", "x", "y"}
        assert files.read(f"{repository}/x", 9) == b"X."
        assert files.read(f"{repository}/.git/config", 9_999) == (repository / ".git/config").read_bytes()


@pytest.mark.parametrize("raw", [b"x", b"100644 x", b"x y\0", b"-1 x\0", b"7" * 99 + b" x\0", b"100644 x\0short"])
def test_a_damaged_folder(repository: Path, raw: bytes) -> None:
    tree = git(repository, "hash-object", "-t", "tree", "-w", "--stdin", "--literally", given=raw).strip()
    with closing(tree_at(str(repository), tree)) as files, pytest.raises(AssembleError, match="git cannot read"):
        files.read(f"{repository}/x", 9)


def test_a_folder_with_too_many_entries(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(repository, KIT)
    commit = _commit(repository)
    monkeypatch.setattr(git_tree, "MAX_FOLDER_BYTES", 60)
    message = rf"`\.` of the commit {commit[:12]} has too many entries"
    with closing(tree_at(str(repository), commit)) as files, pytest.raises(AssembleError, match=message):
        files.list(str(repository))


def test_a_damaged_file(repository: Path) -> None:
    _write(repository, {"x": "X.", "y": "Y."})
    commit = _commit(repository)
    blob = git(repository, "rev-parse", "HEAD:x").strip()
    damaged = repository / ".git/objects" / blob[:2] / blob[2:]
    damaged.chmod(0o600)
    damaged.write_bytes(b"damaged")
    with closing(tree_at(str(repository), commit)) as files:
        with pytest.raises(AssembleError, match="git cannot read `x` of the commit") as raised:
            files.read(f"{repository}/x", 9)
        assert "git fsck" in raised.value.hint
        assert files.read(f"{repository}/y", 9) == b"Y."


def test_a_large_file_is_cut_off(repository: Path) -> None:
    content = os.urandom(3_000_000)
    _write(repository, {"large": content, "small": "S."})
    commit = _commit(repository)
    for _ in range(2):
        with closing(tree_at(str(repository), commit)) as files:
            assert files.read(f"{repository}/large", 1_000_000) == content[:1_000_001]
            assert files.read(f"{repository}/small", 9) == b"S."
            assert files.read(f"{repository}/small", 1) == b"S."
            assert files.read(f"{repository}/small", 0) == b"S"
            assert files.read(f"{repository}/large", 4_000_000) == content
        _packed(repository)


def test_a_long_link_leads_nowhere(repository: Path) -> None:
    blob = git(repository, "hash-object", "-w", "--stdin", given=b"a/" * 5000).strip()
    empty = git(repository, "hash-object", "-w", "--stdin").strip()
    tree = _tree_object(repository, ("120000", b"empty", empty), ("120000", b"long", blob))
    with closing(tree_at(str(repository), tree)) as files:
        for path in (f"{repository}/empty", f"{repository}/long"):
            assert (files.is_link(path), files.exists(path), files.is_folder(path)) == (True, True, False)
            with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
                files.read(path, 9)


def test_links_out_of_the_work_tree_are_refused(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("secret")
    _write(secret, {"secret.md": "Token.\n"})
    _write(repository, KIT)
    (repository / "_blocks/one.md").symlink_to(secret / "secret.md")
    (repository / "_blocks/two.md").symlink_to(os.path.relpath(secret / "secret.md", repository / "_blocks"))
    (repository / "_blocks/three.md").symlink_to("../.git/config")
    (repository / "_blocks/four").symlink_to(secret)
    kit = load_kit_at(str(repository), _commit(repository))
    assert kit
    for name in ("one", "two", "three", "four/secret"):
        assert (block := kit.block(name))
        assert (block.source.text, block.source.error is None) == ("", False)


def test_a_deep_path_is_no_problem(repository: Path) -> None:
    blob = git(repository, "hash-object", "-w", "--stdin", given=b"X.").strip()
    git(repository, "update-index", "--index-info", given=f"100644 {blob}\t{'d/' * 1500}x\n".encode())
    tree = git(repository, "write-tree").strip()
    path = str(repository) + "/d" * 1500
    with closing(tree_at(str(repository), tree)) as files:
        assert files.read(f"{path}/x", 9) == b"X."
    with closing(tree_at(str(repository), tree)) as files:
        assert files.read(f"{path}/x", 9, Root(str(repository))) == b"X."
        assert not files.exists(f"{path}{'/e' * 500_000}")
        assert not files.is_folder(f"{path}{'/d' * 500_000}")
        with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
            files.read(f"{path}{'/d' * 500_000}", 9)


def _partial(top: Path, kind: str) -> Path:
    clone = top.parent / f"{top.name}-{kind.replace(':', '-')}"
    git(top, "config", "uploadpack.allowFilter", "true")
    git(top, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(top.parent, "clone", "--quiet", f"--filter={kind}", top.as_uri(), str(clone))
    return clone


@pytest.mark.parametrize(("kind", "lacking"), [("blob:none", "assemble.toml"), ("tree:0", ".")])
def test_a_partial_clone_says_what_it_lacks_and_how_to_fetch_it(repository: Path, kind: str, lacking: str) -> None:
    _write(repository, KIT)
    _commit(repository)
    made = _made_at(repository)
    _write(repository, {name: f"{text}\n" for name, text in KIT.items()})
    _commit(repository)
    clone = _partial(repository, kind)
    commit = revision(str(clone), "HEAD~1")
    objects = sorted((clone / ".git/objects").rglob("*"))
    with pytest.raises(AssembleError) as raised:
        load_kit_at(str(clone), commit)
    assert raised.value.message == f"this partial clone lacks `{lacking}` of the commit {commit[:12]}"
    assert sorted((clone / ".git/objects").rglob("*")) == objects
    command, folder = raised.value.hint.partition("run `")[2].split("` in ")
    git(Path(folder), *command.split(" ")[1:])
    assert _made_at(clone, "HEAD~1") == made
    assert _made_at(clone)


def test_only_what_is_asked_for_is_read(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    read = git_objects.Objects.read

    def recorded(self: git_objects.Objects, name: str, max_bytes: int) -> bytes | None:
        asked.append(name)
        return read(self, name, max_bytes)

    monkeypatch.setattr(git_objects.Objects, "read", recorded)
    _write(repository, {f"{folder}/{number}.md": str(number) for folder in "abc" for number in range(100)})
    commit = _commit(repository)
    with closing(tree_at(str(repository), commit)) as files:
        assert len(files.list(f"{repository}/a")) == 100
        assert len(asked) == 2
        assert [files.read(f"{repository}/a/{number}.md", 9) for number in range(3)] == [b"0", b"1", b"2"]
        assert files.exists(f"{repository}/b/1.md")
        assert not files.exists(f"{repository}/d/1.md")
        assert len(asked) == 6


def test_two_processes_read_the_same_commit(repository: Path) -> None:
    _write(repository, {str(number): f"{number} " * 1000 for number in range(50)})
    commit = _commit(repository)

    def is_right(files: Files) -> bool:
        contents = (files.read(f"{repository}/{number}", 99_999) for number in range(50))
        return all(content == f"{number} ".encode() * 1000 for number, content in enumerate(contents))

    with closing(tree_at(str(repository), commit)) as files:
        assert is_right(files)
        child = os.fork()
        if child == 0:
            os._exit(0 if is_right(files) else 1)
        assert is_right(files)
        assert os.waitpid(child, 0)[1] == 0
        assert is_right(files)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes of git that were started to read objects."""
    processes = []
    start = Git.start

    def recorded(self: Git, *args: str) -> subprocess.Popen[bytes]:
        processes.append(start(self, *args))
        return processes[-1]

    monkeypatch.setattr(Git, "start", recorded)
    return processes


def test_the_process_of_git_ends_with_its_tree(repository: Path, started: list[subprocess.Popen[bytes]]) -> None:
    _write(repository, KIT)
    files: GitTree | None = tree_at(str(repository), _commit(repository))
    assert files
    assert started == []
    for count in (1, 2):
        assert files.read(f"{repository}/_blocks/rule.md", 99)
        assert [process.poll() is None for process in started] == [False, True][-count:]
        files.close()
        assert all(process.poll() is not None for process in started)
    assert files.read(f"{repository}/_blocks/rule.md", 99)
    assert (len(started), started[-1].poll()) == (3, None)
    del files
    gc.collect()
    assert started[-1].poll() is not None


def test_git_is_started_again_if_it_is_killed(repository: Path, started: list[subprocess.Popen[bytes]]) -> None:
    _write(repository, KIT)
    with closing(tree_at(str(repository), _commit(repository))) as files:
        assert files.read(f"{repository}/_blocks/rule.md", 99)
        started[0].kill()
        with pytest.raises(AssembleError, match=r"git cannot read `assemble\.toml` of the commit"):
            files.read(f"{repository}/assemble.toml", 99)
        assert files.read(f"{repository}/assemble.toml", 99) == KIT["assemble.toml"].encode()


class _Interrupted:
    """The output of a process during which the user presses Ctrl-C."""

    def readline(self) -> bytes:
        raise KeyboardInterrupt

    def close(self) -> None:
        """Leave it open."""


def test_an_answer_that_was_not_read_is_dropped(repository: Path, started: list[subprocess.Popen[bytes]]) -> None:
    _write(repository, {"x": "X.", "y": "Y."})
    with closing(tree_at(str(repository), _commit(repository))) as files:
        assert files.read(f"{repository}/x", 9) == b"X."
        output, started[0].stdout = started[0].stdout, _Interrupted()  # type: ignore[assignment]
        with pytest.raises(KeyboardInterrupt):
            files.read(f"{repository}/x", 9)
        assert output
        output.close()
        assert files.read(f"{repository}/y", 9) == b"Y."


def test_nothing_that_a_repository_configures_runs_and_nothing_is_written(repository: Path) -> None:
    marker = repository.parent / f"{repository.name}-ran"
    _write(repository, {**KIT, ".gitattributes": "* filter=x diff=x ident\n"})
    commit = _commit(repository)
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "core.askPass", "diff.external", "alias.cat-file",
                "filter.x.smudge", "filter.x.process", "diff.x.textconv"):  # fmt: skip
        command = f"touch '{marker}'; cat"
        git(repository, "config", key, f"!{command}" if key.startswith("alias") else command)
    for name in ("post-index-change", "post-checkout", "reference-transaction"):
        (repository / ".git/hooks" / name).write_text(f"#!/bin/sh\ntouch '{marker}'\n")
        (repository / ".git/hooks" / name).chmod(0o755)
    before = {path: path.lstat() for path in repository.rglob("*")}
    assert load_kit_at(str(repository), commit)
    assert _made_at(repository)
    assert not marker.exists()
    after = {path: path.lstat() for path in repository.rglob("*")}
    assert {path: (status.st_size, status.st_mtime_ns) for path, status in after.items()} == {
        path: (status.st_size, status.st_mtime_ns) for path, status in before.items()
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "/nowhere") for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")),
        *((name, "1") for name in ("GIT_LITERAL_PATHSPECS", "GIT_FLUSH", "GIT_TRACE", "GIT_CONFIG_PARAMETERS_X")),
        ("GIT_FLUSH", "0"),
        ("GIT_REPLACE_REF_BASE", "refs/x"),
        ("GIT_PAGER", "exit 1"),
    ],
)
def test_a_variable_of_git(repository: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    _write(repository, KIT)
    _commit(repository)
    made = _made_at(repository)
    monkeypatch.setenv(name, value)
    monkeypatch.chdir("/")
    assert _made_at(repository) == made


def test_a_hook_that_names_its_repository(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(repository, KIT)
    _commit(repository)
    made = _made_at(repository)
    (repository / ".git").rename(repository / "elsewhere")
    (repository / ".git").mkdir()
    monkeypatch.chdir(repository)
    monkeypatch.setenv("GIT_DIR", "elsewhere")
    assert _made_at(repository) == made


def test_a_folder_outside_of_a_work_tree(tmp_path: Path) -> None:
    with pytest.raises(AssembleError, match="is not in a git work tree"):
        tree_at(str(tmp_path), "0" * 40)


def test_without_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(repository, KIT)
    commit = _commit(repository)
    monkeypatch.setenv("PATH", str(repository))
    with (
        closing(tree_at(str(repository), commit)) as files,
        pytest.raises(AssembleError, match="git cannot be started"),
    ):
        files.exists(f"{repository}/agents")
    with pytest.raises(AssembleError, match="git cannot find"):
        revision(str(repository), "HEAD")


def test_a_relative_path(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(repository, KIT)
    monkeypatch.chdir(repository)
    with closing(tree_at(str(repository), _commit(repository))) as files:
        assert files.resolve("agents") == f"{repository}/agents"
        assert files.is_folder("agents")
        assert {entry.name for entry in files.list("agents")} == {"critic.toml", "more"}


FOUND_ON_DISK = "somebody has replaced one of its folders with a link"


def _planned(folder: Path, files: Files) -> tuple[object, ...]:
    """What a build of the kit in a folder finds and would do."""
    try:
        kit = load_kit(str(folder), files=files)
        plan = plan_kit(kit, kit.manifests, whole=True)
    except AssembleError as error:
        return error.message, error.hint, error.diagnostics
    found = [
        each._replace(message=each.message.replace(FOUND_ON_DISK, os.strerror(errno.ELOOP)))
        for each in (*plan.diagnostics, *plan.about_files)
    ]
    return found, sorted(plan.changes, key=lambda change: change.path)


@pytest.mark.parametrize("first", [0, *(pytest.param(first, marks=pytest.mark.slow) for first in range(10, 200, 10))])
def test_random_kits_are_planned_alike(tmp_path: Path, first: int) -> None:
    """Kits with hostile links, names and settings, as git checks them out."""
    template = tmp_path / "template"
    template.mkdir()
    git(template, "init", "--quiet")
    planned = 0
    for seed in range(first, first + 10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        kit = RandomKit(folder, template, seed)
        for path in filter(Path.is_fifo, folder.rglob("*")):  # git would wait for its other end
            path.unlink()
        try:
            git(kit.top, "add", "--all", "--force", ".")
        except subprocess.CalledProcessError:  # there is no repository, or a name that git refuses
            continue
        tree = git(kit.top, "write-tree").strip()
        _clear(kit.top)
        git(kit.top, "checkout-index", "--all", "--force")
        with closing(tree_at(str(kit.kit), tree)) as files:
            assert (seed, _planned(kit.kit, files)) == (seed, _planned(kit.kit, DISK)), kit.attacks
        planned += 1
    assert planned > 3


def test_this_repository_is_built_from_its_commit(bench: Workbench) -> None:
    """The kit of this repository, with all its agents, in two processes."""
    names = ("agents", "_blocks", "templates", "pyproject.toml")
    for name in names:
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy
        copy(REPOSITORY / name, bench.folder / name)
    shutil.rmtree(bench.folder / ".git")
    git(bench.folder, "init", "--quiet")
    made = _made(load_kit(str(bench.folder)))
    _commit(bench.folder)
    _clear(bench.folder)
    assert _made_at(bench.folder) == made
