"""The impact of a change as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kei_assembler.analysis.impact import phrases
from kei_assembler.analysis.impact.results import CHANGED, SEVERAL, Effect, Impact, Item
from kei_assembler.report.layout import BOLD, BOLD_RED, BOLD_YELLOW, CYAN, GREEN, RED, painted
from kei_assembler.report.markdown_text import cut
from kei_assembler.report.text_report import escaped

_INDENT = "  "
_NAMES = 3
_MAX_LINES = 40
_MAX_GENERATED = 12
_MAX_ITEMS = 50
_DIFF_COLOURS = {"+": GREEN, "-": RED, "@": CYAN}
_GENERATED = ("bundle", "value", "template", SEVERAL)
"""The kinds of causes whose own lines do not show what the files get."""


def as_text(impact: Impact, columns: int | None = None, colours: bool = False) -> str:
    """Return the impact as text. In a width of so many `columns`, long lines are wrapped."""
    found = phrases.rights(impact)
    paragraphs: list[Iterable[tuple[str, str]]] = []
    if impact.incomparable:
        paragraphs.append([(phrases.incomparable(impact), BOLD_RED)])
    if found:
        gains = [(f"{_INDENT}{right.text()}", BOLD_YELLOW if right.is_gain else "") for right in found]
        paragraphs.append([("RIGHTS", BOLD), *gains])
    paragraphs += map(_effect, impact.effects)
    for kind, items in phrases.by_kind(impact.items):
        lines = (line for item in items[:_MAX_ITEMS] for line in _item(item))
        more = [(f"{_INDENT}… {len(items) - _MAX_ITEMS:,} more", "")] if len(items) > _MAX_ITEMS else []
        paragraphs.append([(kind.folder.upper(), BOLD), *lines, *more])
    if impact.unused:
        names = ", ".join(change.cause.name for change in impact.unused)
        paragraphs.append([(f"changed without any effect: {names}", "")])
    texts = ["".join(_line(*line, columns, colours) for line in paragraph) for paragraph in paragraphs]
    return "\n".join((*texts, f"{phrases.summary(impact)}\n"))


def _line(text: str, style: str, columns: int | None, colours: bool) -> str:
    line = escaped(text).removesuffix("\n")
    indent = line[: len(line) - len(line.lstrip(" "))]
    pieces = [line] if columns is None else cut(line[len(indent) :], columns, indent, indent + _INDENT)
    return "".join(f"{painted(piece.rstrip(' '), style, colours)}\n" for piece in pieces)


def _effect(effect: Effect) -> Iterator[tuple[str, str]]:
    change = effect.change
    names = ", ".join((*effect.labels[:_NAMES], *(["…"] if len(effect.labels) > _NAMES else [])))
    lines = phrases.lines(change)
    size = f"  {lines}" if lines else ""
    growth = phrases.growth(effect)
    tail = f"{phrases.reach(effect)}: {names}{f'   {growth}' if growth else ''}"
    yield f"{change.cause.name}{phrases.status(change)}{size}  {phrases.ARROW}  {tail}", BOLD
    for line in cropped(change.diff, _MAX_LINES):
        yield f"{_INDENT}{line}", _DIFF_COLOURS.get(line[:1], "")
    heading, others = generated(effect)
    for text in [heading, *others] if heading else ():
        yield f"{_INDENT}{text}", _DIFF_COLOURS.get(text[:1], "")


def cropped(lines: Iterable[str], maximum: int) -> Iterator[str]:
    """Yield lines without their ends, and after so many of them only how many more there are."""
    kept = [line.rstrip("\n") for line in lines]
    yield from kept[:maximum]
    if len(kept) > maximum:
        yield f"… {len(kept) - maximum:,} more lines"


def generated(effect: Effect) -> tuple[str, list[str]]:
    """Return what a cause changes in most files, as a heading and the lines of a diff.

    The heading is empty if its own lines show that, or if it changes no lines of files.
    """
    if effect.change.cause.kind not in _GENERATED:
        return "", []
    by_share: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = {}
    for output in effect.outputs:
        share = effect.share(output)
        if share.added or share.removed:
            key = share.removed, share.added
            by_share[key] = by_share.get(key, 0) + 1
    if not by_share:
        return "", []
    (removed, added), number = max(by_share.items(), key=lambda each: each[1])
    is_all = number == len(effect.outputs)
    heading = "in each file:" if is_all else f"in {number:,} of {len(effect.outputs):,} files:"
    lines = [*(f"-{line}" for line in removed), *(f"+{line}" for line in added)]
    return heading, [*cropped(lines, _MAX_GENERATED)]


def _item(item: Item) -> Iterator[tuple[str, str]]:
    status = "" if item.status == CHANGED else f"{item.status}, "
    yield f"{_INDENT}{item.named.label}: {status}{phrases.tokens(item)}, in {phrases.labels(item.targets)}", ""
    for detail in phrases.details(item):
        yield f"{_INDENT * 2}{detail}", ""
