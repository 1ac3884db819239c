"""The values that a build works with: what happens to each file, and what a run may do."""

from __future__ import annotations

from enum import StrEnum
from shlex import quote
from typing import NamedTuple

from kei_assembler.kit import kit_option

OUTPUT_MOST = 4 * 1024 * 1024
"""The maximum size of a generated file, in bytes: no agent's file is larger."""


class FileStatus(StrEnum):
    """How the file on disk compares with what the kit generates."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    ORPHAN = "orphan"
    EDITED = "edited"
    FOREIGN = "foreign"
    UNMANAGED = "unmanaged"


DRIFT = (FileStatus.CREATE, FileStatus.UPDATE, FileStatus.ORPHAN, FileStatus.EDITED, FileStatus.FOREIGN)
"""The statuses of files that are out of date."""


class Change(NamedTuple):
    """What a run would do to one file, or has done if it is `applied`; both paths are relative to the kit.

    `manifest` and `target` are empty for a file that belongs to no single agent. `before` is the present content,
    `after` the generated content; both are None if nothing changes. `intact` tells whether an orphan is still as it
    was generated, `chosen` whether the run was limited to some targets.
    """

    kind: FileStatus
    path: str
    manifest: str
    target: str
    before: bytes | None = None
    after: bytes | None = None
    intact: bool = True
    chosen: bool = False
    applied: bool = False

    def mending(self, kit: str = "") -> str:
        """Return the command that brings the file up to date; empty if only a person can.

        `kit` is the kit's folder if the command has to name it.
        """
        where = kit_option(kit)
        only = f"{where} --target {self.target}" if self.chosen else where
        what = quote(self.manifest) if self.manifest else "--all"
        match self.kind:
            case FileStatus.CREATE | FileStatus.UPDATE:
                return f"assemble{only} {what}"
            case FileStatus.EDITED | FileStatus.FOREIGN:
                return f"assemble --force{only} {what}"
            case FileStatus.ORPHAN if self.intact:
                return f"assemble{where} --all --prune"
            case _:
                return ""


class WritePolicy(NamedTuple):
    """What a run may do besides creating and updating: overwrite files that are not its own, delete orphans."""

    force: bool = False
    prune: bool = False

    def covers(self, change: Change) -> bool:
        """Tell whether the run carries out the change."""
        match change.kind:
            case FileStatus.CREATE | FileStatus.UPDATE:
                return True
            case FileStatus.EDITED | FileStatus.FOREIGN:
                return self.force
            case FileStatus.ORPHAN:
                return self.prune and change.intact
            case _:
                return False
