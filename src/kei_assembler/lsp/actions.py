"""The fixes of findings as code actions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsprotocol import types

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit.discovery import read_kit
from kei_assembler.lsp.checking import Checked, as_published, location
from kei_assembler.lsp.edits import line_edits, path_in, workspace_edit
from kei_assembler.repair.fixes import Fixes

FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.assemble"
KINDS = (types.CodeActionKind.QuickFix, FIX_ALL)


def actions(
    checked: Checked, params: types.CodeActionParams, client: types.ClientCapabilities
) -> Iterator[types.CodeAction]:
    """Yield what corrects the findings in a range of a file, and what corrects all of the file that is safe.

    Raises:
        AssembleError: a file to correct cannot be read.
    """
    uri, only = params.text_document.uri, params.context.only
    found = [one for one in checked.found if location(checked, one.location).uri == uri and one.fix.edits]
    if _is_wanted(types.CodeActionKind.QuickFix, only):
        for one in found:
            if _touches(location(checked, one.location).range, params.range):
                yield _quick_fix(checked, one, client)
    own = [one for one in found if one.fix.is_safe and {each.file for each in one.fix.edits} == {one.location.file}]
    if own and _is_wanted(FIX_ALL, only):
        yield from _fix_all(checked, own, client)


def _is_wanted(kind: str, only: Sequence[str] | None) -> bool:
    return only is None or any(kind == each or kind.startswith(f"{each}.") for each in only)


def _touches(one: types.Range, other: types.Range) -> bool:
    return one.start <= other.end and other.start <= one.end


def _quick_fix(checked: Checked, one: Diagnostic, client: types.ClientCapabilities) -> types.CodeAction:
    snapshot, edits = checked.snapshot, dict[str, list[types.TextEdit]]()
    for each in one.fix.edits:
        path = path_in(checked.folder, each.file)
        edits.setdefault(path, []).append(types.TextEdit(snapshot.text(path).of_span(each.span), each.text))
    title = f"{one.code}: {one.help or one.message}"
    return types.CodeAction(
        title if one.fix.is_safe else f"{title} (unsafe: it may add a tool, a right or a handoff)",
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[as_published(checked, one)],
        is_preferred=one.fix.is_safe or None,
        edit=workspace_edit(snapshot, edits, (), client),
    )


def _fix_all(
    checked: Checked, found: Sequence[Diagnostic], client: types.ClientCapabilities
) -> Iterator[types.CodeAction]:
    """Yield the action that makes all fixes that can be made at once."""
    snapshot = checked.snapshot
    kit = read_kit(checked.folder, snapshot.files(checked.folder))  # the settings can have the errors
    fixes, rounds = Fixes(kit, with_unsafe=False), iter([found])
    fixes.apply(lambda _: next(rounds, ()))
    edits = {
        path_in(checked.folder, each.path): line_edits(each.before, each.after, snapshot.encoding)
        for each in fixes.changes
    }
    if edits:
        edit = workspace_edit(snapshot, edits, (), client)
        yield types.CodeAction("Fix all that is safe to fix (assemble)", kind=FIX_ALL, edit=edit)
