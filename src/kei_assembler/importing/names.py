"""Name the imported agents: as in their files if a manifest allows the name, and otherwise after their files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from itertools import chain, count

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.likeness import is_alike
from kei_assembler.importing.paths import AGENTS_FOLDER, name_by_path
from kei_assembler.markdown.lenient_yaml import as_text
from kei_assembler.model.adaptation import client_name, refusal_of_name
from kei_assembler.model.manifest import DISPLAY_NAME, NAME, slug
from kei_assembler.records import NamedTuple
from kei_assembler.rules import imports
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.validation import fits


class Named(NamedTuple):
    """The name of an imported agent, its display name or "", and the diagnostics about them.

    Files for several clients have the same name if they are one agent. `other` is the file of another agent that wanted
    the same name, or None.
    """

    name: str
    display_name: str = ""
    found: Sequence[Diagnostic] = ()
    other: AgentFile | None = None


def agent_names(agents: Sequence[AgentFile]) -> list[Named]:
    """Return a name for each file. Two files have the same name only if they can become one manifest.

    These are files of different clients with about the same text, and copies.
    """
    naming = _Naming()
    return [naming.name(agent) for agent in agents]


class _Naming:
    """Names agent files one by one. `groups` are the files by their names."""

    def __init__(self) -> None:
        self.groups: dict[str, list[AgentFile]] = {}
        self._wanted_by: defaultdict[str, list[str]] = defaultdict(list)
        # the numbers of a name go on where they stopped: to start again for each agent would take quadratic time
        self._numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
        self._copies: dict[tuple[str, bytes], str] = {}
        self._in_client: set[tuple[str, str]] = set()

    def name(self, agent: AgentFile) -> Named:
        """Return the name of a file."""
        wanted = wanted_name(agent)
        others = self.groups.get(wanted.name, [])
        if same := self._same(agent, wanted.name):
            self.groups[same].append(agent)
            return wanted._replace(name=same)
        if wanted.display_name and self._key(agent, wanted.display_name) in self._in_client:
            wanted = _without_display_name(agent, wanted)
        name = free_name(agent, wanted.name, others, self.groups, self._numbers[wanted.name[:56]])
        self._wanted_by[wanted.name].append(name)
        self._copies.setdefault((agent.target, agent.raw), name)
        self._in_client.add(self._key(agent, client_name(name, wanted.display_name, TARGETS[agent.target])))
        self.groups[name] = [agent]
        of_client = (other for other in others if other.target == agent.target)
        return wanted._replace(name=name, other=next(of_client, others[0]) if others and name != wanted.name else None)

    def _same(self, agent: AgentFile, wanted: str) -> str:
        """The name of an agent whose file this one is a copy of, or its file for another client."""
        copied = self._copies.get((agent.target, agent.raw), "") if agent.value("name") is not None else ""
        names = self._wanted_by[wanted][:_MAX_COMPARED]
        return copied or next((name for name in names if _is_same(agent, self.groups[name])), "")

    def _key(self, agent: AgentFile, name: str) -> tuple[str, str]:
        return agent.target, TARGETS[agent.target].identity(name)


def _without_display_name(agent: AgentFile, wanted: Named) -> Named:
    message = f"another agent is already called `{wanted.display_name}`; this one is imported as `{wanted.name}`"
    found = agent.report(imports.name_repaired, "name", message, _UPDATE)
    return wanted._replace(display_name="", found=(*wanted.found, *found))


_UPDATE = "update everything that starts the agent by its old name"


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
    if same_client:
        return any(agent.raw == other.raw for other in same_client)
    return is_alike(agent, others[0])


def free_name(
    agent: AgentFile, wanted: str, others: Sequence[AgentFile], taken: Container[str], numbers: Iterator[int]
) -> str:
    """Return the name that an agent wants. If it is taken, return that of its file, or add its subfolder, its target or
    a number.

    `others` are the agents that have the wanted name.
    """
    targets = {other.target for other in others}
    variants = [wanted, slug(name_by_path(agent.source.file, agent.target))]
    steps = [step for step in agent.subfolder.split("/") if not AGENTS_FOLDER.match(f"{step}/")]
    variants += [slug("-".join((*around, wanted))) for around in (steps[:1], steps) if agent.subfolder]
    variants += [slug(f"{wanted[:50]}-{agent.target}")] if targets and agent.target not in targets else []
    numbered = (f"{wanted[:56]}-{number}" for number in numbers)
    return next(name for name in chain(filter(None, variants), numbered) if name not in taken)


def wanted_name(agent: AgentFile) -> Named:
    """Return the name that an agent gets unless another one has it: that in its file if a manifest can have it.

    Otherwise, it is that of the file, and what the client calls the agent is the display name if it can be.
    """
    row = TARGETS[agent.target]
    given = agent.value("name") if "name" in row.keys else None
    by_path = name_by_path(agent.source.file, agent.target)
    text = as_text(given)
    is_name = fits(NAME, text) and not (row.loader.is_known_by_file and slug(by_path))
    # with a subfolder, the name need not have its folders
    by_file = by_path.rpartition("/")[2] if agent.subfolder else by_path
    name = text if is_name else slug(by_file) or slug(text) or "agent"
    if name == given or (given is None and name == by_path and row.loader.named_by_file):
        return Named(name)
    if isinstance(given, str) and not is_name and _can_be_shown(given, row):
        return Named(name, given)
    if name == text:
        message = f"the name was read as text, `{name}`"
        return Named(name, "", agent.report(imports.front_matter_guessed, "name", message, "put it in quotes"))
    is_named = text or row.loader.named_by_file
    reason = f"`{text or by_path}` is not a valid name for a manifest" if is_named else "there is no name"
    hint = _UPDATE if is_named else "use this name to start the agent"
    message = f"{reason}; the agent is imported as `{name}`"
    return Named(name, "", agent.report(imports.name_repaired, "name", message, hint))


def _can_be_shown(given: str, row: Target) -> bool:
    return fits(DISPLAY_NAME, given) and row.display_name.is_identity and not refusal_of_name(given, row.name)
