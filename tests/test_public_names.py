"""Tests use only public names of the package, so that its internals can change."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import REPOSITORY

TESTS = sorted(path for path in (REPOSITORY / "tests").rglob("*.py") if "node_modules" not in path.parts)
NOT_PRIVATE = {"_blocks", "_source", "_asdict", "_fields", "_make", "_replace"}
"""The default block folder, the end of `bash_source`, which asks for completions, and the methods of named tuples."""

NOT_YET = {"test_run_cache.py"}
"""Modules that still set private limits of the run cache."""

COLLECTS_PATTERNS = {"test_patterns.py"}
"""It collects all regular expressions of the package, and nearly all of them are private."""


def _is_private(name: str) -> bool:
    return re.fullmatch("_[A-Za-z]\\w*", name) is not None and name not in NOT_PRIVATE


def _defined(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def _used(tree: ast.AST) -> Iterator[str]:
    """Yield the names that code imports or reads from objects other than `self`, also in code inside strings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
            yield from re.findall(r"\w\.(_\w+)", node.value)


SOURCES = (REPOSITORY / "src").rglob("*.py")
PRIVATE = {name for path in SOURCES for name in _defined(ast.parse(path.read_text())) if _is_private(name)}


@pytest.mark.parametrize(
    "path", [path for path in TESTS if path.name not in NOT_YET | COLLECTS_PATTERNS], ids=lambda path: path.name
)
def test_module_uses_only_public_names(path: Path) -> None:
    assert PRIVATE.intersection(_used(ast.parse(path.read_text()))) == set()


def test_private_names_are_found() -> None:
    code = 'from a import _one\nb._two = 3\nsetattr(b, "_four", 5)\nRUN = """\nc._six = 7\n"""\nself._eight\n'
    assert set(filter(_is_private, _used(ast.parse(code)))) == {"_one", "_two", "_four", "_six"}
    assert "_replace" not in PRIVATE
    assert len(PRIVATE) > 100
