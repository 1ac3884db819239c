"""The status of each file, its change, and the policy for writing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from kei_assembler.markdown import shell
from kei_assembler.model.kinds import AGENT
from kei_assembler.records import NamedTuple

if TYPE_CHECKING:
    from kei_assembler.markdown.stamped_sections import Edit

MAX_OUTPUT_BYTES = 4 * 1024 * 1024
"""The maximum size of a generated file, far above that of any real agent file."""


class FileStatus(StrEnum):
    """How the file on disk compares with what the kit generates."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    ORPHAN = "orphan"
    EDITED = "edited"
    FOREIGN = "foreign"
    UNMANAGED = "unmanaged"


WRITABLE = (FileStatus.CREATE, FileStatus.UPDATE)
"""The statuses of files that every build writes."""

PROTECTED = (FileStatus.EDITED, FileStatus.FOREIGN)
"""The statuses of files that a build overwrites only with `--force`."""

DRIFT = (*WRITABLE, *PROTECTED, FileStatus.ORPHAN)
"""The statuses of files that are out of date."""


class Change(NamedTuple):
    """The change of one file, which a run plans or, if `applied` is set, has made. Paths are relative to the kit.

    `manifest` and `target` are empty for a file that does not belong to a single agent. `before` is the current
    content, `after` the generated content; both are None if nothing changes. `intact` is False for an orphan that was
    edited. `chosen` is True if the run was limited to some targets. `kind` is the manifest's. `digest` is that of the
    generated text, in a kit with plain stamps.

    If the change is about a section of the file, `section` is its name, `after` is the content after this change alone,
    and `edit` is the change itself: together with those of other sections, it makes the new content.
    """

    status: FileStatus
    path: str
    manifest: str
    target: str
    before: bytes | None = None
    after: bytes | None = None
    intact: bool = True
    chosen: bool = False
    applied: bool = False
    kind: str = AGENT.name
    digest: str = ""
    section: str = ""
    edit: Edit | None = None

    @classmethod
    def of_source(cls, path: str, before: bytes | None, after: bytes | None) -> Change:
        """Return the change of a file that people write, which a command edits."""
        return cls(FileStatus.UPDATE, path, "", "", before, after)

    @property
    def is_schema(self) -> bool:
        """Return whether the file is a schema for editors: the only whole files that belong to the whole kit."""
        return not (self.manifest or self.section) and self.status is not FileStatus.UNMANAGED

    @property
    def can_be_made(self) -> bool:
        """Return whether a run with the right options makes the change. None deletes an orphan that was edited."""
        return self.status in DRIFT and (self.intact or self.status is not FileStatus.ORPHAN)

    @property
    def shown(self) -> str:
        """What changes, as reports show it: a file, or a section of one."""
        return f"{self.path} (section {self.section})" if self.section else self.path

    def fix_command(self, options: str = "") -> str:
        """Return the command that brings the file up to date, or "" if no command does.

        `options` are those that each command on the kit needs, see `LoadedKit.command_options`.
        """
        only = f"{options} --target {self.target}" if self.chosen else options
        what = shell.word(self.manifest) if self.manifest else "--all"
        if self.status in WRITABLE:
            return f"assemble{only} {what}"
        if self.status in PROTECTED:
            return f"assemble --force{only} {what}"
        return f"assemble{options} --all --prune" if self.can_be_made else ""


class WritePolicy(NamedTuple):
    """What a run may do besides creating and updating files.

    `force` overwrites edited and foreign files, `prune` deletes orphans.
    """

    force: bool = False
    prune: bool = False

    def covers(self, change: Change) -> bool:
        """Return whether the run makes the change."""
        if change.status is FileStatus.ORPHAN:
            return self.prune and change.can_be_made
        return change.status in WRITABLE or (self.force and change.status in PROTECTED)


def joined(changes: Iterable[Change], file_of: Callable[[Change], str] = lambda each: each.path) -> Iterator[Change]:
    """Yield changes of whole files: those of sections of the same file become one. `file_of` says which file it is.

    A section that was planned when the file had another content is left out.
    """
    files: dict[str, list[Change]] = {}
    for change in changes:
        files.setdefault(file_of(change), []).append(change)
    for some in files.values():
        yield _as_one(some) if len(some) > 1 else some[0]


def _as_one(changes: list[Change]) -> Change:
    from kei_assembler.markdown.stamped_sections import edited  # few files have several sections

    first = changes[0]
    edits = [change.edit for change in changes if change.edit and change.before == first.before]
    return first._replace(after=edited(first.before or b"", edits), section="")
