"""The files of this repository's own agents for every client, byte by byte.

UPDATE_CASES=1 updates the expected files before comparing, so check the diff. The expected files for Claude Code are
the committed ones in `agents`, which `assemble --all` generates.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from conftest import REPOSITORY, Workbench
from kei_assembler.targets import TARGETS

GOLDEN = REPOSITORY / "tests" / "golden"
UPDATE = os.environ.get("UPDATE_CASES") == "1"
SOURCES = ("agents/*.toml", "_blocks/*.md", "templates/*", "pyproject.toml")


@pytest.mark.parametrize("target", TARGETS)
def test_the_files_of_our_own_agents(target: str, bench: Workbench) -> None:
    bench.write({str(path.relative_to(REPOSITORY)): path.read_bytes() for glob in SOURCES for path in _files(glob)})
    before = bench.files()
    run = bench.run("--all", "--target", target)
    folder = TARGETS[target].output.format(dir="agents", name="NAME").partition("/NAME")[0]
    generated = {name: content for name, (content, _) in bench.files().items() if name not in before}
    generated = {name.removeprefix(f"{folder}/"): content for name, content in generated.items()}
    assert (run.status, len(generated)) == (0, 7), run.stderr
    if UPDATE and target != "claude-code":
        _write(GOLDEN / target, generated)
    assert generated == _expected(target)


def test_every_target_has_expected_files() -> None:
    assert {folder.name for folder in GOLDEN.iterdir()} == TARGETS.keys() - {"claude-code"}


def _files(glob: str) -> list[Path]:
    return sorted(REPOSITORY.glob(glob))


def _expected(target: str) -> dict[str, bytes]:
    folder, pattern = (REPOSITORY / "agents", "*.md") if target == "claude-code" else (GOLDEN / target, "**/*.*")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.glob(pattern)}


def _write(folder: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
