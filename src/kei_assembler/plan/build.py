"""One run: plan, weigh what was found, write or only look, and tell how it went."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from kei_assembler.diagnostics import AssembleError, Diagnostic, Severity, has_errors
from kei_assembler.kit import Kit
from kei_assembler.kit.discovery import git_top
from kei_assembler.kit.settings import character
from kei_assembler.loader import refuse
from kei_assembler.paths import as_seen
from kei_assembler.plan import Change, Kind, Licence
from kei_assembler.plan.disk import Disk
from kei_assembler.plan.outcome import Loosening, Outcome
from kei_assembler.plan.planning import Plan, planned
from kei_assembler.rules import drift
from kei_assembler.rules.definition import Rule
from kei_assembler.rules.drift import UNFINISHED_MERGE
from kei_assembler.rules.runner import run_rule
from kei_assembler.source import Source
from kei_assembler.text.hidden import named


class Policy(NamedTuple):
    """What to make of findings: codes to ignore, and whether warnings count as errors."""

    ignore: frozenset[str] = frozenset()
    strict: bool = False

    @classmethod
    def of(cls, kit: Kit, codes: Iterable[str] = (), strict: bool = False) -> Policy:
        """Return what the kit's settings and further codes say. Raises AssembleError when the settings are wrong."""
        if kit.settings.ignore:
            from kei_assembler.rules.catalog import check_ignore

            refuse(check_ignore(kit))
        return cls(frozenset({*codes, *kit.settings.ignore}), strict)

    def weigh(self, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return the findings that count, with the severity that they count with, sorted."""
        return sorted(
            diagnostic._replace(severity=Severity.ERROR)
            if self.strict and diagnostic.severity is Severity.WARNING
            else diagnostic
            for diagnostic in diagnostics
            if diagnostic.code not in self.ignore
        )


class Mode(NamedTuple):
    """What a run is to do: build, or only look (`check`, `diff`); with which licence; how to weigh what it finds.

    `staged` asks besides that git's index has the outputs as they are on disk.
    """

    check: bool = False
    diff: bool = False
    staged: bool = False
    licence: Licence = Licence()
    policy: Policy = Policy()

    @property
    def writes(self) -> bool:
        """Tell whether the run may write at all."""
        return not (self.check or self.diff)


def run(kit: Kit, files: Sequence[str], whole: bool, mode: Mode) -> Outcome:
    """Plan the outputs of these manifests, which are all of the kit if `whole`, and write them if the mode does.

    With an error in any manifest nothing is written. Raises AssembleError when the machine does not let it write.
    """
    if mode.staged and git_top(kit.folder, kit.files) is None:
        raise AssembleError("--staged needs a git work tree, and the kit is in none")
    with planned(kit, files, whole, mode.policy.ignore, mode.writes) as plan:
        counted = mode.policy.weigh(plan.found)
        loosened = tuple(_loosened(kit, mode.policy, plan.changes)) if mode.check else ()
        asked = Outcome(agents=len(files), is_check=mode.check, is_diff=mode.diff, named=kit.named)
        outcome = asked._replace(diagnostics=tuple(counted), loosened=loosened)
        if has_errors(counted):
            return outcome._replace(changes=() if mode.writes else tuple(plan.changes))
        outcome = _built(kit, outcome, plan, mode) if mode.writes else _checked(kit, outcome, plan.changes, mode)
    return _with_unstaged(kit, outcome) if mode.staged else outcome


def _built(kit: Kit, outcome: Outcome, plan: Plan, mode: Mode) -> Outcome:
    """The outcome of a build. Of files that are not the tool's, it tells only those that are in its way."""
    changes = plan.changes
    Disk(kit).sweep(change.path for change in changes)
    covered = [change for change in changes if mode.licence.covers(change)]
    done = {change.path: change for change in plan.write(covered)}
    applied = frozenset(change.path for change in covered if done[change.path].kind is change.kind)
    came_about = [done.get(change.path, change) for change in changes]
    left = (change for change in came_about if change.path not in applied)
    standing = [found for found in mode.policy.weigh(conflicts(kit, left)) if found.severity is Severity.ERROR]
    return outcome._replace(
        diagnostics=tuple(sorted([*outcome.diagnostics, *standing])),
        changes=tuple(change for change in came_about if change.kind is not Kind.UNMANAGED),
        applied=applied,
    )


def _checked(kit: Kit, outcome: Outcome, changes: list[Change], mode: Mode) -> Outcome:
    standing = mode.policy.weigh(conflicts(kit, changes)) if mode.check else []
    outdated = _diagnosed(kit, changes, _DRIFT_RULES) if mode.check else []
    return outcome._replace(
        diagnostics=tuple(sorted([*outcome.diagnostics, *standing])), changes=tuple(changes), drift=tuple(outdated)
    )


def _loosened(kit: Kit, policy: Policy, changes: Iterable[Change]) -> Iterator[Loosening]:
    """Everything that passes only because the settings or the command line say so."""
    for code in sorted(policy.ignore):
        yield Loosening(f"{code} is ignored")
    for name, reason in kit.settings.allow_characters.items():
        yield Loosening(f"{named(character(name))} may be in the text", reason)
    for allowance in kit.settings.allow_rights:
        yield Loosening(f"{allowance['agent']} may have {', '.join(allowance['rights'])}", allowance["reason"])
    for folder in sorted({os.path.dirname(change.path) for change in changes if change.path.startswith("../")}):
        yield Loosening(f"files are written outside the kit, to {folder}")


def _with_unstaged(kit: Kit, outcome: Outcome) -> Outcome:
    """Add a finding for each file of the kit that is not in git's index as it is on disk, but for outputs in drift."""
    from kei_assembler.plan.staging import unstaged

    right = (
        change.path for change in outcome.changes if change.kind is Kind.UNCHANGED or change.path in outcome.applied
    )
    found = [
        diagnostic
        for path, is_ignored in unstaged(kit, right).items()
        for diagnostic in run_rule(drift.file_unstaged, Source(path, ""), as_seen(kit.path(path)), is_ignored)
    ]
    return outcome._replace(diagnostics=tuple(sorted([*outcome.diagnostics, *found])))


_DRIFT_RULES = {Kind.CREATE: drift.output_missing, Kind.UPDATE: drift.output_outdated}


def conflicts(kit: Kit, changes: Iterable[Change]) -> list[Diagnostic]:
    """Return the findings about files that are not the tool's: in the way of an output, or beside the outputs."""
    rules = {
        Kind.EDITED: drift.output_edited,
        Kind.FOREIGN: drift.output_foreign,
        Kind.ORPHAN: drift.output_orphaned,
        Kind.UNMANAGED: drift.output_intruding if kit.settings.exclusive else drift.output_unmanaged,
    }
    return _diagnosed(kit, changes, rules)


def _diagnosed(kit: Kit, changes: Iterable[Change], rules: Mapping[Kind, Rule]) -> list[Diagnostic]:
    return [
        diagnostic
        for change in changes
        if change.kind in rules
        for diagnostic in run_rule(rules[change.kind], Source(change.path, ""), *_told(kit, change))
    ]


def _told(kit: Kit, change: Change) -> tuple[str, str, str]:
    """What the rules about outputs speak of: the manifest, the command that mends, the likely cause."""
    cause = _cause(kit, change)
    is_torn = cause == UNFINISHED_MERGE  # a side of it that is taken needs no force
    mended = change._replace(kind=Kind.UPDATE) if is_torn else change
    return change.manifest, mended.mending(kit.named), cause


def _cause(kit: Kit, change: Change) -> str:
    """What an edit looks like; or an orphan's target, where its manifest is there and the kit has no such target."""
    if change.kind in (Kind.EDITED, Kind.FOREIGN):
        from kei_assembler.plan.difference import likely_cause

        return likely_cause(change)
    is_there = change.kind is Kind.ORPHAN and kit.files.exists(kit.path(change.manifest))
    return change.target if is_there and change.target not in kit.settings.targets else ""
