"""Find agent files that no manifest generates any more, where outputs are or may have been."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from kei_assembler.files.atomic import is_temporary
from kei_assembler.kit import Kit
from kei_assembler.paths import normal
from kei_assembler.plan.changes import Change, FileStatus
from kei_assembler.plan.classify import classify_leftover, is_manifest_path
from kei_assembler.plan.disk import Disk
from kei_assembler.plan.reach import deepened, reach
from kei_assembler.targets import TARGETS


def find_orphans(kit: Kit, known: Iterable[str], targets: Collection[str]) -> list[Change]:
    """Return the orphans of a kit, and other agent files beside its outputs.

    `known` are the files that the kit's manifests account for, resolved and case-folded. `targets` are those of the
    manifests: other agent files count only beside their outputs.
    """

    def is_beside_outputs(leftover: Change) -> bool:
        return leftover.kind is FileStatus.ORPHAN or leftover.target in targets

    def was_output(leftover: Change) -> bool:
        # The kit may never have written here, and copies of its files may lie around: be sure that this is its own.
        return leftover.kind is FileStatus.ORPHAN and is_manifest_path(kit, leftover.manifest)

    search = _Search(kit, known)
    return [
        *search.leftovers(_output_patterns(kit), is_beside_outputs),
        *search.leftovers(_client_patterns(kit), was_output),
    ]


def _output_patterns(kit: Kit) -> Iterator[tuple[str, str, bool]]:
    """Each target with the pattern of its outputs, the kit's own and the default, and whether it searches deeply."""
    for row in map(TARGETS.__getitem__, kit.selected_targets or TARGETS):
        yield row.name, kit.settings.output(row.name), row.searches_subfolders
        yield row.name, row.output, row.searches_subfolders


def _client_patterns(kit: Kit) -> Iterator[tuple[str, str, bool]]:
    """The same for where the targets' clients look in the kit's root: many kits had their outputs there before."""
    for row in map(TARGETS.__getitem__, kit.selected_targets or TARGETS):
        yield row.name, f"{kit.settings.root}/{row.default_path}", row.searches_subfolders


class _Search:
    """One search through a kit; no file is looked at twice."""

    def __init__(self, kit: Kit, known: Iterable[str]) -> None:
        self.kit = kit
        self.disk = Disk(kit)
        self.seen = set(known)

    def leftovers(
        self, patterns: Iterable[tuple[str, str, bool]], concerns: Callable[[Change], bool]
    ) -> Iterator[Change]:
        """Yield what the files of these patterns are, if it concerns the kit."""
        whole = ((target, normal(deepened(pattern) if deep else pattern)) for target, pattern, deep in patterns)
        for target, pattern in dict.fromkeys(whole):
            for path in self._files(pattern):
                real = self.disk.real(path).casefold()
                if real not in self.seen and not self.disk.is_link(path) and (content := self.disk.peek(path)):
                    leftover = classify_leftover(self.kit, path, target, content)
                    yield from [leftover] if leftover and concerns(leftover) else []
                self.seen.add(real)

    def _files(self, pattern: str) -> Iterator[str]:
        """The files whose path could come from an output's pattern."""
        where = reach(pattern, self.kit.settings.manifests)
        if not self.kit.holds_folder(self.kit.path(where.folder)):
            return iter(())
        found = sorted(self.kit.files_in(where.folder, where.suffix, enters=where.enters))
        return (path for path in found if where.file.fullmatch(path) and not is_temporary(path))
