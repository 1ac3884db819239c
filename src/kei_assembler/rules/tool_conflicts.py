"""Rules about tools that a manifest lists twice, or both allows and denies."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from kei_assembler.diagnostics import Severity
from kei_assembler.model.adaptation import EVERYTHING, LISTS
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.targets import ALIASES, TARGETS
from kei_assembler.targets.target import Tools


@rule("K122", Severity.WARNING)
def allowed_and_denied(context: ManifestContext) -> Iterable[Violation]:
    """A tool is both allowed and denied, so the agent lacks it.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = ["Read", "Bash"]

        [target.claude-code]
        disallowedTools = ["Bash"]

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["Read"]

        [target.claude-code]
        disallowedTools = ["Bash"]
    """
    for name, key in _DENIALS if context.manifest.target else ():
        table, where = context.manifest.target.get(name, {}), ("target", name, key)
        denied = table.get(key)
        if not isinstance(denied, list | tuple) or (context.inherits(*where) and context.inherits("tools")):
            continue
        own = table.get(TARGETS[name].tools.key)
        path = ("target", name, TARGETS[name].tools.key) if isinstance(own, list | tuple) else ("tools",)
        allowed = own if isinstance(own, list | tuple) else context.manifest.tools or ()
        for index, entry in enumerate(denied):
            for position, tool in enumerate(allowed):
                if _denies(TARGETS[name].tools, str(entry), str(tool)):
                    related = (((*path, position), "allowed here"),)
                    message = f"`{entry}` is denied, but `{path[-1]}` allows `{tool}`"
                    yield Violation((*where, index), message, "remove one of the two", related)
                    break


_DENIALS = [(name, field.key) for name, row in TARGETS.items() for field in row.fields if field.kind == "denied"]


def _denies(row: Tools, denied: str, allowed: str) -> bool:
    """Return whether a denied entry concerns an allowed one, by Claude Code's or the client's name.

    All tools with an exception are nothing unusual, and neither are two different scopes of one tool.
    """
    if EVERYTHING in (allowed, denied):
        return allowed != EVERYTHING or denied == EVERYTHING
    (tool, scope), (other, other_scope) = _parts(row, allowed), _parts(row, denied)
    if tool.startswith("mcp__"):
        return tool == other or (other.count("__") == 1 and tool.startswith(f"{other}__"))
    has_names = tool in LISTS and not scope and other_scope  # all agents but some
    return tool == other and not has_names and (scope == other_scope or not (scope and other_scope))


def _parts(row: Tools, entry: str) -> tuple[str, str]:
    """The tool and the scope of an entry. A whole server has one form, and an older name stands for the current one."""
    tool, _, scope = entry.partition("(")
    tool = ALIASES.get(tool, tool)
    tool = (row.names or {}).get(tool, tool).removesuffix("__*")
    return tool, "" if scope.strip(" )") == EVERYTHING else scope


@rule("K123", Severity.NOTE)
def redundant_tool(context: ManifestContext) -> Iterable[Violation]:
    """An entry of `tools` has no effect, because another entry already allows the whole tool.

    Fails::

        name = "critic"
        description = "Reviews code."
        tools = ["Bash", "Bash(git:*)"]

    Passes::

        name = "critic"
        description = "Reviews code."
        tools = ["Bash(git:*)"]
    """
    tools = context.manifest.tools
    if tools is None or context.inherits("tools") or not _may_be_redundant(tools):
        return
    parts = [_parts(_AS_IT_IS, tool) for tool in tools]
    whole = {tool: index for index, (tool, scope) in reversed([*enumerate(parts)]) if not scope}
    for index, (tool, _) in enumerate(parts):
        server = tool.rpartition("__")[0] if tool.count("__") > 1 else ""
        others = (whole.get(each, index) for each in (EVERYTHING, server, tool))
        covering = next((other for other in others if tools[other] != tools[index]), None)
        if covering is not None:
            related = ((("tools", covering), "the whole tool"),)
            message = f"`{tools[index]}` has no effect, because `{tools[covering]}` is also in `tools`"
            yield Violation(("tools", index), message, "remove one of the two", related)


_AS_IT_IS = Tools("list")


@lru_cache(maxsize=1024)
def _may_be_redundant(tools: tuple[str, ...]) -> bool:
    return any("(" in tool or tool in ALIASES or "__" in tool or tool == EVERYTHING for tool in tools)


OF_MANIFEST = (allowed_and_denied, redundant_tool)
