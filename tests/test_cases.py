"""Whole runs, kept as files: a kit, a command, and its complete result.

A case is a folder with `command`, `kit/`, and what is expected: `stdout`, `stderr`, `status`, and in `expected/` every
file that the run creates or changes. With UPDATE_CASES=1 the expectations are written instead of compared; the
difference is then for a person to judge.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import pytest

from conftest import Run, Workbench

CASES = sorted(path.parent for path in (Path(__file__).parent / "cases").glob("*/command"))
UPDATE = os.environ.get("UPDATE_CASES") == "1"


def test_there_are_cases() -> None:
    assert len(CASES) >= 12


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, bench: Workbench) -> None:
    shutil.copytree(case / "kit", bench.folder, dirs_exist_ok=True)
    before = bench.files()
    run = _run(case, bench)
    after = bench.files()
    changed = {name: content for name, (content, mtime) in after.items() if before.get(name) != (content, mtime)}
    if UPDATE:
        _write_expectations(case, run, changed)
    assert run == _expected_run(case)
    assert changed == _expected_files(case)
    assert after.keys() >= before.keys()


def _run(case: Path, bench: Workbench) -> Run:
    first, *rest = (case / "command").read_text().splitlines()
    folder = first.removeprefix("cd ") if first.startswith("cd ") else "."
    program, *args = shlex.split(rest[0] if rest else first)
    assert program == "assemble"
    return bench.run(*args, cwd=folder)


def _expected_run(case: Path) -> Run:
    return Run(int((case / "status").read_text()), (case / "stdout").read_text(), (case / "stderr").read_text())


def _expected_files(case: Path) -> dict[str, bytes]:
    folder = case / "expected"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _write_expectations(case: Path, run: Run, changed: dict[str, bytes]) -> None:
    (case / "status").write_text(f"{run.status}\n")
    (case / "stdout").write_text(run.stdout)
    (case / "stderr").write_text(run.stderr)
    shutil.rmtree(case / "expected", ignore_errors=True)
    for name, content in changed.items():
        path = case / "expected" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
