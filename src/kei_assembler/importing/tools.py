"""Translate the tools of an agent file to Claude Code's names, which manifests use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import filterfalse
from typing import Any

from kei_assembler import lazy_re
from kei_assembler.markdown.structure import code_spans
from kei_assembler.model.adaptation import EVERYTHING, LISTS, in_words, permissions, toolset
from kei_assembler.model.inheritance import INHERITED
from kei_assembler.rules.tools import is_one_tool
from kei_assembler.targets.target import Target
from kei_assembler.targets.tools import Tools

_NAMES = lazy_re.compile(r"(?:[^\s,(]|\([^)]*(?:\)|\Z))+")


def split_names(input_format: str, value: Any) -> list[str]:
    """Return the names in a list, or in a string with commas or spaces. For `input_format`, see `Tools`."""
    if input_format == "commas" or (input_format == "entries" and isinstance(value, str)):
        texts = value if isinstance(value, list) else [str(value)]
        return [name.strip() for text in texts if isinstance(text, str) for name in text.split(",") if name.strip()]
    texts = [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
    if input_format == "entries" and isinstance(value, list):
        return texts
    names = [name for text in texts for name in _NAMES.findall(text)]
    return [EVERYTHING] if EVERYTHING in names else names


def translated(row: Target, names: Sequence[str] | Mapping[str, Any]) -> tuple[list[str] | None, tuple[str, ...]]:
    """Return the names for a manifest, and those that are not the name of one tool.

    The names are None if a manifest cannot express them, so that the same file would not be generated again.
    """
    if row.tools.names is None:
        return list(filter(_is_name, names)), tuple(filterfalse(_is_name, names))
    by_name = row.tools.by_name
    companions = {each for name in names for each in row.tools.companions.get(name, ())}
    own = [name for name in names if name in by_name or name not in companions]
    found = [by_name.get(name) or _server_tool(row.tools, name) for name in own]
    tools = tuple(dict.fromkeys(tool for each in found for tool in each))
    is_complete = (isinstance(names, Mapping) or all(found)) and all(map(_is_name, tools))
    return (list(tools) if is_complete and _translates_back(row, tools, names) else None), ()


def _is_name(name: str) -> bool:
    """Whether an entry in a manifest's list of tools names one tool."""
    return is_one_tool(name) and name != INHERITED


def _translates_back(row: Target, tools: tuple[str, ...], names: Sequence[str] | Mapping[str, Any]) -> bool:
    granted = toolset(tools, row.name).granted
    if granted is None:
        return False
    if isinstance(names, Mapping):
        has_patterns = any(grant.patterns for grant in granted)
        return not has_patterns and list(permissions(row.tools, granted).items()) == list(names.items())
    return sorted(grant.name for grant in granted) == sorted(names)  # the order of a list has no meaning


_SERVER_NAME = lazy_re.compile(r"[\w.-]+")
_TOOL_NAME = lazy_re.compile(r"[\w.*-]+")


def _server_tool(row: Tools, name: str) -> tuple[str, ...]:
    """The tool of an MCP server, or another tool that has the same name everywhere."""
    start, _, rest = row.mcp_tool.partition("{server}")
    separator = rest.removesuffix("{tool}")
    end = name.find(separator, len(start) + 1) if separator and name.startswith(start) else 0
    server, tool = name[len(start) : end], name[end + len(separator) :]
    if whole := _whole_server(row, name):
        return (whole,)
    if end < 1 or not (_SERVER_NAME.fullmatch(server) and _TOOL_NAME.fullmatch(tool)):
        return (name,) if row.fallback_name == "{tool}" and is_one_tool(name) else ()
    return (f"mcp__{server}" if tool == EVERYTHING else f"mcp__{server}__{tool}",)


def _whole_server(row: Tools, name: str) -> str:
    """The entry for all tools of an MCP server whose name alone stands for them, as in `@tracker`, or ""."""
    start, _, end = row.mcp_server.partition("{server}")
    server = name.removeprefix(start)
    return f"mcp__{server}" if start and not end and name != server and _SERVER_NAME.fullmatch(server) else ""


def from_phrases(row: Target, phrases: Sequence[str]) -> list[str] | None:
    """Return the names for a manifest of the tools that instructions allow in these phrases.

    Return None if exactly these phrases would not be generated from any names.
    """
    if row.tools.output_format != "prose":
        return None
    tools = [tool for phrase in phrases for tool in _from_phrase(row.tools, phrase)]
    is_same = in_words(toolset(tuple(tools), row.name)) == tuple(phrases)
    return tools if is_same and all(map(_is_name, tools)) else None


def _from_phrase(row: Tools, phrase: str) -> list[str]:
    name, _, limits = phrase.partition(", but only ")
    tool = _by_phrase(row, name)
    scopes = [_code(limits[start:end]) for start, end in code_spans(limits)]
    if not scopes:
        return [tool]
    return [f"{tool}({', '.join(scopes)})"] if tool in LISTS else [f"{tool}({scope})" for scope in scopes]


def _code(span: str) -> str:
    """The code in a code span. Code that starts or ends with a backtick is padded with spaces."""
    ticks = len(span) - len(span.lstrip("`"))
    code = span[ticks:-ticks]
    return code[1:-1] if code.startswith(" `") or code.endswith("` ") else code


_QUOTED_NAME = {"server": "`(?P<server>[^`]+)`", "tool": "`(?P<tool>[^`]+)`"}


def _by_phrase(row: Tools, name: str) -> str:
    # if several tools share a phrase, the first one grants no more than the agent had
    if tools := row.by_name.get(name):
        return tools[0]
    forms = ((row.mcp_tool, "mcp__{server}__{tool}"), (row.mcp_server, "mcp__{server}"), (row.fallback_name, "{tool}"))
    matches = ((re.fullmatch(pattern.format(**_QUOTED_NAME), name), form) for pattern, form in forms)
    return next((form.format(**match.groupdict()) for match, form in matches if match), "")
