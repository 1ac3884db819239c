"""What the language server reads of a hostile kit."""

from __future__ import annotations

import os

from conftest import Workbench
from kei_assembler.diagnostics import Span
from kei_assembler.lsp.snapshot import Document, Snapshot

KIT = {"assemble.toml": "", "_blocks/honesty.md": "Be honest.\n", "agents/critic.toml": 'name = "critic"\n'}


def _end(snapshot: Snapshot, path: str) -> int:
    """The last column of the first line, of which the editor counts an emoji as two characters."""
    return snapshot.text(path).of_span(Span(1, 1, 1, 3)).end.character


def test_a_link_that_leads_out_of_the_kit_is_not_read(bench: Workbench) -> None:
    bench.write({**KIT, "_blocks/emoji.md": "😀😀\n", "../secret.md": "😀😀\n"})
    (bench.folder / "_blocks/secret.md").symlink_to("../../secret.md")
    folder = os.path.realpath(bench.folder)
    snapshot = Snapshot({}, [folder])
    assert _end(snapshot, f"{folder}/_blocks/emoji.md") == 4
    assert _end(snapshot, f"{folder}/_blocks/secret.md") != 4


def test_settings_that_are_broken_on_the_disk_too(bench: Workbench) -> None:
    bench.write({**KIT, "assemble.toml": 'values = ["x"]\n'})
    folder = os.path.realpath(bench.folder)
    path = f"{folder}/assemble.toml"
    broken = Document(f"file://{path}", "values = [", 1)
    kit = Snapshot({path: broken}, [folder]).usable(folder)
    assert (kit.settings_table, kit.block_names) == ({}, ("honesty",))
