"""One run: its options, and its steps: load, check, render, classify, write, report."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from kei_assembler.build import findings
from kei_assembler.build.changes import Change, FileStatus, WritePolicy, joined
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.build.repair import repair_of, with_staging
from kei_assembler.build.result import Request, RunResult, Waiver
from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import AssembleError, Diagnostic, Severity, has_errors
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import LoadedKit
from kei_assembler.loader import refuse, refuse_home
from kei_assembler.markdown.hidden_text import named
from kei_assembler.model.settings import character
from kei_assembler.paths import is_outside
from kei_assembler.records import NamedTuple
from kei_assembler.suggestions import counted


class Policy(NamedTuple):
    """How to count findings: the codes to ignore, and whether warnings are errors (`strict`)."""

    ignore: frozenset[str] = frozenset()
    strict: bool = False

    @classmethod
    def of(cls, kit: LoadedKit, codes: Iterable[str] = (), strict: bool = False) -> Policy:
        """Return the policy of a kit's settings, with additional codes to ignore.

        Raises:
            AssembleError: the settings name a code that does not exist or cannot be ignored.
        """
        if kit.settings.ignore:
            from kei_assembler.rules.catalog import check_ignore

            refuse(check_ignore(kit))
        return cls(frozenset({*codes, *kit.settings.ignore}), strict)

    def weigh(self, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return the findings that are not ignored, sorted, with their severity under this policy."""
        return sorted(
            diagnostic._replace(severity=Severity.ERROR)
            if self.strict and diagnostic.severity is Severity.WARNING
            else diagnostic
            for diagnostic in diagnostics
            if diagnostic.code not in self.ignore
        )


class RunOptions(NamedTuple):
    """The options of a run. With `check` or `diff`, it writes nothing.

    With `staged`, it also reports the files of the kit that differ from git's index.
    """

    check: bool = False
    diff: bool = False
    staged: bool = False
    write_policy: WritePolicy = WritePolicy()
    policy: Policy = Policy()


def run(kit: LoadedKit, files: Sequence[str], whole: bool, options: RunOptions) -> RunResult:
    """Build these manifests, which are all of the kit if `whole`, or only check or diff them.

    If any manifest has an error, nothing is written.

    Raises:
        AssembleError: a file cannot be read or written, or `staged` is set and the kit is not in a git work tree.
    """
    if options.staged and git_top(kit.folder, kit.files) is None:
        raise AssembleError("--staged needs a git work tree, and the kit is not in one")

    refuse_home(kit)

    # Load, check and render each manifest, and classify its outputs. The plan is complete before the first write.
    policy = options.policy
    plan = plan_kit(kit, files, whole, policy.ignore)
    agents = len(files) - plan.bases - sum(plan.others.values())
    request = Request(agents, options.check, options.diff, bases=plan.bases, others=plan.others)
    found, about_files = policy.weigh(plan.diagnostics), policy.weigh(plan.about_files)
    waivers = tuple(_waivers(kit, policy, plan.changes, options.staged)) if options.check else ()
    prevents_writing = has_errors(found)
    found += about_files
    if prevents_writing:
        changes = _shown(kit, plan.changes)
        limited = tuple(findings.limited(found, policy.ignore))
        return RunResult(request, limited, (), waivers, () if request.writes else tuple(changes))

    # Write.
    changes = _shown(kit, write(kit, plan.changes, options.write_policy) if request.writes else plan.changes)

    # Report. A check reports all files that differ, a build only the errors about files that it left alone.
    drift = findings.outdated(kit, changes) if options.check else []
    if options.check:
        found += policy.weigh(findings.conflicts(kit, changes))
    if options.staged:
        found += policy.weigh(findings.unstaged(kit, changes))
    if request.writes:
        left_alone = (change for change in changes if not change.applied)
        conflicts = policy.weigh(findings.conflicts(kit, left_alone))
        found += [diagnostic for diagnostic in conflicts if diagnostic.severity is Severity.ERROR]
        changes = [change for change in changes if change.status is not FileStatus.UNMANAGED]
    limited, limited_drift = (tuple(findings.limited(some, policy.ignore)) for some in (found, drift))
    ignored = policy.ignore.difference(kit.settings.ignore)
    repair = repair_of(kit, changes, () if whole else files, ignored) if not request.writes else None
    repair = with_staging(kit, repair, changes, found) if options.staged else repair
    repair = repair.after(found) if repair else None
    return RunResult(request, limited, limited_drift, waivers, tuple(changes), repair=repair)


def write(kit: LoadedKit, changes: Sequence[Change], policy: WritePolicy) -> list[Change]:
    """Make the changes that the policy allows, and return all changes with their new status.

    Files are deleted last, after everything else is written.

    Raises:
        AssembleError: a file cannot be written.
    """
    disk = OutputFiles(kit)
    disk.remove_stale_temp_files(change.path for change in changes if change.status is not FileStatus.UNMANAGED)

    def file_of(change: Change) -> str:
        return disk.real(change.path) if change.edit else change.path  # links can lead to the same file

    covered = [*filter(policy.covers, changes)]
    if kit.settings.has_plain_stamps:
        kit.writes.update({(each.path, each.section): each.digest for each in covered}, keeps=True)
    files = joined(covered, file_of)
    done = {file_of(change): disk.apply(change) for change in sorted(files, key=lambda change: change.after is None)}
    made = [_made(change, done[file_of(change)]) if policy.covers(change) else change for change in changes]
    if kit.settings.has_plain_stamps:
        present = (each for each in made if each.applied or each.status is FileStatus.UNCHANGED)
        kit.writes.update({(each.path, each.section): each.digest for each in present})
    return made


def _made(change: Change, done: Change) -> Change:
    """Return a change as it was made, together with all others of its file."""
    is_made = done.applied and change.before == done.before
    return change._replace(status=change.status if is_made else FileStatus.EDITED, applied=is_made)


def _shown(kit: LoadedKit, changes: Sequence[Change]) -> list[Change]:
    """Return changes with the paths that reports show: they differ if the run builds into another folder."""
    is_elsewhere = bool(kit.variant.output_dir)
    return [each._replace(path=kit.shown_output(each.path)) if is_elsewhere else each for each in changes]


def _waivers(kit: LoadedKit, policy: Policy, changes: Iterable[Change], staged: bool) -> Iterator[Waiver]:
    """Everything that a check of these changes accepts because of the settings or an option."""
    for code in sorted(policy.ignore):
        yield Waiver(f"{code} is ignored")
    for name, reason in kit.settings.allow_characters.items():
        yield Waiver(f"{named(character(name))} may be in the text", reason)
    for allowance in kit.settings.allow_rights:
        yield Waiver(f"{allowance['agent']} may have {', '.join(allowance['rights'])}", allowance["reason"])
    if staged and not kit.settings.commit_outputs:
        yield Waiver("generated files are not staged")
    if kit.lacking:
        what = f"{counted(len(kit.lacking), 'file')} outside the sparse checkout"
        yield Waiver(f"what needs {what} is not checked, since this partial clone lacks the content")
    outside = (each.path for each in changes if is_outside(each.path) and not kit.variant.output_dir)
    for folder in sorted(set(map(os.path.dirname, outside))):
        yield Waiver(f"files are written outside the kit, to {folder}")
