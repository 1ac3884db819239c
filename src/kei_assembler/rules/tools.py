"""Tools: does an AI tool know what the manifest lists?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from kei_assembler.diagnostics import Severity
from kei_assembler.manifest.adapt import Toolset, toolset_of
from kei_assembler.rules.definition import Finding, rule
from kei_assembler.rules.subject import Subject
from kei_assembler.suggestions import did_you_mean, listed
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Target

_TOOL_WITH_SCOPE = re.compile(r"(?P<tool>\w+)\(.*\)")


@rule("K111", Severity.WARNING)
def unknown_tool(subject: Subject) -> Iterable[Finding]:
    """A tool that no AI tool brings along.

    AI tools drop a name that they do not know silently, and the agent lacks the tool. Tool names are Claude Code's;
    `Agent(name)`, `Bash(git:*)` and `mcp__server__tool` are known forms. A tool from elsewhere is made known by the
    setting `known-tools`.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = ["Raed"]

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Bash(git:*)", "mcp__tracker__search"]
    """
    if subject.inherits("tools"):
        return
    known = subject.kit.known_tools
    for index, tool in enumerate(subject.manifest.tools or ()):
        if tool and not _is_known(tool, known) and is_one_tool(tool):
            yield Finding(("tools", index), f"unknown tool `{tool}`", did_you_mean(tool, known, _UNKNOWN_TOOL_HELP))


_UNKNOWN_TOOL_HELP = "if it is right, add it to the setting `known-tools`"


def _is_known(tool: str, known: frozenset[str]) -> bool:
    if tool in known or tool == "*" or tool.startswith("mcp__"):
        return True
    scoped = _TOOL_WITH_SCOPE.fullmatch(tool)
    return scoped is not None and scoped["tool"] in known


_ONE_TOOL = re.compile(
    r"\*|mcp__[\w.-]+?(?:__(?:[\w.-]+|\*))?"
    r"|[\w./:-]+(?:\((?=[^()]*\w|\*\))(?:[^()\n]|\([^()\n]*\))*\))?"
)


@lru_cache(maxsize=1024)
def is_one_tool(entry: str) -> bool:
    """Tell whether an entry of `tools` is the name of one tool, with or without limits, or of a server's tools."""
    return _ONE_TOOL.fullmatch(entry) is not None


@rule("K116")
def several_tools(subject: Subject) -> Iterable[Finding]:
    """An entry of `tools` is not the name of one tool, of a server's tools, or of a tool that is limited.

    Clients take what is set off by commas or spaces for several tools, so that an agent would get more than a reader of
    the manifest sees. The same goes for limits that limit nothing, as in `Agent()`.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = ["mcp__tracker__search, Bash"]

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["mcp__tracker__search", "Bash(git log:*)"]
    """
    for index, tool in enumerate(subject.manifest.tools or ()):
        if tool.strip() and not is_one_tool(tool) and not subject.inherits("tools"):
            yield Finding(
                ("tools", index), f"`{tool}` is not the name of one tool", "give each tool an entry of its own"
            )


@rule("K113", Severity.NOTE)
def tool_without_counterpart(subject: Subject) -> Iterable[Finding]:
    """A tool that one of the manifest's AI tools has nothing like: its agent goes without.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "NotebookEdit"]
        targets = ["gemini"]

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Edit"]
        targets = ["gemini"]
    """
    known = subject.kit.known_tools
    for target, tools in _toolsets(subject):
        if lost := tuple(tool for tool in tools.unsupported if _is_known(tool, known)):
            verb = "has" if len(lost) == 1 else "have"
            message = f"{listed(lost)} {verb} no counterpart in {target.label}, whose agent goes without"
            yield Finding(_first(subject, lost), message, _hint(target))


@rule("K114", Severity.WARNING)
def tool_widened(subject: Subject) -> Iterable[Finding]:
    """A tool is limited in the manifest, as in `Bash(git:*)`, but not in the file of one of its AI tools.

    There the agent gets the whole tool. OpenCode can limit `Bash`, `Agent` and `Skill`, Copilot `Agent`.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Bash(git:*)"]
        targets = ["gemini"]

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Bash(git:*)"]
        targets = ["claude-code", "opencode"]
    """
    for target, tools in _toolsets(subject):
        if tools.unscoped:
            message = f"{target.label} cannot limit {listed(tools.unscoped)}: its agent gets the whole tool"
            yield Finding(_first(subject, tools.unscoped), message, _hint(target))


@rule("K115")
def no_tools_mean_all(subject: Subject) -> Iterable[Finding]:
    """No tool is left for an AI tool that takes an empty list for all tools.

    The manifest lists none, or none with a counterpart.

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
    for target, tools in _toolsets(subject):
        if tools.granted == () and target.tools.empty_means_all:
            message = f"an agent without any tool has all of them in {target.label}"
            yield Finding(
                _place(subject, target),
                message,
                f"list a tool that it has, or leave `{target.name}` out of its targets",
            )


def _toolsets(subject: Subject) -> Iterator[tuple[Target, Toolset]]:
    for name in subject.kit.targets_of(subject.manifest) if subject.fits("tools") else ():
        target = TARGETS[name]
        if target.tools.names is not None:
            yield target, toolset_of(subject.manifest, target, subject.kit.settings.of(name))


def _place(subject: Subject, target: Target) -> tuple[str, ...]:
    """Where the target's tools stand: in its own table, or with those for all."""
    key = target.tools.key
    return ("target", target.name, key) if key in subject.manifest.target.get(target.name, {}) else ("tools",)


def _first(subject: Subject, entries: tuple[str, ...]) -> tuple[str, int]:
    return "tools", (subject.manifest.tools or ()).index(entries[0])


def _hint(target: Target) -> str:
    key = target.tools.key
    return (
        f"to list its own instead, write them as `[target.{target.name}] {key}`"
        if key in {field.key for field in target.fields}
        else ""
    )


OF_MANIFEST = (unknown_tool, several_tools, tool_without_counterpart, tool_widened, no_tools_mean_all)
