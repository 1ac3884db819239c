"""The findings of a run: about files on disk, and how many are reported.

Files on disk can be out of date, edited, foreign, orphaned, unmanaged or not staged.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping, Sequence

from kei_assembler.build.changes import PROTECTED, Change, FileStatus
from kei_assembler.build.classify import text_of
from kei_assembler.build.result import RunResult
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown import shell
from kei_assembler.paths import display_path, display_path_from
from kei_assembler.rules import drift, outputs
from kei_assembler.rules.definition import Rule
from kei_assembler.rules.drift import COMMITTED, UNFINISHED_MERGE
from kei_assembler.rules.runner import run_rule
from kei_assembler.toml.source import Source

MAX_FINDINGS = 10_000
"""How many findings a run reports. Above that, the least serious ones are left out."""


def limited(found: Iterable[Diagnostic], ignored: Container[str] = (), maximum: int = 0) -> list[Diagnostic]:
    """Return the findings, sorted. If there are too many, return the most serious.

    The maximum is `MAX_FINDINGS` unless another one is given. A further finding counts the others, unless its code is
    one of the `ignored` codes.
    """
    ordered, maximum = sorted(found), maximum or MAX_FINDINGS
    if len(ordered) <= maximum:
        return ordered
    ordered.sort(key=lambda one: one.severity, reverse=True)  # keeps the order of equally serious ones
    first = min(ordered[maximum:])
    about_others = run_rule(outputs.findings_left_out, Source(first.location.file, ""), len(ordered) - maximum)
    return sorted([*ordered[:maximum], *(one for one in about_others if one.code not in ignored)])


def with_findings(result: RunResult, maximum: int) -> RunResult:
    """Return the result with at most so many findings, the most serious ones, and a finding that counts the others."""
    if len(result.findings) <= maximum:
        return result
    found = (limited(some, maximum=maximum) for some in (result.diagnostics, result.drift))
    diagnostics, drift = map(tuple, found)
    return result._replace(diagnostics=diagnostics, drift=drift)


def outdated(kit: LoadedKit, changes: Sequence[Change]) -> list[Diagnostic]:
    """Return the diagnostics for missing and outdated outputs."""
    rules = {FileStatus.CREATE: drift.output_missing, FileStatus.UPDATE: drift.output_outdated}
    schemas = [change for change in changes if change.is_schema and change.status is FileStatus.UPDATE]
    found = _diagnosed(kit, (change for change in changes if change not in schemas), rules)
    for change in schemas:
        from kei_assembler.build.schema_fix import fix_of_schema  # rarely needed

        found += [one._replace(fix=fix_of_schema(change)) for one in _diagnosed(kit, [change], rules)]
    return sorted(found)


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
    """Return the diagnostics for files of the kit that git's index does not have as they are on disk.

    Outputs that are out of date are left out. If outputs are not committed, the findings about them are about those
    that git tracks, and about those that it does not ignore.

    Raises:
        AssembleError: git is not installed, or it fails.
    """
    from kei_assembler.build import staged_files

    is_committed, changes = kit.settings.commit_outputs, tuple(changes)
    present = [one for one in changes if one.applied or one.status is FileStatus.UNCHANGED]
    whole = [one for one in changes if one.status is not FileStatus.UNMANAGED and not one.section]
    outputs = present if is_committed else whole  # the rest of a file with a section is committed anyway
    staging = staged_files.compare(
        kit,
        dict.fromkeys(one.path for one in outputs if one.manifest or one.section),
        (one.path for one in present if one.is_schema),
    )
    found = [
        diagnostic
        for path, (is_ignored, other, is_output) in staging.unstaged.items()
        for diagnostic in run_rule(
            drift.file_unstaged,
            Source(path, ""),
            display_path(kit.path(path)),
            is_ignored,
            other and display_path(kit.path(other)),
            is_output,
        )
    ]
    for path, other in staging.tracked.items():
        where = display_path(kit.path(other)) if other else ""
        shown = display_path_from(kit.path(other), kit.path(path)) if other else display_path(kit.path(path))
        found += run_rule(drift.output_tracked, Source(path, ""), shown, where)
    return found + _not_ignored(kit, staging.visible)


def _not_ignored(kit: LoadedKit, outputs: Sequence[str]) -> list[Diagnostic]:
    if not outputs:
        return []
    from kei_assembler.build.ignore_lines import folder_of_lines, line_for

    first, others = outputs[0], len(outputs) - 1
    where = display_path(os.path.join(folder_of_lines(kit), ".gitignore"))
    return run_rule(drift.output_not_ignored, Source(first, ""), first, others, line_for(kit, first), where)


def _diagnosed(kit: LoadedKit, changes: Iterable[Change], rules: Mapping[FileStatus, Rule]) -> list[Diagnostic]:
    return [
        diagnostic
        for change in changes
        if change.status in rules
        for diagnostic in run_rule(rules[change.status], _source_of(change), *_subject(kit, change))
    ]


def _source_of(change: Change) -> Source:
    """The file that a finding is about. For a section, it has the text, so that the finding can be located there."""
    return Source(change.path, text_of(change.before or b"") if change.section else "")


def _subject(kit: LoadedKit, change: Change) -> tuple[str, str, str, drift.Part]:
    """The arguments of the rules about outputs: the manifest, the fix command, the likely cause, and the part."""
    cause = _cause(kit, change)
    if cause == UNFINISHED_MERGE:  # once the conflict is resolved, the build needs no --force
        change = change._replace(status=FileStatus.UPDATE)
    line = 0
    if change.section and change.edit and change.status is not FileStatus.CREATE:
        line = 1 + (change.before or b"").count(b"\n", 0, change.edit.start)
    adopt = "" if kit.variant.output_dir else f"assemble adopt{kit.command_options} {shell.word(_shown(kit, change))}"
    part = drift.Part(change.section, line, adopt)
    return change.manifest, change.fix_command(kit.command_options), cause, part


def _shown(kit: LoadedKit, change: Change) -> str:
    return display_path(kit.path(change.path))


def _cause(kit: LoadedKit, change: Change) -> str:
    """The likely cause of an edit, why a file is an orphan, or the target that can load an unmanaged file."""
    if change.status is FileStatus.UNMANAGED:
        return change.target
    if change.status in PROTECTED:
        from kei_assembler.build.diff import likely_cause

        return likely_cause(change) or _cause_in_git(kit, change)
    if change.status is FileStatus.ORPHAN:
        from kei_assembler.build.orphans import cause_of_orphan

        return cause_of_orphan(kit, change)
    return ""


def _cause_in_git(kit: LoadedKit, change: Change) -> str:
    is_generated = change.status is FileStatus.EDITED and not change.is_schema
    if not is_generated or not kit.settings.has_plain_stamps:
        return ""
    from kei_assembler.build.ownership import is_as_committed

    return COMMITTED if is_as_committed(kit, change) else ""
