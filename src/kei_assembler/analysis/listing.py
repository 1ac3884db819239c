"""The list of a kit's agents, instructions and skills, as a table or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kei_assembler.analysis.agents import NO_FILES, STATES, Item, Output
from kei_assembler.analysis.uses import values_of
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown.hidden_text import as_json, shown
from kei_assembler.model.kinds import AGENT, KINDS
from kei_assembler.report.layout import BOLD, BOLD_RED, BOLD_YELLOW, GREEN, painted, width
from kei_assembler.report.markdown_text import cut
from kei_assembler.suggestions import counted, listed

_GAP = "  "
_COLOURS = {
    "foreign": BOLD_RED,
    "edited": BOLD_RED,
    "missing": BOLD_YELLOW,
    "out of date": BOLD_YELLOW,
    "up to date": GREEN,
}
_HEADINGS = ("AGENT", "NAME", "KIND", "MODEL", "TOOLS", "BLOCKS", "TOKENS", "SHARED", "STATE", "TARGETS")
_NUMBERS = ("TOOLS", "BLOCKS", "TOKENS", "SHARED")
_LAST = "TARGETS"
_MIN_LAST = 16
"""The width that the last column has at least. It is wrapped."""

ALL_TOOLS = "all"


def table(
    items: Sequence[Item], shared: Mapping[str, int] | None = None, columns: int | None = None, colours: bool = False
) -> str:
    """Return a line for each item below a line of headings, or an empty text without items.

    If some of them are not agents, there is a column for the kind. With `shared`, which is what `shared_tokens`
    returns, there is one for that. In a width of so many `columns`, the targets are wrapped. If they do not fit either,
    each item has several lines.
    """
    with_kind = any(item.kind != AGENT.name for item in items)
    rows = [_cells(item, shared, with_kind) for item in items]
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


def _cells(item: Item, shared: Mapping[str, int] | None, with_kind: bool) -> dict[str, str]:
    name = {"NAME": shown(item.name), "KIND": item.kind} if with_kind else {"AGENT": shown(item.name)}
    share = {} if shared is None else {"SHARED": f"{_share(shared[item.label], item.tokens):.0%}"}
    return {
        **name,
        "MODEL": shown(item.manifest.model) or "-",
        "TOOLS": _tools(item),
        "BLOCKS": f"{len(item.manifest.blocks):,}",
        "TOKENS": f"{item.tokens:,}",
        **share,
        "STATE": item.state,
        "TARGETS": ", ".join(item.targets) or "-",
    }


def _tools(item: Item) -> str:
    tools = item.manifest.tools
    if item.kind != AGENT.name and not tools:
        return "-"
    return ALL_TOOLS if tools is None or "*" in tools else f"{len(tools):,}"


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
    """Yield the lines about an item in a narrow terminal: its name, and below it everything else."""
    share = f" ({row['SHARED']} shared)" if "SHARED" in row else ""
    words = [row[heading] for heading in ("KIND", "MODEL") if row.get(heading, "-") != "-"]
    numbers = (
        *([_of(row["TOOLS"], "tool")] if row["TOOLS"] != "-" else []),
        f"{_of(row['BLOCKS'], 'block')}",
        f"{_of(row['TOKENS'], 'token')}{share}",
    )
    yield painted(row.get("AGENT") or row["NAME"], BOLD, colours) + "\n"
    for text in (", ".join([row["STATE"], *words, *numbers]), row[_LAST]):
        yield from (f"{line.rstrip(' ')}\n" for line in cut(text, columns, "  ", "  "))


def _of(number: str, noun: str) -> str:
    return f"{number} {noun}{'' if number == '1' else 's'}"


def summary(items: Sequence[Item], totals: Mapping[str, int]) -> str:
    """Return a line with the number of items in each state: "3 of 5 agents: 2 up to date, 1 edited".

    `totals` are the numbers of all items by kind.
    """
    states, shown_of = Counter(item.state for item in items), Counter(item.kind for item in items)
    parts = ", ".join(f"{states[state]:,} {state}" for state in (*reversed(STATES.values()), NO_FILES) if states[state])
    numbers = (
        f"{'' if shown_of[kind] == total else f'{shown_of[kind]:,} of '}{counted(total, KINDS[kind].noun)}"
        for kind, total in (sorted(totals.items()) or [(AGENT.name, 0)])
    )
    return f"{listed(numbers, str)}{': ' if parts else ''}{parts}\n"


def json_list(kit: LoadedKit, items: Iterable[Item], shared: Mapping[str, int]) -> str:
    """Return the items as JSON: an object with the list `items`. `docs/inspect.md` documents it."""
    return as_json({"items": [_item(kit, item, shared[item.label]) for item in items]})


def _item(kit: LoadedKit, item: Item, shared: int) -> dict[str, Any]:
    manifest = item.manifest
    return {
        "name": item.name,
        "kind": item.kind,
        "manifest": item.file,
        "model": manifest.model,
        "tools": manifest.tools if item.kind == AGENT.name else manifest.tools or [],
        "blocks": manifest.blocks,
        "bundles": item.bundles,
        "bases": item.bases,
        "values": sorted(values_of(kit, item)),
        "handoffs": [handoff.target for handoff in manifest.handoff],
        "tokens": item.tokens,
        "shared": shared,
        "targets": item.targets,
        "state": item.state,
        "outputs": [_output(output) for output in item.outputs],
    }


def _output(output: Output) -> dict[str, Any]:
    return {
        "target": output.target,
        "path": output.path,
        "state": output.state,
        "tokens": output.tokens,
        **({"section": output.section} if output.section else {}),
        **({"targets": output.targets} if output.is_shared else {}),
    }
