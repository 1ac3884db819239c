"""`assemble new`: create the manifest of an agent, of instructions or of a skill."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import click

from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import OneOf, kit_option, several
from kei_assembler.kit import LoadedKit
from kei_assembler.loader import load_kit
from kei_assembler.markdown import shell
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.model.kinds import AGENT, KINDS, Kind
from kei_assembler.model.manifest import OPTIONS, settable_fields
from kei_assembler.paths import display_path
from kei_assembler.report import text_report
from kei_assembler.scaffold import new_manifest
from kei_assembler.selection import folder_of
from kei_assembler.suggestions import choices, did_you_mean
from kei_assembler.validation import Shape
from kei_assembler.whitespace import SPACES

_SET_HELP = "Set any other key that is not a table. A list grows with each use"


@click.command("new")
@click.argument("name")
@click.option(
    "--kind", "kind_name", type=OneOf(KINDS), default=AGENT.name, help="The kind of the manifest (default: agent)."
)
@click.option("--description", metavar="TEXT", help="What the agent or skill is for.")
@click.option("--extends", metavar="BASE", help="The manifest to inherit from.", shell_complete=completion.bases)
@click.option("--model", metavar="MODEL", help="The model that the agent runs on.")
@several("--tool", "TOOL", "Let the agent or skill use a tool", completion.tools)
@several("--block", "BLOCK", "Add a block after the obligatory ones", completion.blocks)
@several("--handoff", "AGENT=TRIGGER", "Hand work to another agent: its name and the trigger", completion.handoffs)
@several("--set", "KEY=VALUE", _SET_HELP, completion.settable)
@kit_option
def command(name: str, folder: str | None, kind_name: str, **options: Any) -> None:
    """Create the manifest of an agent, of instructions or of a skill.

    Required keys without a value get a placeholder, {{DESCRIBE_…}}, to fill in.

    \b
    Examples:
      assemble new critic --block honesty
      assemble new house --kind=instructions
    """
    kit, kind = load_kit(folder_of(folder)), KINDS[kind_name]
    new_manifest.refuse_name(kit, name, kind)
    given = _given(options, kind) | _other_keys(kit, options["set"], kind)
    text, warnings = new_manifest.manifest_of(kit, name, given, kind)
    for action, path in new_manifest.write(kit, name, text, kind):
        write(f"{action} {shown(display_path(path))}\n")
    write("", text_report.diagnostics(warnings, console.colours()[1]) + _next(kit, name, text, kind))


def _given(options: dict[str, Any], kind: Kind) -> dict[str, Any]:
    given = {
        "description": options["description"],
        "extends": options["extends"],
        "model": options["model"],
        "tools": options["tool"],
        "blocks": options["block"],
        "handoff": list(map(_handoff, options["handoff"])),
    }
    given = {key: value for key, value in given.items() if value}
    if lacking := [OPTIONS[key] for key in given if kind is not AGENT and key not in kind.keys]:
        raise click.UsageError(f"{lacking[0]} cannot be used with --kind={kind.name}")
    return given


def _handoff(text: str) -> dict[str, str]:
    agent, equals, trigger = text.partition("=")
    if not equals:
        raise click.UsageError(f"--handoff takes AGENT=TRIGGER, such as `critic=a diff to review`, not `{text}`")
    return {"target": agent.strip(SPACES), "trigger": trigger.strip(SPACES)}


def _other_keys(kit: LoadedKit, pairs: Sequence[str], kind: Kind) -> dict[str, Any]:
    given: dict[str, Any] = {}
    fields = settable_fields(kit.settings.extra_keys, kind)
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in fields:
            raise click.UsageError(_set_error(key, pair, fields))
        if fields[key].shape.item:
            given.setdefault(key, []).append(value)
        else:
            given[key] = _parsed(key, fields[key].shape, value)
    return given


_WORDS = {"true": True, "false": False}
_MAX_DIGITS = 18
"""Any number with as many digits is a 64-bit integer, as TOML requires."""


def _parsed(key: str, shape: Shape, text: str) -> str | int:
    if shape.type is bool and text in _WORDS:
        return _WORDS[text]
    if shape.type is int and re.fullmatch(rf"[+-]?[0-9]{{1,{_MAX_DIGITS}}}", text):
        return int(text)
    if shape.type in (bool, int):
        raise click.UsageError(f"--set {key} takes {shape.expects}, not `{text}`")
    return text


def _set_error(key: str, pair: str, keys: Iterable[str]) -> str:
    if key in OPTIONS:
        return f"--set does not take `{key}`; use {OPTIONS[key]}"
    return f"--set takes KEY=VALUE, not `{pair}`; {did_you_mean(key, keys, choices('key', keys))}"


def _next(kit: LoadedKit, name: str, text: str, kind: Kind) -> str:
    marked = len(new_manifest.MARK.findall(text))
    places = "the place" if marked == 1 else f"the {marked} places"
    fill_in = f"fill in {places} marked {{{{DESCRIBE_…}}}}, then " if marked else ""
    manifest = shell.word(display_path(kit.path(kit.manifest_file(name, kind))))
    return f"next: {fill_in}run: assemble{kit.settings.command_option} {manifest}\n"
