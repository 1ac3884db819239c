"""Catalogs in a real browser: no errors, no hostile text that runs, the search, the drawing, and accessibility."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from conftest import REPOSITORY
from hostile_catalog import HOSTILE_KIT

NODE = REPOSITORY / "tests" / "node"
PACKAGES = ("playwright-core", "axe-core")
AGENTS = 300

pytestmark = pytest.mark.slow


def _browse(site: Path, agent: str, pages: Sequence[str]) -> dict[str, Any]:
    """Return what happens when a browser opens these pages of a catalog, searches for an agent and clicks it."""
    node, chromium = shutil.which("node"), shutil.which("chromium") or shutil.which("chromium-browser")
    if not node or not chromium:
        pytest.skip("node or Chromium is not installed; apt-get install nodejs chromium")
    if any(not (NODE / "node_modules" / package).is_dir() for package in PACKAGES):
        pytest.skip(f"{' or '.join(PACKAGES)} is not installed; run `make slow`")
    command = [node, str(NODE / "browse_catalog.mjs"), chromium, str(site), agent, *pages]
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def _write(kit: Path, site: Path, *args: str) -> None:
    command = [sys.executable, "-m", "kei_assembler", "catalog", str(site), "--kit", str(kit), *args]
    subprocess.run(command, check=True, capture_output=True)


def _check(found: dict[str, Any], page: str, agents: Sequence[str]) -> None:
    assert found["told"] == []  # the console, dialogs, and requests for anything but files
    assert found["violations"] == []
    assert found["overflowing"] == []
    assert found["results"]
    assert found["searched"] == found["clicked"] == found["entered"] == found["withoutScript"] == page
    assert found["lit"] > 1
    assert found["zoomed"]
    assert found["themes"] == [True, False, True]  # automatic is light here, then dark, also after a reload
    assert (found["first"], found["last"]) == (agents[0], agents[-1])
    assert found["unusable"] == 0  # without scripts, there are no buttons that need one


def test_the_catalog_of_this_repository(tmp_path: Path) -> None:
    _write(REPOSITORY, tmp_path / "site")
    pages = ["index", "blocks", "graph", "matrix", "agents/kei-critic", "blocks/baseline"]
    found = _browse(tmp_path / "site", "kei-critic", pages)
    _check(found, "agents/kei-critic.html", sorted(path.stem for path in (REPOSITORY / "agents").glob("*.toml")))


def test_a_catalog_of_many_agents(tmp_path: Path) -> None:
    command = [sys.executable, str(REPOSITORY / "benchmarks" / "kits.py"), str(tmp_path / "kit"), str(AGENTS)]
    subprocess.run(command, check=True, capture_output=True)
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for args in (("init", "--quiet"), ("add", "."), (*who, "commit", "--quiet", "--message=kit")):
        subprocess.run(["git", *args], cwd=tmp_path / "kit", check=True)
    block = tmp_path / "kit/_blocks/baseline.md"
    block.write_text(block.read_text() + "\n- " + "One more rule with a `very/long/path`. " * 5 + "\n")
    _write(tmp_path / "kit", tmp_path / "site", "--since", "HEAD")
    names = [f"agent-{number:05}" for number in range(AGENTS)]
    found = _browse(tmp_path / "site", names[42], ["index", "graph", "matrix", "impact", f"agents/{names[42]}"])
    _check(found, f"agents/{names[42]}.html", names)


def test_a_hostile_catalog(tmp_path: Path) -> None:
    for name, content in HOSTILE_KIT.items():
        path = tmp_path / "kit" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    _write(tmp_path / "kit", tmp_path / "site")
    pages = [
        path.relative_to(tmp_path / "site").with_suffix("").as_posix() for path in (tmp_path / "site").rglob("*.html")
    ]
    found = _browse(tmp_path / "site", "critic", sorted(pages))
    _check(found, "agents/critic.html", ["a_b.c", "critic", "x--y"])
