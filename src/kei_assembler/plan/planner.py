"""Planning one manifest after the other: what each would change, and every finding on the way."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from kei_assembler.diagnostics import Diagnostic, Place, has_errors
from kei_assembler.files import Accesses, add_accesses
from kei_assembler.files.atomic import is_temporary
from kei_assembler.kit import Kit
from kei_assembler.manifest import Manifest
from kei_assembler.paths import is_inside, normal
from kei_assembler.plan import OUTPUT_MOST, Change, Kind, decide, decide_leftover
from kei_assembler.plan.disk import Disk
from kei_assembler.plan.reach import deepened, reach
from kei_assembler.rules import Usage, check_block, check_defaults, check_limits, check_manifest, outputs, text
from kei_assembler.rules.limits import Given
from kei_assembler.rules.runner import run_rule
from kei_assembler.rules.sources import check_source
from kei_assembler.source import Source
from kei_assembler.targets import TARGETS

if TYPE_CHECKING:
    from kei_assembler.render import Artifact


_AT_A_TIME = 16
_WHEREVER = (outputs.output_outside_root.code,)
"""What is said at a manifest, of a cause that the others share; all else stands at its cause."""


class Part(NamedTuple):
    """What the other process found, as plain values."""

    found: list[Diagnostic]
    once: list[Diagnostic]
    changes: list[Change]
    owners: dict[str, str]
    passed_over: set[str]
    usage: tuple[Any, ...]
    blocks: tuple[str, ...]
    accesses: Accesses | None


class Planner:
    """Takes one manifest after the other; keeps what they share, and of each only its changes.

    Findings of the codes that are `ignored` are none.
    """

    def __init__(self, kit: Kit, ignored: Collection[str] = ()) -> None:
        from kei_assembler.render import Renderer

        self.kit = kit
        self.ignored = ignored
        self.renderer = Renderer(kit)
        self.disk = Disk(kit)
        self.usage = Usage(kit)
        self.found: list[Diagnostic] = check_defaults(kit)
        self.once: list[Diagnostic] = []
        self.changes: list[Change] = []
        self.said: set[tuple[str, str, Place | None]] = set()
        self.owners: dict[str, str] = {}
        self.passed_over: set[str] = set()

    def add_all(self, files: Iterable[str]) -> None:
        """Plan manifests: what is found goes to `found` and `once`, what would change to `changes`.

        To check some and then render these is faster than to take turns, by what a processor keeps at hand.
        """
        rest = iter(files)
        while some := [self.check(file) for file in islice(rest, _AT_A_TIME)]:
            for source, manifest, problems in some:
                self.found += problems
                if manifest:
                    self._place_all(source, manifest)

    def _place_all(self, source: Source, manifest: Manifest) -> None:
        first = len(self.changes)
        for artifact in self.artifacts(source, manifest):
            self._place(source, artifact)
        self.changes[first:] = map(_packed, self.changes[first:])
        for target in self.kit.targets_left_out(manifest):
            self.passed_over.add(self.disk.real(self.kit.output(target, manifest.name, source.file)).casefold())

    def join(self, part: Part) -> None:
        """Take over what another planner found about other manifests of the kit."""
        self.found += part.found
        self._add_once(*part.once)
        self.changes += part.changes
        self.owners |= part.owners
        self.passed_over |= part.passed_over
        self.usage.join(part.usage)
        for name in part.blocks:
            self.kit.block(name)
        add_accesses(part.accesses)

    def _place(self, source: Source, artifact: Artifact) -> None:
        resolved = self.disk.real(artifact.path)
        real = resolved.casefold()
        if not is_inside(resolved, self.kit.root):
            self._add_once(*run_rule(outputs.output_outside_root, source, os.path.dirname(artifact.path) or "."))
        elif len(artifact.content) > OUTPUT_MOST:
            size = len(artifact.content)
            self.found += run_rule(outputs.output_too_large, source, artifact.path, size, OUTPUT_MOST)
        elif self._is_like_manifest(artifact.path):
            self.found += run_rule(outputs.output_among_manifests, source, artifact.path)
        elif real in self.owners:
            self.found += run_rule(outputs.output_twice, source, artifact.path, self.owners[real])
        else:
            self.owners[real] = source.file
            self._decide(source, artifact)

    def _is_like_manifest(self, path: str) -> bool:
        folder = "" if self.kit.settings.manifests == "." else f"{self.kit.settings.manifests}/".casefold()
        inside = path.casefold().removeprefix(folder)
        is_inside = path.casefold().startswith(folder)
        return path.endswith(".toml") and is_inside and not any(part.startswith(".") for part in inside.split("/"))

    def check(self, file: str) -> tuple[Source, Manifest | None, list[Diagnostic]]:
        """Return the manifest, or None where it has errors, and what there is to say about it."""
        source = self.kit.read_manifest(file)
        problems = check_source(source) or run_rule(outputs.unusable_path, source, file)
        if problems:
            return source, None, run_rule(text.unfinished_merge, source, source) or problems
        manifest, problems = check_manifest(self.kit, source)
        problems = self._counted(problems)
        self.usage.add(manifest)
        return source, None if has_errors(problems) else manifest, problems

    def artifacts(self, source: Source, manifest: Manifest) -> Iterator[Artifact]:
        """Yield the manifest's artifact for each of its targets; a template that fails is a finding."""
        from kei_assembler.render import TemplateFailure

        for target in self.kit.targets_of(manifest):
            try:
                artifact = self.renderer.render(manifest, source.file, target)
                self.renderer.refuse_what_templates_add(artifact, manifest)
            except TemplateFailure as failure:
                self._add_once(*failure.diagnostics)
                continue
            self._add_once(*self.renderer.unsaid(artifact, manifest))
            self._add_once(*self.renderer.misnamed(target))
            self._check_limits(source, artifact)
            yield artifact

    def _check_limits(self, source: Source, artifact: Artifact) -> None:
        if len(artifact.content) <= OUTPUT_MOST:
            limited = {limit.part for limit in TARGETS[artifact.target].limits}
            given: Given = {of: getattr(artifact, name) for of, name in _LIMITED.items() if of in limited}
            self.found += check_limits(source, given, (artifact.target,))

    def _decide(self, source: Source, artifact: Artifact) -> None:
        try:
            change = decide(self.kit, artifact, self.disk.read(artifact.path))
            self.changes.append(change._replace(chosen=True) if self.kit.chosen else change)
        except OSError as error:
            self.found += run_rule(outputs.output_unreadable, source, artifact.path, error.strerror or str(error))

    def _add_once(self, *diagnostics: Diagnostic) -> None:
        """What fails in the same way in every manifest has one cause, and is one finding."""
        for diagnostic in diagnostics:
            place = None if diagnostic.code in _WHEREVER else diagnostic.place
            cause = (diagnostic.code, diagnostic.message, place)
            if cause not in self.said:
                self.said.add(cause)
                self.once.append(diagnostic)

    def read_all_blocks(self) -> None:
        """Ask for the blocks that no manifest uses too, so that what is wrong with them is found as well."""
        for name in self.kit.block_names:
            self.kit.block(name)

    def everything_found(self) -> list[Diagnostic]:
        """Return what was found so far, and what is wrong with the blocks that were asked for."""
        of_blocks = (found for block in self.kit.blocks_read for found in check_block(self.usage, block))
        return self._counted([*self.found, *self.once, *of_blocks])

    def _counted(self, found: list[Diagnostic]) -> list[Diagnostic]:
        return [one for one in found if one.code not in self.ignored] if self.ignored else found

    def overwritten_sources(self) -> list[Diagnostic]:
        """Return a finding for each output that would take the place of a source."""
        in_the_way = [change for change in self.changes if change.kind is Kind.FOREIGN]
        sources = self._sources() if in_the_way else set()
        return [
            diagnostic
            for change in in_the_way
            if self.disk.real(change.path) in sources
            for diagnostic in run_rule(outputs.output_is_source, Source(change.manifest, ""), change.path)
        ]

    def _sources(self) -> set[str]:
        return set(map(self.disk.real, self.kit.sources()))

    def survey(self) -> None:
        """Look where outputs are, or may have been before, for agent files that no manifest gives."""
        seen = {*self.owners, *self.passed_over}
        for target, pattern in _patterns(self.kit):
            self.changes += filter(self._concerns, self._leftovers(target, pattern, seen))
        for target, pattern in _homes(self.kit):
            self.changes += filter(self._was_output, self._leftovers(target, pattern, seen))

    def _leftovers(self, target: str, pattern: str, seen: set[str]) -> Iterator[Change]:
        for path in self._like_outputs(pattern):
            real = self.disk.real(path).casefold()
            if real not in seen and (content := self._content(path)):
                leftover = decide_leftover(self.kit, path, target, content)
                yield from [leftover] if leftover else []
            seen.add(real)

    def _concerns(self, leftover: Change) -> bool:
        """Other agent files where no output of this kit goes are nobody's business."""
        return leftover.kind is Kind.ORPHAN or leftover.target in self.usage.targets

    def _was_output(self, leftover: Change) -> bool:
        """Where outputs may never have gone, as copies of them may, only what surely is of this kit is an orphan."""
        return leftover.kind is Kind.ORPHAN and self._is_like_manifest(leftover.manifest)

    def _content(self, path: str) -> bytes | None:
        return None if self.disk.is_link(path) else self.disk.peek(path)

    def _like_outputs(self, pattern: str) -> Iterator[str]:
        """The files whose path could come from an output's pattern."""
        where = reach(pattern, self.kit.settings.manifests)
        if not self.kit.holds_folder(self.kit.path(where.folder)):
            return iter(())
        found = sorted(self.kit.files_in(where.folder, where.suffix, enters=where.enters))
        return (path for path in found if where.file.fullmatch(path) and not is_temporary(path))


_LIMITED = {"body": "body", "prompt": "prompt", "file": "content"}
"""What of an artifact there are limits of (see `target.Limit`), with its field."""


def _patterns(kit: Kit) -> list[tuple[str, str]]:
    """The targets with the patterns of their outputs: the kit's own, and the default one, of before that."""
    rows = [TARGETS[name] for name in kit.chosen or TARGETS]
    both = ((row, pattern) for row in rows for pattern in (kit.settings.output(row.name), row.output))
    every = ((row.name, deepened(pattern) if row.searches_subfolders else pattern) for row, pattern in both)
    return list(dict.fromkeys((name, normal(pattern)) for name, pattern in every))


def _homes(kit: Kit) -> list[tuple[str, str]]:
    """The targets with the patterns of where their clients look, in the kit's root: outputs often were there before."""
    rows = [TARGETS[name] for name in kit.chosen or TARGETS]
    both = ((row.name, f"{kit.settings.root}/{row.default_path}", row.searches_subfolders) for row in rows)
    return [(name, normal(deepened(pattern) if deep else pattern)) for name, pattern, deep in both]


def _packed(change: Change) -> Change:
    """The change with a copy of its bytes: among larger texts that are gone, they would keep those' room apart."""
    return change._replace(after=bytes(memoryview(change.after))) if change.after else change
