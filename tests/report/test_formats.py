"""The output formats: their content and escaping."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest

from conftest import REPOSITORY, Workbench

SCHEMAS = REPOSITORY / "tests" / "node" / "node_modules" / "@microsoft" / "jest-sarif" / "lib" / "schemas"

FAULTY = {
    "agents/a.toml": """\
nmae = "a"
description = "A."
tools = ["Read", "Read"]
blocks = [
    "päper, 100%: done",
    "missing",
]

[[handoff]]
target = "a"
trigger = "x"
model = "opus"
""",
    "agents/b c.toml": 'name = "bé"\ndescription = "B."\n',
}
CODES = ["H302", "H304", "K101", "K109", "K110", "B204", "B201"]


@pytest.fixture
def faulty(bench: Workbench) -> Workbench:
    bench.write(FAULTY)
    return bench


def _json(bench: Workbench, *args: str) -> dict[str, Any]:
    run = bench.run("--all", "--output-format", "json", *args)
    assert run.stderr == ""
    loaded: dict[str, Any] = json.loads(run.stdout)
    return loaded


def test_json_has_every_diagnostic_with_its_location(faulty: Workbench) -> None:
    diagnostics = _json(faulty)["diagnostics"]
    assert {diagnostic["code"] for diagnostic in diagnostics} == {*CODES, "K106"}
    for diagnostic in diagnostics:
        assert set(diagnostic) - {"fix"} == {
            "file", "line", "column", "end_line", "end_column", "code", "severity", "message", "help", "related",
        }  # fmt: skip
        line = FAULTY[diagnostic["file"]].splitlines()[diagnostic["line"] - 1]
        assert line[diagnostic["column"] - 1 : diagnostic["end_column"] - 1].strip()
    positions = [(diagnostic["file"], diagnostic["line"], diagnostic["column"]) for diagnostic in diagnostics]
    assert positions == sorted(positions)


def test_json_has_every_change(bench: Workbench) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    change = {"path": "agents/a.md", "manifest": "agents/a.toml", "target": "claude-code"}
    assert _json(bench, "--check")["changes"] == [change | {"kind": "create"}]
    assert _json(bench)["changes"] == [change | {"kind": "create"}]
    assert _json(bench) == {"diagnostics": [], "changes": [change | {"kind": "unchanged"}], "loosened": []}


@pytest.mark.parametrize("output_format", ["json", "github", "gitlab", "junit", "sarif"])
def test_machine_formats_write_only_to_stdout(faulty: Workbench, output_format: str) -> None:
    for args in (["--all"], ["--all", "--check"], ["agents/none.toml"]):
        run = faulty.run(*args, "--output-format", output_format)
        assert run.stderr == ""
        assert run.stdout != ""
        assert run.status == (2 if "agents/none.toml" in args else 1)


def test_invalid_settings_are_reported_in_json_and_sarif(bench: Workbench) -> None:
    bench.write({"assemble.toml": "obligatry = []\n", "agents/a.toml": "", "agents/b.toml": ""})
    report = _json(bench)
    assert [(found["file"], found["line"], found["code"]) for found in report["diagnostics"]] == [
        ("assemble.toml", 1, "C701")
    ]
    assert report["failure"]["message"] == "the settings have errors; nothing was done"
    assert bench.run("--all", "--output-format", "sarif").status == 2


def test_github_commands_are_escaped(faulty: Workbench) -> None:
    lines = faulty.run("--all", "--output-format", "github").stdout.splitlines()
    assert len(lines) == len(CODES) + 1
    for line in lines:
        assert re.fullmatch(r"::(error|warning|notice) file=[^:,]+(,\w+=[^:,]*)+::.+", line)
    (block,) = (line for line in lines if "title=B204" in line)
    assert "100%25: done" in block
    assert "line=5,endLine=5,col=5,endColumn=24" in block


def test_kit_cannot_inject_a_workflow_command(bench: Workbench) -> None:
    bench.write({"agents/a.toml": 'name = "a"\ndescription = "A."\nblocks = ["x\\n::set-output name=a::b"]\n'})
    for output_format in ("github", "text"):
        run = bench.run("--all", "--output-format", output_format)
        assert not [line for line in (run.stdout + run.stderr).splitlines() if line.startswith("::set-output")]


@pytest.mark.parametrize("output_format", ["text", "json", "github", "gitlab", "junit", "sarif"])
def test_hidden_characters_are_never_printed_raw(bench: Workbench, output_format: str) -> None:
    hidden = "\u202e\u200b\U000e0041\x1b[31m"
    bench.write({"agents/a.toml": f'name = "a"\ndescription = "A."\nblocks = ["{hidden[:-4]}x"]\n{hidden}'})
    run = bench.run("--all", "--output-format", output_format)
    assert not set("\u202e\u200b\U000e0041\x1b") & set(run.stdout + run.stderr)


def _sarif(bench: Workbench) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(bench.run("--all", "--output-format", "sarif").stdout)
    return loaded


def test_sarif_results_point_at_their_rules_and_files(faulty: Workbench) -> None:
    (run,) = _sarif(faulty)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in rules} == {*CODES, "K106"}
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        location = result["locations"][0]["physicalLocation"]
        assert unquote(location["artifactLocation"]["uri"]) in FAULTY
        assert " " not in location["artifactLocation"]["uri"]


@pytest.mark.parametrize(
    ("files", "args"),
    [
        ({"agents/a.toml": "frob = 1\n"}, ["--all", "--kit", "tools/agents kit"]),
        ({"agents/a.toml": "frob = 1\n"}, ["tools/agents kit/agents/a.toml"]),
        ({"agents/a.toml": "", "assemble.toml": "frob = 1\n"}, ["--all", "--kit", "tools/agents kit"]),
        ({"agents/a.toml": "", "assemble.toml": "frob = 1\n"}, ["tools/agents kit/agents/a.toml"]),
    ],
)
def test_paths_for_services_are_relative_to_the_work_tree(
    bench: Workbench, files: dict[str, str], args: tuple[str, ...]
) -> None:
    bench.write({f"tools/agents kit/{name}": text for name, text in files.items()})
    path = f"tools/agents kit/{next(name for name, text in files.items() if text)}"
    assert f"::error file={path}," in bench.run(*args, "--output-format", "github").stdout
    sarif = json.loads(bench.run(*args, "--output-format", "sarif").stdout)["runs"][0]["results"]
    uris = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in sarif]
    assert set(map(unquote, uris)) == {path}


@pytest.mark.slow
def test_sarif_matches_the_official_schema(faulty: Workbench) -> None:
    (schema,) = _schemas()
    faulty.write({f"{kit}/{file}": text for kit in ("one", "two") for file, text in FAULTY.items()})
    faulty.write({"one/assemble.toml": "", "two/assemble.toml": "frob = 1\n"})
    several = json.loads(faulty.run("--all", "--recursive", "--output-format", "sarif").stdout)
    (faulty.folder / ".git").rmdir()  # without a work tree, a kit beside the working directory has other paths
    beside = json.loads(faulty.run("--all", "--kit", "../two", "--output-format", "sarif", cwd="one").stdout)
    for log in (_sarif(faulty), _sarif_of_failure(faulty), several, beside):
        jsonschema.Draft4Validator(json.loads(schema.read_text())).validate(log)


def _sarif_of_failure(bench: Workbench) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(bench.run("none.toml", "--output-format", "sarif").stdout)
    return loaded


def _schemas() -> list[Path]:
    if not SCHEMAS.is_dir():
        pytest.skip("the official schema is not installed; run `make slow`")
    return list(SCHEMAS.glob("sarif-2.1.0*.json"))
