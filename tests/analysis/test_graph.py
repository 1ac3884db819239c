"""`assemble graph`: the handoffs, what agents are made of, marks, parts, and the formats."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Workbench, examples
from kei_assembler.analysis import drawings, graph
from kei_assembler.analysis.graph import AGENT, HANDS_OFF, Edge, Graph
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.report.layout import width
from node_scripts import node_command

AGENT_TOML = 'name = "{}"\ndescription = "Works."\nrole = "You work."\n'


def _agent(name: str, *handoffs: tuple[str, str], keys: str = "") -> str:
    tables = "".join(f"\n[[handoff]]\ntarget = {json.dumps(to)}\ntrigger = {json.dumps(why)}\n" for to, why in handoffs)
    return AGENT_TOML.format(name) + keys + tables


KIT = {
    "assemble.toml": (
        'external-agents = ["general-purpose"]\n[bundles]\ncore = ["@small", "style"]\nsmall = ["honesty"]\n'
    ),
    "agents/planner.toml": _agent("planner", ("coder", "a plan to\n build"), ("writer", "pages to write")),
    "agents/coder.toml": _agent(
        "coder", ("critic", "a diff"), keys='extends = "base"\nblocks = ["...", "rules#testing"]\n'
    ),
    "agents/critic.toml": _agent("critic", ("coder", "findings"), ("general-purpose", "searches")),
    "agents/writer.toml": _agent("writer", keys='blocks = ["style"]\n'),
    "agents/base.toml": 'name = "base"\nabstract = true\nblocks = ["@core"]\n',
    "_blocks/honesty.md": "Be honest.\n",
    "_blocks/style.md": "Be brief.\n",
    "_blocks/rules.md": "# RULES\n\n## Testing\n\nTest first.\n",
}
TEXT = """\
coder (in a cycle)
  -> critic: a diff
critic (in a cycle)
  -> coder: findings
  -> general-purpose (external): searches
planner (unreachable)
  -> coder: a plan to build
  -> writer: pages to write
writer (dead end)
cycle: coder -> critic -> coder
"""
BLOCKS = """\
coder
  extends base base
  block rules#testing
critic
planner
writer
  block style
base base
  bundle @core
bundle @core
  bundle @small
  block style
bundle @small
  block honesty
"""


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write(KIT)
    return bench


def test_text_lists_handoffs_marks_and_cycles(kit: Workbench) -> None:
    before = kit.files()
    summary = "4 agents and 5 handoffs: 1 unreachable, 1 dead end, 2 in a cycle\n"
    assert kit.run("graph") == (0, TEXT, summary)
    assert kit.files() == before


def test_blocks_are_drawn_as_the_manifests_list_them(kit: Workbench) -> None:
    assert kit.run("graph", "--blocks") == (0, BLOCKS, "4 agents, 1 base, 2 bundles and 3 blocks\n")


@pytest.mark.parametrize(
    ("args", "names"),
    [
        (["--from", "planner"], ["coder", "critic", "planner", "writer"]),
        (["--from", "planner", "--depth", "1"], ["coder", "planner", "writer"]),
        (["--from", "planner", "--depth", "0"], ["planner"]),
        (["--from", "writer"], ["writer"]),
        (["--from", "critic"], ["coder", "critic"]),
        (["--blocks", "--from", "coder"], ["coder"]),
    ],
)
def test_a_part_is_what_an_agent_leads_to(args: list[str], names: list[str], kit: Workbench) -> None:
    nodes = json.loads(kit.run("graph", "--output-format", "json", *args).stdout)["nodes"]
    assert [node["name"] for node in nodes if node["kind"] == "agent"] == names


def test_a_part_keeps_the_marks_of_the_whole(kit: Workbench) -> None:
    run = kit.run("graph", "--from", "planner", "--depth", "1")
    assert run.stdout == (
        "coder (in a cycle)\n"
        "planner (unreachable)\n  -> coder: a plan to build\n  -> writer: pages to write\n"
        "writer (dead end)\n"
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--from", "codr"], "error: unknown agent `codr`\n  help: did you mean `coder`?\n"),
        (["--from", "zzz"], "error: unknown agent `zzz`\n  help: `assemble list` lists the agents\n"),
        (["--from", "base"], "error: unknown agent `base`\n  help: `assemble list` lists the agents\n"),
        (["--depth", "1"], "Error: --depth requires --from\n"),
        (["--from", "coder", "--depth", "-1"], "Error: Invalid value for '--depth': -1 is not in the range x>=0.\n"),
        (["--output-format", "svg"], "Error: Invalid value for '--output-format'"),
    ],
)
def test_a_wrong_command_line_is_refused(args: list[str], message: str, kit: Workbench) -> None:
    run = kit.run("graph", *args)
    assert (run.status, run.stdout) == (2, "")
    assert message in run.stderr


def test_errors_go_to_stderr_and_the_others_are_drawn(kit: Workbench) -> None:
    kit.write({"agents/critic.toml": _agent("critic", ("codr", "findings"))})
    run = kit.run("graph")
    assert run.status == 1
    assert run.stdout.startswith("coder\n  -> critic (broken): a diff\n")
    assert run.stderr.startswith("agents/critic.toml:6:1: error[H301] unknown agent `codr`\n")
    assert run.stderr.count("error[") == 1


def test_error_in_a_base_breaks_its_heirs(kit: Workbench) -> None:
    kit.write({"agents/base.toml": 'name = "base"\nabstract = true\nblocks = ["@cor"]\n'})
    run = kit.run("graph", "--output-format", "json")
    assert (run.status, run.stderr.count("error[")) == (1, 1)
    nodes = {node["name"]: node["kind"] for node in json.loads(run.stdout)["nodes"]}
    assert nodes == {
        "critic": "agent",
        "planner": "agent",
        "writer": "agent",
        "coder": "broken",
        "general-purpose": "external",
    }


def test_kit_without_agents(bench: Workbench) -> None:
    bench.write({"assemble.toml": ""})
    assert bench.run("graph") == (0, "", "0 agents\n")
    assert bench.run("graph", "--output-format", "dot").stdout.startswith("digraph kit {\n")
    assert bench.run("graph", "--output-format", "mermaid").stdout == "flowchart LR\n"


def test_values_fill_triggers(kit: Workbench) -> None:
    kit.write({"agents/writer.toml": _agent("writer", ("coder", "code for {{NAME}}")) + '[values]\nNAME = "Kei"\n'})
    assert "  -> coder: code for Kei\n" in kit.run("graph").stdout


def test_json_has_nodes_edges_and_cycles(kit: Workbench) -> None:
    found = json.loads(kit.run("graph", "--output-format", "json", "--from", "critic").stdout)
    assert found == {
        "nodes": [
            {"name": "coder", "kind": "agent", "marks": ["in a cycle"]},
            {"name": "critic", "kind": "agent", "marks": ["in a cycle"]},
            {"name": "general-purpose", "kind": "external", "marks": []},
        ],
        "edges": [
            {
                "from": {"kind": "agent", "name": start},
                "to": {"kind": kind, "name": end},
                "kind": "hands off",
                "trigger": trigger,
            }
            for start, kind, end, trigger in (
                ("coder", "agent", "critic", "a diff"),
                ("critic", "agent", "coder", "findings"),
                ("critic", "external", "general-purpose", "searches"),
            )
        ],
        "cycles": [["coder", "critic"]],
    }


DOT = """\
digraph kit {
  rankdir=LR;
  node [fontname="sans-serif"];
  edge [fontname="sans-serif"];
  n0 [label="planner\\n(unreachable)", shape="box", color="#b45309"];
  n1 [label="writer\\n(dead end)", shape="box", color="#6b7280"];
  n0 -> n1 [label="pages to write"];
}
"""
MERMAID = """\
flowchart LR
  n0["planner<br>#40;unreachable#41;"]
  n1["writer<br>#40;dead end#41;"]
  n0 -->|"pages to write"| n1
  classDef unreachable stroke:#b45309
  class n0 unreachable
  classDef dead-end stroke:#6b7280
  class n1 dead-end
"""


@pytest.mark.parametrize(("name", "drawing"), [("dot", DOT), ("mermaid", MERMAID)])
def test_drawings(name: str, drawing: str, bench: Workbench) -> None:
    files = {
        "agents/planner.toml": _agent("planner", ("writer", "pages to write")),
        "agents/writer.toml": KIT["agents/writer.toml"],
    }
    bench.write({"_blocks/style.md": KIT["_blocks/style.md"], **files})
    assert bench.run("graph", "--output-format", name) == (0, drawing, "")


HOSTILE = (
    'say "stop"',
    "back\\slash \\N \\l \\",
    "brackets [x] (y) {z} <b>bold</b> | pipe",
    "<script>alert(1)</script> &amp; &lt; &#35; #35; #quot;",
    'x"] --> n9["y',
    'x"]; n9 [label="y',
    "- item", "1. item", "# heading", "`code` **bold** _it_ ~~no~~",
    "%% comment %%{init: {}}%%", "end", "subgraph x", "click n0 callback",
    "emoji \U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 and \u05e9\u05dc\u05d5\u05dd",
    "\u0645\u0631\u062d\u0628\u0627 (x)",
    "$$x^2$$", "a;b;c: d, e. f! g? 'h' i=j @k ~l ^m",
    "x" * 3000,
)  # fmt: skip


def _hostile(triggers: Iterable[str]) -> Graph:
    edges = tuple(
        Edge((AGENT, "a"), (graph.EXTERNAL, f"b {index}"), HANDS_OFF, one) for index, one in enumerate(triggers)
    )
    blocks = tuple(Edge((AGENT, "a"), (graph.BLOCK, one), graph.LISTS) for one in triggers)
    return _graph_of((*edges, *blocks))


def _graph_of(edges: tuple[Edge, ...]) -> Graph:
    return graph.marked({(AGENT, "0"), *(key for edge in edges for key in (edge.start, edge.end))}, edges)


def _in_svg(drawing: str) -> str:
    """Return the texts that Graphviz draws, without white space."""
    if not (dot := shutil.which("dot")):
        pytest.skip("Graphviz is not installed; apt-get install graphviz")
    run = subprocess.run([dot, "-Tsvg"], input=drawing, capture_output=True, encoding="utf-8", check=True, timeout=120)
    assert "Error" not in run.stderr
    texts = ET.fromstring(run.stdout).iter("{http://www.w3.org/2000/svg}text")
    return "".join("".join((text.text or "").split()) for text in texts)


@pytest.mark.slow
def test_graphviz_draws_every_text_as_it_is() -> None:
    drawn = _in_svg(drawings.dot(_hostile(HOSTILE)))
    missing = [text for text in HOSTILE if drawn.count("".join(shown(" ".join(text.split())).split())) < 2]
    assert missing == []


@pytest.mark.slow
def test_mermaid_reads_every_text_as_it_is() -> None:
    command = node_command("mermaid_parser.mjs", "mermaid", "jsdom")
    drawn = _hostile(HOSTILE)
    line = json.dumps(drawings.mermaid(drawn)) + "\n"
    run = subprocess.run(command, input=line, capture_output=True, encoding="utf-8", check=True, timeout=120)
    read = json.loads(run.stdout)
    texts = [shown(" ".join(text.split())) for text in HOSTILE]
    assert [edge[2] for edge in read["edges"]] == [*texts, *[""] * len(texts)]
    assert {node[1] for node in read["nodes"]} >= set(texts)
    assert len(read["nodes"]) == len(drawn.nodes)


def test_hidden_characters_are_shown(kit: Workbench) -> None:
    hidden = "a\u202eb\u200bc\x1b[31m"
    kit.write({"agents/writer.toml": _agent("writer", ("coder", hidden))})
    for name in ("text", "mermaid", "dot", "json"):
        run = kit.run("graph", "--output-format", name)
        assert not set("\u202e\u200b\x1b") & set(run.stdout + run.stderr)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.text(max_size=12)), max_size=14))
@examples(100)
def test_marks_and_cycles_are_those_of_a_slow_search(pairs: list[tuple[int, int, str]]) -> None:
    edges = tuple(Edge((AGENT, str(a)), (AGENT, str(b)), HANDS_OFF, text) for a, b, text in pairs if a != b)
    found = _graph_of(edges)
    reached = {
        node.name: {one.name for one in graph.part(found, node.name).nodes} - {node.name} for node in found.nodes
    }
    for node in found.nodes:
        others = {other for other in reached[node.name] if node.name in reached[other]}
        assert ("in a cycle" in node.marks) == bool(others)
        assert ("dead end" in node.marks) == (not reached[node.name])
        assert ("unreachable" in node.marks) == all(node.name not in each for each in reached.values())
    steps = {(edge.start[1], edge.end[1]) for edge in edges}
    for cycle in found.cycles:
        assert {*zip(cycle, (*cycle[1:], cycle[0]), strict=True)} <= steps
        assert len(set(cycle)) == len(cycle) > 1
    for draw in (drawings.text, drawings.dot, drawings.mermaid, drawings.json_graph):
        assert draw(found) == draw(_graph_of(edges))
        assert all(shown(line) == line for line in draw(found).split("\n"))


def test_a_long_chain_is_no_recursion() -> None:
    edges = tuple(Edge((AGENT, f"{a:05}"), (AGENT, f"{a + 1:05}"), HANDS_OFF) for a in range(20_000))
    whole = _graph_of((*edges, Edge((AGENT, "20000"), (AGENT, "00000"), HANDS_OFF)))
    assert [len(cycle) for cycle in whole.cycles] == [20_001]


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_text_fits_the_terminal(columns: int) -> None:
    text = drawings.text(_hostile(HOSTILE), columns, colours=False)
    assert max(map(width, text.splitlines())) <= columns


def test_colours_change_nothing_else() -> None:
    whole = _hostile(HOSTILE)
    assert re.sub(r"\x1b\[\d*m", "", drawings.text(whole, 60, colours=True)) == drawings.text(whole, 60)


def test_a_very_long_trigger_is_wrapped_in_time() -> None:
    whole = _hostile(["x" * 500_000])
    assert max(map(width, drawings.text(whole, 60).splitlines())) <= 60
    assert drawings.dot(whole)
    assert drawings.mermaid(whole)
