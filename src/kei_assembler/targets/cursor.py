"""Cursor, version 1.0.32 of its SDK."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.claude_code import CLAUDE_TOOLS
from kei_assembler.targets.forms import LINES
from kei_assembler.targets.target import Limit, Loader, Target, Tools, words
from kei_assembler.validation import BOOLEAN, Field, list_of, matching

_ONE_NAME = matching("[^,\n]+", "a tool name without commas")

CURSOR = Target(
    name="cursor",
    label="Cursor",
    output=".cursor/agents/{name}.md",
    keys=words("name description model readonly is_background tools"),
    fields=(
        fields.MODEL,
        Field("readonly", BOOLEAN, "Whether the agent can't change anything."),
        Field("is_background", BOOLEAN, "Whether the agent runs in the background."),
        Field("tools", list_of(_ONE_NAME, "a list of names"), "The tools, instead of the manifest's `tools`."),
    ),
    tools=Tools(
        "comma",
        names={tool: tool for tool in CLAUDE_TOOLS},
        mcp_tool="mcp__{server}__{tool}",
        mcp_server="mcp__{server}__*",
        fallback_name="{tool}",
        empty_means_all=True,
        input_format="commas",
    ),
    form=LINES,
    other_folders=(".claude/agents", ".grok/agents"),
    searches_subfolders=True,
    loader=Loader(named_by_file=True, finds_late_front_matter=True, suffixes=(".md", ".mdc", ".markdown")),
    models=("inherit",),
    limits=(fields.NON_EMPTY_DESCRIPTION, Limit("body", minimum=1)),
    unsupported=("A description of several lines is written as one line.",),
)
