"""The origins of generated lines: what is looked up at each origin is the text of the line."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
import rtoml
from hypothesis import HealthCheck, assume, given

from composed_kits import ComposedKit, composed_kits
from conftest import REPOSITORY, Workbench, examples
from kei_assembler.build.kit_plan import preview
from kei_assembler.diagnostics import has_errors
from kei_assembler.kit import LoadedKit
from kei_assembler.loader import load_kit
from kei_assembler.render.origins import Origins, origins
from kei_assembler.render.places import Line, Part
from kei_assembler.render.templates import PACKAGE_BODY, PACKAGE_FOLDER
from kei_assembler.targets import TARGETS
from kei_assembler.targets.forms import TOML

PLACEHOLDER = re.compile(r"\{\{[A-Z0-9_]+\}\}")
IN_TOML = ("manifest", "base", "setting", "value")
CASES = sorted(path.parent for path in (REPOSITORY / "tests/cases").glob("*/command"))


def _kits(folder: Path) -> list[Path]:
    return sorted({path.parent for name in ("assemble.toml", "agents") for path in folder.rglob(name)} | {folder})


def _check_kit(kit: LoadedKit) -> int:
    """Check the origins of all files of a kit, and return how many files it has."""
    every, count = Origins(kit), 0
    for file in kit.manifests:
        found, artifacts = preview(kit, file)
        for artifact in () if has_errors(found) else artifacts:
            lines = every.of(file, artifact.target)
            assert "".join(f"{line.text}\n" for line in lines) == artifact.content.decode()
            _check(kit, lines, artifact.target)
            count += 1
    return count


def _check(kit: LoadedKit, lines: list[Line], target: str) -> None:
    front = [number for number, line in enumerate(lines) if line.parts[0].kind == "stamp"]
    assert len(front) == 1
    for number, line in enumerate(lines):
        assert line.parts
        for part in line.parts:
            _check_place(kit, part)
        is_body = number > front[0] + 1 and not (TARGETS[target].form is TOML and " = " in line.text)
        if is_body:
            text = _unescaped(line.text) if TARGETS[target].form is TOML else line.text
            _check_text(kit, text, line.parts)


def _unescaped(text: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", text)


def _source(kit: LoadedKit, file: str) -> list[str]:
    path = Path(PACKAGE_FOLDER, "agent.md.j2") if file == PACKAGE_BODY else Path(kit.folder, file)
    return path.read_text().split("\n")


def _check_place(kit: LoadedKit, part: Part) -> None:
    if part.kind in ("client", "stamp"):
        assert part.file == ""
        return
    lines = _source(kit, part.file)
    assert (part.line or part.kind == "template") and 0 <= part.line <= len(lines), part
    for entry in part.through:
        assert 1 <= entry.line <= len(_source(kit, entry.file))
        if entry.kind != "template":
            last = entry.key.rpartition(".")[2].partition("[")[0]
            assert last in "\n".join(_source(kit, entry.file)[: entry.line]), entry
    if part.kind in IN_TOML:
        last = re.split(r"[.\[]", part.key.rstrip("]"))[-1]
        assert last.isdigit() or last.strip('"') in "\n".join(lines[: part.line]), part


def _plain(text: str) -> str:
    """A text without white space, and without what may be escaped."""
    return re.sub(r"\\[nt]|[\\\s`]|&[a-z0-9#]+;", "", text)


def _check_text(kit: LoadedKit, text: str, parts: tuple[Part, ...]) -> None:
    """Check that the main part of a line of the body has its text."""
    first = parts[0]
    if first.kind == "client" or not first.line:
        return
    same = [part.line for part in parts if part[:2] == first[:2] and part.key == first.key]
    written = "\n".join(_source(kit, first.file)[line - 1] for line in same)
    if first.kind == "template":
        if not text.strip():
            assert not written.strip() or "{" in written, (text, first)
        elif "{" not in written:
            assert _plain(text) == _plain(written)
    elif first.kind in ("block", "role"):
        pieces = map(_plain, PLACEHOLDER.split(written))
        assert _is_in_order([*pieces], _plain(text)), (text, written)
        assert text.strip() == written.strip() or "{{" in written or text == "<!-- -->" or not text
    elif not re.match("tools|targets", first.key) and len(parts) == len(same):
        assert _plain(re.sub(r"^ *(?:-|\d+\.) ", "", text)) in _plain(written), (text, written)


def _is_in_order(pieces: list[str], text: str) -> bool:
    position = 0
    for piece in pieces:
        position = text.find(piece, position)
        if position < 0:
            return False
        position += len(piece)
    return True


def test_our_own_agents() -> None:
    assert _check_kit(load_kit(str(REPOSITORY))) == 7
    kit = load_kit(str(REPOSITORY), TARGETS)
    assert _check_kit(kit) == 7 * len(TARGETS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_kits_of_the_cases(case: Path) -> None:
    for folder in _kits(case / "kit"):
        try:
            kit = load_kit(str(folder))
        except Exception:
            continue
        _check_kit(kit)


@examples(100, [HealthCheck.too_slow])
@given(composed_kits())
def test_composed_kits(composed: ComposedKit) -> None:
    with tempfile.TemporaryDirectory() as name:
        composed.write(Path(name).resolve())
        kit = load_kit(str(Path(name).resolve()))
        agents = [each for each, data in composed.manifests.items() if "abstract" not in data]
        assume(agents)
        _check_kit(kit)
        for agent in agents:
            data = rtoml.loads(Path(kit.folder, f"agents/{agent}.toml").read_text())
            assert data["name"] == agent
