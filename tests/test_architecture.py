from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from conftest import REPOSITORY
from kei_assembler.targets import TARGETS

PACKAGE = REPOSITORY / "src" / "kei_assembler"

# The layers: each module may import only from the layers above it in this list.
LAYERS = (
    "diagnostics paths suggestions streams text text.hidden text.markdown text.frontmatter text.stamp",
    "files.signatures render.heritage plan plan.progress source.handwriting",
    "files.recorder source.shapes source.places targets.forms importing",
    "files source importing.lenient_yaml importing.hard_breaks render.budget targets.target",
    "plan.parallel targets.fields",
    "targets.claude_code targets.copilot targets.gemini targets.opencode targets.qwen",
    "targets.codex targets.cursor",
    "files.atomic files.git_index files.walk render.sandbox targets",
    "files.run_cache manifest",
    "manifest.adapt kit.settings importing.paths",
    "kit",
    "kit.discovery",
    "rules.definition plan.changes",
    "rules.runner rules.imports rules.bodies",
    "rules.sources rules.hiding rules.subject rules.outputs rules.drift rules.limits",
    "importing.agentfile",
    "rules.keys rules.names rules.tools rules.rights",
    "rules.blocks rules.handoffs rules.text rules.settings importing.names importing.tools importing.legacy_syntax",
    "rules loader",
    "render.views rules.catalog selection",
    "render.templates",
    "render",
    "plan.classify plan.disk plan.reach plan.options plan.result importing.bodies",
    "plan.difference plan.planner plan.orphans plan.waivers commands targets.docs schema importing.convert",
    "plan.renewing",
    "plan.staging plan.kit_plan",
    "plan.findings",
    "plan.run scaffold commands.completing report.streams",
    "scaffold.new_manifest report.as_text report.as_json report.as_sarif report.as_github",
    "importing.pending_kit importing.already_generated",
    "report library commands.options importing.run",
    "watching",
    "commands.explain commands.import_ commands.init commands.new commands.schema commands.targets commands.watch",
    "cli",
    "__main__",
)
LEVEL = {module: level for level, modules in enumerate(LAYERS) for module in modules.split()}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def _module(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix().removesuffix("/__init__").replace("/", ".")


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kei_assembler"):
            module = (node.module or "").removeprefix("kei_assembler").lstrip(".")
            yield from (f"{module}.{alias.name}".lstrip(".") for alias in node.names)


def _imported_modules(path: Path) -> set[str]:
    named = {name if name in LEVEL else name.rpartition(".")[0] for name in _imports(path.read_text())}
    return named - {""}


@pytest.mark.parametrize("path", MODULES, ids=_module)
def test_imports_point_downwards(path: Path) -> None:
    assert {name for name in _imported_modules(path) if LEVEL[name] >= LEVEL[_module(path)]} == set()


def test_no_two_packages_import_each_other() -> None:
    imports = {
        (_module(path).partition(".")[0], name.partition(".")[0])
        for path in MODULES
        for name in _imported_modules(path)
    }
    assert {(one, other) for one, other in imports if one < other and (other, one) in imports} == set()


def test_every_rule_is_in_the_rules_package() -> None:
    modules = {_module(path) for path in MODULES if "\n@rule(" in path.read_text()}
    assert modules
    assert {module for module in modules if not module.startswith("rules.")} == set()


def test_only_the_rule_runner_makes_diagnostics() -> None:
    makers = {
        _module(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Diagnostic"
    }
    assert makers == {"rules.runner"}


def test_every_module_has_a_layer() -> None:
    assert {_module(path) for path in MODULES} == LEVEL.keys()


def test_only_rendering_imports_jinja() -> None:
    modules = {_module(path) for path in MODULES if "jinja2" in path.read_text()}
    assert modules == {"render.budget", "render.heritage", "render.sandbox", "render.templates", "render.views"}


def test_only_one_module_imports_tree_sitter() -> None:
    assert [path.name for path in MODULES if "import tree_sitter" in path.read_text()] == ["places.py"]


def _literals(path: Path) -> Iterator[str]:
    """The texts in a file's code; docstrings, where examples stand, are none."""
    tree = ast.parse(path.read_text())
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent.name != "targets"], ids=_module)
def test_only_its_row_knows_a_client(path: Path) -> None:
    folders = [home.rpartition("/")[0] for row in TARGETS.values() for home in (row.default_path, *row.search_paths)]
    told = [text for text in _literals(path) if text in TARGETS or any(folder in text for folder in folders)]
    assert told == []


def test_only_commands_import_click() -> None:
    modules = {_module(path) for path in MODULES if any("click" in line for line in _import_lines(path))}
    assert {module.partition(".")[0] for module in modules} == {"cli", "commands"}


def _import_lines(path: Path) -> Iterator[str]:
    return (line for line in path.read_text().splitlines() if line.lstrip().startswith(("import ", "from ")))


RUNS_THE_COMMAND = ("__main__", "cli", "commands", "streams")
SHOWS_PROGRESS = ("plan.progress",)
PURE = {
    "os": "PathLike curdir environ fsdecode fspath getcwd getpid getppid name path sep",
    "os.path": "abspath basename dirname isabs join normpath relpath split splitext",
    "sys": "_current_frames",
}
"""What of these modules neither looks at the file system nor at a stream."""

OF_PROCESSES = "_exit close cpu_count fdopen fork kill pipe sched_getaffinity waitpid"
"""What of `os` starts and ends processes, and connects them."""

BRING_FILES = frozenset("fileinput glob io pathlib shutil subprocess tempfile".split())
CACHE = re.compile(r"run_cache|recorder", re.IGNORECASE)


def _is_part_of(module: str, parts: Iterable[str]) -> bool:
    return any(module == part or module.startswith(f"{part}.") for part in parts)


def _touched(source: str) -> set[str]:
    """What a module names that can look at the file system or at a stream."""
    touched = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute() if (owner := ast.unparse(node.value)) in PURE:
                known = f"{PURE[owner]} {OF_PROCESSES}" if owner == "os" else PURE[owner]
                touched |= {f"{owner}.{node.attr}"} - {f"{owner}.{name}" for name in known.split()}
            case ast.Name(id="open" | "print" | "input" as name):
                touched.add(name)
            case ast.Import():
                touched |= {alias.name for alias in node.names} & BRING_FILES
            case ast.ImportFrom(module=str(module)) if module in PURE or module in BRING_FILES:
                touched.add(module)
    return touched


@pytest.mark.parametrize("path", MODULES, ids=_module)
def test_only_the_file_interface_and_the_command_touch_files_and_streams(path: Path) -> None:
    if not _is_part_of(_module(path), ("files", *RUNS_THE_COMMAND)):
        streams = {"sys.stderr"} if _module(path) in SHOWS_PROGRESS else set()
        assert _touched(path.read_text()) - streams == set()


@pytest.mark.parametrize(
    "line",
    [
        *("open('x')", "print('x')", "input()", "import subprocess", "from pathlib import Path", "from os import stat"),
        *("from os.path import exists", "os.open('x', 0)", "os.scandir('x')", "f = os.lstat", "os.path.realpath('x')"),
        *("map(os.path.lexists, x)", "sys.stdout.write('x')", "sys.argv"),
    ],
)
def test_access_to_files_is_detected(line: str) -> None:
    assert _touched(f"def function():\n    {line}\n")


def test_only_files_and_the_command_mention_the_run_cache() -> None:
    modules = {_module(path) for path in MODULES if CACHE.search(path.read_text())}
    assert {module for module in modules if not _is_part_of(module, ["files"])} == {"cli", "__main__"}
