"""`assemble new`: the manifest of a new agent."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from kei_assembler.commands import completing, tell
from kei_assembler.commands.options import kit_option, several
from kei_assembler.kit import Kit
from kei_assembler.loader import load_kit
from kei_assembler.manifest import OPTIONS, settable_fields
from kei_assembler.paths import as_seen
from kei_assembler.report import as_text
from kei_assembler.scaffold import sketch
from kei_assembler.selection import folder_of
from kei_assembler.suggestions import did_you_mean, listed
from kei_assembler.text.hidden import shown


@click.command("new")
@click.argument("name")
@click.option("--description", metavar="TEXT", help="What the agent is for.")
@click.option("--model", metavar="MODEL", help="The model that it runs on.")
@several("--tool", "tools", "TOOL", "A tool", completing.tools)
@several("--block", "blocks", "BLOCK", "A block besides the obligatory ones", completing.blocks)
@several("--handoff", "handoffs", "AGENT=TRIGGER", "An agent, and what work it passes on to it", completing.handoffs)
@several(
    "--set", "others", "KEY=VALUE", "Any other key of text or of a list, which grows with each", completing.settable
)
@kit_option
def command(name: str, folder: str | None, others: Sequence[str], **options: Any) -> None:
    """Begin the manifest of an agent: what is given in its place, what the kit asks for besides marked as {{…}}."""
    kit = load_kit(folder_of(folder))
    sketch.refuse_name(kit, name)
    text, warnings = sketch.manifest_of(kit, name, _given(options) | _others(kit, others))
    for word, path in sketch.write(kit, name, text):
        tell(sys.stdout, f"{word} {shown(as_seen(path))}\n")
    tell(sys.stderr, as_text.diagnostics(warnings) + _next(kit, name, text))


def _given(options: dict[str, Any]) -> dict[str, Any]:
    given = {key: options[key] for key in ("tools", "blocks", "description", "model") if options[key]}
    handoffs = [_handoff(handoff) for handoff in options["handoffs"]]
    return given | ({"handoff": handoffs} if handoffs else {})


def _handoff(text: str) -> dict[str, str]:
    agent, equals, trigger = text.partition("=")
    if not equals:
        raise click.UsageError(f"--handoff takes AGENT=TRIGGER, such as `critic=a diff to be reviewed`, not `{text}`")
    return {"target": agent.strip(), "trigger": trigger.strip()}


def _others(kit: Kit, pairs: Sequence[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    fields = settable_fields(kit.settings.extra_keys)
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in fields:
            raise click.UsageError(_not_to_set(key, pair, fields))
        given[key] = [*given.get(key, ()), value] if fields[key].shape.item else value
    return given


def _not_to_set(key: str, pair: str, keys: Iterable[str]) -> str:
    if key in OPTIONS:
        return f"--set takes no `{key}`; there is {OPTIONS[key]} for it"
    return f"--set takes KEY=VALUE, not `{pair}`; {did_you_mean(key, keys, f'the keys here are {listed(keys)}')}"


def _next(kit: Kit, name: str, text: str) -> str:
    marked = len(sketch.MARK.findall(text))
    places = "the place" if marked == 1 else f"the {marked} places"
    fill_in = f"fill in {places} marked {{{{DESCRIBE_…}}}}, then " if marked else ""
    return f"next: {fill_in}run: assemble {shown(as_seen(kit.path(kit.manifest_file(name))))}\n"
