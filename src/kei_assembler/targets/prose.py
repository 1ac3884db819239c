"""The tools of clients whose agent files have no list of tools, or none that is known: the instructions say it."""

from __future__ import annotations

from kei_assembler.targets.claude_code import CLAUDE_TOOLS
from kei_assembler.targets.tools import Tools, names_by_tool

IN_WORDS = Tools(
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
)
"""A list of tools in words."""

NOT_ENFORCED = "There is no list of tools. The instructions say what the agent may do, but nothing enforces it."
NOT_KNOWN = (
    "The client's names of tools are not known, so there is no list of tools. The instructions say what the agent may "
    "do, but nothing enforces it."
)
