"""Edits of sources, and atomic writes of several files."""

from __future__ import annotations

from codecs import BOM_UTF8
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kei_assembler.diagnostics import AssembleError
from kei_assembler.loader import load_kit
from kei_assembler.repair.edits import (
    Edit,
    FileChange,
    by_file,
    content_of,
    edited,
    edited_text,
    overlap,
    write_all,
    written,
)
from kei_assembler.toml.source import read_text

FILE = "agents/critic.toml"


@pytest.mark.parametrize(
    ("content", "edit", "expected"),
    [
        (b'name = "a"\n', Edit(FILE, 8, 9, "b"), b'name = "b"\n'),
        (b"a\r\nb\r\n", Edit(FILE, 2, 3, "c"), b"a\r\nc\r\n"),
        (b"a\r\nb\r\n", Edit(FILE, 2, 2, "x\ny\n"), b"a\r\nx\r\ny\r\nb\r\n"),
        (b"a\r\nb\nc", Edit(FILE, 4, 4, "x\n"), b"a\r\nb\nx\nc"),
        (b"a\nb\r\nc", Edit(FILE, 4, 4, "x\n"), b"a\nb\r\nx\r\nc"),
        (b"a\r\nb", Edit(FILE, 0, 0, "x\n"), b"x\r\na\r\nb"),
        (b"a\r\nb\r\n", Edit(FILE, 0, 2, ""), b"b\r\n"),
        (b"a", Edit(FILE, 1, 1, "\nb"), b"a\nb"),
        (BOM_UTF8 + "é\r\nb".encode(), Edit(FILE, 0, 1, "ö"), BOM_UTF8 + "ö\r\nb".encode()),
        (b"a\rb\r\n", Edit(FILE, 2, 3, "c"), b"a\rc\r\n"),
    ],
)
def test_everything_else_stays(content: bytes, edit: Edit, expected: bytes) -> None:
    assert edited(content, [edit]) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((0, 2), (1, 3), True),
        ((0, 2), (2, 3), False),
        ((2, 2), (2, 2), True),
        ((2, 2), (2, 4), True),
        ((0, 2), (2, 2), False),
    ],
)
def test_overlaps(first: tuple[int, int], second: tuple[int, int], expected: bool) -> None:
    one, other = Edit(FILE, *first, "x"), Edit(FILE, *second, "y")
    assert (overlap(one, other), overlap(other, one)) == (expected, expected)
    assert not overlap(one, other._replace(file="agents/coder.toml"))
    if expected:
        with pytest.raises(ValueError, match="edits overlap"):
            edited_text("abcdef", [one, other])


def test_an_edit_that_is_listed_twice_is_made_once() -> None:
    assert edited_text("ab", [Edit(FILE, 1, 1, "x"), Edit(FILE, 1, 1, "x")]) == "axb"


def test_an_edit_outside_the_text_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the text"):
        edited_text("ab", [Edit(FILE, 1, 3, "")])


TEXTS = st.lists(st.sampled_from(["a", "b", " ", "é", "𝄞", "\ra", "\n", "\r\n"]), max_size=20).map("".join)


@given(st.data(), TEXTS, st.booleans())
def test_the_text_of_the_result_is_the_text_with_the_edits(data: st.DataObject, raw: str, has_bom: bool) -> None:
    content = (BOM_UTF8 if has_bom else b"") + raw.encode()
    text = read_text(FILE, content).text
    ends = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6, unique=True)))
    spans = zip(ends[::2], ends[1::2], strict=False)
    edits = [Edit(FILE, start, end, data.draw(st.text("xy\n", max_size=3))) for start, end in spans]
    expected = text
    for edit in reversed(edits):
        expected = expected[: edit.start] + edit.text + expected[edit.end :]
    result = edited(content, edits)
    assert result.decode().replace("\r", "").removeprefix("\ufeff") == expected.replace("\r", "")
    assert result.startswith(BOM_UTF8) == has_bom
    assert edited(content, []) == content


def _kit(folder: Path) -> dict[str, bytes]:
    (folder / "agents").mkdir()
    (folder / "assemble.toml").write_bytes(b"# settings\r\n")
    (folder / "agents/a.toml").write_bytes(b'name = "a"\r\n')
    (folder / "agents/b.toml").write_bytes(b'name = "b"')
    return _contents(folder)


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_files_are_written(tmp_path: Path) -> None:
    before, kit = _kit(tmp_path), load_kit(str(tmp_path))
    edits = [Edit("agents/b.toml", 8, 9, "bb"), Edit("agents/a.toml", 11, 11, "# a\n")]
    moved = [FileChange("agents/c.toml", None, b"c"), FileChange("assemble.toml", before["assemble.toml"], None)]
    changed = [FileChange(file, before[file], edited(before[file], some)) for file, some in by_file(edits).items()]
    write_all(kit, [*changed, *moved])
    assert _contents(tmp_path) == {
        "agents/a.toml": b'name = "a"\r\n# a\r\n',
        "agents/b.toml": b'name = "bb"',
        "agents/c.toml": b"c",
    }


def _interrupt(folder: Path) -> None:
    assert set(_contents(folder)) == {"agents/a.toml", "agents/new.toml"}
    raise KeyboardInterrupt


@pytest.mark.parametrize("is_late", [False, True])
def test_a_failure_undoes_everything(tmp_path: Path, is_late: bool) -> None:
    before, kit = _kit(tmp_path), load_kit(str(tmp_path))
    changes = [
        FileChange("agents/a.toml", before["agents/a.toml"], b"changed"),
        FileChange("agents/new.toml", None, b"new"),
        FileChange("agents/b.toml", before["agents/b.toml"], None),
        FileChange("assemble.toml", before["assemble.toml"] if is_late else b"stale", None),
    ]
    with pytest.raises(KeyboardInterrupt if is_late else AssembleError), written(kit, changes):
        _interrupt(tmp_path)
    assert _contents(tmp_path) == before


def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    _kit(tmp_path)
    with pytest.raises(AssembleError, match=r"^agents/x\.toml cannot be read: No such file or directory$"):
        content_of(load_kit(str(tmp_path)), "agents/x.toml")
