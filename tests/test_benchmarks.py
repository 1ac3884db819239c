"""The benchmark: its kits are valid, and its command measures and reports."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import REPOSITORY, Workbench

BENCHMARKS = REPOSITORY / "benchmarks"
SEED = REPOSITORY / "agents" / "kei-ml-implementer.toml"
KEYS = re.compile(r"^(?:\w+ =|\[.+)", re.MULTILINE)
SENTENCES = re.compile(r'^(?:    |description = |trigger = )"(?=[^a-z]).*', re.MULTILINE)
PAGE = REPOSITORY / "docs" / "contributing" / "performance.md"


def _run(script: str, *args: str) -> str:
    command = [sys.executable, str(BENCHMARKS / script), *args]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


@pytest.mark.parametrize("count", [1, 3])
def test_its_kits_build_without_diagnostics(bench: Workbench, count: int) -> None:
    _run("kits.py", str(bench.folder / "kit"), str(count))
    built = bench.run("--all", "--strict", cwd="kit")
    checked = bench.run("--all", "--check", "--strict", cwd="kit")
    agents = "1 agent, 1 file" if count == 1 else f"{count} agents, {count} files"
    assert (built.status, built.stderr) == (0, f"{agents}: {count} created\n")
    assert (checked.status, checked.stderr) == (0, f"{agents}: {count} unchanged\n")


@pytest.mark.parametrize("count", [1, 3])
def test_all_forms_of_its_kits_generate_the_same_files(bench: Workbench, count: int) -> None:
    outputs = {}
    for form in ("flat", "based", "composed", "filled"):
        _run("kits.py", str(bench.folder / form), str(count), form)
        built = bench.run("--all", "--strict", cwd=form)
        assert (built.status, built.stderr.endswith(f"{count} created\n")) == (0, True), built.stderr
        outputs[form] = {path.name: path.read_bytes() for path in (bench.folder / form).glob("agents/*.md")}
    assert outputs["based"] == outputs["composed"] == outputs["filled"] == outputs["flat"]
    sizes = [sum(path.stat().st_size for path in bench.folder.glob(f"{form}/agents/*.toml")) for form in outputs]
    assert count == 1 or sizes == sorted(sizes, reverse=True)


def test_it_compares_a_check_with_hashing_all_files() -> None:
    out = _run("content.py", "--agents", "2", "--runs", "1")
    assert re.fullmatch(r"check: \d+\.\d times the bare interpreter\nhash: \d+\.\d times the bare interpreter\n", out)


@pytest.mark.slow
def test_it_compares_a_composed_kit_with_the_flat_one() -> None:
    out = _run("run.py", "--runs", "1", "--rows", "composed-new-3", "composed-one-3")
    assert "| 3 manifests, composed against flat, not generated yet | `composed-new` |" in out
    assert re.search(r"^- (met|MISSED), \d+\.\d\d: one manifest with a base, of 3 against alone", out, re.MULTILINE)


def test_its_manifests_have_the_shape_of_our_own_agent_and_share_no_sentence(bench: Workbench) -> None:
    _run("kits.py", str(bench.folder / "kit"), "3")
    texts = [path.read_text() for path in sorted(bench.folder.glob("kit/agents/*.toml"))]
    seed = SEED.read_text()
    assert all(KEYS.findall(text) == KEYS.findall(seed) and 1 <= len(text) / len(seed) < 1.1 for text in texts)
    sentences = [set(SENTENCES.findall(text)) for text in texts]
    assert len(set.union(*sentences)) == sum(map(len, sentences)) > 100


@pytest.mark.parametrize("rows", [["one"], pytest.param(["one", "again-2"], marks=pytest.mark.slow)], ids=" ".join)
def test_it_measures_and_reports_whether_goals_are_met(tmp_path: Path, rows: list[str]) -> None:
    page = tmp_path / "performance.md"
    page.write_text(
        "# Performance\n\n<!-- `python benchmarks/run.py --markdown` writes all below this line. -->\nold\n"
    )
    out = _run("run.py", "--runs", "1", "--rows", *rows, "--markdown", str(page))
    assert page.read_text(encoding="utf-8").endswith(f"this line. -->\n\n{out}")
    assert page.read_text(encoding="utf-8").startswith("# Performance\n\n<!-- ")
    assert all(f"`{row}`" in out for row in rows)
    assert re.search(r"^- (met|MISSED), \d+\.\d: one manifest, alone in its kit", out, re.MULTILINE)


@pytest.mark.slow
def test_it_measures_growth() -> None:
    out = _run("run.py", "--runs", "1", "--rows", "grow-check-100")
    assert "| `--all --check` |" in out


@pytest.mark.slow
def test_it_compares_two_installations() -> None:
    out = _run("run.py", "--runs", "1", "--rows", "version", "--against", sys.executable)
    assert re.search(r"^\| `--version` \| 0\.\d+ \| 0\.\d+ \| \d\.\d+ \|$", out, re.MULTILINE)


def test_a_row_that_does_not_exist_is_a_usage_error() -> None:
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--rows", "now-3"]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (run.returncode, "no such row: `now-3`" in run.stderr) == (2, True)


def test_the_page_has_figures_only_below_the_marker() -> None:
    above, mark, below = PAGE.read_text(encoding="utf-8").partition("<!-- `python benchmarks/run.py --markdown`")
    assert mark
    assert re.findall(r"(?<![\w-])\d+", above) == []
    assert below.count("## Goals: ") == 1
