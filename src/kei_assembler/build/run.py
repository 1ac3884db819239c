"""One run: load, check, render, classify, write, report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kei_assembler.build import findings
from kei_assembler.build.changes import Change, FileStatus, WritePolicy
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.build.options import RunOptions
from kei_assembler.build.result import Request, RunResult
from kei_assembler.build.waivers import waivers
from kei_assembler.build.writer import Disk
from kei_assembler.diagnostics import AssembleError, Diagnostic, Severity, has_errors
from kei_assembler.kit import Kit
from kei_assembler.kit.discovery import git_top


def run(kit: Kit, files: Sequence[str], whole: bool, options: RunOptions) -> RunResult:
    """Build these manifests, which are all of the kit if `whole`, or only check or diff them.

    If any manifest has an error, nothing is written.

    Raises:
        AssembleError: a file cannot be read or written, or `staged` is set and the kit is not in a git work tree.
    """
    if options.staged and git_top(kit.folder, kit.files) is None:
        raise AssembleError("--staged needs a git work tree, and the kit is not in one")

    # Load, check and render each manifest, and classify its outputs. The plan is complete before the first write.
    policy = options.policy
    plan = plan_kit(kit, files, whole, policy.ignore)
    result = RunResult(
        Request(len(files), options.check, options.diff, kit=kit.display_folder),
        diagnostics=tuple(policy.weigh(plan.found)),
        waivers=tuple(waivers(kit, policy, plan.changes)) if options.check else (),
    )
    if has_errors(result.diagnostics):
        return result._replace(changes=() if options.writes else tuple(plan.changes))

    # Write.
    changes = write(kit, plan.changes, options.write_policy) if options.writes else plan.changes

    # Report.
    found = [*result.diagnostics, *_conflicts(kit, changes, options)]
    drift = findings.outdated(kit, changes) if options.check else []
    if options.staged:
        found += findings.unstaged(kit, changes)
    if options.writes:
        changes = [change for change in changes if change.status is not FileStatus.UNMANAGED]
    return result._replace(diagnostics=tuple(sorted(found)), drift=tuple(drift), changes=tuple(changes))


def write(kit: Kit, changes: Sequence[Change], policy: WritePolicy) -> list[Change]:
    """Make the changes that the policy allows, and return all changes with their new status.

    Files are deleted last, after everything else is written.

    Raises:
        AssembleError: a file cannot be written.
    """
    disk = Disk(kit)
    disk.remove_stale_temp_files(change.path for change in changes)
    covered = sorted(filter(policy.covers, changes), key=lambda change: change.after is None)
    done = {change.path: change for change in disk.apply(covered)}
    return [done.get(change.path, change) for change in changes]


def _conflicts(kit: Kit, changes: Iterable[Change], options: RunOptions) -> list[Diagnostic]:
    """The findings about files that differ for other reasons: all in a check, only errors in a build."""
    relevant = (change for change in changes if options.check or (options.writes and not change.applied))
    found = options.policy.weigh(findings.conflicts(kit, relevant))
    return [diagnostic for diagnostic in found if options.check or diagnostic.severity is Severity.ERROR]
