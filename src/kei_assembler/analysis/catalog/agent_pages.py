"""The page about each agent: what it does, who it works with, what it may do, and its text with the origins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kei_assembler.analysis.agents import Item
from kei_assembler.analysis.catalog.contents import Contents, agent_path, bar, facts
from kei_assembler.analysis.catalog.drawing import drawing
from kei_assembler.analysis.catalog.html import Html, element, joined
from kei_assembler.analysis.catalog.layout import in_columns
from kei_assembler.analysis.catalog.origin_text import marked_text, pieces
from kei_assembler.analysis.catalog.site import Page, headings, scrolling, section, table
from kei_assembler.analysis.graph import AGENT, Edge, Key, Node
from kei_assembler.analysis.parts import ALL, NONE, OWN, Part, matrix, parts
from kei_assembler.build.parallel import shared
from kei_assembler.render.origins import Origins
from kei_assembler.suggestions import counted

_ROOT = "../"
_MAX_NEIGHBOURS = 12
"""With more agents than that on one side, a drawing says less than a list."""

_CELLS = {ALL: ("all", "no limit"), NONE: ("none", "not available"), OWN: ("own", "set for this client")}
"""The classes and the words for what a client makes of a tool."""


def agent_pages(contents: Contents) -> list[Page]:
    """Return the page about each agent.

    Raises:
        TemplateFailure: a template of the kit does not render.
    """
    origins = Origins(contents.kit)
    nodes = {node.key: node for node in contents.graph.nodes}

    def page(agent: Item) -> Page:
        sections = (
            element("p", contents.description(agent), class_="lead"),
            _facts(agent),
            _ways(agent),
            _handoffs(contents, agent, nodes),
            _rights(contents, agent),
            parts_section(contents, agent),
            files_section(agent),
            _text(contents, agent, origins),
        )
        return Page(agent_path(agent.name), agent.name, joined(sections, "\n"), above="index.html", kind="Agent")

    return shared(page, contents.agents)


def _facts(agent: Item) -> Html:
    bases = joined((element("code", base) for base in agent.bases), ", ")
    bundles = joined((element("code", f"@{bundle}") for bundle in agent.bundles), ", ")
    return facts(
        (
            ("Model", agent.manifest.model or "the client's default"),
            ("Tokens", f"{agent.tokens:,}" if agent.outputs else None),
            ("Clients", ", ".join(agent.targets)),
            ("Manifest", element("code", agent.file)),
            ("Extends", bases or None),
            ("Bundles", bundles or None),
        )
    )


def _ways(agent: Item) -> Html:
    """Links to the sections of the page."""
    wanted = _SECTIONS if agent.outputs else _SECTIONS[:2]
    return element("p", [element("a", name, href=f"#{id_}") for id_, name in wanted], class_="ways")


_SECTIONS = (
    ("handoffs", "Handoffs"),
    ("rights", "Tools and rights"),
    ("parts", "Parts"),
    ("files", "Files"),
    ("text", "Text"),
)


def _handoffs(contents: Contents, agent: Item, nodes: Mapping[Key, Node]) -> Html:
    out, into = contents.handoffs[agent.name]
    lists = (
        _list(contents, "Hands off to", "out", [(edge.end[1], edge.trigger) for edge in out]),
        _list(contents, "Gets work from", "into", [(edge.start[1], edge.trigger) for edge in into]),
    )
    return section("handoffs", "Handoffs", _around(agent, out, into, nodes), element("div", lists, class_="columns"))


def _list(contents: Contents, heading: str, direction: str, rows: Iterable[tuple[str, str]]) -> Html:
    items = [
        element("li", contents.item_link(name, _ROOT), element("span", trigger, class_="trigger"))
        for name, trigger in rows
    ]
    none = element("p", "No agent.", class_="quiet")
    content = element("ul", items, class_=f"handoffs {direction}") if items else none
    return element("div", element("h3", heading), content)


def _around(agent: Item, out: list[Edge], into: list[Edge], nodes: Mapping[Key, Node]) -> Html | None:
    """A drawing of the agent between those that it gets work from and those that it hands off to."""
    left = list(dict.fromkeys(edge.start for edge in into))
    right = [key for key in dict.fromkeys(edge.end for edge in out) if key not in left]
    if not (left or right) or max(len(left), len(right)) > _MAX_NEIGHBOURS:
        return None
    columns = [column for column in (left, [(AGENT, agent.name)], right) if column]
    placed = in_columns(columns)
    drawn = drawing(
        [nodes[key] for key in placed.places],
        list(dict.fromkeys([*into, *out])),
        placed,
        f"Handoffs of {agent.name}",
        _ROOT,
    )
    return scrolling(drawn, "Drawing of the handoffs", "small")


def _rights(contents: Contents, agent: Item) -> Html:
    rows = matrix(contents.kit, agent)
    if not rows:
        return section(
            "rights", "Tools and rights", element("p", "This agent has no tools and no rights.", class_="quiet")
        )
    columns = headings(("Tool or right", ""), *((target, "") for target in agent.targets))
    lines = [
        element("tr", element("th", element("code", name), scope="row"), [_right(cell) for cell in cells])
        for name, *cells in rows
    ]
    hint = element(
        "p",
        "What takes effect in each client, under the client's own name. With (…), it is limited as the manifest says.",
        class_="quiet",
    )
    return section("rights", "Tools and rights", hint, table(columns, lines, "Tools and rights in each client"))


def _right(cell: str) -> Html:
    if cell in _CELLS:
        class_, words = _CELLS[cell]
        return element("td", element("span", words, class_=f"chip {class_}"))
    return element("td", element("code", cell))


def parts_section(contents: Contents, item: Item) -> Html | None:
    """Return the section with the parts of an item, or None if it has no outputs."""
    if not item.outputs:
        return None
    found = parts(contents.kit, contents.context(item), item)
    largest = max(part.tokens for part in found)
    columns = headings(("Part", ""), ("Tokens", "number"), ("", "barred"), ("Written in", "wide"))
    rows = [_part(contents, part, largest) for part in found]
    label = f"Parts of the largest output, {counted(item.tokens, 'token')} in all"
    return section("parts", "Parts", table(columns, rows, label))


def _part(contents: Contents, part: Part, largest: int) -> Html:
    entry = part.name.removeprefix("block ")
    name = contents.block_link(entry, _ROOT) if entry != part.name else element("span", part.name)
    listed = element("small", f", listed in {part.listed}") if part.listed else None
    return element(
        "tr",
        element("th", name, scope="row"),
        element("td", f"{part.tokens:,}", class_="number"),
        element("td", bar(part.tokens, largest), class_="barred"),
        element("td", element("small", part.source), listed, class_="wide"),
    )


def files_section(item: Item) -> Html | None:
    """Return the section with the generated files of an item, or None without any."""
    columns = headings(("Client", ""), ("File", ""), ("Tokens", "number"))
    rows = [
        element(
            "tr",
            element("th", ", ".join(output.targets) or output.target, scope="row"),
            element("td", element("code", output.path)),
            element("td", f"{output.tokens:,}", class_="number"),
        )
        for output in item.outputs
    ]
    return section("files", "Files", table(columns, rows, "Generated files")) if rows else None


def _text(contents: Contents, agent: Item, origins: Origins) -> Html | None:
    if agent.largest is None:
        return None
    found = pieces(origins.of(agent.file, agent.largest.target))
    hint = element("p", f"The file for {agent.largest.target}, with the origin of each part.", class_="quiet")
    return section("text", "Text", hint, marked_text(contents, found, _ROOT))
