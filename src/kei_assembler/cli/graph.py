"""`assemble graph`: draw the handoffs of a kit, or what its agents are made of."""

from __future__ import annotations

import click

from kei_assembler.analysis import drawings
from kei_assembler.analysis.graph import composition_graph, handoff_graph, part, valid_manifests
from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import OneOf, kit_option
from kei_assembler.loader import load_kit
from kei_assembler.report.text_report import diagnostics
from kei_assembler.selection import folder_of

_FORMATS = {"text": drawings.text, "mermaid": drawings.mermaid, "dot": drawings.dot, "json": drawings.json_graph}


@click.command("graph")
@click.option("--output-format", type=OneOf(_FORMATS), default="text", help="The format (default: text).")
@click.option(
    "--from", "start", metavar="NAME", help="Draw only what this agent leads to.", shell_complete=completion.bases
)
@click.option("--depth", type=click.IntRange(min=0), metavar="N", help="With --from, follow at most N steps.")
@click.option(
    "--blocks", is_flag=True, help="Draw the bases, bundles and blocks of the agents instead of the handoffs."
)
@kit_option
def command(output_format: str, start: str | None, depth: int | None, blocks: bool, folder: str | None) -> int:
    """Draw the handoffs between the agents, or what they are made of.

    Agents are marked as unreachable if no agent hands off to them, as a dead end if they hand off to nobody, and as
    being in a cycle if their work can come back to them. None of this is an error. A part of the graph keeps the marks
    of the whole. An agent with errors is drawn only where others hand off to it, without its own handoffs, so an agent
    that it leads to may be marked as unreachable. The errors go to stderr, and the exit status is 1. Nothing is
    written.

    \b
    Examples:
      assemble graph               list the handoffs
      assemble graph --from critic --depth 1
      assemble graph --output-format mermaid
      assemble graph --output-format dot | dot -Tsvg -o a.svg
    """
    if depth is not None and start is None:
        raise click.UsageError("--depth requires --from")
    kit = load_kit(folder_of(folder))
    agents, errors = valid_manifests(kit)
    graph = (composition_graph if blocks else handoff_graph)(kit, agents)
    graph = graph if start is None else part(graph, start, depth)
    on_out, on_err = console.colours()
    if output_format == "text":
        write(
            drawings.text(graph, console.line_columns(), on_out), diagnostics(errors, on_err) + drawings.summary(graph)
        )
    else:
        write(_FORMATS[output_format](graph), diagnostics(errors, on_err))
    return int(bool(errors))
