"""The text about one agent: its parts, what it may do in each client, its handoffs and its files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kei_assembler.analysis.agents import Agent
from kei_assembler.analysis.parts import Part, handoffs_to, matrix, parts
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.model.manifest import Handoff
from kei_assembler.report.layout import BOLD, painted, width
from kei_assembler.report.markdown_text import cut
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.whitespace import collapse_whitespace

_GAP, _REST = "  ", "    "


def portrait(kit: LoadedKit, agent: Agent, columns: int | None = None, colours: bool = False) -> str:
    """Return the text about an agent. In a width of so many `columns`, long lines are wrapped."""
    context = ManifestContext(kit, kit.read_manifest(agent.file))
    titled = (
        (agent.name, _facts(agent)),
        ("PARTS", _of_parts(parts(kit, context, agent))),
        ("TOOLS AND RIGHTS", _of_matrix(agent, matrix(kit, agent), columns)),
        ("HANDOFFS", _of_handoffs(agent, handoffs_to(kit, agent))),
        ("FILES", _table([(one.path, one.state, f"{one.tokens:,} tokens") for one in agent.outputs])),
    )
    texts = []
    for title, lines in titled:
        fitting = [each for line in lines for each in _fitting(line, columns)]
        if fitting:
            texts.append("".join(f"{line}\n" for line in (painted(title, BOLD, colours), *fitting)))
    return "\n".join(texts)


def _fitting(line: str, columns: int | None) -> Iterator[str]:
    pieces = [_GAP + line] if columns is None else cut(line, columns, _GAP, _REST)
    return (piece.rstrip(" ") for piece in pieces)


def _facts(agent: Agent) -> Iterator[str]:
    yield shown(collapse_whitespace(agent.manifest.description))
    yield shown(", ".join([agent.file, *(f"extends {base}" for base in agent.bases)]))
    model = f"model {agent.manifest.model}, " if agent.manifest.model else ""
    yield shown(f"{model}{agent.state}, {agent.tokens:,} tokens in the largest file")


def _of_parts(found: Sequence[Part]) -> list[str]:
    rows = [
        (part.name, f"{part.tokens:,}", f"{part.source}{f', listed in {part.listed}' if part.listed else ''}")
        for part in found
    ]
    return _table(rows, 1)


def _of_matrix(agent: Agent, rows: Sequence[tuple[str, ...]], columns: int | None) -> list[str]:
    if not rows:
        return ["none"]
    lines = _table([("", *agent.targets), *rows])
    if columns is None or max(map(width, lines)) + len(_GAP) <= columns:
        return lines
    # too wide: a list for each client
    return [
        f"{target}: {', '.join(shown(f'{row[0]} {row[index]}') for row in rows)}"
        for index, target in enumerate(agent.targets, 1)
    ]


def _of_handoffs(agent: Agent, into: Sequence[Handoff]) -> Iterator[str]:
    for sign, handoffs in (("->", agent.manifest.handoff), ("<-", into)):
        for handoff in handoffs:
            yield shown(f"{sign} {handoff.target}: {collapse_whitespace(handoff.trigger)}")


def _table(rows: Sequence[tuple[str, ...]], number: int = 2) -> list[str]:
    """Return rows of cells as lines with aligned columns. Those of the column `number` are numbers, on the right."""
    cells = [tuple(map(shown, row)) for row in rows]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        spaces = [" " * (size - width(cell)) for size, cell in zip(widths, row, strict=True)]
        padded = [
            space + cell if index == number and cell[:1].isdigit() else cell + space
            for index, (cell, space) in enumerate(zip(row, spaces, strict=True))
        ]
        lines.append(_GAP.join(padded).rstrip(" "))
    return lines
