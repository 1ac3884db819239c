"""Findings about the files on disk: those that are out of date, in the way, left over, or not staged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit import Kit
from kei_assembler.paths import as_seen
from kei_assembler.plan.changes import Change, FileStatus
from kei_assembler.rules import drift
from kei_assembler.rules.definition import Rule
from kei_assembler.rules.drift import UNFINISHED_MERGE
from kei_assembler.rules.runner import run_rule
from kei_assembler.source import Source

_DRIFT_RULES = {FileStatus.CREATE: drift.output_missing, FileStatus.UPDATE: drift.output_outdated}


def outdated(kit: Kit, changes: Iterable[Change]) -> list[Diagnostic]:
    """Return a finding for each output that is missing or outdated."""
    return _diagnosed(kit, changes, _DRIFT_RULES)


def conflicts(kit: Kit, changes: Iterable[Change]) -> list[Diagnostic]:
    """Return a finding for each file that is not this tool's: in the way of an output, or beside the outputs."""
    rules = {
        FileStatus.EDITED: drift.output_edited,
        FileStatus.FOREIGN: drift.output_foreign,
        FileStatus.ORPHAN: drift.output_orphaned,
        FileStatus.UNMANAGED: drift.output_intruding if kit.settings.exclusive else drift.output_unmanaged,
    }
    return _diagnosed(kit, changes, rules)


def unstaged(kit: Kit, changes: Iterable[Change]) -> list[Diagnostic]:
    """Return a finding for each file of the kit that git's index lacks as it is on disk, except outputs in drift.

    Raises: AssembleError if git cannot tell.
    """
    from kei_assembler.plan import staging

    right = (change.path for change in changes if change.applied or change.kind is FileStatus.UNCHANGED)
    return [
        diagnostic
        for path, is_ignored in staging.unstaged(kit, right).items()
        for diagnostic in run_rule(drift.file_unstaged, Source(path, ""), as_seen(kit.path(path)), is_ignored)
    ]


def _diagnosed(kit: Kit, changes: Iterable[Change], rules: Mapping[FileStatus, Rule]) -> list[Diagnostic]:
    return [
        diagnostic
        for change in changes
        if change.kind in rules
        for diagnostic in run_rule(rules[change.kind], Source(change.path, ""), *_subject(kit, change))
    ]


def _subject(kit: Kit, change: Change) -> tuple[str, str, str]:
    """What the rules about outputs look at: the manifest, the command that fixes it, the likely cause."""
    cause = _cause(kit, change)
    is_torn = cause == UNFINISHED_MERGE  # once a side of the merge is taken, it needs no force
    fixed = change._replace(kind=FileStatus.UPDATE) if is_torn else change
    return change.manifest, fixed.mending(kit.display_folder), cause


def _cause(kit: Kit, change: Change) -> str:
    """What an edit looks like; for an orphan, its target if its manifest exists and the kit lacks that target."""
    if change.kind in (FileStatus.EDITED, FileStatus.FOREIGN):
        from kei_assembler.plan.difference import likely_cause

        return likely_cause(change)
    is_there = change.kind is FileStatus.ORPHAN and kit.files.exists(kit.path(change.manifest))
    return change.target if is_there and change.target not in kit.settings.targets else ""
