"""Properties of every kit, tested with generated manifests."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import tomli_w
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from conftest import examples
from kei_assembler.build.changes import FileStatus
from kei_assembler.build.kit_plan import Plan, plan_kit
from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import has_errors
from kei_assembler.loader import load_kit
from kei_assembler.markdown.hidden_text import is_hidden

# Text without the characters that are refused as hidden, and without unfilled placeholders.
VISIBLE = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="{").filter(lambda one: not is_hidden(one))
TEXT = st.text(VISIBLE, min_size=1).filter(str.strip)
LINES = st.lists(TEXT, min_size=1, max_size=3).map("\n".join)
LISTS = st.lists(LINES, max_size=4)
MANIFESTS = st.fixed_dictionaries(
    {"description": LINES},
    optional={
        "tools": st.lists(st.sampled_from(["Read", "Agent(a, b)", "Bash(git:*)", "mcp__x"]), unique=True),
        "model": st.sampled_from(["opus", "no", "1e3"]),
        "domain_in": LISTS,
        "forbidden_domain": LISTS,
        "output_extra_fields": LISTS,
        "references": st.fixed_dictionaries({"extra": LISTS}),
        "handoff": LINES.map(lambda trigger: [{"target": "other", "trigger": trigger}]),
    },
)


def _kit(folder: str, manifest: dict[str, Any]) -> Path:
    path = Path(folder).resolve()
    (path / "agents").mkdir()
    (path / "assemble.toml").write_text('external-agents = ["other"]')
    (path / "agents" / "x.toml").write_bytes(tomli_w.dumps({"name": "x"} | manifest).encode())
    return path


def _planned(folder: str) -> Plan:
    return plan_kit(load_kit(folder), ["agents/x.toml"], whole=True)


def _output(manifest: dict[str, Any]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        plan = _planned(str(_kit(folder, manifest)))
    assert not has_errors(plan.diagnostics)
    content = plan.changes[0].after
    assert content is not None
    return content.decode()


@examples(60)
@given(MANIFESTS)
def test_second_build_changes_nothing(manifest: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = str(_kit(folder, manifest))
        first = _planned(path).changes
        list(map(OutputFiles(load_kit(path)).apply, first))
        second = _planned(path).changes
    assert [change.status for change in first] == [FileStatus.CREATE]
    assert [change.status for change in second] == [FileStatus.UNCHANGED]


@examples(100)
@given(MANIFESTS)
def test_rendering_is_deterministic(manifest: dict[str, Any]) -> None:
    assert _output(manifest) == _output(manifest)


@examples(100)
@given(MANIFESTS)
def test_front_matter_has_the_values_of_the_manifest(manifest: dict[str, Any]) -> None:
    _, front, _ = _output(manifest).split("---\n", 2)
    values = yaml.safe_load(front)
    assert values["description"] == manifest["description"]
    assert values.get("model") == manifest.get("model")


@examples(100)
@given(MANIFESTS)
def test_file_ends_with_one_newline_and_has_only_its_own_fence(manifest: dict[str, Any]) -> None:
    text = _output(manifest)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    fences = [token for token in MarkdownIt("commonmark").parse(text) if token.type == "fence"]
    assert len(fences) == bool(manifest.get("output_extra_fields"))


@examples(100)
@given(MANIFESTS)
def test_values_do_not_change_the_outline(manifest: dict[str, Any]) -> None:
    def outline(text: str) -> list[str]:
        _, _, body = text.split("---\n", 2)
        return [token.type for token in MarkdownIt("commonmark").parse(body)]

    assert outline(_output(manifest)) == outline(_output(_with_x(manifest)))


def _with_x(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _with_x(inner, name) for name, inner in value.items()}
    if isinstance(value, list) and key != "tools":
        return [_with_x(inner) for inner in value]
    return value if key in ("target", "tools", "model") else "x"
