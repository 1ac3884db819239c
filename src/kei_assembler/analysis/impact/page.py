"""The impact of a change as Markdown, for a comment on a pull request or the summary of a job."""

from __future__ import annotations

from collections.abc import Sequence

from kei_assembler.analysis.impact import phrases
from kei_assembler.analysis.impact.results import Change, Effect, Impact, Item
from kei_assembler.analysis.impact.text import cropped, generated
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.markdown.structure import code_span, fence_around
from kei_assembler.model.kinds import KINDS
from kei_assembler.suggestions import counted, listed

MAX_CHARACTERS = 60_000
"""The maximum size of the page. GitHub accepts comments of 65,536 characters."""

_ROOM_FOR_REST = 1000
_MAX_DIFF = 200
_NAMES = 10


class _Page:
    """Collects the lines of a page, as long as there is room for them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._room = MAX_CHARACTERS - _ROOM_FOR_REST

    def add(self, text: str) -> bool:
        """Add a text, unless it is too long for the room that is left. Return whether it was added."""
        if len(text) + 1 > self._room:
            return False
        self._room -= len(text) + 1
        self.lines.append(text)
        return True

    def add_all(self, heading: str, texts: Sequence[str], what: str) -> None:
        """Add a heading and texts, and the number of those that are left out because there is no room."""
        if not texts or not self.add(heading):
            return
        for index, text in enumerate(texts):
            if not self.add(text):
                self.lines.append(f"\n… and {counted(len(texts) - index, what)} more, left out here")
                self._room = 0
                return


def as_markdown(impacts: Sequence[tuple[str, Impact]]) -> str:
    """Return the impact on one or several kits, each with a name, as a page of at most `MAX_CHARACTERS` characters.

    Of several kits, those without an impact are left out.
    """
    page = _Page()
    affected = [one for one in impacts if one[1].items or one[1].incomparable or len(impacts) == 1]
    if not affected:
        page.add(f"## Impact on agents of {counted(len(impacts), 'kit')}: {phrases.summary(impacts[0][1])}")
    for index, (name, impact) in enumerate(affected):
        if index:
            page.add("")
        if not page.add(
            f"## Impact on {_nouns(impact)}{f' of {_code(name)}' if name else ''}: {phrases.summary(impact)}"
        ):
            page.lines.append(f"\n… and {counted(len(affected) - index, 'kit')} more, left out here")
            break
        _add(page, impact)
    return "\n".join(page.lines) + "\n"


def _add(page: _Page, impact: Impact) -> None:
    page.add(f"\nFrom {_code(impact.since)} to {_code(impact.until)}.")
    if impact.incomparable:
        page.add(f"\n**{phrases.incomparable(impact, _code)}.**")
    page.add_all("\n### Rights\n", [_right(right) for right in phrases.rights(impact)], "change")
    causes = [_cause_row(effect) for effect in impact.effects]
    page.add_all(f"\n### Causes\n\n{_head('cause', 'lines', 'affects', 'tokens', _nouns(impact))}", causes, "cause")
    for kind, items in phrases.by_kind(impact.items):
        heading = f"\n### {kind.folder.capitalize()}\n\n{_head(kind.name, 'change', 'tokens', 'clients', 'more')}"
        page.add_all(heading, [_item_row(item) for item in items], kind.noun)
    diffs = [text for effect in impact.effects if (text := _diff(effect))]
    page.add_all("\n### Changes\n", diffs, "diff")
    unused = [f"- {_cause(change)}" for change in impact.unused]
    page.add_all("\n### Changed without any effect\n", unused, "source")


def _code(text: str) -> str:
    return code_span(shown(text)) if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _right(right: phrases.Right) -> str:
    sentence = right.text(_code)
    return f"- **{sentence}**" if right.is_gain else f"- {sentence}"


def _cause(change: Change) -> str:
    cause = change.cause
    return f"{_code(cause.file)}: {_code(cause.key)}" if cause.key else _code(cause.file) or "several causes"


def _cause_row(effect: Effect) -> str:
    change = effect.change
    more = [f"and {len(effect.labels) - _NAMES:,} more"] if len(effect.labels) > _NAMES else []
    names = ", ".join((*map(_code, effect.labels[:_NAMES]), *more))
    name = f"{_cause(change)}{phrases.status(change)}"
    return _row(name, phrases.lines(change), phrases.reach(effect), phrases.growth(effect), names)


def _item_row(item: Item) -> str:
    details = "; ".join(_code(detail) for detail in phrases.details(item))
    return _row(_code(item.named.label), item.status, phrases.tokens(item), phrases.labels(item.targets), details)


def _nouns(impact: Impact) -> str:
    return listed((KINDS[kind].folder for kind in impact.kinds), str)


def _head(*names: str) -> str:
    return f"{_row(*names)}\n{'|---' * len(names)}|"


def _row(*cells: str) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _diff(effect: Effect) -> str:
    """A section that unfolds, with the diff of a cause, or with what it changes in the files."""
    heading, others = generated(effect)
    lines = [*effect.change.diff, *([f"# {heading}", *others] if heading else [])]
    text = "\n".join(shown(line) for line in cropped(lines, _MAX_DIFF))
    if not text:
        return ""
    fence = fence_around(text)
    # in code, GitHub mentions nobody and links nothing
    name = shown(effect.change.cause.name).replace("&", "&amp;").replace("<", "&lt;")
    return f"<details><summary><code>{name}</code></summary>\n\n{fence}diff\n{text}\n{fence}\n\n</details>"
