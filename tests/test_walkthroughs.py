"""Walkthroughs: the files on a page are written, its commands run, and their output is compared with the page.

With UPDATE_CASES=1, the tests write the output to the pages instead. Review the diff before you commit it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import REPOSITORY, Workbench
from kei_assembler.rules.catalog import RULES
from walkthrough import FENCE, Walk, path_without_clients

DOCS = REPOSITORY / "docs"
CI = (DOCS / "ci.md").read_text()
PAGES = [path for path in (REPOSITORY / "README.md", *sorted(DOCS.rglob("*.md"))) if "console\n$ " in path.read_text()]
UPDATE = os.environ.get("UPDATE_CASES") == "1"


@pytest.fixture
def walk(
    with_note_about_default_outputs: None,  # noqa: ARG001 - a page shows everything
    bench: Workbench,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Walk:
    for name in ("CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(bench.folder))
    monkeypatch.setenv("COLUMNS", "80")
    config = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("PATH", path_without_clients(bench.folder, config / "programs"))
    return Walk(bench, config)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_print_the_output_on_the_page(page: Path, walk: Walk) -> None:
    text = page.read_text()
    now = walk.rerun(text)
    if UPDATE:
        page.write_text(now)
    assert now == text


def test_all_walkthroughs_are_found() -> None:
    walkthroughs = {
        "README",
        "adopt",
        "catalog",
        "change",
        "ci",
        "doctor",
        "fixes",
        "getting-started",
        "guard",
        "impact",
        "inspect",
        "instructions",
        "migration",
        "ownership",
        "safety",
        "several-clients",
        "sharing",
        "templates",
    }
    assert {page.stem for page in PAGES} == walkthroughs


def test_migration_page_lists_every_import_rule() -> None:
    rows = re.findall(r"^\| `(I\d+)` \|", (DOCS / "migration.md").read_text(), re.MULTILINE)
    assert rows == [code for code in RULES if code.startswith("I")]


def _yaml_of_ci() -> list[Any]:
    return [yaml.safe_load(fence["text"]) for fence in FENCE.finditer(CI) if fence["language"] == "yaml"]


def test_workflow_passes_only_inputs_of_the_action() -> None:
    workflow = next(each for each in _yaml_of_ci() if "jobs" in each)
    (step,) = (step for step in workflow["jobs"]["check"]["steps"] if "kei-assembler" in step["uses"])
    assert step["with"].keys() <= yaml.safe_load((REPOSITORY / "action.yml").read_text())["inputs"].keys()


def test_named_hooks_exist() -> None:
    hooks = {hook["id"] for hook in yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())}
    assert set(re.findall(r"\bassemble-(?:check|fix)\b", CI)) == hooks == {"assemble-check", "assemble-fix"}
    printed = re.search(r"^\$ cat \.pre-commit-config\.yaml\n(repos:\n(?: .*\n)+)", CI, re.MULTILINE)
    assert printed
    (config,) = yaml.safe_load(printed[1])["repos"]
    assert config["repo"] != "local"
    assert [hook["id"] for hook in config["hooks"]] == ["assemble-check"]


@pytest.mark.parametrize("page", ["```console\nassemble --all\n```", "  ```console\n  $ assemble --all\n  ```"])
def test_command_that_would_not_run_is_refused(page: str, walk: Walk) -> None:
    with pytest.raises(AssertionError):
        walk.rerun(page)


def test_page_shares_one_working_directory(walk: Walk) -> None:
    page = """\
```text inner/one.txt
One.
```
```console
$ cd inner
$ cat << END one.txt
> Zero.
>
> END
$ false
$ echo $?
$ assemble targets gmini 2> /dev/null
$ echo $?
```
"""
    output = walk.rerun(page)
    assert re.findall(r"^(?![$>` ]).+", output, re.MULTILINE) == ["One.", "One.", "1", "2"]
    assert walk.rerun(output) == output
