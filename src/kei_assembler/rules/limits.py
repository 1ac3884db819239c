"""Rules about the limits that AI clients set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kei_assembler.diagnostics import Severity
from kei_assembler.records import NamedTuple
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.suggestions import counted, listed
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Limit

Given = Mapping[str, str | bytes]
"""The texts to check. The keys are those of `_NAMES`; see also `target.Limit`."""

_NAMES = {
    "name": "`name`",
    "description": "`description`",
    "body": "the body",
    "prompt": "the body with the stamp",
    "file": "the file",
}


@rule("L801", may_ignore=True)
def beyond_limit(given: Given, targets: Iterable[str]) -> Iterable[Violation]:
    """A client would not load the agent because of its name, description, body or size.

    `assemble targets NAME` lists the limits of a client.

    Fails::

        name = "critic"
        description = "Reviews code."
        targets = ["cursor"]

    Passes::

        name = "critic"
        description = "Reviews code."
        role = "You review code."
        targets = ["cursor"]
    """
    return _beyond(given, targets, False)


@rule("L802", Severity.WARNING)
def beyond_advice(given: Given, targets: Iterable[str]) -> Iterable[Violation]:
    """A client warns about the agent's description or body.

    This also covers an agent without a description, if the setting `required` allows that: most clients do not load it.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]
        targets = ["qwen"]

        # _blocks/baseline.md (1000 times)
        Be honest.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]
        targets = ["qwen"]

        # _blocks/baseline.md (100 times)
        Be honest.
    """
    return _beyond(given, targets, True)


class Descriptions(NamedTuple):
    """The descriptions of all agents that a client lists, and their estimated tokens.

    `longest` are the names of the agents of the kit with the longest ones, each with its tokens, and `others` is the
    number of agents that are not of the kit.
    """

    target: str
    tokens: int
    agents: int
    others: int
    longest: Sequence[tuple[int, str]]


@rule("L803", Severity.WARNING)
def long_descriptions(all_: Descriptions) -> Iterable[Violation]:
    """The descriptions of all agents together are longer than a client advises.

    Claude Code sends the name and the description of each agent with every request. It warns if these are more than
    15,000 tokens, and counts four characters as one token. Files in the client's folder that the kit does not generate
    count too. There is one warning for each client, at the longest description. Only reported when all manifests are
    checked.

    Fails::

        # agents/critic.toml
        # There are 200 more manifests, each with a description of 400 characters.
        name = "critic"
        description = "Reviews code."

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    return _about_descriptions(all_)


@rule("L810", Severity.NOTE)
def descriptions_near_limit(all_: Descriptions) -> Iterable[Violation]:
    """The descriptions of all agents together are almost as long as a client advises.

    They have at least 80% of the tokens above which Claude Code warns; see L803. If the setting `descriptions` in
    `[budget]` has a maximum for the client, that counts instead (L809). Only reported when all manifests are checked.

    Fails::

        # agents/critic.toml
        # There are 130 more manifests, each with a description of 400 characters.
        name = "critic"
        description = "Reviews code."

    Passes::

        name = "critic"
        description = "Reviews code."
    """
    return _about_descriptions(all_)


def _about_descriptions(all_: Descriptions) -> Iterator[Violation]:
    row = TARGETS[all_.target]
    if row.budget is None:
        return
    others = f", {all_.others:,} of them not of this kit," if all_.others else ""
    message = (
        f"the names and descriptions of {counted(all_.agents, 'agent')}{others} have about {all_.tokens:,} tokens; "
        f"{row.label} warns above {row.budget.maximum:,}"
    )
    longest = listed((f"`{name}` ({tokens:,})" for tokens, name in all_.longest), str)
    yield Violation(("description",), message, f"shorten the descriptions; the longest: {longest}")


def _beyond(given: Given, targets: Iterable[str], advised: bool) -> Iterator[Violation]:
    for limit, message in excesses(given, targets):
        if limit.is_advisory == advised:
            where = (limit.part,) if limit.part in ("name", "description") else ()
            yield Violation(where, message, "" if limit.pattern else _HELP.get(limit.part, ""))


def excesses(given: Given, targets: Iterable[str]) -> Iterator[tuple[Limit, str]]:
    """Yield each limit of these targets that a text exceeds, with the message."""
    for target in targets:
        for limit in TARGETS[target].limits:
            if limit.part in given and (message := _excess(limit, given[limit.part], TARGETS[target].label)):
                yield limit, message


def _excess(limit: Limit, value: str | bytes, label: str) -> str:
    """Return the message for a value that exceeds a client's limit, or nothing."""
    name, size = _NAMES[limit.part], len(value)
    if size < limit.minimum:
        return f"{name} has {_amount(limit, size)}; the minimum for {label} is {limit.minimum:,}"
    if 0 < limit.maximum < size:
        bound = f"{label} warns above" if limit.is_advisory else f"the maximum for {label} is"
        return f"{name} has {_amount(limit, size)}; {bound} {limit.maximum:,}"
    if limit.reserved and str(value).lower() in limit.reserved:
        return f"the name `{value!s}` is reserved by {label}"
    if limit.pattern and not re.fullmatch(limit.pattern, str(value)):
        return f"{name} must be {limit.expects} for {label}"
    return ""


def _amount(limit: Limit, size: int) -> str:
    return counted(size, "byte" if limit.part == "file" else "character")


_HELP = {
    "description": "say in a few lines what the agent is for: AI clients choose an agent by its description",
    "body": "write a `role`, or list `blocks` that have a text for this client",
    "prompt": "list fewer blocks, or shorten them",
    "file": "list fewer blocks",
}

RULES = (beyond_limit, beyond_advice)
