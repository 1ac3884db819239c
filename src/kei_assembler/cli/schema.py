"""`assemble schema`: print the JSON Schemas that editors use to complete and check manifests and settings."""

from __future__ import annotations

import click

from kei_assembler.cli.commands import write
from kei_assembler.cli.options import kit_option
from kei_assembler.kit import json_schema
from kei_assembler.selection import kit_if_any


@click.command("schema")
@click.option("--settings", "of_settings", is_flag=True, help="Print the schema of the settings instead.")
@kit_option
def command(of_settings: bool, folder: str | None) -> None:
    """Print the JSON Schema of the kit's manifests, for editors."""
    chosen = json_schema.settings_schema() if of_settings else json_schema.manifest_schema(kit_if_any(folder))
    write(json_schema.as_text(chosen))
