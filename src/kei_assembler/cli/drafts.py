"""What `assemble rename` and `assemble remove` print of a draft: its files, and the diff of its sources."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.build.changes import Change
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.paths import display_path
from kei_assembler.repair.draft import Draft
from kei_assembler.repair.edits import FileChange
from kei_assembler.repair.mentions import Mention
from kei_assembler.report import text_report
from kei_assembler.suggestions import counted
from kei_assembler.whitespace import SPACES

_MAX_LINE = 100
_PAST = {"move": "moved", "update": "updated", "create": "created", "delete": "deleted"}


def lines(draft: Draft, is_dry: bool) -> str:
    """Return a line for each file that the draft changes. In a dry run, it says what would change."""
    moved = {path for move in draft.moves for path in move}
    actions = [("move", f"{_path(draft, old)} to {_path(draft, new)}") for old, new in draft.moves]
    actions += [(each.verb, _path(draft, each.path)) for each in draft.changes() if each.path not in moved]
    return "".join(f"{f'would {verb}' if is_dry else _PAST[verb]} {shown(what)}\n" for verb, what in actions)


def counts(draft: Draft, is_dry: bool) -> str:
    """Return the number of files that the draft moves, updates and deletes: "4 files moved, 2 updated"."""
    moved = {path for move in draft.moves for path in move}
    verbs = ["move"] * len(draft.moves) + [each.verb for each in draft.changes() if each.path not in moved]
    parts = [(verbs.count(verb), f"to {verb}" if is_dry else past) for verb, past in _PAST.items()]
    first, *rest = [(number, word) for number, word in parts if number] or [(0, "changed")]
    return ", ".join([f"{counted(first[0], 'file')} {first[1]}", *(f"{number:,} {word}" for number, word in rest)])


def diff(draft: Draft, colours: bool) -> str:
    """Return the diff of a draft, with the new paths of moved files. Deleted files are left out."""
    from kei_assembler.build.diff import diffs

    news = dict(draft.moves)
    changes = {each.path: each for each in draft.changes()}
    for old, new in news.items():
        changes[new] = FileChange(new, changes[old].before, changes[new].after)
        del changes[old]
    edited = (each for each in changes.values() if each.before != each.after and each.after is not None)
    some = (Change.of_source(_path(draft, each.path), each.before, each.after) for each in edited)
    return text_report.escaped("".join(diffs(some)), colours)


def mentioned(draft: Draft, mentions: Iterable[Mention]) -> str:
    """Return a line for each mention in a text, with the line that has it."""
    made = []
    for file, _, _, place in mentions:
        line = (place.excerpt or "").strip(SPACES)[:_MAX_LINE]
        made.append(f"{shown(f'{_path(draft, file)}:{place.span.line}:{place.span.column}: {line}')}\n")
    return "".join(made)


def _path(draft: Draft, path: str) -> str:
    return display_path(draft.kit.output_path(path))
