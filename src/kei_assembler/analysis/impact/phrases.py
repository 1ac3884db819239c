"""The sentences of a report on the impact of a change, without any markup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from kei_assembler.analysis.impact.abilities import NO_LIMIT
from kei_assembler.analysis.impact.results import (
    CHANGED,
    DELETED,
    MOVED,
    SEVERAL,
    Change,
    Effect,
    Gain,
    Impact,
    Item,
    Output,
    targets_by_name,
)
from kei_assembler.model.kinds import AGENT, KINDS, Kind
from kei_assembler.records import NamedTuple
from kei_assembler.suggestions import counted, listed
from kei_assembler.targets import TARGETS

MINUS = "\N{MINUS SIGN}"
ARROW = "\N{RIGHTWARDS ARROW}"


class _Change(NamedTuple):
    verb: str
    names: tuple[str, ...]
    clients: str
    is_gain: bool


class Right(NamedTuple):
    """A sentence about what agents may do: whose rights changed, what they gained or lost, and in which clients."""

    agents: tuple[str, ...]
    verb: str
    names: tuple[str, ...]
    clients: str
    is_gain: bool

    def text(self, name: Callable[[str], str] = str) -> str:
        """Return the sentence, in which this function writes each name."""
        return f"{', '.join(map(name, self.agents))}: {self.verb} {', '.join(map(name, self.names))} in {self.clients}"


def rights(impact: Impact) -> list[Right]:
    """Return the changes of what agents may do, gains first. Agents with the same change share a sentence.

    The rights of agents that are gone are left out.
    """
    by_change: dict[_Change, list[str]] = {}
    for item in impact.items:
        for change in _of_item(item) if item.status != DELETED else ():
            by_change.setdefault(change, []).append(item.name)
    found = sorted(by_change.items(), key=lambda each: (not each[0].is_gain, each[0]))
    return [Right(tuple(agents), *change) for change, agents in found]


def _of_item(item: Item) -> Iterator[_Change]:
    for is_gain, verb, gains in (
        (True, "may now use", item.tools.added),
        (True, "now has", _grants(item.rights.added)),
        (True, "is no longer limited by", _limits(item.rights.added)),
        (False, "may no longer use", item.tools.removed),
        (False, "no longer has", _grants(item.rights.removed)),
        (False, "is now limited by", _limits(item.rights.removed)),
    ):
        yield from (_Change(verb, names, clients, is_gain) for clients, names in _by_clients(gains))
    models: dict[tuple[str, str], list[str]] = {}
    for model in item.models:
        models.setdefault((model.before, model.after), []).append(model.target)
    for (before, after), targets in models.items():
        yield _Change("now uses", (f"{_model(after)} instead of {_model(before)}",), labels(targets), is_gain=False)


def _grants(rights: Iterable[Gain]) -> list[Gain]:
    return [right for right in rights if not right.name.startswith(NO_LIMIT)]


def _limits(rights: Iterable[Gain]) -> list[Gain]:
    """The limits that some of the rights are the end of."""
    limits = (right for right in rights if right.name.startswith(NO_LIMIT))
    return [right._replace(name=right.name.removeprefix(NO_LIMIT)) for right in limits]


def _model(name: str) -> str:
    return f"the model {name}" if name else "the client's model"


def _by_clients(gains: Iterable[Gain]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the clients of some gains, and the gains that exactly these clients have."""
    by_targets: dict[tuple[str, ...], list[str]] = {}
    for name, targets in targets_by_name(gains).items():
        by_targets.setdefault(tuple(targets), []).append(name)
    for of_names, names in by_targets.items():
        yield labels(of_names), tuple(names)


def gains(name: str) -> str:
    """Return what happens to an agent that gains a right or a tool: `gains Bash`."""
    limit = name.removeprefix(NO_LIMIT)
    return f"gains {name}" if limit == name else f"is no longer limited by {limit}"


def labels(targets: Iterable[str]) -> str:
    """Return the names of clients as people know them."""
    return ", ".join(TARGETS[target].label for target in targets)


def status(change: Change) -> str:
    """Return what follows the name of a source that is new or deleted: ` (new)`. It is empty for other changes."""
    return f" ({change.status})" if change.status != CHANGED else ""


def lines(change: Change) -> str:
    """Return how many lines of a source are new and gone: `+3 −1`. It is empty for several causes."""
    return f"+{change.added} {MINUS}{change.removed}" if change.cause.kind != SEVERAL else ""


def reach(effect: Effect) -> str:
    """Return which outputs a change affects: `5 agents × 2 targets and 1 instruction manifest`."""
    by_kind: dict[str, list[Output]] = {}
    for output in effect.outputs:
        by_kind.setdefault(output.named.kind, []).append(output)
    parts = [_reach(KINDS[kind], outputs) for kind, outputs in by_kind.items()]
    return "; ".join(parts) if any("," in part for part in parts) else listed(parts, str)


def _reach(kind: Kind, outputs: Sequence[Output]) -> str:
    names, targets = {output.named for output in outputs}, {output.target for output in outputs}
    items = counted(len(names), kind.noun)
    if kind is not AGENT and len(outputs) == len(names):
        return items  # which clients can share
    is_grid = kind is AGENT and len(outputs) == len(names) * len(targets)
    return f"{items} × {counted(len(targets), 'target')}" if is_grid else f"{items}, {counted(len(outputs), 'file')}"


def by_kind(items: Iterable[Item]) -> Iterator[tuple[Kind, list[Item]]]:
    """Yield the kinds of items, each with its items."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.kind, []).append(item)
    yield from ((KINDS[kind], some) for kind, some in found.items())


def growth(effect: Effect) -> str:
    """Return how many tokens a change adds to each file: `about +41 tokens each`. It is empty for none."""
    sizes = {effect.share(output).tokens for output in effect.outputs}
    if sizes == {0}:
        return ""
    number = signed(effect.tokens)
    noun = "token" if effect.tokens in (1, -1) else "tokens"
    each = " each" if len(effect.outputs) > 1 else ""
    return f"about {number} {noun}{each}" if len(sizes) == 1 else f"about {number} {noun} each, on average"


def signed(number: int) -> str:
    """Return a number with its sign."""
    return f"{MINUS}{-number:,}" if number < 0 else f"+{number:,}"


def details(item: Item) -> Iterator[str]:
    """Yield what else there is to say about an item: its handoffs, its front matter, and the places of its files."""
    handoffs = item.handoffs
    if item.status == CHANGED:
        for names, what in (
            (handoffs.added, "now hands off to"),
            (handoffs.removed, "no longer hands off to"),
            (handoffs.changed, "hands off for another reason to"),
        ):
            if names:
                yield f"{what} {', '.join(names)}"
    by_keys: dict[tuple[str, ...], list[str]] = {}
    for output in item.outputs:
        if output.keys:
            by_keys.setdefault(output.keys, []).append(output.target)
        if output.section and output.status in (CHANGED, item.status):
            yield f"section of {output.present_path}"
        elif item.status == CHANGED and output.status == MOVED:
            yield f"moves from {output.old_path} to {output.path}"
        elif item.status == CHANGED and output.status != CHANGED:
            yield f"{output.present_path} is {output.status}"
    for keys, targets in by_keys.items():
        yield f"front matter: {', '.join(keys)} in {labels(targets)}"


def tokens(item: Item) -> str:
    """Return about how many tokens an agent has, before and after: `1,204 → 1,245 tokens`."""
    if item.status != CHANGED:
        return counted(item.after or item.before, "token")
    if item.before == item.after:
        return counted(item.after, "token")
    return f"{item.before:,} {ARROW} {item.after:,} tokens"


def incomparable(impact: Impact, name: Callable[[str], str] = str) -> str:
    """Return a sentence about the agents that cannot be compared, or "" if there are none.

    The function writes each name.
    """
    if not impact.incomparable:
        return ""
    verb = "has" if len(impact.incomparable) == 1 else "have"
    names = ", ".join(name(named.label) for named in impact.incomparable)
    return f"{names} {verb} errors and cannot be compared"


def summary(impact: Impact) -> str:
    """Return one line about the whole: how many items, files and causes."""
    if not impact.items:
        other = "other " if impact.incomparable else ""
        return f"no {other}{listed((KINDS[kind].noun for kind in impact.kinds), str, 'or')} is affected"
    outputs = [output for item in impact.items for output in item.outputs]
    files = len({(output.present_path, "" if output.section else output.named) for output in outputs})
    items = listed((counted(len(some), kind.noun) for kind, some in by_kind(impact.items)), str)
    return f"{items} affected: {counted(files, 'file')}, {counted(len(impact.effects), 'cause')}"
