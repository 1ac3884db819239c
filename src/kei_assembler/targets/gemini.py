"""The row of Gemini CLI."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.facts import AgentSettings, Executable, Verified
from kei_assembler.targets.instructions import Instructions, OtherFile
from kei_assembler.targets.servers import OF_GEMINI, servers
from kei_assembler.targets.target import DisplayName, Key, Limit, Loader, Placeholder, Plugin, Target
from kei_assembler.targets.tools import Tools, names_by_tool, words
from kei_assembler.validation import POSITIVE, Field, list_of, matching, one_of

_TOOLS = (
    "activate_skill ask_user complete_task enter_plan_mode exit_plan_mode get_internal_docs glob "
    "google_web_search grep_search invoke_agent list_directory list_mcp_resources read_file read_many_files "
    "read_mcp_resource replace run_shell_command tracker_add_dependency tracker_create_task tracker_get_task "
    "tracker_list_tasks tracker_update_task tracker_visualize update_topic web_fetch write_file write_todos"
).split()

_MCP = r"mcp_[A-Za-z0-9.:-]+_(?:\*|(?!_+\Z)[A-Za-z0-9_.:-]+)"

_TOOL = matching(
    rf"\*|mcp_\*|{_MCP}|{'|'.join(_TOOLS)}",
    "a tool of Gemini CLI, `mcp_SERVER_TOOL`, `mcp_SERVER_*` or `*`; otherwise the agent isn't loaded",
)

_REMOTE = "is for an agent that runs as a remote service, which no manifest can describe"

GEMINI = Target(
    name="gemini",
    label="Gemini CLI",
    verified=(Verified("Gemini CLI", "0.61.0", "2026-11-29", ("run", "code"), Executable(("gemini",))),),
    output=".gemini/agents/{name}.md",
    keys=words("name display_name description kind tools mcp_servers model temperature max_turns timeout_mins"),
    table=(
        fields.DISPLAY_NAME,
        Key(
            Field("kind", one_of("local"), "Where the agent runs."),
            "`local` is the default; `remote` is never written",
        ),
        fields.tools_or_all("gemini", list_of(_TOOL, "a list of tools")),
        fields.mcp_servers(
            "gemini", "mcp_servers", servers(OF_GEMINI), "and `trust` lets its tools run without asking"
        ),
        fields.MODEL,
        fields.TEMPERATURE,
        Key(Field("max_turns", POSITIVE, "The number of turns after which the agent stops."), fields.NOTHING),
        Key(Field("timeout_mins", POSITIVE, "The number of minutes after which the agent stops."), fields.NOTHING),
    ),
    refused={
        "agent_card_json": _REMOTE,
        "agent_card_url": _REMOTE,
        "auth": "is for remote agents; a server has an `auth` of its own",
        "kind=remote": _REMOTE,
    },
    tools=Tools(
        "list",
        names=names_by_tool(
            "Read: read_file, Edit: replace, Write: write_file, Bash: run_shell_command, Glob: glob, "
            "Grep: grep_search, WebFetch: web_fetch, WebSearch: google_web_search, TodoWrite: write_todos, "
            "Skill: activate_skill"
        ),
        mcp_tool="mcp_{server}_{tool}",
        mcp_server="mcp_{server}_*",
        mcp_pattern=_MCP,
        own_names=tuple(_TOOLS),
        legacy_names={"search_file_content": "grep_search"},
    ),
    models=("inherit",),
    agent_settings=AgentSettings((".gemini/settings.json",), (("agents", "overrides"),), "prefers these keys to"),
    loader=Loader(
        ignored_prefix="_",
        foreign=("agent_card_json", "agent_card_url", "kind=remote"),
        reads_lists=True,
    ),
    plugin=Plugin(("gemini-extension.json",)),
    model_names=words("auto flash flash-lite inherit pro"),
    instructions=Instructions(
        OtherFile(
            "GEMINI.md",
            required=True,
            settings_file=".gemini/settings.json",
            settings_key=("context", "fileName"),
            remedy='in `.gemini/settings.json`, set `"context": { "fileName": "AGENTS.md" }`, and delete `GEMINI.md`',
        ),
        expands_imports=True,
    ),
    skill_folders=(".agents/skills", ".gemini/skills"),
    display_name=DisplayName("display_name"),
    built_in=(fields.replaceable("browser_agent cli_help codebase_investigator generalist"),),
    limits=(
        fields.NON_EMPTY_DESCRIPTION,
        Limit("name", pattern="[a-z0-9_-]+", expects="lower-case letters, digits, `_` and `-`"),
        Limit("body", minimum=1, is_advisory=True),
    ),
    placeholder=Placeholder(r"\$\{[A-Za-z0-9_]+\}", ("${word}",), "and does not run the agent if it does not know it"),
    unsupported=(fields.STARTS_NO_AGENTS,),
)
