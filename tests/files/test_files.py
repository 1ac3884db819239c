"""The file-system interface: a kit needs nothing else, and the disk is only one implementation."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from conftest import REPOSITORY
from kei_assembler.build.changes import FileStatus
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.files import DISK, Entry, Files
from kei_assembler.files.folder import Root
from kei_assembler.files.tree import Tree
from kei_assembler.files.walk import walk
from kei_assembler.kit import LoadedKit, discovery
from kei_assembler.loader import load_kit

FOLDER = "/in/memory/kit"
KIT = {
    "assemble.toml": 'targets = ["claude-code", "codex"]\nobligatory = ["rule"]\n',
    "agents/critic.toml": 'name = "critic"\ndescription = "Reviews code."\nblocks = ["rule"]\n',
    "agents/more/author.toml": 'name = "author"\ndescription = "Writes code."\nblocks = ["rule"]\n',
    "_blocks/rule.md": "# RULE\n\nBe kind.\n",
    "templates/codex/agent.md.j2": '{% extends "default/agent.md.j2" %}\n',
}


class Memory:
    """Files in memory, by their absolute paths; no links."""

    def __init__(self, files: dict[str, str], folder: str = FOLDER) -> None:
        self.contents = {f"{folder}/{name}": text.encode() for name, text in files.items()}

    def read(self, path: str, max_bytes: int, root: Root | None = None) -> bytes:  # noqa: ARG002 - there are no links
        try:
            return self.contents[os.path.normpath(path)][: max_bytes + 1]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory") from None

    def list(self, folder: str, source_suffix: str | None = None) -> list[Entry]:  # noqa: ARG002 - nothing is recorded
        start = f"{os.path.normpath(folder)}/"
        names = {path.removeprefix(start).split("/")[0] for path in self.contents if path.startswith(start)}
        return [Entry(name, is_link=False, is_folder=self.is_folder(start + name)) for name in names]

    def resolve(self, path: str) -> str:
        return os.path.normpath(path)

    def exists(self, path: str) -> bool:
        return os.path.normpath(path) in self.contents or self.is_folder(path)

    def is_folder(self, path: str) -> bool:
        return any(other.startswith(f"{os.path.normpath(path)}/") for other in self.contents)

    def is_link(self, path: str) -> bool:  # noqa: ARG002 - there are none
        return False


def _made(kit: LoadedKit) -> dict[str, bytes | None]:
    """The outputs of a kit that has none yet."""
    plan = plan_kit(kit, kit.manifests, whole=True)
    assert [found for found in plan.diagnostics if found.code != "B206"] == []
    assert {change.status for change in plan.changes} == {FileStatus.CREATE}
    return {change.path: change.after for change in plan.changes}


def test_a_kit_in_memory_builds_the_same_as_on_disk(tmp_path: Path) -> None:
    for name, text in KIT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    made = _made(load_kit(FOLDER, files=Memory(KIT)))
    assert len(made) == 4
    assert made == _made(load_kit(str(tmp_path)))


def test_a_kit_in_memory_is_found_from_its_folders() -> None:
    files: Files = Memory({**KIT, "agents/more/.keep": ""})
    assert discovery.find(f"{FOLDER}/agents/more", files) == FOLDER
    assert discovery.find("/in", files) is None


def test_outputs_are_read_through_the_files_of_the_kit() -> None:
    made = {path: (content or b"").decode() for path, content in _made(load_kit(FOLDER, files=Memory(KIT))).items()}
    edited = {path: text + "More.\n" for path, text in made.items()}
    for outputs, kind in ((made, FileStatus.UNCHANGED), (edited, FileStatus.EDITED)):
        kit = load_kit(FOLDER, files=Memory(KIT | outputs))
        assert {change.status for change in plan_kit(kit, kit.manifests, whole=True).changes} == {kind}


def _walked(folder: Path) -> set[str]:
    return {path for path, entry in walk(DISK, str(folder), lambda *_: True) if not entry.is_folder}


def test_a_walk_enters_the_target_of_links_once(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    (tmp_path / "far").mkdir()
    (tmp_path / "far/x").write_text("")
    for name in "ab":
        (tmp_path / "top" / name).symlink_to("../far")
    walked = _walked(tmp_path / "top")
    assert walked in ({"a/x"}, {"b/x"})
    both = walk(DISK, str(tmp_path / "top"), lambda *_: True, once_per=lambda path: path)
    assert {path for path, _ in both} == {"a", "b", "a/x", "b/x"}


@pytest.mark.parametrize("link", [".", "..", "../..", "inner", "../top/inner", "link"])
def test_circular_links_do_not_trap_a_walk(tmp_path: Path, link: str) -> None:
    (tmp_path / "top/inner").mkdir(parents=True)
    (tmp_path / "top/inner/x").write_text("")
    (tmp_path / "top/link").symlink_to(link)
    (tmp_path / "top/inner/link").symlink_to(f"../{link}")
    assert {path.rpartition("/")[2] for path in _walked(tmp_path / "top")} - {"link"} == {"x"}


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    tree = Tree(str(tmp_path))
    assert tree.replace(str(path), b"old", b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o640)
    assert not tree.replace(str(path), b"old", b"newer")
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"new", [path])


def test_a_link_is_written_through_and_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    assert Tree(str(tmp_path)).replace(str(tmp_path / "link"), b"old", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_root_that_was_replaced_with_another_folder_is_not_read(tmp_path: Path) -> None:
    for name, text in (("kit", "mine"), ("other", "theirs")):
        (tmp_path / name / "in").mkdir(parents=True)
        (tmp_path / name / "in/file").write_text(text)
    tree = Tree(str(tmp_path / "kit"))
    (tmp_path / "kit").rename(tmp_path / "moved")
    (tmp_path / "other").rename(tmp_path / "kit")
    with pytest.raises(OSError, match="somebody has replaced the root"):
        tree.read(str(tmp_path / "kit/in/file"), 100)


def test_memory_and_disk_have_the_same_interface() -> None:
    files: Files = Memory({path.name: "" for path in REPOSITORY.glob("*.md")}, str(REPOSITORY))
    assert {entry.name for entry in files.list(str(REPOSITORY))} <= {e.name for e in DISK.list(str(REPOSITORY))}
    for each in (files, DISK):
        assert each.list(f"{REPOSITORY}/nowhere") == []
        assert not each.exists(f"{REPOSITORY}/nowhere")
        assert each.is_folder(str(REPOSITORY))
        with pytest.raises(OSError, match="No such file"):
            each.read(f"{REPOSITORY}/nowhere", 1)
