"""Gates: what a change must not do, for CI."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from kei_assembler import lazy_re
from kei_assembler.analysis.impact import phrases
from kei_assembler.analysis.impact.results import CHANGED, Difference, Impact, Item, targets_by_name
from kei_assembler.diagnostics import AssembleError
from kei_assembler.model.kinds import AGENT
from kei_assembler.records import NamedTuple
from kei_assembler.suggestions import counted, did_you_mean
from kei_assembler.whitespace import SPACES

EXAMPLE = "rights,tools,tokens=+10%,agents=20"

_LIMIT = lazy_re.compile(r"\+?(?P<number>[0-9]{1,9})(?P<percent>%?)")


class Gate(NamedTuple):
    """A gate as the user wrote it: its kind, and the largest number that it lets pass, perhaps in percent."""

    kind: str
    limit: int = 0
    is_percent: bool = False


def _gains(difference: Callable[[Item], Difference]) -> Callable[[Impact, Gate], Iterator[str]]:
    def failures(impact: Impact, _: Gate) -> Iterator[str]:
        for item in impact.items:  # only agents can gain something
            for name, targets in targets_by_name(difference(item).added).items():
                yield f"{item.name} {phrases.gains(name)} in {phrases.labels(targets)}"

    return failures


def _tokens(impact: Impact, gate: Gate) -> Iterator[str]:
    for item in impact.items:
        growth = item.after - item.before
        limit = item.before * gate.limit / 100 if gate.is_percent else gate.limit
        if item.status == CHANGED and growth > limit:
            percent = f" ({growth / item.before:+.0%})" if item.before else ""
            yield f"{item.named.label} grows by about {counted(growth, 'token')}{percent}"


def _agents(impact: Impact, gate: Gate) -> Iterator[str]:
    number = sum(item.kind == AGENT.name for item in impact.items)
    if number > gate.limit:
        yield f"the change affects {counted(number, 'agent')}"


class _Kind(NamedTuple):
    takes_limit: bool
    failures: Callable[[Impact, Gate], Iterator[str]]


_KINDS = {
    "rights": _Kind(False, _gains(lambda item: item.rights)),
    "tools": _Kind(False, _gains(lambda item: item.tools)),
    "tokens": _Kind(True, _tokens),
    "agents": _Kind(True, _agents),
}
WORDS = tuple(f"{name}{'=' if kind.takes_limit else ''}" for name, kind in _KINDS.items())
"""How each gate begins."""


def parse(text: str) -> list[Gate]:
    """Return the gates in a list such as `EXAMPLE`.

    Raises:
        AssembleError: a gate is unknown, or has no limit or a wrong one.
    """
    return [_parse(part.strip(SPACES)) for part in text.split(",")]


def _parse(text: str) -> Gate:
    name, equals, limit = text.partition("=")
    if name not in _KINDS:
        hint = did_you_mean(name, _KINDS, f"use some of these: {EXAMPLE}")
        raise AssembleError(f"`--fail-on` has no gate `{name}`", hint)
    match = _LIMIT.fullmatch(limit)
    if not _KINDS[name].takes_limit:
        if equals:
            raise AssembleError(f"the gate `{name}` takes no limit", f"write `{name}`")
        return Gate(name)
    if match is None or (match["percent"] and name == "agents"):
        example = "tokens=+10%` or `tokens=+200" if name == "tokens" else "agents=20"
        raise AssembleError(f"the gate `{name}` needs a limit", f"write, for example, `{example}`")
    return Gate(name, int(match["number"]), bool(match["percent"]))


def failures(impact: Impact, gates: Iterable[Gate]) -> list[str]:
    """Return a sentence for each thing that the change does and a gate forbids."""
    return [text for gate in dict.fromkeys(gates) for text in _KINDS[gate.kind].failures(impact, gate)]
