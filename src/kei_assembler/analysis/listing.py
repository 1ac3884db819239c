"""The list of a kit's agents, as a table or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kei_assembler.analysis.agents import NO_FILES, STATES, Agent
from kei_assembler.analysis.uses import values_of
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown.hidden_text import as_json, shown
from kei_assembler.report.layout import BOLD, BOLD_RED, BOLD_YELLOW, GREEN, painted, width
from kei_assembler.report.markdown_text import cut
from kei_assembler.suggestions import counted

_GAP = "  "
_COLOURS = {
    "foreign": BOLD_RED,
    "edited": BOLD_RED,
    "missing": BOLD_YELLOW,
    "out of date": BOLD_YELLOW,
    "up to date": GREEN,
}
_HEADINGS = ("AGENT", "MODEL", "TOOLS", "BLOCKS", "TOKENS", "SHARED", "STATE", "TARGETS")
_NUMBERS = ("TOOLS", "BLOCKS", "TOKENS", "SHARED")
_LAST = "TARGETS"
_MIN_LAST = 16
"""The width that the last column has at least. It is wrapped."""

ALL_TOOLS = "all"


def table(
    agents: Sequence[Agent], shared: Mapping[str, int] | None = None, columns: int | None = None, colours: bool = False
) -> str:
    """Return a line for each agent below a line of headings, or an empty text without agents.

    With `shared`, which is what `shared_tokens` returns, there is a column for it. In a width of so many `columns`, the
    targets are wrapped. If they do not fit either, each agent has several lines.
    """
    rows = [_cells(agent, shared) for agent in agents]
    if not rows:
        return ""
    headings = [heading for heading in _HEADINGS if heading in rows[0]]
    widths = {heading: max(width(heading), *(width(row[heading]) for row in rows)) for heading in headings}
    left = sum(widths[heading] + len(_GAP) for heading in headings[:-1])
    if columns is not None and left + widths[_LAST] > columns and columns - left < _MIN_LAST:
        return "".join(line for row in rows for line in _stacked(row, columns, colours))
    free = None if columns is None else columns - left
    lines = [_line({heading: heading for heading in headings}, widths, BOLD if colours else "")]
    for row in rows:
        first, *others = _wrapped(row[_LAST], free)
        lines.append(_line(row | {_LAST: first}, widths, _COLOURS.get(row["STATE"], "") if colours else "", "STATE"))
        lines += (" " * left + other for other in others)
    return "".join(f"{line}\n" for line in lines)


def _cells(agent: Agent, shared: Mapping[str, int] | None) -> dict[str, str]:
    tools = agent.manifest.tools
    share = {} if shared is None else {"SHARED": f"{_share(shared[agent.name], agent.tokens):.0%}"}
    return {
        "AGENT": shown(agent.name),
        "MODEL": shown(agent.manifest.model) or "-",
        "TOOLS": ALL_TOOLS if tools is None or "*" in tools else f"{len(tools):,}",
        "BLOCKS": f"{len(agent.manifest.blocks):,}",
        "TOKENS": f"{agent.tokens:,}",
        **share,
        "STATE": agent.state,
        "TARGETS": ", ".join(agent.targets) or "-",
    }


def _share(part: int, whole: int) -> float:
    return min(part / whole, 1) if whole else 0


def _line(row: Mapping[str, str], widths: Mapping[str, int], style: str, only: str = "") -> str:
    """Return a line of the table, in a style, or with `only` one cell in it."""
    cells = []
    for heading, size in widths.items():
        cell, space = row[heading], " " * (size - width(row[heading]))
        cell = painted(cell, style) if style and only in ("", heading) else cell
        cells.append(space + cell if heading in _NUMBERS else cell + space)
    return _GAP.join(cells).rstrip(" ")


def _wrapped(text: str, columns: int | None) -> list[str]:
    return [text] if columns is None else [line.rstrip(" ") for line in cut(text, columns, "", "")]


def _stacked(row: Mapping[str, str], columns: int, colours: bool) -> Iterator[str]:
    """Yield the lines about an agent in a narrow terminal: its name, and below it everything else."""
    share = f" ({row['SHARED']} shared)" if "SHARED" in row else ""
    model = [row["MODEL"]] if row["MODEL"] != "-" else []
    numbers = (
        f"{_of(row['TOOLS'], 'tool')}",
        f"{_of(row['BLOCKS'], 'block')}",
        f"{_of(row['TOKENS'], 'token')}{share}",
    )
    yield painted(row["AGENT"], BOLD, colours) + "\n"
    for text in (", ".join([row["STATE"], *model, *numbers]), row[_LAST]):
        yield from (f"{line.rstrip(' ')}\n" for line in cut(text, columns, "  ", "  "))


def _of(number: str, noun: str) -> str:
    return f"{number} {noun}{'' if number == '1' else 's'}"


def summary(agents: Sequence[Agent], total: int) -> str:
    """Return a line with the number of agents in each state: "3 of 5 agents: 2 up to date, 1 edited"."""
    states = Counter(agent.state for agent in agents)
    parts = ", ".join(f"{states[state]:,} {state}" for state in (*reversed(STATES.values()), NO_FILES) if states[state])
    number = counted(total, "agent") if len(agents) == total else f"{len(agents):,} of {counted(total, 'agent')}"
    return f"{number}{': ' if parts else ''}{parts}\n"


def json_list(kit: LoadedKit, agents: Iterable[Agent], shared: Mapping[str, int]) -> str:
    """Return the agents as JSON: an object with the list `items`. `docs/inspect.md` documents it."""
    return as_json({"items": [_item(kit, agent, shared[agent.name]) for agent in agents]})


def _item(kit: LoadedKit, agent: Agent, shared: int) -> dict[str, Any]:
    manifest = agent.manifest
    return {
        "name": agent.name,
        "kind": "agent",
        "manifest": agent.file,
        "model": manifest.model,
        "tools": manifest.tools,
        "blocks": manifest.blocks,
        "bundles": agent.bundles,
        "bases": agent.bases,
        "values": sorted(values_of(kit, agent)),
        "handoffs": [handoff.target for handoff in manifest.handoff],
        "tokens": agent.tokens,
        "shared": shared,
        "targets": agent.targets,
        "state": agent.state,
        "outputs": [output._asdict() for output in agent.outputs],
    }
