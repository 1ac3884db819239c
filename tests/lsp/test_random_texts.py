"""Whatever is in a document, each request has an answer or is refused, and none crashes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from conftest import REPOSITORY, examples
from kei_assembler.diagnostics import AssembleError
from kei_assembler.lsp.actions import actions
from kei_assembler.lsp.checking import checked, published
from kei_assembler.lsp.completion import complete
from kei_assembler.lsp.definitions import definitions, uses
from kei_assembler.lsp.descriptions import hover
from kei_assembler.lsp.places import Place, place_at
from kei_assembler.lsp.renaming import renameable
from kei_assembler.lsp.snapshot import Document, Snapshot

FILES = [
    REPOSITORY / "pyproject.toml",
    *sorted(REPOSITORY.glob("agents/*.toml")),
    *sorted(REPOSITORY.glob("_blocks/*")),
]
WRONG = (
    *('"', "[", "]", "{", "}", "=", "\n", "\r", "{{A", "#", "@", "\ud800", "role = 3\n", "unset = 3\n", "values = 3\n"),
    *("tools = 3\n", 'handoff = "x"\n', "blocks = { a = 1 }\n", "[target]\ncodex = 3\n", "[values]\nA = []\n"),
    *('extends = ["x"]\n', 'targets = "x"\n', "[[target.copilot.handoffs]]\n", "[target.opencode]\npermission = 3\n"),
)
NO_EDITS = types.ClientCapabilities()
ANSWERS: tuple[Callable[[Place], object], ...] = (
    *(complete, definitions, hover, renameable),
    partial(uses, with_definition=True),
)


@pytest.mark.slow
@examples(300)
@given(st.sampled_from(FILES), st.lists(st.tuples(st.floats(0, 1), st.sampled_from(WRONG))), st.floats(0, 1))
def test_no_text_makes_a_request_crash(file: Path, insertions: list[tuple[float, str]], place: float) -> None:
    text = file.read_text(encoding="utf-8")
    for where, wrong in insertions:
        at = int(where * len(text))
        text = text[:at] + wrong + text[at:]
    uri, lines = file.as_uri(), text[: int(place * len(text))].split("\n")
    snapshot = Snapshot({str(file.resolve()): Document(uri, text, 1)}, [str(REPOSITORY)])
    found = place_at(snapshot, uri, types.Position(len(lines) - 1, len(lines[-1])))
    assert found
    for answer in ANSWERS:
        with suppress(AssembleError):
            answer(found)
    result = checked(snapshot, str(REPOSITORY))
    assert published(result)
    everything = types.Range(types.Position(0, 0), types.Position(10**6, 0))
    context = types.CodeActionContext([])
    with suppress(AssembleError):
        list(actions(result, types.CodeActionParams(types.TextDocumentIdentifier(uri), everything, context), NO_EDITS))
