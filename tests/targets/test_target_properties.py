"""Clients that do not read YAML read every value back as it was written, for any text."""

from __future__ import annotations

from typing import Any

import rtoml
from hypothesis import given
from hypothesis import strategies as st

from conftest import examples
from kei_assembler.loader import load_kit
from kei_assembler.markdown.hidden_text import is_hidden
from kei_assembler.model.manifest import manifest_reader, manifest_shape
from kei_assembler.render.renderer import Renderer
from kei_assembler.targets import TARGETS
from kei_assembler.whitespace import collapse_whitespace
from readers import AgentFile, read

# Text without the characters that are rejected as hidden.
VISIBLE = st.characters(exclude_categories=["Cs", "Cc"]).filter(lambda one: not is_hidden(one))
AWKWARD = st.sampled_from(
    [
        "\n",
        "\t",
        "---",
        "\n---\n",
        '"',
        '"""',
        "'''",
        "\\",
        "\\n",
        "#",
        ": ",
        "x: y",
        " ",
        "\u3000",
        "]",
        "`",
        "- ",
        "```\n",
    ]
)
TEXT = st.lists(AWKWARD | st.text(VISIBLE, max_size=5), min_size=1, max_size=8).map("".join).filter(str.strip)
MANIFESTS = st.fixed_dictionaries(
    {"description": TEXT, "role": TEXT, "trigger": TEXT, "model": TEXT.map(collapse_whitespace)}
)
RENDERER = Renderer(load_kit("/nowhere"))


def _file(target: str, texts: dict[str, Any]) -> tuple[AgentFile, str]:
    """The file as its client reads it, and the body that it should contain."""
    data = {"name": "x", "description": texts["description"], "role": texts["role"]}
    data |= {"handoff": [{"target": "y", "trigger": texts["trigger"]}], "target": {target: {"model": texts["model"]}}}
    artifact = RENDERER.render(manifest_reader(manifest_shape({}))(data)[0], "agents/x.toml", target)
    assert collapse_whitespace(texts["trigger"]) in artifact.body
    return read(target, artifact.content.decode()), artifact.body


@examples(200)
@given(MANIFESTS)
def test_cursor_reads_back_every_value_on_one_line(texts: dict[str, Any]) -> None:
    (values, body), rendered = _file("cursor", texts)
    assert values == {"name": "x", "description": collapse_whitespace(texts["description"]), "model": texts["model"]}
    assert body == rendered


@examples(200)
@given(MANIFESTS)
def test_pi_reads_back_every_value_on_one_line(texts: dict[str, Any]) -> None:
    (values, body), rendered = _file("pi", texts)
    assert values == {"name": "x", "description": collapse_whitespace(texts["description"]), "model": texts["model"]}
    assert body == rendered


@examples(200)
@given(MANIFESTS)
def test_codex_reads_back_every_value(texts: dict[str, Any]) -> None:
    (values, body), rendered = _file("codex", texts)
    assert values == {"name": "x", "description": texts["description"], "model": texts["model"]}
    assert body == rendered


PIECES = [*"ab\n\"'\\\t\r\x00\x1f\x7f\x80é\u2028", '"""', "'''", "\\n"]


@examples(500)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_the_body_is_written_as_rtoml_writes_it(body: str) -> None:
    form = TARGETS["codex"].form

    for more in ({}, {"list": ["y", "z"]}, {"table": {"key": "value"}}):
        entries: dict[str, Any] = {"name": "x", **more, "flag": True}
        whole: dict[str, Any] = {**entries, form.body_key: f"{body}\n" if body else ""}
        assert "".join(form.write(entries.items(), body)) == "\n" + rtoml.dumps(whole, pretty=True)
