"""Front matter for a client that reads no YAML means what YAML says if it is YAML."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from conftest import Workbench
from kei_assembler.markdown.lenient_yaml import by_lines
from kei_assembler.markdown.plain_lines import lines_or_yaml

PATH = ".cursor/agents/critic.md"


def _imported(bench: Workbench, front: str) -> tuple[dict[str, Any], str]:
    bench.write({PATH: f"---\nname: critic\n{front}---\nYou review code.\n"})
    run = bench.run("import", PATH)
    assert run.status == 0, run.stderr
    manifest = tomllib.loads(bench.read("agents/critic.toml"))
    return manifest, run.stderr


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        ("description: >\n  Reviews code\n  with care.\n", "Reviews code with care.\n"),
        ("description: |\n  One.\n  Two.\n", "One.\nTwo.\n"),
        ("description: Reviews\n  code.\n", "Reviews code."),
        ('description: "Reviews: code."\n', "Reviews: code."),
        ("description: 'It''s'\n", "It's"),
        ("description: Reviews # code\n", "Reviews"),
    ],
)
def test_a_description_that_is_yaml_is_read_as_yaml(front: str, expected: str, bench: Workbench) -> None:
    manifest, error = _imported(bench, front)
    assert manifest["description"] == expected
    assert f"{PATH}:3:1: warning[I902] `description` was read as YAML, but Cursor reads no YAML" in error
    assert bench.run("--all", "--force").status == 0
    assert by_lines(bench.read(PATH).split("---\n")[1], "").entries["description"].value == " ".join(expected.split())


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        ("description: Reviews: code.\n", "Reviews: code."),
        ("description: @reviewer\n", "@reviewer"),
        ("description: Reviews code.\n", "Reviews code."),
        ("description: 12\n", "12"),
        ("description: yes\n", "yes"),
        ('description: "Use" or not\n', '"Use" or not'),
    ],
)
def test_other_descriptions_are_read_as_the_client_does(front: str, expected: str, bench: Workbench) -> None:
    manifest, error = _imported(bench, front)
    assert (manifest["description"], "I902" in error) == (expected, False)


@pytest.mark.parametrize(
    ("front", "key", "expected"),
    [
        ('tools: ["Read", "Grep"]\n', "tools", ["Read", "Grep"]),
        ("tools:\n  - Read\n  - Grep\n", "tools", ["Read", "Grep"]),
        ("tools: [Read]\n", "tools", ["Read"]),
        ("tools: Read, Grep\n", "tools", ["Read", "Grep"]),
        ("tools: 'Read, Grep'\n", "tools", ["Read", "Grep"]),
        ("model: 'fast'\n", "target", {"cursor": {"model": "fast"}}),
        ("model: inherit # always\n", "model", "inherit"),
        ("readonly: 'true'\n", "target", {"cursor": {"readonly": True}}),
        ("readonly: true # always\n", "target", {"cursor": {"readonly": True}}),
        ("readonly: true\n", "target", {"cursor": {"readonly": True}}),
        ("Readonly: true\n", "target", {"cursor": {"readonly": True}}),
    ],
)
def test_other_keys_are_read_as_yaml(front: str, key: str, expected: Any, bench: Workbench) -> None:
    manifest, _ = _imported(bench, f"description: Reviews code.\n{front}")
    assert manifest[key] == expected


def test_an_empty_list_does_not_become_all_tools(bench: Workbench) -> None:
    manifest, error = _imported(bench, "description: Reviews code.\ntools: []\n")
    assert (manifest.get("tools"), manifest["target"]) == (None, {"cursor": {"tools": ["[]"]}})
    assert "I902" not in error


@pytest.mark.parametrize("outer", ["metadata:\n", "description: |\n  Reviews code.\n"])
def test_a_limit_inside_another_value_stays(outer: str, bench: Workbench) -> None:
    manifest, error = _imported(bench, f"{outer}  readonly: true\n  other: x\n")
    assert manifest["target"] == {"cursor": {"readonly": True}}
    assert "[I902] `readonly` is inside another value, but Cursor reads it as a key of the agent" in error


def test_a_generated_file_is_read_as_the_client_does(bench: Workbench) -> None:
    text = 'name = "critic"\ndescription = "\\"Reviews\\" or not"\nrole = "You."\ntargets = ["cursor"]\n'
    for description in ('"Reviews"', "[Reviews]", "Reviews # code"):
        bench.write({"agents/critic.toml": text.replace('\\"Reviews\\" or not', description.replace('"', '\\"'))})
        assert bench.run("--all").status == 0
        bench.write({f"x/{PATH}": bench.read(PATH)})
        assert bench.run("import", f"x/{PATH}", "--kit", "x").status == 0
        assert tomllib.loads(bench.read("x/agents/critic.toml"))["description"] == description
        (bench.folder / "x/agents/critic.toml").unlink()


VALUE = st.text("ab \n\"':#[],-|>\\", max_size=20) | st.lists(st.text("ab:#", max_size=5), min_size=1, max_size=3)


@given(st.dictionaries(st.sampled_from(["name", "description", "tools", "model"]), VALUE | st.booleans(), min_size=1))
def test_all_yaml_means_what_it_says(values: dict[str, Any]) -> None:
    front = lines_or_yaml(yaml.safe_dump(values, allow_unicode=True), "Cursor", ())
    expected = {key: str(value).lower() if isinstance(value, bool) else value for key, value in values.items()}
    assert {key: value for key, (value, _) in front.entries.items()} == expected
    literal = by_lines(yaml.safe_dump(values, allow_unicode=True), "Cursor").entries
    assert len(front.recoveries) == sum(literal[key].value != value for key, value in expected.items())
