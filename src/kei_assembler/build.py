"""One run: from the selected manifests of a kit to the plan of all changes, and every finding on the way."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kei_assembler.diagnostics import Diagnostic, Rule, Severity
from kei_assembler.disk import Disk
from kei_assembler.kit import Kit
from kei_assembler.manifest import Manifest, manifest_shape
from kei_assembler.plan import Change, Kind, decide, is_agent_file
from kei_assembler.report.outcome import Outcome
from kei_assembler.rules import Usage, check_block, check_kit, check_manifest, outputs
from kei_assembler.source import Source

if TYPE_CHECKING:
    from kei_assembler.render import Artifact


class Policy(NamedTuple):
    """What to make of findings: codes to ignore, and whether warnings count as errors."""

    ignore: frozenset[str]
    strict: bool

    def weigh(self, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Return the findings that count, with the severity that they count with, sorted."""
        return sorted(
            diagnostic._replace(severity=Severity.ERROR)
            if self.strict and diagnostic.severity is Severity.WARNING
            else diagnostic
            for diagnostic in diagnostics
            if diagnostic.code not in self.ignore
        )


def run(kit: Kit, files: Sequence[str], whole: bool, check: bool, policy: Policy) -> Outcome:
    """Plan the outputs of these manifests, which are all of the kit if `whole`, and write them unless it is a check.

    With an error in any manifest nothing is written. Raises AssembleError when the settings are wrong, or when the
    machine does not let it write.
    """
    found, changes = make_plan(kit, files, whole)
    counted = policy.weigh(found)
    if not check:
        if has_errors(counted):
            return Outcome(tuple(counted), (), agents=len(files))
        Disk(kit).apply(changes)
    standing = policy.weigh(conflicts(kit, changes))
    if not check:
        changes = [change for change in changes if change.kind is not Kind.UNMANAGED]
        standing = [diagnostic for diagnostic in standing if diagnostic.severity is Severity.ERROR]
    drift = _diagnosed(changes, _DRIFT_RULES) if check else []
    return Outcome(tuple(sorted(counted + standing)), tuple(changes), tuple(drift), len(files), check)


def make_plan(kit: Kit, files: Iterable[str], whole: bool) -> tuple[list[Diagnostic], list[Change]]:
    """Return what is to be said about these manifests of the kit, which are all if `whole`, and all changes."""
    planner = _Planner(kit)
    for file in files:
        planner.add(file)
    found = planner.found + [diagnostic for block in kit.blocks_read for diagnostic in check_block(block)]
    if whole and not planner.broken:
        found += check_kit(planner.usage)
        planner.survey()
    return found, planner.changes


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Tell whether there is an error among the findings."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)


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
        self.failures: set[object] = set()

    def add(self, file: str) -> None:
        source, problems = self.kit.read_manifest(file)
        if not problems:
            manifest, problems = check_manifest(self.kit, source, self.shape)
            self.usage.add(manifest)
        self.found += problems
        if has_errors(problems):
            self.broken = True
        else:
            self._add_outputs(source, manifest)

    def _add_outputs(self, source: Source, manifest: Manifest) -> None:
        for artifact in self._artifacts(source, manifest):
            if not self.disk.holds(artifact.path):
                self.found += source.run(outputs.output_outside_root, artifact.path)
            else:
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

    def survey(self) -> None:
        """Look in the folders of the outputs for agent files that no manifest gives."""
        outputs = {change.path for change in self.changes}
        for folder, suffix, target in sorted({_home(change) for change in self.changes}):
            for path in self.disk.list(folder, suffix):
                content = self.disk.read(path) if path not in outputs else None
                if content and is_agent_file(content):
                    self.changes.append(Change(Kind.UNMANAGED, path, "", target))


def _home(change: Change) -> tuple[str, str, str]:
    """The folder, the ending and the target of an output."""
    folder, name = os.path.split(change.path)
    return folder, name[name.find(".") :], change.target


_DRIFT_RULES = {Kind.CREATE: outputs.output_missing, Kind.UPDATE: outputs.output_outdated}


def conflicts(kit: Kit, changes: Iterable[Change]) -> list[Diagnostic]:
    """Return the findings about files that are not the tool's: in the way of an output, or beside the outputs."""
    rules = {
        Kind.EDITED: outputs.output_edited,
        Kind.FOREIGN: outputs.output_foreign,
        Kind.UNMANAGED: outputs.output_intruding if kit.settings.exclusive else outputs.output_unmanaged,
    }
    return _diagnosed(changes, rules)


def _diagnosed(changes: Iterable[Change], rules: Mapping[Kind, Rule]) -> list[Diagnostic]:
    found = (Source(change.path, "").run(rules[change.kind], change.path) for change in changes if change.kind in rules)
    return [diagnostic for diagnostics in found for diagnostic in diagnostics]
