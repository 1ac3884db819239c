"""Qwen Code, version 0.24.4."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.target import Limit, Right, Target, Tools, names_by_tool, words
from kei_assembler.validation import STRINGS, Field, one_of

_APPROVAL_MODE = one_of("plan", "default", "auto-edit", "auto", "yolo")

QWEN = Target(
    name="qwen",
    label="Qwen Code",
    output=".qwen/agents/{name}.md",
    keys=words("name description tools disallowedTools model approvalMode maxTurns color background mcpServers hooks"),
    fields=(
        fields.OWN_TOOLS,
        Field("disallowedTools", STRINGS, "Tools that the agent can't use, by the client's own names."),
        fields.MODEL,
        Field("approvalMode", _APPROVAL_MODE, "What the agent can do without asking."),
        fields.MAX_TURNS,
        Field("color", one_of("auto", *fields.COLORS), fields.COLOR_DOC),
        fields.BACKGROUND,
        Field("mcpServers", fields.SERVER_TABLE, "MCP servers that the agent can use."),
        fields.HOOKS,
    ),
    tools=Tools(
        "list",
        names=names_by_tool(
            "Read: read_file, Edit: edit, Write: write_file, Bash: run_shell_command, Glob: glob, "
            "Grep: grep_search, WebFetch: web_fetch, WebSearch: web_search, NotebookEdit: notebook_edit, "
            "Agent: agent, TodoWrite: todo_write, Skill: skill"
        ),
        mcp_tool="mcp__{server}__{tool}",
        mcp_server="mcp__{server}__*",
        empty_means_all=True,
        input_format="words",
    ),
    limits=(
        fields.NON_EMPTY_DESCRIPTION,
        Limit("description", maximum=1000, is_advisory=True),
        Limit("name", minimum=2, maximum=50),
        Limit(
            "name", pattern=r"[a-zA-Z0-9](?:[\w-]*[a-zA-Z0-9])?", expects="letters and digits, with `_` and `-` inside"
        ),
        Limit("name", reserved=("self", "system", "user", "model", "tool", "config", "default")),
        Limit("body", minimum=10),
        Limit("prompt", maximum=10_000, is_advisory=True),
    ),
    rights=(
        Right("qwen", "approvalMode", "yolo", "do anything without asking"),
        Right("qwen", "approvalMode", "auto", "act without asking a person"),
        Right("qwen", "hooks", "", fields.RUNS_HOOKS),
        Right("qwen", "mcpServers", "", fields.STARTS_SERVERS),
    ),
)
