"""Whether nobody has edited what has a plain stamp: without a digest, that is up to what git knows.

A file or section is the tool's own if its text is what the tool last wrote there, or what the sources of the last
commit generate, or those of a commit that is being merged or picked, or that the last commit has merged. The sources of
commits are only read if the record of the last writes does not answer the question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache, cached_property
from typing import TYPE_CHECKING

from kei_assembler.build.changes import MAX_OUTPUT_BYTES, Change
from kei_assembler.build.classify import is_manifest_path, text_of
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files.revisions import commits_in_use
from kei_assembler.files.work_tree import git_top
from kei_assembler.files.write_record import Part
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.outputs import IMPORT
from kei_assembler.loader import load_kit_at
from kei_assembler.markdown import stamp
from kei_assembler.markdown.stamped_sections import MARK, layout, written

if TYPE_CHECKING:  # `render` imports the template engine
    from kei_assembler.build.planner import Planner
    from kei_assembler.render.renderer import Artifact


def owns(kit: LoadedKit, part: Part, manifest: str, digest: str) -> bool:
    """Return whether the tool last wrote a text with this digest to a part, or commits in use generate it.

    Without a manifest, the part is an import of the shared file.

    Raises:
        AssembleError: git fails, or lacks what the sources of a commit contain.
    """
    if not manifest:
        return digest == layout(written("import", "", "--all", IMPORT)).sections["import"].digest
    is_last_write = digest in kit.writes.digests.get(part, ())
    return is_last_write or any(each.digests(manifest).get(part) == digest for each in _commits(kit))


def digest_of(artifact: Artifact) -> str:
    """Return the digest of an artifact's text without the stamp, as the record has it."""
    return layout(artifact.content).sections[artifact.section].digest if artifact.section else artifact.digest


class KitAtCommit:
    """The kit as a commit has it, which is read when it is first needed.

    All methods raise AssembleError if git fails, or lacks what the sources contain.
    """

    def __init__(self, kit: LoadedKit, commit: str) -> None:
        self._kit = kit
        self._commit = commit
        self.digests = cache(self._find_digests)
        """Returns the digests of what is generated from a manifest, by part."""

    @cached_property
    def _planner(self) -> Planner | None:
        """The planner of the kit, or None if the commit has no kit in this folder, or its settings are invalid."""
        from kei_assembler.build.planner import Planner

        try:
            then = load_kit_at(self._kit.folder, self._commit, self._kit.selected_targets)
        except AssembleError as error:
            if not error.diagnostics:
                raise
            return None
        if then:
            then.variant = self._kit.variant
        return Planner(then, ()) if then else None

    def _find_digests(self, file: str) -> Mapping[Part, str]:
        if not (planner := self._planner):
            return {}
        then = planner.kit
        has_manifest = is_manifest_path(then, file) and then.files.exists(then.path(file))
        manifest, plan = planner.load_and_check(file) if has_manifest else (None, None)
        made = planner.render(manifest, plan) if manifest and plan else ()
        return {(each.path, each.section): digest_of(each) for each in made}

    def has(self, change: Change) -> bool:
        """Return whether the commit has the part of a file as it was before a change."""
        present = _parts(change.before).get(change.section)
        with suppress(OSError):
            if present and self._planner:
                committed = self._planner.kit.tree.read(self._kit.path(change.path), MAX_OUTPUT_BYTES)
                return _parts(committed).get(change.section) == present
        return False


def _commits(kit: LoadedKit) -> list[KitAtCommit]:
    if kit.at_commits is None:
        commits = commits_in_use(kit.folder) if git_top(kit.folder) else ()
        kit.at_commits = [KitAtCommit(kit, commit) for commit in commits]
    return kit.at_commits


def is_as_committed(kit: LoadedKit, change: Change) -> bool:
    """Return whether the last commit has the part of a file that a change is about, as it is on disk.

    Raises:
        AssembleError: as for `owns`.
    """
    return any(each.has(change) for each in _commits(kit)[:1])


def record_changes(kit: LoadedKit, changes: Iterable[tuple[str, bytes | None, bytes | None]]) -> None:
    """Record what the tool has written to files, each given with its path and its content before and after that.

    Files that are not outputs have no stamp, and so there is nothing to record about them.

    Raises:
        AssembleError: see `WriteRecord.update`.
    """
    if kit.settings.has_plain_stamps:
        parts = ((path, _parts(before), _parts(after)) for path, before, after in changes)
        kit.writes.update(
            {
                (path, section): new.get(section, "")
                for path, old, new in parts
                for section in old.keys() | new.keys()
                if old.get(section) != new.get(section)
            }
        )


def _parts(content: bytes | None) -> dict[str, str]:
    """The digests of the generated parts of a file, by their section: "" stands for the whole file."""
    if content is None:
        return {}
    found = {name: section.digest for name, section in layout(content).sections.items()} if MARK in content else {}
    text = text_of(content)
    for comment in (stamp.MARKUP, stamp.HASH):
        line, rest = stamp.split(text, comment)
        found |= {"": stamp.digest_of([rest.encode(errors="surrogateescape")])} if line else {}
    return found
