"""The wheel and the sdist: what they contain, and whether the installed wheel works."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from conftest import REPOSITORY

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(REPOSITORY),
    ]
    subprocess.run(command, check=True)
    (path,) = folder.glob("kei_assembler-*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", str(wheel)], check=True)
    return folder / "bin"


def test_wheel_contains_only_the_package(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    package = {
        path.relative_to(REPOSITORY / "src").as_posix()
        for path in (REPOSITORY / "src" / "kei_assembler").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {name for name in names if ".dist-info/" not in name} == package
    assert {
        "kei_assembler/py.typed",
        "kei_assembler/render/default/agent.md.j2",
        "kei_assembler/analysis/catalog/files/style.css",
    } <= package


def test_sdist_contains_the_files_that_readme_and_metadata_name(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--sdist", "--outdir", str(tmp_path), str(REPOSITORY)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = tmp_path.iterdir()
    with tarfile.open(path) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    pages = {page.relative_to(REPOSITORY).as_posix() for page in (REPOSITORY / "docs").rglob("*.md")}
    assert names >= {"LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"} | pages
    assert "src/kei_assembler/py.typed" in names


def test_installed_wheel_builds_a_kit(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "solo.toml").write_text('name = "solo"\ndescription = "Alone."\nrole = "You are alone."\n')
    run = subprocess.run(
        [environment / "assemble", "--all", "--ignore=O627"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "created agents/solo.md\n", "1 agent, 1 file: 1 created\n")
    assert "# ROLE\n\nYou are alone.\n" in (tmp_path / "agents" / "solo.md").read_text()


def test_installed_wheel_generates_the_same_bytes(environment: Path) -> None:
    summary = "7 agents and 1 instruction manifest, 7 files: 7 unchanged; 1 section: 1 unchanged\n"
    command = [str(environment / "assemble"), "--kit", str(REPOSITORY), "--all", "--check"]
    run = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, summary)
