from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import REPOSITORY

SETTINGS_OF_THE_WORLD: tuple[dict[str, str], ...] = (
    {},
    {"PYTHONHASHSEED": "1"},
    {"PYTHONHASHSEED": "4294967295", "LC_ALL": "C", "PYTHONUTF8": "0"},
    {"TZ": "Pacific/Kiritimati", "LANG": "tr_TR.UTF-8"},
)


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    for folder in ("agents", "_blocks", "templates"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.md.j2~"))
    for path in (tmp_path / "agents").glob("*.md"):
        path.unlink()
    return tmp_path


EVERYWHERE = [(environment, cwd) for cwd in ("agents", "/") for environment in SETTINGS_OF_THE_WORLD]
ENOUGH = len(SETTINGS_OF_THE_WORLD) + 1


@pytest.mark.parametrize(
    ("environment", "cwd"),
    [*EVERYWHERE[:ENOUGH], *(pytest.param(*one, marks=pytest.mark.slow) for one in EVERYWHERE[ENOUGH:])],
    ids=str,
)
def test_the_bytes_are_the_same_everywhere(kit: Path, environment: dict[str, str], cwd: str) -> None:
    command = [sys.executable, "-m", "kei_assembler", "--kit", str(kit), "--all"]
    subprocess.run(command, cwd=kit / cwd, env=os.environ | environment, check=True, capture_output=True)
    outputs = {path.name: path.read_bytes() for path in (kit / "agents").glob("*.md")}
    assert len(outputs) == 7
    assert outputs == {path.name: path.read_bytes() for path in (REPOSITORY / "agents").glob("*.md")}
