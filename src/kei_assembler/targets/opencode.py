"""The row of OpenCode."""

from __future__ import annotations

from kei_assembler.targets import fields, opencode_format
from kei_assembler.targets.facts import AgentSettings, Executable, Verified
from kei_assembler.targets.target import DisplayName, Target
from kei_assembler.targets.tools import Tools, words

OPENCODE = Target(
    name="opencode",
    label="OpenCode",
    verified=(Verified("OpenCode", "1.18.33", "2026-11-29", ("run", "code"), Executable(("opencode",))),),
    output=".opencode/agents/{name}.md",
    keys=words("name description mode model temperature top_p steps hidden disable color permission"),
    table=(
        *opencode_format.KEYS,
        opencode_format.permission(
            "opencode",
            "OpenCode",
            opencode_format.USUAL_PERMISSIONS,
            "reads `.env` files or leaves the project's folder",
        ),
    ),
    refused=opencode_format.REFUSED | {"name": "is the manifest's `display-name`"},
    tools=Tools(
        "permissions",
        names=opencode_format.TOOLS,
        mcp_tool="{server}_{tool}",
        mcp_server="{server}_*",
        mcp_pattern=opencode_format.server_pattern("apply|background|doom|external|lsp|plan|repo"),
        scoped=opencode_format.SCOPED,
        scope_pattern=opencode_format.SCOPE_PATTERN,
        own_names=opencode_format.OWN_TOOLS,
        key="permission",
        legacy_names=opencode_format.FORMER_TOOLS,
        switches_key="tools",
        default_permissions={"read": opencode_format.READ},
        usual_permissions=opencode_format.USUAL_PERMISSIONS,
    ),
    defaults={"mode": "subagent"},
    shows_one_skill=True,
    skill_folders=(".agents/skills", ".claude/skills", ".opencode/skills"),
    display_name=DisplayName(pattern=r"[^*?/\\]+", expects="free of `*`, `?`, `/` and backslashes", is_only_name=True),
    built_in=(
        opencode_format.built_in("opencode", "build compaction plan summary title"),
        fields.replaceable("explore general"),
    ),
    search_paths=(".opencode/agents/{name}.md", ".opencode/agent/{name}.md"),
    other_folders=(".opencode/modes", ".opencode/mode"),
    user_folders=(".config/opencode/agents", ".config/opencode/agent"),
    agent_settings=AgentSettings(
        ("opencode.json", "opencode.jsonc", ".opencode/opencode.json", ".opencode/opencode.jsonc"),
        (("agent",), ("mode",)),
        "adds these keys to",
    ),
    loader=opencode_format.LOADER,
    searches_subfolders=True,
    unsupported=(
        "The file name, with the folders in the client's own, is the agent's name. The front matter has a name only if "
        "the manifest has a `display-name`, or if that of the file would be another one.",
        *opencode_format.UNSUPPORTED,
    ),
)
