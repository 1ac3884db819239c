"""The text about one agent, or about instructions: the parts and the files, and what the agent may do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kei_assembler.analysis.agents import Item, Output
from kei_assembler.analysis.parts import Part, handoffs_to, matrix, parts
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.model.kinds import AGENT, INSTRUCTIONS
from kei_assembler.model.manifest import Handoff
from kei_assembler.report.layout import BOLD, painted, width
from kei_assembler.report.markdown_text import cut
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.whitespace import collapse_whitespace

_GAP, _REST = "  ", "    "


def portrait(kit: LoadedKit, item: Item, columns: int | None = None, colours: bool = False) -> str:
    """Return the text about an item. In a width of so many `columns`, long lines are wrapped."""
    context = ManifestContext(kit, kit.read_manifest(item.file))
    is_agent = item.kind == AGENT.name
    titled = (
        (item.label, _facts(item)),
        ("PARTS", _of_parts(parts(kit, context, item))),
        ("TOOLS AND RIGHTS", _of_matrix(item, matrix(kit, item), columns) if is_agent else ()),
        ("HANDOFFS", _of_handoffs(item, handoffs_to(kit, item)) if is_agent else ()),
        ("FILES", _table([*_of_files(item.outputs)])),
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


def _facts(item: Item) -> Iterator[str]:
    manifest = item.manifest
    if item.kind == AGENT.name or manifest.description:
        yield shown(collapse_whitespace(manifest.description))
    yield shown(", ".join([item.file, *(f"extends {base}" for base in item.bases)]))
    if item.kind == INSTRUCTIONS.name:
        place = f"the folder {manifest.folder}" if manifest.folder else "the whole repository"
        yield shown(f"for {', '.join(manifest.paths)} in {place}" if manifest.paths else f"for {place}")
    model = f"model {manifest.model}, " if manifest.model else ""
    what = "section" if item.largest and item.largest.section else "file"
    yield shown(f"{model}{item.state}, {item.tokens:,} tokens in the largest {what}")


def _of_files(outputs: Sequence[Output]) -> Iterator[tuple[str, ...]]:
    with_readers = any(output.is_shared for output in outputs)
    for output in outputs:
        row = f"{output.path}{_what(output)}", output.state, f"{output.tokens:,} tokens"
        yield (*row, f"for {', '.join(output.targets)}") if with_readers else row


def _what(output: Output) -> str:
    return f" ({'imports' if output.imports else 'section'} {output.section})" if output.section else ""


def _of_parts(found: Sequence[Part]) -> list[str]:
    rows = [
        (part.name, f"{part.tokens:,}", f"{part.source}{f', listed in {part.listed}' if part.listed else ''}")
        for part in found
    ]
    return _table(rows, 1)


def _of_matrix(agent: Item, rows: Sequence[tuple[str, ...]], columns: int | None) -> list[str]:
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


def _of_handoffs(agent: Item, into: Sequence[Handoff]) -> Iterator[str]:
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
