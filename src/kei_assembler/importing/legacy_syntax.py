"""Translate older syntax, which clients still accept, into the current one."""

from __future__ import annotations

from collections.abc import Mapping

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.tools import split_names
from kei_assembler.markdown.lenient_yaml import LocatedValue
from kei_assembler.rules.imports import front_matter_guessed
from kei_assembler.targets import TARGETS
from kei_assembler.targets.tools import Tools


def modernized(agent: AgentFile) -> tuple[AgentFile, list[Diagnostic]]:
    """Return an agent file with older keys, tool names and switches replaced, and a diagnostic for each."""
    found: list[Diagnostic] = []
    for replace, why in _REPLACEMENTS:
        entries, replaced = replace(agent)
        for key, old, new in replaced:
            message, hint = f"`{old}` became `{new}`", why
            found += agent.report(front_matter_guessed, key, message, hint)
        agent = agent._replace(entries=entries)
    return agent, found


# The new entries, and for each replacement the key where it was found, the old name and the new one.
_Replaced = tuple[Mapping[str, LocatedValue], list[tuple[str, str, str]]]


def _keys(agent: AgentFile) -> _Replaced:
    current, entries = TARGETS[agent.target].loader.legacy_keys, agent.entries
    new = {key: current[key] for key in entries if key in current and current[key] not in entries}
    return {new.get(key, key): value for key, value in entries.items()}, [(key, key, name) for key, name in new.items()]


def _foreign_keys(agent: AgentFile) -> _Replaced:
    """Keys of other clients became the client's own, unless the file has that, too."""
    entries, replaced = dict(agent.entries), []
    for key, (own, values) in TARGETS[agent.target].loader.foreign_keys.items():
        value = agent.value(key)
        if isinstance(value, str) and value in values and own not in entries:
            entries[own] = entries.pop(key)._replace(value=values[value])
            replaced.append((key, f"{key}: {value}", f"{own}: {values[value]}"))
    return entries, replaced


def _tool_names(agent: AgentFile) -> _Replaced:
    row, tools = TARGETS[agent.target].tools, agent.value(TARGETS[agent.target].tools.key)
    tools = split_names(row.input_format, tools) if isinstance(tools, str) and row.legacy_names else tools
    if not isinstance(tools, list):
        return agent.entries, []
    names = [_current(row, name) if isinstance(name, str) else name for name in tools]
    replaced = [(row.key, old, new) for old, new in zip(tools, names, strict=True) if old != new]
    entries = {**agent.entries, row.key: agent.entries[row.key]._replace(value=names)} if replaced else agent.entries
    return entries, replaced


def _current(row: Tools, name: str) -> str:
    """The client's current name for a tool, as it writes it. Some clients also accept other spellings.

    The spelling only matters for tools that a manifest's `tools` have a name for.
    """
    current = {row.identity(each): each for each in row.by_name} if row.is_lenient else {}
    known = {row.identity(old): new for old, new in row.legacy_names.items()}
    spelled = name if name in row.all_names else current.get(row.identity(name), name)
    return known.get(row.identity(name), spelled)


def _switches(agent: AgentFile) -> _Replaced:
    """Switches for tools became permissions. If a file has both for a tool, the permission wins."""
    row, entries = TARGETS[agent.target].tools, agent.entries
    switches, permissions = agent.value(row.switches_key), agent.value(row.key) if row.key in entries else {}
    if not (isinstance(switches, dict) and isinstance(permissions, dict)):
        return entries, []
    if not all(isinstance(is_on, bool) for is_on in switches.values()):
        return entries, []
    merged = {row.legacy_names.get(name, name): "allow" if is_on else "deny" for name, is_on in switches.items()}
    others = {key: entry for key, entry in entries.items() if key not in (row.switches_key, row.key)}
    replaced = entries[row.switches_key]._replace(value={**merged, **permissions})
    return {**others, row.key: replaced}, [(row.switches_key, row.switches_key, row.key)]


_CURRENT = "this is the client's current name for it"
_REPLACEMENTS = (
    (_keys, _CURRENT),
    (_foreign_keys, "the client reads the key of another client like this"),
    (_tool_names, _CURRENT),
    (_switches, _CURRENT),
)
"""What is replaced, each with the reason for the diagnostics."""

REASONS = frozenset(reason for _, reason in _REPLACEMENTS)
"""The reasons for what is replaced: the hints of the diagnostics about it."""
