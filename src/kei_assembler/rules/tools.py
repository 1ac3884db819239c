"""Tools: does an AI tool know what the manifest lists?"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kei_assembler.diagnostics import Finding, Severity, did_you_mean, rule
from kei_assembler.rules.subject import Subject
from kei_assembler.targets import TARGETS

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
    known = KNOWN_TOOLS.union(subject.kit.settings.known_tools)
    for index, tool in enumerate(subject.manifest.tools or ()):
        if tool and tool not in known and not _is_known_form(tool, known):
            yield Finding(("tools", index), f"unknown tool `{tool}`", did_you_mean(tool, known, _UNKNOWN_TOOL_HELP))


KNOWN_TOOLS = frozenset(tool for target in TARGETS.values() for tool in target.tools)
_UNKNOWN_TOOL_HELP = "if it is right, add it to the setting `known-tools`"


def _is_known_form(tool: str, known: frozenset[str]) -> bool:
    scoped = _TOOL_WITH_SCOPE.fullmatch(tool)
    return tool == "*" or tool.startswith("mcp__") or (scoped is not None and scoped["tool"] in known)


OF_MANIFEST = (unknown_tool,)
