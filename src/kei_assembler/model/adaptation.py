"""Adapt a manifest to one client: the front matter of its agent file, and what that file cannot express."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain

from kei_assembler import lazy_re
from kei_assembler.markdown.front_matter import Value
from kei_assembler.markdown.structure import code_span
from kei_assembler.model.manifest import Handoff, Manifest
from kei_assembler.records import NamedTuple
from kei_assembler.suggestions import listed
from kei_assembler.targets import ALIASES, TARGETS
from kei_assembler.targets.target import Handoffs, Target
from kei_assembler.targets.tools import Tools
from kei_assembler.whitespace import collapse_whitespace

EVERYTHING = "*"
"""The entry of `tools` that means all tools."""

# A tool with an optional scope, as in `Bash(git:*)`, and a tool of an MCP server or the whole server.
_TOOL = lazy_re.compile(r"(?P<tool>\w+)(?:\((?P<scope>.*)\))?", re.DOTALL)
_MCP = lazy_re.compile(r"mcp__(?P<server>.+?)(?:__(?P<tool>.+))?", re.DOTALL)
LISTS = ("Agent", "Skill")
"""The tools whose scope is a list of names."""


class Grant(NamedTuple):
    """A tool by the client's name, and the patterns that limit it, if any."""

    name: str
    patterns: tuple[str, ...] = ()


class Toolset(NamedTuple):
    """A manifest's `tools`, translated for a client."""

    # None if the client's default applies.
    granted: tuple[Grant, ...] | None
    # The entries without a counterpart in the client.
    unsupported: tuple[str, ...] = ()
    # The entries whose scope the client's file cannot express.
    unscoped: tuple[str, ...] = ()
    # The only agents that the agent can start, if it is limited to some.
    agents: tuple[str, ...] = ()
    # The MCP servers of the entries.
    servers: tuple[str, ...] = ()


class Adapted(NamedTuple):
    """A manifest, adapted to a client: the entries of the front matter in order, and what the agent may do."""

    entries: tuple[tuple[str, Value], ...]
    # The granted tools in words. None unless the agent's tools are limited and only the instructions can say so.
    allowed: tuple[str, ...] | None


class _Entry(NamedTuple):
    """One entry of `tools`: its text, the tool, its patterns, and the client's name for it, if any."""

    text: str
    tool: str
    patterns: tuple[str, ...]
    name: str


def adapt(manifest: Manifest, target: Target, settings: Mapping[str, object], is_named_by_file: bool = True) -> Adapted:
    """Return the manifest adapted to a target. `settings` are the kit's settings for that target.

    `is_named_by_file` says that the output's path alone gives the agent its name, in clients where it can.
    """
    own = manifest.target.get(target.name, {})
    tools = toolset(limited_tools(manifest, settings), target.name)
    values: dict[str, Value] = {
        "name": manifest.name,
        "description": description_for(manifest, settings),
        **target.defaults,
    }
    if target.display_name.is_only_name and is_named_by_file:
        del values["name"]
    if manifest.display_name and not refusal_of_name(manifest.display_name, target.name):
        values[target.display_name.key] = manifest.display_name
    if tools.granted is not None:
        values[target.tools.key] = _tools_value(target.tools, tools.granted)
    if target.tools.agents_key:
        values[target.tools.agents_key] = tools.agents or _any_agent(target.tools, tools)
    if target.tools.servers_key and tools.granted is not None:
        values[target.tools.servers_key] = server_access(tools)
    if takes_model(manifest.model, target):
        values[target.model_key] = manifest.model
    if target.handoffs and own.get(target.handoffs.unless[0]) != target.handoffs.unless[1]:
        values[target.handoffs.key] = _handoffs(target.handoffs, manifest.handoff)
    # An empty list of tools is written, because without it the client's default would apply.
    written = {key: value for key, value in values.items() if value or key == target.tools.key} | _own(target, own)
    # Prose has an empty key, which drops out here.
    entries = tuple((key, written[key]) for key in target.keys if key in written)
    return Adapted(entries, in_words(tools) if target.tools.output_format == "prose" else None)


# What cannot be in a plain YAML value: the end of a key, and the start of a comment.
_ENDS_VALUE = lazy_re.compile(r":? #|: |:$")


def description_for(manifest: Manifest, settings: Mapping[str, object]) -> str:
    """Return the description for a target. With `plain-descriptions`, it needs no quotes in YAML."""
    return plain(manifest.description) if settings.get("plain-descriptions") else manifest.description


def plain(description: str) -> str:
    """Return a description on one line, with ` – ` for what ends a plain value in YAML."""
    return _ENDS_VALUE.sub(lambda match: " – " if " " in match[0] else "", collapse_whitespace(description))


@lru_cache(maxsize=1024)
def refusal_of_name(display_name: str, target: str) -> str:
    """Return what a display name must be for a target's client, or "" if the client accepts it as it is."""
    row = TARGETS[target]
    form = row.display_name
    limits = [limit for limit in row.limits if limit.part == "name" and form.is_identity]
    rules = (
        (re.fullmatch(form.pattern, display_name), form.expects),
        *((re.fullmatch(limit.pattern or ".*", display_name), limit.expects) for limit in limits),
        *((display_name.lower() not in limit.reserved, "a name that is not reserved") for limit in limits),
        *((len(display_name) >= limit.minimum, f"at least {limit.minimum} characters long") for limit in limits),
        *(
            (len(display_name) <= (limit.maximum or len(display_name)), f"at most {limit.maximum} long")
            for limit in limits
        ),
    )
    return next((expects for is_met, expects in rules if not is_met), "")


def client_name(name: str, display_name: str, target: Target) -> str:
    """Return the name by which other agents call an agent in a target's client."""
    is_display_name = (
        display_name and target.display_name.is_identity and not refusal_of_name(display_name, target.name)
    )
    return display_name if is_display_name else name


def with_client_names(manifest: Manifest, name_of: Callable[[str], str]) -> Manifest:
    """Return the manifest with the client's names of the agents in handoffs and `tools`, which `name_of` returns."""
    scopes = [entry for entry in manifest.tools or () if "(" in entry and starts_agents(entry)]
    scoped = chain.from_iterable(map(agents_in, scopes))
    agents = {*(handoff.target for handoff in manifest.handoff), *scoped}
    names = {agent: name for agent in agents if (name := name_of(agent)) != agent}
    if not names:
        return manifest
    tools = manifest.tools and tuple(_renamed(entry, names) if entry in scopes else entry for entry in manifest.tools)
    handoffs = tuple(one._replace(target=names.get(one.target, one.target)) for one in manifest.handoff)
    return manifest._replace(tools=tools, handoff=handoffs)


def agents_in(entry: str, limited: Manifest | None = None) -> Iterable[str]:
    """Return the agents that an entry of `tools` is limited to. A `limited` manifest is limited to its handoffs."""
    if not starts_agents(entry):
        return ()
    if limited:
        return (handoff.target for handoff in limited.handoff)
    return patterns_in("Agent", entry.partition("(")[2].removesuffix(")"))


def _renamed(entry: str, names: Mapping[str, str]) -> str:
    tool = entry.partition("(")[0]
    fitting = {name: shown for name, shown in names.items() if fits_in_scope(shown)}
    return f"{tool}({', '.join(fitting.get(name, name) for name in agents_in(entry))})"


def fits_in_scope(name: str) -> bool:
    """Return whether the scope of a tool, as in `Agent(critic)`, can contain an agent's name."""
    return not set(name) & set("(,)")


def takes_model(model: str, target: Target) -> bool:
    """Return whether a target's client understands the `model` of a manifest."""
    return target.models is None or model in target.models


def lacks_model(manifest: Manifest, target: Target) -> bool:
    """Return whether a target does not get the manifest's model, and `[target.NAME]` sets no other one."""
    is_default = manifest.model == "inherit"  # what clients do without a model, too
    return (
        not is_default
        and not takes_model(manifest.model, target)
        and target.model_key not in manifest.target.get(target.name, {})
    )


def _own(target: Target, table: Mapping[str, Value]) -> dict[str, Value]:
    """A manifest's table for the target. Some clients expect a list of tables with one key each instead of a table."""
    return {
        key: [{name: inner} for name, inner in value.items()]
        if key in target.tables_as_lists and isinstance(value, Mapping)
        else value
        for key, value in table.items()
    }


def server_access(tools: Toolset) -> Value:
    """Return which MCP servers an agent with limited tools can use, as a client's key for that says it."""
    return {"named": list(tools.servers)} if tools.servers else "none"


def _any_agent(row: Tools, tools: Toolset) -> tuple[str, ...]:
    """What the key for agents has if the agent can start any: nothing, unless the client needs to be told."""
    names = row.names or {}
    can_start = tools.granted is None or any(grant.name == names.get("Agent") for grant in tools.granted)
    return (row.any_agent,) if row.any_agent and can_start else ()


def toolset_of(manifest: Manifest, target: Target, settings: Mapping[str, object]) -> Toolset:
    """Return the manifest's tools, translated for a target.

    If `[target.NAME]` replaces them, the result says only whether the replacement is empty.
    """
    own = manifest.target.get(target.name, {})
    if target.tools.key in own:
        return Toolset(None if own[target.tools.key] else ())
    return toolset(limited_tools(manifest, settings), target.name)


def value_for_tools(manifest: Manifest, target: Target) -> Value | None:
    """Return what the manifest's tools become for a target, or None if the client's default applies."""
    granted = toolset(manifest.tools, target.name).granted
    return None if granted is None else _tools_value(target.tools, granted)


def limited_tools(manifest: Manifest, settings: Mapping[str, object]) -> tuple[str, ...] | None:
    """Return the manifest's tools. The setting `limit-agents` limits `Agent` to the targets of the handoffs."""
    if manifest.tools is None or not settings.get("limit-agents"):
        return manifest.tools
    agents = ", ".join(handoff.target for handoff in manifest.handoff if fits_in_scope(handoff.target))
    limited = f"Agent({agents})" if agents else ""
    tools = (limited if starts_agents(tool) else tool for tool in manifest.tools)
    return tuple(dict.fromkeys(filter(None, tools)))


def starts_agents(entry: str) -> bool:
    """Return whether an entry of `tools` lets the agent start other agents. An older name of the tool counts too."""
    tool = entry.partition("(")[0]
    return ALIASES.get(tool, tool) == "Agent"


@lru_cache(maxsize=1024)
def toolset(tools: tuple[str, ...] | None, target: str) -> Toolset:
    """Return Claude Code's tools, as a manifest lists them, translated for a target."""
    row = TARGETS[target].tools
    if row.names is None and tools is not None:
        return Toolset(tuple(map(Grant, tools)))
    if tools is None or EVERYTHING in tools:
        return Toolset(None)
    entries = _entries(row, tools)
    supported = [entry for entry in entries if entry.name]
    # A scope has no effect if another entry grants the whole tool.
    whole = {entry.tool for entry in supported if not entry.patterns}
    limited = [entry for entry in supported if entry.patterns and entry.tool not in whole]
    granted = tuple(_grants(row, supported))
    whole_names = {grant.name for grant in granted if not grant.patterns}
    tools_with_name = {entry.tool for entry in supported}
    own_keys = {"Agent"} if row.agents_key else set()  # the scope of `Agent` goes into its own key
    servers = {text: match["server"] for text in tools if (match := _MCP.fullmatch(text))}
    widened = [text for text in servers if row.servers_key and not _is_whole_server(text)]
    return Toolset(
        granted,
        tuple(
            entry.text
            for entry in entries
            if not (entry.name or tools_with_name & {*row.substitutes.get(entry.tool, ())})
        ),
        (*(entry.text for entry in limited if entry.name in whole_names and entry.tool not in own_keys), *widened),
        tuple(pattern for entry in limited if entry.tool == "Agent" for pattern in entry.patterns),
        tuple(dict.fromkeys(servers.values())),
    )


def _entries(row: Tools, tools: tuple[str, ...]) -> list[_Entry]:
    entries = [_entry(row, row.names or {}, text) for text in tools]
    given = {entry.tool for entry in entries}
    return [
        entry._replace(name="") if row.needs.get(entry.tool, entry.tool) not in given else entry for entry in entries
    ]


def _is_whole_server(entry: str) -> bool:
    match = _MCP.fullmatch(entry)
    return match is not None and match["tool"] in (None, EVERYTHING)


def _grants(row: Tools, entries: Iterable[_Entry]) -> Iterator[Grant]:
    """Several entries can have the same name. The grant is limited only if all of them are."""
    patterns: dict[str, list[tuple[str, ...]]] = {}
    for entry in entries:
        limits = entry.patterns if entry.tool in row.scoped else ()
        for name in (entry.name, *row.companions.get(entry.name, ())):
            patterns.setdefault(name, []).append(limits)
    for name, of_entries in patterns.items():
        yield Grant(name, tuple(chain.from_iterable(of_entries)) if all(of_entries) else ())


def _entry(row: Tools, names: Mapping[str, str], text: str) -> _Entry:
    spelled = code_span if row.output_format == "prose" else str
    if mcp := _MCP.fullmatch(text):
        pattern = row.mcp_server if mcp["tool"] in (None, EVERYTHING) else row.mcp_tool
        name = pattern.format(server=spelled(mcp["server"]), tool=spelled(mcp["tool"] or ""))
        return _Entry(text, text, (), name if re.fullmatch(row.mcp_pattern, name, re.DOTALL) else "")
    match = _TOOL.fullmatch(text)
    tool, scope = (match["tool"], match["scope"] or "") if match else (text, "")
    tool = ALIASES.get(tool, tool)
    patterns, name = patterns_in(tool, scope), names.get(tool) or row.fallback_name.format(tool=spelled(tool))
    is_read_alike = tool not in row.scoped or all(re.fullmatch(row.scope_pattern, each, re.DOTALL) for each in patterns)
    return _Entry(text, tool, patterns, name if is_read_alike else "")


def patterns_in(tool: str, scope: str) -> tuple[str, ...]:
    """Return the patterns in a scope. Claude Code writes a command with any arguments as `git:*`, others as `git *`."""
    if scope.strip() in ("", EVERYTHING):
        return ()
    if tool in LISTS:
        return tuple(filter(None, map(str.strip, scope.split(","))))
    # only a plain text can be followed by any arguments: in `git *:*`, the first `*` stands for itself
    return (f"{scope[:-2]} *" if scope.endswith(":*") and EVERYTHING not in scope[:-2] else scope,)


def _tools_value(row: Tools, granted: tuple[Grant, ...]) -> Value:
    if row.output_format == "permissions":
        return permissions(row, granted)
    names = tuple(grant.name for grant in granted)
    # A comma-separated string reads best, but a name with a comma, or no name at all, needs a list.
    is_string = row.output_format == "comma" and names and not any("," in name for name in names)
    return ", ".join(names) if is_string else names


def permissions(row: Tools, granted: Iterable[Grant]) -> dict[str, Value]:
    """Return the map of permissions for the granted tools. The last match wins, so the general denial comes first."""
    allowed: dict[str, Value] = {
        name: _limited_to(patterns, row.default_permissions.get(name, "allow")) for name, patterns in granted
    }
    return {EVERYTHING: "deny", **allowed}


def _limited_to(patterns: tuple[str, ...], action: Value) -> Value:
    """The permission for a tool, limited to the patterns if there are any."""
    of_patterns = action if isinstance(action, str) else "allow"
    return {EVERYTHING: "deny", **dict.fromkeys(patterns, of_patterns)} if patterns else action


def in_words(tools: Toolset) -> tuple[str, ...] | None:
    """Return the granted tools as phrases for a Markdown list. Return None if the client's default applies."""
    if tools.granted is None:
        return None
    return tuple(
        f"{name}, but only {listed(map(collapse_whitespace, patterns), code_span)}" if patterns else name
        for name, patterns in tools.granted
    )


def _handoffs(form: Handoffs, handoffs: Iterable[Handoff]) -> Value:
    return [
        {"label": form.label.format(agent=target), "agent": target, "prompt": collapse_whitespace(trigger)}
        for target, trigger in handoffs
    ]
