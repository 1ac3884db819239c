"""Draw handoffs as SVG. Each agent is a link to its page, so the drawing works without a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kei_assembler.analysis.catalog.contents import agent_path
from kei_assembler.analysis.catalog.html import Html, element, joined, plain
from kei_assembler.analysis.catalog.layout import HEIGHT, WIDTH, Layout, Point, curve
from kei_assembler.analysis.graph import AGENT, Edge, Key, Node
from kei_assembler.markdown.hidden_text import shown

_MAX_LABEL = 21


def drawing(nodes: Sequence[Node], edges: Sequence[Edge], layout: Layout, label: str, root: str = "") -> Html:
    """Return a drawing of a graph."""
    numbers = {node.key: index for index, node in enumerate(nodes)}
    width, height = (f"{each:g}" for each in layout.size)
    arrow = element(
        "marker",
        element("path", d="M0 0L8 4L0 8z"),
        id="arrow",
        viewBox="0 0 8 8",
        refX=7,
        refY=4,
        markerWidth=7,
        markerHeight=7,
        orient="auto",
    )
    paths = element("g", _paths(edges, layout, numbers), class_="edges", marker_end="url(#arrow)", aria_hidden="true")
    boxes = joined((_node(node, layout.places[node.key], numbers[node.key], root) for node in nodes), "\n")
    return element(
        "svg",
        element("defs", arrow),
        paths,
        boxes,
        class_="drawing",
        role="group",
        aria_label=label,
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
    )


def _paths(edges: Sequence[Edge], layout: Layout, numbers: Mapping[Key, int]) -> Html:
    places = layout.places
    paths = (
        element(
            "g",
            element("path", d=curve(places[edge.start], places[edge.end], layout.is_ring)),
            element("title", joined(map(plain, (edge.start[1], edge.end[1])), " → "), ": ", plain(edge.trigger)),
            data_from=numbers[edge.start],
            data_to=numbers[edge.end],
        )
        for edge in edges
    )
    return joined(paths, "\n")


def _node(node: Node, place: Point, number: int, root: str) -> Html:
    x, y = place
    notes = [*([node.kind] if node.kind != AGENT else []), *node.marks]
    name = ", ".join([node.name, *notes])
    content = (
        element("rect", x=f"{x - WIDTH / 2:g}", y=f"{y - HEIGHT / 2:g}", width=WIDTH, height=HEIGHT, rx=8),
        element("text", plain(_label(node.name)), x=f"{x:g}", y=f"{y:g}"),
        element("title", plain(name)),
    )
    classes = " ".join(["node", *(f"is-{note.replace(' ', '-')}" for note in notes)])
    if node.kind == AGENT:
        return element(
            "a", content, href=agent_path(node.name, root), class_=classes, data_node=number, aria_label=name
        )
    return element("g", content, class_=classes, data_node=number)


def _label(name: str) -> str:
    """The name, cut in the middle if it is too long for a node, since names of a kit often start alike."""
    name = shown(name)
    return name if len(name) <= _MAX_LABEL else f"{name[: _MAX_LABEL // 3]}…{name[-_MAX_LABEL // 2 :]}"
