"""The findings of a run: about files on disk, and how many are reported.

Files on disk can be out of date, edited, foreign, orphaned, unmanaged or not staged.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from kei_assembler.build.changes import PROTECTED, Change, FileStatus
from kei_assembler.build.orphans import cause_of_orphan
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit import LoadedKit
from kei_assembler.paths import display_path
from kei_assembler.rules import drift, outputs
from kei_assembler.rules.definition import Rule
from kei_assembler.rules.drift import UNFINISHED_MERGE
from kei_assembler.rules.runner import run_rule
from kei_assembler.toml.source import Source

MAX_FINDINGS = 10_000
"""How many findings a run reports. Above that, the least serious ones are left out."""


def limited(found: Iterable[Diagnostic], ignored: Container[str]) -> list[Diagnostic]:
    """Return the findings, sorted. If there are too many, return the most serious.

    A further finding counts the others, unless its code is one of the `ignored` codes.
    """
    ordered = sorted(found)
    if len(ordered) <= MAX_FINDINGS:
        return ordered
    ordered.sort(key=lambda one: one.severity, reverse=True)  # keeps the order of equally serious ones
    first = min(ordered[MAX_FINDINGS:])
    about_others = run_rule(outputs.findings_left_out, Source(first.location.file, ""), len(ordered) - MAX_FINDINGS)
    return sorted([*ordered[:MAX_FINDINGS], *(one for one in about_others if one.code not in ignored)])


def outdated(kit: LoadedKit, changes: Iterable[Change]) -> list[Diagnostic]:
    """Return the diagnostics for missing and outdated outputs."""
    return _diagnosed(kit, changes, {FileStatus.CREATE: drift.output_missing, FileStatus.UPDATE: drift.output_outdated})


def conflicts(kit: LoadedKit, changes: Iterable[Change]) -> list[Diagnostic]:
    """Return the diagnostics for edited, foreign, orphaned and unmanaged files."""
    rules = {
        FileStatus.EDITED: drift.output_edited,
        FileStatus.FOREIGN: drift.output_foreign,
        FileStatus.ORPHAN: drift.output_orphaned,
        FileStatus.UNMANAGED: drift.output_intruding if kit.settings.exclusive else drift.output_unmanaged,
    }
    return _diagnosed(kit, changes, rules)


def unstaged(kit: LoadedKit, changes: Iterable[Change]) -> list[Diagnostic]:
    """Return the diagnostics for files of the kit that differ from git's index, except outputs that are out of date.

    Raises:
        AssembleError: git is not installed, or it fails.
    """
    from kei_assembler.build import staged_files

    up_to_date = (change.path for change in changes if change.applied or change.status is FileStatus.UNCHANGED)
    return [
        diagnostic
        for path, (is_ignored, other) in staged_files.unstaged(kit, up_to_date).items()
        for diagnostic in run_rule(
            drift.file_unstaged,
            Source(path, ""),
            display_path(kit.path(path)),
            is_ignored,
            other and display_path(kit.path(other)),
        )
    ]


def _diagnosed(kit: LoadedKit, changes: Iterable[Change], rules: Mapping[FileStatus, Rule]) -> list[Diagnostic]:
    return [
        diagnostic
        for change in changes
        if change.status in rules
        for diagnostic in run_rule(rules[change.status], Source(change.path, ""), *_subject(kit, change))
    ]


def _subject(kit: LoadedKit, change: Change) -> tuple[str, str, str]:
    """The arguments of the rules about outputs: the manifest, the fix command, and the likely cause."""
    cause = _cause(kit, change)
    if cause == UNFINISHED_MERGE:  # once the conflict is resolved, the build needs no --force
        change = change._replace(status=FileStatus.UPDATE)
    return change.manifest, change.fix_command(kit.display_folder), cause


def _cause(kit: LoadedKit, change: Change) -> str:
    """The likely cause of an edit, why a file is an orphan, or the target that can load an unmanaged file."""
    if change.status is FileStatus.UNMANAGED:
        return change.target
    if change.status in PROTECTED:
        from kei_assembler.build.diff import likely_cause

        return likely_cause(change)
    return cause_of_orphan(kit, change) if change.status is FileStatus.ORPHAN else ""
