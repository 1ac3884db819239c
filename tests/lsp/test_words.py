"""Completion, hover, definitions and references: what the server knows about the word at the cursor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lsprotocol import types

from conftest import Workbench
from editors import CRITIC, KIT, SETTINGS, Editor

MORE = {
    "assemble.toml": SETTINGS
    + """
[bundles]
core = ["honesty", "care#with-files"]

[values]
PROJECT = "Kei"
""",
    "agents/coder.toml": """\
name = "coder"
description = "Writes {{PROJECT}}."
role = { file = "roles/coder.md" }
blocks = ["@core"]

[[handoff]]
target = "critic"
trigger = "reviews"

[values]
PROJECT = "coder"
""",
    "_blocks/care.md": "# Care\n\n## With files\n\nBe careful with {{PROJECT}}.\n",
    "roles/coder.md": "You write {{PROJECT}}.\n",
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    folder = tmp_path_factory.mktemp("words")
    for name, text in {**KIT, **MORE}.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    with Editor.started(folder) as editor:
        yield editor


@pytest.fixture
def project(shared: Editor) -> Iterator[Editor]:
    """Return an editor that has a kit open. All tests share the process, but no documents."""
    yield shared
    shared.close_all()


def complete(ide: Editor, file: str, marked: str) -> dict[str, str]:
    """Return the completions at the `|`, each with the text that results."""
    params = ide.at(file, marked)
    found = ide.ask("textDocument/completion", types.CompletionParams(params.text_document, params.position))
    text = marked.replace("|", "", 1)
    made = {}
    for item in found or ():
        edit = item.text_edit
        assert edit.range.start.line == edit.range.end.line == params.position.line
        lines = text.split("\n")
        line = lines[edit.range.start.line]
        raw = line.encode("utf-16-le")
        start, end = 2 * edit.range.start.character, 2 * edit.range.end.character
        new = raw[:start] + edit.new_text.encode("utf-16-le") + raw[end:]
        made[item.label] = new.decode("utf-16-le")
    return made


@pytest.mark.parametrize(
    ("file", "marked", "label", "line"),
    [
        ("agents/new.toml", "na|", "name", "name = "),
        ("agents/new.toml", "|", "description", "description = "),
        ("agents/new.toml", 'nam|e = "x"', "name", 'name = "x"'),
        ("agents/new.toml", 'name = "new"\nblocks = ["ho|', "honesty", 'blocks = ["honesty"'),
        ("agents/new.toml", "blocks = ['ho|']", "honesty", "blocks = ['honesty']"),
        ("agents/new.toml", "blocks = [|", "honesty", 'blocks = ["honesty"'),
        ("agents/new.toml", 'blocks = ["😀", "ho|y", "care"]', "honesty", 'blocks = ["😀", "honesty", "care"]'),
        ("agents/new.toml", 'blocks = ["@|"]', "@core", 'blocks = ["@core"]'),
        ("agents/new.toml", 'blocks = ["care#|"]', "care#with-files", 'blocks = ["care#with-files"]'),
        ("agents/new.toml", 'extends = "coder"\nblocks = ["...", "!h|"]', "honesty", 'blocks = ["...", "!honesty"]'),
        ("agents/new.toml", 'blocks = ["honesty",\ntools = ["R|\n', "Read", 'tools = ["Read"'),
        ("agents/new.toml", 'extends = "c|"', "coder", 'extends = "coder"'),
        ("agents/new.toml", '[[handoff]]\ntarget = "|"', "critic", 'target = "critic"'),
        ("agents/new.toml", "handoff = [{ tar|", "target", "handoff = [{ target = "),
        ("agents/new.toml", 'targets = ["cod|"]', "codex", 'targets = ["codex"]'),
        ("agents/new.toml", "[tar|", "target", "[target"),
        ("agents/new.toml", "[target.cod|]", "codex", "[target.codex]"),
        ("agents/new.toml", "[target.claude-code]\neff|", "effort", "effort = "),
        ("agents/new.toml", '[target.claude-code]\neffort = "h|', "high", 'effort = "high"'),
        ("agents/new.toml", "abstract = |", "true", "abstract = true"),
        ("agents/new.toml", "[values]\n|", "PROJECT", "PROJECT = "),
        ("agents/new.toml", 'description = "For {{|"', "PROJECT", 'description = "For {{PROJECT}}"'),
        ("agents/new.toml", 'role = """\nFor {{PRO|}}', "PROJECT", "For {{PROJECT}}"),
        ("agents/new.toml", 'role = { file = "roles/|" }', "roles/coder.md", 'role = { file = "roles/coder.md" }'),
        ("_blocks/care.md", "Be kind to {{P|", "PROJECT", "Be kind to {{PROJECT}}"),
        ("roles/coder.md", "😀 {{|", "PROJECT", "😀 {{PROJECT}}"),
        ("assemble.toml", "obl|", "obligatory", "obligatory = "),
        ("assemble.toml", 'obligatory = ["ca|', "care", 'obligatory = ["care"'),
        ("assemble.toml", '[bundles]\ncore = ["@|"]', "@core", 'core = ["@core"]'),
        ("assemble.toml", 'ignore = ["O6|"]', "O611", 'ignore = ["O611"]'),
        ("assemble.toml", "[target.claude-code]\nout|", "output", "output = "),
        ("assemble.toml", '[defaults]\ntools = ["R|"]', "Read", 'tools = ["Read"]'),
    ],
)
def test_completion(project: Editor, file: str, marked: str, label: str, line: str) -> None:
    made = complete(project, file, marked)
    assert made[label] == line


@pytest.mark.parametrize(
    ("file", "marked"),
    [
        ("agents/new.toml", "# na|"),
        ("agents/new.toml", 'name = "new" |'),
        ("agents/new.toml", 'role = "ho|"'),
        ("_blocks/care.md", "Be |"),
        ("_blocks/care.md", "Run ${{P|"),
        ("README.md", "{{|"),
    ],
)
def test_nothing_to_complete(project: Editor, file: str, marked: str) -> None:
    assert complete(project, file, marked) == {}


def test_a_key_is_offered_once(project: Editor) -> None:
    made = complete(project, "agents/new.toml", 'name = "new"\n|\ndescription = "x"\n')
    assert "role" in made
    assert not {"name", "description"} & made.keys()


def test_completion_in_pyproject(ide: Editor, bench: Workbench) -> None:
    (bench.folder / "assemble.toml").unlink()
    bench.write({"pyproject.toml": "[tool.assemble]\n"})
    assert complete(ide, "pyproject.toml", "[project]\nobl|\n[tool.assemble]\n") == {}
    made = complete(ide, "pyproject.toml", '[tool.assemble]\nobligatory = ["hon|"]')
    assert made["honesty"] == 'obligatory = ["honesty"]'


@pytest.mark.parametrize(
    ("file", "marked", "text"),
    [
        ("agents/new.toml", 'desc|ription = "x"', "What the agent or skill is for."),
        ("agents/new.toml", 'blocks = ["honest|y"]', "```markdown\nBe honest.\n```"),
        ("agents/new.toml", 'blocks = ["care#|with-files"]', "## With files"),
        ("agents/new.toml", 'blocks = ["@c|ore"]', "honesty\ncare#with-files"),
        ("agents/new.toml", '[[handoff]]\ntarget = "cri|tic"', "Reviews diffs."),
        ("agents/new.toml", 'extends = "code|r"', "hands off to `critic`"),
        ("agents/new.toml", 'tools = ["Ba|sh(git:*)"]', "tool `Bash` of Claude Code"),
        ("agents/new.toml", 'targets = ["co|dex"]', "Codex"),
        ("agents/new.toml", 'role = { file = "roles/cod|er.md" }', "You write {{PROJECT}}."),
        ("agents/new.toml", 'description = "{{PRO|JECT}}"', 'assemble.toml:8: "Kei"\nagents/coder.toml:11: "coder"'),
        ("_blocks/care.md", "{{PRO|JECT}}", 'assemble.toml:8: "Kei"'),
        ("assemble.toml", 'ignore = ["O6|11"]', "O611"),
        ("assemble.toml", "[target.cod|ex]", "Codex"),
    ],
)
def test_hover(project: Editor, file: str, marked: str, text: str) -> None:
    params = project.at(file, marked)
    found = project.ask("textDocument/hover", types.HoverParams(params.text_document, params.position))
    assert text in found.contents.value


def places(ide: Editor, found: Any) -> list[str]:
    """Return locations as `file:line:column` from 1."""
    return [
        f"{ide.name(each.uri)}:{each.range.start.line + 1}:{each.range.start.character + 1}" for each in found or ()
    ]


@pytest.mark.parametrize(
    ("file", "marked", "found"),
    [
        ("agents/new.toml", 'blocks = ["hon|esty"]', ["_blocks/honesty.md:1:1"]),
        ("agents/new.toml", 'blocks = ["care#with|-files"]', ["_blocks/care.md:3:1"]),
        ("agents/new.toml", 'blocks = ["@co|re"]', ["assemble.toml:5:1"]),
        ("agents/new.toml", '[[handoff]]\ntarget = "cri|tic"', ["agents/critic.toml:1:1"]),
        ("agents/new.toml", 'extends = "cod|er"', ["agents/coder.toml:1:1"]),
        ("agents/new.toml", 'role = { file = "roles/cod|er.md" }', ["roles/coder.md:1:1"]),
        ("agents/new.toml", 'role = "{{PR|OJECT}}"', ["assemble.toml:8:1", "agents/coder.toml:11:1"]),
        ("_blocks/care.md", "{{PROJECT|}}", ["assemble.toml:8:1", "agents/coder.toml:11:1"]),
        ("agents/new.toml", 'tools = ["Agent(critic, cod|er)"]', ["agents/coder.toml:1:1"]),
        ("agents/new.toml", 'tools = ["Ag|ent(critic)"]', []),
        ("agents/new.toml", '[target.copilot]\nagents = ["cri|tic"]', ["agents/critic.toml:1:1"]),
        ("assemble.toml", '[[allow-rights]]\nagent = "crit|ic"', ["agents/critic.toml:1:1"]),
        ("agents/new.toml", 'blocks = ["noth|ing"]', []),
        ("agents/new.toml", 'role = { file = "../../etc/pass|wd" }', []),
    ],
)
def test_definition(project: Editor, file: str, marked: str, found: list[str]) -> None:
    params = project.at(file, marked)
    answer = project.ask("textDocument/definition", types.DefinitionParams(params.text_document, params.position))
    assert places(project, answer) == found


@pytest.mark.parametrize(
    ("file", "marked", "found"),
    [
        (
            "agents/critic.toml",
            CRITIC.replace('"honesty', '"hon|esty'),
            ["agents/critic.toml:4:12", "assemble.toml:5:10"],
        ),
        ("_blocks/honesty.md", "Be ho|nest.\n", ["agents/critic.toml:4:12", "assemble.toml:5:10"]),
        ("agents/critic.toml", CRITIC.replace('"critic', '"cri|tic'), ["agents/coder.toml:7:11"]),
        ("agents/new.toml", 'name = "new"\nblocks = ["@co|re"]', ["agents/coder.toml:4:13", "agents/new.toml:2:13"]),
        (
            "roles/coder.md",
            "For {{PR|OJECT}}.\n",
            ["_blocks/care.md:5:19", "agents/coder.toml:2:25", "roles/coder.md:1:7"],
        ),
    ],
)
def test_references(project: Editor, file: str, marked: str, found: list[str]) -> None:
    params = project.at(file, marked)
    context = types.ReferenceContext(include_declaration=False)
    answer = project.ask(
        "textDocument/references", types.ReferenceParams(context, params.text_document, params.position)
    )
    assert places(project, answer) == found
