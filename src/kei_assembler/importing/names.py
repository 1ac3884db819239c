"""Name the imported agents: as in their files, if a manifest allows the name and no other agent has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.paths import name_by_path
from kei_assembler.markdown.lenient_yaml import as_text
from kei_assembler.model.adaptation import refusal_of_name
from kei_assembler.model.manifest import DISPLAY_NAME, NAME, slug
from kei_assembler.rules import imports
from kei_assembler.targets import TARGETS
from kei_assembler.validation import fits


def unique_names(agents: Sequence[AgentFile]) -> list[tuple[str, list[Diagnostic]]]:
    """Return a unique agent name for each file, and the diagnostics about it."""
    targets: dict[str, str] = {}
    # the numbers of a name go on where they stopped: to start again for each agent would take quadratic time
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
    named = []
    for agent in agents:
        wanted, found = valid_name(agent)
        variants = _variants(wanted, targets.get(wanted), agent.target, numbers[wanted[:56]])
        name = next(name for name in variants if name not in targets)
        if name != wanted:
            message = f"another agent is already named `{wanted}`; this one is imported as `{name}`"
            found = found + agent.report(imports.name_repaired, "name", message)
        targets[name] = agent.target
        named.append((name, found))
    return named


def _variants(name: str, other_target: str | None, target: str, numbers: Iterator[int]) -> Iterable[str]:
    """The name, then the name with its target if the other agent has another one, then the name with a number."""
    yield name
    if other_target != target:
        yield slug(f"{name[:50]}-{target}")
    yield from (f"{name[:56]}-{number}" for number in numbers)


def valid_name(agent: AgentFile) -> tuple[str, list[Diagnostic]]:
    """Return the name of an agent, repaired for a manifest if necessary, and the diagnostics about it."""
    given = agent.value("name") if "name" in TARGETS[agent.target].keys else None
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
