"""The pre-commit hooks in real repositories, and the shell scripts of the GitHub action."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import REPOSITORY
from forkserver import ForkServer
from repositories import git

AGENT = 'name = "{0}"\ndescription = "Does {0}."\nblocks = ["rule"]\n'
ACTION: dict[str, Any] = yaml.safe_load((REPOSITORY / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]


def _commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--no-verify", "--message", "x")


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with the hooks, made from the current work tree, for pre-commit to clone."""
    folder = tmp_path_factory.mktemp("hooks")
    shutil.copytree(REPOSITORY / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", ".pre-commit-hooks.yaml"):
        shutil.copy(REPOSITORY / name, folder / name)
    git(folder, "init", "--quiet")
    _commit(folder)
    return folder


class Repository:
    """A repository with a kit where pre-commit runs one of the hooks."""

    def __init__(self, folder: Path, hooks: Path, home: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {"PRE_COMMIT_HOME": str(home)}
        self._configure(hooks)
        self.write("agents/alpha.toml", AGENT.format("alpha"))
        self.write("_blocks/rule.md", "Be honest.\n")
        self.write("templates/agent.md.j2", '{% extends "default/agent.md.j2" %}\n')
        git(folder, "init", "--quiet")
        self.assemble("--all")
        _commit(folder)

    def _configure(self, hooks: Path) -> None:
        one = {"repo": str(hooks), "rev": git(hooks, "rev-parse", "HEAD")}
        config = {"repos": [one | {"hooks": [{"id": "assemble-check"}, {"id": "assemble-fix", "stages": ["manual"]}]}]}
        self.write(".pre-commit-config.yaml", yaml.safe_dump(config))

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def assemble(self, *args: str) -> None:
        subprocess.run([sys.executable, "-m", "kei_assembler", *args], cwd=self.folder, check=True, capture_output=True)

    def hook(self, name: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "pre_commit", "run", name, "--verbose", "--color", "never"]
        command += ["--hook-stage", "manual"] if name == "assemble-fix" else []
        run = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        return run.returncode, run.stdout + run.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def repository(tmp_path: Path, hooks: Path, home: Path) -> Repository:
    return Repository(tmp_path, hooks, home)


def _change_manifest(repository: Repository) -> None:
    repository.write("agents/alpha.toml", AGENT.format("alpha") + 'model = "opus"\n')


def _change_block(repository: Repository) -> None:
    repository.write("_blocks/rule.md", "Be very honest.\n")


def _change_template(repository: Repository) -> None:
    repository.write(
        "templates/agent.md.j2", '{% extends "default/agent.md.j2" %}\n{% block role %}You.\n{% endblock %}\n'
    )


def _edit_output(repository: Repository) -> None:
    repository.write("agents/alpha.md", (repository.folder / "agents/alpha.md").read_text() + "By hand.\n")


def _remove_output(repository: Repository) -> None:
    (repository.folder / "agents/alpha.md").unlink()


def _delete_manifest(repository: Repository) -> None:
    (repository.folder / "agents/alpha.toml").unlink()


DRIFTS = [
    (_change_manifest, "would update agents/alpha.md"),
    (_change_block, "would update agents/alpha.md"),
    (_change_template, "would update agents/alpha.md"),
    (_edit_output, "edited agents/alpha.md"),
    (_remove_output, "would create agents/alpha.md"),
    (_delete_manifest, "orphan agents/alpha.md"),
]


@pytest.mark.slow
def test_clean_repository_passes(repository: Repository) -> None:
    status, output = repository.hook("assemble-check")
    assert (status, "1 agent, 1 file: 1 unchanged" in output) == (0, True), output
    assert repository.hook("assemble-fix")[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize(("drift", "expected"), DRIFTS, ids=lambda value: getattr(value, "__name__", ""))
def test_drift_fails_the_check(repository: Repository, drift: Any, expected: str) -> None:
    drift(repository)
    git(repository.folder, "add", "--all")
    status, output = repository.hook("assemble-check")
    assert (status, expected in output) == (1, True), output


@pytest.mark.slow
def test_untracked_output_fails_the_check(repository: Repository) -> None:
    repository.write("agents/beta.toml", AGENT.format("beta"))
    repository.assemble("--all")
    git(repository.folder, "add", "agents/beta.toml")
    status, output = repository.hook("assemble-check")
    assert status == 1
    assert "agents/beta.md:1:1: error[O612] the file on disk differs from git's index" in output
    git(repository.folder, "add", "agents/beta.md")
    assert repository.hook("assemble-check")[0] == 0


@pytest.mark.slow
def test_partly_staged_change_fails_the_check(repository: Repository) -> None:
    _change_manifest(repository)
    repository.assemble("--all")
    git(repository.folder, "add", "agents/alpha.toml")
    status, output = repository.hook("assemble-check")
    assert (status, "would update agents/alpha.md" in output) == (1, True), output
    git(repository.folder, "add", "agents/alpha.md")
    assert repository.hook("assemble-check")[0] == 0


@pytest.mark.slow
def test_fix_writes_and_fails_until_its_changes_are_staged(repository: Repository) -> None:
    _change_block(repository)
    repository.write("agents/beta.toml", AGENT.format("beta"))
    git(repository.folder, "add", "--all")
    status, output = repository.hook("assemble-fix")
    assert (status, "created agents/beta.md" in output, "updated agents/alpha.md" in output) == (1, True, True), output
    git(repository.folder, "add", "--all")
    assert repository.hook("assemble-fix")[0] == 0
    assert repository.hook("assemble-check")[0] == 0


@pytest.fixture
def kit(tmp_path: Path, forkserver: ForkServer) -> Path:
    """A built copy of this repository's kit, with a block whose code has trailing white space."""
    for folder in ("agents", "_blocks", "templates"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    with (tmp_path / "_blocks" / "baseline.md").open("a") as block:
        block.write("\n```\ncode   \n```\n")
    assert forkserver.run(tmp_path, ["--all"]).returncode == 0
    return tmp_path


def _edits(forkserver: ForkServer, kit: Path, cause: str) -> tuple[int, int]:
    """Return how many outputs the check reports as edited, and for how many it suggests this cause."""
    run = forkserver.run(kit, ["--all", "--check"])
    return run.stdout.decode().count("edited agents/"), run.stderr.decode().count(f"probably by {cause}")


@pytest.mark.parametrize(
    ("hook", "edits"), [("end_of_file_fixer", False), ("mixed_line_ending", False), ("trailing_whitespace_fixer", True)]
)
def test_white_space_hooks_change_only_code(forkserver: ForkServer, kit: Path, hook: str, edits: bool) -> None:
    outputs = sorted(map(str, (kit / "agents").glob("*.md")))
    assert import_module(f"pre_commit_hooks.{hook}").main(outputs) == edits
    cause = "an editor or a hook that removes or adds"
    assert _edits(forkserver, kit, cause) == ((7, 7) if edits else (0, 0))


@pytest.mark.slow
def test_changes_of_a_markdown_formatter_are_recognized(forkserver: ForkServer, kit: Path) -> None:
    prettier = REPOSITORY / "tests" / "node" / "node_modules" / ".bin" / "prettier"
    if not prettier.exists():
        pytest.skip("prettier is not installed; run `make slow`")
    subprocess.run([prettier, "--write", "agents"], cwd=kit, check=True, capture_output=True)
    assert _edits(forkserver, kit, "a Markdown formatter") == (7, 7)


def test_staged_needs_a_work_tree(tmp_path: Path) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "a.toml").write_text('name = "a"\ndescription = "A."\n')
    command = [sys.executable, "-m", "kei_assembler", "--all", "--staged"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr.startswith("error: --staged needs a git work tree, and the kit is not in one")


def test_action_passes_inputs_only_in_the_environment() -> None:
    scripts = [step["run"] for step in STEPS if "run" in step]
    assert len(scripts) == 4
    assert all("${{" not in script for script in scripts)
    assert set(ACTION["inputs"]) == {"kit", "exclude", "fail-on", "python-version", "strict", "suggest"}


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(("manifest", "status"), [('model = "opus"\n', 0), ('model = "haiku"\n', 1), ("frob = 1\n", 1)])
def test_action_annotates_errors_and_shows_the_diff(
    tmp_path: Path, forkserver: ForkServer, manifest: str, status: int, named: bool
) -> None:
    kit = tmp_path / "a kit; echo pwned"
    (kit / "agents").mkdir(parents=True)
    agent = kit / "agents" / "a.toml"
    agent.write_text('name = "a"\ndescription = "A."\nmodel = "opus"\n')
    tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {
        "PATH": tools,
        "KIT": str(kit) if named else "",
        "STRICT": "false",
        "EXCLUDE": "\nother\n",
    }
    environment |= {"EXCLUDE": ""} if named else {}
    assert forkserver.run(kit, ["--all"]).returncode == 0
    agent.write_text(f'name = "a"\ndescription = "A."\n{manifest}')
    script = next(step["run"] for step in STEPS if step.get("name") == "Check the agent files")
    run = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == status
    assert (f"::error file={kit.name}/agents/a." in run.stdout) == bool(status)
    assert ("+model: haiku" in run.stdout) == ("haiku" in manifest)
    assert "pwned" not in run.stdout.replace(kit.name, "")


GH = """#!/bin/sh
# answers like GitHub's command: one comment is known, and one line is not part of the pull request
case "$*" in *--paginate*) printf '%s\\n' "$KNOWN"; exit ;; esac
read -r comment
case "$comment" in *basline*) exit 1 ;; esac
printf '%s %s\\n' "$*" "$comment" >> "$POSTED"
"""


@pytest.mark.parametrize("named", [True, False])
def test_action_suggests_fixes(tmp_path: Path, named: bool) -> None:
    """Each fix that changes lines of one file is a comment, unless the pull request has it."""
    kit, programs, posted = tmp_path / "a kit", tmp_path / "bin", tmp_path / "posted"
    for folder in (kit / "agents", kit / "_blocks", programs):
        folder.mkdir(parents=True)
    (kit / "_blocks" / "baseline.md").write_text("Be honest.\n")
    (kit / "assemble.toml").write_text("")
    (kit / "agents" / "a.toml").write_text(
        'name = "a"\nblocks = ["basline"]\nmodle = "opus"\ndescripton = "A `b` and ```c```."\ntools = ["Read", "Bsh"]\n'
    )
    (programs / "gh").write_text(GH)
    (programs / "gh").chmod(0o755)
    path = "a kit/agents/a.toml"
    known = '**K101**: unknown key `modle`\n\n```suggestion\nmodel = "opus"\n```'
    environment = os.environ | {
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "KIT": "a kit" if named else "",
        "EXCLUDE": "",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_ACTION_PATH": str(REPOSITORY),
        "COMMENTS": "repos/o/r/pulls/7/comments",
        "COMMIT": "c0ffee",
        "KNOWN": json.dumps([path, known]),
        "POSTED": str(posted),
    }
    script = next(step["run"] for step in STEPS if step.get("name") == "Suggest fixes")
    command = ["bash", "-eo", "pipefail", "-c", script]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    head = {"commit_id": "c0ffee", "path": path}
    body = '**K101**: unknown key `descripton`\n\n````suggestion\ndescription = "A `b` and ```c```."\n````'
    tool = (
        "**K111**: unknown tool `Bsh`\n\nCheck this before you accept it: it can change what an agent does.\n\n"
        '```suggestion\ntools = ["Read", "Bash"]\n```'
    )
    start = "api --silent repos/o/r/pulls/7/comments --input - "
    assert posted.read_text().splitlines() == [
        f"{start}{json.dumps({**head, 'line': 4, 'side': 'RIGHT', 'body': body})}",
        f"{start}{json.dumps({**head, 'line': 5, 'side': 'RIGHT', 'body': tool})}",
    ]
    assert run.stdout.startswith("This suggestion is not about a line of the pull request: {")


def test_action_suggests_fixes_outside_of_the_folder_of_a_kit(tmp_path: Path) -> None:
    """GitHub takes paths from the top of the repository only, without `..`."""
    for folder in ("kit", "shared"):
        (tmp_path / folder).mkdir()
    (tmp_path / "shared/a.md").write_text("Read `docs/reveiw.md`.\n")
    edit = {"file": "../shared/a.md", "line": 1, "column": 7, "end_line": 1, "end_column": 21, "text": "docs/review.md"}
    found = {"code": "B220", "message": "there is no such file", "fix": {"safe": True, "edits": [edit]}}
    (tmp_path / "known").write_text("")
    run = subprocess.run(
        [sys.executable, str(REPOSITORY / "tools/suggestions.py"), "c0ffee", "kit", "known"],
        input=json.dumps({"diagnostics": [found]}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout)["path"] == "shared/a.md"
