"""Each mistake in `mistakes/NAME.kit` gives one finding, with the report in `NAME.txt`, and nothing is written.

A `.kit` file has the files of a kit, each below a line `# PATH`. UPDATE_CASES=1 writes the reports; the difference is
then for a person to judge.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from conftest import Workbench
from readers import diagnostics
from rule_examples import example_files

MISTAKES = sorted((Path(__file__).parent / "mistakes").glob("*.kit"))
UPDATE = os.environ.get("UPDATE_CASES") == "1"
IN_SETTINGS = 2
"""The exit status if the settings have errors."""

Finding = dict[str, Any]


@pytest.fixture(params=MISTAKES, ids=lambda path: path.stem)
def mistake(request: pytest.FixtureRequest, bench: Workbench) -> Path:
    """Return the file of a mistake, whose kit is in the workbench."""
    path: Path = request.param
    files = example_files(path.read_text())
    bench.write({file.path: (file.text * file.times).encode(file.encoding) for file in files})
    return path


def _findings(bench: Workbench, *args: str) -> list[Finding]:
    """Return the findings of a run about sources, not about outputs that are out of date."""
    return [one for one in diagnostics(bench, *args) if one["code"] != "O609"]


NAMING = re.compile(r"inherited by |this is the role of ")
"""The start of a note that names the agents that a finding is about."""


def _without_agents(finding: Finding) -> Finding:
    """Return a finding without the agents that it is about, which depend on what is built."""
    message = re.sub(r" for `\w+`( and `\w+`)?$", "", finding["message"])
    related = [one for one in finding["related"] if not NAMING.match(one["message"])]
    return finding | {"message": message, "related": related}


def _heirs(finding: Finding) -> int:
    """Return how many manifests a finding says it is inherited by."""
    texts: list[str] = [one["message"] for one in finding["related"] if NAMING.match(one["message"])]
    assert len(texts) <= 1
    more: list[str] = re.findall(r"and ([\d,]+) more", "".join(texts))
    named: int = sum(text.count("`") // 2 for text in texts)
    return named + sum(map(int, more))


def _agents(bench: Workbench) -> Iterable[str]:
    """Return the manifests that are not only bases."""
    paths = (bench.folder / "agents").rglob("*.toml")
    files = (path for path in paths if path.is_file() and b"abstract" not in path.read_bytes())
    return sorted(str(path.relative_to(bench.folder)) for path in files)


def test_there_are_mistakes() -> None:
    assert len(MISTAKES) >= 120
    assert {path.with_suffix(".txt") for path in MISTAKES} == {*MISTAKES[0].parent.glob("*.txt")} or UPDATE


def test_a_mistake_has_one_finding(mistake: Path, bench: Workbench) -> None:
    before = bench.files()
    run = bench.run("--all")
    if UPDATE:
        mistake.with_suffix(".txt").write_text(run.stderr)
    assert run.stdout == ""
    assert run.stderr == mistake.with_suffix(".txt").read_text()
    assert run.status in (1, IN_SETTINGS)
    assert len(_findings(bench, "--all")) == 1
    assert bench.files() == before


def test_a_check_finds_the_same(mistake: Path, bench: Workbench) -> None:
    assert _findings(bench, "--all", "--check") == _findings(bench, "--all"), mistake


def test_the_report_for_services_has_the_same_places(mistake: Path, bench: Workbench) -> None:
    (finding,) = _findings(bench, "--all")
    (result,) = json.loads(bench.run("--all", "--output-format", "sarif").stdout)["runs"][0]["results"]
    places = [(each["physicalLocation"], each["message"]["text"]) for each in result.get("relatedLocations", ())]
    assert [
        (unquote(place["artifactLocation"]["uri"]), place["region"]["startLine"], text) for place, text in places
    ] == [(one["file"], one["line"], one["message"]) for one in finding["related"]], mistake


def test_a_mistake_stops_each_manifest_that_inherits_it(mistake: Path, bench: Workbench) -> None:
    (finding,) = _findings(bench, "--all")
    before = bench.files()
    stopped = []
    for file in _agents(bench):
        found = _findings(bench, file, "--check")
        assert [_without_agents(one) for one in found] in ([], [_without_agents(finding)])
        if found:
            assert bench.run(file).status in (1, IN_SETTINGS)
            stopped.append(file)
    assert bench.files() == before
    assert stopped or finding["file"] not in _agents(bench)
    in_cycle = {one["file"] for one in finding["related"] if one["message"] == "part of the cycle"}
    if finding["file"].startswith("agents/"):
        assert _heirs(finding) == len({*stopped} - {finding["file"], *in_cycle}), mistake
