"""Factory Droid: values of the right types, without which the agent would have all tools, and groups of tools."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given

from conftest import REPOSITORY, Workbench, examples
from kei_assembler.loader import load_kit
from kei_assembler.model.manifest import manifest_reader, manifest_shape
from kei_assembler.render.renderer import Renderer
from readers import AGENT, build, findings
from strategies import ANY_TEXT

KEYS = {"name", "description", "model", "reasoningEffort", "tools", "mcpServers"}
LISTS = {"tools", "mcpServers"}
GOLDEN = sorted((REPOSITORY / "tests/golden/droid").glob("*.md"))
FILE = "---\nname: critic\ndescription: Reviews code.\n{}\n---\nYou review code.\n"
RENDERER = Renderer(load_kit("/nowhere"))


def as_droid(text: str) -> tuple[dict[str, Any], str]:
    """Read a file as the client does: if one value has a wrong type, no key counts."""
    match = re.match(r"---\r?\n([\s\S]*?)\r?\n---\r?\n?", text)
    if not match:
        return {}, text.strip()
    values = yaml.safe_load(match[1])
    fits = all(_has_type(key, value) for key, value in values.items() if key in KEYS)
    return values if fits else {}, text[match.end() :].strip()


def _has_type(key: str, value: object) -> bool:
    is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return isinstance(value, str) or (key in LISTS and is_list)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_it_reads_all_keys_of_our_own_agents(path: Any) -> None:
    values, body = as_droid(path.read_text())
    assert list(values) == ["name", "description", "tools"]
    assert (values["name"], body.startswith("<!-- Generated")) == (path.stem, True)


@examples(100)
@given(ANY_TEXT.filter(str.strip))
def test_it_reads_all_keys_whatever_the_texts_are(text: str) -> None:
    line = " ".join(text.split()) or "x"
    own = {"model": line, "reasoningEffort": line, "mcpServers": ["a"], "tools": ["Read"]}
    data = {"name": "3e5", "description": text, "role": "You review.", "target": {"droid": own}}
    artifact = RENDERER.render(manifest_reader(manifest_shape({}))(data)[0], "agents/3e5.toml", "droid")
    values, _ = as_droid(artifact.content.decode())
    assert values.keys() == KEYS
    assert (values["name"], values["model"], values["tools"]) == ("3e5", line, ["Read"])


@pytest.mark.parametrize("tools", ["5", "[5]", "{ Read = true }", "true", '["a,b"]', '[""]', '""', '"Read"'])
def test_a_value_that_would_give_it_all_tools_is_an_error(tools: str, bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f"{AGENT}[target.droid]\ntools = {tools}\n"})
    (found,) = findings(bench, "--target", "droid")
    assert (found.code in {"K102", "K104", "K106"}, found.line) == (True, 5)


@pytest.mark.parametrize(
    ("front", "tells"),
    [
        ("tools: {Read: true}", "`tools` is not a string, or a list of strings"),
        ("tools: [Read, 5]", "`tools` is not a string, or a list of strings"),
        ("tools:", "`tools` is not a string, or a list of strings"),
        ("model: 5", "`model` is not a string"),
        ("mcpServers: {tracker: {}}", "`mcpServers` is not a string, or a list of strings"),
    ],
)
def test_import_reports_a_file_whose_keys_it_ignores(front: str, tells: str, bench: Workbench) -> None:
    text = FILE.format(front)
    bench.write({".factory/droids/critic.md": text})
    assert as_droid(text)[0] == {}
    message = f"{tells}: Factory Droid ignores all keys of this file, so the agent has all tools"
    assert f".factory/droids/critic.md:4:1: warning[I902] {message}\n" in bench.run("import", ".factory").stderr


GROUPS = ("read-only", "edit", "execute", "execution", "web")


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_of_tools_is_imported_as_it_is(group: str, bench: Workbench) -> None:
    bench.write({".factory/droids/critic.md": FILE.format(f"tools: {group}")})
    assert bench.run("import", ".factory").status == 0
    assert f'[target.droid]\ntools = "{group}"\n' in bench.read("agents/critic.toml")
    assert bench.run("--all", "--force").status == 0
    assert as_droid(bench.read(".factory/droids/critic.md"))[0]["tools"] == group


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ("[Read, LS, Grep, Glob]", 'tools = ["Read", "Grep", "Glob"]'),
        ("Read, Execute", 'tools = ["Read", "Bash"]'),
        ("[Edit, Create, MultiEdit]", 'tools = ["Edit", "Write"]'),
        ("[tracker___find]", 'tools = ["mcp__tracker__find"]'),
        ("[Glob]", '[target.droid]\ntools = ["Glob"]'),
        ("all", "tools = []"),
        ("[]", "tools = []"),
    ],
)
def test_tools_are_imported_without_a_gain(tools: str, expected: str, bench: Workbench) -> None:
    bench.write({".factory/droids/critic.md": FILE.format(f"tools: {tools}")})
    assert bench.run("import", ".factory").status == 0
    assert f"\n{expected}\n" in bench.read("agents/critic.toml")


def test_an_agent_with_glob_can_list_folders(bench: Workbench) -> None:
    tools = 'tools = ["Read", "Glob", "mcp__tracker__find"]\n'
    assert build(bench, tools, ["droid"])["droid"].values["tools"] == ["Read", "Glob", "LS", "tracker___find"]


def test_all_tools_of_a_server_have_no_name(bench: Workbench) -> None:
    bench.write({"agents/critic.toml": f'{AGENT}tools = ["Read", "mcp__tracker"]\n'})
    (found,) = findings(bench, "--target", "droid")
    says = "there is no counterpart in Factory Droid for `mcp__tracker`, which the agent then lacks"
    assert (found.code, found.message) == ("K113", says)


@pytest.mark.parametrize(("name", "code"), [("worker", "L807"), ("scrutiny-feature-reviewer", "L806"), ("a.b", "L802")])
def test_its_names(name: str, code: str, bench: Workbench) -> None:
    bench.write({f"agents/{name}.toml": f'name = "{name}"\ndescription = "R."\nrole = "You review."\n'})
    assert [one.code for one in findings(bench, "--target", "droid")] == [code]
