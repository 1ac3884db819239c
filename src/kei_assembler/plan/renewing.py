"""Renewing: the schema files for editors follow the kit, as far as this tool made them and they are there."""

from __future__ import annotations

from kei_assembler.kit import Kit
from kei_assembler.plan.changes import Change, FileStatus
from kei_assembler.plan.disk import Disk

MANIFEST_SCHEMA = ".assemble/manifest.schema.json"
SETTINGS_SCHEMA = ".assemble/settings.schema.json"


def renewals(kit: Kit) -> list[Change]:
    """Return a change for each schema file of the kit that this tool made, and that is not what it would make now."""
    disk, changes = Disk(kit), []
    for file in (MANIFEST_SCHEMA, SETTINGS_SCHEMA):
        if present := disk.peek(file):
            changes += renewal(kit, file, present)
    return changes


def renewal(kit: Kit, file: str, present: bytes) -> list[Change]:
    """Return the change of a schema file, given what it holds, if it has to change."""
    from kei_assembler import schema  # most kits have no such file, and their runs no need of this

    now = schema.settings_schema() if file == SETTINGS_SCHEMA else schema.manifest_schema(kit)
    kinds = {schema.State.OUTDATED: FileStatus.UPDATE, schema.State.EDITED: FileStatus.EDITED}
    kind = kinds.get(schema.state(present, now))
    return [Change(kind, file, "", "", present, schema.as_text(now).encode())] if kind else []
