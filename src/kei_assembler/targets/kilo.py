"""The row of Kilo Code, which is built on OpenCode."""

from __future__ import annotations

from collections.abc import Mapping

from kei_assembler.markdown.front_matter import Value
from kei_assembler.targets import fields, opencode_format
from kei_assembler.targets.facts import AgentSettings, Executable, Verified
from kei_assembler.targets.target import DisplayName, Key, Placeholder, Target
from kei_assembler.targets.tools import Tools, words
from kei_assembler.validation import LINE, Field

_WITHOUT_ASKING = words(
    "cat head tail less ls tree pwd echo wc which type file diff du df date uname whoami printenv man grep rg ag sort "
    "uniq cut tr jq touch mkdir cp mv tsc tsgo tar unzip gzip gunzip"
)
_USUAL_PERMISSIONS: Mapping[str, Value] = {
    **opencode_format.USUAL_PERMISSIONS,
    "suggest": "deny",
    "repo_clone": "deny",
    "repo_overview": "deny",
    "bash": {"*": "ask", **{f"{command} *": "allow" for command in _WITHOUT_ASKING}},
    "recall": "ask",
    "kilo_memory_recall": "ask",
    "kilo_memory_save": "ask",
}
_TO_PROVIDER = "goes to the model's provider, as every key that the client does not know"

KILO = Target(
    name="kilo",
    label="Kilo Code",
    verified=(Verified("Kilo Code CLI", "7.7.9", "2026-11-30", ("run", "code"), Executable(("kilo", "kilocode"))),),
    output=".kilo/agents/{name}.md",
    keys=words(
        "name displayName description mode model variant temperature top_p steps hidden disable color permission"
    ),
    table=(
        Key(Field("displayName", LINE, "The name that people see."), fields.NOTHING),
        *opencode_format.KEYS,
        Key(Field("variant", LINE, "The variant of `model`, such as `high`."), fields.NOTHING),
        opencode_format.permission(
            "kilo",
            "Kilo Code",
            _USUAL_PERMISSIONS,
            "runs most commands, reads `.env` files or leaves the project's folder",
        ),
    ),
    refused={key: why for key, why in opencode_format.REFUSED.items() if key != "variant"}
    | {
        "disabled": _TO_PROVIDER,
        "name": "is the manifest's `name`",
        "request": _TO_PROVIDER,
        "source": "marks agents that an organization manages",
        "system": _TO_PROVIDER,
    },
    tools=Tools(
        "permissions",
        names=opencode_format.TOOLS,
        mcp_tool="{server}_{tool}",
        mcp_server="{server}_*",
        mcp_pattern=opencode_format.server_pattern(
            "agent|apply|background|board|cancel|cron|doom|external|goal|kilo|link|lsp|markdown|notebook|plan|repo|"
            "schedule"
        ),
        scoped=opencode_format.SCOPED,
        scope_pattern=opencode_format.SCOPE_PATTERN,
        own_names=(
            *opencode_format.OWN_TOOLS,
            *words(
                "agent_manager background_process board_post board_read cancel_wakeup cron_create cron_delete "
                "cron_list goal goal_report kilo_local_recall kilo_memory_recall kilo_memory_save link_pr "
                "markdown_source notebook_edit notebook_execute notebook_read recall repo_clone repo_overview "
                "schedule_wakeup suggest"
            ),
        ),
        key="permission",
        legacy_names=opencode_format.FORMER_TOOLS,
        switches_key="tools",
        default_permissions={"bash": "ask", "read": opencode_format.READ},
        usual_permissions=_USUAL_PERMISSIONS,
    ),
    defaults={"mode": "subagent"},
    shows_one_skill=True,
    skill_folders=(
        ".agents/skills",
        ".claude/skills",
        ".kilo/skills",
        ".kilo/skill",
        ".kilocode/skills",
        ".kilocode/skill",
    ),
    display_name=DisplayName("displayName", is_only_name=True),
    built_in=(
        opencode_format.built_in("kilo", "ask code compaction debug orchestrator plan summary title"),
        fields.replaceable("explore general"),
    ),
    placeholder=Placeholder(
        r"\{(?:env|file):[^}]+\}",
        ("{env:NAME}", "{file:PATH}"),
        "so the agent is not loaded, or gets the content of a file instead",
    ),
    search_paths=(
        ".kilo/agents/{name}.md",
        ".kilo/agent/{name}.md",
        ".kilocode/agents/{name}.md",
        ".kilocode/agent/{name}.md",
    ),
    other_folders=(".kilo/modes", ".kilo/mode", ".kilocode/modes", ".kilocode/mode"),
    user_folders=(".config/kilo/agents", ".config/kilo/agent", ".kilo/agents", ".kilo/agent", ".kilocode/agents"),
    agent_settings=AgentSettings(
        (
            "kilo.json",
            "kilo.jsonc",
            "opencode.json",
            "opencode.jsonc",
            ".kilo/kilo.json",
            ".kilo/kilo.jsonc",
            ".kilo/opencode.json",
            ".kilo/opencode.jsonc",
            ".kilocode/kilo.json",
            ".kilocode/kilo.jsonc",
        ),
        (("agent",), ("mode",)),
        "adds these keys to",
        foreign_files=("opencode.json", "opencode.jsonc"),
    ),
    loader=opencode_format.LOADER,
    searches_subfolders=True,
    other_names=("kilocode",),
    unsupported=(
        "The file name, with the folders in the client's own, is the agent's name. The front matter has a name only if "
        "that of the file would be another one.",
        "To run commands without asking. By default, the client asks about most of them, so `Bash` and its scopes "
        "become `ask`; to allow some, set `permission`.",
        *opencode_format.UNSUPPORTED,
    ),
)
