"""The row of Grok Build."""

from __future__ import annotations

from kei_assembler.markdown.front_matter import Value
from kei_assembler.targets import fields
from kei_assembler.targets.facts import Executable, Verified
from kei_assembler.targets.instructions import Instructions
from kei_assembler.targets.servers import ARGUMENTS, named_servers
from kei_assembler.targets.target import DisplayName, Key, Placeholder, Plugin, Right, Target
from kei_assembler.targets.tools import Tools, names_by_tool, words
from kei_assembler.validation import (
    BOOLEAN,
    STRINGS,
    TABLE_OF_ANYTHING,
    Field,
    Shape,
    any_of,
    list_of,
    matching,
    one_of,
    table,
)

# The client compares the names exactly. `mcp__` names are of no use to it, but it knows them.
_TOOLS = (
    "AskUserQuestion Bash Edit Glob Grep LS LSP MultiEdit NotebookEdit PowerShell Read TaskOutput TaskStop TodoWrite "
    "ToolSearch WebFetch WebSearch Write ask_user_question grep list_dir read_file run_terminal_cmd search_replace "
    "search_tool todo_write use_tool web_fetch web_search write get_task_output kill_task lsp memory_get memory_search "
    "monitor task"
)
_TOOL = matching(
    rf"{'|'.join(words(_TOOLS))}|mcp__[\w.*-]+",
    "a tool of Grok Build or `mcp__SERVER__TOOL`; with any other name, the client gives the agent all tools",
)
_TURNS = Shape(int, "a whole number from 1 to 4294967295", minimum=1, maximum=4_294_967_295)
_CAPABILITIES = one_of("read-only", "read-write", "execute", "all")
_MODE_OF_PROMPT = one_of("extend", "full")
_INHERITED = any_of(
    one_of("all", "none"),
    table(
        Field("named", ARGUMENTS, "The only servers to use."),
        Field("except", ARGUMENTS, "The servers not to use."),
    )._replace(needs_one=("named", "except"), conflicts=(("named", ("except",)),)),
)


def _adds_servers(own: Value, _: Value | None) -> bool:
    return own != "none"


GROK = Target(
    name="grok",
    label="Grok Build",
    verified=(Verified("Grok Build", "1.0.41", "2026-11-30", ("run",), Executable(("grok",))),),
    output=".grok/agents/{name}.md",
    keys=words(
        "name description tools disallowedTools mcpInheritance model effort maxTurns permissionMode capabilityMode "
        "promptMode isolation background color memory skills discoverSkills inheritSkills initialPrompt mcpServers"
    ),
    table=(
        Key(
            fields.own_tools(list_of(_TOOL, "a list of names", minimum=1)),
            "names the tools",
        ),
        Key(
            Field(
                "disallowedTools",
                STRINGS,
                "Tools that the agent can't use, by the client's own names, such as `run_terminal_cmd`.",
                kind="denied",
            ),
            "takes tools away",
        ),
        Key(
            Field("mcpInheritance", _INHERITED, "The caller's MCP servers that the agent can use."),
            "`none` takes servers away; other values need an allowance if the manifest lists `tools`",
            (
                Right(
                    "grok",
                    "mcpInheritance",
                    "",
                    "use MCP servers that its `tools` do not list",
                    ("*",),
                    exceeds=_adds_servers,
                ),
            ),
        ),
        fields.MODEL,
        Key(
            Field("effort", one_of("low", "medium", "high", "xhigh", "max"), "How much the model thinks."),
            fields.NOTHING,
        ),
        Key(Field("maxTurns", _TURNS, "The number of turns after which the agent stops."), fields.NOTHING),
        fields.permission_mode("grok"),
        Key(
            Field("capabilityMode", _CAPABILITIES, "What the tools of the agent can do, if another agent starts it."),
            "takes tools away; `all` leaves those of `tools`",
        ),
        Key(
            Field("promptMode", _MODE_OF_PROMPT, "Whether the body replaces the client's own instructions."),
            "grants nothing: the tools and the approvals stay the same",
        ),
        Key(Field("isolation", one_of("none", "worktree"), "Where the agent works."), fields.NOTHING),
        fields.BACKGROUND,
        fields.COLOR,
        Key(
            Field("memory", one_of("user", "project", "local"), "Where the agent stores its own memory."),
            "the agent reads and changes files there",
            (Right("grok", "memory", "", "read and change files", ("Read", "Write", "Edit")),),
        ),
        fields.skills("grok"),
        Key(Field("discoverSkills", BOOLEAN, "Whether the agent finds the project's skills."), fields.NOTHING),
        Key(Field("inheritSkills", BOOLEAN, "Whether the agent has the caller's skills."), fields.NOTHING),
        fields.INITIAL_PROMPT,
        fields.mcp_servers("grok", "mcpServers", named_servers(TABLE_OF_ANYTHING)),
    ),
    refused={
        "agentsMd": "can leave out the project's rules",
        "completionRequirement": "makes the agent use a tool before it ends",
        "hooks": "runs commands at events",
        "injectDefaultTools": "adds or removes tools that are not in `tools`",
        "toolConfig": "turns on tools that are not in `tools`",
        "toolOverrides": "changes what the tools do",
        "userMessageTemplate": "replaces what the client tells the model first",
    },
    tools=Tools(
        "comma",
        # for the tools of the web, the client does not know Claude Code's names everywhere
        names=names_by_tool(
            "Read: Read, Edit: Edit, Write: Write, Bash: Bash, Glob: Glob, Grep: Grep, WebFetch: web_fetch, "
            "WebSearch: web_search, TodoWrite: TodoWrite, AskUserQuestion: AskUserQuestion, LSP: LSP, "
            "TaskStop: TaskStop, ToolSearch: ToolSearch"
        ),
        substitutes={"Skill": ("Read",)},
        needs={"Edit": "Read"},
        mcp_tool="mcp__{server}__{tool}",
        mcp_server="mcp__{server}__*",
        mcp_pattern=r"mcp__(?:[^\W_]|[.-]|_(?!_))+__(?:\*|[\w.-]+)",
        servers_key="mcpInheritance",
        empty_means_all=True,
        unknown_means_all=True,
        own_names=words(_TOOLS),
        legacy_names=names_by_tool(
            "read_file: Read, search_replace MultiEdit: Edit, write: Write, run_terminal_cmd: Bash, "
            "list_dir LS: Glob, grep: Grep, todo_write: TodoWrite, ask_user_question: AskUserQuestion, "
            "WebFetch: web_fetch, WebSearch: web_search"
        ),
    ),
    foreign=(fields.CLAUDE_FOLDER_WITH_MCP,),
    settings=(fields.USE_FILES_OF,),
    tables_as_lists=("mcpServers",),
    models=("inherit",),
    model_names=("inherit",),
    other_names=words("grokbuild grokcli xai"),
    plugin=Plugin(("plugin.json", ".claude-plugin/plugin.json"), ignored={"mcpServers": "the agent does not get them"}),
    instructions=Instructions(also=("AGENT.md", "CLAUDE.md", "CLAUDE.local.md"), program="Grok Build"),
    skill_folders=(".agents/skills", ".claude/skills", ".grok/skills"),
    shows_one_skill=True,
    display_name=DisplayName(),
    built_in=(fields.replaceable("explore general-purpose plan"),),
    limits=(fields.NON_EMPTY_DESCRIPTION,),
    placeholder=Placeholder(
        r"\$\{[{%]",
        ("${{ x }}", "${% x %}"),
        "and evaluates what is in it",
        "put a space after the `$`",
    ),
    unsupported=(
        fields.STARTS_NO_AGENTS,
        "Single tools of an MCP server. `tools` do not limit these at all, so `mcpInheritance` names the servers.",
        "Denials by Claude Code's names: `disallowedTools` needs the client's own, such as `run_terminal_cmd`.",
    ),
)
