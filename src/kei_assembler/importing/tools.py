"""The tools of an agent file by Claude Code's names, which manifests speak."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from kei_assembler.adapt import EVERYTHING, permissions, toolset
from kei_assembler.rules.tools import is_one_tool
from kei_assembler.target import Target, Tools

_NAMES = re.compile(r"(?:[^\s,(]|\([^)]*(?:\)|\Z))+")


def split_names(row: Target | None, value: Any) -> list[str]:
    """Return the names in a list, or in a string with commas or spaces, as Claude Code tells them apart."""
    if row is not None and row.name == "cursor":
        return [name.strip() for name in str(value).split(",") if name.strip()]
    if row is not None and row.name not in ("claude-code", "qwen") and isinstance(value, list):
        return [str(name) for name in value if isinstance(name, str | int)]
    texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    names = [name for text in texts if isinstance(text, str) for name in _NAMES.findall(text)]
    return [EVERYTHING] if EVERYTHING in names else names


def translated(row: Target, names: Sequence[str] | Mapping[str, Any]) -> tuple[list[str] | None, tuple[str, ...]]:
    """Return the names by which a manifest says the same, and those that are no tool at all.

    There are none where the manifest cannot say it, so that the file would not be made again as it is.
    """
    if row.tools.names is None:
        return [name for name in names if is_one_tool(name)], tuple(name for name in names if not is_one_tool(name))
    found = [_inverse(row, name) for name in names]
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


def _inverse(row: Target, name: str) -> tuple[str, ...]:
    return _by_name(row.name, tuple((row.tools.names or {}).items())).get(name) or _of_server(row.tools, name)


@cache
def _by_name(target: str, names: tuple[tuple[str, str], ...]) -> Mapping[str, tuple[str, ...]]:  # noqa: ARG001 - the key
    found: dict[str, tuple[str, ...]] = {}
    for tool, name in names:
        found[name] = (*found.get(name, ()), tool)
    return found


_OF_MCP = {"server": r"(?P<server>[\w.-]+?)", "tool": r"(?P<tool>[\w.*-]+)"}


def _of_server(row: Tools, name: str) -> tuple[str, ...]:
    """The tool of an MCP server, where only one reading of its name is possible."""
    match = re.fullmatch(row.mcp_tool.format(**_OF_MCP), name) if row.mcp_tool else None
    if match is None:
        return (name,) if row.other == "{tool}" and is_one_tool(name) else ()
    return (f"mcp__{match['server']}" if match["tool"] == EVERYTHING else f"mcp__{match['server']}__{match['tool']}",)
