"""How the agent files of a client list the tools of an agent."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from kei_assembler.markdown.front_matter import Value
from kei_assembler.records import NamedTuple


def words(text: str) -> tuple[str, ...]:
    """Return the words of a text that separates them by whitespace."""
    return tuple(text.split())


def names_by_tool(text: str) -> dict[str, str]:
    """Return a map from Claude Code's tools to the client's names, from a text such as `Edit Write: edit, …`."""
    groups = (group.partition(": ") for group in text.split(", "))
    return {tool: name for tools, _, name in groups for tool in tools.split()}


class Tools(NamedTuple):
    """How a client's agent file lists the agent's tools, and what import needs to read that list."""

    # How the list is written: `comma` (one string), `list`, `permissions` (a map) or `prose` (in the instructions).
    output_format: str
    # The client's names by Claude Code's. None if the client takes Claude Code's names unchanged.
    names: Mapping[str, str] | None = None
    # Patterns for the name of one tool of an MCP server, and for all of its tools.
    mcp_tool: str = ""
    mcp_server: str = ""
    # A regular expression that such a name must match. A name that doesn't has no counterpart.
    mcp_pattern: str = ".*"
    # More names of the client's that go with one of `names`: the client has several tools for what one does elsewhere.
    companions: Mapping[str, tuple[str, ...]] = {}
    # Claude Code's tools that are not in `names`, each with others in `names`. With any of those, the agent misses
    # nothing, because it can do the same with them.
    substitutes: Mapping[str, tuple[str, ...]] = {}
    # Claude Code's tools that the client only takes together with another one.
    needs: Mapping[str, str] = {}
    # A pattern for tools that are not in `names`. If it is empty, they have no counterpart.
    fallback_name: str = ""
    # Claude Code's tools whose scope, as in `Bash(git:*)`, the file can express.
    scoped: tuple[str, ...] = ()
    # A regular expression for the patterns of scopes that the client reads as the manifest means them.
    scope_pattern: str = ".*"
    # The front matter key for the scope of `Agent`, if there is a separate one.
    agents_key: str = ""
    # What that key has for an agent that can start any other one. If it is empty, the client assumes that without it.
    any_agent: str = ""
    # What to write for a granted tool instead of `allow`, because that would lift the client's own restrictions. If it
    # is an action, it is also that of the patterns of a scope.
    default_permissions: Mapping[str, Value] = {}
    # What the client allows to an agent whose file has no permissions.
    usual_permissions: Mapping[str, Value] = {}
    key: str = "tools"
    empty_means_all: bool = False
    # Whether the client gives the agent all tools if it does not know a name in the list.
    unknown_means_all: bool = False
    # The front matter key for the MCP servers that the agent can use, if the list of tools does not limit them. It is
    # `none`, or a table with the list `named`.
    servers_key: str = ""
    # How the client reads a list of names: each entry is one name, and in a string, so is what is between commas
    # (`entries`), an entry can hold several names separated by commas or spaces (`words`), or the list is one string
    # with commas (`commas`).
    input_format: str = "entries"
    # The client's current names by the older ones that it still accepts.
    legacy_names: Mapping[str, str] = {}
    # More names of the client's tools, for which a manifest's `tools` have no name.
    own_names: tuple[str, ...] = ()
    # Words that stand for several tools where the key has one of them instead of a list.
    categories: tuple[str, ...] = ()
    # Whether the client also accepts its names in another case, or without `_`.
    is_lenient: bool = False
    # An older key that maps tools to true or false.
    switches_key: str = ""

    def identity(self, name: str) -> str:
        """Return a name of a tool in the form in which the client compares it with others."""
        return name.casefold().replace("_", "") if self.is_lenient and not name.startswith("mcp__") else name

    @property
    def by_name(self) -> Mapping[str, list[str]]:
        """Claude Code's tools by the client's names."""
        tools: dict[str, list[str]] = {}
        for tool, name in (self.names or {}).items():
            tools.setdefault(name, []).append(tool)
        return tools

    @property
    def all_names(self) -> frozenset[str]:
        """All known names of the client's tools."""
        companions = chain.from_iterable(self.companions.values())
        return frozenset((*(self.names or {}).values(), *companions, *self.own_names, *self.categories))
