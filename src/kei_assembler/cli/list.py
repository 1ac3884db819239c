"""`assemble list`: list the agents, instructions and skills of a kit."""

from __future__ import annotations

from typing import Any

import click

from kei_assembler.analysis.agents import shared_tokens, survey
from kei_assembler.analysis.listing import json_list, summary, table
from kei_assembler.analysis.uses import parse, selected
from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import OneOf, home_option, kit_option, several
from kei_assembler.loader import load_kit
from kei_assembler.model.kinds import KINDS
from kei_assembler.report.text_report import diagnostics
from kei_assembler.selection import folder_of


@click.command("list")
@several("--uses", "KIND:NAME", "List only what uses this", completion.uses)
@click.option("--kind", type=OneOf(KINDS), help="List only manifests of this kind.")
@click.option("--tokens", "by_tokens", is_flag=True, help="Sort by tokens, and show the share of shared blocks.")
@click.option("--output-format", type=OneOf(("text", "json")), default="text", help="The format (default: text).")
@home_option
@kit_option
def command(folder: str | None, for_user: bool, **options: Any) -> int:
    """List the agents, instructions and skills, with what they use, their tokens and their state.

    TOKENS is an estimate for the largest file of an agent, or the largest section of instructions. STATE is the worst
    of the files: up to date, out of date, missing, edited, or foreign, which means that `assemble` did not write it.
    Nothing is written. What has errors is not listed: the errors go to stderr, and the exit status is 1.

    The kinds of `--uses` are `block` (or one of its sections), `tool`, `model`, `agent` (for those that hand off to
    it), `value`, `base` and `bundle`. If the option is repeated, only what uses all of them is listed. An agent without
    a list of tools uses all tools.

    \b
    Examples:
      assemble list                list everything
      assemble list --kind agent
      assemble list --uses tool:Bash --uses model:opus
      assemble list --tokens       the largest ones first
    """
    wanted = [parse(text) for text in options["uses"]]
    kit = load_kit(folder_of(folder), for_user=for_user)
    found = survey(kit)
    only, is_json = options["kind"], options["output_format"] == "json"
    totals = {only: found.totals[only]} if only else found.totals
    items = [item for item in selected(kit, found.items, wanted) if item.kind in totals]
    shared = shared_tokens(kit, found.items) if options["by_tokens"] or is_json else None
    if options["by_tokens"]:
        items.sort(key=lambda item: -item.tokens)
    on_out, on_err = console.colours()
    if is_json:
        write(json_list(kit, items, shared or {}), diagnostics(found.errors, on_err))
    else:
        out = table(items, shared, console.line_columns(), on_out)
        write(out, diagnostics(found.errors, on_err) + summary(items, totals))
    return int(bool(found.errors))
