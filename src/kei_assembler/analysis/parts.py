"""What one item is made of: its parts, and for agents what it may do in each client, and its handoffs."""

from __future__ import annotations

from collections.abc import Iterator

from kei_assembler.analysis.agents import Item, block_tokens, contexts
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown.tokens import tokens
from kei_assembler.model.adaptation import EVERYTHING, limited_tools, starts_agents, toolset, toolset_of
from kei_assembler.model.kinds import AGENT
from kei_assembler.model.manifest import Handoff, Manifest
from kei_assembler.records import NamedTuple
from kei_assembler.rules.kit_usage import rights_of
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import span_of

ALL, NONE, OWN = "all", "-", "own"
"""What a client makes of a tool: there is no limit, the agent lacks the tool, or `[target.NAME]` decides."""

_REST = ("domain_in", "handoff", "output_extra_fields", "forbidden_domain", "references")
"""The keys whose text follows the blocks, in the order of the sections in the output."""


class Part(NamedTuple):
    """A part of the output: what it is, about how many tokens its text has, and where it is written.

    `listed` is where a block is listed, if the manifest itself does not do that.
    """

    name: str
    tokens: int
    source: str = ""
    listed: str = ""


def parts(kit: LoadedKit, context: ManifestContext, item: Item) -> list[Part]:
    """Return the parts of an item's largest output, in order. The last one is everything else that is in it."""
    found = [*_parts(kit, context, item)]
    rest = item.tokens - sum(part.tokens for part in found)
    return [*found, Part("everything else", max(rest, 0))]


def _parts(kit: LoadedKit, context: ManifestContext, item: Item) -> Iterator[Part]:
    manifest = context.manifest
    if item.kind == AGENT.name or manifest.description:
        yield _of_key(context, "description", manifest.description)
    if manifest.role:
        role = context.role
        yield Part("role", tokens(manifest.role), f"{role.file}:1") if role else _of_key(context, "role", manifest.role)
    target = item.largest.target if item.largest else ""
    for index, entry in enumerate(manifest.blocks):
        listed = context.locate(("blocks", index))
        place = f"{listed.file}:{listed.span.line}" if listed.file != context.source.file else ""
        yield Part(f"block {entry}", block_tokens(kit, entry, item), _source_of(kit, entry, target), place)
    for key in _REST:
        if text := _text(manifest, key):
            yield _of_key(context, key, text)


def _of_key(context: ManifestContext, key: str, text: str) -> Part:
    where = context.locate((key,))
    return Part(key, tokens(text), f"{where.file}:{where.span.line}")


def _text(manifest: Manifest, key: str) -> str:
    if key == "references":
        return "\n".join(manifest.references.extra)
    if key == "handoff":
        return "\n".join(f"{handoff.target}: {handoff.trigger}" for handoff in manifest.handoff)
    return "\n".join(getattr(manifest, key))


def _source_of(kit: LoadedKit, entry: str, target: str) -> str:
    block = kit.block(entry, target)
    if block is None:
        return ""
    section = kit.blocks.section_of(block, entry)
    start = section.start if section else 0
    return f"{block.source.file}:{span_of(block.source.text, start, start).line}"


def matrix(kit: LoadedKit, agent: Item) -> list[tuple[str, ...]]:
    """Return a row for each tool and each right, with what it is in each client of the agent.

    For a tool, that is the client's name for it. For a right, it is `yes` or `-`.
    """
    manifest = agent.manifest
    entries = manifest.tools if manifest.tools is not None else (EVERYTHING,)
    rows = [(entry, *(_tool(kit, manifest, entry, target) for target in agent.targets)) for entry in entries]
    granted = {name: _rights(manifest, name) for name in agent.targets}
    rights = dict.fromkeys(right for each in granted.values() for right in each)
    return [*rows, *((right, *("yes" if right in granted[one] else NONE for one in agent.targets)) for right in rights)]


def _tool(kit: LoadedKit, manifest: Manifest, entry: str, target: str) -> str:
    row, settings = TARGETS[target], kit.settings.of(target)
    if row.tools.key in manifest.target.get(target, {}):
        return OWN
    tools = toolset_of(manifest, row, settings)
    if tools.granted is None or entry == EVERYTHING:
        return ALL
    if starts_agents(entry):  # the setting `limit-agents` may limit it
        entry = next(filter(starts_agents, limited_tools(manifest, settings) or ()), "")
    if not entry or entry in tools.unsupported:
        return NONE
    names = [grant.name for grant in toolset((entry,), target).granted or ()]
    limited = entry not in tools.unscoped and "(" in entry
    return f"{names[0]}{'(…)' if limited and '(' not in names[0] else ''}" if names else NONE


def _rights(manifest: Manifest, target: str) -> tuple[str, ...]:
    table = manifest.target.get(target)
    return rights_of(manifest._replace(target={target: table})) if table else ()


def handoffs_to(kit: LoadedKit, agent: Item) -> list[Handoff]:
    """Return the handoffs from other agents to this one, each with the name of the other agent, sorted."""
    return sorted(
        Handoff(context.manifest.name, handoff.trigger)
        for context in contexts(kit, kit.manifests)
        for handoff in context.manifest.handoff
        if handoff.target == agent.name
    )
