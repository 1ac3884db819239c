"""The kit of this repository, in particular its first manifest."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from conftest import REPOSITORY
from kei_assembler.cli import app
from kei_assembler.loader import load_kit

MANIFESTS = sorted((REPOSITORY / "agents").glob("*.toml"))
SECTIONS = ["ROLE", "DOMAIN SCOPE", "HANDOFFS", "OUTPUT FORMAT", "FORBIDDEN", "REFERENCES"]
BLOCK_FILES = {path.stem: path.read_text() for path in (REPOSITORY / "_blocks").glob("*.md")}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return tomllib.loads((REPOSITORY / "agents" / "kei-ml-implementer.toml").read_text())


@pytest.fixture(scope="module")
def agent_file() -> str:
    return (REPOSITORY / "agents" / "kei-ml-implementer.md").read_text()


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    else:
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def test_front_matter_has_the_values_of_the_manifest(manifest: dict[str, Any], agent_file: str) -> None:
    _, front, _ = agent_file.split("---\n", 2)
    assert yaml.safe_load(front) == {
        "name": manifest["name"],
        "description": manifest["description"],
        "tools": ", ".join(manifest["tools"]),
        "model": manifest["model"],
    }


def test_agent_file_contains_every_string_of_the_manifest(manifest: dict[str, Any], agent_file: str) -> None:
    blocks = manifest.pop("blocks")
    strings = list(_strings(manifest))
    assert len(strings) > 60
    assert [text for text in strings if text.strip() not in agent_file] == []
    manifest["blocks"] = blocks


def test_blocks_and_sections_are_in_order(manifest: dict[str, Any], agent_file: str) -> None:
    texts = [BLOCK_FILES[name].strip() for name in manifest["blocks"]]
    assert len(texts) == 8
    headings = ["# ROLE\n", *texts, *(f"# {section}\n" for section in SECTIONS[1:])]
    offsets = [agent_file.index(f"\n\n{heading}") for heading in headings]
    assert offsets == sorted(offsets)


UP_TO_DATE = "7 agents and 1 instruction manifest, 7 files: 7 unchanged; 1 section: 1 unchanged\n"


def test_committed_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        app.main(["--kit", str(REPOSITORY), "--all", "--check"])
    out, err = capsys.readouterr()
    assert (exit_.value.code, out) == (0, "")
    assert err == UP_TO_DATE


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_each_agent_has_all_sections(path: Any) -> None:
    text = path.with_suffix(".md").read_text()
    assert [line for line in re.findall(r"^# (.+)$", text, re.MULTILINE) if line in SECTIONS] == SECTIONS


def test_the_kit_is_complete() -> None:
    kit = load_kit(str(REPOSITORY))
    used = {name for path in MANIFESTS for name in kit.decoded(f"agents/{path.name}")[0].blocks}
    assert len(MANIFESTS) == 7
    assert used == set(BLOCK_FILES)
    assert all(10 <= len(text.splitlines()) <= 40 for text in BLOCK_FILES.values())
