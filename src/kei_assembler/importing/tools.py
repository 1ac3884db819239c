"""The tools of an agent file by Claude Code's names, which manifests speak."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kei_assembler.model.adaptation import EVERYTHING, LISTS, in_words, permissions, toolset
from kei_assembler.rules.tools import is_one_tool
from kei_assembler.targets.target import Target, Tools

_NAMES = re.compile(r"(?:[^\s,(]|\([^)]*(?:\)|\Z))+")


def split_names(read: str, value: Any) -> list[str]:
    """Return the names in a list, or in a string with commas or spaces. `read` is how a client reads them (`Tools`)."""
    if read == "commas":
        return [name.strip() for name in str(value).split(",") if name.strip()]
    if read == "entries" and isinstance(value, list):
        return [name for name in value if isinstance(name, str)]
    texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    names = [name for text in texts if isinstance(text, str) for name in _NAMES.findall(text)]
    return [EVERYTHING] if EVERYTHING in names else names


def translated(row: Target, names: Sequence[str] | Mapping[str, Any]) -> tuple[list[str] | None, tuple[str, ...]]:
    """Return the names by which a manifest says the same, and those that are no tool at all.

    There are none where the manifest cannot say it, so that the file would not be made again as it is.
    """
    if row.tools.names is None:
        return [name for name in names if is_one_tool(name)], tuple(name for name in names if not is_one_tool(name))
    own = row.tools.by_name
    found = [own.get(name) or _of_server(row.tools, name) for name in names]
    tools = tuple(dict.fromkeys(tool for each in found for tool in each))
    is_whole = all(found) or isinstance(names, Mapping)
    return (list(tools) if is_whole and all(map(is_one_tool, tools)) and _gives_again(row, tools, names) else None), ()


def _gives_again(row: Target, tools: tuple[str, ...], names: Sequence[str] | Mapping[str, Any]) -> bool:
    granted = toolset(tools, row.name).granted
    if granted is None:
        return False
    if isinstance(names, Mapping):
        is_whole = not any(grant.patterns for grant in granted)
        return is_whole and list(permissions(row.tools, granted).items()) == list(names.items())
    return [grant.name for grant in granted] == list(names)


_OF_MCP = {"server": r"(?P<server>[\w.-]+?)", "tool": r"(?P<tool>[\w.*-]+)"}


def _of_server(row: Tools, name: str) -> tuple[str, ...]:
    """The tool of an MCP server, where only one reading of its name is possible."""
    match = re.fullmatch(row.mcp_tool.format(**_OF_MCP), name) if row.mcp_tool else None
    if match is None:
        return (name,) if row.fallback_name == "{tool}" and is_one_tool(name) else ()
    return (f"mcp__{match['server']}" if match["tool"] == EVERYTHING else f"mcp__{match['server']}__{match['tool']}",)


def from_words(row: Target, phrases: Sequence[str]) -> list[str] | None:
    """Return the names by which a manifest says what instructions allow in these words.

    There are none where this tool would not write just these words for the AI tool.
    """
    if row.tools.output_format != "prose":
        return None
    tools = [tool for phrase in phrases for tool in _of_phrase(row.tools, phrase)]
    is_same = in_words(toolset(tuple(tools), row.name)) == tuple(phrases)
    return tools if is_same and all(map(is_one_tool, tools)) else None


def _of_phrase(row: Tools, phrase: str) -> list[str]:
    name, _, limits = phrase.partition(", but only ")
    tool = _named(row, name)
    scopes = [_unpadded(match["code"]) for match in _CODE_SPAN.finditer(limits)]
    if not scopes:
        return [tool]
    return [f"{tool}({', '.join(scopes)})"] if tool in LISTS else [f"{tool}({scope})" for scope in scopes]


_CODE_SPAN = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)")


def _unpadded(code: str) -> str:
    """A code span that begins or ends with a backtick has a space at both ends."""
    return code[1:-1] if code.startswith(" `") or code.endswith("` ") else code


def _named(row: Tools, name: str) -> str:
    """The tool of this name in words; of several tools the first, so that the agent is given no more than it had."""
    own = next((tool for tool, words in (row.names or {}).items() if words == name), None)
    if own is not None:
        return own
    matches = ((re.fullmatch(pattern.format(**_SPELLED), name), form) for pattern, form in _forms(row))
    return next((form.format(**match.groupdict()) for match, form in matches if match), "")


def _forms(row: Tools) -> Sequence[tuple[str, str]]:
    return (row.mcp_tool, "mcp__{server}__{tool}"), (row.mcp_server, "mcp__{server}"), (row.fallback_name, "{tool}")


_SPELLED = {"server": "`(?P<server>[^`]+)`", "tool": "`(?P<tool>[^`]+)`"}
