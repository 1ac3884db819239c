"""Rules about the tools that a manifest lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from kei_assembler import lazy_re
from kei_assembler.diagnostics import Severity
from kei_assembler.model.adaptation import Toolset, toolset_of
from kei_assembler.model.inheritance import BUNDLE, DROPPED, INHERITED
from kei_assembler.rules.definition import Fixable, Remedy, Violation, rule
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.remedies import replacing
from kei_assembler.rules.values import Named, named_values
from kei_assembler.suggestions import did_you_mean, listed, misspelled, nearest
from kei_assembler.targets import ALIASES, FORMER_TOOLS, TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.targets.tools import Tools
from kei_assembler.whitespace import has_text

_TOOL_WITH_SCOPE = lazy_re.compile(r"(?P<tool>\w+)\(.*\)")


@rule("K111", Severity.WARNING, fixable=Fixable.UNSAFELY, about="tools")
def unknown_tool(context: ManifestContext) -> Iterable[Violation]:
    """A manifest lists a tool that does not exist.

    AI clients silently drop a name that they do not know, and the agent lacks the tool. Write Claude Code's names. The
    forms `Agent(name)`, `Bash(git:*)` and `mcp__server__tool` are fine. List tools from elsewhere in the setting
    `known-tools`. If older versions of Claude Code had the tool, as `MultiEdit`, the message says what replaced it.

    The keys of `[target.NAME]` that list tools by the client's own names are also checked. Since these can include
    tools from elsewhere, a name is only reported there if it is very similar to a known one.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = ["Raed", "Bash(git:*)", "mcp__tracker__search"]

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Bash(git:*)", "mcp__tracker__search"]
    """
    known, tools = context.kit.known_tools, context.manifest.tools or ()
    for index, tool in enumerate(tools):
        if not tool or _is_known(tool, known) or not is_one_tool(tool):
            continue
        if tool.partition("(")[0] in FORMER_TOOLS:
            yield _former_tool(tools, index)
        else:
            path, hint = ("tools", index), did_you_mean(tool, known, _UNKNOWN_TOOL_HELP)
            remedy = replacing(path, tool, nearest(tool, known), known)
            yield Violation(path, f"unknown tool `{tool}`", hint, remedy=remedy)
    for value, match in _unknown_in_tables(context) if context.manifest.target else ():
        is_right_elsewhere = match and match.casefold() == value.text.casefold()  # case does not count on some systems
        if not match or (value.kind == "tools" and not is_right_elsewhere):
            hint = f"did you mean `{match}`?" if match else _UNKNOWN_TOOL_HELP
            remedy = _replacing(value, match)
            yield Violation(value.path, f"unknown tool `{value.text}`", hint, remedy=remedy)


def _former_tool(tools: Sequence[str], index: int) -> Violation:
    """The finding about a tool that Claude Code had once. Only a whole tool can be replaced by another one."""
    name, _, scope = tools[index].partition("(")
    path, current = ("tools", index), FORMER_TOOLS[name]
    if current in tools:
        hint, remedy = f"remove it: `{current}`, which replaced it, is listed, too", None
    else:
        hint, remedy = f"`{current}` replaced it", Remedy("replaced", path, (name, current), is_safe=False)
    message = f"`{name}` is an old tool, which Claude Code no longer has"
    return Violation(path, message, hint, remedy=None if scope else remedy)


@rule("K121", may_ignore=True, fixable=Fixable.UNSAFELY, about="target")
def misspelled_denial(context: ManifestContext) -> Iterable[Violation]:
    """A list of tools that the agent must not use has a misspelled name, so the agent can use the tool.

    This is about keys such as `disallowedTools`, and about denials in `permission`.
    A name there that resembles no known one is K111.

    Fails::

        name = "critic"
        description = "Reviews code."

        [target.claude-code]
        disallowedTools = ["WebSerch"]

    Passes::

        name = "critic"
        description = "Reviews code."

        [target.claude-code]
        disallowedTools = ["WebSearch"]
    """
    for value, match in _unknown_in_tables(context) if context.manifest.target else ():
        if value.kind == "denied" and match:
            message = f"unknown tool `{value.text}`, so nothing is denied"
            remedy = _replacing(value, match)
            yield Violation(value.path, message, f"did you mean `{match}`?", remedy=remedy)


def _unknown_in_tables(context: ManifestContext) -> Iterator[tuple[Named, str | None]]:
    """The unknown names of tools in `[target.NAME]`, each with the name that it probably stands for."""
    for value in named_values(context):
        if value.kind in ("tools", "denied") and value.target:
            row = value.target.tools
            for name in _NAME_IN_ENTRY.findall(value.text):
                if row.names is None and not _is_known(name, context.kit.known_tools) and name not in FORMER_TOOLS:
                    tool = name.partition("(")[0]
                    yield value._replace(text=name), misspelled(tool, context.kit.known_tools)
                elif row.names is not None and (match := _meant_by(row, name)):
                    yield value._replace(text=name), match


def _replacing(value: Named, match: str | None) -> Remedy | None:
    return Remedy("replaced", value.path, (value.text.partition("(")[0], match), is_safe=False) if match else None


_NAME_IN_ENTRY = lazy_re.compile(r"[^ \t\n,()]+(?:\([^()]*\))?")


def _meant_by(row: Tools, name: str) -> str | None:
    """The client's own name for which another name probably stands, or None for a name that may be right."""
    known = row.all_names
    if name in known or not _WORD.fullmatch(name) or row.identity(name) in map(row.identity, known):
        return None
    if name in row.legacy_names:  # only an older key accepts them, if there is one
        return row.legacy_names[name] if row.switches_key else None
    return misspelled(name, known) or (row.names or {}).get(ALIASES.get(name, name))


_WORD = lazy_re.compile(r"\w+")


_UNKNOWN_TOOL_HELP = "if the name is correct, add it to the setting `known-tools`"


def _is_known(tool: str, known: frozenset[str]) -> bool:
    if tool in known or tool == "*" or tool.startswith("mcp__"):
        return True
    scoped = _TOOL_WITH_SCOPE.fullmatch(tool)
    return scoped is not None and scoped["tool"] in known


_ONE_TOOL = lazy_re.compile(
    r"\*|(?:Agent|Skill|Task)\(\*\)"
    r"|(?!mcp__[\W_]*\Z)"  # no server
    r"(?!(?:Agent|Skill|Task)\((?:[^()]*,)?[^\w(),*]*+\*[^\w(),]*+[,)])"  # a list of names with `*` for all of them
    r"(?:mcp__[\w.-]+(?:__\*)?|[\w./:-]+(?:\((?=[^()]*\w|\*\))(?:[^()\n]|\([^()\n]*\))*\))?)"
)


@lru_cache(maxsize=1024)  # the manifests of a kit list the same tools again and again
def is_one_tool(entry: str) -> bool:
    """Return whether an entry of `tools` names exactly one tool, limited or not, or the tools of one server."""
    return entry.isalnum() or _ONE_TOOL.fullmatch(entry) is not None


@rule("K116", about="tools")
def several_tools(context: ManifestContext) -> Iterable[Violation]:
    """An entry of `tools` does not name exactly one tool, limited or not, or the tools of one server.

    AI clients split an entry at commas and spaces, so the agent would get more tools than a reader of the manifest
    expects. Limits that limit nothing, as in `Agent()` and `Agent(critic, *)`, are also reported.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = ["mcp__tracker__search, Bash"]

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["mcp__tracker__search", "Bash(git log:*)"]
    """
    for index, tool in enumerate(context.manifest.tools or ()):
        if has_text(tool) and not is_one_tool(tool):
            message = f"`{tool}` is not the name of one tool"
            yield Violation(("tools", index), message, _single_tool_help(tool))


_SCOPE = lazy_re.compile(r"\([^()]*\)")


def _single_tool_help(entry: str) -> str:
    """How to correct an entry that does not name one tool."""
    if entry.startswith(BUNDLE):
        return "a bundle can only stand for blocks"
    if entry.startswith(DROPPED):
        return f'only an inherited tool can be dropped, in a list with `"{INHERITED}"`'
    names = _SCOPE.sub("", entry)
    if "," in names or " " in names.strip(" "):
        return "write a separate entry for each"
    if entry.startswith("mcp__"):
        return "name one server, as in `mcp__tracker`"
    has_scope = names != entry
    return "say what the tool is limited to, or remove the parentheses" if has_scope else "write the name of one tool"


@rule("K113", Severity.NOTE, about="tools")
def tool_without_counterpart(context: ManifestContext) -> Iterable[Violation]:
    """A client has no counterpart for a tool, so the agent lacks the tool there.

    Fails::

        name = "critic"
        description = "Reviews code."
        role = "You review code."
        tools = ["Read", "NotebookEdit"]
        targets = ["gemini"]

    Passes::

        name = "critic"
        description = "Reviews code."
        role = "You review code."
        tools = ["Read", "Edit"]
        targets = ["gemini"]
    """
    known = context.kit.known_tools
    for target, tools in _toolsets(context):
        if lost := tuple(tool for tool in tools.unsupported if _is_known(tool, known)):
            message = f"there is no counterpart in {target.label} for {listed(lost)}, which the agent then lacks"
            yield Violation(_first(context, lost), message, _hint(target))


@rule("K114", Severity.WARNING, about="tools")
def tool_widened(context: ManifestContext) -> Iterable[Violation]:
    """A client cannot limit a tool as the manifest does, as in `Bash(git:*)`.

    The agent gets the whole tool there. <clients with every entry as it is> gets every entry as it is.
    <which clients can limit which tools>. <clients with tools in words> limit no tool by themselves: the agent reads
    the limits in its instructions. The other clients can limit no tool.

    Fails::

        name = "critic"
        description = "Reviews code."
        role = "You review code."
        tools = ["Read", "Bash(git:*)"]
        targets = ["gemini"]

    Passes::

        name = "critic"
        description = "Reviews code."
        role = "You review code."
        tools = ["Read", "Bash(git:*)"]
        targets = ["claude-code", "opencode"]
    """
    for target, tools in _toolsets(context):
        if tools.unscoped:
            noun = "server" if all(tool.startswith("mcp__") for tool in tools.unscoped) else "tool"
            whole = f"{noun}{'s' * (len(tools.unscoped) > 1)}"
            message = f"{target.label} cannot limit {listed(tools.unscoped)}, so the agent gets the whole {whole} there"
            yield Violation(_first(context, tools.unscoped), message, _hint(target))


@rule("K115", about="tools")
def no_tools_mean_all(context: ManifestContext) -> Iterable[Violation]:
    """No tool is left for a client that reads an empty list as all tools.

    The manifest lists no tools, or only tools for which the client has no counterpart.

    Fails::

        name = "critic"
        description = "Reviews code."
        role = "You review code."
        tools = []
        targets = ["qwen"]

    Passes::

        name = "critic"
        description = "Reviews code."
        role = "You review code."
        tools = ["Read"]
        targets = ["qwen"]
    """
    for target, tools in _toolsets(context):
        if tools.granted == () and target.tools.empty_means_all:
            message = f"{target.label} gives an agent without tools all tools"
            hint = f"list a tool that {target.label} has, or remove `{target.name}` from the agent's targets"
            yield Violation(_where(context, target), message, hint)


def _toolsets(context: ManifestContext) -> Iterator[tuple[Target, Toolset]]:
    for name in context.kit.targets_of(context.manifest) if context.fits("tools") else ():
        target = TARGETS[name]
        if target.tools.names is not None:
            yield target, toolset_of(context.manifest, target, context.kit.settings.of(name))


def _where(context: ManifestContext, target: Target) -> tuple[str, ...]:
    """Return the path of the list that applies to the target: the one in its table, or the general one."""
    key = target.tools.key
    return ("target", target.name, key) if key in context.manifest.target.get(target.name, {}) else ("tools",)


def _first(context: ManifestContext, entries: tuple[str, ...]) -> tuple[str, int]:
    return "tools", (context.manifest.tools or ()).index(entries[0])


def _hint(target: Target) -> str:
    key = target.tools.key
    has_own_list = any(field.key == key for field in target.fields)
    return f"to list the client's own tools instead, set `{key}` in `[target.{target.name}]`" if has_own_list else ""


OF_MANIFEST = (
    unknown_tool,
    several_tools,
    misspelled_denial,
    tool_without_counterpart,
    tool_widened,
    no_tools_mean_all,
)
