"""The row of Claude Code."""

from __future__ import annotations

from kei_assembler.targets import fields, hooks
from kei_assembler.targets.facts import Budget, Executable, Verified
from kei_assembler.targets.instructions import Instructions, OtherFile, Rules
from kei_assembler.targets.servers import OF_CLAUDE_CODE, named_servers
from kei_assembler.targets.target import DisplayName, Key, Limit, Loader, Plugin, Right, Target
from kei_assembler.targets.tools import Tools, words
from kei_assembler.validation import (
    BOOLEAN,
    POSITIVE,
    STRINGS,
    Field,
    Shape,
    any_of,
    one_of,
    table,
)

CLAUDE_TOOLS = tuple(
    "Agent Artifact AskUserQuestion Bash ClaudeDesign CronCreate CronDelete CronList Edit EndConversation "
    "EnterPlanMode EnterWorktree ExitPlanMode ExitWorktree Glob Grep ListAgents ListMcpResourcesTool LSP Monitor "
    "NotebookEdit OfferChromeSetup PowerShell Projects propose_skills PushNotification Read ReadMcpResourceDirTool "
    "ReadMcpResourceTool ReadNotifications RemoteTrigger ReportFindings ScheduleWakeup SendFeedback SendMessage "
    "SendUserFile SendUserMessage SetGoal ShareOnboardingGuide ShowOnboardingRolePicker Skill SubagentHandback Task "
    "TaskCreate TaskGet TaskList TaskStop TaskUpdate TodoWrite ToolSearch WaitForMcpServers WebFetch WebSearch "
    "Workflow Write".split()
)
"""Claude Code's built-in tools. Manifests list tools by these names."""

ALIASES = {"Task": "Agent"}
"""Older tool names that Claude Code still accepts, with their current names."""

FORMER_TOOLS = {
    "BashOutput": "Read",
    "KillBash": "TaskStop",
    "KillShell": "TaskStop",
    "LS": "Glob",
    "MultiEdit": "Edit",
    "NotebookRead": "Read",
    "SlashCommand": "Skill",
}
"""Tools that older versions of Claude Code had, with the tools that replaced them. To deny one of them does no harm."""

_EFFORT = any_of(one_of("low", "medium", "high", "xhigh", "max"), Shape(int, "a whole number"))
_EXPERIMENTAL = table(Field("cacheTtl", one_of("5m", "1h"), "How long the client caches the prompt."))

CLAUDE_CODE = Target(
    name="claude-code",
    label="Claude Code",
    verified=(Verified("Claude Code", "2.1.332", "2026-11-29", ("run", "code"), Executable(("claude",))),),
    output="{dir}/{name}.md",
    keys=words(
        "name description tools disallowedTools model effort permissionMode maxTurns skills mcpServers "
        "hooks memory background isolation color initialPrompt omitClaudeMd autoCompactWindow experimental"
    ),
    table=(
        Key(
            Field(
                "disallowedTools",
                STRINGS,
                "Tools that the agent can't use, even if `tools` or the default allows them.",
                kind="denied",
            ),
            "takes tools away",
        ),
        fields.MODEL,
        Key(Field("effort", _EFFORT, "How much the model thinks before it answers."), fields.NOTHING),
        fields.permission_mode("claude-code"),
        fields.MAX_TURNS,
        fields.skills("claude-code"),
        fields.mcp_servers("claude-code", "mcpServers", named_servers(OF_CLAUDE_CODE)),
        fields.hooks("claude-code", hooks.OF_CLAUDE_CODE),
        Key(
            Field("memory", one_of("user", "project", "local"), "Where the agent stores its own memory."),
            "the client adds `Read`, `Write` and `Edit` to the agent's tools",
            (Right("claude-code", "memory", "", "read and change files", ("Read", "Write", "Edit")),),
        ),
        fields.BACKGROUND,
        Key(
            Field("isolation", one_of("worktree", "remote"), "Where the agent works instead of the checkout."),
            "`worktree` is a copy on the same machine",
            (Right("claude-code", "isolation", "remote", "take the repository to another machine and work there"),),
        ),
        fields.COLOR,
        fields.INITIAL_PROMPT,
        Key(
            Field("omitClaudeMd", BOOLEAN, "Whether to leave out the project's memory files."),
            "the project's rules no longer apply",
            (Right("claude-code", "omitClaudeMd", "", "work without the project's rules"),),
        ),
        Key(
            Field("autoCompactWindow", POSITIVE, "The number of tokens at which the client summarizes the session."),
            fields.NOTHING,
        ),
        Key(Field("experimental", _EXPERIMENTAL, "Options that can change with every version."), fields.NOTHING),
    ),
    refused={
        "PermissionRequest": "belongs in `hooks`: at the top, it makes the client skip the agent",
        "PreSkillShellCommand": "belongs in `hooks`: at the top, it makes the client skip the agent",
        "PreToolUse": "belongs in `hooks`: at the top, it makes the client skip the agent",
        "observer": "lets another agent watch this one and send it messages",
        "observerMessage": "lets another agent watch this one and send it messages",
        "observeSubagents": "lets another agent watch those that this one starts",
        "observeToolResults": "shows another agent everything that this one reads",
    },
    tools=Tools("comma", input_format="words"),
    models=None,
    model_names=words("best default haiku inherit opus opusplan sonnet"),
    instructions=Instructions(
        OtherFile("CLAUDE.md", remedy="move the rest of `CLAUDE.md` to `AGENTS.md`, and delete `CLAUDE.md`"),
        hidden_by=(".claude/CLAUDE.md", "CLAUDE.local.md"),
        hides_below=True,
        expands_imports=True,
        rules=Rules(".claude/rules/{name}.md", "paths"),
    ),
    skill_folders=(".claude/skills",),
    search_paths=(".claude/agents/{name}.md",),
    loader=Loader(ends_at_any_dashes=True, requires_lf=True, unescapes_newlines=True),
    searches_subfolders=True,
    plugin=Plugin(
        (".claude-plugin/plugin.json", ".claude-plugin/marketplace.json"),
        ignored={
            "permissionMode": "the agent asks as the session does",
            "hooks": "they never run",
            "mcpServers": "the agent does not get these servers",
            "initialPrompt": "the agent starts without it",
            "observer": "nobody watches the agent",
            "observerMessage": "nobody watches the agent",
            "observeSubagents": "nobody watches the agents that this one starts",
        },
        accepted={"isolation": ("worktree",)},
        is_in_names=True,
    ),
    tables_as_lists=("mcpServers",),
    settings=(
        Field(
            "limit-agents",
            BOOLEAN,
            "Whether an agent that lists the tool `Agent` can start only the agents that it hands off to.",
        ),
    ),
    display_name=DisplayName(
        # the client also refuses characters that stand for a colon
        pattern="(?!-)[^:\u2a74\ufe13\ufe55\uff1a]{1,256}",
        expects="at most 256 characters, without `:`, and without `-` at the start",
    ),
    built_in=(fields.replaceable("claude Explore general-purpose Plan statusline-setup"),),
    limits=(
        fields.NON_EMPTY_DESCRIPTION,
        Limit(
            "description",
            pattern=r"[^\\]*(?:\\(?!n)[^\\]*)*",
            expects="free of a literal `\\n`, which becomes a line break",
            is_advisory=True,
        ),
        Limit("file", maximum=1024 * 1024),
    ),
    budget=Budget(15_000, 4),
)
