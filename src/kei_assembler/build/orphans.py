"""Find orphans: generated files that no manifest of the kit generates any more."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from kei_assembler.build.changes import Change, FileStatus
from kei_assembler.build.classify import classify_leftover, is_intact, is_manifest_path, owner_of, text_of
from kei_assembler.build.cost import ENTRY_BYTES, Cost
from kei_assembler.build.output_patterns import deepened, reach_in
from kei_assembler.build.writer import OutputFiles
from kei_assembler.files.atomic import is_temporary
from kei_assembler.files.sparse_checkout import is_left_out
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.outputs import outputs_of
from kei_assembler.markdown import stamp
from kei_assembler.model.kinds import INSTRUCTIONS, SKILL
from kei_assembler.model.manifest import is_abstract
from kei_assembler.model.settings import HOME
from kei_assembler.paths import normalize
from kei_assembler.targets import TARGETS
from kei_assembler.targets.instructions import CLAUDE_SKILLS, SHARED_SKILLS, SKILL_FILE
from kei_assembler.targets.target import Target

if TYPE_CHECKING:
    from kei_assembler.build.generators import Generators


def find_orphans(kit: LoadedKit, known: Mapping[str, str], targets: Collection[str], cost: Cost) -> list[Change]:
    """Return the orphans of a kit, and the unmanaged agent files beside its outputs.

    `known` contains the outputs of the kit's manifests, by their resolved, case-folded paths. `targets` contains the
    targets of the manifests: unmanaged files of other targets are ignored. The orphans are added to the cost of the
    run.

    Raises:
        AssembleError: a folder cannot be read, or the cost is too high.
    """

    def is_beside_outputs(leftover: Change) -> bool:
        # In the home folder, a file whose manifest is gone can be that of a kit which was moved.
        is_own = not os.path.isabs(leftover.path) or is_manifest_path(kit, leftover.manifest)
        return is_own if leftover.status is FileStatus.ORPHAN else leftover.target in targets

    def was_output(leftover: Change) -> bool:
        # The kit has perhaps never written here, so a file is an orphan only if its manifest would be one of the kit.
        return leftover.status is FileStatus.ORPHAN and is_manifest_path(kit, leftover.manifest)

    search = _Search(kit, known, cost)
    rows = [TARGETS[name] for name in kit.selected_targets or TARGETS]
    outputs = [(row, pattern) for row in rows for pattern in (kit.settings.output(row.name), row.output)]
    # Clients read these folders of the root, so outputs can have been there before the settings changed.
    defaults = [(row, f"{kit.settings.root}/{row.default_path}") for row in rows]
    in_home = (row for row in rows if kit.settings.is_in_home(row.name))
    defaults += [(row, f"{HOME}{each}/{row.file_name}") for row in in_home for each in row.home_folders]
    return [*search.leftovers(outputs, is_beside_outputs), *search.leftovers(defaults, was_output)]


def find_other_orphans(kit: LoadedKit, known: Mapping[str, str], cost: Cost) -> list[Change]:
    """Return the orphans among the scoped rules and the skills of a kit. `known` is as for `find_orphans`.

    Raises:
        AssembleError: a folder cannot be read, or the cost is too high.
    """
    search, root = _Search(kit, known, cost), kit.settings.root
    rules = (row.instructions.rules for row in TARGETS.values())
    patterns = [(INSTRUCTIONS.name, each.output) for each in rules if each]
    patterns += [(SKILL.name, SKILL_FILE.format(folder=each, name="{name}")) for each in (SHARED_SKILLS, CLAUDE_SKILLS)]
    return [each for kind, path in patterns for each in search.generated(normalize(f"{root}/{path}"), kind)]


def cause_of_orphan(kit: LoadedKit, orphan: Change) -> str:
    """Return why a file or section is an orphan: one of the kinds of `ORPHAN_CAUSES`, a space, and its detail."""
    return _cause_by_manifest(kit, orphan) if orphan.manifest else "no-import"


def _cause_by_manifest(kit: LoadedKit, orphan: Change) -> str:
    file = orphan.manifest
    if not kit.files.exists(kit.path(file)):
        moved = next((each for each in kit.manifests if stem(each) == stem(file)), "")
        return f"moved {moved}" if moved else "gone"
    if file not in kit.manifests:
        return "excluded"
    manifest, problems = kit.decoded(file)
    if not manifest.name or problems:
        return "invalid"
    if is_abstract(kit.read_manifest(file).data):
        return "abstract"
    if orphan.target and orphan.target not in (manifest.targets or kit.settings.targets):
        return f"{'target-of-manifest' if manifest.targets else 'target-of-kit'} {orphan.target}"
    made = [each for each in outputs_of(kit, manifest, file) if each.target in (orphan.target or each.target)]
    paths = [each.path for each in made if not each.imports]
    return f"output {paths[0]}" if len(paths) == 1 else "other-outputs"


class _Search:
    """A search through a kit that looks at each file once."""

    def __init__(self, kit: LoadedKit, known: Mapping[str, str], cost: Cost) -> None:
        self.kit = kit
        self.cost = cost
        self.disk = OutputFiles(kit)
        self.known = frozenset(known.values())
        self.seen = set(known)

    def leftovers(self, patterns: Iterable[tuple[Target, str]], concerns: Callable[[Change], bool]) -> Iterator[Change]:
        """Yield the leftovers among the files of these patterns that concern the kit."""
        searched = ((row.name, deepened(path) if row.searches_subfolders else path) for row, path in patterns)
        for target, pattern in dict.fromkeys((target, normalize(pattern)) for target, pattern in searched):
            for path in self._files(pattern):
                if self.disk.is_left_out(path):  # clients do not find it here
                    continue
                real = self.disk.real(path).casefold()
                is_new = real not in self.seen and not self.disk.is_link(path)
                self.seen.add(real)
                content = self.disk.peek(path) if is_new else None
                self.cost.add(handled=len(content or b""))
                leftover = classify_leftover(self.kit, path, target, content) if content else None
                if leftover and concerns(leftover) and not self._has_generator(leftover):
                    self.cost.add(kept=ENTRY_BYTES + len(leftover.before or b""))
                    yield leftover

    def generated(self, pattern: str, kind: str) -> Iterator[Change]:
        """Yield the files of a pattern that were generated from manifests of the kit, and are not known."""
        for path in self._files(pattern):
            if self.disk.is_link(path) or self.disk.is_left_out(path) or self.disk.real(path).casefold() in self.seen:
                continue
            content = self.disk.peek(path) or b""
            self.cost.add(handled=len(content))
            found = stamp.find_settled(text_of(content), stamp.MARKUP)
            if found and is_manifest_path(self.kit, owner := owner_of(self.kit, path, found)):
                self.cost.add(kept=ENTRY_BYTES + len(content))
                is_own = is_intact(self.kit, path, owner, found)
                yield Change(FileStatus.ORPHAN, path, owner, "", content, None, is_own, kind=kind)

    @cached_property
    def _generators(self) -> Generators:
        from kei_assembler.build.generators import Generators  # most runs find no orphan

        return Generators(self.kit)

    def _has_generator(self, leftover: Change) -> bool:
        """Whether the manifest of an orphan is only left out of a sparse checkout, or belongs to another kit."""
        if leftover.status is not FileStatus.ORPHAN or leftover.before is None:
            return False
        comment = TARGETS[leftover.target].form.comment
        is_generated = self._generators.generates(leftover.path, leftover.before, comment)
        return is_generated or is_left_out(self.kit.files, self.kit.path(leftover.manifest))

    def _files(self, pattern: str) -> Iterator[str]:
        """The files whose paths match an output pattern, without the known outputs."""
        where = reach_in(self.kit, pattern)
        if where and self.kit.tree_of(where.folder).holds_folder(self.kit.output_path(where.folder)):
            found = sorted(self.kit.files_in(where.folder, where.suffix, enters=where.enters, of_outputs=True))
            others = (path for path in found if path not in self.known)
            yield from (path for path in others if where.file.fullmatch(path) and not is_temporary(path))
