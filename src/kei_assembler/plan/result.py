"""The result of a run: everything that a report tells."""

from __future__ import annotations

from typing import NamedTuple

from kei_assembler.diagnostics import AssembleError, Diagnostic, has_errors
from kei_assembler.plan.changes import DRIFT, Change, FileStatus

CLEAN, FINDINGS, CANNOT_RUN = 0, 1, 2


class Failure(NamedTuple):
    """Why the run could not go on, and what to do about it."""

    message: str
    hint: str


class Waiver(NamedTuple):
    """Something that a check accepts only because the settings or the command line say so, and the reason given."""

    what: str
    reason: str = ""


class Request(NamedTuple):
    """What a run was asked to do: for how many agents, and whether it only looks (`check`, `diff`).

    `prefix` leads from the working directory down to the kit and ends with a `/`; it is empty if they are the same
    folder, or the kit is elsewhere. `kit` is the kit's folder if a command line has to name it.
    """

    agents: int = 0
    check: bool = False
    diff: bool = False
    prefix: str = ""
    kit: str = ""

    @property
    def only_looks(self) -> bool:
        """Tell whether the run writes nothing."""
        return self.check or self.diff


class RunResult(NamedTuple):
    """What a run was asked, what it found, and what it changed or would have changed.

    `drift` are the outputs that a check found missing or outdated, as findings: text reports show the changes
    instead. `printed` is the file that the run was to print.
    """

    request: Request = Request()
    diagnostics: tuple[Diagnostic, ...] = ()
    drift: tuple[Diagnostic, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    changes: tuple[Change, ...] = ()
    failure: Failure | None = None
    printed: str | None = None

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
        has_drift = self.request.check and any(change.kind in DRIFT for change in self.changes)
        return FINDINGS if has_drift or has_errors(self.diagnostics) else CLEAN

    @property
    def is_up_to_date(self) -> bool:
        """Tell whether there was nothing to do and nothing wrong."""
        is_right = not any(change.applied or change.kind in DRIFT for change in self.changes)
        return is_right and self.printed is None and self.status == CLEAN

    def seen_from(self, prefix: str) -> RunResult:
        """Return the result for a working directory from which `prefix` leads to the kit."""
        return self._replace(request=self.request._replace(prefix=prefix))

    @property
    def again(self) -> RunResult:
        """The result of the same run once more, if nothing changes in between.

        A file that belongs to no single agent, or was an orphan, is only reported when it changes.
        """
        changes = tuple(
            change._replace(kind=FileStatus.UNCHANGED, before=None, after=None, applied=False)
            if change.applied
            else change
            for change in self.changes
            if not change.applied or (change.manifest and change.kind is not FileStatus.ORPHAN)
        )
        return self._replace(changes=changes)


def failed(error: AssembleError) -> RunResult:
    """Return the result of a run that an error has ended."""
    return RunResult(diagnostics=error.diagnostics, failure=Failure(error.message, error.hint))
