"""Convert agent files to manifests: one for each agent, whether it has a file for one client or for several."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.convert import Conversion, convert
from kei_assembler.importing.likeness import likeness
from kei_assembler.importing.merging import merge
from kei_assembler.importing.names import Named, agent_names, free_name, wanted_name
from kei_assembler.importing.references import with_new_names
from kei_assembler.importing.short_diff import short_diff
from kei_assembler.kit import LoadedKit
from kei_assembler.rules import imports


def convert_agents(kit: LoadedKit, agents: Sequence[AgentFile]) -> list[Conversion]:
    """Return the conversions of agent files, one for each agent, with names that no two of them share."""
    named = agent_names(agents)
    converter = _Converter(kit, frozenset(kit.names.agents.union(each.name for each in named)))
    first: dict[str, AgentFile] = {}
    for agent, each in zip(agents, named, strict=True):
        other = first.setdefault(each.name, agent)
        if not other.subfolder and agent.target != other.target:  # a copy for the same client has no say
            first[each.name] = agent
    files: defaultdict[str, list[Conversion]] = defaultdict(list)
    for agent, each in zip(agents, named, strict=True):
        files[each.name].append(converter.convert(agent._replace(subfolder=first[each.name].subfolder), each))
    return with_new_names([made for conversions in files.values() for made in converter.merge(conversions)])


def convert_again(kit: LoadedKit, agents: Mapping[str, Sequence[AgentFile]]) -> dict[str, list[Conversion]]:
    """Return the conversions of the files of agents that have these names, whatever their files call them.

    Of an agent whose files no longer fit into one manifest, the first conversion is that of most of them.
    """
    converter = _Converter(kit, frozenset(kit.names.agents.union(agents)))
    made = {
        name: converter.merge([converter.convert(each, wanted_name(each)._replace(name=name)) for each in files])
        for name, files in agents.items()
    }
    updated = iter(with_new_names([conversions[0] for conversions in made.values()]))
    return {name: [next(updated), *conversions[1:]] for name, conversions in made.items()}


class _Converter:
    """Converts agent files to manifests of a kit. `known` are the agents that handoffs can go to."""

    def __init__(self, kit: LoadedKit, known: frozenset[str]) -> None:
        self.kit = kit
        self.known = known
        self.taken = set(known)

    def convert(self, agent: AgentFile, named: Named, why: str = "") -> Conversion:
        """Convert a file, and report a name that another agent has. `why` says why the two are not one agent."""
        about = _about_name(agent, named, named.other, why) if named.other else []
        made = convert(self.kit, agent, named, self.known)
        return made._replace(found=(*named.found, *about, *made.found), other=named.other)

    def merge(self, files: list[Conversion]) -> list[Conversion]:
        """Return one conversion of the files with a name, and one for each of those that cannot be a part of it."""
        if len(files) == 1:
            return files
        merged = merge(self.kit, files, self._as_text)
        return [merged.conversion, *(self._apart(each, why, files[0].agent) for each, why in merged.others)]

    def _as_text(self, file: Conversion) -> Conversion:
        made = convert(self.kit, file.agent, _named(file), self.known, has_sections=False)
        return made._replace(found=file.found)

    def _apart(self, file: Conversion, why: str, other: AgentFile) -> Conversion:
        """Convert a file that cannot be a part of the manifest of another one to a manifest of its own."""
        agent = file.agent
        wanted = wanted_name(agent)
        name = free_name(agent, wanted.name, [other], self.taken, count(2))
        self.taken.add(name)
        made = self.convert(agent, wanted._replace(name=name, other=other), why)
        is_for_others = self.kit.settings.targets != (agent.target,)
        return made._replace(data=made.data | ({"targets": [agent.target]} if is_for_others else {}))


def _named(file: Conversion) -> Named:
    return Named(file.name, file.data.get("display-name", ""))


def _about_name(agent: AgentFile, named: Named, other: AgentFile, why: str) -> list[Diagnostic]:
    """Report that an agent gets another name, because another agent has the one that it wants."""
    wanted = wanted_name(agent).name
    message = f"another agent is already named `{wanted}`; this one is imported as `{named.name}`"
    if other.target == agent.target:
        return agent.report(imports.name_repaired, "name", message)
    why = why or f"only {likeness(other.body, agent.body):.0%} of the texts are the same"
    message = f"`{other.source.file}` is not the same agent: {why}; this one is imported as `{named.name}`"
    hint = f"if one manifest is enough for both, delete this one, and add `{agent.target}` to the other's `targets`"
    return agent.report(imports.name_repaired, "name", message, hint)


def differences(conversions: Iterable[Conversion]) -> Iterator[str]:
    """Yield a diff for each agent that has its name in common with another one, for another client. It can be cut."""
    for conversion in conversions:
        agent, other = conversion.agent, conversion.other
        if other is not None and other.target != agent.target:
            yield short_diff((other.source.file, other.source.text), (agent.source.file, agent.source.text))
