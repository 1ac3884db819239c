"""Rename what a kit names, as an edit of the editor."""

from __future__ import annotations

from lsprotocol import types

from kei_assembler.diagnostics import AssembleError
from kei_assembler.lsp.definitions import name_at
from kei_assembler.lsp.edits import line_edits, path_in, supports, workspace_edit
from kei_assembler.lsp.places import Place, place_at
from kei_assembler.lsp.snapshot import Snapshot
from kei_assembler.repair.rename import rename
from kei_assembler.suggestions import counted


def renameable(place: Place) -> types.PrepareRenamePlaceholder | None:
    """Return the range of the name at a place, and the name, if it can be renamed."""
    subject = place.subject
    if subject is None or name_at(place) is None:
        return None
    return types.PrepareRenamePlaceholder(place.text.range(subject.start, subject.end), subject.name)


def renamed(
    snapshot: Snapshot, params: types.RenameParams, client: types.ClientCapabilities
) -> tuple[types.WorkspaceEdit, str]:
    """Return the edit that gives what is at a position another name, in sources and outputs, and what it leaves.

    Raises:
        AssembleError: as for `repair.rename.rename`, or nothing here can be renamed, or the client cannot rename files.
    """
    place, new_name = place_at(snapshot, params.text_document.uri, params.position), params.new_name
    name = name_at(place) if place and place.subject else None
    if place is None or name is None:
        raise AssembleError("only agents, blocks, bundles and values can be renamed")
    kit = snapshot.kit(place.kit.folder)
    renaming = rename(kit, name.label, new_name)
    draft, count = renaming.draft, len(renaming.mentions)
    moves, changes = {move.old: move.new for move in draft.moves}, {each.path: each for each in draft.changes()}
    if moves and types.ResourceOperationKind.Rename not in (supports(client).resource_operations or ()):
        raise AssembleError("this editor cannot rename files", f"run: assemble rename {name.label} {new_name}")
    edits = {}
    for path, change in changes.items():
        after = changes[moves[path]].after if path in moves else change.after
        if change.before is not None and after is not None and change.before != after:
            edits[path_in(kit.folder, path)] = line_edits(change.before, after, snapshot.encoding)
    paths = ((path_in(kit.folder, old), path_in(kit.folder, new)) for old, new in moves.items())
    them = "it" if count == 1 else "them"
    run = f"assemble rename --prose {name.label} {renaming.new.name}"
    left = f"{counted(count, 'mention')} of `{name.name}` in backticks left; to change {them} too, save and run: {run}"
    return workspace_edit(snapshot, edits, paths, client), left if count else ""
