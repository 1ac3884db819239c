"""What a manifest means for one AI tool: its front matter, and what that cannot say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from kei_assembler.manifest import Handoff, Manifest
from kei_assembler.suggestions import listed
from kei_assembler.targets import ALIASES, TARGETS
from kei_assembler.targets.target import Handoffs, Target, Tools
from kei_assembler.text.frontmatter import Value
from kei_assembler.text.markdown import code_span, fold

EVERYTHING = "*"
"""The entry of `tools` that stands for all tools."""

_TOOL = re.compile(r"(?P<tool>\w+)(?:\((?P<scope>.*)\))?", re.DOTALL)
_MCP = re.compile(r"mcp__(?P<server>.+?)(?:__(?P<tool>.+))?", re.DOTALL)
_BY_COMMA = re.compile(r"\s*,\s*")
LISTS = ("Agent", "Skill")
"""The tools whose scope is a list of names."""


class Grant(NamedTuple):
    """A tool by the client's name, and the patterns that it is limited to; none where it is not."""

    name: str
    patterns: tuple[str, ...] = ()


class Toolset(NamedTuple):
    """What a manifest's `tools` come to for a client.

    `granted` is None where the client's default holds. `unsupported` are the entries without a counterpart, `unscoped` those
    whose scope the client's file cannot express; `agents` are those that may be started, where they are limited.
    """

    granted: tuple[Grant, ...] | None
    unsupported: tuple[str, ...] = ()
    unscoped: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


class Adapted(NamedTuple):
    """The entries of the front matter in their order.

    `allowed` is what the agent may do, in words, where only the instructions can say that, and it is limited.
    """

    entries: tuple[tuple[str, Value], ...]
    allowed: tuple[str, ...] | None


class _Reading(NamedTuple):
    """One entry of `tools`: the tool, its patterns, and the client's name for it, empty where there is none."""

    entry: str
    tool: str
    patterns: tuple[str, ...]
    name: str


def adapt(manifest: Manifest, target: Target, settings: Mapping[str, object]) -> Adapted:
    """Return what the manifest comes to for a target, of which the kit has these settings."""
    own = manifest.target.get(target.name, {})
    tools = toolset(_limited(manifest, settings), target.name)
    values: dict[str, Value] = {"name": manifest.name, "description": manifest.description, **target.defaults}
    if tools.granted is not None:
        values |= _OUTPUT_FORMATS[target.tools.output_format](target.tools, tools.granted)
    if target.tools.agents_key:
        values[target.tools.agents_key] = tools.agents
    if target.models is None or manifest.model in target.models:
        values["model"] = manifest.model
    if target.handoffs and own.get(target.handoffs.unless[0]) != target.handoffs.unless[1]:
        values[target.handoffs.key] = _handoffs(target.handoffs, manifest.handoff)
    told = {key: value for key, value in values.items() if value or key == target.tools.key} | _own(target, own)
    entries = tuple((key, told[key]) for key in target.keys if key in told)
    return Adapted(entries, in_words(tools) if target.tools.output_format == "prose" else None)


def _own(target: Target, table: Mapping[str, Value]) -> dict[str, Value]:
    """A manifest's table of the target, with its tables as lists of small ones where the client takes but those."""
    return {
        key: [{name: inner} for name, inner in value.items()]
        if key in target.tables_as_lists and isinstance(value, Mapping)
        else value
        for key, value in table.items()
    }


def toolset_of(manifest: Manifest, target: Target, settings: Mapping[str, object]) -> Toolset:
    """Return what the manifest's tools come to for a target; of its own tools instead, only whether there are any."""
    own = manifest.target.get(target.name, {})
    if target.tools.key in own:
        return Toolset(None if own[target.tools.key] else ())
    return toolset(_limited(manifest, settings), target.name)


def _limited(manifest: Manifest, settings: Mapping[str, object]) -> tuple[str, ...] | None:
    """The manifest's tools; with the setting `limit-agents`, `Agent` is for the targets of its handoffs only."""
    if manifest.tools is None or not settings.get("limit-agents"):
        return manifest.tools
    agents = ", ".join(handoff.target for handoff in manifest.handoff)
    limited = f"Agent({agents})" if agents else ""
    tools = (limited if starts_agents(tool) else tool for tool in manifest.tools)
    return tuple(dict.fromkeys(filter(None, tools)))


def starts_agents(entry: str) -> bool:
    """Tell whether an entry of `tools` lets the agent start others, by that tool's name of now or before."""
    tool = entry.partition("(")[0]
    return ALIASES.get(tool, tool) == "Agent"


@lru_cache(maxsize=1024)
def toolset(tools: tuple[str, ...] | None, target: str) -> Toolset:
    """Return what Claude Code's tools, as a manifest lists them, come to for a target."""
    row = TARGETS[target].tools
    if row.names is None and tools is not None:
        return Toolset(tuple(map(Grant, tools)))
    if tools is None or EVERYTHING in tools:
        return Toolset(None)
    read = [_read(row, row.names or {}, entry) for entry in tools]
    found = [reading for reading in read if reading.name]
    whole = {reading.tool for reading in found if not reading.patterns}
    limited = [reading for reading in found if reading.patterns and reading.tool not in whole]
    granted = tuple(_grants(row, found))
    whole_names = {grant.name for grant in granted if not grant.patterns}
    return Toolset(
        granted,
        tuple(reading.entry for reading in read if not reading.name),
        tuple(reading.entry for reading in limited if reading.name in whole_names and not _is_apart(row, reading.tool)),
        tuple(pattern for reading in limited if reading.tool == "Agent" for pattern in reading.patterns),
    )


def _grants(row: Tools, found: Iterable[_Reading]) -> Iterable[Grant]:
    patterns: dict[str, list[tuple[str, ...]]] = {}
    for reading in found:
        patterns.setdefault(reading.name, []).append(reading.patterns if reading.tool in row.scoped else ())
    for name, of_entries in patterns.items():
        yield Grant(name, tuple(pattern for each in of_entries for pattern in each) if all(of_entries) else ())


def _is_apart(row: Tools, tool: str) -> bool:
    """The agents that may be started have a key of their own."""
    return tool == "Agent" and bool(row.agents_key)


def _read(row: Tools, names: Mapping[str, str], entry: str) -> _Reading:
    spelled = code_span if row.output_format == "prose" else str
    if mcp := _MCP.fullmatch(entry):
        pattern = row.mcp_server if mcp["tool"] in (None, EVERYTHING) else row.mcp_tool
        name = pattern.format(server=spelled(mcp["server"]), tool=spelled(mcp["tool"] or ""))
        return _Reading(entry, entry, (), name if re.fullmatch(row.mcp_pattern, name, re.DOTALL) else "")
    match = _TOOL.fullmatch(entry)
    tool, scope = (match["tool"], match["scope"] or "") if match else (entry, "")
    tool = ALIASES.get(tool, tool)
    return _Reading(
        entry, tool, _patterns(tool, scope), names.get(tool) or row.fallback_name.format(tool=spelled(tool))
    )


def _patterns(tool: str, scope: str) -> tuple[str, ...]:
    """What a tool is limited to; Claude Code writes a command with any arguments as `git:*`."""
    if scope.strip() in ("", EVERYTHING):
        return ()
    if tool in LISTS:
        return tuple(filter(None, _BY_COMMA.split(scope.strip())))
    return (f"{scope[:-2]} *" if scope.endswith(":*") else scope,)


def _comma(row: Tools, granted: tuple[Grant, ...]) -> dict[str, Value]:
    """A comma-separated string reads best, but an item with a comma, or no item at all, needs a list."""
    names = tuple(grant.name for grant in granted)
    return {row.key: ", ".join(names) if names and not any("," in name for name in names) else names}


def _list(row: Tools, granted: tuple[Grant, ...]) -> dict[str, Value]:
    return {row.key: [grant.name for grant in granted]}


def _permissions(row: Tools, granted: tuple[Grant, ...]) -> dict[str, Value]:
    return {row.key: permissions(row, granted)}


def permissions(row: Tools, granted: Iterable[Grant]) -> dict[str, Value]:
    """Return what a map of permissions says: the last that matches holds, so what is denied in general comes first."""
    allowed = {
        grant.name: _by_pattern(grant.patterns) or row.default_permissions.get(grant.name, "allow") for grant in granted
    }
    return {EVERYTHING: "deny", **allowed}


def _by_pattern(patterns: tuple[str, ...]) -> Mapping[str, Value]:
    return {EVERYTHING: "deny", **dict.fromkeys(patterns, "allow")} if patterns else {}


def _prose(row: Tools, granted: tuple[Grant, ...]) -> dict[str, Value]:  # noqa: ARG001 - as the others
    return {}


_OUTPUT_FORMATS: dict[str, Callable[[Tools, tuple[Grant, ...]], dict[str, Value]]] = {
    "comma": _comma,
    "list": _list,
    "permissions": _permissions,
    "prose": _prose,
}


def in_words(tools: Toolset) -> tuple[str, ...] | None:
    """Return each tool as what the agent may do, in words that stand in a Markdown list; None for a default."""
    if tools.granted is None:
        return None
    return tuple(
        f"{name}, but only {listed(map(fold, patterns), code_span)}" if patterns else name
        for name, patterns in tools.granted
    )


def _handoffs(form: Handoffs, handoffs: Iterable[Handoff]) -> Value:
    return [
        {"label": form.label.format(agent=target), "agent": target, "prompt": fold(trigger)}
        for target, trigger in handoffs
    ]
