"""The hook and the workflow that `init` writes install the version that wrote them, however that was installed.

The commands run for real: pip, git, pre-commit, and the shell lines of the workflow in a fresh clone. Git takes
`https://example.org/` for a folder on this machine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from conftest import REPOSITORY

pytestmark = pytest.mark.slow

SERVER = "https://example.org"
USER = {f"GIT_{role}_{key}": f"{key}@example.org" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}


def _run(folder: Path, *command: str | Path, **environment: str) -> str:
    run = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    return run.stdout


def _copy(folder: Path) -> Path:
    """A copy of this repository as far as an installation, pre-commit and the checks need it."""
    for name in ("src", "agents", "_blocks", "templates"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(REPOSITORY / name, folder / name)
    return folder


def _commit(folder: Path) -> None:
    if not (folder / ".git").exists():
        _run(folder, "git", "init", "--quiet")
    _run(folder, "git", "add", "--all")
    _run(folder, "git", "commit", "--quiet", "--no-verify", "--message", "x", **USER)


class Server(NamedTuple):
    """What there is to install from: git repositories, a folder of wheels, and this machine's settings for both."""

    folder: Path
    environment: dict[str, str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    folder = tmp_path_factory.mktemp("server")
    for name, below in (("tool", ""), ("mono", "python/tool")):
        _copy(folder / name / below)
        _commit(folder / name)
        _run(folder / name, "git", "tag", "v1")
        (folder / name / "later.txt").write_text("x")
        _commit(folder / name)
    _run(folder, sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", folder / "wheels", REPOSITORY)
    git = {"COUNT": "1", "KEY_0": f"url.{folder.as_uri()}/.insteadOf", "VALUE_0": f"{SERVER}/"}
    environment = {f"GIT_CONFIG_{name}": value for name, value in git.items()}
    environment |= {"PIP_FIND_LINKS": str(folder / "wheels"), "PRE_COMMIT_HOME": str(folder / "pre-commit")}
    return Server(folder, environment | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"})


def _environment(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    return folder / "bin"


def _path(programs: Path) -> dict[str, str]:
    """The search path with an environment at its start, and without that of the tests."""
    others = [folder for folder in os.environ["PATH"].split(os.pathsep) if Path(folder) != Path(sys.executable).parent]
    return {"PATH": os.pathsep.join([str(programs), *others])}


def _commit_in(programs: Path) -> str:
    """The commit that was installed in an environment, or "" if it was not installed from git."""
    code = "from kei_assembler.files.distribution import installed; print(installed().direct_url or '{}')"
    record = json.loads(_run(programs, "./python", "-I", "-c", code))
    return str(record.get("vcs_info", {}).get("commit_id", ""))


def _head(server: Server, name: str) -> str:
    """The commit that a case names: a tag that is not the last commit, or else the last commit."""
    folder = server.folder / ("mono" if name == "subfolder" else "tool")
    return _run(folder, "git", "rev-parse", "v1" if name != "file URL" else "HEAD").strip()


CASES: dict[str, tuple[list[str], str]] = {
    "tag": ([f"git+{SERVER}/tool@v1"], f"git+{SERVER}/tool@"),
    "subfolder": ([f"git+{SERVER}/mono@v1#subdirectory=python/tool"], f"git+{SERVER}/mono@"),
    "file URL": (["git+file://{server}/tool"], "git+file://"),
    "path": (["{server}/tool"], "file://"),
    "editable": (["--editable", "{server}/mono/python/tool"], "file://"),
    "wheel": (["{wheel}"], "file://"),
    "index": (["kei-assembler"], "kei-assembler=="),
    "inside": (["{work}/our tools"], "./our tools"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_init_writes_installs_what_wrote_it(server: Server, tmp_path: Path, name: str) -> None:
    args, start = CASES[name]
    work, programs = tmp_path / "work", _environment(tmp_path / "environment")
    _copy(work / "our tools") if name == "inside" else work.mkdir()
    _commit(work) if name == "inside" else _run(work, "git", "init", "--quiet")
    (wheel,) = (server.folder / "wheels").iterdir()
    places = {"server": server.folder, "work": work, "wheel": wheel}
    settings = server.environment | _path(programs)
    _run(work, "python", "-m", "pip", "install", "--quiet", *(arg.format(**places) for arg in args), **settings)
    _run(work, "assemble", "init", **settings)
    workflow = yaml.safe_load((work / ".github/workflows/assemble.yml").read_text())
    assert workflow["env"]["ASSEMBLE"].startswith(start)
    _commit(work)
    _check_hook(work, settings)
    commit = _commit_in(programs)
    assert commit == (_head(server, name) if start.startswith("git+") else "")
    _check_workflow(tmp_path, workflow, server, commit)


def _check_hook(work: Path, settings: Mapping[str, str]) -> None:
    hook = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"]
    assert "Passed" in _run(work, *hook, **settings)
    (work / "_blocks" / "baseline.md").write_text("Changed.\n")
    run = subprocess.run(hook, cwd=work, env=os.environ | settings, capture_output=True, text=True, check=False)
    assert (run.returncode, "would update .claude/agents/reviewer.md" in run.stdout) == (1, True), run.stdout


def _check_workflow(folder: Path, workflow: Any, server: Server, commit: str) -> None:
    """Run the steps of the workflow in a fresh clone and a fresh environment."""
    _run(folder, "git", "clone", "--quiet", folder / "work", folder / "clone")
    programs = _environment(folder / "fresh")
    for step in workflow["jobs"]["check"]["steps"]:
        if "run" in step:
            _run(
                folder / "clone", "bash", "-c", step["run"], **server.environment, **workflow["env"], **_path(programs)
            )
    assert _commit_in(programs) == commit
