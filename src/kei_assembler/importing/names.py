"""The names of imported agents: as their files say, where a manifest allows that and no other agent has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.lenient_yaml import as_text
from kei_assembler.importing.paths import name_of
from kei_assembler.model.manifest import slug
from kei_assembler.rules import imports
from kei_assembler.targets import TARGETS


def name_all(agents: Sequence[AgentFile]) -> list[tuple[str, list[Diagnostic]]]:
    """Return for each file the name of its agent, no two alike, and what there is to say about it."""
    taken: dict[str, str] = {}
    named = []
    for agent in agents:
        own, found = own_name(agent)
        name = next(name for name in _variants(own, taken.get(own), agent.target) if name not in taken)
        if name != own:
            message = f"another agent is `{own}` already; this one is imported as `{name}`"
            found = found + agent.say(imports.name_repaired, agent.span("name"), message)
        taken[name] = agent.target
        named.append((name, found))
    return named


def _variants(name: str, other: str | None, target: str) -> Iterable[str]:
    """The name, or with that of the AI tool if an agent of another one has it, or with a number."""
    yield name
    if other != target:
        yield slug(f"{name[:50]}-{target}")
    number = 2
    while True:
        yield f"{name[:56]}-{number}"
        number += 1


def own_name(agent: AgentFile) -> tuple[str, list[Diagnostic]]:
    """Return the name that a file gives its agent, as a manifest allows it, and what there is to say about it."""
    given = agent.entries["name"].value if "name" in agent.entries else None
    file = name_of(agent.source.file, agent.target)
    is_named_by_file = TARGETS[agent.target].loader.named_by_file
    raw = as_text(given) or file
    name = slug(raw) or slug(file) or "agent"
    if name == given or (given is None and name == file and is_named_by_file):
        return name, []
    if name == as_text(given):
        message = f"the name was read as text, `{name}`"
        return name, agent.say(imports.front_matter_guessed, agent.span("name"), message, "put it in quotes")
    return name, _renamed(agent, raw if as_text(given) or is_named_by_file else "", name)


def _renamed(agent: AgentFile, raw: str, name: str) -> list[Diagnostic]:
    why = f"`{raw}` is no name for a manifest" if raw else "there is no name"
    message = f"{why}; the agent is imported as `{name}`"
    return agent.say(imports.name_repaired, agent.span("name"), message, _NAME_HELP)


_NAME_HELP = "agents, people and scripts that start it by its name have to be told"
