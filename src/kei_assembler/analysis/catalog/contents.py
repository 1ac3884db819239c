"""What a catalog says about a kit: its agents, its blocks, who uses them and what that costs, and the handoffs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from kei_assembler.analysis.agents import Item, Survey, block_tokens, contexts
from kei_assembler.analysis.catalog.html import Html, element
from kei_assembler.analysis.catalog.site import page_path
from kei_assembler.analysis.graph import AGENT, Edge, Graph, handoff_graph
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import split_entry
from kei_assembler.model.kinds import AGENT as AGENT_KIND
from kei_assembler.model.kinds import KINDS
from kei_assembler.model.values import filled_description
from kei_assembler.records import NamedTuple
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.whitespace import collapse_whitespace


class Use(NamedTuple):
    """A use of a block: by which agent, the entry in its list of blocks, and about how many tokens that has.

    Instead of an agent, it can be the label of instructions.
    """

    agent: str
    entry: str
    tokens: int


class BlockUses(NamedTuple):
    """A block, and its uses, by agent. An agent can have several sections of it. `others` are the uses by others."""

    name: str
    uses: tuple[Use, ...]
    others: tuple[Use, ...] = ()

    @property
    def agents(self) -> tuple[str, ...]:
        """The names of the agents that have the block, or a section of it."""
        return tuple(dict.fromkeys(use.agent for use in self.uses))

    @property
    def cost(self) -> int:
        """About how many tokens the block has in all agents together."""
        return sum(use.tokens for use in self.uses)


class Contents:
    """The agents of a kit without errors, and what is known about them."""

    def __init__(self, kit: LoadedKit, found: Survey) -> None:
        self.kit = kit
        self.agents = found.agents
        self.items = found.items
        self.others = tuple(item for item in found.items if item.kind != AGENT_KIND.name)
        """The instructions and skills."""
        self._paths = {item.label: item_path(item) for item in found.items}

    @cached_property
    def contexts(self) -> dict[str, ManifestContext]:
        """The manifests of the agents, by the names of these."""
        return {one.manifest.name: one for one in contexts(self.kit, [agent.file for agent in self.agents])}

    def context(self, item: Item) -> ManifestContext:
        """Return the manifest of an item."""
        if item.kind == AGENT_KIND.name:
            return self.contexts[item.name]
        return ManifestContext(self.kit, self.kit.read_manifest(item.file))

    @cached_property
    def graph(self) -> Graph:
        """The handoffs."""
        return handoff_graph(self.kit, list(self.contexts.values()))

    @cached_property
    def handoffs(self) -> dict[str, tuple[list[Edge], list[Edge]]]:
        """The handoffs from each agent, and those to it."""
        found: dict[str, tuple[list[Edge], list[Edge]]] = {agent.name: ([], []) for agent in self.agents}
        for edge in self.graph.edges:
            found[edge.start[1]][0].append(edge)
            if edge.end[0] == AGENT:
                found[edge.end[1]][1].append(edge)
        return found

    @cached_property
    def blocks(self) -> tuple[BlockUses, ...]:
        """The blocks of the kit, sorted by name."""
        uses: dict[str, tuple[list[Use], list[Use]]] = {name: ([], []) for name in self.kit.block_names}
        known: dict[tuple[str, str], int] = {}
        for item in self.items:
            target = item.largest.target if item.largest else ""
            for entry in dict.fromkeys(item.manifest.blocks):
                if (entry, target) not in known:
                    known[entry, target] = block_tokens(self.kit, entry, item)
                found = uses.setdefault(split_entry(entry)[0], ([], []))[item.kind != AGENT_KIND.name]
                found.append(Use(item.label, entry, known[entry, target]))
        return tuple(BlockUses(name, tuple(own), tuple(others)) for name, (own, others) in sorted(uses.items()))

    @cached_property
    def users(self) -> dict[str, frozenset[str]]:
        """The names of the agents that have each block, or a section of it."""
        return {block.name: frozenset(block.agents) for block in self.blocks}

    def description(self, agent: Item) -> str:
        """Return an agent's description on one line, with its values."""
        target = agent.largest.target if agent.largest else ""
        return collapse_whitespace(filled_description(agent.manifest, target))

    def has_page(self, label: str) -> bool:
        """Return whether there is a page about an agent, instructions or a skill."""
        return label in self._paths

    def item_link(self, label: str, root: str) -> Html:
        """Return a link to the page of an agent, instructions or a skill, or only the name of one that has no page."""
        code = element("code", label)
        return element("a", code, href=root + self._paths[label]) if self.has_page(label) else code

    def block_link(self, entry: str, root: str) -> Html:
        """Return a link to the page of an entry's block."""
        return element("a", element("code", entry), href=root + page_path("blocks", split_entry(entry)[0]))


def item_path(item: Item) -> str:
    """Return the path of the page about an agent, instructions or a skill."""
    return page_path(KINDS[item.kind].folder, item.name)


def agent_path(name: str, root: str = "") -> str:
    """Return the path of the page about an agent."""
    return root + page_path("agents", name)


def bar(part: float, whole: float) -> Html:
    """Return a bar that shows a part of a whole. It repeats a number, so screen readers skip it."""
    filled_part = round(100 * part / whole, 1) if whole else 0
    rects = element("rect", width=100, height=6, class_="empty"), element("rect", width=filled_part, height=6)
    return element("svg", rects, class_="bar", viewBox="0 0 100 6", preserveAspectRatio="none", aria_hidden="true")


def facts(pairs: Iterable[tuple[str, Html | str | None]]) -> Html:
    """Return a list of terms with what is known about each, without those that have nothing."""
    return element(
        "dl",
        [element("div", element("dt", term), element("dd", what)) for term, what in pairs if what],
        class_="facts",
    )
