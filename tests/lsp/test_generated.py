"""A generated file that is open in an editor says so, and leads to its sources."""

from __future__ import annotations

import pytest
from lsprotocol import types

from conftest import Workbench
from editors import KIT, Editor

OUTPUT = ".claude/agents/critic.md"


def definition(ide: Editor, file: str, line: int) -> list[str]:
    params = types.DefinitionParams(ide.id(file), types.Position(line, 2))
    found = ide.ask("textDocument/definition", params)
    return [f"{ide.name(each.uri)}:{each.range.start.line + 1}" for each in found or ()]


@pytest.fixture
def built(ide: Editor, bench: Workbench) -> Editor:
    bench.run("--all")
    return ide


def test_a_generated_file_says_so(built: Editor) -> None:
    built.open(OUTPUT)
    [one] = built.found(OUTPUT)
    assert one.severity == types.DiagnosticSeverity.Information
    assert one.message.startswith("this file is generated from agents/critic.toml\n")
    assert one.related_information
    assert one.related_information[0].location.uri == built.uri("agents/critic.toml")


def test_a_line_leads_to_its_source(built: Editor, bench: Workbench) -> None:
    built.open(OUTPUT)
    lines = bench.read(OUTPUT).split("\n")
    assert definition(built, OUTPUT, lines.index("Be honest.")) == ["_blocks/honesty.md:1"]
    assert definition(built, OUTPUT, lines.index("You review.")) == ["agents/critic.toml:3"]
    assert definition(built, OUTPUT, 1) == ["agents/critic.toml:1"]
    assert definition(built, OUTPUT, 10**6) == []


def test_an_edit_of_a_generated_file_is_reported_before_it_is_saved(built: Editor, bench: Workbench) -> None:
    built.open(OUTPUT, bench.read(OUTPUT).replace("Be honest.", "Be kind."))
    codes = [one.code for one in built.found(OUTPUT)]
    assert "O604" in codes
    assert None in codes


def test_a_section_says_so_and_leads_to_its_source(ide: Editor, bench: Workbench) -> None:
    house = 'name = "house"\nrole = "Test first."\nblocks = ["honesty"]\n'
    bench.write({"instructions/house.toml": house, "AGENTS.md": "# Mine\n\nHandwritten.\n"})
    bench.run("--all")
    file, text = "AGENTS.md", bench.read("AGENTS.md")
    ide.open(file)
    [one] = [each for each in ide.found(file) if each.code is None]
    assert one.message.startswith("the section `house` is generated from instructions/house.toml")
    lines = text.split("\n")
    assert "assemble" in lines[one.range.start.line]
    assert definition(ide, file, lines.index("Be honest.")) == ["_blocks/honesty.md:1"]


def test_a_file_of_a_kit_below(bench: Workbench) -> None:
    settings = 'root = ".."\n[target.claude-code]\noutput = "../.claude/agents/{name}.md"\n'
    bench.below("kit").write({**KIT, "assemble.toml": settings})
    bench.run("--all", "--kit", "kit")
    with Editor.started(bench.folder) as ide:
        ide.open(OUTPUT)
        [one] = ide.found(OUTPUT)
        assert one.message.startswith("this file is generated from agents/critic.toml\n")
        lines = bench.read(OUTPUT).split("\n")
        assert definition(ide, OUTPUT, lines.index("Be honest.")) == ["kit/_blocks/honesty.md:1"]


def test_a_file_that_is_not_generated(ide: Editor) -> None:
    ide.open(OUTPUT, "Mine.\n")
    assert [one.code for one in ide.found(OUTPUT)] == ["O605"]
    assert definition(ide, OUTPUT, 0) == []
