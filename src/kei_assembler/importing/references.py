"""Update the names by which imported agents refer to each other, where the import gives one of them another name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kei_assembler.importing.convert import Conversion
from kei_assembler.importing.paths import name_by_path
from kei_assembler.markdown.lenient_yaml import as_text
from kei_assembler.model.adaptation import agents_in, client_name
from kei_assembler.targets import TARGETS

_Names = Mapping[str, str]


def with_new_names(conversions: Sequence[Conversion]) -> list[Conversion]:
    """Return the conversions with the new names of agents.

    Scopes of `tools`, as in `Agent(critic)`, have the names of manifests. Handoffs and lists of agents in the table of
    a client have those that the client uses.
    """
    manifests: dict[str, dict[str, str]] = {}
    clients: dict[str, dict[str, str]] = {}
    for made in conversions:
        shown = made.data.get("display-name", "")
        for part in made.each:
            row, before = TARGETS[part.target], _former_name(part)
            # two agents of a client with the same name cannot be told apart
            manifests.setdefault(part.target, {}).setdefault(before, made.name)
            clients.setdefault(part.target, {}).setdefault(before, client_name(made.name, shown, row))
    changed: list[Conversion] = []
    scopes: dict[tuple[str, ...], _Names] = {}
    for made in conversions:
        targets = tuple(part.target for part in reversed(made.each))
        if targets not in scopes:  # most conversions are for the same clients
            scopes[targets] = {before: name for target in targets for before, name in manifests[target].items()}
        changed.append(_updated(made, scopes[targets], clients))
    return changed


def _former_name(part: Conversion) -> str:
    return as_text(part.agent.value("name")) or name_by_path(part.agent.source.file, part.target)


def _updated(made: Conversion, scopes: _Names, clients: Mapping[str, _Names]) -> Conversion:
    parts = tuple(part._replace(data=_with_names(part.data, scopes, clients)) for part in made.parts)
    return made._replace(data=_with_names(made.data, scopes, clients), parts=parts)


def _with_names(data: Mapping[str, Any], scopes: _Names, clients: Mapping[str, _Names]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    if "tools" in data:
        changed["tools"] = [_with_scope(entry, scopes) for entry in data["tools"]]
    if "target" in data:
        changed["target"] = {target: _table(table, target, clients[target]) for target, table in data["target"].items()}
    return {**data, **changed}


def _with_scope(entry: str, names: _Names) -> str:
    agents = [*agents_in(entry)]
    if not any(names.get(agent, agent) != agent for agent in agents):
        return entry
    return f"{entry.partition('(')[0]}({', '.join(names.get(agent, agent) for agent in agents)})"


def _table(table: Mapping[str, Any], target: str, names: _Names) -> dict[str, Any]:
    kinds = {field.key: field.kind for field in TARGETS[target].fields}
    return {key: _value(kinds.get(key), value, names) for key, value in table.items()}


def _value(kind: str | None, value: Any, names: _Names) -> Any:
    if kind == "agents":
        return [names.get(agent, agent) for agent in value]
    if kind == "handoffs":
        return [{**entry, "agent": names.get(entry["agent"], entry["agent"])} for entry in value]
    return value
