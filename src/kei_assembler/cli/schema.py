"""`assemble schema`: print the JSON Schemas that editors use to complete and check manifests and settings."""

from __future__ import annotations

import click

from kei_assembler.cli.commands import write
from kei_assembler.cli.options import OneOf, kit_option
from kei_assembler.kit import json_schema
from kei_assembler.model.kinds import AGENT, KINDS
from kei_assembler.selection import kit_if_any


@click.command("schema")
@click.option("--settings", "of_settings", is_flag=True, help="Print the schema of the settings instead.")
@click.option("--kind", type=OneOf(KINDS), help="Print the schema of manifests of this kind (default: agent).")
@kit_option
def command(of_settings: bool, kind: str | None, folder: str | None) -> None:
    """Print the JSON Schema of the kit's manifests, for editors."""
    if of_settings and kind:
        raise click.UsageError("--settings and --kind exclude each other")
    wanted = KINDS[kind] if kind else AGENT
    schema = (
        json_schema.settings_schema() if of_settings else json_schema.manifest_schema(kit_if_any(folder), kind=wanted)
    )
    write(json_schema.as_text(schema))
