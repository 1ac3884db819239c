"""One run: from the selected manifests of a kit to the plan of all changes, and every finding on the way."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from kei_assembler.diagnostics import AssembleError, Diagnostic, Rule, Severity
from kei_assembler.discovery import git_top
from kei_assembler.disk import Disk
from kei_assembler.kit import Kit, normal
from kei_assembler.manifest import Manifest, manifest_shape
from kei_assembler.plan import Change, Kind, Licence, decide, decide_leftover
from kei_assembler.report.outcome import Outcome
from kei_assembler.rules import Usage, check_block, check_kit, check_manifest, drift, outputs
from kei_assembler.source import Source
from kei_assembler.targets import TARGETS

if TYPE_CHECKING:
    from kei_assembler.render import Artifact


class Policy(NamedTuple):
    """What to make of findings: codes to ignore, and whether warnings count as errors."""

    ignore: frozenset[str] = frozenset()
    strict: bool = False

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
    if mode.staged and git_top(kit.folder) is None:
        raise AssembleError("--staged needs a git work tree, and the kit is in none")
    found, changes = make_plan(kit, files, whole)
    counted = mode.policy.weigh(found)
    outcome = Outcome(tuple(counted), agents=len(files), is_check=mode.check, is_diff=mode.diff)
    if has_errors(counted):
        return outcome._replace(changes=() if mode.writes else tuple(changes))
    outcome = _built(kit, outcome, changes, mode) if mode.writes else _checked(kit, outcome, changes, mode)
    return _with_unstaged(kit, outcome) if mode.staged else outcome


def _built(kit: Kit, outcome: Outcome, changes: list[Change], mode: Mode) -> Outcome:
    """The outcome of a build. Of files that are not the tool's, it tells only those that are in its way."""
    disk = Disk(kit)
    disk.sweep(change.path for change in changes)
    covered = [change for change in changes if mode.licence.covers(change)]
    done = {change.path: change for change in disk.apply(covered)}
    applied = frozenset(change.path for change in covered if done[change.path] == change)
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
    outdated = _diagnosed(changes, _DRIFT_RULES) if mode.check else []
    return outcome._replace(
        diagnostics=tuple(sorted([*outcome.diagnostics, *standing])), changes=tuple(changes), drift=tuple(outdated)
    )


def _with_unstaged(kit: Kit, outcome: Outcome) -> Outcome:
    """Add a finding for each output that is right on disk, but not in git's index."""
    right = (
        change.path for change in outcome.changes if change.kind is Kind.UNCHANGED or change.path in outcome.applied
    )
    unstaged = (Source(path, "").run(drift.output_unstaged, path) for path in Disk(kit).unstaged(right))
    found = [diagnostic for diagnostics in unstaged for diagnostic in diagnostics]
    return outcome._replace(diagnostics=tuple(sorted([*outcome.diagnostics, *found])))


def make_plan(kit: Kit, files: Iterable[str], whole: bool) -> tuple[list[Diagnostic], list[Change]]:
    """Return what is to be said about these manifests of the kit, which are all if `whole`, and all changes."""
    planner = _Planner(kit)
    for file in files:
        planner.add(file)
    found = planner.found + [diagnostic for block in kit.blocks_read for diagnostic in check_block(block)]
    found += planner.overwritten_sources()
    if whole and not has_errors(found):
        found += check_kit(planner.usage)
        planner.survey()
    return found, planner.changes


def preview(kit: Kit, file: str) -> tuple[list[Diagnostic], list[Artifact]]:
    """Return what is to be said about one manifest of the kit, and its artifacts, which are not written."""
    planner = _Planner(kit)
    source, manifest, found = planner.check(file)
    artifacts = [] if manifest is None else list(planner.artifacts(source, manifest))
    blocks = [diagnostic for block in kit.blocks_read for diagnostic in check_block(block)]
    return [*found, *planner.found, *blocks], artifacts


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
        self.said: set[tuple[str, str]] = set()
        self.owners: dict[str, str] = {}

    def add(self, file: str) -> None:
        source, manifest, problems = self.check(file)
        self.found += problems
        if manifest is None:
            return
        for artifact in self.artifacts(source, manifest):
            owner = self.owners.setdefault(self.disk.real(artifact.path).casefold(), file)
            if not self.disk.holds(artifact.path):
                self._add_once(*source.run(outputs.output_outside_root, os.path.dirname(artifact.path) or "."))
            elif owner != file or len(set(self.kit.settings.targets)) < len(self.kit.settings.targets):
                self.found += source.run(outputs.output_twice, artifact.path, owner)
            else:
                self._decide(source, artifact)

    def check(self, file: str) -> tuple[Source, Manifest | None, list[Diagnostic]]:
        """Return the manifest, or None where it has errors, and what there is to say about it."""
        source, problems = self.kit.read_manifest(file)
        problems = problems or source.run(outputs.unusable_path, file)
        if problems:
            return source, None, problems
        manifest, problems = check_manifest(self.kit, source, self.shape)
        self.usage.add(manifest)
        return source, None if has_errors(problems) else manifest, problems

    def artifacts(self, source: Source, manifest: Manifest) -> Iterator[Artifact]:
        """Yield the manifest's artifact for each of its targets; a template that fails is a finding."""
        from kei_assembler.render import TemplateFailure

        for target in manifest.targets or self.kit.settings.targets:
            try:
                yield self.renderer.render(manifest, source.file, target)
            except TemplateFailure as failure:
                self._add_once(*failure.diagnostics)

    def _decide(self, source: Source, artifact: Artifact) -> None:
        try:
            self.changes.append(decide(artifact, self.disk.read(artifact.path), self.disk.has))
        except OSError as error:
            self.found += source.run(outputs.output_unreadable, artifact.path, error.strerror or str(error))

    def _add_once(self, diagnostic: Diagnostic) -> None:
        """What fails in the same way in every manifest has one cause, and is one finding."""
        cause = (diagnostic.code, diagnostic.message)
        if cause not in self.said:
            self.said.add(cause)
            self.found.append(diagnostic)

    def overwritten_sources(self) -> list[Diagnostic]:
        """Return a finding for each output that would take the place of a source."""
        in_the_way = [change for change in self.changes if change.kind is Kind.FOREIGN]
        clashes = [change for change in in_the_way if self.disk.real(change.path) in self._sources()]
        found = (Source(clash.manifest, "").run(outputs.output_is_source, clash.path) for clash in clashes)
        return [diagnostic for diagnostics in found for diagnostic in diagnostics]

    def _sources(self) -> set[str]:
        kit = self.kit
        settings = [kit.settings_source.file] if kit.settings_source else []
        blocks = (file for folder in kit.settings.blocks for file in kit.files(folder, ".md"))
        templates = kit.files(kit.settings.templates, "")
        return {self.disk.real(file) for file in (*kit.manifests, *settings, *blocks, *templates)}

    def survey(self) -> None:
        """Look where outputs are, or would be by default, for agent files that no manifest gives."""
        seen = set(self.owners)
        for target, pattern in _patterns(self.kit):
            for path in self._like_outputs(pattern):
                real = self.disk.real(path).casefold()
                if real not in seen and (content := self._content(path)):
                    leftover = decide_leftover(path, target, content, self.kit.settings.manifests)
                    self.changes += [leftover] if leftover else []
                seen.add(real)

    def _content(self, path: str) -> bytes | None:
        with suppress(OSError):
            return self.disk.read(path) if self.disk.holds(path) and not self.disk.is_link(path) else None
        return None

    def _like_outputs(self, pattern: str) -> Iterator[str]:
        """The files whose path could come from an output's pattern."""
        folder = os.path.dirname(pattern.partition("{")[0]) or "."
        folder = self.kit.settings.manifests if pattern.startswith("{dir}") else folder
        parts = re.split(r"(\{name\}|\{dir\}/)", pattern)
        regex = "".join({"{name}": "[^/]+", "{dir}/": "(?:.+/)?"}.get(part) or re.escape(part) for part in parts)
        if not self.disk.holds(f"{folder}/x"):
            return iter(())
        suffix, deep = os.path.basename(pattern).rpartition("}")[2], "{" in os.path.dirname(pattern)
        return (path for path in sorted(self.kit.files(folder, suffix, deep)) if re.fullmatch(regex, path))


def _patterns(kit: Kit) -> list[tuple[str, str]]:
    """The targets with the patterns of their outputs: the kit's own, and the default one, of before that."""
    both = ((name, pattern) for name, row in TARGETS.items() for pattern in (kit.settings.output(name), row.output))
    return list(dict.fromkeys((name, normal(pattern)) for name, pattern in both))


_DRIFT_RULES = {Kind.CREATE: drift.output_missing, Kind.UPDATE: drift.output_outdated}


def conflicts(kit: Kit, changes: Iterable[Change]) -> list[Diagnostic]:
    """Return the findings about files that are not the tool's: in the way of an output, or beside the outputs."""
    rules = {
        Kind.EDITED: drift.output_edited,
        Kind.FOREIGN: drift.output_foreign,
        Kind.ORPHAN: drift.output_orphaned,
        Kind.UNMANAGED: drift.output_intruding if kit.settings.exclusive else drift.output_unmanaged,
    }
    return _diagnosed(changes, rules)


def _diagnosed(changes: Iterable[Change], rules: Mapping[Kind, Rule]) -> list[Diagnostic]:
    concerned = (change for change in changes if change.kind in rules)
    found = (Source(change.path, "").run(rules[change.kind], *_told(change)) for change in concerned)
    return [diagnostic for diagnostics in found for diagnostic in diagnostics]


def _told(change: Change) -> tuple[str, str, str]:
    """What the rules about outputs speak of: the manifest, the command that mends, the likely cause."""
    if change.kind not in (Kind.EDITED, Kind.FOREIGN):
        return change.manifest, change.mending, ""
    from kei_assembler.difference import likely_cause

    return change.manifest, change.mending, likely_cause(change)
