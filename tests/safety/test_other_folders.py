"""A build into another folder changes nothing else, and writes what a build of the kit writes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from forkserver import ForkServer
from random_kits import RandomKit

KITS = 80


@pytest.mark.slow
def test_random_kits(tmp_path: Path, forkserver: ForkServer) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "template")], check=True)
    compared = 0
    for seed in range(KITS):
        folder = tmp_path / f"kit-{seed}"
        folder.mkdir()
        kit = RandomKit(folder, tmp_path / "template", seed)
        output = folder / "output"
        before = _state(folder)
        built = forkserver.run(kit.kit, ["--all", "--no-cache", "--output-dir", str(output)])
        assert {name: found for name, found in _state(folder).items() if not _is_in(name, output)} == before, seed
        again = forkserver.run(kit.kit, ["--all", "--no-cache", "--check", "--output-dir", str(output)])
        assert built.returncode or not again.returncode, (seed, again.stderr)
        files = {path.relative_to(output): path.read_bytes() for path in output.rglob("*") if path.is_file()}
        normal = forkserver.run(kit.kit, ["--all", "--no-cache", "--force"])
        if files and not (normal.returncode or built.returncode):
            tops = [top for top in (kit.kit, *kit.kit.parents) if all((top / name).exists() for name in files)]
            assert any({name: (top / name).read_bytes() for name in files} == files for top in tops), seed
            compared += 1
        shutil.rmtree(folder)
    assert compared > KITS / 10


def _is_in(name: str, folder: Path) -> bool:
    return Path(name).is_relative_to(folder)


def _state(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything below a folder that a write would change."""
    state: dict[str, tuple[object, ...]] = {}
    for above, folders, files in os.walk(folder):
        for name in (*folders, *files):
            status = os.lstat(path := os.path.join(above, name))
            state[path] = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return state
