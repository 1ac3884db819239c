"""Hundreds of invalid manifests, blocks and settings, derived from valid ones: each is reported and located."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import rtoml

from conftest import REPOSITORY, Workbench

SEED = (REPOSITORY / "agents" / "kei-ml-implementer.toml").read_text()
SETTINGS = """\
manifests = "agents"
blocks = ["_blocks"]
templates = "templates"
root = "."
obligatory = ["baseline"]
required = ["name", "description"]
external-agents = [
    "kei-ml-researcher", "kei-code-implementer", "kei-infra-implementer",
    "kei-validator", "kei-critic", "kei-architect",
]
known-tools = []
targets = ["claude-code"]
ignore = ["B206"]
exclusive = false

[extra-keys]
owner = "string"

[target.claude-code]
output = "{dir}/{name}.md"
"""
KEY_LINE = re.compile(r"^(?P<key>(?!owner)[a-z_-]+) = ", re.MULTILINE)


class Mutant(NamedTuple):
    """An invalid text, and the lines where the error can be reported; None means any line."""

    name: str
    text: str
    lines: frozenset[int] | None


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _renamed(text: str) -> Iterator[Mutant]:
    for match in KEY_LINE.finditer(text):
        key = match["key"]
        wrong = f"{key[0]}x{key[1:]}"
        mutant = text[: match.start("key")] + wrong + text[match.end("key") :]
        yield Mutant(
            f"rename {key} in line {_line(text, match.start())}", mutant, frozenset({_line(text, match.start())})
        )


def _retyped(text: str) -> Iterator[Mutant]:
    for match in KEY_LINE.finditer(text):
        if text[match.end()] not in "[{":
            for value in ("42", "[[1]]", "1979-05-27"):
                end = _end_of_value(text, match.end())
                mutant = text[: match.end()] + value + text[end:]
                line = _line(text, match.start())
                yield Mutant(f"{match['key']} in line {line} = {value}", mutant, frozenset({line}))


def _end_of_value(text: str, start: int) -> int:
    closing = '"""' if text.startswith('"""', start) else "\n"
    return text.index(closing, start + 3) + (3 if closing == '"""' else 0)


def _repeated(text: str) -> Iterator[Mutant]:
    lines = text.split("\n")
    for match in KEY_LINE.finditer(text):
        number = _line(text, match.start())
        if lines[number - 1].endswith('"') and '"""' not in lines[number - 1]:
            mutant = "\n".join([*lines[:number], lines[number - 1], *lines[number:]])
            yield Mutant(f"repeat line {number}", mutant, frozenset({number, number + 1}))


def _cut(text: str, seed: int) -> Iterator[Mutant]:
    for offset in random.Random(seed).sample(range(1, len(text)), 120):
        mutant = text[:offset]
        if not _is_toml(mutant):
            yield Mutant(f"cut at {offset}", mutant, frozenset(range(1, _line(text, offset) + 1)))


def _stray(text: str, seed: int) -> Iterator[Mutant]:
    chooser = random.Random(seed)
    for _ in range(120):
        offset, letter = chooser.randrange(len(text)), chooser.choice('"[]={}\\\x00,')
        mutant = text[:offset] + letter + text[offset:]
        if not _is_toml(mutant):
            yield Mutant(f"{letter!r} at {offset}", mutant, None)


def _is_toml(text: str) -> bool:
    try:
        rtoml.loads(text)
    except rtoml.TomlParsingError:
        return False
    return True


def _moved(text: str) -> Iterator[Mutant]:
    """Move each top-level key to the end of the file, where it belongs to the last table."""
    for key in ("model", "tools", "name", "description"):
        (line,) = (line for line in text.split("\n") if line.startswith(f"{key} = "))
        mutant = text.replace(f"{line}\n", "", 1).rstrip("\n") + f"\n{line}\n"
        yield Mutant(f"move {key}", mutant, frozenset({mutant.count("\n")}))


def _dropped(text: str) -> Iterator[Mutant]:
    for line in text.split("\n"):
        if re.match(r"(name|description|target|trigger) = ", line):
            yield Mutant(f"drop {line[:40]}", text.replace(f"{line}\n", "", 1), None)


MANIFESTS = [
    *_renamed(SEED),
    *_retyped(SEED),
    *_repeated(SEED),
    *_moved(SEED),
    *_dropped(SEED),
    *_cut(SEED, 1),
    *_stray(SEED, 2),
]
SETTINGS_MUTANTS = [*_renamed(SETTINGS), *_retyped(SETTINGS), *_repeated(SETTINGS), *_stray(SETTINGS, 3)]


def _write(bench: Workbench, manifest: str = SEED, settings: str = SETTINGS) -> None:
    bench.write({"agents/kei-ml-implementer.toml": manifest, "assemble.toml": settings})


def _write_blocks(folder: Path) -> None:
    shutil.copytree(REPOSITORY / "_blocks", folder / "_blocks")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kit shared by tests that replace only its manifest and settings."""
    folder = tmp_path_factory.mktemp("kit")
    (folder / ".git").mkdir()
    _write_blocks(folder)
    return folder


@pytest.fixture
def shared(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Workbench:
    return Workbench(folder, capsys, monkeypatch)


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    _write(bench)
    _write_blocks(bench.folder)
    return bench


def _errors(bench: Workbench, status: int) -> list[dict[str, Any]]:
    before = bench.files()
    run = bench.run("--all", "--output-format", "json")
    assert (run.status, run.stderr) == (status, "")
    assert bench.files() == before
    return [found for found in json.loads(run.stdout)["diagnostics"] if found["severity"] == "error"]


def test_originals_are_valid_and_mutants_are_many(kit: Workbench) -> None:
    assert kit.run("--all").status == 0
    assert len(MANIFESTS) > 250
    assert len(SETTINGS_MUTANTS) > 60


@pytest.mark.parametrize("mutant", MANIFESTS, ids=lambda mutant: mutant.name)
def test_invalid_manifest_is_located(mutant: Mutant, shared: Workbench) -> None:
    _write(shared, manifest=mutant.text)
    errors = _errors(shared, 1)
    assert {error["file"] for error in errors} == {"agents/kei-ml-implementer.toml"}
    assert mutant.lines is None or mutant.lines & {error["line"] for error in errors}


@pytest.mark.parametrize("mutant", SETTINGS_MUTANTS, ids=lambda mutant: mutant.name)
def test_invalid_settings_are_located(mutant: Mutant, shared: Workbench) -> None:
    _write(shared, settings=mutant.text)
    errors = _errors(shared, 2)
    assert {error["file"] for error in errors} == {"assemble.toml"}
    assert mutant.lines is None or mutant.lines & {error["line"] for error in errors}


@pytest.mark.parametrize(
    ("text", "line"),
    [("", 1), (" \n\t\n", 1), ("# A\n\n```\ncode\n", 3), ("# A\n\n<!-- open\n", 3), ("a\n\n{{NAME}} b\n", 3)],
)
def test_invalid_block_is_located(text: str, line: int, kit: Workbench) -> None:
    kit.write({"_blocks/baseline.md": text})
    assert [(error["file"], error["line"]) for error in _errors(kit, 1)] == [("_blocks/baseline.md", line)]


def test_each_of_seven_errors_is_reported_once(kit: Workbench) -> None:
    mistakes = [
        ('description = "ML', 'descripton = "ML', "K101"),
        ('"Glob", "Grep"', '"Glob", "Glob"', "K109"),
        ('"rule-math-first"', '"rule-maths-first"', "B201"),
        ('    "Imposing dimensions', '    "",\n    "Imposing dimensions', "K104"),
        ('target = "kei-critic"', 'target = "kei-crtic"', "H301"),
        ('target = "kei-architect"', 'target = "kei-validator"', "H303"),
        ("[references]\nextra = [", '[references]\nmodel = "opus"\nextra = [', "K110"),
    ]
    manifest = SEED
    for old, new, _ in mistakes:
        assert manifest.count(old) == 1
        manifest = manifest.replace(old, new)
    _write(kit, manifest)
    found = [(error["code"], error["line"]) for error in _errors(kit, 1)]
    lines = {code: _line(manifest, manifest.rindex(new)) + (code == "K110") for _, new, code in mistakes}
    assert sorted(found) == sorted(lines.items())
