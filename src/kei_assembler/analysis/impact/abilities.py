"""What an agent may do in a client: its tools, its rights and its model, as they take effect there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from kei_assembler.analysis.impact.results import Difference, Gain
from kei_assembler.kit import LoadedKit
from kei_assembler.model.adaptation import EVERYTHING, limited_tools, takes_model, toolset, value_for_tools
from kei_assembler.model.manifest import Manifest
from kei_assembler.targets import ALIASES, TARGETS
from kei_assembler.targets.fields import NOTHING
from kei_assembler.targets.opencode import USUAL_PERMISSION
from kei_assembler.targets.opencode_permission import excess
from kei_assembler.targets.target import Key, Target
from kei_assembler.whitespace import SPACES

ALL_TOOLS = "all tools"

_PERMISSIONS = "permissions"
_NEUTRAL = ("default", False)
"""Values of keys that neither grant nor limit anything."""


class Abilities(NamedTuple):
    """What an agent may do in a client.

    `tools` are the names of its tools as manifests list them, or None if it has all. `grants` and `limits` are what the
    client's own keys give it and take from it, by a name for each, with the values. `permission` is the client's map of
    permissions, if there is one, and `sets_permission` says whether the manifest has set it for this client.
    """

    tools: frozenset[str] | None = frozenset()
    grants: Mapping[str, Any] = {}
    limits: Mapping[str, Any] = {}
    permission: Any = "deny"
    sets_permission: bool = False
    model: str = ""


NOTHING_AT_ALL = Abilities()
"""What an agent may do that does not exist."""


def abilities(kit: LoadedKit, manifest: Manifest, target: str) -> Abilities:
    """Return what the agent of a valid manifest may do in a client."""
    row, own = TARGETS[target], manifest.target.get(target, {})
    grants: dict[str, list[Any]] = {}
    limits: dict[str, list[Any]] = {}
    for key in row.table:
        name = key.field.key
        if name in own and name != row.tools.key and not key.permissions.startswith(NOTHING):
            for label, value, is_grant in _labels(key, own[name]):
                # a list can have several entries of one name, such as two tables with a server of that name
                (grants if is_grant else limits).setdefault(label, []).append(value)
    model = str(own.get("model", manifest.model if takes_model(manifest.model, row) else ""))
    permission, sets_permission = None, row.tools.output_format == _PERMISSIONS and row.tools.key in own
    if row.tools.output_format == _PERMISSIONS:
        permission = own[row.tools.key] if sets_permission else value_for_tools(manifest, row)
    return Abilities(_tools(kit, manifest, row), grants, limits, permission, sets_permission, model)


def _labels(key: Key, value: Any) -> Iterator[tuple[str, Any, bool]]:
    """Yield a name for each thing that a key grants or limits, with its value and whether it is granted."""
    name = key.field.key
    if isinstance(value, Mapping):
        yield from ((f"{name}: {inner}", each, bool(key.rights)) for inner, each in value.items())
    elif isinstance(value, list | tuple):
        yield from ((f"{name}: {_named(each)}", each, bool(key.rights)) for each in value)
    elif value not in _NEUTRAL:
        is_grant = any(right.value in ("", value) for right in key.rights)
        yield name if value is True else f"{name}={value}", value, is_grant


def _named(entry: Any) -> str:
    return ", ".join(map(str, entry)) if isinstance(entry, Mapping) else str(entry)


def _tools(kit: LoadedKit, manifest: Manifest, row: Target) -> frozenset[str] | None:
    own = manifest.target.get(row.name, {}).get(row.tools.key)
    if own is None:
        tools = limited_tools(manifest, kit.settings.of(row.name))
        if tools is None or EVERYTHING in tools:
            return None
        return frozenset(label for entry in tools for label in _effective(entry, row))
    if isinstance(own, Mapping):
        names = [name for name, action in own.items() if name != EVERYTHING and not _is_denied(action)]
        is_limited = _is_denied(own.get(EVERYTHING))
    elif row.tools.output_format == _PERMISSIONS:
        names, is_limited = [], _is_denied(own)
    else:
        names = [name.strip(SPACES) for name in own.split(",")] if isinstance(own, str) else [*map(str, _listed(own))]
        is_limited = EVERYTHING not in names and bool(names or not row.tools.empty_means_all)
    if not is_limited:
        return None
    return frozenset(tool for name in names for tool in row.tools.by_name.get(name, [name]))


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else (value,)


def _is_denied(action: Any) -> bool:
    return all(map(_is_denied, action.values())) if isinstance(action, Mapping) else action == "deny"


def _effective(entry: str, row: Target) -> Iterator[str]:
    """Yield what an entry of `tools` stands for in a client, where several tools can have one name."""
    if row.tools.names is None:
        yield entry
        return
    found = toolset((entry,), row.name)
    tool = entry.partition("(")[0]
    for grant in found.granted or ():
        if grant.patterns or entry.startswith("mcp__"):
            yield entry
        else:
            yield from row.tools.by_name.get(grant.name, [ALIASES.get(tool, tool)])


def gained(before: Abilities, after: Abilities, target: str) -> tuple[Difference, Difference]:
    """Return which tools and which rights an agent has gained and lost in a client."""
    tools = Difference(_more_tools(before, after, target), _more_tools(after, before, target))
    return tools, Difference(_more_rights(before, after, target), _more_rights(after, before, target))


def _more_tools(before: Abilities, after: Abilities, target: str) -> tuple[Gain, ...]:
    """The tools that an agent has after a change and did not have before."""
    if after.tools is None:
        return () if before.tools is None else (Gain(ALL_TOOLS, target),)
    return tuple(Gain(tool, target) for tool in sorted(after.tools) if not _has(before.tools, tool))


def _has(tools: frozenset[str] | None, tool: str) -> bool:
    """Return whether an agent with these tools can use one, also as a part of another one."""
    if tools is None or tool in tools or tool.partition("(")[0] in tools:
        return True
    server = "__".join(tool.split("__")[:2])
    return tool.startswith("mcp__") and not tools.isdisjoint((server, f"{server}__*"))


def _more_rights(before: Abilities, after: Abilities, target: str) -> tuple[Gain, ...]:
    """The rights that an agent has after a change and did not have before."""
    granted = [
        name for name, value in after.grants.items() if name not in before.grants or before.grants[name] != value
    ]
    lifted = [f"no {name}" for name in before.limits if name not in after.limits]
    if before.sets_permission or after.sets_permission:
        granted += _more_permissions(before, after)
    is_new = before is NOTHING_AT_ALL
    return tuple(Gain(name, target) for name in sorted((*granted, *(() if is_new else lifted))))


def _more_permissions(before: Abilities, after: Abilities) -> list[str]:
    """What a client's map of permissions allows after a change and did not allow before."""
    values = [{} if each.permission is None else each.permission for each in (after, before)]
    found = excess(values[0], USUAL_PERMISSION, values[1])
    if found is None:
        return []
    permission, subject = found
    return [f"permission: {permission}{f' {subject}' if subject.strip('*') else ''}" if permission else "permission"]
