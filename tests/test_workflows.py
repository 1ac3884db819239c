"""The files that run on GitHub and in pre-commit, which no test can run here: they are valid, and they grant little."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import REPOSITORY

GITHUB = REPOSITORY / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "custom.github-workflows-require-timeout": WORKFLOWS,
    "vendor.github-actions": [REPOSITORY / "action.yml"],
    "vendor.github-issue-forms": FORMS,
}


def _run(*args: str | Path) -> tuple[int, str]:
    command = [sys.executable, "-m", *map(str, args)]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


def _validate(schema: str, *files: Path) -> tuple[int, str]:
    return _run("check_jsonschema", "--builtin-schema", schema, *files)


@pytest.mark.slow
@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_for_github_fit_their_schema(schema: str) -> None:
    assert SCHEMAS[schema]
    status, report = _validate(schema, *SCHEMAS[schema])
    assert status == 0, report


def test_a_broken_workflow_does_not_fit(tmp_path: Path) -> None:
    broken = tmp_path / "ci.yml"
    broken.write_text((GITHUB / "workflows" / "ci.yml").read_text().replace("runs-on:", "run-on:"))
    assert _validate("vendor.github-workflows", broken)[0] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "file"),
    [("validate-config", ".pre-commit-config.yaml"), ("validate-manifest", ".pre-commit-hooks.yaml")],
)
def test_pre_commit_accepts_its_files(command: str, file: str) -> None:
    """check-jsonschema bundles no schema for these; pre-commit itself is the best judge of them."""
    status, report = _run("pre_commit", command, file)
    assert status == 0, report


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((GITHUB / "workflows" / name).read_text(), Loader=yaml.BaseLoader)
    return loaded


@pytest.mark.parametrize("path", [*WORKFLOWS, REPOSITORY / "action.yml"], ids=lambda path: path.name)
def test_every_action_is_pinned(path: Path) -> None:
    actions = re.findall(r"uses: (\S+)", path.read_text())
    assert actions
    assert [
        action for action in actions if not re.fullmatch(r"[\w-]+/[\w-]+@(v\d+\S*|release/v\d+|[0-9a-f]{40})", action)
    ] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_may_only_read(path: Path) -> None:
    workflow = _load(path.name)
    assert workflow["permissions"] == {"contents": "read"}
    granted = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert granted == ({"publish": {"id-token": "write"}} if path.name == "release.yml" else {})


def test_ci_covers_every_system_and_every_python() -> None:
    (job,) = _load("ci.yml")["jobs"].values()
    assert [system.partition("-")[0] for system in job["strategy"]["matrix"]["os"]] == ["ubuntu", "macos", "windows"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert job["steps"][-1]["run"] == ".ci/run"


def test_only_a_tested_wheel_is_published() -> None:
    jobs = _load("release.yml")["jobs"]
    assert [jobs[name].get("needs") for name in ("build", "test", "publish")] == [None, "build", "test"]
    assert jobs["publish"]["environment"] == "release"


def test_the_hooks_check_what_make_lint_checks() -> None:
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    hooks = [hook["entry"].removeprefix("make --silent ") for repo in config["repos"] for hook in repo["hooks"]]
    lint = re.search(r"^lint: (.+)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert lint
    assert hooks == lint[1].split()
