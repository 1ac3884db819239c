"""Reports that a service reads: paths from the top of the repository, GitHub's limits, and the formats' rules."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree as ET

import pytest

from conftest import Workbench

SERVICES = ("github", "sarif", "gitlab", "junit")
AGENT = 'name = "a"\ndescription = "A."\n'
FAULTY = f'{AGENT}blocks = ["missing"]\n'


@pytest.fixture(autouse=True)
def _no_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(variable, raising=False)


def _paths(output_format: str, report: str) -> set[str]:
    """The paths in a report, from the folder that the service resolves them from."""
    if output_format == "github":
        return {unquote(path) for path in re.findall(r"^::\w+ file=([^,]+),", report, re.MULTILINE)}
    if output_format == "junit":
        return {str(case.get("file")) for case in ET.fromstring(report).iter("testcase") if len(case)}
    loaded = json.loads(report)
    if output_format == "gitlab":
        return {issue["location"]["path"] for issue in loaded}
    (run,) = loaded["runs"]
    artifacts = [
        location["physicalLocation"]["artifactLocation"]
        for result in run["results"]
        for location in result["locations"]
    ]
    assert all(artifact["uriBaseId"] in run["originalUriBaseIds"] for artifact in artifacts)
    return {unquote(artifact["uri"]) for artifact in artifacts}


@pytest.mark.parametrize("output_format", SERVICES)
@pytest.mark.parametrize(
    ("cwd", "args"),
    [
        (".", ["--all", "--kit", "tools/a kit"]),
        (".", ["tools/a kit/agents/a.toml"]),
        ("tools", ["--all", "--kit", "a kit"]),
        ("tools/a kit", ["--all"]),
        ("tools/a kit/agents", ["--all"]),
        ("tools/a kit/agents", ["a.toml"]),
        ("docs", ["--all", "--kit", "../tools/a kit"]),
        ("..", ["--all", "--kit", "{here}/tools/a kit"]),
    ],
)
def test_paths_start_at_the_top_of_the_work_tree(
    bench: Workbench, output_format: str, cwd: str, args: list[str]
) -> None:
    bench.write({"tools/a kit/agents/a.toml": FAULTY, "docs/x.md": ""})
    args = [arg.replace("{here}", str(bench.folder)) for arg in args]
    report = bench.run(*args, "--output-format", output_format, cwd=cwd).stdout
    assert _paths(output_format, report) == {"tools/a kit/agents/a.toml"}


@pytest.mark.parametrize("output_format", SERVICES)
def test_paths_of_settings_and_of_outputs_beside_the_kit(bench: Workbench, output_format: str) -> None:
    settings = 'root = "../.."\ntarget.claude-code.output = "../../.claude/agents/{name}.md"\n'
    bench.write({"tools/kit/agents/a.toml": AGENT, "tools/kit/assemble.toml": settings})
    args = ("--all", "--check", "--output-format", output_format)
    report = bench.run(*args, cwd="tools/kit").stdout
    assert _paths(output_format, report) == {".claude/agents/a.md"}
    bench.write({"tools/kit/assemble.toml": "frob = 1\n"})
    report = bench.run(*args, cwd="tools/kit").stdout
    assert _paths(output_format, report) - {"tools/kit", "None"} == {"tools/kit/assemble.toml"}


@pytest.mark.parametrize("output_format", SERVICES)
def test_without_a_work_tree_paths_start_at_the_working_directory(bench: Workbench, output_format: str) -> None:
    (bench.folder / ".git").rmdir()
    bench.write({"tools/kit/agents/a.toml": FAULTY, "docs/x.md": ""})
    args = ("--all", "--output-format", output_format, "--kit")
    assert _paths(output_format, bench.run(*args, "kit", cwd="tools").stdout) == {"kit/agents/a.toml"}
    assert _paths(output_format, bench.run(*args, "../tools/kit", cwd="docs").stdout) == {"agents/a.toml"}


@pytest.mark.parametrize("output_format", SERVICES)
@pytest.mark.parametrize("variable", ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"])
def test_without_a_work_tree_paths_start_at_the_folder_of_the_service(
    bench: Workbench, output_format: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.folder / ".git").rmdir()
    bench.write({"tools/kit/agents/a.toml": FAULTY})
    monkeypatch.setenv(variable, str(bench.folder))
    report = bench.run("--all", "--output-format", output_format, cwd="tools/kit").stdout
    assert _paths(output_format, report) == {"tools/kit/agents/a.toml"}


@pytest.mark.parametrize("output_format", SERVICES)
def test_a_failure_of_one_of_several_kits_names_it(bench: Workbench, output_format: str) -> None:
    kits = {f"{kit}/agents/a.toml": AGENT for kit in ("good", "odd")}
    bench.write({**kits, "odd/assemble.toml": "frob = 1\n"})
    report = bench.run("--all", "--recursive", "--output-format", output_format).stdout
    what = "the settings have errors; nothing was done"
    named = {
        "github": f"::error::odd: {what}",
        "sarif": f"odd: {what}",
        "gitlab": '"path": "odd"',
        "junit": 'name="assemble" classname="odd"',
    }
    assert named[output_format] in report


def test_paths_for_github_start_at_its_workspace(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """`actions/checkout` with `path` puts the work tree below the workspace."""
    bench.write({"repo/.git/HEAD": "", "repo/kit/agents/a.toml": FAULTY})
    paths = {"github": "repo/kit/agents/a.toml", "sarif": "kit/agents/a.toml", "gitlab": "kit/agents/a.toml"}
    for workspace, expected in ((".", paths), ("other", paths | {"github": "kit/agents/a.toml"})):
        monkeypatch.setenv("GITHUB_WORKSPACE", str(bench.folder / workspace))
        for output_format, path in expected.items():
            report = bench.run("--all", "--output-format", output_format, cwd="repo/kit").stdout
            assert _paths(output_format, report) == {path}


def test_a_linked_workspace_is_resolved(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write({"real/kit/agents/a.toml": FAULTY})
    (bench.folder / "link").symlink_to("real")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(bench.folder / "link"))
    report = bench.run("--all", "--output-format", "github", cwd="real/kit").stdout
    assert _paths("github", report) == {"kit/agents/a.toml"}


def test_sarif_says_where_its_paths_start(bench: Workbench) -> None:
    bench.write({"ä b/50%/agents/a.toml": FAULTY})
    (run,) = json.loads(bench.run("--all", "--output-format", "sarif", cwd="ä b/50%").stdout)["runs"]
    (base,) = run["originalUriBaseIds"].values()
    (result,) = run["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "%C3%A4%20b/50%25/agents/a.toml"
    assert Path(unquote(urlsplit(urljoin(base["uri"], uri)).path)) == bench.folder / "ä b/50%/agents/a.toml"


def test_sarif_counts_columns_in_code_points(bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT + 'role = "\U0001f600" \nblocks = ["\U0001f600", "missing"]\n'})
    (run,) = json.loads(bench.run("--all", "--output-format", "sarif").stdout)["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    regions = [result["locations"][0]["physicalLocation"]["region"] for result in run["results"]]
    assert regions[-1] | {"startLine": 4, "startColumn": 16, "endColumn": 25} == regions[-1]


def _agents(count: int) -> dict[str, str]:
    return {f"agents/a{number:03}.toml": FAULTY.replace('"a"', f'"a{number:03}"') for number in range(count)}


@pytest.mark.parametrize(("count", "more"), [(9, 0), (10, 0), (11, 2), (25, 16)])
def test_github_gets_ten_annotations_of_a_kind_and_the_log_gets_the_rest(
    bench: Workbench, count: int, more: int
) -> None:
    bench.write(_agents(count))
    lines = bench.run("--all", "--output-format", "github").stdout.splitlines()
    annotations = [line for line in lines if line.startswith("::error")]
    assert len(annotations) == min(count, 10)
    assert ("::error title=assemble::" in annotations[-1]) is bool(more)
    if more:
        assert annotations[-1].endswith(f"::{more} more errors: see the end of the log of this step")
    rest = [line for line in lines if re.match(r"agents/a\d+\.toml:3:11: error\[B201\] unknown block", line)]
    assert len(rest) == more
    assert len({*re.findall(r"a\d{3}\.toml", "\n".join(lines))}) == count


def test_github_counts_each_kind_by_itself(bench: Workbench) -> None:
    bench.write({f"agents/a{n}.toml": f'name = "a{n}"\ndescription = "A."\ntools = ["Nope{n}"]\n' for n in range(12)})
    bench.write(_agents(12))
    report = bench.run("--all", "--output-format", "github").stdout
    counts = Counter(re.findall(r"^::(\w+)", report, re.MULTILINE))
    assert counts["error"] == 10
    assert all(count <= 10 for count in counts.values())


def test_github_always_annotates_the_failure(bench: Workbench) -> None:
    bench.write({"assemble.toml": "".join(f"frob{n} = 1\n" for n in range(30)), "agents/a.toml": AGENT})
    report = bench.run("--all", "--output-format", "github").stdout
    assert "::error::the settings have errors" in report
    assert len(re.findall("^::error", report, re.MULTILINE)) == 10


def test_lines_for_the_log_cannot_be_commands(bench: Workbench) -> None:
    bench.write(_agents(10))
    odd = 'blocks = ["x\\n::error::owned", "::error::owned", "##[error]owned"]\n'
    bench.write({f"agents/b{n}.toml": f'name = "b{n}"\ndescription = "B."\n{odd}' for n in range(5)})
    report = bench.run("--all", "--output-format", "github").stdout
    assert len([line for line in report.splitlines() if line.lstrip().startswith("::")]) == 10
    assert "##[" not in report


def _gitlab(bench: Workbench, *args: str) -> list[dict[str, Any]]:
    run = bench.run("--all", *args, "--output-format", "gitlab")
    assert run.stderr == ""
    loaded: list[dict[str, Any]] = json.loads(run.stdout)
    return loaded


def test_gitlab_gets_what_it_documents(bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT + 'tools = ["Nope"]\nblocks = ["missing"]\n'})
    issues = _gitlab(bench)
    assert {"critical"} <= {issue["severity"] for issue in issues} <= {"info", "minor", "major", "critical", "blocker"}
    for issue in issues:
        assert issue.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["location"].keys() == {"path", "lines"}
        assert issue["location"]["lines"]["begin"] > 0
        assert re.fullmatch("[0-9a-f]{64}", issue["fingerprint"])


def test_a_clean_kit_is_an_empty_array_for_gitlab(bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT + "blocks = []\n"})
    assert [issue for issue in _gitlab(bench) if issue["severity"] != "info"] == []


def test_fingerprints_survive_a_move_and_are_unique(bench: Workbench) -> None:
    blocks = 'blocks = ["missing", "other"]\n'
    bench.write({"agents/a.toml": AGENT + blocks, "agents/b.toml": AGENT.replace('"a"', '"b"') + blocks})
    before = {issue["fingerprint"]: issue["description"] for issue in _gitlab(bench)}
    bench.write({"agents/a.toml": f"# A comment.\n\n{AGENT}\n{blocks}"})
    after = _gitlab(bench)
    assert {issue["fingerprint"]: issue["description"] for issue in after} == before
    assert len(before) == len(after)


def test_equal_findings_in_a_file_have_different_fingerprints(bench: Workbench) -> None:
    bench.write({"agents/a.toml": AGENT + 'blocks = ["missing"]\n\n[[handoff]]\n\n[[handoff]]\n'})
    issues = _gitlab(bench)
    assert len({issue["description"] for issue in issues}) < len(issues)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


def test_a_failure_has_a_place_for_gitlab(bench: Workbench) -> None:
    (issue,) = _gitlab(bench)
    assert (issue["severity"], issue["location"]["path"]) == ("blocker", ".")
    assert issue["description"].startswith("no kit was found in ")


def test_junit_has_a_case_for_each_file(bench: Workbench) -> None:
    bench.write({"kit/agents/a.toml": AGENT, "kit/agents/b.toml": AGENT.replace('"a"', '"b"')})
    bench.run("--all", "--kit", "kit")
    bench.write({"kit/agents/b.toml": AGENT.replace('"a"', '"b"') + 'model = "opus"\n'})
    root = ET.fromstring(bench.run("--all", "--check", "--kit", "kit", "--output-format", "junit").stdout)
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("2", "1", "0")
    (suite,) = root
    assert suite.get("name") == "kit"
    assert {case.get("name"): [part.tag for part in case] for case in suite} == {
        "kit/agents/a.md": [],
        "kit/agents/b.md": ["failure"],
    }


def test_junit_has_what_is_waived(bench: Workbench) -> None:
    reason = 'reason = "in a <container>"'
    allowed = f'[[allow-rights]]\nagent = "a"\nrights = ["claude-code.hooks"]\n{reason}\n'
    bench.write({"assemble.toml": f'ignore = ["O627"]\n{allowed}', "agents/a.toml": 'name = "a"\ndescription = "A."\n'})
    bench.run("--all")
    (suite,) = ET.fromstring(bench.run("--all", "--check", "--output-format", "junit", "--ignore", "R502").stdout)
    assert suite.findtext("system-out", "").splitlines() == [
        "waived: O627 is ignored",
        "waived: R502 is ignored",
        "waived: a may have claude-code.hooks (in a <container>)",
    ]
    assert "waived" not in bench.run("--all", "--output-format", "junit").stdout


def test_junit_reports_a_failure_as_an_error(bench: Workbench) -> None:
    run = bench.run("--all", "--output-format", "junit")
    assert run.status == 2
    (case,) = ET.fromstring(run.stdout).iter("testcase")
    assert case[0].tag == "error"
    assert str(case[0].get("message")).startswith("no kit was found")


@pytest.mark.parametrize(
    "odd", ["\\u001b[31m", "\\uFFFF", "<&>]]>\\\"'", "\\U0001F600", "\\u0000", "\\uFFFE", "\\u200b"]
)
def test_junit_is_xml_whatever_a_kit_contains(bench: Workbench, odd: str) -> None:
    bench.write({"agents/a.toml": f'{AGENT}blocks = ["{odd}"]\n'})
    run = bench.run("--all", "--output-format", "junit")
    assert ET.fromstring(run.stdout).get("failures") == "1"
    assert run.stdout.isascii()


@pytest.mark.parametrize("output_format", SERVICES)
def test_odd_file_names_fit_every_format(bench: Workbench, output_format: str) -> None:
    bench.write({"a b,c:d%\udcff]]>&/agents/a.toml": FAULTY})
    (folder,) = (path.name for path in bench.folder.iterdir() if path.name != ".git")
    report = bench.run("--all", "--kit", folder, "--output-format", output_format).stdout
    assert _paths(output_format, report)
