"""Code actions and renames: what the server offers to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from conftest import Workbench
from editors import CRITIC, KIT, Editor
from kei_assembler.lsp.edits import line_edits
from kei_assembler.lsp.positions import Text


def applied(text: str, edits: list[types.TextEdit], encoding: str | None = None) -> str:
    measured = Text(text, encoding)
    for edit in reversed(sorted(edits, key=lambda each: each.range.start)):  # noqa: C413 - of two at one place, the last
        start, end = measured.offset(edit.range.start), measured.offset(edit.range.end)
        text = text[:start] + edit.new_text + text[end:]
    return text


@given(st.text("ab\n😀", max_size=12), st.text("ab\n😀", max_size=12), st.sampled_from(("utf-8", "utf-16", "utf-32")))
def test_line_edits_make_one_text_of_another(before: str, after: str, encoding: str) -> None:
    assert applied(before, line_edits(before.encode(), after.encode(), encoding), encoding) == after


@given(st.text("aé\n\r😀", max_size=12), st.integers(0, 12), st.sampled_from(("utf-8", "utf-16", "utf-32")))
def test_positions_lead_back_to_offsets(text: str, offset: int, encoding: str) -> None:
    measured, offset = Text(text, encoding), min(offset, len(text))
    assert measured.offset(measured.position(offset)) == offset


def apply(ide: Editor, texts: dict[str, str], edit: types.WorkspaceEdit) -> dict[str, str]:
    """Apply an edit as an editor does: to the texts that are open, and otherwise to the files on the disk."""
    for change in edit.document_changes or ():
        if isinstance(change, types.RenameFile):
            old, new = path_of(change.old_uri), path_of(change.new_uri)
            new.parent.mkdir(parents=True, exist_ok=True)
            old.rename(new)
            texts = {
                ide.name(new.as_uri()) if ide.uri(file) == change.old_uri else file: t for file, t in texts.items()
            }
            continue
        assert isinstance(change, types.TextDocumentEdit)
        file = ide.name(change.text_document.uri)
        text = texts.get(file)
        if text is None:
            assert change.text_document.version is None
            text = path_of(change.text_document.uri).read_text(encoding="utf-8")
        else:
            assert change.text_document.version is not None
        edits = [each for each in change.edits if isinstance(each, types.TextEdit)]
        texts[file] = applied(text, edits)
        path_of(change.text_document.uri).write_text(texts[file], encoding="utf-8")
    return texts


def path_of(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path))


def act(ide: Editor, file: str, line: int, only: list[str] | None = None) -> list[types.CodeAction]:
    start = types.Position(line, 0)
    params = types.CodeActionParams(
        ide.id(file), types.Range(start, types.Position(line, 200)), types.CodeActionContext([], only)
    )
    actions: list[types.CodeAction] = ide.ask("textDocument/codeAction", params)
    return actions


def test_a_fix_is_a_code_action(ide: Editor) -> None:
    ide.open("agents/critic.toml", CRITIC.replace("honesty", "honesy"))
    [action] = act(ide, "agents/critic.toml", 3, ["quickfix"])
    assert action.title == "B201: did you mean `honesty`?"
    assert action.kind == types.CodeActionKind.QuickFix
    assert action.is_preferred
    assert action.diagnostics
    assert action.diagnostics[0].code == "B201"
    assert action.edit
    assert apply(ide, {"agents/critic.toml": CRITIC.replace("honesty", "honesy")}, action.edit) == {
        "agents/critic.toml": CRITIC
    }
    assert not act(ide, "agents/critic.toml", 0, ["quickfix"])


def test_an_unsafe_fix_says_so(ide: Editor) -> None:
    ide.open("agents/critic.toml", CRITIC + 'tools = ["Bsh"]\n')
    [action] = act(ide, "agents/critic.toml", 4)
    assert action.title == "K111: did you mean `Bash`? (unsafe: it may add a tool, a right or a handoff)"
    assert not action.is_preferred


def test_all_that_is_safe_is_fixed_at_once(ide: Editor) -> None:
    text = CRITIC.replace('["honesty"]', '["honesy", "honesty", "honesty"]') + 'tools = ["Bsh"]\n'
    ide.open("agents/critic.toml", text)
    [action] = act(ide, "agents/critic.toml", 0, ["source.fixAll"])
    assert action.kind == "source.fixAll.assemble"
    assert action.edit
    fixed = apply(ide, {"agents/critic.toml": text}, action.edit)["agents/critic.toml"]
    assert fixed.count("honesty") + fixed.count("honesy") < text.count("hones")
    assert '"Bsh"' in fixed


def test_wrong_settings_are_fixed_in_the_text_that_is_not_saved(ide: Editor) -> None:
    text = "# 😀\n" + KIT["assemble.toml"].replace("[target", 'oblgatory = ["honesty"]\n\n[target')
    ide.open("assemble.toml", text)
    for only in ("quickfix", "source.fixAll"):
        [action] = act(ide, "assemble.toml", 1, [only])
        assert action.edit
        for change in action.edit.document_changes or ():
            assert isinstance(change, types.TextDocumentEdit)
            edits = [each for each in change.edits if isinstance(each, types.TextEdit)]
            assert applied(text, edits) == text.replace("oblgatory", "obligatory")


def test_actions_wait_for_the_check_of_the_text(ide: Editor) -> None:
    ide.open("agents/critic.toml")
    ide.found("agents/critic.toml")
    ide.change("agents/critic.toml", "\n" + CRITIC.replace("honesty", "honesy"))
    assert len(act(ide, "agents/critic.toml", 4, ["quickfix"])) == 1


def rename(ide: Editor, file: str, marked: str, new: str) -> Any:
    params = ide.at(file, marked)
    return ide.ask("textDocument/rename", types.RenameParams(params.text_document, params.position, new))


def test_rename_an_agent(ide: Editor, bench: Workbench) -> None:
    coder = CRITIC.replace("critic", "coder") + '\n[[handoff]]\ntarget = "critic"\ntrigger = "reviews"\n'
    bench.write({"agents/coder.toml": coder})
    bench.run("--all")
    unsaved = f"# 😀\n{coder}"
    ide.open("agents/critic.toml")
    edit = rename(ide, "agents/coder.toml", unsaved.replace('"critic"', '"cri|tic"'), "judge")
    texts = apply(ide, {"agents/critic.toml": CRITIC, "agents/coder.toml": unsaved}, edit)
    assert texts["agents/coder.toml"] == unsaved.replace("critic", "judge")
    assert texts["agents/judge.toml"] == CRITIC.replace("critic", "judge")
    assert not (bench.folder / ".claude/agents/critic.md").exists()
    assert (bench.folder / ".claude/agents/judge.md").exists()
    assert bench.run("--all", "--check").stderr == "2 agents, 2 files: 2 unchanged\n"


@pytest.mark.parametrize(
    ("file", "marked", "named"),
    [
        ("agents/critic.toml", CRITIC.replace('"critic', '"cri|tic'), ("critic", 0, 8, 14)),
        ("agents/critic.toml", CRITIC.replace('"honesty', '"hon|esty'), ("honesty", 3, 11, 18)),
        ("agents/critic.toml", CRITIC.replace('"Rev', '"R|ev'), None),
        ("agents/critic.toml", "na|me = 'critic'", None),
        ("_blocks/honesty.md", "😀 {{PRO|JECT}}", ("PROJECT", 0, 5, 12)),
        ("_blocks/honesty.md", "Be hon|est", None),
    ],
)
def test_what_can_be_renamed(
    ide: Editor, bench: Workbench, file: str, marked: str, named: tuple[str, int, int, int] | None
) -> None:
    bench.write({"assemble.toml": KIT["assemble.toml"] + '\n[values]\nPROJECT = "x"\n'})
    params = ide.at(file, marked)
    found = ide.ask("textDocument/prepareRename", types.PrepareRenameParams(params.text_document, params.position))
    if named is None:
        assert found is None
    else:
        name, line, start, end = named
        assert found.placeholder == name
        assert found.range == types.Range(types.Position(line, start), types.Position(line, end))


def test_a_rename_says_what_it_leaves(ide: Editor, bench: Workbench) -> None:
    bench.write({"_blocks/honesty.md": "As `critic` is.\n"})
    rename(ide, "agents/critic.toml", CRITIC.replace('"critic', '"cri|tic'), "judge")
    assert ide.messages == [
        "1 mention of `critic` in backticks left; to change it too, save and run: assemble rename --prose critic judge"
    ]


def test_a_rename_that_cannot_be_made_says_why(ide: Editor) -> None:
    with pytest.raises(JsonRpcException, match="`Not Valid` is not a valid name for a block"):
        rename(ide, "agents/critic.toml", CRITIC.replace('"honesty', '"hon|esty'), "Not Valid")
    with pytest.raises(JsonRpcException, match="the kit has errors"):
        rename(ide, "agents/critic.toml", CRITIC.replace('"honesty', '"hon|esty') + "x = 1\n", "candour")


def test_an_editor_that_only_says_that_it_can_rename_files(bench: Workbench) -> None:
    bench.write(KIT)
    can = types.WorkspaceEditClientCapabilities(resource_operations=[types.ResourceOperationKind.Rename])
    with Editor.started(
        bench.folder, types.ClientCapabilities(types.WorkspaceClientCapabilities(workspace_edit=can))
    ) as ide:
        edit = rename(ide, "agents/critic.toml", CRITIC.replace('"honesty', '"hon|esty'), "candour")
        apply(ide, {"agents/critic.toml": CRITIC}, edit)
        assert bench.read("_blocks/candour.md") == KIT["_blocks/honesty.md"]


def test_an_editor_that_cannot_rename_files(bench: Workbench) -> None:
    bench.write(KIT)
    with Editor.started(bench.folder, types.ClientCapabilities()) as ide:
        with pytest.raises(JsonRpcException, match="run: assemble rename block:honesty candour"):
            rename(ide, "agents/critic.toml", CRITIC.replace('"honesty', '"hon|esty'), "candour")
        ide.change("agents/critic.toml", CRITIC.replace("honesty", "honesy"))
        [action] = act(ide, "agents/critic.toml", 3, ["quickfix"])
        assert action.edit
        assert action.edit.changes
        assert [*action.edit.changes] == [ide.uri("agents/critic.toml")]


def test_the_editor_is_asked_to_watch_the_sources(bench: Workbench) -> None:
    bench.write(KIT)
    watched = types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True)
    workspace = types.WorkspaceClientCapabilities(did_change_watched_files=watched)
    with Editor.started(bench.folder, types.ClientCapabilities(workspace)) as ide:
        ide.open("agents/critic.toml")
        ide.found("agents/critic.toml")
        assert [each.method for each in ide.registered] == ["workspace/didChangeWatchedFiles"]
