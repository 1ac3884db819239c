"""Answer a client that is about to edit a file: if the file is generated, name the sources to edit instead.

Clients send a JSON object to the hooks that they run before a tool, with the arguments of the tool in `tool_input`:
Claude Code (code.claude.com/docs/en/hooks), and Gemini CLI and Qwen Code, which name the arguments alike.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from kei_assembler.build.changes import MAX_OUTPUT_BYTES
from kei_assembler.build.classify import comment_of, text_of
from kei_assembler.build.diff import matched_lines
from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.owners import Owned
from kei_assembler.markdown import shell, stamp
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.markdown.stamped_sections import layout
from kei_assembler.paths import display_path
from kei_assembler.records import NamedTuple
from kei_assembler.suggestions import listed
from kei_assembler.whitespace import SPACES

_COLUMNS = 120


class PendingEdit(NamedTuple):
    """The path of the file that a client is about to edit, and the arguments of its tool."""

    path: str
    arguments: Mapping[str, Any]

    def applied(self, text: str | None) -> str | None:
        """Return the text of the file after the edit, or None if that is not known, for example as it will fail."""
        content = self.arguments.get("content")
        if isinstance(content, str):
            return content.replace("\r\n", "\n")
        several = self.arguments.get("edits")
        for each in several if isinstance(several, list) else [self.arguments]:
            old, new = (each.get(key) for key in ("old_string", "new_string")) if isinstance(each, dict) else (0, 0)
            if text is None or not isinstance(old, str) or not isinstance(new, str) or not old or old not in text:
                return None
            text = text.replace(old, new)  # if there are several and not all are meant, the tool fails
        return text


def read(content: bytes) -> PendingEdit | None:
    """Return the edit that a client announces, or None if the bytes are not about an edit of a file."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return None
    arguments = data.get("tool_input") if isinstance(data, dict) else None
    if not isinstance(arguments, dict):
        return None
    path = arguments.get("file_path") or arguments.get("notebook_path")
    if not isinstance(path, str) or not path or "\0" in path:
        return None
    folder = data.get("cwd")
    return PendingEdit(os.path.join(folder, path) if isinstance(folder, str) else path, arguments)


def answer(kit: LoadedKit, made: Sequence[Owned], edit: PendingEdit) -> str:
    """Return what to tell the agent, or "" if it may edit the file. `made` is what the kit generates there.

    An edit of a file with sections is fine outside of them. A file at the path of an output that is not generated is
    somebody's own.

    Raises:
        OSError: the file cannot be read.
    """
    path = made[0].output.path
    try:
        content = kit.tree_of(path).read(kit.path(path), MAX_OUTPUT_BYTES)
    except FileNotFoundError:
        return "" if made[0].output.section else _message(kit, made, edit.path)
    before = text_of(content)
    after = edit.applied(before)
    if not made[0].output.section:
        is_own = is_generated(made[0], before) and after != before
        return _message(kit, made, edit.path, _table(kit, made, before, after)) if is_own else ""
    changed = [one for one in made if after is not None and _section(one, before) != _section(one, after)]
    return _message(kit, changed, edit.path, _table(kit, made, before, after)) if changed else ""


def is_generated(one: Owned, text: str) -> bool:
    """Return whether the text of a file at the path of an output is a generated one, perhaps with edits."""
    comment = comment_of(one.output.kind, one.output.target)
    return stamp.is_torn(text, comment) or stamp.find_settled(text, comment) is not None


def _section(one: Owned, text: str) -> bytes:
    """The section of an output in a text, with its begin and end lines."""
    content = text.encode(errors="surrogateescape")
    found = layout(content).sections.get(one.output.section)
    return content[found.start : found.end] if found else b""


def _table(kit: LoadedKit, made: Sequence[Owned], before: str, after: str | None) -> str:
    """Which sources the changed lines come from, or "" if that is not known, since the sources have errors."""
    from kei_assembler.build.explanation import explain  # slow, and most edits do not need it
    from kei_assembler.report import why_report

    with suppress(AssembleError):
        found = explain(kit, made)
        numbers = _changed(before, after)
        written = {number for number, line in enumerate(found.lines, 1) if line.parts[0].kind == "handwritten"}
        return why_report.table(found, _COLUMNS, numbers - written)
    return ""


def _changed(before: str, after: str | None) -> set[int]:
    """The lines of a text, from 1, that an edit changes: all, if it is not known, or the one before added lines."""
    lines = before.removesuffix("\n").split("\n")
    if after is None:
        return {*range(1, len(lines) + 1)}
    new = after.removesuffix("\n").split("\n")
    matches = matched_lines(lines, new)
    if gone := {number for number, match in enumerate(matches, 1) if match is None}:
        return gone
    added = {*range(len(new))} - {*matches}
    starts = (number for number, match in enumerate(matches, 1) if match is not None and match + 1 in added)
    return {_with_text(lines, number) for number in starts} or {1}


def _with_text(lines: Sequence[str], number: int) -> int:
    """The line, or the nearest one above it that is not blank."""
    return next((each for each in range(number, 0, -1) if lines[each - 1].strip(SPACES)), number)


def _message(kit: LoadedKit, made: Sequence[Owned], path: str, table: str = "") -> str:
    manifests = sorted({one.manifest for one in made})
    sections = [one.output.section for one in made if one.output.section]
    is_plural = len(sections) > 1
    what = f"section{'s' * is_plural} {listed(sections)} of " if sections else ""
    instead = "what these lines come from" if table else "its sources"
    shared = any(one.output.imports for one in made)
    names = "--all" if shared else " ".join(map(shell.word, manifests))
    where = f" (paths are relative to `{kit.display_folder}`)" if kit.display_folder else ""
    return (
        f"{what}`{shown(display_path(path))}` {'are' if is_plural else 'is'} generated from {listed(manifests)}. "
        f"Edit {instead} instead{where}, then run: assemble{kit.command_options} {names}\n{table}"
    )
