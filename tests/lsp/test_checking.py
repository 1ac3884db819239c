"""The language server shows what a check finds, with the texts that the editor has not saved yet."""

from __future__ import annotations

import os
import time

import pytest
from lsprotocol import types

from conftest import Workbench
from editors import CRITIC, KIT, SETTINGS, Editor
from kei_assembler.lsp.checking import checked
from kei_assembler.lsp.snapshot import Outdated, Snapshot


def codes(found: list[types.Diagnostic]) -> list[object]:
    return [one.code for one in found]


def test_a_finding_in_an_unsaved_text(ide: Editor) -> None:
    ide.open("agents/critic.toml", CRITIC.replace("honesty", "honest"))
    [one] = ide.found("agents/critic.toml")
    assert one.code == "B201"
    assert one.severity == types.DiagnosticSeverity.Error
    assert one.source == "assemble"
    assert one.message.startswith("unknown block `honest`\n")
    assert one.range == types.Range(types.Position(3, 10), types.Position(3, 18))
    version = ide.change("agents/critic.toml", CRITIC)
    assert ide.found("agents/critic.toml", version) == []


@pytest.mark.parametrize(("encoding", "column"), [(None, 18), ("utf-16", 18), ("utf-8", 20), ("utf-32", 17)], ids=str)
def test_columns_count_code_units(bench: Workbench, encoding: str | None, column: int) -> None:
    general = types.GeneralClientCapabilities(position_encodings=[encoding] if encoding else None)
    bench.write(KIT)
    with Editor.started(bench.folder, types.ClientCapabilities(general=general)) as ide:
        ide.open("agents/critic.toml", CRITIC.replace('["honesty"]', '["honesty", # 😀\n"x", \'😀\', "y"]'))
        found = ide.found("agents/critic.toml")
        last = max(found, key=lambda one: (one.range.start.line, one.range.start.character))
        assert last.range.start == types.Position(4, {18: 11, 20: 13, 17: 10}[column])


def test_one_unsaved_file_has_findings_because_of_another(ide: Editor) -> None:
    ide.open("agents/critic.toml")
    assert ide.found("agents/critic.toml") == []
    ide.open("_blocks/honesty.md", "Be honest about {{PROJEKT}}.\n")
    assert ide.shows("_blocks/honesty.md", "T402")


def test_a_file_that_only_the_editor_has(ide: Editor) -> None:
    ide.open("agents/critic.toml", CRITIC.replace('["honesty"]', '["honesty", "care"]'))
    assert ide.shows("agents/critic.toml", "B201")
    ide.open("_blocks/care.md", "Take care.\n")
    assert ide.shows("agents/critic.toml")


def test_broken_settings(ide: Editor) -> None:
    ide.open("assemble.toml", SETTINGS + "target = 3\n")
    assert ide.found("assemble.toml")[0].severity == types.DiagnosticSeverity.Error
    version = ide.change("assemble.toml", SETTINGS)
    assert ide.found("assemble.toml", version) == []


def test_files_outside_of_any_kit(ide: Editor, bench: Workbench) -> None:
    bench.write({"../elsewhere.toml": "x = 1"})
    ide.open("../elsewhere.toml", "x = [")
    ide.open("agents/critic.toml", CRITIC.replace("honesty", "honest"))
    assert codes(ide.found("agents/critic.toml")) == ["B201"]
    assert [*ide.published] == ["agents/critic.toml"]


def test_a_folder_with_a_strange_name(bench: Workbench) -> None:
    strange = bench.below("a b#ü%41😀;x")
    strange.write(KIT)
    with Editor.started(strange.folder) as ide:
        ide.open("agents/critic.toml", CRITIC.replace("honesty", "honest"))
        assert codes(ide.found("agents/critic.toml")) == ["B201"]


def test_somebody_who_types_fast_is_not_waited_for(ide: Editor) -> None:
    ide.open("agents/critic.toml")
    for number in range(30):
        version = ide.change("agents/critic.toml", f"{CRITIC}# {number}\n")
    assert ide.found("agents/critic.toml", version) == []
    assert ide.checks.count("agents/critic.toml") < 6


def test_an_outdated_check_stops(bench: Workbench) -> None:
    bench.write(KIT)
    assert checked(Snapshot({}), str(bench.folder)).found == ()
    with pytest.raises(Outdated):
        checked(Snapshot({}, is_outdated=lambda: True), str(bench.folder))


def test_a_kit_that_cannot_be_checked_says_why(bench: Workbench) -> None:
    bench.write(KIT)
    bench.write({"assemble.toml": SETTINGS.replace(".claude/agents", "~/.claude/agents")})
    with Editor.started(bench.folder) as ide:
        ide.open("agents/critic.toml", CRITIC.replace("honesty", "honest"))
        assert "cannot write to the home folder" in ide.found("assemble.toml")[0].message


def test_windows_line_ends(ide: Editor) -> None:
    ide.open("agents/critic.toml", CRITIC.replace("honesty", "honest").replace("\n", "\r\n"))
    [one] = ide.found("agents/critic.toml")
    assert one.range == types.Range(types.Position(3, 10), types.Position(3, 18))


@pytest.mark.slow
def test_the_first_findings_of_a_large_kit_appear_within_a_second(bench: Workbench) -> None:
    names = [f"agent-{number}" for number in range(200)]
    bench.write({**KIT, **{f"agents/{name}.toml": CRITIC.replace("critic", name) for name in names}})
    with Editor.started(bench.folder) as ide:
        start = time.monotonic()
        ide.open("agents/agent-7.toml", CRITIC.replace("critic", "agent-7").replace("honesty", "honest"))
        assert codes(ide.found("agents/agent-7.toml")) == ["B201"]
        assert time.monotonic() - start < 1


def test_several_kits(ide: Editor, bench: Workbench) -> None:
    bench.below("inner").write({"assemble.toml": SETTINGS, "agents/coder.toml": CRITIC.replace("critic", "coder")})
    ide.open("agents/critic.toml", CRITIC.replace("honesty", "honest"))
    ide.open("inner/agents/coder.toml")
    assert ide.shows("inner/agents/coder.toml", "B201")
    assert ide.shows("agents/critic.toml", "B201")
    ide.close("inner/agents/coder.toml")
    assert ide.shows("inner/agents/coder.toml")


def test_a_change_on_disk(ide: Editor, bench: Workbench) -> None:
    ide.open("agents/critic.toml")
    assert ide.shows("agents/critic.toml")
    os.remove(bench.folder / "_blocks/honesty.md")
    ide.changed_on_disk("_blocks/honesty.md")
    assert ide.shows("agents/critic.toml", "B201")


def test_an_open_output_is_reported_when_it_is_out_of_date(ide: Editor, bench: Workbench) -> None:
    bench.run("--all")
    ide.open("_blocks/honesty.md", "Be very honest.\n")
    assert ide.found("_blocks/honesty.md") == []
    assert [*ide.published] == ["_blocks/honesty.md"]
    ide.open(".claude/agents/critic.md")
    assert "O610" in codes(ide.found(".claude/agents/critic.md"))
