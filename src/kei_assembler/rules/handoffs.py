"""Rules about handoffs between agents."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import Severity
from kei_assembler.kit import stem
from kei_assembler.model.adaptation import EVERYTHING, starts_agents
from kei_assembler.model.kinds import AGENT
from kei_assembler.model.manifest import Manifest
from kei_assembler.rules.definition import Fixable, Violation, rule
from kei_assembler.rules.hints import did_you_mean_name, meant_name
from kei_assembler.rules.kit_usage import KitUsage
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.remedies import replacing
from kei_assembler.suggestions import listed
from kei_assembler.targets import TARGETS
from kei_assembler.whitespace import has_text


@rule("H301", fixable=Fixable.UNSAFELY)
def unknown_handoff_target(context: ManifestContext) -> Iterable[Violation]:
    """A handoff leads to an agent that does not exist.

    The agents of the kit are those that have a manifest. List agents from elsewhere in the setting `external-agents`.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."

        [[handoff]]
        target = "implementor"
        trigger = "findings to be fixed"

        # agents/implementer.toml
        name = "implementer"
        description = "Writes code."

        [[handoff]]
        target = "critic"
        trigger = "code to be reviewed"

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
    known, own = context.kit.known_agents, stem(context.source.file)
    for index, handoff in enumerate(context.manifest.handoff):
        target = handoff.target
        # a blank target is reported by K104, and the agent itself by H302
        if has_text(target) and target not in known and target != own:
            folders = context.kit.settings.manifests
            hint = did_you_mean_name(target, context.kit.names.agents, folders, _UNKNOWN_AGENT_HELP)
            path, agents = ("handoff", index, "target"), context.kit.names.agents
            remedy = replacing(path, target, meant_name(target, agents, folders), agents)
            yield Violation(path, f"unknown agent `{target}`", hint, remedy=remedy)
        elif context.kit.names.is_only_base(target):
            kind = context.kit.manifest_files.kind_of(context.kit.files_by_agent[target])
            reason, hint = "its manifest is abstract", "hand off to an agent that extends it"
            if kind is not AGENT:
                reason, hint = f"its manifest is of the kind `{kind.name}`", "hand off to an agent"
            yield Violation(("handoff", index, "target"), f"`{target}` is not an agent, because {reason}", hint)


_UNKNOWN_AGENT_HELP = (
    "correct or remove the handoff, write a manifest for this agent, or add it to the setting `external-agents`"
)


@rule("H302")
def handoff_to_itself(context: ManifestContext) -> Iterable[Violation]:
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
    own = stem(context.source.file)
    for index, handoff in enumerate(context.manifest.handoff):
        if handoff.target == own:
            path = ("handoff", index, "target")
            drop = f"drop the handoff in `{handoff.target}` with `trigger = false`"
            hint = "name another agent, or remove the handoff" if context.is_own(path) else drop
            yield Violation(path, "the agent hands off to itself", hint)


@rule("H303", may_ignore=True)
def repeated_handoff(context: ManifestContext) -> Iterable[Violation]:
    """An agent has two handoffs to the same agent.

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
    for index, handoff in enumerate(context.manifest.handoff):
        before = first.setdefault(handoff.target, index)
        if handoff.target and before != index:
            related = ((("handoff", before, "target"), "the first handoff to it"),)
            message = f"a second handoff to `{handoff.target}`"
            yield Violation(("handoff", index, "target"), message, "combine the two triggers into one", related)


@rule("H304", Severity.WARNING, about="tools")
def cannot_hand_off(context: ManifestContext) -> Iterable[Violation]:
    """An agent has handoffs, but its list of tools lacks `Agent`.

    Without that tool, it cannot start another agent. It can only ask its caller to do that.

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
    tools = context.manifest.tools
    if tools is None or not context.fits("tools") or not any(handoff.target for handoff in context.manifest.handoff):
        return
    if not any(entry == EVERYTHING or starts_agents(entry) for entry in tools):
        message = "the agent has handoffs, but `tools` lacks `Agent`"
        related = ((("handoff", 0), "the first handoff"),)
        yield Violation(("tools",), message, "add `Agent`, or remove the handoffs", related)


@rule("H305", Severity.NOTE)
def unreached_agent(name: str) -> Iterable[Violation]:
    """No agent hands off to this one, although most agents of the kit are handed off to.

    People may start it themselves, or the other agents' manifests lack a handoff. Only reported when all manifests are
    checked, and if more than half of the kit's agents are handed off to.

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
    yield Violation(("name",), f"no agent hands off to `{name}`", "add a handoff to it if other agents should use it")


@rule("H306", Severity.WARNING)
def unreachable_agent(usage: KitUsage, manifest: Manifest) -> Iterable[Violation]:
    """An agent hands off to an agent that is not generated for the same clients.

    The other agent's `targets` leave out a client, so in that client the handoff leads nowhere. Only reported when all
    manifests are checked.

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
            message = f"the agent `{handoff.target}` is not generated for {labels}"
            yield Violation(("handoff", index, "target"), message, hint)


OF_MANIFEST = (unknown_handoff_target, handoff_to_itself, repeated_handoff, cannot_hand_off)
