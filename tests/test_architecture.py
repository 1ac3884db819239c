"""The code layout. import-linter checks the layers (see pyproject.toml); these tests check what it can't see."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from conftest import REPOSITORY
from kei_assembler.targets import TARGETS

PACKAGE = REPOSITORY / "src" / "kei_assembler"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix().removesuffix("/__init__").replace("/", ".")


def _is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_imports_point_downwards_only() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (run.returncode, run.stderr) == (0, ""), run.stdout


def test_every_rule_is_in_rules() -> None:
    modules = {_name(path) for path in MODULES if re.search(r"\n@(?:rule|documented)\(", path.read_text())}
    assert modules
    assert {module for module in modules if not _is_in(module, ("rules",))} == set()


def test_only_the_runner_of_the_rules_creates_diagnostics() -> None:
    creators = {
        _name(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Diagnostic"
    }
    assert creators == {"rules.runner"}


def _literals(path: Path) -> Iterator[str]:
    """The strings in a file's code. Docstrings don't count, because they contain examples."""
    tree = ast.parse(path.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent.name != "targets"], ids=_name)
def test_only_its_row_names_a_client(path: Path) -> None:
    folders = [path.rpartition("/")[0] for row in TARGETS.values() for path in (row.default_path, *row.search_paths)]
    named = [text for text in _literals(path) if text in TARGETS or any(folder in text for folder in folders)]
    assert named == []


RUNS_THE_COMMAND = ("__main__", "cli")
SHOWS_PROGRESS = ("build.progress",)

# The names in these modules that touch neither the file system nor a stream.
PURE = {
    "os": "PathLike curdir environ fsdecode fspath getcwd getpid getppid name path sep",
    "os.path": "abspath basename dirname isabs join normpath relpath split splitext",
    "sys": "_current_frames getsizeof",
}
# The names in `os` that start, end and connect processes.
PROCESSES = "_exit close cpu_count fdopen fork kill pipe sched_getaffinity waitpid"
FILE_MODULES = frozenset("fileinput glob io pathlib shutil subprocess tempfile".split())
CACHE = re.compile(r"run_cache|recorder", re.IGNORECASE)


def _file_accesses(source: str) -> set[str]:
    """The names in a module that can touch the file system or a stream."""
    accesses = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute() if (owner := ast.unparse(node.value)) in PURE:
                pure = f"{PURE[owner]} {PROCESSES}" if owner == "os" else PURE[owner]
                accesses |= {f"{owner}.{node.attr}"} - {f"{owner}.{name}" for name in pure.split()}
            case ast.Name(id="open" | "print" | "input" as name):
                accesses.add(name)
            case ast.Import():
                accesses |= {alias.name for alias in node.names} & FILE_MODULES
            case ast.ImportFrom(module=str(module)) if module in PURE or module in FILE_MODULES:
                accesses.add(module)
    return accesses


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_only_files_and_the_command_line_touch_files_and_streams(path: Path) -> None:
    if not _is_in(_name(path), ("files", *RUNS_THE_COMMAND)):
        streams = {"sys.stderr"} if _name(path) in SHOWS_PROGRESS else set()
        assert _file_accesses(path.read_text()) - streams == set()


@pytest.mark.parametrize(
    "line",
    [
        *("open('x')", "print('x')", "input()", "import subprocess", "from pathlib import Path", "from os import stat"),
        *("from os.path import exists", "os.open('x', 0)", "os.scandir('x')", "f = os.lstat", "os.path.realpath('x')"),
        *("map(os.path.lexists, x)", "sys.stdout.write('x')", "sys.argv"),
    ],
)
def test_a_file_access_is_found(line: str) -> None:
    assert _file_accesses(f"def function():\n    {line}\n")


# Where Unicode's white space is right, and why. Everything else uses the definition in `whitespace`.
UNICODE_SPACES = {
    "files.git_index": "a message of git, for people",
    "markdown.lenient_yaml": "what two clients match and trim in lines that are not YAML",
    "markdown.raw_scalars": "where the client trims",
    "importing.tools": "where the clients split and trim",
    "markdown.front_matter": "some YAML parsers strip any white space, so such a value is quoted",
    "markdown.hidden_text": "texts for people",
    "markdown.sequences": "tables in this package",
    "markdown.structure.reference": "a path or a URL contains no white space at all",
    "model.adaptation": "where Claude Code splits and trims",
    "render.simple_tokens": "what Jinja strips",
    "render.evaluation": "what Jinja strips",
    "render.sandbox": "what Jinja splits, and the names of methods",
    "render.templates": "the white space of Jinja's own syntax",
    "report": "texts for people, and what CI services trim before a command",
    "rules.catalog": "the documentation in this package",
    "targets": "tables in this package, and values without any white space",
    "whitespace": "the definition itself",
}
METHODS = ("strip", "lstrip", "rstrip", "split", "rsplit")


def _uses_unicode_spaces(node: ast.AST) -> bool:
    """Whether a node calls a method that works with Unicode's white space, or is a pattern that does."""
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr=name), args=[], keywords=[]) if name in METHODS:
            return not isinstance(owner, ast.Constant)
        case ast.Attribute(value=ast.Name(id="str"), attr=name) if name in METHODS:
            return True
        case ast.Attribute(attr="splitlines" | "isspace"):
            return True
        case ast.Constant(value=str(text)):
            return re.search(r"\\[sS]", re.sub(r"\[\^?\\s\\S\]", "", text)) is not None
    return False


def _unicode_spaces(module: str, source: str) -> set[str]:
    """The functions, classes and constants of a module that use Unicode's white space, with the module's name."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        f"{module}.{getattr(part, 'name', '') or ast.unparse(part).partition(' ')[0]}"
        for part in tree.body
        for node in ast.walk(part)
        if id(node) not in docstrings and _uses_unicode_spaces(node)
    }


def test_only_named_places_use_the_white_space_of_unicode() -> None:
    used = {name for path in MODULES for name in _unicode_spaces(_name(path), path.read_text())}
    assert {name for name in used if not _is_in(name, tuple(UNICODE_SPACES))} == set()
    assert {place for place in UNICODE_SPACES if not any(_is_in(name, (place,)) for name in used)} == set()


@pytest.mark.parametrize(
    "line",
    [
        *("text.strip()", "text.rstrip()", "text.split()", "filter(str.strip, x)", "text.splitlines()", "x.isspace()"),
        *("map(str.isspace, x)", r"re.sub(r'\s+', '', x)", r"rf'{x}\S'", "text.splitlines(True)", "f(x).lstrip()"),
    ],
)
def test_a_use_of_unicode_spaces_is_found(line: str) -> None:
    assert _unicode_spaces("m", f"def function():\n    return {line}\n") == {"m.function"}


@pytest.mark.parametrize(
    "line", ["text.strip(' ')", "'a b'.split()", "text.split('\\n')", r"r'[\s\S]'", "text.strip(SPACES)", "x.strip"]
)
def test_other_methods_and_patterns_are_fine(line: str) -> None:
    assert _unicode_spaces("m", f"def function():\n    return {line}\n") == set()


def test_only_files_and_the_command_line_mention_the_run_cache() -> None:
    modules = {_name(path) for path in MODULES if CACHE.search(path.read_text())}
    assert {module for module in modules if not _is_in(module, ("files",))} == {"cli.app", "__main__"}


def test_every_test_file_is_collected(pytestconfig: pytest.Config) -> None:
    patterns = pytestconfig.getini("norecursedirs")
    folders = {path.parent for path in (REPOSITORY / "tests").rglob("test_*.py") if "node_modules" not in path.parts}
    assert len(folders) > 10
    assert [str(folder) for folder in folders if any(fnmatch(folder.name, pattern) for pattern in patterns)] == []


def _longest_functions(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = node.body[0].end_lineno if ast.get_docstring(node) else node.lineno
            yield (node.end_lineno or 0) - (docstring or 0), node.name


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_functions_and_files_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
    assert [name for lines, name in _longest_functions(path) if lines > 40] == []


def _patterns_of_modules() -> Iterator[tuple[str, ast.Call]]:
    """The calls of a function `compile` for a constant of a module, with the module's name and the call."""
    for path in MODULES:
        for statement in ast.parse(path.read_text()).body:
            nodes = list(ast.walk(statement)) if isinstance(statement, ast.Assign | ast.AnnAssign) else []
            bound = [id(node.value) for node in nodes if isinstance(node, ast.Attribute)]
            yield from (
                (_name(path), node)
                for node in nodes
                if isinstance(node, ast.Call)
                and ast.unparse(node.func).endswith("re.compile")
                and id(node) not in bound
            )


def test_patterns_of_modules_are_compiled_when_they_are_used() -> None:
    functions = [(module, ast.unparse(call.func)) for module, call in _patterns_of_modules()]
    assert functions
    assert [module for module, function in functions if function != "lazy_re.compile"] == []


def test_the_types_of_named_tuples_are_not_compiled() -> None:
    named = [path for path in MODULES if "(NamedTuple)" in path.read_text()]
    assert named
    assert [path for path in named if "import NamedTuple\n" not in path.read_text()] == []
    assert [_name(path) for path in named if "from kei_assembler.records import" not in path.read_text()] == []
