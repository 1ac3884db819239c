"""GitHub Copilot, version 1.0.102 of its CLI, and VS Code."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.target import Handoffs, Limit, Loader, Right, Target, Tools, names_by_tool, words
from kei_assembler.validation import BOOLEAN, FILLED, LINE, STRINGS, Field, Shape, list_of, one_of, table, table_of

_VSCODE_HANDOFF = table(
    Field("label", LINE, "The text on the button.", required=True),
    Field("agent", LINE, "The agent that takes over.", required=True),
    Field("prompt", FILLED, "What that agent is asked to do.", required=True),
    Field("send", BOOLEAN, "Whether to send the prompt immediately."),
    Field("showContinueOn", BOOLEAN, "Whether to offer other places to continue."),
    Field("model", LINE, "The model to continue with."),
)

_MODEL_NAMES = list_of(FILLED, "a list", minimum=1)
_MODEL = Shape(object, "a model's display name, or a list of them", any_of=(LINE, _MODEL_NAMES))

COPILOT = Target(
    name="copilot",
    label="GitHub Copilot and VS Code",
    output=".github/agents/{name}.agent.md",
    keys=words(
        "name description target tools agents model argument-hint user-invocable disable-model-invocation "
        "mcp-servers metadata handoffs"
    ),
    fields=(
        Field("target", one_of("vscode", "github-copilot"), "The only client that the agent is for."),
        fields.OWN_TOOLS,
        Field("agents", STRINGS, "The agents that this agent can start."),
        Field("model", _MODEL, "The model. For VS Code, several to choose from."),
        Field("argument-hint", LINE, "The hint in the chat input field."),
        Field("user-invocable", BOOLEAN, "Whether people can choose the agent."),
        Field("disable-model-invocation", BOOLEAN, "Whether to keep other agents from starting it on their own."),
        Field("mcp-servers", fields.SERVER_TABLE, "MCP servers that the agent can use."),
        Field("metadata", table_of(FILLED, "a table of strings"), "Notes for programs."),
        Field("handoffs", list_of(_VSCODE_HANDOFF, "a list of tables"), "Buttons, instead of the manifest's handoffs."),
    ),
    tools=Tools(
        "list",
        names=names_by_tool(
            "Bash: execute, Read: read, Edit Write NotebookEdit: edit, Grep Glob: search, Agent: agent, "
            "WebFetch WebSearch: web, TodoWrite: todo"
        ),
        mcp_tool="{server}/{tool}",
        mcp_server="{server}/*",
        agents_key="agents",
    ),
    search_paths=(".github/agents/{name}.agent.md", ".github/chatmodes/{name}.chatmode.md"),
    other_folders=(".claude/agents",),
    searches_subfolders=True,
    loader=Loader(has_optional_front_matter=True, named_by_file=True),
    handoffs=Handoffs("handoffs", "Hand off to {agent}", unless=("target", "github-copilot")),
    limits=(fields.NON_EMPTY_DESCRIPTION, Limit("prompt", maximum=30_000)),
    rights=(Right("copilot", "mcp-servers", "", fields.STARTS_SERVERS),),
    unsupported=("Models have display names here, so `model` is left out unless `[target.copilot]` names one.",),
)
