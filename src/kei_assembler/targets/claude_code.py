"""Claude Code, version 2.1.330."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.target import Limit, Loader, Right, Target, Tools, words
from kei_assembler.validation import BOOLEAN, FILLED, STRINGS, Field, Shape, any_of, list_of, one_of

CLAUDE_TOOLS = tuple(
    "Agent AskUserQuestion Bash CronCreate CronDelete CronList Edit EnterPlanMode EnterWorktree ExitPlanMode "
    "ExitWorktree Glob Grep ListMcpResourcesTool LSP Monitor NotebookEdit PowerShell Read ReadMcpResourceTool "
    "SendMessage Skill Task TaskCreate TaskGet TaskList TaskStop TaskUpdate TodoWrite ToolSearch WebFetch "
    "WebSearch Workflow Write".split()
)
"""Claude Code's built-in tools. Manifests list tools by these names."""

ALIASES = {"Task": "Agent"}
"""Older tool names that Claude Code still accepts, with their current names."""

_EFFORT = any_of(one_of("low", "medium", "high", "xhigh", "max"), Shape(int, "a whole number"))
_PERMISSION_MODE = one_of("acceptEdits", "auto", "bypassPermissions", "default", "dontAsk", "plan")
_SERVER_LIST = list_of(any_of(FILLED, fields.SERVER_TABLE), "a list")
_SERVERS = Shape(
    object, "a table of servers, or a list of server names and such tables", any_of=(fields.SERVER_TABLE, _SERVER_LIST)
)

CLAUDE_CODE = Target(
    name="claude-code",
    label="Claude Code",
    output="{dir}/{name}.md",
    keys=words(
        "name description tools disallowedTools model effort permissionMode maxTurns skills mcpServers "
        "hooks memory background isolation color initialPrompt omitClaudeMd"
    ),
    fields=(
        Field(
            "disallowedTools", STRINGS, "Tools that the agent can't use, even if `tools` or the default allows them."
        ),
        fields.MODEL,
        Field("effort", _EFFORT, "How much the model thinks before it answers."),
        Field("permissionMode", _PERMISSION_MODE, "What the agent can do without asking."),
        fields.MAX_TURNS,
        Field("skills", STRINGS, "Skills to load when the agent starts."),
        Field("mcpServers", _SERVERS, "MCP servers that the agent can use."),
        fields.HOOKS,
        Field("memory", one_of("user", "project", "local"), "Where the agent stores its own memory."),
        fields.BACKGROUND,
        Field("isolation", one_of("worktree", "remote"), "Where the agent works instead of the checkout."),
        Field("color", one_of(*fields.COLORS), fields.COLOR_DOC),
        Field("initialPrompt", FILLED, "The first message if the agent runs as the main agent."),
        Field("omitClaudeMd", BOOLEAN, "Whether to leave out the project's memory files."),
    ),
    tools=Tools("comma", input_format="words"),
    models=None,
    search_paths=(".claude/agents/{name}.md",),
    loader=Loader(ends_at_any_dashes=True, requires_lf=True, unescapes_newlines=True),
    searches_subfolders=True,
    tables_as_lists=("mcpServers",),
    settings=(
        Field(
            "limit-agents",
            BOOLEAN,
            "Whether an agent that lists the tool `Agent` can start only the agents that it hands off to.",
        ),
    ),
    limits=(
        fields.NON_EMPTY_DESCRIPTION,
        Limit(
            "description",
            pattern=r"(?:(?!\\n)[\s\S])*",
            expects="free of a literal `\\n`, which becomes a line break",
            is_advisory=True,
        ),
        Limit("file", maximum=1024 * 1024),
    ),
    rights=(
        Right("claude-code", "permissionMode", "bypassPermissions", "do anything without asking"),
        Right("claude-code", "permissionMode", "auto", "act without asking a person"),
        Right("claude-code", "hooks", "", fields.RUNS_HOOKS),
        Right("claude-code", "mcpServers", "", fields.STARTS_SERVERS),
    ),
)
