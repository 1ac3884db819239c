"""GitHub Copilot, as of the Copilot CLI 1.0.102, and VS Code."""

from __future__ import annotations

from kei_assembler.source.shapes import BOOLEAN, FILLED, LINE, STRINGS, Field, Shape, list_of, one_of, table, table_of
from kei_assembler.targets import fields
from kei_assembler.targets.target import Handoffs, Limit, Loader, Right, Target, Tools, names_by_tool, words

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
    keys=words(
        "name description target tools agents model argument-hint user-invocable disable-model-invocation "
        "mcp-servers metadata handoffs"
    ),
    fields=(
        Field("target", one_of("vscode", "github-copilot"), "The one client that the agent is for."),
        fields.OWN_TOOLS,
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
        Field("mcp-servers", fields.SERVER_TABLE, "MCP servers that the agent can use."),
        Field("metadata", table_of(FILLED, "a table of strings"), "Notes for programs."),
        Field(
            "handoffs", list_of(_VSCODE_HANDOFF, "a list of tables"), "Buttons, in place of the manifest's handoffs."
        ),
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
    loader=Loader(has_optional_front_matter=True, named_by_file=True),
    handoffs=Handoffs("handoffs", "Hand off to {agent}", unless=("target", "github-copilot")),
    limits=(fields.DESCRIBED, Limit("prompt", most=30_000)),
    rights=(Right("copilot", "mcp-servers", "", fields.SERVERS),),
    unsupported=("Models go by display names here: `model` is left out unless `[target.copilot]` names one.",),
)
