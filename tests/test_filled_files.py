"""A value is plain text in every generated file: the file parses as with a word in the value's place."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from conftest import examples
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.diagnostics import Diagnostic, Severity, has_errors
from kei_assembler.loader import load_kit
from kei_assembler.markdown.hidden_text import is_hidden
from kei_assembler.model.outranking import INHERITED
from kei_assembler.targets import TARGETS
from kei_assembler.toml.writer import document
from readers import AgentFile, read
from strategies import BITS, YAML_BITS

READER = MarkdownIt("commonmark").enable("table")
WORD = "x"
LINES = (
    "{{A}}",
    "Know {{A}}.",
    "{{A}}: b",
    "a, {{A}}",
    "`a` {{A}}",
    "{{A}} *b*",
    "a | {{A}}",
    "[{{A}}](b)",
    "{{A}}{{A}}",
)
IN_CODE = ("`{{A}}`", "a `b {{A}}` c")
PARTS = (
    *(*LINES, *IN_CODE, "# {{A}}", "- {{A}}\n- b", "1. a\n2. {{A}}", "> {{A}}", "a\n{{A}}", "{{A}}\nb", "    {{A}}"),
    *("```\n{{A}}\n```", "~~~{{A}}\na\n~~~", "<div>\n{{A}}\n</div>", "<!-- {{A}} -->", "<b title='{{A}}'>c</b>"),
    *("|a|{{A}}|\n|-|-|\n|{{A}}|`{{A}}`|", "[a]: {{A}}", "[a][{{A}}]", "- a\n\n  {{A}}", "> ```\n> {{A}}\n> ```"),
)
MARKS = (
    *BITS,
    *YAML_BITS,
    '"""',
    "'''",
    "\\",
    "](",
    "]:",
    "|",
    "---\n",
    "+++",
    "{%",
    "%}",
    "{#",
    "${A}",
    "$(b)",
    "@c",
    "é",
)
OF_LINES = ("{{A}}", "a\n\n{{A}}", "> {{A}}", "- a\n\n  {{A}}", "```\n{{A}}\n```", "a\n{{A}}\nb", "    {{A}}", "b")
OF_ENTRIES = ("- {{A}}", "1. {{A}}\n2. b", "> - {{A}}", "- a\n  - {{A}}", "```\n- {{A}}\n```", "* a\n* {{A}}", "b")
VALUES = (
    st.lists(st.sampled_from(MARKS), min_size=1, max_size=6)
    .map("".join)
    .filter(lambda value: value.strip() and "{{" not in value and not any(map(is_hidden, value)))
)
LINE = VALUES.map(lambda value: value.replace("\n", " ")).filter(str.strip)
ENTRY = LINE.filter(lambda line: line != INHERITED)
REFUSED = {"V105", "V106", "V107", "T407"}
"""The codes of the errors about values that do not fit a place."""


@st.composite
def kits(draw: Any, parts: Sequence[str]) -> dict[str, Any]:
    """Return a strategy for kits with `{{A}}` in all texts: the manifest's data, and the texts of the blocks.

    `parts` are those of the role and of the blocks. If they differ from `PARTS`, all other texts are `{{A}}`.
    """
    texts = st.lists(st.sampled_from(parts), min_size=1, max_size=3).map("\n\n".join)
    lines, codes = (LINES, IN_CODE) if parts is PARTS else (("{{A}}",), ())
    entries = st.lists(st.sampled_from((*lines, *codes)), max_size=2, unique=True)
    manifest = {
        "name": "critic",
        "description": draw(st.sampled_from(lines)),
        "role": draw(texts),
        "domain_in": draw(entries),
        "forbidden_domain": draw(entries),
        "output_extra_fields": draw(entries),
        "note": draw(st.sampled_from(lines)),
        "references": {"extra": draw(entries)},
        "blocks": ["whole", "part#section", "varied"],
        "handoff": [{"target": "other", "trigger": draw(st.sampled_from((*lines, *codes)))}],
    }
    blocks = {
        "whole": draw(texts),
        "part": f"# Before\n\nNot this.\n\n# Section\n\n{draw(texts)}\n\n# After\n\nNot this.",
        "varied": draw(texts),
        "varied@codex": draw(texts),
        "varied@gemini": draw(texts),
    }
    return {"manifest": manifest, "blocks": blocks}


def _planned(kit: dict[str, Any], value: Any) -> tuple[dict[str, AgentFile], tuple[Diagnostic, ...]]:
    """The files of a kit as their clients read them, and the findings."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for path in ("agents", "_blocks"):
            (folder / path).mkdir()
        settings = {"targets": [*TARGETS], "external-agents": ["other"], "extra-keys": {"note": "string"}}
        (folder / "assemble.toml").write_text(document(settings))
        data = kit["manifest"] | {"values": {"A": value}}
        (folder / "agents/critic.toml").write_bytes(document(data).encode())
        for block, text in kit["blocks"].items():
            (folder / f"_blocks/{block}.md").write_bytes(text.encode())
        plan = plan_kit(load_kit(str(folder)), ["agents/critic.toml"], whole=True)
    if has_errors(plan.diagnostics):
        return {}, plan.diagnostics
    files = {change.target: read(change.target, (change.after or b"").decode()) for change in plan.changes}
    return files, plan.diagnostics


def _values(file: AgentFile) -> dict[str, Any]:
    """The values of a file. What Copilot's handoffs say is Markdown, so it can have escapes."""
    handoffs = [each | {"prompt": ""} for each in file.values.get("handoffs", ())]
    return file.values | {"handoffs": handoffs}


def _outline(file: AgentFile) -> list[object]:
    return [(token.type, token.level, token.tag) for token in READER.parse(f"{file.body}\n")]


def _containers(file: AgentFile) -> list[object]:
    prose = ("paragraph_open", "inline", "paragraph_close")
    return [(one.type, one.level, one.tag) for one in READER.parse(f"{file.body}\n") if one.type not in prose]


def _check(kit: dict[str, Any], value: Any, word: Any, outline: Callable[[AgentFile], object]) -> None:
    """Check that a kit's files with a value are those with a word, except for the value's text."""
    plain, found = _planned(kit, word)
    assume(not has_errors(found))
    files, found = _planned(kit, value)
    if has_errors(found):
        assert {one.code for one in found if one.severity is Severity.ERROR} <= REFUSED
        return
    description = kit["manifest"]["description"]
    if isinstance(value, str):
        description = description.replace("{{A}}", value)
    literal, found = _planned(kit | {"manifest": kit["manifest"] | {"description": description}}, word)
    assert files.keys() == plain.keys() == literal.keys() == TARGETS.keys(), found
    for target, file in files.items():
        assert _values(file) == _values(literal[target]), target
        assert outline(file) == outline(plain[target]), target


@examples(100)
@given(kits(PARTS), LINE)
def test_a_line_is_text_in_every_file(kit: dict[str, Any], value: str) -> None:
    _check(kit, value, WORD, _outline)


@examples(70)
@given(kits(OF_LINES), st.lists(LINE, min_size=2, max_size=3))
def test_lines_stay_in_their_place_in_every_file(kit: dict[str, Any], lines: list[str]) -> None:
    _check(kit, "\n".join(lines), WORD, _containers)


@examples(70)
@given(kits(OF_ENTRIES), st.lists(ENTRY, min_size=1, max_size=3))
def test_entries_are_items_in_every_file(kit: dict[str, Any], entries: list[str]) -> None:
    kit["manifest"]["description"] = kit["manifest"]["note"] = "Reviews."
    kit["manifest"]["handoff"][0]["trigger"] = "a change"
    _check(kit, entries, [WORD] * len(entries), _outline)
