"""Planning: from the selected manifests of a kit to all changes, and every finding on the way."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from kei_assembler.diagnostics import AssembleError, Diagnostic, has_errors
from kei_assembler.files import accesses, add_accesses
from kei_assembler.kit import Kit
from kei_assembler.plan import Change, Kind, crew
from kei_assembler.plan.planner import Part, Planner
from kei_assembler.plan.progress import told
from kei_assembler.rules import check_kit

if TYPE_CHECKING:
    from kei_assembler.render import Artifact


class Plan(NamedTuple):
    """What is to be said about some manifests, and all changes. `write` carries some of these out, as `Disk.apply`."""

    found: list[Diagnostic]
    changes: list[Change]
    write: Callable[[Iterable[Change]], list[Change]]


_WORTH_SHARING = 256


@contextmanager
def planned(
    kit: Kit, files: Sequence[str], whole: bool, ignored: Collection[str] = (), may_write: bool = False
) -> Iterator[Plan]:
    """Give the plan for these manifests of the kit, which are all if `whole`. Errors of ignored codes do not hinder it.

    Where they are many, two processes share the work. What the other one is to write, it keeps: with `may_write`, a
    change that creates or updates may then come without its bytes.
    """
    planner = Planner(kit, ignored)
    if len(files) < _WORTH_SHARING or not crew.is_possible():
        planner.add_all(told(files))
        yield _whole_plan(planner, whole, planner.disk.apply)
        return
    share = None
    try:
        with crew.undisturbed():
            share = _Share(planner, files[len(files) // 2 :], may_write)
        planner.add_all(told(files[: len(files) // 2]))
        yield _whole_plan(share.joined(), whole, share.write)
    finally:
        if share:
            share.end()


def _whole_plan(planner: Planner, whole: bool, write: Callable[[Iterable[Change]], list[Change]]) -> Plan:
    if whole:
        planner.read_all_blocks()
    found = planner.everything_found() + planner.overwritten_sources()
    if whole and not has_errors(found):
        found += check_kit(planner.usage)
        planner.survey()
        planner.changes += _renewals(planner.kit)
    return Plan(found, planner.changes, write)


def _renewals(kit: Kit) -> list[Change]:
    """The schema files are those of the whole kit: a run that keeps to some targets leaves them alone."""
    from kei_assembler.plan.renewing import renewals

    return [] if kit.chosen else renewals(kit)


def preview(kit: Kit, file: str, ignored: Collection[str] = ()) -> tuple[list[Diagnostic], list[Artifact]]:
    """Return what is to be said about one manifest of the kit, and its artifacts, which are not written."""
    planner = Planner(kit, ignored)
    source, manifest, found = planner.check(file)
    artifacts = [] if manifest is None else list(planner.artifacts(source, manifest))
    return found + planner.everything_found(), artifacts


class _Share:
    """The part of the plan that another process makes, and then writes."""

    def __init__(self, planner: Planner, files: Sequence[str], may_write: bool) -> None:
        self.planner = planner
        self.files = files
        self.may_write = may_write
        self.others: dict[str, Change] = {}
        self.process = os.getpid()
        self.partner: crew.Partner | None = None
        with suppress(crew.PartnerLost):
            self.partner = crew.Partner(self._answer)
            self.partner.ask(None)

    def joined(self) -> Planner:
        """Return the planner with what the other process found added.

        Where both have an output at one path, or the other is lost, all is planned here and anew: whose output comes
        first then depends on the order.
        """
        try:
            part = self.partner.answer() if self.partner else None
        except crew.PartnerLost:
            part = None
        if part is None or not part.owners.keys().isdisjoint(self.planner.owners):
            self.end()
            return self._alone()
        self.others = {change.path: change for change in part.changes}
        self.planner.join(part)
        return self.planner

    def _alone(self) -> Planner:
        self.planner.add_all(self.files)
        return self.planner

    def write(self, changes: Iterable[Change]) -> list[Change]:
        """Carry out the changes, each in the process that has its bytes; see `Disk.apply`. Deleting comes last."""
        changes = list(changes)
        theirs = [change for change in changes if change.path in self.others]
        ours = [change for change in changes if change.path not in self.others]
        self._ask_for(theirs)
        done = self.planner.disk.apply(change for change in ours if change.kind is not Kind.ORPHAN)
        done += self._done_of(theirs)
        return done + self.planner.disk.apply(change for change in ours if change.kind is Kind.ORPHAN)

    def _ask_for(self, theirs: list[Change]) -> None:
        with suppress(crew.PartnerLost):  # which shows when the answer is due
            if self.partner and theirs:
                self.partner.ask([change.path for change in theirs])

    def _done_of(self, theirs: list[Change]) -> list[Change]:
        """Return the changes of the other process as they came about."""
        if not (self.partner and theirs):
            return []
        try:
            answer = self.partner.answer()
        except crew.PartnerLost:
            return self._rescued(theirs)
        if isinstance(answer, AssembleError):
            raise answer
        done, seen = answer
        add_accesses(seen)
        return list(done)

    def _rescued(self, theirs: list[Change]) -> list[Change]:
        """Plan anew what the other process was to write when it was lost, and carry out what it did not get to."""
        self.end()
        anew = Planner(self.planner.kit, self.planner.ignored)
        anew.add_all(self.files)
        now = {change.path: change for change in anew.changes}
        return [self._completed(change, now.get(change.path)) for change in theirs]

    def _completed(self, change: Change, now: Change | None) -> Change:
        if now and now.kind is change.kind:
            return self.planner.disk.apply([now])[0]
        is_done = now is not None and now.kind is Kind.UNCHANGED
        return change if is_done else (now or change)._replace(kind=Kind.EDITED)

    def end(self) -> None:
        """Let the other process go."""
        if self.partner:
            self.partner.dismiss()
            self.partner = None

    def _answer(self, paths: list[str] | None) -> Any:
        """What the other process does: plan its share, then write what it is told of it."""
        if paths is None:
            return self._planned()
        changes = {change.path: change for change in self.planner.changes}
        asked = [changes[path] for path in paths]
        try:
            done = self.planner.disk.apply(self._while_wanted(asked))
        except AssembleError as error:
            return error
        told = [
            now._replace(before=None, after=None) if now.kind is planned.kind else now
            for planned, now in zip(asked, done, strict=True)
        ]
        return told, accesses()

    def _while_wanted(self, asked: Iterable[Change]) -> Iterator[Change]:
        """Give the changes for as long as the process that asked for them is there, which may be killed any time."""
        for change in asked:
            if os.getppid() != self.process:
                raise SystemExit
            yield change

    def _planned(self) -> Part:
        planner = self.planner
        planner.found, planner.once = [], []
        planner.add_all(self.files)
        blocks = tuple(block.name for block in planner.kit.blocks_read)
        changes = [self._sent(change) for change in planner.changes]
        return Part(
            planner.found,
            planner.once,
            changes,
            planner.owners,
            planner.passed_over,
            planner.usage.gathered,
            blocks,
            accesses(),
        )

    def _sent(self, change: Change) -> Change:
        stays = self.may_write and change.kind in (Kind.CREATE, Kind.UPDATE)
        return change._replace(before=None, after=None) if stays else change
