"""Updates of the schema files for editors, which follow the kit if they exist and were generated."""

from __future__ import annotations

from kei_assembler.kit import Kit
from kei_assembler.plan.changes import Change, FileStatus
from kei_assembler.plan.disk import Disk

MANIFEST_SCHEMA = ".assemble/manifest.schema.json"
SETTINGS_SCHEMA = ".assemble/settings.schema.json"


def renewals(kit: Kit) -> list[Change]:
    """Return a change for each generated schema file of the kit that is out of date or was edited."""
    disk, changes = Disk(kit), []
    for file in (MANIFEST_SCHEMA, SETTINGS_SCHEMA):
        if present := disk.peek(file):
            changes += renewal(kit, file, present)
    return changes


def renewal(kit: Kit, file: str, present: bytes) -> list[Change]:
    """Return the change of a schema file with this content: one, or none if it is up to date or was not generated."""
    from kei_assembler import schema  # most kits have no schema file and do not need this module

    current = schema.settings_schema() if file == SETTINGS_SCHEMA else schema.manifest_schema(kit)
    kinds = {schema.State.OUTDATED: FileStatus.UPDATE, schema.State.EDITED: FileStatus.EDITED}
    kind = kinds.get(schema.state(present, current))
    return [Change(kind, file, "", "", present, schema.as_text(current).encode())] if kind else []
