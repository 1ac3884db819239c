"""Handoffs: does each lead to an agent that exists, once, and can the agent hand off at all?"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from kei_assembler.diagnostics import Severity
from kei_assembler.kit import stem
from kei_assembler.manifest import Manifest
from kei_assembler.manifest.adapt import EVERYTHING, starts_agents
from kei_assembler.rules.definition import Finding, rule
from kei_assembler.rules.subject import Subject, Usage
from kei_assembler.suggestions import did_you_mean, listed
from kei_assembler.targets import TARGETS


@rule("H301")
def unknown_handoff_target(subject: Subject) -> Iterable[Finding]:
    """A handoff to an agent that does not exist.

    An agent of the kit is one with a manifest. Agents from elsewhere are named in the setting `external-agents`.

    Fails::

        name = "critic"
        description = "Reviews code."

        [[handoff]]
        target = "implementor"
        trigger = "findings to be fixed"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[handoff]]
        target = "implementer"
        trigger = "findings to be fixed"

        # agents/implementer.toml
        name = "implementer"
        description = "Writes code."

        [[handoff]]
        target = "critic"
        trigger = "code to be reviewed"
    """
    kit = subject.kit
    external, own = kit.settings.external_agents, stem(subject.source.file)
    for index, handoff in enumerate(subject.manifest.handoff):
        target = handoff.target
        if target.strip() and target not in kit.agents and target not in external and target != own:
            known = kit.agents.union(external)
            hint = did_you_mean(target, known, "write its manifest, or add it to the setting `external-agents`")
            yield Finding(("handoff", index, "target"), f"unknown agent `{target}`", hint)


@rule("H302")
def handoff_to_itself(subject: Subject) -> Iterable[Finding]:
    """An agent hands off to itself.

    Fails::

        name = "critic"
        description = "Reviews code."

        [[handoff]]
        target = "critic"
        trigger = "more code"

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[handoff]]
        target = "implementer"
        trigger = "findings to be fixed"

        # assemble.toml
        external-agents = ["implementer"]
    """
    for index, handoff in enumerate(subject.manifest.handoff):
        if handoff.target == stem(subject.source.file):
            yield Finding(("handoff", index, "target"), "the agent hands off to itself", "name another, or remove it")


@rule("H303", may_ignore=True)
def repeated_handoff(subject: Subject) -> Iterable[Finding]:
    """Two handoffs of one agent lead to the same target.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[handoff]]
        target = "implementer"
        trigger = "findings to be fixed"

        [[handoff]]
        target = "implementer"
        trigger = "tests to be written"

        # assemble.toml
        external-agents = ["implementer"]

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[handoff]]
        target = "implementer"
        trigger = "findings to be fixed, tests to be written"

        # assemble.toml
        external-agents = ["implementer"]
    """
    first: dict[str, int] = {}
    for index, handoff in enumerate(subject.manifest.handoff):
        target = handoff.target
        if target and target in first:
            before = (("handoff", first[target], "target"), "handed off here first")
            where = ("handoff", index, "target")
            yield Finding(where, f"a second handoff to `{target}`", "join the two triggers in one", (before,))
        first.setdefault(target, index)


@rule("H304", Severity.WARNING)
def cannot_hand_off(subject: Subject) -> Iterable[Finding]:
    """An agent hands off, but its list of tools lacks `Agent`.

    Without that tool it cannot start another agent, so it can only ask its caller to.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        tools = ["Read"]

        [[handoff]]
        target = "implementer"
        trigger = "findings to be fixed"

        # assemble.toml
        external-agents = ["implementer"]

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Agent"]

        [[handoff]]
        target = "implementer"
        trigger = "findings to be fixed"

        # assemble.toml
        external-agents = ["implementer"]
    """
    tools = subject.manifest.tools
    hands_off = any(handoff.target for handoff in subject.manifest.handoff)
    if hands_off and tools is not None and subject.fits("tools") and not any(map(_can_start_others, tools)):
        message = "the agent hands off, but `tools` lacks `Agent`"
        first = ("handoff", 0)
        yield Finding(("tools",), message, "add `Agent`, or remove the handoffs", ((first, "the first handoff"),))


def _can_start_others(entry: str) -> bool:
    return entry == EVERYTHING or starts_agents(entry)


@rule("H305", Severity.NOTE)
def unreached_agent(reached: Collection[str], name: str) -> Iterable[Finding]:
    """An agent that no other hands off to, in a kit where most are handed off to.

    It may be the one that people start with, or one that the others forgot. Said only when all manifests are
    looked at, and only where more than half of the kit's agents are handed off to.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[handoff]]
        target = "implementer"
        trigger = "findings to be fixed"

        # agents/implementer.toml
        name = "implementer"
        description = "Writes code."

        [[handoff]]
        target = "critic"
        trigger = "code to be reviewed"

        # agents/tester.toml
        name = "tester"
        description = "Writes tests."

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[handoff]]
        target = "implementer"
        trigger = "findings to be fixed"

        # agents/implementer.toml
        name = "implementer"
        description = "Writes code."

        [[handoff]]
        target = "critic"
        trigger = "code to be reviewed"
    """
    if name not in reached:
        yield Finding(("name",), f"no agent hands off to `{name}`", "add a handoff to it, if others should know it")


@rule("H306", Severity.WARNING)
def unreachable_agent(usage: Usage, manifest: Manifest) -> Iterable[Finding]:
    """An agent hands off to another that one of its AI tools does not get.

    The `targets` of the other agent leave that AI tool out, so that its file names an agent which is not there. Said
    only when all manifests are looked at.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[handoff]]
        target = "implementer"
        trigger = "findings to be fixed"

        # agents/implementer.toml
        name = "implementer"
        description = "Writes code."
        role = "You write code."
        targets = ["codex"]

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[handoff]]
        target = "implementer"
        trigger = "findings to be fixed"

        # agents/implementer.toml
        name = "implementer"
        description = "Writes code."
        role = "You write code."
        targets = ["claude-code", "codex"]
    """
    for index, handoff in enumerate(manifest.handoff):
        if lacking := usage.lacking(usage.targets_of(manifest.name), handoff.target):
            labels = listed((TARGETS[target].label for target in lacking), str)
            hint = f"add {listed(lacking)} to the targets of `{handoff.target}`, or remove the handoff"
            message = f"the agent `{handoff.target}` is not written for {labels}"
            yield Finding(("handoff", index, "target"), message, hint)


OF_MANIFEST = (unknown_handoff_target, handoff_to_itself, repeated_handoff, cannot_hand_off)
