"""Rules about tools that a manifest both allows and denies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kei_assembler import lazy_re
from kei_assembler.diagnostics import Severity
from kei_assembler.model.adaptation import EVERYTHING, LISTS, patterns_in
from kei_assembler.records import NamedTuple
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.targets import ALIASES, TARGETS
from kei_assembler.targets.tools import Tools


@rule("K122", Severity.WARNING, about="target")
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
        if not isinstance(denied, list | tuple):
            continue
        own = table.get(TARGETS[name].tools.key)
        path = ("target", name, TARGETS[name].tools.key) if isinstance(own, list | tuple) else ("tools",)
        allowed = own if isinstance(own, list | tuple) else context.manifest.tools or ()
        for index, entry in enumerate(denied):
            for position, tool in enumerate(allowed):
                if _denies(TARGETS[name].tools, str(entry), str(tool), is_own=path != ("tools",)):
                    related = (((*path, position), "allowed here"),)
                    message = f"`{entry}` is denied, but `{path[-1]}` allows `{tool}`"
                    yield Violation((*where, index), message, "remove one of the two", related)
                    break


_DENIALS = [(name, field.key) for name, row in TARGETS.items() for field in row.fields if field.kind == "denied"]


def _denies(row: Tools, denied: str, allowed: str, is_own: bool) -> bool:
    """Return whether a denied entry concerns an allowed one, which is one of the client's `own` list or of `tools`.

    All tools with an exception are nothing unusual, and neither are two different scopes of one tool.
    """
    if EVERYTHING in (allowed, denied):
        return allowed != EVERYTHING or denied == EVERYTHING
    grants = _grants(row, allowed, {} if is_own else row.names or {})
    return any(_concerns(other, grant) for grant in grants for other in _grants(row, denied, {}))


class _Grant(NamedTuple):
    """A tool by the client's name, in a form to compare, and the patterns that limit it."""

    tool: str
    patterns: frozenset[str]


def _concerns(denied: _Grant, allowed: _Grant) -> bool:
    if allowed.tool.startswith("mcp__"):
        start = denied.tool.rstrip("_*")
        is_for_many = start == "mcp" or start.count("__") == 1
        return allowed.tool == start or (is_for_many and allowed.tool.startswith(f"{start}__"))
    if allowed.tool != denied.tool:
        return False
    if allowed.tool.capitalize() in LISTS and not allowed.patterns and denied.patterns:
        return False  # all agents but some
    return not allowed.patterns or not denied.patterns or not allowed.patterns.isdisjoint(denied.patterns)


_ENTRY = lazy_re.compile(r"[^ \t\n,()]+(?:\([^()]*\))?")


def _grants(row: Tools, entry: str, names: Mapping[str, str]) -> Iterator[_Grant]:
    """The tools in an entry: several, if the client splits entries. An older name stands for the current one."""
    entries = [entry] if row.input_format == "entries" else _ENTRY.findall(entry)
    for text in entries:
        tool, _, scope = text.partition("(")
        tool = ALIASES.get(tool, tool)
        name = names.get(tool, tool).removesuffix("__*")
        yield _Grant(row.identity(name), frozenset(patterns_in(tool, scope.removesuffix(")"))))


OF_MANIFEST = (allowed_and_denied,)
