"""Graphs of a kit: which agents hand off to which others, and what agents are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kei_assembler.analysis.agents import contexts, errors_in
from kei_assembler.build.findings import limited
from kei_assembler.build.kit_plan import check_manifests
from kei_assembler.build.run import Policy
from kei_assembler.diagnostics import AssembleError, Diagnostic
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.model.inheritance import BUNDLE, INHERITED, is_bundle, is_drop
from kei_assembler.model.kinds import AGENT as AGENT_KIND
from kei_assembler.model.values import filled, values_for
from kei_assembler.records import NamedTuple
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.suggestions import did_you_mean
from kei_assembler.whitespace import collapse_whitespace

AGENT, EXTERNAL, BROKEN, BASE, BUNDLE_KIND, BLOCK = "agent", "external", "broken", "base", "bundle", "block"
"""The kinds of nodes. A broken agent has errors, and an external one has no manifest in the kit."""

HANDS_OFF, EXTENDS, LISTS = "hands off", "extends", "lists"
"""The kinds of edges."""

UNREACHABLE, DEAD_END, IN_CYCLE = "unreachable", "dead end", "in a cycle"
"""The marks of agents: no agent hands off to it, it hands off to none, and its work can come back to it."""


class Node(NamedTuple):
    """A node of a graph. The pair of `kind` and `name` is unique."""

    kind: str
    name: str
    marks: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """What edges refer to."""
        return self.kind, self.name


Key = tuple[str, str]
"""The kind and the name of a node."""


class Edge(NamedTuple):
    """An edge between two nodes. `trigger` is that of a handoff, on one line."""

    start: Key
    end: Key
    kind: str
    trigger: str = ""


class Graph(NamedTuple):
    """Nodes and edges in a fixed order, and the names in one cycle of each group of agents that form some."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    cycles: tuple[tuple[str, ...], ...] = ()


def valid_manifests(kit: LoadedKit) -> tuple[list[ManifestContext], list[Diagnostic]]:
    """Return the agents without errors, with what they inherit, sorted by name, and the errors of all agents.

    Raises:
        AssembleError: a folder of the kit cannot be read.
    """
    policy, files = Policy.of(kit), kit.manifest_files.of_kind(AGENT_KIND)
    errors = errors_in(policy.weigh(check_manifests(kit, files, policy.ignore)))
    broken = {one.location.file for one in errors}
    valid = [one for one in contexts(kit, files) if broken.isdisjoint(source.file for source in one.sources())]
    return sorted(valid, key=lambda one: one.manifest.name), limited(errors, policy.ignore)


def handoff_graph(kit: LoadedKit, agents: Sequence[ManifestContext]) -> Graph:
    """Return the handoffs between these agents of the kit, with the agents that they lead to."""
    names = {one.manifest.name for one in agents}

    def key(name: str) -> Key:
        if name in names:
            return AGENT, name
        return (EXTERNAL if name in kit.settings.external_agents else BROKEN), name

    edges = tuple(
        Edge((AGENT, one.manifest.name), key(handoff.target), HANDS_OFF, collapse_whitespace(handoff.trigger))
        for one in agents
        for handoff in filled(one.manifest, values_for(one.manifest._replace(target={}), "")).handoff
    )
    return marked({*((AGENT, name) for name in names), *(edge.end for edge in edges)}, edges)


def marked(keys: Iterable[Key], edges: tuple[Edge, ...]) -> Graph:
    """Return the graph with these nodes, sorted, and the marks of its agents."""
    starts, ends = {edge.start for edge in edges}, {edge.end for edge in edges}
    cycles = tuple(_cycles(sorted(keys), edges))
    grouped = {name for group, _ in cycles for name in group}
    nodes = []
    for kind, name in sorted(keys):
        is_marked = {
            UNREACHABLE: (kind, name) not in ends,
            DEAD_END: (kind, name) not in starts,
            IN_CYCLE: name in grouped,
        }
        nodes.append(Node(kind, name, tuple(mark for mark, holds in is_marked.items() if holds and kind == AGENT)))
    return Graph(tuple(nodes), edges, tuple(cycle for _, cycle in cycles))


def composition_graph(kit: LoadedKit, agents: Sequence[ManifestContext]) -> Graph:
    """Return what each of these agents and their bases list and extend, as written, and what their bundles contain."""
    names = {one.manifest.name for one in agents}
    edges: dict[Edge, None] = {}
    done: set[str] = set()
    for one in agents:
        files = (one.source.file, *one.resolved.bases)
        keys: list[Key] = [(AGENT if stem(file) in names else BASE, stem(file)) for file in files]
        for file, key, base in zip(files, keys, (*keys[1:], None), strict=True):
            if file not in done:
                done.add(file)
                data = kit.composition.source(file).data
                edges |= dict.fromkeys([Edge(key, base, EXTENDS)] if base else [])
                edges |= dict.fromkeys(_listed(kit, key, data))
    keys_of_edges = {key for edge in edges for key in (edge.start, edge.end)}
    nodes = sorted({*((AGENT, name) for name in names), *keys_of_edges}, key=lambda key: (_ORDER.index(key[0]), key[1]))
    return Graph(tuple(Node(*key) for key in nodes), tuple(edges))


_ORDER = (AGENT, BASE, BUNDLE_KIND, BLOCK)


def _listed(kit: LoadedKit, key: Key, data: Mapping[str, Any]) -> Iterator[Edge]:
    """Yield an edge to each entry of a list of blocks, and those of the bundles in it."""
    waiting: list[tuple[Key, Any]] = [(key, data.get("blocks", ()))]
    done = {key}
    while waiting:
        start, entries = waiting.pop(0)
        for entry in entries:
            if entry != INHERITED and not is_drop(entry):
                end = (BUNDLE_KIND, entry.removeprefix(BUNDLE)) if is_bundle(entry) else (BLOCK, entry)
                yield Edge(start, end, LISTS)
                if is_bundle(entry) and end not in done:
                    done.add(end)
                    waiting.append((end, kit.settings.bundles.get(end[1], ())))


def part(graph: Graph, start: str, depth: int | None = None) -> Graph:
    """Return the part of a graph that can be reached from an agent in at most so many steps. It keeps its marks.

    Raises:
        AssembleError: the graph has no agent of this name.
    """
    agents = {node.name: node.key for node in graph.nodes if node.kind in (AGENT, BASE)}
    if start not in agents:
        raise AssembleError(f"unknown agent `{start}`", did_you_mean(start, agents, "`assemble list` lists the agents"))
    following = _following(graph.edges)
    reached, last, left = {agents[start]}, {agents[start]}, depth
    while last and left != 0:
        last = {end for key in last for end in following.get(key, ())} - reached
        reached |= last
        left = None if left is None else left - 1
    nodes = tuple(node for node in graph.nodes if node.key in reached)
    edges = tuple(edge for edge in graph.edges if edge.start in reached and edge.end in reached)
    names = {node.name for node in nodes if node.kind == AGENT}
    return Graph(nodes, edges, tuple(cycle for cycle in graph.cycles if names.issuperset(cycle)))


def _following(edges: Iterable[Edge]) -> dict[Key, list[Key]]:
    following: dict[Key, list[Key]] = {}
    for edge in edges:
        following.setdefault(edge.start, []).append(edge.end)
    return following


def _cycles(keys: Sequence[Key], edges: Iterable[Edge]) -> Iterator[tuple[set[str], tuple[str, ...]]]:
    """Yield each group of several agents that can all reach each other, and a shortest cycle through its first one.

    This is Kosaraju's algorithm, without recursion: a chain of agents can be long.
    """
    edges = list(edges)
    following, before = _following(edges), _following(Edge(edge.end, edge.start, edge.kind) for edge in edges)
    seen: set[Key] = set()
    order = [key for start in keys for key in _left_last(start, following, seen)]
    seen.clear()
    groups = [list(_left_last(start, before, seen)) for start in reversed(order)]
    for group in sorted(sorted(group) for group in groups if len(group) > 1):
        members = set(group)
        inner = {key: sorted(members.intersection(following[key])) for key in group}
        yield {name for _, name in group}, _shortest(group[0], inner)


def _left_last(start: Key, following: Mapping[Key, Sequence[Key]], seen: set[Key]) -> Iterator[Key]:
    """Yield the nodes that can be reached from one and are not seen yet, each after those that it leads to."""
    if start in seen:
        return
    seen.add(start)
    way = [(start, iter(following.get(start, ())))]
    while way:
        key, ends = way[-1]
        end = next((end for end in ends if end not in seen), None)
        if end is None:
            yield key
            way.pop()
        else:
            seen.add(end)
            way.append((end, iter(following.get(end, ()))))


def _shortest(start: Key, following: Mapping[Key, Sequence[Key]]) -> tuple[str, ...]:
    """Return the names on a shortest way from a node back to it, without the repeated one."""
    before = {start: start}
    waiting = [start]
    for key in waiting:
        for end in following[key]:
            if end == start:
                way = [key]
                while way[-1] != start:
                    way.append(before[way[-1]])
                return tuple(name for _, name in reversed(way))
            if end not in before:
                before[end] = key
                waiting.append(end)
    raise AssertionError("the nodes of a group can reach each other")
