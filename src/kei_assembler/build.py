"""One run: from the selected manifests of a kit to the plan of all changes, and every finding on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from kei_assembler.diagnostics import Diagnostic, Rule, Severity
from kei_assembler.disk import Disk
from kei_assembler.kit import Kit
from kei_assembler.manifest import Manifest, manifest_shape
from kei_assembler.plan import Change, Kind, decide
from kei_assembler.rules import Usage, check_block, check_kit, check_manifest, outputs
from kei_assembler.source import Source

if TYPE_CHECKING:
    from kei_assembler.render import Artifact


class Plan(NamedTuple):
    """What a run found, and what it would change. With an error among the findings nothing may be written."""

    diagnostics: tuple[Diagnostic, ...]
    changes: tuple[Change, ...]

    @property
    def is_sound(self) -> bool:
        """Tell whether the changes may be applied."""
        return not any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)


def make_plan(kit: Kit, files: Iterable[str], whole: bool) -> Plan:
    """Return the plan for these manifests of the kit, which are all of them if `whole`."""
    planner = _Planner(kit)
    for file in files:
        planner.add(file)
    found = planner.found + [diagnostic for block in kit.blocks_read for diagnostic in check_block(block)]
    if whole and not planner.broken:
        found += check_kit(planner.usage)
    kept = (diagnostic for diagnostic in found if diagnostic.code not in kit.settings.ignore)
    return Plan(tuple(sorted(kept)), tuple(planner.changes))


class _Planner:
    """Takes one manifest after the other; keeps what they share, and of each only its changes."""

    def __init__(self, kit: Kit) -> None:
        from kei_assembler.render import Renderer

        self.kit = kit
        self.shape = manifest_shape(kit.settings.extra_keys)
        self.renderer = Renderer(kit)
        self.disk = Disk(kit)
        self.usage = Usage(kit)
        self.found: list[Diagnostic] = []
        self.changes: list[Change] = []
        self.broken = False
        self.owners: dict[str, str] = {}
        self.failures: set[object] = set()

    def add(self, file: str) -> None:
        source, problems = self.kit.read_manifest(file)
        if not problems:
            manifest, problems = check_manifest(self.kit, source, self.shape)
            self.usage.add(manifest)
        self.found += problems
        if any(problem.severity is Severity.ERROR for problem in problems):
            self.broken = True
        else:
            self._add_outputs(source, manifest)

    def _add_outputs(self, source: Source, manifest: Manifest) -> None:
        for artifact in self._artifacts(source, manifest):
            if problem := self._misplacement(source, artifact):
                self.found += problem
                continue
            self._decide(source, artifact)

    def _decide(self, source: Source, artifact: Artifact) -> None:
        try:
            self.changes.append(decide(artifact, self.disk.read(artifact.path)))
        except OSError as error:
            self.found += source.run(outputs.output_unreadable, artifact.path, error.strerror or str(error))

    def _artifacts(self, source: Source, manifest: Manifest) -> Iterator[Artifact]:
        from kei_assembler.render import TemplateFailure

        for target in manifest.targets or self.kit.settings.targets:
            try:
                yield self.renderer.render(manifest, source.file, target)
            except TemplateFailure as failure:
                self._add_failure(failure.diagnostic)

    def _add_failure(self, diagnostic: Diagnostic) -> None:
        """The same failure in every manifest has one cause, and is one finding."""
        cause = (diagnostic.place, diagnostic.message)
        if cause not in self.failures:
            self.failures.add(cause)
            self.found.append(diagnostic)

    def _misplacement(self, source: Source, artifact: Artifact) -> list[Diagnostic]:
        if not self.disk.holds(artifact.path):
            return source.run(outputs.output_outside_root, artifact.path)
        owner = self.owners.setdefault(artifact.path.casefold(), source.file)
        if owner != source.file:
            return source.run(outputs.output_twice, artifact.path, owner)
        return []


_BLOCKED: dict[Kind, Rule] = {Kind.EDITED: outputs.output_edited, Kind.FOREIGN: outputs.output_foreign}


def blocked(changes: Iterable[Change]) -> list[Diagnostic]:
    """Return the findings about files that are in the way of an output and are nobody's but a person's."""
    return [
        diagnostic
        for change in changes
        if change.kind in _BLOCKED
        for diagnostic in Source(change.path, "").run(_BLOCKED[change.kind], change.path)
    ]
