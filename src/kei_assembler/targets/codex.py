"""The row of Codex CLI."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.claude_code import CLAUDE_TOOLS
from kei_assembler.targets.facts import AgentSettings, Verified
from kei_assembler.targets.forms import TOML
from kei_assembler.targets.target import DisplayName, Key, Limit, Right, Target, Tools, names_by_tool, words
from kei_assembler.validation import LINE, Field, list_of, matching, one_of

_SANDBOX_MODE = one_of("read-only", "workspace-write", "danger-full-access")
_NICKNAME = matching("[A-Za-z0-9_-]+(?: +[A-Za-z0-9_-]+)*", "a nickname of ASCII letters, digits, spaces, `-` and `_`")
_NICKNAMES = list_of(_NICKNAME, "a list of nicknames", minimum=1)

CODEX = Target(
    name="codex",
    label="Codex CLI",
    verified=(Verified("Codex CLI", "0.171.0", "2026-11-29", ("run",)),),
    output=".codex/agents/{name}.toml",
    keys=words("name description model model_reasoning_effort sandbox_mode nickname_candidates"),
    table=(
        fields.MODEL,
        Key(Field("model_reasoning_effort", LINE, "How much the model thinks before it answers."), fields.NOTHING),
        Key(
            Field(
                "sandbox_mode",
                _SANDBOX_MODE,
                "What commands can change. The caller's mode applies when the agent runs.",
            ),
            "`read-only` takes permissions away",
            (
                Right("codex", "sandbox_mode", "danger-full-access", "run commands outside any sandbox"),
                Right("codex", "sandbox_mode", "workspace-write", fields.EDITS, ("Edit", "Write")),
            ),
        ),
        Key(Field("nickname_candidates", _NICKNAMES, "Names for running copies of this agent."), fields.NOTHING),
    ),
    refused={
        "approval_policy": "decides when a person is asked",
        "developer_instructions": "is the body of the file",
        "features": "turns on tools and permissions",
        "mcp_servers": "starts MCP servers; the manifest can name tools of the user's servers in `tools`",
        "model_provider": "sends the work to another host",
        "model_providers": "sends the work, and keys, to any host",
        "model_verbosity": "is not supported yet",
        "notify": "runs a command",
        "sandbox_workspace_write": "opens the sandbox to other folders and the network",
        "shell_environment_policy": "passes environment variables on to commands",
        "skills": "loads instructions and scripts from other folders",
        "tools": "turns on tools; an agent cannot have a list of its own",
        "web_search": "gives access to the web",
    },
    tools=Tools(
        "prose",
        names=names_by_tool(
            "Agent: start other agents, AskUserQuestion: ask the user, "
            "Bash PowerShell: run commands in the shell, Edit: change files, Glob: find files by name, "
            "Grep: search in files, LSP: ask the language server, NotebookEdit: change notebooks, "
            "Read: read files, Skill: use skills, TodoWrite: keep a list of what is to be done, "
            "WebFetch: fetch pages of the web, WebSearch: search the web, Write: write files"
        ),
        mcp_tool="use the tool {tool} of the MCP server {server}",
        mcp_server="use the tools of the MCP server {server}",
        fallback_name="use the tool {tool}",
        scoped=CLAUDE_TOOLS,
        key="",
    ),
    skill_folders=(".agents/skills", ".codex/skills"),
    form=TOML,
    agent_settings=AgentSettings((".codex/config.toml",), (("agents",),), "prefers these keys to", "config_file"),
    searches_subfolders=True,
    display_name=DisplayName(),
    built_in=(fields.replaceable("default explorer worker"),),
    limits=(fields.NON_EMPTY_DESCRIPTION, Limit("body", minimum=1)),
    unsupported=("There is no list of tools. The instructions say what the agent may do, but nothing enforces it.",),
)
