"""Describe what a name stands for: in a line, and at length."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import SECTION_MARK
from kei_assembler.lsp.places import CODE, ROLE_FILE, TARGET, TOOL, Place
from kei_assembler.lsp.schemas import description_at, schema_of
from kei_assembler.markdown.structure import fence_around
from kei_assembler.model.kinds import AGENT, KINDS
from kei_assembler.repair.names import BLOCK, BUNDLE_KIND, VALUE
from kei_assembler.repair.references import Sources, set_values
from kei_assembler.rules.catalog import RULES, documentation, explain
from kei_assembler.suggestions import listed
from kei_assembler.targets import CLAUDE_TOOLS, TARGETS
from kei_assembler.targets.groups import GROUPS, expanded
from kei_assembler.toml.cursor import Kind
from kei_assembler.whitespace import SPACES

_MAX_LINES = 60
_MAX_COLUMNS = 100


def summary(kit: LoadedKit, kind: str, name: str) -> str:
    """Return a line about something of the kit, or "" if there is nothing to say."""
    found = _SUMMARIES[kind](kit, name) if kind in _SUMMARIES else ""
    line = next((line for line in found.split("\n") if line.strip(SPACES)), "").strip(SPACES)
    return line if len(line) <= _MAX_COLUMNS else f"{line[:_MAX_COLUMNS]}…"


def description(kit: LoadedKit, kind: str, name: str, entry: str = "") -> str:
    """Return a Markdown text about something of the kit, or "" if it is unknown. `entry` can name a section."""
    if kind in (BLOCK, ROLE_FILE):
        return _text(kit, kind, entry or name)
    parts = _DETAILS[kind](kit, name) if kind in _DETAILS else ()
    return "\n\n".join(filter(None, parts))


def hover(place: Place) -> tuple[str, tuple[int, int]] | None:
    """Return a Markdown text about what is at a place, and the offsets of the word that it is about."""
    subject, word = place.subject, place.word
    if subject and (text := description(place.kit, subject.kind, subject.name, subject.entry)):
        return text, (subject.start, subject.end)
    is_key = word is not None and word.kind is not Kind.VALUE
    if word and is_key and place.at and (text := description_at(schema_of(place), place.at)):
        return f"`{word.text}`: {text}", (word.start, word.end)
    return None


def _of_agent(kit: LoadedKit, kind: str, name: str) -> Mapping[str, Any]:
    file = kit.manifest_files.named(KINDS[kind]).get(name)
    return kit.composition.resolve(kit.read_manifest(file)).data if file else {}


def _about_manifest(kit: LoadedKit, kind: str, name: str) -> Iterator[str]:
    if kind == AGENT.name and name in kit.settings.external_agents:
        yield f"agent `{name}`, outside the kit"
    if name not in kit.manifest_files.named(KINDS[kind]):
        return
    data = _of_agent(kit, kind, name)
    yield f"{KINDS[kind].noun} `{name}`{', only a base of others' if data.get('abstract') is True else ''}"
    yield _fenced(str(data["description"])) if data.get("description") else ""
    handoffs = [each for each in data.get("handoff", ()) if isinstance(each, Mapping)]
    targets = [str(each.get("target")) for each in handoffs if each.get("trigger") is not False]
    yield f"hands off to {listed(targets)}" if targets else ""


def _about_value(kit: LoadedKit, name: str) -> Iterator[str]:
    found = [*set_values(Sources(kit), name)]
    if not found:
        return
    yield f"value `{name}`"
    places = ((f"{each.source.file}:{each.source.locate(each.path).line}", each.value) for each in found)
    yield _fenced(
        "\n".join(f"{place}: {json.dumps(value, ensure_ascii=False, default=str)}" for place, value in places)
    )


def _about_bundle(kit: LoadedKit, name: str) -> Iterator[str]:
    if name in kit.settings.bundles:
        yield f"bundle `{name}`"
        yield _fenced("\n".join(map(str, kit.settings.bundles[name])))


def _about_tool(kit: LoadedKit, name: str) -> Iterator[str]:
    if name in CLAUDE_TOOLS:
        tools = {target.label: target.tools.names for target in TARGETS.values()}
        own = (f"- {label}: `{names[name]}`" for label, names in tools.items() if names and name in names)
        yield f"tool `{name}` of Claude Code"
        yield "\n".join(own)
    elif name in kit.settings.known_tools:
        yield f"tool `{name}`, from the setting `known-tools`"


def _about_target(_: LoadedKit, name: str) -> Iterator[str]:
    if name in TARGETS:
        yield f"client `{name}`: {TARGETS[name].label}"
    elif name in GROUPS:
        yield f"group `{name}`: {listed(expanded([name]))}"


def _text(kit: LoadedKit, kind: str, entry: str) -> str:
    name = entry.partition(SECTION_MARK)[0]
    is_known = kit.block(name) is not None if kind == BLOCK else kit.role_files.is_readable(name)
    if not is_known:
        return ""
    text = kit.blocks.text(entry) if kind == BLOCK else kit.role_files.read(entry).text
    return f"{'section' if SECTION_MARK in entry else kind.replace('-', ' ')} `{entry}`\n\n{_fenced(text, 'markdown')}"


def _fenced(text: str, language: str = "") -> str:
    """A text as it is, in code: it is somebody else's, and an editor could load the images that Markdown names."""
    lines = text.strip("\n").split("\n")
    shown = "\n".join([*lines[:_MAX_LINES], *(["…"] if len(lines) > _MAX_LINES else [])])
    fence = fence_around(shown)
    return f"{fence}{language}\n{shown}\n{fence}"


_SUMMARIES: Mapping[str, Callable[[LoadedKit, str], str]] = {
    BLOCK: lambda kit, name: kit.blocks.text(name),
    BUNDLE_KIND: lambda kit, name: ", ".join(map(str, kit.settings.bundles.get(name, ()))),
    CODE: lambda _, name: documentation(RULES[name]).title if name in RULES else "",
    TARGET: lambda _, name: TARGETS[name].label if name in TARGETS else ", ".join(expanded([name])),
    VALUE: lambda kit, name: next((str(each.value) for each in set_values(Sources(kit), name)), ""),
    **{
        kind: lambda kit, name, kind=kind: str(_of_agent(kit, kind, name).get("description", ""))  # type: ignore[misc]
        for kind in KINDS
    },
}
_DETAILS: Mapping[str, Callable[[LoadedKit, str], Iterator[str]]] = {
    BUNDLE_KIND: _about_bundle,
    CODE: lambda _, name: iter([explain(RULES[name])] if name in RULES else ()),
    TARGET: _about_target,
    TOOL: _about_tool,
    VALUE: _about_value,
    **{kind: lambda kit, name, kind=kind: _about_manifest(kit, kind, name) for kind in KINDS},  # type: ignore[misc]
}
