"""`--recursive`, manifests of several kits, and the setting and the option `exclude`."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from conftest import Run, Workbench
from kei_assembler.kit.search import NEVER_ENTERED, Search
from kei_assembler.paths import matches_glob
from repositories import git

AGENT = 'name = "a"\ndescription = "A."\nrole = "You work."\n'
ALL = ("--all", "--recursive")


def _kits(*folders: str, text: str = AGENT) -> dict[str, str]:
    return {f"{folder}/{file}": text * (file != "assemble.toml") for folder in folders
            for file in ("agents/a.toml", "assemble.toml")}  # fmt: skip


@pytest.fixture
def repository(bench: Workbench) -> Workbench:
    (bench.folder / ".git").rmdir()
    git(bench.folder, "init", "--quiet")
    return bench


def _headings(run: Run) -> list[str]:
    return re.findall(r"^(\S.*):$", run.stderr, re.MULTILINE)


def _found(bench: Workbench, *args: str, cwd: str = ".") -> list[str]:
    """The kits that a recursive check runs."""
    report = json.loads(bench.run(*ALL, "--check", "--output-format", "json", *args, cwd=cwd).stdout)
    return [kit["kit"] for kit in report.get("kits", ())]


def test_every_kit_is_built(bench: Workbench) -> None:
    bench.write(_kits("packages/b", "packages/a", "c"))
    run = bench.run(*ALL)
    assert (run.status, _headings(run)) == (0, ["c", "packages/a", "packages/b"])
    assert run.stderr.count("1 agent") == 3
    assert run.stderr.endswith("\n\n3 kits: 3 succeeded\n")
    assert {name for name in bench.files() if name.endswith(".md")} == {
        f"{kit}/agents/a.md" for kit in ("c", "packages/a", "packages/b")
    }
    assert bench.run(*ALL, "--check").status == 0


@pytest.mark.parametrize(
    ("args", "command"),
    [
        ("--all --recursive --ignore O627", "--all --recursive --ignore O627 --force --prune"),
        ("--all --recursive --exclude a --ignore O627", "--all --recursive --exclude a --ignore O627 --force --prune"),
        ("--all --recursive --target claude-code", "--all --recursive --target claude-code --force --prune"),
        ("--all --recursive --exclude a --exclude b", "--all --prune --kit 'my kits/c'"),
        ("--all --recursive --kit my\\ kits", None),
        ("a/agents/a.toml b/agents/a.toml", "a/agents/a.toml b/agents/a.toml --force"),
    ],
)
def test_one_command_repairs_all_kits(bench: Workbench, args: str, command: str | None) -> None:
    bench.write(_kits("a", "b", "d", "my kits/c"))
    bench.write({"my kits/c/agents/z.toml": AGENT.replace('"a"', '"z"')})
    bench.run(*ALL)
    bench.write(
        {"a/agents/a.toml": AGENT + 'domain_in = ["X"]\n', "b/agents/a.md": bench.read("b/agents/a.md") + "X\n"}
    )
    (bench.folder / "my kits/c/agents/z.toml").unlink()
    checked = bench.run("--check", *shlex.split(args))
    assert (checked.status, checked.stderr.count("to fix ")) == (1, 1)
    last = checked.stderr.splitlines()[-1]
    assert last.startswith("to fix this, run: assemble ")
    assert command is None or last == f"to fix this, run: assemble {command}"
    assert bench.run(*shlex.split(last.partition(": assemble ")[2])).status == 0
    assert bench.run("--check", *shlex.split(args)).status == 0


def test_the_command_for_all_kits_counts_the_errors_that_it_leaves(bench: Workbench) -> None:
    bench.write(_kits("a", "b", "c", "d") | {"c/agents/a.toml": f"{AGENT}frob = 1\n", "d/assemble.toml": "frob = 1\n"})
    run = bench.run(*ALL, "--check")
    assert run.stderr.endswith("\nto fix all but 3 errors, run: assemble --all --recursive\n")
    assert bench.run(*ALL).status == 2
    assert "to fix" not in bench.run(*ALL, "--check").stderr


def test_an_error_in_one_kit_does_not_stop_the_others(bench: Workbench) -> None:
    bench.write(_kits("a", "b", "c") | {"b/agents/b.toml": "frob = 1\n"})
    run = bench.run(*ALL)
    assert run.status == 1
    assert run.stderr.endswith("3 kits: 2 succeeded, 1 failed: b\n")
    assert {name for name in bench.files() if name.endswith(".md")} == {"a/agents/a.md", "c/agents/a.md"}


@pytest.mark.parametrize("broken", ["frob = 1\n", "x = [\n", 'ignore = ["B999"]\n', 'blocks = ["none"]\n'])
def test_broken_settings_are_status_2_for_their_kit(bench: Workbench, broken: str) -> None:
    bench.write(_kits("a", "b", "c") | {"b/assemble.toml": broken, "c/agents/a.toml": "frob = 1\n"})
    run = bench.run(*ALL)
    assert (run.status, _headings(run)) == (2, ["a", "b", "c"])
    assert (bench.folder / "a/agents/a.md").exists()
    report = json.loads(bench.run(*ALL, "--output-format", "json").stdout)
    assert [(kit["kit"], kit["status"], "failure" in kit) for kit in report["kits"]] == [
        ("a", 0, False), ("b", 2, True), ("c", 1, False),
    ]  # fmt: skip


def test_no_kit_is_an_error(bench: Workbench) -> None:
    for output_format in ("text", "json", "github", "gitlab", "junit", "sarif"):
        run = bench.run(*ALL, "--check", "--output-format", output_format)
        assert run.status == 2
        assert "no kit was found in" in run.stdout + run.stderr


def test_the_error_says_why_there_is_no_kit(bench: Workbench) -> None:
    bench.write(_kits("kit") | {"kit/docs/x.md": ""})
    run = bench.run(*ALL, cwd="kit/docs")
    assert (run.status, f"it lies in the kit {bench.folder}/kit;" in run.stderr) == (2, True)
    run = bench.run(*ALL, "--exclude", "kit")
    assert (run.status, "1 folder below it is excluded" in run.stderr) == (2, True)
    assert "--kit takes the folder" in bench.run(*ALL, "--kit", "none").stderr


def test_what_a_kit_is(bench: Workbench) -> None:
    bench.write(
        {
            **_kits("settings"),
            "blocks/_blocks/x.md": "x\n",
            "project/pyproject.toml": "[tool.assemble]\n",
            "manifests/agents/a.toml": AGENT,
            "other-project/pyproject.toml": '[project]\nname = "assemble"\n',
            "other-agents/agents/config.toml": "workers = 4\n",
            "markdown/agents/a.md": "x\n",
            "in/agents/_blocks/x.md": "x\n",  # the kit is `in/agents`, not `in`
            "in/agents/agents/a.toml": AGENT,
        }
    )
    assert _found(bench) == ["blocks", "in/agents", "manifests", "project", "settings"]


def test_a_kit_inside_a_kit_is_run_and_plain_folders_of_manifests_in_it_are_not(bench: Workbench) -> None:
    bench.write(_kits(".", "tools/inner") | {"src/agents/a.toml": AGENT, "tools/inner/src/agents/a.toml": AGENT})
    assert _found(bench) == [".", "tools/inner"]
    (bench.folder / "assemble.toml").unlink()
    (bench.folder / "agents/a.toml").unlink()
    assert _found(bench) == ["src", "tools/inner"]


def test_a_kit_above_counts_too(bench: Workbench) -> None:
    bench.write(_kits(".", "packages/inner") | {"packages/plain/agents/a.toml": AGENT})
    assert _found(bench, cwd="packages") == ["inner"]


def test_where_kits_are_not_searched(repository: Workbench) -> None:
    skipped = [".venv/kit", ".claude", "a/.hidden", *(f"a/{name}/kit" for name in NEVER_ENTERED), "build/kit", "a/out"]
    repository.write(_kits("a", "b", "b/build", *skipped) | {".gitignore": "/build/\nout\n"})
    assert _found(repository) == ["a", "b", "b/build"]


def test_what_git_ignores_in_other_ways(repository: Workbench) -> None:
    repository.write(_kits("a", "b", "c", "d") | {"c/.gitignore": "*\n", ".git/info/exclude": "b/\n"})
    repository.write({".gitignore": "/d\n"})
    git(repository.folder, "add", "--force", "d")  # what git tracks, it does not ignore
    assert _found(repository) == ["a", "d"]
    assert _found(repository, "--kit", "b") == ["b"]
    assert _found(repository, cwd="b") == ["."]


def test_without_git(repository: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    repository.write(_kits("a", "node_modules/x", "build/x") | {".gitignore": "build/\n"})
    assert _found(repository) == ["a"]
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert _found(repository) == ["a", "build/x"]


def test_other_work_trees_are_not_entered(repository: Workbench) -> None:
    repository.write(_kits("a", "vendor/other", "linked-tree"))
    git(repository.folder / "vendor/other", "init", "--quiet")
    (repository.folder / "linked-tree/.git").write_text("gitdir: elsewhere\n")
    assert _found(repository) == ["a"]
    assert _found(repository, "--kit", "vendor/other") == ["vendor/other"]


def test_work_trees_in_a_plain_folder_are_entered(bench: Workbench) -> None:
    (bench.folder / ".git").rmdir()
    bench.write(_kits("one", "two/kit", "two/out") | {"two/.gitignore": "out/\n", "three/agents/a.toml": AGENT})
    for name in ("one", "two"):
        git(bench.folder / name, "init", "--quiet")
    assert _found(bench) == ["one", "three", "two/kit"]


def test_links_are_not_followed(bench: Workbench) -> None:
    bench.write(_kits("a"))
    (bench.folder / "b").symlink_to("a")
    (bench.folder / "a/loop").symlink_to("..")
    assert _found(bench) == ["a"]
    assert _found(bench, "--kit", "b") == ["a"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every folder")
def test_an_unreadable_folder_is_reported(bench: Workbench) -> None:
    bench.write(_kits("a", "b"))
    (bench.folder / "b").chmod(0)
    run = bench.run(*ALL)
    (bench.folder / "b").chmod(0o755)
    assert (run.status, _headings(run)) == (2, ["a", "b"])
    assert "cannot be searched for kits: Permission denied" in run.stderr


def test_a_folder_that_cannot_be_listed_is_reported(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write(_kits("a", "b", "c"))
    search = Search(str(bench.folder), str(bench.folder))
    real = search.files.list

    def listing(folder: str, source_suffix: str | None = None) -> Any:
        if folder.endswith("/b"):
            raise PermissionError(13, "Permission denied")
        return real(folder, source_suffix)

    monkeypatch.setattr(search.files, "list", listing)
    found = {os.path.basename(folder): str(error or "") for folder, error in search.kits()}
    assert list(found) == ["a", "b", "c"]
    assert found["b"].endswith("/b` cannot be searched for kits: Permission denied")


def test_very_deep_folders_are_reported(bench: Workbench) -> None:
    bench.write(_kits("a") | {"/".join(["d"] * 120) + "/x": ""})
    run = bench.run(*ALL)
    assert (run.status, "is more than 100 folders deep" in run.stderr) == (2, True)
    assert (bench.folder / "a/agents/a.md").exists()


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("b", ["b", "a/b", "b/c"], ["a", "ab", "a/bc"]),
        ("b/", ["b", "a/b", "b/c"], ["a"]),
        ("/b", ["b", "b/c"], ["a/b"]),
        ("./b", ["b", "b/c"], ["a/b"]),
        ("a/b", ["a/b", "a/b/c"], ["b", "x/a/b"]),
        ("a/*", ["a/b", "a/b/c"], ["a", "b/a"]),
        ("a/*/c", ["a/b/c"], ["a/c", "a/b/b/c"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "x/a/b"]),
        ("a/**/c", ["a/c", "a/b/c", "a/b/b/c", "a/c/d"], ["a", "c"]),
        ("**/c", ["c", "a/c", "a/b/c"], ["a", "cc"]),
        ("**", ["a", "a/b"], []),
        ("*-old", ["x-old", "a/x-old/b"], ["old", "x-older"]),
        ("?", ["b", "a/b"], ["bb", "bb/cc"]),
        ("[ab]", ["a", "b"], ["c"]),
        ("**/**/c", ["c", "a/c"], ["a"]),
    ],
)
def test_patterns(pattern: str, matching: list[str], others: list[str]) -> None:
    assert [path for path in (*matching, *others) if matches_glob(path, pattern)] == matching


def test_patterns_take_little_time() -> None:
    assert not matches_glob("/".join(["a" * 50] * 200), "**/*a*a*a*a*b/**/" * 50 + "c")


def test_the_option_exclude_is_relative_to_the_working_directory(bench: Workbench) -> None:
    bench.write(_kits("a", "p/a", "p/b", "p/q/c"))
    assert _found(bench, "--exclude", "p/*") == ["a"]
    assert _found(bench, "--exclude", "/a", "--exclude", "q") == ["p/a", "p/b"]
    assert _found(bench, "--exclude", "a", cwd="p") == ["b", "q/c"]
    assert _found(bench, "--exclude", "p/q", "--kit", "p") == ["p/a", "p/b"]


def test_the_setting_exclude_is_relative_to_its_kit(bench: Workbench) -> None:
    bench.write(_kits("p", "p/tests/x", "p/tests/y", "tests/z") | {"p/assemble.toml": 'exclude = ["tests/*"]\n'})
    assert _found(bench) == ["p", "tests/z"]
    bench.write({"pyproject.toml": '[tool.assemble]\nexclude = ["tests", "p"]\n'})
    assert _found(bench) == ["."]
    assert _found(bench, "--kit", "tests/z") == ["tests/z"]
    assert _found(bench, cwd="p") == ["."]


def test_patterns_that_match_nothing_are_reported(bench: Workbench) -> None:
    settings = 'exclude = ["cases/*", "old", "cases/broken/x", "*.d"]\n'
    bench.write(_kits("p", "p/cases/broken", "p/tests/old-2") | {"p/assemble.toml": settings})
    run = bench.run(*ALL, "--exclude", "vendor", "--exclude", "old-*", "--exclude", "no\n::error::x")
    unused = re.findall(r"^p/assemble.toml:1:(\d+): note\[C716\] `(.*)` matches no folder", run.stderr, re.MULTILINE)
    assert (run.status, unused) == (0, [("23", "old"), ("30", "cases/broken/x"), ("48", "*.d")])
    assert [line for line in run.stderr.splitlines() if "--exclude" in line] == [
        "note: `--exclude vendor` matches no folder", "note: `--exclude no<U+000A>::error::x` matches no folder",
    ]  # fmt: skip
    assert json.loads(bench.run(*ALL, "--exclude", "vendor", "--output-format", "json").stdout)["diagnostics"]
    assert "C716" not in bench.run(*ALL, "--ignore", "C716").stderr
    assert "C716" not in bench.run("--all", "--kit", "p").stderr
    assert "C716" not in bench.run(*ALL, cwd="p/tests").stderr  # not all of the kit is searched


@pytest.mark.parametrize("entry", ["../x", "", "a/../b", "C:/x", "~/x", "a\\\\b", ".."])
def test_an_exclude_that_can_match_nothing_is_an_error(bench: Workbench, entry: str) -> None:
    bench.write(_kits(".") | {"assemble.toml": f'exclude = ["{entry}"]\n'})
    run = bench.run("--all")
    assert (run.status, "C702" in run.stderr) == (2, True)


@pytest.mark.parametrize("args", [("--recursive", "a.toml"), ("--recursive",), ("--all", "--exclude", "x")])
def test_contradictions(bench: Workbench, args: tuple[str, ...]) -> None:
    assert bench.run(*args).status == 2


def test_manifests_of_several_kits_are_built_kit_by_kit(bench: Workbench) -> None:
    bench.write(_kits("b", "a", "c") | {"b/agents/b.toml": AGENT.replace('"a"', '"b"')})
    run = bench.run("b/agents/b.toml", "a/agents/a.toml", "b/agents/a.toml")
    assert (run.status, _headings(run)) == (0, ["a", "b"])
    assert "\nb:\n2 agents" in run.stderr
    bench.write({"a/agents/a.toml": "frob = 1\n", "b/agents/b.toml": AGENT.replace('"a"', '"b"').replace("A.", "B.")})
    run = bench.run("b/agents/b.toml", "a/agents/a.toml")
    assert (run.status, "description: B." in bench.read("b/agents/b.md")) == (1, True)


def test_several_kits_named_from_inside_one(bench: Workbench) -> None:
    bench.write(_kits("a", "b"))
    run = bench.run("../b/agents/a.toml", "agents/a.toml", "--output-format", "json", cwd="a")
    assert [change["path"] for change in json.loads(run.stdout)["changes"]] == ["agents/a.md", "../b/agents/a.md"]


def test_options_hold_for_every_kit(bench: Workbench) -> None:
    kits = _kits("a", "b")
    bench.write(
        kits | {"a/_blocks/x.md": "x\n", "b/_blocks/x.md": "x\n", "a/agents/b.toml": AGENT.replace('"a"', '"b"')}
    )
    assert bench.run(*ALL, "--target", "codex").status == 0
    assert sum(name.endswith(".toml") and ".codex" in name for name in bench.files()) == 3
    assert "B206" not in bench.run(*ALL, "--ignore", "b206").stderr
    assert bench.run(*ALL, "--ignore", "B999").stderr.count("B999") == 1
    (bench.folder / "a/agents/b.toml").unlink()
    assert bench.run(*ALL, "--check").status == 1
    assert bench.run(*ALL, "--prune").status == 0
    bench.write({"b/agents/a.md": bench.read("b/agents/a.md") + "By hand.\n"})
    assert bench.run(*ALL).status == 1
    assert bench.run(*ALL, "--force").status == 0
    warning = {"b/agents/a.toml": AGENT + 'tools = ["Read"]\nmodel = "none"\n'}
    bench.write(warning)
    assert bench.run(*ALL, "--strict").status == bench.run("--all", "--strict", "--kit", "b").status


def test_diffs_are_relative_to_the_working_directory(repository: Workbench) -> None:
    repository.write(_kits("packages/a", "b"))
    run = repository.run(*ALL, "--diff", "--check")
    assert run.status == 1
    assert run.stdout.startswith("--- /dev/null\n+++ b/b/agents/a.md\n")
    subprocess.run(["git", "apply"], input=run.stdout, text=True, cwd=repository.folder, check=True)
    assert repository.run(*ALL, "--check").status == 0


@pytest.mark.parametrize(
    ("cwd", "args", "paths"),
    [
        (".", ALL, ["b/agents/a.md", "p/a/agents/a.md"]),
        ("p/a", (*ALL, "--kit", "../.."), ["../../b/agents/a.md", "agents/a.md"]),
        ("b", ("agents/a.toml", "../p/a/agents/a.toml"), ["agents/a.md", "../p/a/agents/a.md"]),
    ],
)
def test_paths_are_relative_to_the_working_directory(
    bench: Workbench, cwd: str, args: tuple[str, ...], paths: list[str]
) -> None:
    """Stdout has no headings, so that each line has to say which file it is about."""
    bench.write(_kits("b", "p/a") | {"b/agents/a.md": "By hand.\n"})
    check, diff = (bench.run(*args, *options, cwd=cwd) for options in (("--check",), ("--diff",)))
    expected = sorted([f"foreign {paths[0]} [O605]", f"would create {paths[1]} [O609]"])
    assert sorted(check.stdout.splitlines()) == expected
    assert (
        f"\n{paths[0]}:1:1: error[O605] a file that was not generated from agents/a.toml is in the way" in check.stderr
    )
    assert f"\n--force overwrites {paths[0]}\n" in check.stderr
    assert {f"+++ b/{path}" for path in paths} <= set(diff.stdout.splitlines())
    build = bench.run(*args, cwd=cwd)
    assert f"created {paths[1]}" in build.stdout.splitlines()
    assert f"foreign {paths[0]}" in build.stdout.splitlines()


def test_related_places_are_relative_to_the_working_directory(bench: Workbench) -> None:
    bench.write(_kits("a", "b", text=f'{AGENT}blocks = ["r"]\n') | {"a/_blocks/r.md": "Rule.\n"})
    bench.write({"b/assemble.toml": 'blocks = ["x", "y"]\n', "b/x/r.md": "Rule.\n", "b/y/r.md": "Other.\n"})
    err = bench.run(*ALL).stderr
    assert re.findall(r"^(\S+):\d+:\d+: note: ", err, re.MULTILINE) == ["b/x/r.md", "b/y/r.md"]


@pytest.mark.parametrize("output_format", ["text", "json"])
def test_the_diffs_of_all_kits_are_bounded(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, output_format: str
) -> None:
    bench.write(_kits("a", "b", "c"))
    whole = bench.run(*ALL, "--diff").stdout
    monkeypatch.setattr("kei_assembler.build.diff.MAX_DIFFS", len(whole) // 3 + 1)
    report = bench.run(*ALL, "--diff", "--output-format", output_format).stdout
    assert (report.count("@@ -0,0"), report.count("its diff is left out")) == (2, 1)
    assert "File a/c/agents/a.md differs" in report


def test_staged(repository: Workbench) -> None:
    repository.write(_kits("a", "b"))
    repository.run(*ALL)
    git(repository.folder, "add", "a")
    run = repository.run(*ALL, "--check", "--staged")
    assert (run.status, _headings(run)) == (1, ["a", "b"])
    assert run.stderr.index("O612") > run.stderr.index("\nb:\n")
    git(repository.folder, "add", "b")
    assert repository.run(*ALL, "--check", "--staged").status == 0


@pytest.mark.parametrize("cwd", [".", "packages"])
def test_machine_formats_give_one_report(bench: Workbench, cwd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    bench.write(_kits("packages/a", "packages/b", text=AGENT + 'blocks = ["none"]\n'))
    reports = {
        each: bench.run(*ALL, "--output-format", each, cwd=cwd).stdout
        for each in ("json", "github", "gitlab", "junit", "sarif")
    }
    paths = [f"packages/{kit}/agents/a.toml" for kit in "ab"]
    assert re.findall("^::error file=([^,]+),", reports["github"], re.MULTILINE) == paths
    assert [issue["location"]["path"] for issue in json.loads(reports["gitlab"])] == paths
    assert [suite.get("name") for suite in ET.fromstring(reports["junit"])] == ["packages/a", "packages/b"]
    (run,) = json.loads(reports["sarif"])["runs"]
    assert [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]] == paths
    loaded = json.loads(reports["json"])
    here = [path if cwd == "." else path.removeprefix("packages/") for path in paths]
    assert [found["file"] for found in loaded["diagnostics"]] == here
    assert [found["kit"] for found in loaded["diagnostics"]] == [
        os.path.dirname(os.path.dirname(path)) for path in here
    ]


def test_one_report_for_github_has_ten_annotations(bench: Workbench) -> None:
    bench.write(_kits(*(f"k{number:02}" for number in range(15)), text=AGENT + 'blocks = ["none"]\n'))
    report = bench.run(*ALL, "--output-format", "github").stdout
    assert len(re.findall("^::error", report, re.MULTILINE)) == 10
    assert len(re.findall(r"^k\d\d/agents/a.toml:4:11: error\[B201\]", report, re.MULTILINE)) == 6


def test_a_report_on_several_kits_is_bounded(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kei_assembler.cli.app.MAX_FINDINGS", 10)
    faulty: Mapping[str, str] = _kits("a", "b", "c", text=AGENT + "".join(f"x{n} = 1\n" for n in range(8)))
    bench.write(faulty)
    for output_format in ("text", "json"):
        run = bench.run(*ALL, "--output-format", output_format)
        assert (run.stdout + run.stderr).count("K101") == 8 + 2 + 1
        assert run.status == 1


def test_one_kit_has_a_heading_and_no_total(bench: Workbench) -> None:
    bench.write(_kits("kit"))
    run = bench.run(*ALL)
    assert run.stderr.startswith("kit:\n1 agent")
    assert " kit" not in run.stderr


def test_a_kit_in_the_working_directory_alone_has_no_heading(bench: Workbench) -> None:
    bench.write(_kits("."))
    assert bench.run(*ALL).stderr == "1 agent, 1 file: 1 created\n"
    assert bench.run(*ALL, "--check") == bench.run("--all", "--check")


def test_the_order_does_not_depend_on_the_listing(bench: Workbench) -> None:
    bench.write(_kits("b", "b/c", "b-c", "B", "a/z", "a b"))
    assert _found(bench) == ["B", "a/z", "a b", "b", "b/c", "b-c"]


def test_odd_names_are_escaped(bench: Workbench) -> None:
    bench.write(_kits("a", "x\x1b[31m\n::error::y"))
    run = bench.run(*ALL)
    assert "\x1b" not in run.stdout + run.stderr
    assert not [line for line in run.stderr.splitlines() if line.startswith("::")]


def test_a_deleted_kit_is_reported(bench: Workbench) -> None:
    """Nothing that is named is skipped silently."""
    bench.write(_kits("a"))
    assert bench.run("a/agents/a.toml", "b/agents/a.toml").status == 2
    shutil.rmtree(bench.folder / "a")
    assert bench.run(*ALL).status == 2
