"""Plan a kit: put together what its manifests give, and find what concerns the kit as a whole."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kei_assembler.diagnostics import Diagnostic, Place, has_errors
from kei_assembler.kit import Kit
from kei_assembler.kit.settings import is_block_name
from kei_assembler.plan.changes import Change, FileStatus
from kei_assembler.plan.disk import Disk
from kei_assembler.plan.orphans import find_orphans
from kei_assembler.plan.parallel import shared
from kei_assembler.plan.planner import ManifestPlan, Planner
from kei_assembler.plan.progress import told
from kei_assembler.rules import Usage, check_block, check_defaults, check_kit, outputs
from kei_assembler.rules.runner import run_rule
from kei_assembler.source import Source

if TYPE_CHECKING:
    from kei_assembler.render import Artifact

BATCH = 16
"""How many manifests to plan at a time."""

_AT_EACH_FILE = (outputs.output_outside_root.code,)
"""Codes of findings with a common cause that are located at a manifest; all others are located at their cause."""


class KitPlan(NamedTuple):
    """What a build of a kit's manifests would change, and every finding on the way."""

    found: list[Diagnostic]
    changes: list[Change]


def plan_kit(kit: Kit, files: Sequence[str], whole: bool, ignored: Collection[str] = ()) -> KitPlan:
    """Return the plan for these manifests, which are all of the kit if `whole`. Codes in `ignored` count for nothing.

    Raises: AssembleError if a folder of the kit cannot be read.
    """
    merged = _Merged(kit)
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    for plans in shared(Planner(kit, ignored).plan, batches, told):
        for plan in plans:
            merged.add(plan)
    found = [*merged.findings(whole, ignored), *_overwritten_sources(kit, merged.changes)]
    changes = merged.changes
    if whole and not has_errors(found):
        found += check_kit(merged.usage)
        changes += find_orphans(kit, {*merged.owners, *merged.left_out}, merged.usage.targets)
        changes += _schema_files(kit)
    return KitPlan(found, changes)


def preview(kit: Kit, file: str, ignored: Collection[str] = ()) -> tuple[list[Diagnostic], list[Artifact]]:
    """Return what there is to report about one manifest of the kit, and its artifacts, which are not written."""
    planner, merged = Planner(kit, ignored), _Merged(kit)
    manifest, plan = planner.load_and_check(file)
    artifacts = [] if manifest is None else list(planner.render(manifest, plan))
    merged.add(plan)
    return merged.findings(False, ignored), artifacts


class _Merged:
    """The plans of some manifests, put together in their order."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.found = check_defaults(kit)
        self.changes: list[Change] = []
        self.usage = Usage(kit)
        self.owners: dict[str, str] = {}
        self.left_out: set[str] = set()
        self._causes: set[tuple[str, str, Place | None]] = set()

    def add(self, plan: ManifestPlan) -> None:
        """Add one manifest's plan."""
        self.found += plan.found
        self.found += filter(self._is_new, plan.shared)
        self.left_out.update(plan.left_out)
        if plan.use:
            self.usage.add(plan.use)
        for path, real, change, problems in plan.outputs:
            if real in self.owners:
                self.found += run_rule(outputs.duplicate_output, Source(plan.file, ""), path, self.owners[real])
                continue
            self.owners[real] = plan.file
            self.found += problems
            self.changes += [change] if change else []

    def _is_new(self, diagnostic: Diagnostic) -> bool:
        """Tell whether a finding is the first with its cause: one cause is one finding."""
        place = None if diagnostic.code in _AT_EACH_FILE else diagnostic.place
        cause = (diagnostic.code, diagnostic.message, place)
        is_new = cause not in self._causes
        self._causes.add(cause)
        return is_new

    def findings(self, whole: bool, ignored: Collection[str]) -> list[Diagnostic]:
        """Return what was found so far, and what is wrong with the blocks in use, or with all blocks if `whole`."""
        names = {*filter(is_block_name, self.usage.blocks), *(self.kit.block_names if whole else ())}
        blocks = filter(None, map(self.kit.block, sorted(names)))
        found = [*self.found, *(one for block in blocks for one in check_block(self.usage, block))]
        return [one for one in found if one.code not in ignored]


def _overwritten_sources(kit: Kit, changes: Iterable[Change]) -> list[Diagnostic]:
    """A finding for each output that would replace a source."""
    disk, in_the_way = Disk(kit), [change for change in changes if change.kind is FileStatus.FOREIGN]
    sources = set(map(disk.real, kit.sources())) if in_the_way else set()
    return [
        diagnostic
        for change in in_the_way
        if disk.real(change.path) in sources
        for diagnostic in run_rule(outputs.output_is_source, Source(change.manifest, ""), change.path)
    ]


def _schema_files(kit: Kit) -> list[Change]:
    """The schema files describe the whole kit: a run that is limited to some targets leaves them alone."""
    from kei_assembler.plan.renewing import renewals

    return [] if kit.selected_targets else renewals(kit)
