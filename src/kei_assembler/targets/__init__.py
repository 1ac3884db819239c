"""The AI tools that agent files are written for: one row of data per target.

The facts were read in the clients that are shipped, or tried in them, in November 2026: Claude Code 2.1.330, the
Copilot CLI 1.0.102 and VS Code, Cursor's SDK 1.0.32, OpenCode 1.18, Gemini CLI 0.61.0, Codex 0.169, Qwen Code 0.24.4.
"""

from __future__ import annotations

from kei_assembler.source.shapes import (
    BOOLEAN,
    FILLED,
    LINE,
    NUMBER,
    POSITIVE,
    STRINGS,
    TABLE_OF_ANYTHING,
    Field,
    Shape,
    any_of,
    list_of,
    matching,
    one_of,
    table,
    table_of,
)
from kei_assembler.targets.forms import LINES, TOML
from kei_assembler.targets.target import Handoffs, Limit, Right, Target, Tools

CLAUDE_TOOLS = tuple(
    "Agent AskUserQuestion Bash CronCreate CronDelete CronList Edit EnterPlanMode EnterWorktree ExitPlanMode "
    "ExitWorktree Glob Grep ListMcpResourcesTool LSP Monitor NotebookEdit PowerShell Read ReadMcpResourceTool "
    "SendMessage Skill Task TaskCreate TaskGet TaskList TaskStop TaskUpdate TodoWrite ToolSearch WebFetch "
    "WebSearch Workflow Write".split()
)
"""Claude Code's own tools, by whose names manifests list theirs."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _names(text: str) -> dict[str, str]:
    """The client's names by Claude Code's, from "Edit Write: edit, …"."""
    groups = (group.partition(": ") for group in text.split(", "))
    return {tool: name for tools, _, name in groups for tool in tools.split()}


ALIASES = {"Task": "Agent"}
"""Former names of tools that Claude Code still takes."""

_MODEL = Field("model", LINE, "The model for this target, in place of the manifest's `model`.")
_OWN_TOOLS = Field("tools", STRINGS, "The tools by the client's own names, in place of the manifest's `tools`.")
_ONE_NAME = matching("[^,\n]+", "a tool's name without commas")
_COLORS = ("red", "blue", "green", "yellow", "purple", "orange", "pink", "cyan")
_COLOR_DOC = "The agent's colour in the user interface."
_SERVER_TABLE = table_of(TABLE_OF_ANYTHING, "a table of servers")
_MAX_TURNS = Field("maxTurns", POSITIVE, "After how many turns the agent stops.")
_BACKGROUND = Field("background", BOOLEAN, "Whether the agent always runs in the background.")
_HOOKS_FIELD = Field("hooks", TABLE_OF_ANYTHING, "Commands that run at events of the agent's life.")
_SERVERS = "start and use servers of its own"
_HOOKS = "run commands at events, without asking"
_DESCRIBED = Limit("description", least=1, advised=True)

CLAUDE_CODE = Target(
    name="claude-code",
    label="Claude Code",
    output="{dir}/{name}.md",
    keys=_words(
        "name description tools disallowedTools model effort permissionMode maxTurns skills mcpServers "
        "hooks memory background isolation color initialPrompt omitClaudeMd"
    ),
    fields=(
        Field(
            "disallowedTools", STRINGS, "Tools that the agent may not use, though `tools` or the default allow them."
        ),
        _MODEL,
        Field(
            "effort",
            any_of(one_of("low", "medium", "high", "xhigh", "max"), Shape(int, "a whole number")),
            "How much the model thinks before it answers.",
        ),
        Field(
            "permissionMode",
            one_of("acceptEdits", "auto", "bypassPermissions", "default", "dontAsk", "plan"),
            "What the agent may do without asking.",
        ),
        _MAX_TURNS,
        Field("skills", STRINGS, "Skills that are loaded when the agent starts."),
        Field(
            "mcpServers",
            Shape(
                object,
                "a table of servers, or a list of server names and such tables",
                either=(_SERVER_TABLE, list_of(any_of(FILLED, _SERVER_TABLE), "a list")),
            ),
            "MCP servers that the agent can use.",
        ),
        _HOOKS_FIELD,
        Field("memory", one_of("user", "project", "local"), "Where the agent keeps a memory of its own."),
        _BACKGROUND,
        Field("isolation", one_of("worktree", "remote"), "Where the agent works, instead of in the checkout."),
        Field("color", one_of(*_COLORS), _COLOR_DOC),
        Field("initialPrompt", FILLED, "The first message, when the agent runs as the main one."),
        Field("omitClaudeMd", BOOLEAN, "Whether the project's memory files are left out."),
    ),
    tools=Tools("comma"),
    models=None,
    deep=True,
    listed=("mcpServers",),
    settings=(
        Field(
            "limit-agents",
            BOOLEAN,
            "Whether an agent that lists the tool `Agent` may start just the agents that it hands off to.",
        ),
    ),
    limits=(
        _DESCRIBED,
        Limit(
            "description",
            pattern=r"(?:(?!\\n)[\s\S])*",
            expects="without a written-out `\\n`, which is taken for a line break",
            advised=True,
        ),
        Limit("file", most=1024 * 1024),
    ),
    rights=(
        Right("claude-code", "permissionMode", "bypassPermissions", "do everything without asking"),
        Right("claude-code", "permissionMode", "auto", "act without asking a person"),
        Right("claude-code", "hooks", "", _HOOKS),
        Right("claude-code", "mcpServers", "", _SERVERS),
    ),
)

_VSCODE_HANDOFF = table(
    Field("label", LINE, "What the button says.", required=True),
    Field("agent", LINE, "The agent that takes over.", required=True),
    Field("prompt", FILLED, "What it is asked to do.", required=True),
    Field("send", BOOLEAN, "Whether the prompt is sent at once."),
    Field("showContinueOn", BOOLEAN, "Whether other ways to go on are offered."),
    Field("model", LINE, "The model for what follows."),
)

COPILOT = Target(
    name="copilot",
    label="GitHub Copilot and VS Code",
    output=".github/agents/{name}.agent.md",
    keys=_words(
        "name description target tools agents model argument-hint user-invocable disable-model-invocation "
        "mcp-servers metadata handoffs"
    ),
    fields=(
        Field("target", one_of("vscode", "github-copilot"), "The one client that the agent is for."),
        _OWN_TOOLS,
        Field("agents", STRINGS, "The agents that it may start."),
        Field(
            "model",
            Shape(
                object, "a model's display name, or a list of them", either=(LINE, list_of(FILLED, "a list", least=1))
            ),
            "The model, or for VS Code several to choose from.",
        ),
        Field("argument-hint", LINE, "What the input field of the chat suggests."),
        Field("user-invocable", BOOLEAN, "Whether people can choose the agent."),
        Field("disable-model-invocation", BOOLEAN, "Whether no other agent may start it by itself."),
        Field("mcp-servers", _SERVER_TABLE, "MCP servers that the agent can use."),
        Field("metadata", table_of(FILLED, "a table of strings"), "Notes for programs."),
        Field(
            "handoffs", list_of(_VSCODE_HANDOFF, "a list of tables"), "Buttons, in place of the manifest's handoffs."
        ),
    ),
    tools=Tools(
        "list",
        names=_names(
            "Bash: execute, Read: read, Edit Write NotebookEdit: edit, Grep Glob: search, Agent: agent, "
            "WebFetch WebSearch: web, TodoWrite: todo"
        ),
        mcp_tool="{server}/{tool}",
        mcp_server="{server}/*",
        agents="agents",
    ),
    handoffs=Handoffs("handoffs", "Hand off to {agent}", unless=("target", "github-copilot")),
    limits=(_DESCRIBED, Limit("prompt", most=30_000)),
    rights=(Right("copilot", "mcp-servers", "", _SERVERS),),
    lost=("Models go by display names here: `model` is left out unless `[target.copilot]` names one.",),
)

CURSOR = Target(
    name="cursor",
    label="Cursor",
    output=".cursor/agents/{name}.md",
    keys=_words("name description model readonly is_background tools"),
    fields=(
        _MODEL,
        Field("readonly", BOOLEAN, "Whether the agent changes nothing."),
        Field("is_background", BOOLEAN, "Whether the agent runs in the background."),
        Field(
            "tools",
            list_of(_ONE_NAME, "a list of names"),
            "The tools, in place of the manifest's `tools`.",
        ),
    ),
    tools=Tools(
        "comma",
        names={tool: tool for tool in CLAUDE_TOOLS},
        mcp_tool="mcp__{server}__{tool}",
        mcp_server="mcp__{server}__*",
        other="{tool}",
        empty_means_all=True,
    ),
    form=LINES,
    models=("inherit",),
    limits=(_DESCRIBED, Limit("body", least=1)),
    lost=("A description of several lines is written in one.",),
)

_ACTION = one_of("ask", "allow", "deny")
_BY_PATTERN = any_of(_ACTION, table_of(_ACTION, "a table of patterns"))

OPENCODE = Target(
    name="opencode",
    label="OpenCode",
    output=".opencode/agents/{name}.md",
    keys=_words("description mode model temperature top_p steps hidden disable color permission"),
    fields=(
        Field("mode", one_of("subagent", "primary", "all"), "Whether other agents start it, or people, or both."),
        Field("model", matching(r"[^/\s]+/\S+", "a model as `provider/id`"), "The model, as `provider/id`."),
        Field("temperature", NUMBER, "How freely the model chooses its words."),
        Field("top_p", NUMBER, "How freely, in the other way to say it."),
        Field("steps", POSITIVE, "After how many steps the agent stops."),
        Field("hidden", BOOLEAN, "Whether it is left out of the lists."),
        Field("disable", BOOLEAN, "Whether it is switched off."),
        Field(
            "color",
            matching(
                "#[0-9a-fA-F]{6}|primary|secondary|accent|success|warning|error|info",
                "a colour as `#ff8800`, or one of the theme's: `primary`, `secondary`, `accent`, `success`, `warning`, "
                "`error`, `info`",
            ),
            _COLOR_DOC,
        ),
        Field(
            "permission",
            any_of(
                _ACTION,
                table_of(
                    _BY_PATTERN,
                    fields=tuple(
                        Field(tool, _ACTION, "Without patterns.")
                        for tool in ("todowrite", "webfetch", "websearch", "question", "doom_loop")
                    ),
                ),
            ),
            "What the agent may do, in place of the manifest's `tools`; of patterns the last that matches holds.",
        ),
    ),
    tools=Tools(
        "permissions",
        names=_names(
            "Read: read, Edit Write NotebookEdit: edit, Glob: glob, Grep: grep, Bash: bash, Agent: task, "
            "LSP: lsp, Skill: skill, TodoWrite: todowrite, WebFetch: webfetch, WebSearch: websearch"
        ),
        mcp_tool="{server}_{tool}",
        mcp_server="{server}_*",
        mcp=r"(?!(?:external_directory|doom_loop)\Z)[\w.-]+_(?:[\w.-]+|\*)",
        scoped=("Bash", "Agent", "Skill"),
        key="permission",
        guarded={"read": {"*": "allow", "*.env": "ask", "*.env.*": "ask", "*.env.example": "allow"}},
    ),
    fixed={"mode": "subagent"},
    deep=True,
    rights=(Right("opencode", "permission", "allow", "do everything without asking"),),
    lost=("The name is that of the file; there is none in the front matter.",),
)

_GEMINI_TOOLS = (
    "activate_skill ask_user enter_plan_mode exit_plan_mode glob google_web_search grep_search list_directory "
    "list_mcp_resources read_file read_many_files read_mcp_resource replace run_shell_command web_fetch write_file "
    "write_todos"
).split()

_GEMINI_MCP = r"mcp_[A-Za-z0-9.:-]+_(?:\*|(?!_+\Z)[A-Za-z0-9_.:-]+)"

GEMINI = Target(
    name="gemini",
    label="Gemini CLI",
    output=".gemini/agents/{name}.md",
    keys=_words("name display_name description kind tools mcp_servers model temperature max_turns timeout_mins"),
    fields=(
        Field("display_name", LINE, "The name that people see."),
        Field("kind", one_of("local"), "Where the agent runs."),
        Field(
            "tools",
            list_of(
                matching(
                    rf"\*|mcp_\*|{_GEMINI_MCP}|{'|'.join(_GEMINI_TOOLS)}",
                    "a tool of Gemini CLI, `mcp_SERVER_TOOL`, `mcp_SERVER_*` or `*`; any other loses the agent",
                ),
                "a list of tools",
            ),
            _OWN_TOOLS.doc,
        ),
        Field("mcp_servers", _SERVER_TABLE, "MCP servers that the agent can use."),
        _MODEL,
        Field("temperature", NUMBER, "How freely the model chooses its words."),
        Field("max_turns", POSITIVE, "After how many turns the agent stops."),
        Field("timeout_mins", POSITIVE, "After how many minutes the agent stops."),
    ),
    tools=Tools(
        "list",
        names=_names(
            "Read: read_file, Edit: replace, Write: write_file, Bash: run_shell_command, Glob: glob, "
            "Grep: grep_search, WebFetch: web_fetch, WebSearch: google_web_search, TodoWrite: write_todos, "
            "Skill: activate_skill"
        ),
        mcp_tool="mcp_{server}_{tool}",
        mcp_server="mcp_{server}_*",
        mcp=_GEMINI_MCP,
    ),
    models=("inherit",),
    limits=(_DESCRIBED, Limit("name", pattern="[a-z0-9_-]+", expects="lower-case letters, digits, `_` and `-`")),
    fills=r"\$\{[A-Za-z0-9_]+\}",
    rights=(Right("gemini", "mcp_servers", "", _SERVERS),),
    lost=(
        "Its agents cannot start others: `Agent` has no counterpart, and handoffs are up to the one who called.",
        "The body is a template here: `${word}` in it is an error.",
    ),
)

CODEX = Target(
    name="codex",
    label="Codex CLI",
    output=".codex/agents/{name}.toml",
    keys=_words("name description model model_reasoning_effort sandbox_mode nickname_candidates"),
    fields=(
        _MODEL,
        Field("model_reasoning_effort", LINE, "How much the model thinks before it answers."),
        Field(
            "sandbox_mode",
            one_of("read-only", "workspace-write", "danger-full-access"),
            "What commands may change; the caller's holds when it runs.",
        ),
        Field(
            "nickname_candidates",
            list_of(
                matching(
                    "[A-Za-z0-9_-]+(?: +[A-Za-z0-9_-]+)*", "a nickname of ASCII letters, digits, spaces, `-` and `_`"
                ),
                "a list of nicknames",
                least=1,
            ),
            "What running agents of this kind may be called.",
        ),
    ),
    tools=Tools(
        "prose",
        names=_names(
            "Agent: start other agents, AskUserQuestion: ask the user, "
            "Bash PowerShell: run commands in the shell, Edit: change files, Glob: find files by name, "
            "Grep: search in files, LSP: ask the language server, NotebookEdit: change notebooks, "
            "Read: read files, Skill: use skills, TodoWrite: keep a list of what is to be done, "
            "WebFetch: fetch pages of the web, WebSearch: search the web, Write: write files"
        ),
        mcp_tool="use the tool {tool} of the MCP server {server}",
        mcp_server="use the tools of the MCP server {server}",
        other="use the tool {tool}",
        scoped=CLAUDE_TOOLS,
        key="",
    ),
    form=TOML,
    deep=True,
    limits=(_DESCRIBED, Limit("body", least=1)),
    rights=(Right("codex", "sandbox_mode", "danger-full-access", "run commands outside of any sandbox"),),
    lost=("There is no list of tools: the instructions say what the agent may do, and nothing enforces it.",),
)

QWEN = Target(
    name="qwen",
    label="Qwen Code",
    output=".qwen/agents/{name}.md",
    keys=_words("name description tools disallowedTools model approvalMode maxTurns color background mcpServers hooks"),
    fields=(
        _OWN_TOOLS,
        Field("disallowedTools", STRINGS, "Tools that the agent may not use, by the client's own names."),
        _MODEL,
        Field(
            "approvalMode",
            one_of("plan", "default", "auto-edit", "auto", "yolo"),
            "What the agent may do without asking.",
        ),
        _MAX_TURNS,
        Field("color", one_of("auto", *_COLORS), _COLOR_DOC),
        _BACKGROUND,
        Field("mcpServers", _SERVER_TABLE, "MCP servers that the agent can use."),
        _HOOKS_FIELD,
    ),
    tools=Tools(
        "list",
        names=_names(
            "Read: read_file, Edit: edit, Write: write_file, Bash: run_shell_command, Glob: glob, "
            "Grep: grep_search, WebFetch: web_fetch, WebSearch: web_search, NotebookEdit: notebook_edit, "
            "Agent: agent, TodoWrite: todo_write, Skill: skill"
        ),
        mcp_tool="mcp__{server}__{tool}",
        mcp_server="mcp__{server}__*",
        empty_means_all=True,
    ),
    limits=(
        _DESCRIBED,
        Limit("description", most=1000, advised=True),
        Limit("name", least=2, most=50),
        Limit(
            "name", pattern=r"[a-zA-Z0-9](?:[\w-]*[a-zA-Z0-9])?", expects="letters and digits, with `_` and `-` inside"
        ),
        Limit("name", reserved=("self", "system", "user", "model", "tool", "config", "default")),
        Limit("body", least=10),
        Limit("prompt", most=10_000, advised=True),
    ),
    rights=(
        Right("qwen", "approvalMode", "yolo", "do everything without asking"),
        Right("qwen", "approvalMode", "auto", "act without asking a person"),
        Right("qwen", "hooks", "", _HOOKS),
        Right("qwen", "mcpServers", "", _SERVERS),
    ),
)

TARGETS = {row.name: row for row in (CLAUDE_CODE, COPILOT, CURSOR, OPENCODE, GEMINI, CODEX, QWEN)}
"""Every row by its name."""
