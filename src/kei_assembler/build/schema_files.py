"""Updates of the schema files for editors, which follow the kit if they exist and were generated."""

from __future__ import annotations

from kei_assembler.build.changes import Change, FileStatus
from kei_assembler.build.writer import OutputFiles
from kei_assembler.kit import LoadedKit

MANIFEST_SCHEMA = ".assemble/manifest.schema.json"
SETTINGS_SCHEMA = ".assemble/settings.schema.json"


def schema_file_changes(kit: LoadedKit, whole: bool) -> list[Change]:
    """Return a change for each generated schema file of the kit that is out of date or was edited.

    Only a run on the `whole` kit reads all blocks to find out whether sections are out of date.
    """
    disk, changes = OutputFiles(kit), []
    for file in (MANIFEST_SCHEMA, SETTINGS_SCHEMA):
        present = disk.peek(file)
        # without the blocks, their sections are not known
        if present and not (file == MANIFEST_SCHEMA and (kit.lacking or _may_be_kept(kit, present, whole))):
            changes += schema_file_change(kit, file, present)
    return changes


def _may_be_kept(kit: LoadedKit, present: bytes, whole: bool) -> bool:
    from kei_assembler.kit import json_schema

    return not whole and json_schema.is_current_but_for_sections(present, kit)


def schema_file_change(kit: LoadedKit, file: str, present: bytes) -> list[Change]:
    """Return the change of a schema file with this content: one, or none if it is up to date or was not generated."""
    from kei_assembler.kit import json_schema  # most kits have no schema file and do not need this module

    current = json_schema.settings_schema() if file == SETTINGS_SCHEMA else json_schema.manifest_schema(kit)
    kinds = {json_schema.State.OUTDATED: FileStatus.UPDATE, json_schema.State.EDITED: FileStatus.EDITED}
    kind = kinds.get(json_schema.state(present, current))
    return [Change(kind, file, "", "", present, json_schema.as_text(current).encode())] if kind else []
