"""The row of Mistral Vibe."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.facts import Executable, Verified
from kei_assembler.targets.forms import toml
from kei_assembler.targets.target import BuiltIn, DisplayName, Key, Limit, Loader, Target
from kei_assembler.targets.tools import Tools, names_by_tool, words
from kei_assembler.validation import LINE, STRINGS, Field, list_of, matching, one_of

_NO_EFFECT = words("ask_user_question grep task todo web_fetch web_search")
_TOOL = matching(
    rf"(?!(?:{'|'.join(_NO_EFFECT)})\Z)\w+",
    "a tool that agents have, such as `read_file` or `bash`; "
    "`grep`, `task`, `todo`, `web_fetch` and `web_search` have no effect, and patterns can stand for any tools",
)
_MODE = "makes the file a mode of the session, which no manifest can describe"
_LABEL = "is the label of a mode that does not ask"

VIBE = Target(
    name="vibe",
    label="Mistral Vibe",
    verified=(Verified("Mistral Vibe", "3.0.3", "2026-11-30", ("run", "code"), Executable(("vibe",))),),
    output=".vibe/agents/{name}.toml",
    # in this folder, every TOML file is an agent
    form=toml("instructions")._replace(agent_regex=rb"\S"),
    keys=words(
        "display_name description agent_type safety active_model enabled_tools disabled_tools enabled_skills "
        "disabled_skills"
    ),
    table=(
        fields.DISPLAY_NAME,
        Key(
            Field("agent_type", one_of("subagent"), "Who starts the agent."),
            "`subagent` is what is always written",
        ),
        Key(
            Field("safety", one_of("safe", "neutral", "destructive"), "How the user interface labels the agent."),
            fields.NOTHING,
        ),
        Key(
            Field(
                "active_model", LINE, "The model for this target, by its alias in the client's settings.", kind="model"
            ),
            "grants nothing: the client knows only models that the user has set up",
        ),
        Key(
            fields.own_tools(list_of(_TOOL, "a list of names"), "enabled_tools"),
            "names the tools; no entry stands for many",
        ),
        Key(
            Field("disabled_tools", STRINGS, "Tools that the agent can't use, by the client's names.", kind="denied"),
            "takes tools away",
        ),
        Key(
            Field("enabled_skills", STRINGS, "The only skills that the agent can use.", kind="skills"),
            "takes skills away; without the tool `skill`, the agent has none",
        ),
        Key(
            Field("disabled_skills", STRINGS, "Skills that the agent can't use.", kind="skills"),
            "takes skills away",
        ),
    ),
    refused={
        "agent_type=agent": _MODE,
        "allowed_models": "belongs in the client's settings",
        "base_disabled": "is an older name of `disabled_tools`, and makes the client rewrite the file",
        "bypass_tool_permissions": "lets the agent do anything without asking",
        "instructions": "is the body of the file",
        "mcp_servers": "starts servers",
        "model": "has no effect here; the key is `active_model`",
        "models": "belongs in the client's settings",
        "providers": "sends the work, and keys, to any host",
        "safety=smart": _LABEL,
        "safety=yolo": _LABEL,
        "system_prompt_id": "names another file with the instructions",
        "tools": "sets what the agent can do without asking",
    },
    tools=Tools(
        "list",
        names=names_by_tool(
            "Read: read_file, Edit: edit, Write: write_file, Bash: bash, PowerShell: powershell, Skill: skill"
        ),
        companions={"bash": ("git_bash",)},
        substitutes={"Glob": ("Bash",), "Grep": ("Bash",)},
        key="enabled_tools",
        empty_means_all=True,
    ),
    model_key="active_model",
    defaults={"agent_type": "subagent"},
    display_name=DisplayName("display_name"),
    skill_folders=(".agents/skills", ".vibe/skills"),
    loader=Loader(
        named_by_file=True,
        is_known_by_file=True,
        assumed_values={"agent_type": "agent"},
        foreign=("agent_type=agent",),
        legacy_keys={"base_disabled": "disabled_tools"},
    ),
    other_names=("mistral", "mistralvibe"),
    built_in=(
        fields.replaceable("explore"),
        BuiltIn(
            words("accept-edits ask auto-approve lean smart-approve"),
            "which this one replaces with a subagent, so that nobody can choose that mode any more",
            is_harmful=True,
        ),
    ),
    limits=(
        fields.NON_EMPTY_DESCRIPTION,
        Limit("name", reserved=("main",)),
        Limit("body", minimum=1, is_advisory=True),
        # together with the line end after it, 65,536
        Limit("body", maximum=65_535),
    ),
    unsupported=(
        "Tools for the web, lists of tasks, MCP servers and other agents. An agent has only the client's tools for "
        "files, the shell and skills. `grep` and `task` have no effect.",
        "Handoffs to agents. The caller must carry them out.",
        "The front matter has no name. The file name is the agent's name.",
        "Folders that the user does not trust. The client loads no agents from them.",
        "Versions before 3.0, which do not read `instructions`.",
    ),
)
