"""The row of Cursor."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.claude_code import CLAUDE_TOOLS
from kei_assembler.targets.facts import Executable, Verified
from kei_assembler.targets.forms import LINES
from kei_assembler.targets.instructions import Instructions, Rules
from kei_assembler.targets.target import Foreign, Key, Limit, Loader, Plugin, Target
from kei_assembler.targets.tools import Tools, words
from kei_assembler.validation import BOOLEAN, Field, list_of, matching

_ONE_NAME = matching("[^,\n]+", "a tool name without commas")
_IGNORED_OF_GROK = {
    "capabilityMode": "the tools can do everything",
    "disallowedTools": "the agent has these tools",
    "permissionMode": "the agent asks as the session does",
}

CURSOR = Target(
    name="cursor",
    label="Cursor",
    verified=(
        Verified(
            "Cursor's SDK", "1.0.32", "2026-11-29", ("code",), Executable(("cursor-agent",), program="Cursor CLI")
        ),
    ),
    output=".cursor/agents/{name}.md",
    keys=words("name description model readonly is_background tools"),
    table=(
        fields.MODEL,
        Key(Field("readonly", BOOLEAN, "Whether the agent can't change anything."), "takes permissions away"),
        Key(Field("is_background", BOOLEAN, "Whether the agent runs in the background."), fields.NOTHING),
        fields.tools_or_all("cursor", list_of(_ONE_NAME, "a list of names")),
    ),
    refused={
        "background": "is another spelling of `is_background`",
        "force-default-model": "is not for one agent to decide",
    },
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
    foreign=(
        fields.CLAUDE_FOLDER_WITH_MCP,
        Foreign(".grok/agents", "grok", has_mcp_names=True, ignored=_IGNORED_OF_GROK),
    ),
    searches_subfolders=True,
    settings=(
        fields.USE_FILES_OF,
        Field(
            "plain-descriptions",
            BOOLEAN,
            "Whether to write ` – ` for `: ` and ` #` in descriptions, which would need quotes in YAML.",
        ),
    ),
    plugin=Plugin((".cursor-plugin/plugin.json", ".claude-plugin/plugin.json")),
    loader=Loader(
        skipped_folders=(".*", "node_modules", "__pycache__", "dist", "build"),
        maximum_depth=10,
        named_by_file=True,
        hyphens_for=" _\t",
        finds_late_front_matter=True,
        suffixes=(".md", ".mdc", ".markdown"),
    ),
    models=("inherit",),
    model_names=("inherit",),
    instructions=Instructions(
        own_files=(".cursorrules",),
        rules=Rules(".cursor/rules/{name}.mdc", "globs", is_list=False, constants={"alwaysApply": False}, form=LINES),
    ),
    skill_folders=(".agents/skills", ".claude/skills", ".cursor/skills"),
    limits=(
        fields.NON_EMPTY_DESCRIPTION,
        Limit("name", pattern="[a-z0-9-]+", expects="lower-case letters, digits and `-`", is_advisory=True),
        Limit("name", reserved=("claude-code-tutor",)),
        Limit("body", minimum=1),
    ),
    unsupported=(
        fields.ONE_LINE,
        "Quotes around a value, which the client keeps. A description with `: ` or ` #` is therefore written without "
        "them. The client reads it as it is, but linters, GitHub's pages and other readers of YAML report an error. "
        "The setting `plain-descriptions` avoids that.",
    ),
)
