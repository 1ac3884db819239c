"""What an adopted edit reaches besides the edited files, as text."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from kei_assembler.analysis.impact.comparison import compare
from kei_assembler.analysis.impact.phrases import rights
from kei_assembler.analysis.impact.results import Effect, Impact
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.owners import Owned
from kei_assembler.model.kinds import AGENT
from kei_assembler.records import NamedTuple
from kei_assembler.suggestions import counted, listed
from kei_assembler.targets import TARGETS

_MAX_NAMES = 5


class Reach(NamedTuple):
    """What the changes of sources reach: a sentence for each source, and one for each gain of an agent.

    `beyond` are the outputs that change besides the edited ones: the label of each item, and the client.
    """

    sentences: tuple[str, ...]
    gains: tuple[str, ...]
    beyond: tuple[tuple[str, str], ...]


def reach(before: LoadedKit, after: LoadedKit, edited: Collection[Owned]) -> Reach:
    """Return what the change from one kit to another reaches besides some outputs of it.

    Raises:
        AssembleError: see `compare`.
    """
    impact = compare(before, after, "", "")
    paths = {(one.output.path, one.output.section) for one in edited}
    sentences = tuple(filter(None, (_sentence(effect, paths) for effect in impact.effects)))
    return Reach(sentences, tuple(_gains(impact)), tuple(dict.fromkeys(_beyond(impact, paths))))


def _beyond(impact: Impact, paths: Collection[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for item in impact.items:
        for output in item.outputs:
            if (output.path, output.section) not in paths:
                yield from ((item.named.label, target) for target in output.targets)


def _sentence(effect: Effect, paths: Collection[tuple[str, str]]) -> str:
    """Return what a change of a source reaches, or "" if that is only the edited files."""
    own = {output.named for output in effect.outputs if (output.path, output.section) in paths}
    others = [named for named in effect.items if named not in own]
    clients = {
        target
        for output in effect.outputs
        if output.named in own and (output.path, output.section) not in paths
        for target in output.targets
    }
    parts = []
    if others:
        names = [f"`{named.label}`" for named in others]
        shown = [*names[:_MAX_NAMES], *([f"{len(names) - _MAX_NAMES} more"] if len(names) > _MAX_NAMES else [])]
        are_agents = {named.kind for named in others} == {AGENT.name}
        what = counted(len(others), "other agent" if are_agents else "other item")
        parts.append(f"{what} {'get' if len(others) > 1 else 'gets'} this too: {', '.join(shown)}")
    if clients:
        names = [f"`{named.label}`" for named in sorted(own)]
        labels = sorted(TARGETS[target].label for target in clients)
        parts.append(f"{listed(names, str)} also {'changes' if len(own) == 1 else 'change'} for {listed(labels, str)}")
    return f"{effect.change.cause.name}: {'; '.join(parts)}" if parts else ""


def _gains(impact: Impact) -> Iterator[str]:
    yield from (right.text("`{}`".format) for right in rights(impact) if right.is_gain)
    for item in impact.items:
        if item.handoffs.added:
            yield f"`{item.name}`: may now hand off to {listed(item.handoffs.added)}"
