"""Limits: does each AI tool take what it would be given?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from kei_assembler.diagnostics import Severity
from kei_assembler.rules.definition import Finding, rule
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Limit

Given = Mapping[str, str | bytes]
"""Texts by what they are: see `target.Limit`."""

_NAMES = {
    "name": "`name`",
    "description": "`description`",
    "body": "the body",
    "prompt": "the body with the stamp",
    "file": "the file",
}
_UNITS = {"file": "byte"}
_KEYS = ("name", "description")


@rule("L801", may_ignore=True)
def beyond_limit(given: Given, targets: Iterable[str]) -> Iterable[Finding]:
    """A name, a description, a body or a file that one of the manifest's AI tools refuses, or loses the agent for.

    `assemble targets` lists the limits of each.

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
def beyond_advice(given: Given, targets: Iterable[str]) -> Iterable[Finding]:
    """A description or a body that one of the manifest's AI tools warns about.

    So it is of an agent without a description, where the setting `required` allows that: most tools do not load it.

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


def _beyond(given: Given, targets: Iterable[str], advised: bool) -> Iterator[Finding]:
    for limit, message in excesses(given, targets):
        if limit.is_advisory == advised:
            where = (limit.part,) if limit.part in _KEYS else ()
            yield Finding(where, message, "" if limit.pattern else _HELP.get(limit.part, ""))


def excesses(given: Given, targets: Iterable[str]) -> Iterator[tuple[Limit, str]]:
    """Yield each limit of these targets that a text is beyond, with the sentence that says so."""
    for target in targets:
        for limit in TARGETS[target].limits:
            if limit.part in given and (message := _excess(limit, given[limit.part], TARGETS[target].label)):
                yield limit, message


def _excess(limit: Limit, value: str | bytes, label: str) -> str:
    """What is wrong with the value in the eyes of a client, or nothing."""
    name, size = _NAMES[limit.part], len(value)
    if size < limit.least:
        return f"{name} has {_counted(limit, size)}; {label} needs at least {limit.least:,}"
    if 0 < limit.most < size:
        most = f"warns above {limit.most:,}" if limit.is_advisory else f"takes at most {limit.most:,}"
        return f"{name} has {_counted(limit, size)}; {label} {most}"
    if value in limit.reserved:
        return f"{label} keeps the name `{value!s}` for itself"
    if limit.pattern and not re.fullmatch(limit.pattern, str(value)):
        return f"{name} must be {limit.expects} for {label}"
    return ""


def _counted(limit: Limit, size: int) -> str:
    unit = _UNITS.get(limit.part, "character")
    return f"{size:,} {unit}{'s' * (size != 1)}"


_HELP = {
    "description": "AI tools choose an agent by it: say in a few lines what it is for",
    "body": "write a `role`, or list `blocks`",
    "prompt": "list fewer blocks, or say it shorter",
    "file": "list fewer blocks",
}

RULES = (beyond_limit, beyond_advice)
