"""Older ways to say things, which AI tools take still: what they are called by now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.lenient_yaml import LocatedValue
from kei_assembler.rules.imports import front_matter_guessed
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Tools
from kei_assembler.toml.source import START


def renewed(agent: AgentFile) -> tuple[AgentFile, list[Diagnostic]]:
    """Return an agent file with what it says in older ways said in the present ones, and a finding for each."""
    found: list[Diagnostic] = []
    for renew in (_with_new_keys, _with_new_tools, _with_permissions):
        entries, said = renew(agent)
        for key, message in said:
            found += agent.say(front_matter_guessed, agent.span(key), message, "the AI tool calls it so by now")
        agent = agent._replace(entries=entries)
    return agent, found


_Renewed = tuple[Mapping[str, LocatedValue], list[tuple[str, str]]]


def _with_new_keys(agent: AgentFile) -> _Renewed:
    former, there = TARGETS[agent.target].loader.legacy_keys, agent.entries
    meant = {key: former[key] for key in there if key in former and former[key] not in there}
    entries = {meant.get(key, key): entry for key, entry in there.items()}
    return entries, [(key, f"`{key}` became `{name}`") for key, name in meant.items()]


def _with_new_tools(agent: AgentFile) -> _Renewed:
    row = TARGETS[agent.target].tools
    listed = agent.entries.get(row.key)
    if listed is None or not isinstance(listed.value, list):
        return agent.entries, []
    names = [row.legacy_names.get(name, name) if isinstance(name, str) else name for name in listed.value]
    said = [(row.key, f"`{old}` became `{name}`") for old, name in zip(listed.value, names, strict=True) if old != name]
    return {**agent.entries, row.key: listed._replace(value=names)}, said


def _with_permissions(agent: AgentFile) -> _Renewed:
    """Switches for tools are permissions now; where both are there, those win."""
    row = TARGETS[agent.target].tools
    switches, asked = agent.entries.get(row.switches_key), agent.entries.get(row.key, _NOTHING)
    if not (switches and _are_switches(switches.value) and isinstance(asked.value, dict)):
        return agent.entries, []
    others = {key: entry for key, entry in agent.entries.items() if key not in (row.switches_key, row.key)}
    permissions = switches._replace(value={**dict(_permissions(row, switches.value)), **asked.value})
    return {**others, row.key: permissions}, [(row.switches_key, f"`{row.switches_key}` became `{row.key}`")]


_NOTHING = LocatedValue({}, START)


def _are_switches(value: Any) -> bool:
    return isinstance(value, dict) and all(type(is_on) is bool for is_on in value.values())


def _permissions(row: Tools, switches: Mapping[str, bool]) -> Iterator[tuple[str, str]]:
    for name, is_on in switches.items():
        yield row.legacy_names.get(name, name), "allow" if is_on else "deny"
