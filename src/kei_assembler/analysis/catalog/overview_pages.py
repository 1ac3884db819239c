"""The pages that list everything: the agents, the blocks, and which agent has which block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kei_assembler.analysis.agents import Item, shared_tokens
from kei_assembler.analysis.catalog.contents import BlockUses, Contents, bar
from kei_assembler.analysis.catalog.html import Html, element, joined
from kei_assembler.analysis.catalog.site import TITLE, Page, headings, table
from kei_assembler.analysis.listing import ALL_TOOLS
from kei_assembler.model.adaptation import EVERYTHING
from kei_assembler.suggestions import counted

_MAX_CELLS = 500_000
"""The largest matrix, which has some 20 MB."""


def overview_pages(contents: Contents) -> Iterator[Page]:
    """Yield the page of the agents, which is the first one of the site, that of the blocks, and the matrix of both."""
    yield Page("index.html", TITLE, joined((_tiles(contents), _agents(contents)), "\n"), "Agents")
    yield Page("blocks.html", "Blocks", _blocks(contents), "Blocks")
    yield Page("matrix.html", "Agents and blocks", _matrix(contents), "Matrix", wide=True)


def _tiles(contents: Contents) -> Html:
    agents = contents.agents
    total = sum(agent.tokens for agent in agents)
    shared = sum(shared_tokens(contents.kit, agents).values())
    numbers = (
        (f"{len(agents):,}", "agent" if len(agents) == 1 else "agents"),
        (f"{len(contents.blocks):,}", "block" if len(contents.blocks) == 1 else "blocks"),
        (f"{len(contents.graph.edges):,}", "handoff" if len(contents.graph.edges) == 1 else "handoffs"),
        (f"{total:,}", "tokens"),
        (f"{min(shared / total, 1) if total else 0:.0%}", "in shared blocks"),
    )
    tiles = (element("li", element("b", number), " ", element("span", what)) for number, what in numbers)
    return element("ul", list(tiles), class_="tiles", aria_label="The kit in numbers")


def _agents(contents: Contents) -> Html:
    if not contents.agents:
        return element("p", "This kit has no agents without errors.", class_="quiet")
    largest = max(agent.tokens for agent in contents.agents)
    columns = headings(
        ("Agent", ""),
        ("Model", "wide"),
        ("Tools", "number wide"),
        ("Blocks", "number wide"),
        ("Tokens", "number"),
        ("", "barred"),
        ("Clients", "wide"),
    )
    rows = [_agent(contents, agent, largest) for agent in contents.agents]
    return table(columns, rows, "Agents", "sortable")


def _agent(contents: Contents, agent: Item, largest: int) -> Html:
    tools = agent.manifest.tools
    number = ALL_TOOLS if tools is None or EVERYTHING in tools else f"{len(tools):,}"
    return element(
        "tr",
        element(
            "th",
            contents.item_link(agent.name, ""),
            element("span", contents.description(agent), class_="about"),
            scope="row",
        ),
        element("td", agent.manifest.model or "–", class_="wide"),
        element("td", number, class_="number wide"),
        element("td", f"{len(agent.manifest.blocks):,}", class_="number wide"),
        element("td", f"{agent.tokens:,}", class_="number"),
        element("td", bar(agent.tokens, largest), class_="barred"),
        element("td", ", ".join(agent.targets), class_="wide"),
    )


def _blocks(contents: Contents) -> Html:
    if not contents.blocks:
        return element("p", "This kit has no blocks.", class_="quiet")
    hint = element("p", "The cost is the number of tokens in all agents together.", class_="quiet")
    highest = max(block.cost for block in contents.blocks)
    columns = headings(("Block", ""), ("Agents", "number"), ("Cost", "number"), ("", "barred"))
    rows = [
        element(
            "tr",
            element("th", contents.block_link(block.name, ""), scope="row"),
            element("td", f"{len(block.agents):,}", class_="number"),
            element("td", f"{block.cost:,}", class_="number"),
            element("td", bar(block.cost, highest), class_="barred"),
        )
        for block in sorted(contents.blocks, key=lambda block: (-block.cost, block.name))
    ]
    return joined((hint, table(columns, rows, "Blocks", "sortable")), "\n")


def _matrix(contents: Contents) -> Html:
    blocks = sorted((block for block in contents.blocks if block.uses), key=lambda one: (-len(one.agents), one.name))
    if not blocks:
        return element("p", "No agent uses a block.", class_="quiet")
    if len(blocks) * len(contents.agents) > _MAX_CELLS:
        return element(
            "p", "This kit is too large for a matrix. The page of each block lists its agents.", class_="quiet"
        )
    hint = element(
        "p",
        element("span", "●", class_="on"),
        " the block, ",
        element("span", "◐", class_="on"),
        " sections of it. The most shared blocks come first.",
        class_="quiet",
    )
    columns = headings(("Agent", ""))
    columns += [
        element("th", element("span", contents.block_link(block.name, "")), scope="col", class_="upright")
        for block in blocks
    ]
    rows = [_row(contents, agent, blocks) for agent in contents.agents]
    rows += [_sum("Agents", [len(block.agents) for block in blocks]), _sum("Cost", [block.cost for block in blocks])]
    label = f"{counted(len(contents.agents), 'agent')} and {counted(len(blocks), 'block')}"
    return joined((hint, table(columns, rows, label, "matrix")), "\n")


def _row(contents: Contents, agent: Item, blocks: Sequence[BlockUses]) -> Html:
    entries = set(agent.manifest.blocks)
    cells = []
    for block in blocks:
        is_whole = block.name in entries
        if is_whole or agent.name in contents.users[block.name]:
            sign, words = ("●", "yes") if is_whole else ("◐", "sections")
            sign_of = element("span", sign, aria_hidden="true")
            cells.append(element("td", sign_of, element("span", words, class_="unseen"), class_="on"))
        else:
            cells.append(element("td"))
    return element("tr", element("th", contents.item_link(agent.name, ""), scope="row"), cells)


def _sum(name: str, numbers: Sequence[int]) -> Html:
    cells = [element("td", f"{number:,}") for number in numbers]
    return element("tr", element("th", name, scope="row"), cells, class_="sum")
