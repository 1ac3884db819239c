"""The impact of a change as workflow commands, which GitHub shows as annotations in a pull request."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kei_assembler.analysis.impact import phrases
from kei_assembler.analysis.impact.results import Effect, Impact, Item
from kei_assembler.model.kinds import AGENT
from kei_assembler.report.github_report import Annotation, annotation, limited

_TITLE = "impact"


PathOf = Callable[[str], str]


def as_annotations(impacts: Iterable[tuple[PathOf, Impact]]) -> str:
    """Return the annotations about the impact on some kits.

    These are an error about agents that cannot be compared, a warning for each right or tool that agents gain, and a
    notice at each cause.

    Each kit comes with a function that returns the path of a file of it as GitHub names the file.
    """
    found: list[Annotation] = []
    for path_of, impact in impacts:
        if impact.incomparable:
            found.append(annotation("error", phrases.incomparable(impact), None, _TITLE))
        gains = [right for right in phrases.rights(impact) if right.is_gain]
        places = {item.name: _place(item, impact, path_of) for item in impact.items if item.kind == AGENT.name}
        found += (annotation("warning", right.text(), places[right.agents[0]], _TITLE) for right in gains)
        found += (_notice(effect, path_of) for effect in impact.effects)
    return "".join(limited(found))


def _place(item: Item, impact: Impact, path_of: PathOf) -> tuple[str, int] | None:
    """The first cause of an agent's change, the agent's own manifest if it is one."""
    changes = [
        effect.change for effect in impact.effects if effect.change.cause in item.causes and effect.change.cause.file
    ]
    changes.sort(key=lambda change: change.cause.kind != "manifest")
    return (path_of(changes[0].cause.file), changes[0].line) if changes else None


def _notice(effect: Effect, path_of: PathOf) -> Annotation:
    change = effect.change
    growth = phrases.growth(effect)
    key = f"{change.cause.key}: " if change.cause.key else ""
    message = f"{key}{phrases.reach(effect)}: {', '.join(effect.labels)}{f'; {growth}' if growth else ''}"
    place = (path_of(change.cause.file), change.line) if change.cause.file else None
    return annotation("notice", message, place, _TITLE)
