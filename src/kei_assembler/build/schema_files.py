"""Updates of the schema files for editors, which follow the kit if they exist and were generated."""

from __future__ import annotations

from kei_assembler.build.changes import Change, FileStatus
from kei_assembler.build.writer import OutputFiles
from kei_assembler.kit import LoadedKit
from kei_assembler.model.kinds import AGENT, KINDS, Kind

MANIFEST_SCHEMA = ".assemble/manifest.schema.json"
SETTINGS_SCHEMA = ".assemble/settings.schema.json"
MANIFEST_SCHEMAS = {
    MANIFEST_SCHEMA: AGENT,
    **{f".assemble/{kind.name}.schema.json": kind for kind in KINDS.values() if kind is not AGENT},
}
"""The files of the schemas of manifests, with the kinds of the manifests."""

SCHEMA_FILES = (*MANIFEST_SCHEMAS, SETTINGS_SCHEMA)


def schema_file_changes(kit: LoadedKit, whole: bool) -> list[Change]:
    """Return a change for each generated schema file of the kit that is out of date or was edited.

    Only a run on the `whole` kit reads all blocks to find out whether sections are out of date.
    """
    disk, changes = OutputFiles(kit), []
    for file in SCHEMA_FILES:
        present, kind = disk.peek(file), MANIFEST_SCHEMAS.get(file)
        # without the blocks, their sections are not known
        if present and not (kind and (kit.lacking or _may_be_kept(kit, present, whole, kind))):
            changes += schema_file_change(kit, file, present)
    return changes


def _may_be_kept(kit: LoadedKit, present: bytes, whole: bool, kind: Kind) -> bool:
    from kei_assembler.kit import json_schema, schema_state

    if whole:
        return False
    now = json_schema.manifest_schema(kit, with_sections=False, kind=kind)
    return schema_state.is_current_but_for_sections(present, now)


def schema_file_change(kit: LoadedKit, file: str, present: bytes) -> list[Change]:
    """Return the change of a schema file with this content: one, or none if it is up to date or was not generated."""
    from kei_assembler.kit import (  # most kits have no schema file and do not need these modules
        json_schema,
        schema_state,
    )

    kind = MANIFEST_SCHEMAS.get(file)
    current = json_schema.manifest_schema(kit, kind=kind) if kind else json_schema.settings_schema()
    statuses = {schema_state.State.OUTDATED: FileStatus.UPDATE, schema_state.State.EDITED: FileStatus.EDITED}
    status = statuses.get(schema_state.state(present, current))
    return [Change(status, file, "", "", present, json_schema.as_text(current).encode())] if status else []
