from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import REPOSITORY

PACKAGE = REPOSITORY / "src" / "kei_assembler"

# The house, from the ground up: a room may import only from those before it.
FLOORS = (
    "diagnostics paths streams text text.hidden text.markdown text.frontmatter text.stamp",
    "files.signatures render.heritage plan.crew plan.progress source.handwriting",
    "files.recorder source.shapes source.places targets.forms rules.imports rules.bodies importing importing.bodies",
    "files importing.lenient importing.breaks render.budget source targets.target",
    "files.atomic files.git_index files.walk render.sandbox targets",
    "files.run_cache manifest",
    "manifest.adapt kit.settings importing.agentfile importing.paths",
    "kit rules.hiding importing.names importing.former",
    "kit.discovery rules.subject rules.outputs rules.drift rules.limits",
    "rules.keys rules.names rules.tools rules.rights",
    "rules.blocks rules.handoffs rules.text importing.tools",
    "rules importing.drafting",
    "render",
    "plan",
    "plan.disk plan.difference plan.reach",
    "rules.catalog commands.gallery report.outcome scaffold schema kit.selection plan.planner",
    "plan.renewing",
    "plan.staging",
    "plan.planning",
    "report.as_text report.as_json report.as_sarif plan.build scaffold.sketch commands.completing",
    "report.as_github importing.prospect importing.generated",
    "report commands library commands.options",
    "watching",
    "commands.explain commands.import_ commands.init commands.new commands.schema commands.targets commands.watch",
    "cli",
    "start",
    "__main__",
)
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms.split()}
ROOMS = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix().removesuffix("/__init__").replace("/", ".")


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kei_assembler"):
            module = (node.module or "").removeprefix("kei_assembler").lstrip(".")
            yield from (f"{module}.{alias.name}".lstrip(".") for alias in node.names)


@pytest.mark.parametrize("path", ROOMS, ids=_room)
def test_imports_point_downwards(path: Path) -> None:
    imported = {name if name in LEVEL else name.rpartition(".")[0] for name in _imports(path.read_text())}
    assert {name for name in imported if name and LEVEL[name] >= LEVEL[_room(path)]} == set()


def test_every_room_has_its_floor() -> None:
    assert {_room(path) for path in ROOMS} == LEVEL.keys()


def test_only_rendering_and_its_sandbox_know_jinja() -> None:
    rooms = {_room(path) for path in ROOMS if "jinja2" in path.read_text()}
    assert rooms == {"render", "render.budget", "render.heritage", "render.sandbox"}


def test_only_one_room_knows_tree_sitter() -> None:
    assert [path.name for path in ROOMS if "import tree_sitter" in path.read_text()] == ["places.py"]
