"""Files as they will be: an overlay reads like the disk does after the same changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from conftest import examples
from kei_assembler.files import DISK
from kei_assembler.files.folder import Root
from kei_assembler.files.overlay import Overlay

PATHS = ("a", "b/c", "b/d/e", "f/g/h", "new/x", "new/y/z")
CHANGES = st.dictionaries(st.sampled_from(PATHS), st.none() | st.binary(max_size=3))


def _write(folder: Path, files: dict[str, bytes | None]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(content)


@examples(100, [HealthCheck.function_scoped_fixture])
@given(CHANGES)
def test_an_overlay_reads_like_the_disk(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, bytes | None]
) -> None:
    first, second = (tmp_path_factory.mktemp(name).resolve() for name in ("first", "second"))
    for folder in (first, second):
        _write(folder, {"a": b"1", "b/c": b"2", "b/d/e": b"3"})
        (folder / "link").symlink_to("b")
    contents: dict[str, bytes | None] = {}
    overlay = Overlay(DISK, contents)
    for name, content in changes.items():
        contents[str(first / name)] = content  # some of them are added after the first access
        overlay.exists(str(first / name))
    _write(
        second,
        {name: content for name, content in changes.items() if content is not None or name in ("a", "b/c", "b/d/e")},
    )
    for name in ("", "b", "b/d", "f", "f/g", "new", "new/y", "link", "link/c", "none", *PATHS):
        mine, its = (str(folder / name) if name else str(folder) for folder in (first, second))
        assert overlay.exists(mine) == DISK.exists(its), name
        assert overlay.is_folder(mine) == DISK.is_folder(its), name
        assert overlay.is_link(mine) == DISK.is_link(its), name
        assert sorted(overlay.list(mine)) == sorted(DISK.list(its)), name
        if DISK.exists(its) and not DISK.is_folder(its):
            assert overlay.read(mine, 2) == DISK.read(its, 2)
    assert overlay.resolve(str(first / "link/c")) == str(first / "b/c")


def test_a_deleted_file_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    path = os.path.realpath(tmp_path / "a")
    for root in (None, Root(os.path.dirname(path))):
        with pytest.raises(FileNotFoundError):
            Overlay(DISK, {path: None}).read(path, 10, root)
