"""Codex CLI, version 0.169."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.claude_code import CLAUDE_TOOLS
from kei_assembler.targets.forms import TOML
from kei_assembler.targets.target import Limit, Right, Target, Tools, names_by_tool, words
from kei_assembler.validation import LINE, Field, list_of, matching, one_of

_SANDBOX_MODE = one_of("read-only", "workspace-write", "danger-full-access")
_NICKNAME = matching("[A-Za-z0-9_-]+(?: +[A-Za-z0-9_-]+)*", "a nickname of ASCII letters, digits, spaces, `-` and `_`")
_NICKNAMES = list_of(_NICKNAME, "a list of nicknames", minimum=1)

CODEX = Target(
    name="codex",
    label="Codex CLI",
    output=".codex/agents/{name}.toml",
    keys=words("name description model model_reasoning_effort sandbox_mode nickname_candidates"),
    fields=(
        fields.MODEL,
        Field("model_reasoning_effort", LINE, "How much the model thinks before it answers."),
        Field(
            "sandbox_mode", _SANDBOX_MODE, "What commands can change. The caller's mode applies when the agent runs."
        ),
        Field("nickname_candidates", _NICKNAMES, "Names for running copies of this agent."),
    ),
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
    form=TOML,
    searches_subfolders=True,
    limits=(fields.NON_EMPTY_DESCRIPTION, Limit("body", minimum=1)),
    rights=(Right("codex", "sandbox_mode", "danger-full-access", "run commands outside any sandbox"),),
    unsupported=("There is no list of tools. The instructions say what the agent may do, but nothing enforces it.",),
)
