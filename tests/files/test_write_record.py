"""The record of the last writes: what is in it, and what happens to it when runs overlap or it is damaged."""

from __future__ import annotations

import fcntl
import multiprocessing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from conftest import examples
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import atomic, write_record
from kei_assembler.files.folder import Folder
from kei_assembler.files.write_record import Part, WriteRecord

A, B = "a" * 64, "b" * 64
ALPHA: Part = ("agents/alpha.md", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A kit's folder in a work tree."""
    (tmp_path / "top/.git").mkdir(parents=True)
    (tmp_path / "top/kit").mkdir()
    return tmp_path / "top/kit"


def record(folder: Path, variant: str = "") -> WriteRecord:
    return WriteRecord(str(folder), variant)


def file_of(folder: Path) -> Path:
    [path] = (path for path in (folder.parent / ".git/assemble").iterdir() if path.name != "lock")
    return path


def test_the_lines(folder: Path) -> None:
    record(folder).update({ALPHA: A, ("AGENTS.md", "guide"): B})
    assert file_of(folder).read_text().split("\n")[1:] == [f"{B}  guide\tAGENTS.md", f"{A}  \tagents/alpha.md", ""]
    assert record(folder).digests == {ALPHA: {A}, ("AGENTS.md", "guide"): {B}}


def test_an_update_replaces_or_keeps(folder: Path) -> None:
    one = record(folder)
    one.update({ALPHA: A})
    one.update({ALPHA: B}, keeps=True)
    assert one.digests[ALPHA] == {A, B}
    one.update({ALPHA: B})
    assert one.digests[ALPHA] == {B}
    one.update({ALPHA: ""}, keeps=True)
    assert one.digests[ALPHA] == {B}
    one.update({ALPHA: ""})
    assert ALPHA not in record(folder).digests


def test_no_record_is_written_without_need(folder: Path) -> None:
    one = record(folder)
    one.update({})
    one.update({ALPHA: ""})
    assert not (folder.parent / ".git/assemble").exists()
    one.update({ALPHA: A})
    before = file_of(folder).stat().st_ino
    one.update({ALPHA: A})
    assert file_of(folder).stat().st_ino == before


def test_kits_and_variants_have_records_of_their_own(folder: Path) -> None:
    record(folder).update({ALPHA: A})
    assert record(folder, "/elsewhere").digests == {}
    assert record(folder.parent).digests == {}


def test_outside_of_a_work_tree_there_is_no_record(folder: Path) -> None:
    (folder.parent / ".git").rmdir()
    record(folder).update({ALPHA: A})
    assert record(folder).digests == {}
    assert [*folder.parent.iterdir()] == [folder]


PATHS = st.text(st.characters(codec="utf-8", exclude_characters="\n\t\0"), min_size=1)
DIGESTS = st.sampled_from([A, B, "0123456789abcdef" * 4])


@examples(100, suppress=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.tuples(PATHS, st.sampled_from(["", "guide", "AGENTS.md"])), DIGESTS))
def test_what_is_recorded_is_read_back(folder: Path, digests: dict[Part, str]) -> None:
    for each in (folder.parent / ".git").glob("assemble/*"):
        each.unlink()
    record(folder).update(digests)
    assert record(folder).digests == {part: {digest} for part, digest in digests.items()}


@examples(100, suppress=[HealthCheck.function_scoped_fixture])
@given(st.binary(), st.integers(0, 200))
def test_a_damaged_record_never_has_the_digest_of_another_file(folder: Path, noise: bytes, at: int) -> None:
    record(folder).update({ALPHA: A, ("AGENTS.md", "guide"): B})
    path = file_of(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + noise + whole[at + len(noise) :])
    assert B not in record(folder).digests.get(ALPHA, set())  # one that is damaged itself fits no file
    record(folder).update({ALPHA: B})
    assert record(folder).digests[ALPHA] == {B}


def test_a_record_that_grows_too_large_starts_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_record, "MAX_BYTES", 1000)
    for number in range(50):
        record(folder).update({(f"{number}.md", ""): A})
        assert record(folder).digests[f"{number}.md", ""] == {A}
    assert file_of(folder).stat().st_size <= 1000


def test_a_record_that_no_run_wrote_is_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(folder).update({ALPHA: A})
    monkeypatch.setattr(write_record, "MAX_BYTES", 1000)
    file_of(folder).write_text(f"{B}  \tx.md\n" * 100)
    record(folder).update({ALPHA: B})
    assert record(folder).digests == {ALPHA: {B}, ("x.md", ""): {B}}


def test_a_link_in_the_place_of_a_record_is_replaced(folder: Path, tmp_path: Path) -> None:
    record(folder).update({ALPHA: A})
    file, other = file_of(folder), tmp_path / "other"
    other.write_text("text")
    file.unlink()
    file.symlink_to(other)
    record(folder).update({ALPHA: B})
    assert record(folder).digests == {ALPHA: {B}}
    assert other.read_text() == "text"


def test_a_folder_in_the_place_of_a_record_is_reported(folder: Path) -> None:
    record(folder).update({ALPHA: A})
    file = file_of(folder)
    file.unlink()
    file.mkdir()
    with pytest.raises(AssembleError, match=f"{file.name}, .* cannot be written: (?!another)"):
        record(folder).update({ALPHA: B})


def test_a_run_that_cleans_up_does_not_disturb_another_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the swap, nobody has locked the replaced file, so another run may remove it as a stale one."""
    record(folder).update({ALPHA: A})
    exchange = Folder.exchange

    def exchanged(self: Folder, one: str, other: str) -> None:
        exchange(self, one, other)
        atomic.remove_stale_temp_files(self)

    monkeypatch.setattr(Folder, "exchange", exchanged)
    record(folder).update({ALPHA: B})
    assert record(folder).digests == {ALPHA: {B}}
    assert len([*file_of(folder).parent.iterdir()]) == 2


def test_a_lock_that_stays_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(folder).update({ALPHA: A})
    monkeypatch.setattr(atomic, "MAX_WAITS", 3)
    with (folder.parent / ".git/assemble/lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(AssembleError, match="another program is changing it"):
            record(folder).update({ALPHA: B})
        record(folder).update({ALPHA: A})
    assert record(folder).digests == {ALPHA: {A}}


def _update(folder: str, process: int) -> None:
    for number in range(10):
        WriteRecord(folder).update({(f"{process}-{number}.md", ""): A})


def test_runs_at_the_same_time_lose_nothing(folder: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_update, args=(str(folder), number)) for number in range(4)]
    for each in processes:
        each.start()
    for each in processes:
        each.join(60)
    assert [each.exitcode for each in processes] == [0] * 4
    assert len(record(folder).digests) == 40


def test_a_folder_of_git_that_is_a_link_is_not_entered(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder.parent / ".git/assemble").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AssembleError, match="cannot be written"):
        record(folder).update({ALPHA: A})
    assert [*(tmp_path / "elsewhere").iterdir()] == []
