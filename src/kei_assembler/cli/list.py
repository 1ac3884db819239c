"""`assemble list`: list the agents of a kit."""

from __future__ import annotations

from collections.abc import Sequence

import click

from kei_assembler.analysis.agents import shared_tokens, survey
from kei_assembler.analysis.listing import json_list, summary, table
from kei_assembler.analysis.uses import parse, selected
from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import OneOf, home_option, kit_option, several
from kei_assembler.loader import load_kit
from kei_assembler.report.text_report import diagnostics
from kei_assembler.selection import folder_of


@click.command("list")
@several("--uses", "KIND:NAME", "List only the agents that use this", completion.uses)
@click.option("--tokens", "by_tokens", is_flag=True, help="Sort by tokens, and show the share of shared blocks.")
@click.option("--output-format", type=OneOf(("text", "json")), default="text", help="The format (default: text).")
@home_option
@kit_option
def command(uses: Sequence[str], by_tokens: bool, output_format: str, for_user: bool, folder: str | None) -> int:
    """List the agents, with what they use, their tokens and their state.

    TOKENS is an estimate for the agent's largest file. STATE is the worst of its files: up to date, out of date,
    missing, edited, or foreign, which means that `assemble` did not write it. Nothing is written. Agents with errors
    are not listed: the errors go to stderr, and the exit status is 1.

    The kinds of `--uses` are `block` (or one of its sections), `tool`, `model`, `agent` (for those that hand off to
    it), `value`, `base` and `bundle`. If the option is repeated, only agents that use all of them are listed. An agent
    without a list of tools uses all tools.

    \b
    Examples:
      assemble list                list all agents
      assemble list --uses tool:Bash --uses model:opus
      assemble list --tokens       the largest agents first
    """
    wanted = [parse(text) for text in uses]
    kit = load_kit(folder_of(folder), for_user=for_user)
    found = survey(kit)
    agents = selected(kit, found.agents, wanted)
    shared = shared_tokens(kit, found.agents) if by_tokens or output_format == "json" else None
    if by_tokens:
        agents.sort(key=lambda agent: -agent.tokens)
    on_out, on_err = console.colours()
    if output_format == "json":
        write(json_list(kit, agents, shared or {}), diagnostics(found.errors, on_err))
    else:
        out = table(agents, shared, console.line_columns(), on_out)
        write(out, diagnostics(found.errors, on_err) + summary(agents, found.total))
    return int(bool(found.errors))
