"""The outcome of a run: all that a report tells."""

from __future__ import annotations

from typing import NamedTuple

from kei_assembler.diagnostics import AssembleError, Diagnostic, has_errors
from kei_assembler.plan import DRIFT, Change, Kind

CLEAN, FINDINGS, CANNOT_RUN = 0, 1, 2


class Failure(NamedTuple):
    """Why the run could not go on, and what to do about it."""

    message: str
    hint: str


class Loosening(NamedTuple):
    """One thing that the kit's settings or the command line let pass: what, and the reason that was given."""

    what: str
    reason: str = ""


class Outcome(NamedTuple):
    """What a run found and did, or would have done.

    `applied` are the paths of what was really written or deleted. `drift` are the outputs that a check found missing
    or outdated, as findings, for formats that know nothing else. `printed` is the file that a run was to print.
    `loosened` is what a check let pass because the kit says so.
    `way` leads from the working directory down to the kit, with a `/` at its end; it is empty where they are the same,
    and where the kit lies elsewhere. `named` is the kit's folder where a command line has to name it.
    """

    diagnostics: tuple[Diagnostic, ...] = ()
    changes: tuple[Change, ...] = ()
    drift: tuple[Diagnostic, ...] = ()
    agents: int = 0
    is_check: bool = False
    is_diff: bool = False
    applied: frozenset[str] = frozenset()
    failure: Failure | None = None
    printed: str | None = None
    loosened: tuple[Loosening, ...] = ()
    way: str = ""
    named: str = ""

    @property
    def only_looks(self) -> bool:
        """Tell whether the run was one that writes nothing."""
        return self.is_check or self.is_diff

    @property
    def all_is_in_order(self) -> bool:
        """Tell whether every output was there already as the sources give it."""
        is_right = not self.applied and all(change.kind not in DRIFT for change in self.changes)
        return is_right and self.printed is None and self.status == CLEAN

    @property
    def again(self) -> Outcome:
        """The outcome of the same run once more, if nothing changes in between.

        Of a file that is none of one agent, as of an orphan, a run tells only that it changes.
        """
        changes = tuple(
            change._replace(kind=Kind.UNCHANGED, before=None, after=None) if change.path in self.applied else change
            for change in self.changes
            if change.path not in self.applied or (change.manifest and change.kind is not Kind.ORPHAN)
        )
        return self._replace(changes=changes, applied=frozenset())

    @property
    def findings(self) -> list[Diagnostic]:
        """All findings, those about drift among them, in their order."""
        return sorted([*self.diagnostics, *self.drift])

    @property
    def status(self) -> int:
        """The exit status."""
        if self.failure:
            return CANNOT_RUN
        has_drift = self.is_check and any(change.kind in DRIFT for change in self.changes)
        return FINDINGS if has_drift or has_errors(self.diagnostics) else CLEAN


def failed(error: AssembleError) -> Outcome:
    """Return the outcome of a run that an error has ended."""
    return Outcome(error.diagnostics, failure=Failure(error.message, error.hint))
