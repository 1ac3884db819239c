"""Mutated sources and outputs: every finding is located in the text, and no run crashes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from conftest import REPOSITORY
from kei_assembler.build.changes import FileStatus
from kei_assembler.build.classify import classify, classify_leftover, text_of
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.build.result import RunResult
from kei_assembler.diagnostics import AssembleError, Diagnostic, Location, Span
from kei_assembler.loader import load_kit
from kei_assembler.markdown import stamp
from kei_assembler.render.renderer import Artifact
from kei_assembler.report import FORMATS, render
from kei_assembler.toml.source import with_lf
from mutants import mutants

FUZZ = REPOSITORY / "tests" / "fuzz"
TOML = {path.name: path.read_bytes() for path in sorted(FUZZ.glob("*.toml"))}
MARKDOWN = {path.name: path.read_bytes() for path in sorted(FUZZ.glob("*.md"))}
TEMPLATES = {path.name: path.read_bytes() for path in sorted(FUZZ.glob("*.j2"))}
OWN = [path.read_bytes() for path in sorted([*REPOSITORY.glob("agents/*.toml"), *REPOSITORY.glob("_blocks/*.md")])]
GENERATED = {name: raw for name, raw in MARKDOWN.items() if name.startswith("generated")}

MANIFEST = 'name = "x"\ndescription = "D."\nblocks = ["b"]\n'
KIT = {
    "agents/x.toml": MANIFEST.encode(),
    "agents/y.toml": MANIFEST.replace('"x"', '"y"').encode(),
    "assemble.toml": b'external-agents = ["z"]\n',
    "_blocks/b.md": b"# B\n",
}
SLOTS = {
    "agents/x.toml": TOML,
    "assemble.toml": TOML,
    "pyproject.toml": {"pyproject": b"[tool.assemble]\nobligatory = ['b']\n[tool.assemble.target]\n", **TOML},
    "_blocks/b.md": MARKDOWN,
    "templates/agent.md.j2": TEMPLATES,
    "agents/x.md": MARKDOWN,
    "agents/old.md": MARKDOWN,
}
RAW_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _check_all(check: Callable[[bytes], None], inputs: Iterable[bytes]) -> None:
    for raw in inputs:
        try:
            check(raw)
        except Exception as error:
            error.add_note(f"add this input to {FUZZ}: {raw!r}")
            raise


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace").removeprefix("\ufeff").replace("\r\n", "\n")


def _places(found: Iterable[Diagnostic]) -> Iterator[Location]:
    for diagnostic in found:
        yield diagnostic.location
        yield from (related.location for related in diagnostic.related)


def _check_place(location: Location, folder: Path) -> None:
    if location.span == Span(1, 1, 1, 1):
        return
    line, column, end_line, end_column = location.span
    lines = _text(folder / location.file).split("\n")
    assert (line, column) <= (end_line, end_column), location
    assert 1 <= line <= end_line <= len(lines), location
    assert 1 <= column <= len(lines[line - 1]) + 1, location
    assert 1 <= end_column <= len(lines[end_line - 1]) + 1 + (column > len(lines[line - 1])), location
    assert location.excerpt == lines[line - 1], location


def _check_reports(found: Iterable[Diagnostic]) -> None:
    result = RunResult(diagnostics=tuple(sorted(found)))
    for name in FORMATS:
        output = "".join(render(name, [result]))
        assert not RAW_CONTROL.search(output), (name, output)
        assert name not in ("json", "gitlab", "sarif") or isinstance(json.loads(output), dict | list)


def _planned(folder: Path) -> list[Diagnostic]:
    try:
        kit = load_kit(str(folder))
        return list(plan_kit(kit, kit.manifests, whole=True).diagnostics)
    except AssembleError as error:
        return list(error.diagnostics)


def _check_kit(folder: Path, slot: str, raw: bytes) -> None:
    (folder / slot).write_bytes(raw)
    found = _planned(folder)
    for location in _places(found):
        _check_place(location, folder)
    _check_reports(found)


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    for name, raw in KIT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(raw)
    (tmp_path / "templates").mkdir()
    return tmp_path


def _fuzz_kit(kit: Path, slot: str, inputs: Iterable[bytes]) -> None:
    if slot == "pyproject.toml":
        (kit / "assemble.toml").unlink()
    _check_all(lambda raw: _check_kit(kit, slot, raw), inputs)


@pytest.mark.parametrize("slot", SLOTS)
def test_findings_in_seeds_and_mutants_are_located(kit: Path, slot: str) -> None:
    seeds = SLOTS[slot].values()
    _fuzz_kit(kit, slot, [*seeds, *mutants(seeds, slot, 12)])


@pytest.mark.slow
@pytest.mark.parametrize("slot", SLOTS)
def test_findings_in_many_mutants_are_located(kit: Path, slot: str) -> None:
    _fuzz_kit(kit, slot, mutants([*SLOTS[slot].values(), *OWN], f"many of {slot}", 600))


def _rest(raw: bytes) -> str:
    return stamp.split(stamp.settled(text_of(raw), stamp.MARKUP), stamp.MARKUP)[1]


NOWHERE = load_kit("/nowhere")
RESTS = frozenset(map(_rest, GENERATED.values()))
WANTED = Artifact("agents/x.md", "agents/x.toml", "claude-code", GENERATED["generated.md"])


def _missing(text: str, rest: str) -> Counter[str]:
    return Counter(text.split("\n")) - Counter(rest.split("\n"))


def _check_stamp(raw: bytes) -> None:
    text = text_of(raw)
    line, rest = stamp.split(text, stamp.MARKUP)
    found = stamp.find(text, stamp.MARKUP)
    assert (rest == text) == (line is None)
    assert _missing(text, rest) == Counter([line] if line is not None else [])
    assert found is None or not found.intact or rest in RESTS
    assert stamp.find_conflict(text) or not stamp.is_torn(text, stamp.MARKUP)


def _check_settled(raw: bytes) -> None:
    text = text_of(raw)
    settled = stamp.settled(text, stamp.MARKUP)
    removed = _missing(text, settled)
    assert all(re.match(r"\Z|<{7}|\|{7}|={7}\Z|>{7}|<!-- Generated by assemble from ", line) for line in removed)
    assert not _missing(settled, text)


def _check_decisions(raw: bytes) -> None:
    kind = classify(NOWHERE, WANTED, raw).status
    assert (kind is FileStatus.UNCHANGED) == (with_lf(raw) == WANTED.content)
    assert kind is not FileStatus.UPDATE or _rest(raw) in RESTS
    leftover = classify_leftover(NOWHERE, "agents/old.md", "claude-code", raw)
    assert leftover is None or leftover.status in (FileStatus.ORPHAN, FileStatus.UNMANAGED)
    assert leftover is None or leftover.status is FileStatus.UNMANAGED or not leftover.intact or _rest(raw) in RESTS


def _fuzz_stamps(inputs: Iterable[bytes]) -> None:
    for raw in inputs:
        _check_all(_check_stamp, [raw])
        _check_all(_check_settled, [raw])
        _check_all(_check_decisions, [raw])


def test_changed_file_is_never_intact() -> None:
    _fuzz_stamps([*MARKDOWN.values(), *mutants(GENERATED.values(), "stamps", 1500)])


@pytest.mark.slow
def test_none_of_many_changed_files_is_intact() -> None:
    _fuzz_stamps(mutants(MARKDOWN.values(), "many stamps", 20000))
    _fuzz_stamps(mutants(GENERATED.values(), "many more stamps", 40000))
