"""Front matter, read by the parsers that AI tools are built on: those of npm, and both of Python."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from conftest import REPOSITORY
from kei_assembler.frontmatter import front_matter
from test_frontmatter import ANY_TEXT, TRICKY_TEXT

pytestmark = pytest.mark.slow

NODE = REPOSITORY / "tests" / "node"
PACKAGES = ("gray-matter", "js-yaml-3", "js-yaml-4", "yaml")
BY_NPM = {"yaml", "yaml as 1.1", "js-yaml 3", "js-yaml 4", "gray-matter"}
BY_PYTHON: dict[str, Callable[[str], Any]] = {"PyYAML": yaml.safe_load, "ruamel.yaml": YAML(typ="safe", pure=True).load}

LARGEST_EXACT_DOUBLE = 2**53
NAMES_OF_JAVASCRIPT = ("__proto__", "constructor", "toString", "toJSON", "hasOwnProperty", "length", "undefined", "NaN")
TAKEN_FOR_OTHER_TYPES = ("<<", "0o17", "0b11", "1:30", "1_000", "12e03", "2001-12-14T21:59:43.100Z", "!!js/function x")
TEXT = ANY_TEXT | TRICKY_TEXT | st.sampled_from(NAMES_OF_JAVASCRIPT + TAKEN_FOR_OTHER_TYPES)
INTEGERS = st.integers(-LARGEST_EXACT_DOUBLE, LARGEST_EXACT_DOUBLE)
SCALARS = TEXT | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False)
NESTED = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))

BODY_BITS = (
    "---",
    "...",
    "\n",
    "\r\n",
    "\r",
    "\ufeff",
    "\0",
    "\u2028",
    " ",
    "# x",
    "a: b",
    "```",
    "<!-- more -->",
    "---js",
)
BODIES = ANY_TEXT | st.lists(st.sampled_from(BODY_BITS), max_size=8).map("".join)


class Answer(NamedTuple):
    """What one client makes of a file; only some split it themselves."""

    data: Any
    body: str | None


class Clients:
    """All the parsers, those of npm in one process that lives as long as the tests."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def read(self, entries: dict[str, Any], body: str) -> dict[str, Answer]:
        text = front_matter(entries.items())
        values = text.removeprefix("---\n").removesuffix("---\n")
        by_python = {name: Answer(read(values), None) for name, read in BY_PYTHON.items()}
        return by_python | self._read_by_npm(text + body)

    def _read_by_npm(self, file: str) -> dict[str, Answer]:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(file), file=self._process.stdin, flush=True)
        answers = json.loads(self._process.stdout.readline())
        return {name: Answer(answer.get("data", answer), answer.get("body")) for name, answer in answers.items()}


@pytest.fixture(scope="module")
def clients() -> Iterator[Clients]:
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not here")
    for package in PACKAGES:
        if not (NODE / "node_modules" / package).is_dir():
            pytest.skip(f"{package} comes by npm, and is not here; `make slow` installs it")
    command = [node, str(NODE / "front_matter.mjs")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8") as process:
        yield Clients(process)


def _as_json(value: Any) -> str:
    """JSON in which True is not 1, and a number is the double that it is in JavaScript."""
    return json.dumps(_with_doubles(value), sort_keys=True)


def _with_doubles(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_doubles(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_doubles(item) for item in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value + 0.0 if is_number else value  # JSON made by JavaScript knows no -0.0


def _assert_all_read_back(clients: Clients, entries: dict[str, Any], body: str = "\n# BODY\n") -> None:
    answers = clients.read(entries, body)
    assert set(answers) == BY_NPM | set(BY_PYTHON)
    assert {name: _as_json(answer.data) for name, answer in answers.items()} == dict.fromkeys(
        answers, _as_json(entries)
    )
    assert answers["gray-matter"].body == body


@settings(max_examples=500, deadline=None)
@given(TEXT)
def test_a_text_reads_back(clients: Clients, text: str) -> None:
    _assert_all_read_back(clients, {"description": text, "model": "opus"})


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXT, max_size=4))
def test_a_list_of_texts_reads_back(clients: Clients, texts: list[str]) -> None:
    _assert_all_read_back(clients, {"skills": texts, "model": "opus"})


@settings(max_examples=300, deadline=None)
@given(NESTED)
@example({name: {name: "x"} for name in NAMES_OF_JAVASCRIPT})
@example({"<<": {"a": "b"}})
@example({"k" * 5000: ["v" * 5000]})
@example([LARGEST_EXACT_DOUBLE, -0.0, 1e16, 1e-7, 5e-324, 1.7976931348623157e308])
def test_nested_values_read_back(clients: Clients, value: Any) -> None:
    _assert_all_read_back(clients, {"hooks": {"key": value}, "mcpServers": value})


@settings(max_examples=300, deadline=None)
@given(TEXT, BODIES)
@example("x", "")
@example("x", "---\na: b\n---\n")
@example("x", "\r\nx\r\n")
def test_the_body_comes_back_unchanged(clients: Clients, text: str, body: str) -> None:
    _assert_all_read_back(clients, {"description": text}, body)


@pytest.mark.parametrize("text", ["2001-12-14T21:59:43.100Z", "2001-12-14", "0x1F", "1e3", "1:30", "=", "~", "<<"])
def test_what_looks_like_another_type_reads_back_as_text(clients: Clients, text: str) -> None:
    _assert_all_read_back(clients, {"description": text, "skills": [text]})
