"""The page with the graph of the handoffs, drawn and as a list."""

from __future__ import annotations

from kei_assembler.analysis.catalog.contents import Contents
from kei_assembler.analysis.catalog.drawing import drawing
from kei_assembler.analysis.catalog.html import Html, element, joined
from kei_assembler.analysis.catalog.layout import layout
from kei_assembler.analysis.catalog.site import Page, scrolling, section
from kei_assembler.analysis.drawings import summary
from kei_assembler.analysis.graph import BROKEN, DEAD_END, EXTERNAL, IN_CYCLE, UNREACHABLE, Node

_NOTES = {
    IN_CYCLE: "its work can come back to it",
    UNREACHABLE: "no agent hands off to it",
    DEAD_END: "it hands off to none",
    EXTERNAL: "it is not in this kit",
    BROKEN: "it has errors",
}
"""What the kinds and marks of nodes mean, in the order of the legend."""


def graph_page(contents: Contents) -> Page:
    """Return the page with the graph."""
    graph = contents.graph
    if not graph.edges:
        return Page("graph.html", "Handoffs", element("p", "No agent hands off to another.", class_="quiet"), "Graph")
    present = {note for node in graph.nodes for note in (node.kind, *node.marks)}
    legend = [
        element("li", element("span", class_=f"swatch is-{note.replace(' ', '-')}"), element("b", note), f": {meaning}")
        for note, meaning in _NOTES.items()
        if note in present
    ]
    drawn = drawing(graph.nodes, graph.edges, layout([node.key for node in graph.nodes], graph.edges), "Handoffs")
    tools = element(
        "div",
        [element("button", sign, type="button", data_zoom=zoom, aria_label=label) for sign, zoom, label in _BUTTONS],
        class_="zoom",
        role="group",
        aria_label="Zoom",
        hidden=True,
    )
    body = (
        element("p", summary(graph).rstrip("\n"), ". ", element("a", "Skip the drawing", href="#list"), class_="quiet"),
        element("ul", legend, class_="legend", aria_label="Marks"),
        tools,
        scrolling(drawn, "Drawing of the handoffs", "canvas"),
        section("list", "As a list", element("div", [_item(contents, node) for node in graph.nodes], class_="cards")),
    )
    return Page("graph.html", "Handoffs", joined(body, "\n"), "Graph", wide=True)


_BUTTONS = (
    ("−", "out", "Zoom out"),
    ("+", "in", "Zoom in"),
    ("Fit", "fit", "Fit to the window"),
    ("100 %", "full", None),
)


def _item(contents: Contents, node: Node) -> Html | None:
    out = contents.handoffs.get(node.name, ([], []))[0]
    if not out:
        return None
    items = [
        element("li", contents.item_link(edge.end[1], ""), element("span", edge.trigger, class_="trigger"))
        for edge in out
    ]
    return element("div", element("h3", contents.item_link(node.name, "")), element("ul", items, class_="handoffs"))
