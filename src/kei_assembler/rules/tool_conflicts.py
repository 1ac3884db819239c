"""Rules about tools that a manifest both allows and denies."""

from __future__ import annotations

from collections.abc import Iterable

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


OF_MANIFEST = (allowed_and_denied,)
