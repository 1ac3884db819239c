"""Draw a graph: as text, for Graphviz, for Mermaid, and as JSON.

Names and triggers are data: whatever is in them, it is only a part of a label.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from kei_assembler import lazy_re
from kei_assembler.analysis.graph import (
    AGENT,
    BASE,
    BLOCK,
    BROKEN,
    BUNDLE_KIND,
    DEAD_END,
    EXTENDS,
    EXTERNAL,
    HANDS_OFF,
    IN_CYCLE,
    UNREACHABLE,
    Edge,
    Graph,
    Key,
    Node,
)
from kei_assembler.markdown.hidden_text import as_json, shown
from kei_assembler.model.inheritance import BUNDLE
from kei_assembler.report.layout import BOLD, painted
from kei_assembler.report.markdown_text import cut
from kei_assembler.suggestions import counted, listed

_MAX_LABEL = 40
"""The width at which a label in a drawing is wrapped, in characters."""

_INDENT = "  "


def text(graph: Graph, columns: int | None = None, colours: bool = False) -> str:
    """Return each node with its marks, and below it what it leads to, then the cycles.

    In a width of so many `columns`, long lines are wrapped.
    """
    edges: dict[Key, list[Edge]] = {}
    for edge in graph.edges:
        edges.setdefault(edge.start, []).append(edge)
    lines: list[str] = []
    for node in graph.nodes:
        if node.kind in (AGENT, BASE, BUNDLE_KIND):
            marks = f" ({', '.join(node.marks)})" if node.marks else ""
            lines += (painted(line, BOLD, colours) for line in _fitting(_named(node.key) + marks, columns))
            for edge in edges.get(node.key, ()):
                lines += _fitting(_step(edge), columns, _INDENT, _INDENT * 3)
    for cycle in graph.cycles:
        lines += _fitting(f"cycle: {' -> '.join(map(shown, (*cycle, cycle[0])))}", columns, "", _INDENT)
    return "".join(f"{line}\n" for line in lines)


def _fitting(line: str, columns: int | None, first: str = "", rest: str = _INDENT) -> Iterator[str]:
    lines = [first + line] if columns is None else cut(line, columns, first, rest)
    return (each.rstrip(" ") for each in lines)


def _named(key: Key) -> str:
    kind, name = key
    mark = BUNDLE if kind == BUNDLE_KIND else ""
    return shown(f"{mark}{name}" if kind == AGENT else f"{kind} {mark}{name}")


def _step(edge: Edge) -> str:
    if edge.kind != HANDS_OFF:
        return f"{'extends ' if edge.kind == EXTENDS else ''}{_named(edge.end)}"
    kind, name = edge.end
    note = "" if kind == AGENT else f" ({kind})"
    return f"-> {shown(name)}{note}: {shown(edge.trigger)}"


def summary(graph: Graph) -> str:
    """Return a line with the number of agents and handoffs, and of each mark that is on one, or of what is drawn."""
    kinds = [node.kind for node in graph.nodes]
    handoffs = sum(edge.kind == HANDS_OFF for edge in graph.edges)
    counts = [counted(kinds.count(AGENT), "agent")]
    counts += [counted(kinds.count(kind), kind) for kind in (BASE, BUNDLE_KIND, BLOCK) if kind in kinds]
    counts += [counted(handoffs, "handoff")] if handoffs else []
    marks = [mark for node in graph.nodes for mark in node.marks]
    number = {mark: marks.count(mark) for mark in (UNREACHABLE, DEAD_END, IN_CYCLE)}
    parts = [f"{number[mark]:,} {mark}" for mark in (UNREACHABLE,) if number[mark]]
    parts += [counted(number[DEAD_END], DEAD_END)] if number[DEAD_END] else []
    parts += [f"{number[IN_CYCLE]:,} {IN_CYCLE}"] if number[IN_CYCLE] else []
    return f"{listed(counts, str)}{': ' if parts else ''}{', '.join(parts)}\n"


_SHAPES = {AGENT: "box", EXTERNAL: "box", BROKEN: "box", BASE: "component", BUNDLE_KIND: "folder", BLOCK: "note"}
_STYLES = {EXTERNAL: "dashed", BROKEN: "dotted"}
_COLOURS = {UNREACHABLE: "#b45309", DEAD_END: "#6b7280", IN_CYCLE: "#b91c1c"}
"""The colours of marked nodes. Of a node with several marks, the last one counts."""


def dot(graph: Graph) -> str:
    """Return the graph in the language of Graphviz (graphviz.org/doc/info/lang.html)."""
    names = _short_names(graph)
    lines = ["digraph kit {", "  rankdir=LR;", '  node [fontname="sans-serif"];', '  edge [fontname="sans-serif"];']
    for node in graph.nodes:
        values = {"label": _dot_label(_label(node)), "shape": _SHAPES[node.kind]}
        values |= {"style": _STYLES[node.kind]} if node.kind in _STYLES else {}
        values |= {"color": _COLOURS[node.marks[-1]]} if node.marks else {}
        lines.append(f"  {names[node.key]} [{_attributes(values)}];")
    for edge in graph.edges:
        values = {"label": _dot_label([edge.trigger])} if edge.trigger else {}
        values |= {"style": "dashed"} if edge.kind == EXTENDS else {}
        lines.append(f"  {names[edge.start]} -> {names[edge.end]}{f' [{_attributes(values)}]' if values else ''};")
    return "".join(f"{line}\n" for line in (*lines, "}"))


def _attributes(values: dict[str, str]) -> str:
    return ", ".join(f'{key}="{value}"' for key, value in values.items())


def _dot_label(lines: list[str]) -> str:
    """Return lines as the text between the quotes of a label, in which `\\n` ends a line and `&` starts an entity."""
    wrapped = (part for line in lines for part in wrap(shown(line), _MAX_LABEL))
    return "\\n".join(part.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") for part in wrapped)


_BRACKETS = {AGENT: "[]", EXTERNAL: "[]", BROKEN: "[]", BASE: ("[[", "]]"), BUNDLE_KIND: ("{{", "}}"), BLOCK: "()"}


def mermaid(graph: Graph) -> str:
    """Return the graph as a flowchart of Mermaid (mermaid.js.org/syntax/flowchart.html)."""
    names = _short_names(graph)
    lines = ["flowchart LR"]
    for node in graph.nodes:
        start, end = _BRACKETS[node.kind]
        label = "<br>".join(map(_mermaid_text, _label(node)))
        lines.append(f'  {names[node.key]}{start}"{label}"{end}')
    for edge in graph.edges:
        arrow = "-.->" if edge.kind == EXTENDS else "-->"
        label = f'|"{_mermaid_text(edge.trigger)}"|' if edge.trigger else ""
        lines.append(f"  {names[edge.start]} {arrow}{label} {names[edge.end]}")
    for kind in _STYLES:
        lines += _style([names[node.key] for node in graph.nodes if node.kind == kind], kind, "stroke-dasharray:4")
    for mark, colour in _COLOURS.items():
        keys = [names[node.key] for node in graph.nodes if node.marks[-1:] == (mark,)]
        lines += _style(keys, mark.replace(" ", "-"), f"stroke:{colour}")
    return "".join(f"{line}\n" for line in lines)


def _style(names: list[str], name: str, style: str) -> list[str]:
    return [f"  classDef {name} {style}", f"  class {','.join(names)} {name}"] if names else []


_PLAIN = lazy_re.compile(r"[A-Za-z0-9 ,]|(?<=\w)[-._/'](?=\w)|[^\x00-\x7f]")
"""What is written as it is in a label of Mermaid: characters that neither end it nor mean something in Markdown."""


def _mermaid_text(text: str) -> str:
    safe = shown(text)
    plain = {match.start() for match in _PLAIN.finditer(safe)}
    return "".join(one if index in plain else f"#{ord(one)};" for index, one in enumerate(safe))


def _short_names(graph: Graph) -> dict[Key, str]:
    return {node.key: f"n{index}" for index, node in enumerate(graph.nodes)}


def _label(node: Node) -> list[str]:
    """Return the lines of a node's label: its name, and below it what is special about it."""
    name = f"{BUNDLE}{node.name}" if node.kind == BUNDLE_KIND else node.name
    notes = [*([node.kind] if node.kind in (*_STYLES, BASE) else []), *node.marks]
    return [name, *([f"({', '.join(notes)})"] if notes else [])]


def json_graph(graph: Graph) -> str:
    """Return the graph as JSON: an object with `nodes`, `edges` and `cycles`. `docs/inspect.md` documents it."""
    nodes = [{"name": node.name, "kind": node.kind, "marks": node.marks} for node in graph.nodes]
    edges = [
        {
            "from": {"kind": edge.start[0], "name": edge.start[1]},
            "to": {"kind": edge.end[0], "name": edge.end[1]},
            "kind": edge.kind,
            "trigger": edge.trigger,
        }
        for edge in graph.edges
    ]
    return as_json({"nodes": nodes, "edges": edges, "cycles": graph.cycles})
