"""Schemas for editors in a kit that lacks them, for example after an import, and the lines that name them."""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF8
from collections.abc import Iterator

from kei_assembler import lazy_re
from kei_assembler.build import writer
from kei_assembler.build.schema_files import MANIFEST_SCHEMAS, SETTINGS_SCHEMA
from kei_assembler.kit import SETTINGS_FILE, LoadedKit, json_schema
from kei_assembler.markdown.stamp import can_name
from kei_assembler.model.kinds import AGENT
from kei_assembler.paths import display_path_from

_SCHEMA_LINE = lazy_re.compile(rb"^#:schema\b", re.MULTILINE)


def add_schemas(kit: LoadedKit) -> Iterator[tuple[str, str]]:
    """Create the schema files that a kit lacks, and name each new one in the files that it is for.

    Yields for each file what was done ("created", "kept" or "extended") and its path. Files that name a schema already
    are left alone, and so are all files if the schema existed.

    Raises:
        AssembleError: a file cannot be written.
    """
    settings = [SETTINGS_FILE] if kit.files.exists(kit.path(SETTINGS_FILE)) else []
    rows = [(SETTINGS_SCHEMA, json_schema.settings_schema(), settings)]
    for file, kind in MANIFEST_SCHEMAS.items():
        manifests = [*kit.manifest_files.of_kind(kind)]
        if manifests or kind is AGENT:
            rows.append((file, json_schema.manifest_schema(kit, kind=kind), manifests))
    for file, schema, described in rows:
        path = kit.path(file)
        is_new = writer.create(kit.tree, path, json_schema.as_text(schema).encode())
        yield "created" if is_new else "kept", path
        for name in map(kit.path, described if is_new else ()):
            if _name_schema(kit, name, display_path_from(os.path.dirname(name), path)):
                yield "extended", name


def _name_schema(kit: LoadedKit, path: str, schema: str) -> bool:
    """Add the line that names a schema at the start of a file, in the line ends of the file."""

    def with_line(content: bytes) -> bytes:
        if _SCHEMA_LINE.search(content):
            return content
        text = content.removeprefix(BOM_UTF8)
        mark, newline = content[: len(content) - len(text)], b"\r\n" if b"\r\n" in text else b"\n"
        return mark + f"#:schema {schema}".encode() + newline + text

    is_own = kit.files.resolve(path) == path and can_name(schema)  # what a link leads to can be for several kits
    return is_own and writer.replace(kit.tree, path, with_line)
