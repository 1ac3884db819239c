"""What an agent may do in a client: its tools, its rights and its model, as they take effect there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from kei_assembler import lazy_re
from kei_assembler.analysis.impact.results import Difference, Gain
from kei_assembler.kit import LoadedKit
from kei_assembler.model.adaptation import (
    EVERYTHING,
    LISTS,
    limited_tools,
    patterns_in,
    takes_model,
    toolset,
    value_for_tools,
)
from kei_assembler.model.kinds import SKILL
from kei_assembler.model.manifest import Manifest
from kei_assembler.records import NamedTuple
from kei_assembler.targets import ALIASES, TARGETS
from kei_assembler.targets.fields import NOTHING
from kei_assembler.targets.instructions import SKILL_TOOLS
from kei_assembler.targets.opencode_permission import excesses
from kei_assembler.targets.target import Key, Target
from kei_assembler.targets.tools import Tools
from kei_assembler.whitespace import SPACES

ALL_TOOLS = "all tools"
NO_LIMIT = "no limit by "
"""How the name of a right begins that is a limit which is gone."""

_PERMISSIONS = "permissions"
_NEUTRAL = ("default", False)
"""Values of keys that neither grant nor limit anything."""
_AGENT = "Agent"
_MAX_PERMISSIONS = 20
"""The number of permissions above which the others are left out."""

_ENTRY = lazy_re.compile(r"(?:[^ \t\n,(]|\([^)]*(?:\)|\Z))+")
_COMMAND = lazy_re.compile(
    r"(?P<tool>Bash|PowerShell)\((?P<start>[\w./=@-]+(?: [\w./=@-]+)*)(?P<end>:\*| \*|)\)", re.ASCII
)


class Grant(NamedTuple):
    """What a key of a client grants: its values. If the key has degrees, also the key, and 0 for the strongest."""

    values: tuple[Any, ...]
    key: str = ""
    degree: int = 0


class Abilities(NamedTuple):
    """What an agent may do in a client.

    `tools` are the names of its tools as manifests list them, or None if it has all. `agents` are those that it can
    start, or None for any, in a client that does not limit them with its tools. `grants` and `limits` are what the
    client's own keys give it and take from it, by a name for each, and `denied` are the tools that each key takes away.
    `permission` is the client's map of permissions, if there is one, and `sets_permission` says whether the manifest
    has set it for this client.
    """

    exists: bool = False
    tools: frozenset[str] | None = frozenset()
    agents: frozenset[str] | None = frozenset()
    grants: Mapping[str, Grant] = {}
    limits: frozenset[str] = frozenset()
    denied: Mapping[str, frozenset[str]] = {}
    permission: Any = "deny"
    sets_permission: bool = False
    model: str = ""


NOTHING_AT_ALL = Abilities()
"""What an agent may do that does not exist."""


def clients(kit: LoadedKit, manifest: Manifest) -> tuple[str, ...]:
    """Return the targets whose clients have an agent, also those that use the file of another target."""
    with_file = kit.all_targets(manifest.targets)
    listed = dict.fromkeys(manifest.targets or kit.settings.targets)
    return tuple(
        target for target in listed if target in with_file or kit.settings.of(target).get("use-files-of") in with_file
    )


def abilities(kit: LoadedKit, manifest: Manifest, target: str) -> Abilities:
    """Return what the agent or skill of a valid manifest may do in a client, which is one of its `clients`."""
    if manifest.kind == SKILL.name:  # it adds no tools, but lets those that it lists run without asking
        grants = {f"{SKILL_TOOLS}: {tool}": Grant((tool,)) for tool in manifest.tools or ()}
        return NOTHING_AT_ALL._replace(exists=True, grants=grants)
    is_reader = target not in kit.all_targets(manifest.targets)
    source = kit.settings.of(target)["use-files-of"] if is_reader else target
    row, own = TARGETS[source], _effective_keys(kit, manifest, TARGETS[target], source)
    model = str(own.get(row.model_key, manifest.model if takes_model(manifest.model, row) else ""))
    if own.get("disable") is True:
        return NOTHING_AT_ALL._replace(model=model)
    grants, limits, denied = _rights(row, own)
    tools = _tools_read(kit, manifest, TARGETS[target], source) if is_reader else _tools(kit, manifest, row)
    tools, agents = _agents(kit, manifest, TARGETS[target], own, tools)
    sets_permission = row.tools.output_format == _PERMISSIONS and row.tools.key in own
    permission = None
    if row.tools.output_format == _PERMISSIONS:
        permission = own[row.tools.key] if sets_permission else value_for_tools(manifest, row)
    return Abilities(True, tools, agents, grants, limits, denied, permission, sets_permission, model)


def _rights(row: Target, own: Mapping[str, Any]) -> tuple[dict[str, Grant], frozenset[str], dict[str, frozenset[str]]]:
    """Return what a client's own keys grant and limit, and the tools that they deny; see `Abilities`."""
    grants: dict[str, Grant] = {}
    limits: set[str] = set()
    denied: dict[str, frozenset[str]] = {}
    tools = row.tools
    for key in row.table:
        name = key.field.key
        if name not in own or name in (tools.key, tools.agents_key) or key.permissions.startswith(NOTHING):
            continue
        if key.field.kind == "denied":
            denied[name] = frozenset(label for entry in _split(own[name], row) for label in _labels(entry, row))
            continue
        for label, value in _parts(name, own[name]):
            degree = _degree(key, own[name])
            if degree is None:
                limits.add(label)
            elif label in grants:
                grants[label] = grants[label]._replace(values=(*grants[label].values, value))
            else:
                grants[label] = Grant((value,), name if label.startswith(f"{name}=") else "", degree)
    return grants, frozenset(limits), denied


def _effective_keys(kit: LoadedKit, manifest: Manifest, reader: Target, source: str) -> dict[str, Any]:
    """The keys of a manifest for a target, without those that the client ignores where it reads the file."""
    own = manifest.target.get(source, {})
    foreign = reader.foreign_folder(source) if reader.name != source else None
    if foreign:
        return {key: value for key, value in own.items() if key not in foreign.ignored}
    plugin = reader.plugin
    if own.keys().isdisjoint({*plugin.ignored, *plugin.accepted}):
        return {**own}
    output = kit.output(source, manifest.name, kit.files_by_agent[manifest.name])
    if kit.placement.plugin_file(source, os.path.dirname(output)) is None:
        return {**own}
    return {
        key: value
        for key, value in own.items()
        if key not in plugin.ignored and (key not in plugin.accepted or value in plugin.accepted[key])
    }


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield a name for each thing that a key grants or limits, with its value."""
    if isinstance(value, Mapping):
        yield from ((f"{name}: {inner}", each) for inner, each in value.items())
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _parts(name, each) if isinstance(each, Mapping) else [(f"{name}: {each}", each)]
    elif value not in _NEUTRAL:
        yield name if value is True else f"{name}={value}", value


def _degree(key: Key, value: Any) -> int | None:
    """Return the position of a value among the rights of a key, the strongest first, or None if it grants nothing."""
    is_table = isinstance(value, Mapping | list | tuple)
    return next((at for at, right in enumerate(key.rights) if is_table or right.value in ("", value)), None)


def _tools(kit: LoadedKit, manifest: Manifest, row: Target) -> frozenset[str] | None:
    own = manifest.target.get(row.name, {}).get(row.tools.key)
    if own is None:
        tools = limited_tools(manifest, kit.settings.of(row.name))
        if tools is None or EVERYTHING in tools:
            return None
        return frozenset(label for entry in tools for label in _effective(entry, row.name))
    if row.tools.output_format == _PERMISSIONS:
        return None  # its permissions say what it may use
    names = [name.strip(SPACES) for name in own.split(",")] if isinstance(own, str) else [*map(str, _listed(own))]
    if EVERYTHING in names or (row.tools.empty_means_all and not names):
        return None
    return frozenset(label for name in names for label in _labels(name, row))


def _tools_read(kit: LoadedKit, manifest: Manifest, reader: Target, source: str) -> frozenset[str] | None:
    """The tools in the file of another target, without those whose names the client does not understand."""
    foreign = reader.foreign_folder(source)
    tools = limited_tools(manifest, kit.settings.of(source))
    if tools is None or EVERYTHING in tools:
        return None
    names = reader.tools.names or {} if foreign and foreign.has_tool_names else {}
    understood = (
        entry
        for entry in tools
        if (foreign and foreign.has_mcp_names if entry.startswith("mcp__") else ALIASES.get(entry, entry) in names)
    )
    return frozenset(label for entry in understood for label in _effective(entry, reader.name))


def _agents(
    kit: LoadedKit, manifest: Manifest, row: Target, own: Mapping[str, Any], tools: frozenset[str] | None
) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    """Return the tools without those that start agents, and which agents these can start, if a key limits them."""
    key = row.tools.agents_key
    if not key:
        return tools, frozenset()
    named = own.get(key)
    others = None if tools is None else frozenset(tool for tool in tools if not _starts_agents(tool))
    if others is not None and others == tools:  # the client may still let it start any agent
        return tools, frozenset({EVERYTHING}.intersection(named or ()))
    if named is None:
        named = toolset(limited_tools(manifest, kit.settings.of(row.name)), row.name).agents or (EVERYTHING,)
    return others, None if EVERYTHING in named else frozenset(map(str, named))


def _starts_agents(tool: str) -> bool:
    return tool.casefold().partition("/")[0] in ("agent", "custom-agent", "task")


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _split(value: Any, row: Target) -> Iterator[str]:
    """Yield the entries of a list of tools, as the client splits them."""
    for entry in map(str, _listed(value)):
        yield from [entry] if row.tools.input_format == "entries" else _ENTRY.findall(entry)


def _labels(name: str, row: Target) -> Iterator[str]:
    """Yield a name for each thing that the client's own name of a tool, perhaps with a scope, stands for."""
    identity = row.tools.identity
    tool, *scope = name.strip(SPACES).partition("(")
    current = {identity(old): new for old, new in row.tools.legacy_names.items()}
    by_name = {identity(known): tools for known, tools in row.tools.by_name.items()}
    for each in by_name.get(identity(current.get(identity(tool), tool)), [tool]):
        yield from _scopes("".join((each, *scope)))


def _scopes(entry: str) -> Iterator[str]:
    """Yield a name for each thing that an entry of `tools` stands for: several agents or skills have one each."""
    tool, _, rest = entry.strip(SPACES).partition("(")
    tool, scope = ALIASES.get(tool, tool), rest.removesuffix(")")
    patterns = patterns_in(tool, scope)
    if not patterns:
        yield tool
    elif tool in LISTS:
        yield from (f"{tool}({each})" for each in patterns)
    else:
        yield f"{tool}({scope})"


@lru_cache(maxsize=1024)  # most agents list the same tools
def _effective(entry: str, target: str) -> tuple[str, ...]:
    """Return what an entry of `tools` stands for in a client, where several tools can have one name."""
    row = TARGETS[target]
    if row.tools.names is None:
        return tuple(_scopes(entry))
    made: list[str] = []
    tool = entry.partition("(")[0]
    for grant in toolset((entry,), target).granted or ():
        if grant.patterns or entry.startswith("mcp__"):
            made += _scopes(entry)
        else:
            made += row.tools.by_name.get(grant.name, [ALIASES.get(tool, tool)])
    return tuple(made)


def gained(before: Abilities, after: Abilities, target: str) -> tuple[Difference, Difference]:
    """Return which tools and which rights an agent has gained and lost in a client."""
    pairs, client = ((before, after), (after, before)), TARGETS[target].tools
    tools, rights = (
        Difference(*(tuple(Gain(name, target) for name in more(*pair, client)) for pair in pairs))
        for more in (_more_tools, _more_rights)
    )
    return tools, rights


def _more_tools(before: Abilities, after: Abilities, client: Tools) -> list[str]:
    """The tools that an agent has after a change and did not have before."""
    if before.sets_permission or after.sets_permission:
        return _more_permitted(before, after, client)
    if after.tools is None and before.tools is not None:
        return [ALL_TOOLS]
    return sorted({*_more(before.tools, after.tools), *_more_agents(before.agents, after.agents)})


def _more(before: frozenset[str] | None, after: frozenset[str] | None) -> Iterator[str]:
    return (tool for tool in after or () if not _has(before, tool))


def _more_agents(before: frozenset[str] | None, after: frozenset[str] | None) -> Iterable[str]:
    if before is None:
        return ()
    return [_AGENT] if after is None else [f"{_AGENT}({agent})" for agent in after - before]


def _has(tools: frozenset[str] | None, tool: str) -> bool:
    """Return whether an agent with these tools can use one, also as a part of another one."""
    if tools is None or tool in tools or tool.partition("(")[0] in tools:
        return True
    server = "__".join(tool.split("__")[:2])
    if tool.startswith("mcp__"):
        return not tools.isdisjoint((server, f"{server}__*"))
    return any(_covers(each, tool) for each in tools)


def _covers(tool: str, other: str) -> bool:
    """Return whether the commands with one start include all those of another scope, as far as that is certain."""
    wide, narrow = _COMMAND.fullmatch(tool), _COMMAND.fullmatch(other)
    if not wide or not narrow or not wide["end"] or wide["tool"] != narrow["tool"]:
        return False
    if wide["start"] == narrow["start"]:
        return bool(narrow["end"]) or wide["end"] == ":*"
    return narrow["start"].startswith(f"{wide['start']} ")


def _more_rights(before: Abilities, after: Abilities, client: Tools) -> list[str]:
    """The rights that an agent has after a change and did not have before."""
    names = [name for name, grant in after.grants.items() if not _is_granted(name, grant, before.grants)]
    if before.sets_permission or after.sets_permission:
        names += _more_permissions(before, after, client.usual_permissions)
    if before.exists and after.exists:
        lifted = {*(before.limits - after.limits)}
        for key, tools in before.denied.items():
            lifted.update(f"{key}: {tool}" for tool in _more(after.denied.get(key, frozenset()), tools))
        names += (f"{NO_LIMIT}{limit}" for limit in lifted)
    return sorted(names)


def _is_granted(name: str, grant: Grant, grants: Mapping[str, Grant]) -> bool:
    """Return whether some grants include another one, or a stronger degree of it."""
    return grants.get(name) == grant or any(
        grant.key and each.key == grant.key and each.degree < grant.degree for each in grants.values()
    )


def _more_permitted(before: Abilities, after: Abilities, client: Tools) -> list[str]:
    """The tools that a client's map of permissions allows after a change, perhaps after asking, and did not before."""
    found = _exceeding(_asked(before.permission), _asked(after.permission), _asked(client.usual_permissions))
    if any(map(_is_everything, found)):
        return [ALL_TOOLS]
    return _labelled(
        (tool, f"({subject})" if subject else "")
        for permission, subject in found
        for tool in client.by_name.get(permission, [permission])
    )


def _asked(permission: Any) -> Any:
    """A map of permissions in which what the client asks about is allowed."""
    if isinstance(permission, Mapping):
        return {name: _asked(action) for name, action in permission.items()}
    return "allow" if permission == "ask" else permission


def _more_permissions(before: Abilities, after: Abilities, usual: Mapping[str, Any]) -> list[str]:
    """What a client's map of permissions allows without asking after a change, and did not allow before."""
    found = _exceeding(before.permission, after.permission, usual)
    if any(map(_is_everything, found)):  # of the others, only those that the map itself names are of interest
        own = after.permission if isinstance(after.permission, Mapping) else {}
        found = [one for one in found if _is_everything(one) or one[0] in own]
    return _labelled(
        (f"permission: {name}" if name else "permission", f" {subject}" if subject else "") for name, subject in found
    )


def _labelled(found: Iterable[tuple[str, str]]) -> list[str]:
    """Return the names of what was found, each of a whole and perhaps a part of it, without parts of a whole here."""
    pairs = {*found}
    return sorted(f"{whole}{part}" for whole, part in pairs if not part or (whole, "") not in pairs)


def _is_everything(found: tuple[str, str]) -> bool:
    permission, subject = found
    return not permission.strip("*") and not subject


def _exceeding(before: Any, after: Any, defaults: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is allowed after a change and was not before: permissions, and subjects if not all are.

    Of many, it is only the first ones.
    """
    own, usual = ({} if each is None else each for each in (after, before))
    if str(own) == str(usual):  # the comparison itself may be too complex, and the order matters
        return []
    found = excesses(own, defaults, usual)[:_MAX_PERMISSIONS]
    return [(permission, subject if subject.strip("*") else "") for permission, subject in found]
