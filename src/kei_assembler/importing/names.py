"""Name the imported agents: as in their files, if a manifest allows the name and no other agent has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from itertools import count
from typing import NamedTuple

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.likeness import is_alike, is_copy
from kei_assembler.importing.paths import name_by_path
from kei_assembler.markdown.lenient_yaml import as_text
from kei_assembler.model.adaptation import refusal_of_name
from kei_assembler.model.manifest import DISPLAY_NAME, NAME, slug
from kei_assembler.rules import imports
from kei_assembler.targets import TARGETS
from kei_assembler.validation import fits


class Named(NamedTuple):
    """The name of an imported agent, and the diagnostics about it.

    Files for several clients have the same name if they are one agent. `other` is the file of another agent that wanted
    the same name, or None.
    """

    name: str
    found: list[Diagnostic]
    other: AgentFile | None = None


def agent_names(agents: Sequence[AgentFile]) -> list[Named]:
    """Return a name for each file. Two files have the same name only if they can become one manifest.

    These are files of different clients with about the same text, and copies.
    """
    groups: dict[str, list[AgentFile]] = {}
    wanted_by: defaultdict[str, list[str]] = defaultdict(list)
    # the numbers of a name go on where they stopped: to start again for each agent would take quadratic time
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
    named = []
    for agent in agents:
        wanted, found = valid_name(agent)
        name = next((name for name in wanted_by[wanted][:_MAX_COMPARED] if _is_same(agent, groups[name])), "")
        others = groups.get(wanted, [])
        if not name:
            name = free_name(agent, wanted, others, groups, numbers[wanted[:56]])
            wanted_by[wanted].append(name)
        of_client = (other for other in others if other.target == agent.target)
        other = next(of_client, others[0]) if others and name != wanted else None
        groups.setdefault(name, []).append(agent)
        named.append(Named(name, found, other))
    return named


def common_targets(agents: Sequence[AgentFile]) -> list[str]:
    """Return the targets of all agents if every agent has a file for each of them, or none."""
    targets: dict[str, set[str]] = {}
    for agent, named in zip(agents, agent_names(agents), strict=True):
        targets.setdefault(named.name, set()).add(agent.target)
    first, *others = targets.values() or [set()]
    return [target for target in TARGETS if target in first] if all(other == first for other in others) else []


_MAX_COMPARED = 8
"""With how many agents of the same name a file is compared at most."""


def _is_same(agent: AgentFile, others: Sequence[AgentFile]) -> bool:
    """Return whether a file is a copy of others, or the same agent for another client."""
    same_client = [other for other in others if other.target == agent.target]
    return any(is_copy(agent, other) for other in same_client) or (not same_client and is_alike(agent, others[0]))


def free_name(
    agent: AgentFile, wanted: str, others: Sequence[AgentFile], taken: Container[str], numbers: Iterator[int]
) -> str:
    """Return the name that an agent wants, or if it is taken, one with its target or a number.

    `others` are the agents that have the wanted name.
    """
    targets = {other.target for other in others}
    variants = _variants(wanted, bool(targets) and agent.target not in targets, agent.target, numbers)
    return next(name for name in variants if name not in taken)


def _variants(name: str, is_of_other_client: bool, target: str, numbers: Iterator[int]) -> Iterator[str]:
    """The name, then the name with its target if the other agent has another one, then the name with a number."""
    yield name
    if is_of_other_client:
        yield slug(f"{name[:50]}-{target}")
    yield from (f"{name[:56]}-{number}" for number in numbers)


def valid_name(agent: AgentFile) -> tuple[str, list[Diagnostic]]:
    """Return the name of an agent, repaired for a manifest if necessary, and the diagnostics about it."""
    given = agent.value("name")
    by_path = name_by_path(agent.source.file, agent.target)
    is_named_by_file = TARGETS[agent.target].loader.named_by_file
    text = as_text(given)
    name = slug(text or by_path) or slug(by_path) or "agent"
    if name == given or (given is None and name == by_path and is_named_by_file):
        return name, []
    if display_name(agent, name):
        return name, []
    if name == text:
        message = f"the name was read as text, `{name}`"
        return name, agent.report(imports.front_matter_guessed, "name", message, "put it in quotes")
    is_named = text or is_named_by_file
    reason = f"`{text or by_path}` is not a valid name for a manifest" if is_named else "there is no name"
    hint = "update everything that starts the agent by its old name" if is_named else "use this name to start the agent"
    return name, agent.report(imports.name_repaired, "name", f"{reason}; the agent is imported as `{name}`", hint)


def display_name(agent: AgentFile, name: str) -> str:
    """Return the name in an agent's file if a manifest with this `name` can keep it as its `display-name`, or ""."""
    given, row = agent.value("name"), TARGETS[agent.target]
    if not isinstance(given, str) or fits(NAME, given) or not fits(DISPLAY_NAME, given) or given == name:
        return ""
    if slug(given) not in ("", name):  # another agent has the same name and keeps it
        return ""
    return given if row.display_name.is_identity and not refusal_of_name(given, row.name) else ""
