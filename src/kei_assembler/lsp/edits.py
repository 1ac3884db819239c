"""Changes of a kit's files as the protocol has them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lsprotocol import types

from kei_assembler.build.classify import text_of
from kei_assembler.build.diff import matched_lines
from kei_assembler.lsp.positions import Text
from kei_assembler.lsp.snapshot import Snapshot

Edits = Mapping[str, Sequence[types.TextEdit]]
"""The edits of some files, by their absolute paths."""


def workspace_edit(
    snapshot: Snapshot, edits: Edits, moves: Iterable[tuple[str, str]], client: types.ClientCapabilities
) -> types.WorkspaceEdit:
    """Return the edit of files that first changes their texts, then moves some, by their absolute paths.

    If the client supports that, it only takes the edit of a text that has not changed since the snapshot.
    """
    uris = {path: snapshot.uri(path) for path in edits}
    can = supports(client)
    if not (can.document_changes or can.resource_operations):  # Neovim 0.7 only announces the latter
        return types.WorkspaceEdit({uris[path]: list(some) for path, some in edits.items()})
    versions = {one.uri: one.version for one in snapshot.documents.values()}
    changes: list[types.TextDocumentEdit | types.CreateFile | types.RenameFile | types.DeleteFile] = [
        types.TextDocumentEdit(
            types.OptionalVersionedTextDocumentIdentifier(uris[path], versions.get(uris[path])), list(some)
        )
        for path, some in edits.items()
    ]
    changes += [types.RenameFile(snapshot.uri(old), snapshot.uri(new)) for old, new in moves]
    return types.WorkspaceEdit(document_changes=changes)


def supports(client: types.ClientCapabilities) -> types.WorkspaceEditClientCapabilities:
    """Return what kinds of edits a client supports."""
    workspace = client.workspace
    return (workspace and workspace.workspace_edit) or types.WorkspaceEditClientCapabilities()


def line_edits(before: bytes, after: bytes, encoding: str | None) -> list[types.TextEdit]:
    """Return the edits that turn one text into another, line by line."""
    text = Text(text_of(before), encoding)
    old, new = (text_of(each).split("\n") for each in (before, after))
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line) + 1)
    edits = []
    for first, last, lines in _differences(old, new):
        start, end = starts[first], starts[last]
        inserted = "".join(f"{line}\n" for line in lines)
        if last == len(old):  # the last line has no end, but the one before it has
            start, end, inserted = (start - 1, end - 1, f"\n{inserted}") if first else (start, end - 1, inserted)
            inserted = inserted.removesuffix("\n")
        edits.append(types.TextEdit(text.range(start, end), inserted))
    return edits


def _differences(old: list[str], new: list[str]) -> Iterator[tuple[int, int, list[str]]]:
    """Yield the first line that differs, the one after the last, and what replaces these lines."""
    at, taken = 0, 0
    matches = [(index, match) for index, match in enumerate(matched_lines(new, old)) if match is not None]
    for index, match in (*matches, (len(new), len(old))):
        if match > at or index > taken:
            yield at, match, new[taken:index]
        at, taken = match + 1, index + 1


def path_in(folder: str, file: str) -> str:
    """Return the absolute path of a file that is relative to a kit's folder."""
    return os.path.normpath(os.path.join(folder, file))
