"""The row of GitHub Copilot and VS Code."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.facts import Executable, Verified
from kei_assembler.targets.instructions import Instructions, Rules
from kei_assembler.targets.servers import servers
from kei_assembler.targets.target import BuiltIn, Handoffs, Key, Limit, Loader, Plugin, Right, Target
from kei_assembler.targets.tools import Tools, names_by_tool, words
from kei_assembler.validation import (
    BOOLEAN,
    FILLED,
    LINE,
    STRINGS,
    TABLE_OF_ANYTHING,
    Field,
    Shape,
    list_of,
    one_of,
    table,
    table_of,
)

_VSCODE_HANDOFF = table(
    Field("label", LINE, "The text on the button.", required=True),
    Field("agent", LINE, "The agent that takes over.", required=True),
    Field("prompt", FILLED, "What that agent is asked to do.", required=True),
    Field("send", BOOLEAN, "Whether to send the prompt immediately."),
    Field("showContinueOn", BOOLEAN, "Whether to offer other places to continue."),
    Field("model", LINE, "The model to continue with."),
)

_OWN_GROUPS = (
    "agent|bash|browser|custom-agent|edit|execute|glob|grep|multiedit|new|notebookedit|notebookread|powershell|read|"
    "runcommands|runnotebooks|runtasks|search|shell|task|todo|todos|todowrite|view|vscode|web|webfetch|websearch|write"
)

_MODEL_NAMES = list_of(FILLED, "a list", minimum=1)
_MODEL = Shape(object, "a model's display name, or a list of them", any_of=(LINE, _MODEL_NAMES))

COPILOT = Target(
    name="copilot",
    label="GitHub Copilot and VS Code",
    verified=(
        Verified("GitHub Copilot CLI", "1.0.102", "2026-11-29", ("run",), Executable(("copilot",))),
        Verified("VS Code", "", "2026-11-28", ("code",)),
    ),
    output=".github/agents/{name}.agent.md",
    keys=words(
        "name description target tools agents model argument-hint user-invocable disable-model-invocation "
        "mcp-servers metadata handoffs"
    ),
    table=(
        Key(
            Field("target", one_of("vscode", "github-copilot"), "The only client that the agent is for."),
            fields.NOTHING,
        ),
        fields.tools_or_all("copilot"),
        Key(
            Field("agents", STRINGS, "The agents that this agent can start.", kind="agents"),
            fields.NAMES_AGENTS,
            (Right("copilot", "agents", "*", "start any agent", ("Agent",)),),
        ),
        Key(Field("model", _MODEL, "The model. For VS Code, several to choose from.", kind="model"), fields.NOTHING),
        Key(Field("argument-hint", LINE, "The hint in the chat input field."), fields.NOTHING),
        Key(Field("user-invocable", BOOLEAN, "Whether people can choose the agent."), fields.NOTHING),
        Key(
            Field("disable-model-invocation", BOOLEAN, "Whether to keep other agents from starting it on their own."),
            fields.NOTHING,
        ),
        fields.mcp_servers("copilot", "mcp-servers", servers(TABLE_OF_ANYTHING)),
        Key(
            Field("metadata", table_of(FILLED, "a table of strings"), "Notes for programs."),
            "grants nothing: the client does not use it",
        ),
        Key(
            Field(
                "handoffs",
                list_of(_VSCODE_HANDOFF, "a list of tables"),
                "Buttons, instead of the manifest's handoffs.",
                kind="handoffs",
            ),
            "grants nothing: a person clicks the button, and the other agent has its own permissions; with `send`, "
            "the prompt is sent as it is in this file",
        ),
    ),
    refused={
        "hooks": "runs commands",
        "infer": "is replaced by `disable-model-invocation` and `user-invocable`",
    },
    tools=Tools(
        "list",
        names=names_by_tool(
            "Bash: execute, Read: read, Edit Write NotebookEdit: edit, Grep Glob: search, Agent: agent, "
            "WebFetch WebSearch: web, TodoWrite: todo"
        ),
        mcp_tool="{server}/{tool}",
        mcp_server="{server}/*",
        # not the client's own groups of tools, which are written like servers
        mcp_pattern=rf"(?!(?i:{_OWN_GROUPS})/).*",
        agents_key="agents",
        own_names=tuple(_OWN_GROUPS.split("|")),
        is_lenient=True,
    ),
    instructions=Instructions(
        also=("CLAUDE.md",),
        own_files=(".github/copilot-instructions.md",),
        program="GitHub Copilot CLI",
        reads_rules_of=("claude-code",),
        rules=Rules(".github/instructions/{name}.instructions.md", "applyTo", is_list=False),
    ),
    shows_one_skill=True,
    skill_folders=(".agents/skills", ".claude/skills", ".github/skills"),
    search_paths=(".github/agents/{name}.agent.md", ".github/chatmodes/{name}.chatmode.md"),
    foreign=(
        fields.CLAUDE_FOLDER._replace(
            shows_both="VS Code",
            settings_file=".vscode/settings.json",
            settings_key="chat.agentFilesLocations",
            unless=("target", "github-copilot"),
            remedy='in `.vscode/settings.json`, set `"chat.agentFilesLocations": { ".claude/agents": false }`',
        ),
    ),
    settings=(fields.USE_FILES_OF,),
    searches_subfolders=True,
    other_names=words("vscode visualstudiocode github"),
    user_folders=(".copilot/agents",),
    plugin=Plugin(("plugin.json", ".plugin/plugin.json", ".github/plugin/plugin.json", ".claude-plugin/plugin.json")),
    loader=Loader(has_optional_front_matter=True, named_by_file=True, is_known_by_file=True),
    handoffs=Handoffs("handoffs", "Hand off to {agent}", unless=("target", "github-copilot")),
    built_in=(
        BuiltIn(
            words("code-review explore general-purpose research security-review task"),
            "so this one is never started",
            is_harmful=True,
            unless=("target", ("vscode",)),
            remedy='for VS Code only, set `target = "vscode"` in `[target.copilot]`',
        ),
    ),
    limits=(fields.NON_EMPTY_DESCRIPTION, Limit("prompt", maximum=30_000)),
    unsupported=("Models have display names here, so `model` is left out unless `[target.copilot]` names one.",),
)
