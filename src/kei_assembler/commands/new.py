"""`assemble new`: the manifest of a new agent."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from kei_assembler.commands import completing, tell
from kei_assembler.commands.options import kit_option, several
from kei_assembler.diagnostics import AssembleError, Diagnostic, Severity
from kei_assembler.kit import Kit, stem
from kei_assembler.loader import load_kit
from kei_assembler.manifest import NAME, OPTIONS, settable
from kei_assembler.paths import as_seen
from kei_assembler.plan import Kind, disk
from kei_assembler.plan.renewing import MANIFEST_SCHEMA, renewal
from kei_assembler.report import as_text
from kei_assembler.scaffold.sketch import MARK, check, sketch
from kei_assembler.selection import folder_of
from kei_assembler.source.shapes import fits
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
    _refuse_name(kit, name)
    text = sketch(kit, name, _given(options) | _others(kit, others), _has_schema(kit))
    warnings = _refuse_errors(check(kit, name, text))
    _write(kit, name, text)
    tell(sys.stderr, as_text.diagnostics(warnings) + _next(kit, name, text))


def _refuse_name(kit: Kit, name: str) -> None:
    if not fits(NAME, name):
        from kei_assembler.importing.names import slug

        wished = slug(stem(name.replace(os.sep, "/")))
        hint = f"did you mean `{wished}`?" if wished else ""
        raise AssembleError(f"`{name}` is no agent's name: it must be {NAME.expects}", hint)
    for file in kit.manifests:
        if stem(file) == name:
            raise AssembleError(f"there is an agent `{name}` already, in {file}", "choose another name, or edit that")


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
    fields = settable(kit.settings.extra_keys)
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


def _refuse_errors(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    found = list(found)
    if errors := [each for each in found if each.severity is Severity.ERROR]:
        message = "; ".join(dict.fromkeys(error.message for error in errors))
        raise AssembleError(f"{message}; nothing was written", next((error.help for error in errors if error.help), ""))
    return [each for each in found if each.severity is Severity.WARNING]


def _has_schema(kit: Kit) -> bool:
    return os.path.isfile(kit.path(MANIFEST_SCHEMA))


def _write(kit: Kit, name: str, text: str) -> None:
    file = kit.manifest_file(name)
    path = kit.path(file)
    if not kit.holds(path):
        raise AssembleError(f"{file} lies outside the kit's root", "see the setting `root`")
    if not disk.create(path, text.encode()):
        raise AssembleError(f"{file} is there already; nothing was written")
    tell(sys.stdout, f"created {shown(as_seen(path))}\n")
    if _has_schema(kit) and disk.replace(kit.path(MANIFEST_SCHEMA), lambda old: _renewed(kit, old)):
        tell(sys.stdout, f"updated {shown(as_seen(kit.path(MANIFEST_SCHEMA)))}\n")


def _renewed(kit: Kit, old: bytes) -> bytes:
    """The schema with the new agent in it."""
    changes = renewal(load_kit(kit.folder), MANIFEST_SCHEMA, old)
    return next((change.after for change in changes if change.kind is Kind.UPDATE and change.after), old)


def _next(kit: Kit, name: str, text: str) -> str:
    marked = len(MARK.findall(text))
    places = "the place" if marked == 1 else f"the {marked} places"
    fill_in = f"fill in {places} marked {{{{DESCRIBE_…}}}}, then " if marked else ""
    return f"next: {fill_in}run: assemble {shown(as_seen(kit.path(kit.manifest_file(name))))}\n"
