"""The result of a run, from which the reports are made."""

from __future__ import annotations

import os
from collections.abc import Mapping

from kei_assembler.build.changes import DRIFT, Change, FileStatus
from kei_assembler.build.repair import Repair
from kei_assembler.diagnostics import AssembleError, Diagnostic, Location, Severity, has_errors
from kei_assembler.paths import normalize
from kei_assembler.records import NamedTuple

CLEAN, FINDINGS, CANNOT_RUN = 0, 1, 2


class Waiver(NamedTuple):
    """Something that the settings or an option allow, and the reason from the settings."""

    what: str
    reason: str = ""

    @property
    def line(self) -> str:
        """The line about it in a report for people."""
        return f"waived: {self.what}{f' ({self.reason})' if self.reason else ''}"


class Request(NamedTuple):
    """The request of a run: the number of agents and of mere bases, and the options `check` and `diff`.

    `others` is the number of manifests of other kinds, by kind.

    `prefix` is the path from the working directory down to the kit, with a `/` at the end. It is empty if the kit is
    the working directory or not below it. `folder` is the kit's folder as a resolved path, if it is known. If the run
    is about several kits, `heading` is the path of the kit from the working directory, and `printed_before` the size of
    the output on the kits before it. The others are for text reports: `quiet` leaves out the files that were written,
    `colours` says whether stdout and stderr get colours, and `offers_fixes` whether the command has the option `--fix`.
    """

    agents: int = 0
    check: bool = False
    diff: bool = False
    prefix: str = ""
    folder: str = ""
    heading: str = ""
    printed_before: int = 0
    quiet: bool = False
    colours: tuple[bool, bool] = (False, False)
    bases: int = 0
    others: Mapping[str, int] = {}
    offers_fixes: bool = False

    def path(self, file: str) -> str:
        """Return the path of a file of the kit in a report: relative to the kit, or to the working directory."""
        return normalize(os.path.join(self.heading, file)) if self.heading else file

    def with_heading(self, message: str) -> str:
        """Return a message with the kit that it is about, if the run is about several."""
        return f"{self.heading}: {message}" if self.heading else message

    def located(self, location: Location) -> Location:
        """Return a location in a file of the kit with the path that a report has for the file."""
        return location._replace(file=self.path(location.file))

    @property
    def diff_prefix(self) -> str:
        """The path before those of the kit's files in a diff, with a `/` at the end, or an empty text."""
        return f"{self.heading}/" if self.heading else self.prefix

    @property
    def writes(self) -> bool:
        """Return whether the run writes files."""
        return not (self.check or self.diff)


class FixedFile(NamedTuple):
    """A source that fixes change: its path, the codes of the findings that they correct, and its contents."""

    path: str
    codes: tuple[str, ...]
    before: bytes
    after: bytes

    @property
    def as_change(self) -> Change:
        """The change of the file, to show its diff."""
        return Change.of_source(self.path, self.before, self.after)


class FixCounts(NamedTuple):
    """How many findings have a fix that is safe, and one that is not."""

    safe: int
    unsafe: int


class RunResult(NamedTuple):
    """The request of a run, its findings, and its changes, made or planned.

    `drift` contains the findings of a check about missing and outdated outputs; text reports show the changes instead.
    `printed` is the content for `--stdout`. `repair` is the command that repairs what a check found. `fixed` contains
    the sources that the run has corrected, or, with `--diff`, would correct; its findings are those that are left.
    """

    request: Request = Request()
    diagnostics: tuple[Diagnostic, ...] = ()
    drift: tuple[Diagnostic, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    changes: tuple[Change, ...] = ()
    failure: AssembleError | None = None
    printed: str | None = None
    repair: Repair | None = None
    fixed: tuple[FixedFile, ...] = ()

    @property
    def fixable(self) -> FixCounts:
        """The number of findings that fixes correct, without those about outputs that a build updates anyway."""
        fixes = [diagnostic.fix for diagnostic in self.diagnostics if diagnostic.fix.edits]
        safe = sum(fix.is_safe for fix in fixes)
        return FixCounts(safe, len(fixes) - safe)

    @property
    def applied(self) -> frozenset[str]:
        """The paths of the files that were written or deleted."""
        return frozenset(change.path for change in self.changes if change.applied)

    @property
    def findings(self) -> list[Diagnostic]:
        """All findings, including drift, sorted."""
        return sorted([*self.diagnostics, *self.drift])

    @property
    def status(self) -> int:
        """The exit status."""
        if self.failure:
            return CANNOT_RUN
        would_fix = self.request.diff and bool(self.fixed)
        has_drift = self.request.check and (would_fix or any(change.status in DRIFT for change in self.changes))
        return FINDINGS if has_drift or has_errors(self.diagnostics) else CLEAN

    @property
    def left(self) -> int:
        """The number of errors that are left after the repair."""
        errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)
        return self.repair.left if self.repair else errors + bool(self.failure)

    @property
    def is_up_to_date(self) -> bool:
        """Return whether there was nothing to write and nothing to report as an error."""
        is_unchanged = not any(change.applied or change.status in DRIFT for change in self.changes)
        return is_unchanged and self.printed is None and self.status == CLEAN

    def seen_from(self, prefix: str, folder: str = "") -> RunResult:
        """Return the result with the prefix and the folder of the kit; see `Request`."""
        return self._replace(request=self.request._replace(prefix=prefix, folder=folder))

    def headed(self, heading: str, printed_before: int = 0) -> RunResult:
        """Return the result of one of several kits, with its heading and the size of the output; see `Request`."""
        return self._replace(request=self.request._replace(heading=heading, printed_before=printed_before))

    @property
    def without_contents(self) -> RunResult:
        """The result without the contents of its files, unless it is about their differences."""
        if self.request.diff:
            return self
        return self._replace(changes=tuple(change._replace(before=None, after=None) for change in self.changes))

    @property
    def without_command(self) -> RunResult:
        """The result without the command of its repair, since the report on all kits ends with one for all of them."""
        return self._replace(repair=self.repair._replace(build="", stage="")) if self.repair else self

    def printed_with(self, quiet: bool, colours: tuple[bool, bool]) -> RunResult:
        """Return the result with these options of text reports; see `Request`."""
        return self._replace(request=self.request._replace(quiet=quiet, colours=colours))

    @property
    def again(self) -> RunResult:
        """The result of running the same command again, if nothing changes in between.

        Orphans and files that do not belong to a single agent are reported only when they change.
        """
        changes = tuple(
            change._replace(status=FileStatus.UNCHANGED, before=None, after=None, applied=False)
            if change.applied
            else change
            for change in self.changes
            if not change.applied or ((change.manifest or change.section) and change.status is not FileStatus.ORPHAN)
        )
        return self._replace(changes=changes)


def failed(error: AssembleError) -> RunResult:
    """Return the result of a run that an error stopped."""
    return RunResult(diagnostics=error.diagnostics, failure=error)
