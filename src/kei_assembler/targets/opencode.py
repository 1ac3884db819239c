"""The row of OpenCode."""

from __future__ import annotations

from collections.abc import Mapping

from kei_assembler.markdown.front_matter import Value
from kei_assembler.targets import fields
from kei_assembler.targets.facts import AgentSettings, Executable, Verified
from kei_assembler.targets.target import BuiltIn, DisplayName, Key, Loader, Right, Target
from kei_assembler.targets.tools import Tools, names_by_tool, words
from kei_assembler.validation import BOOLEAN, NUMBER, POSITIVE, Field, any_of, matching, one_of, table_of

_ACTION = one_of("ask", "allow", "deny")
_BY_PATTERN = any_of(_ACTION, table_of(_ACTION, "a table of patterns"))
_WITHOUT_PATTERNS = tuple(
    Field(tool, _ACTION, "An action for the whole tool. Patterns are not possible.")
    for tool in ("todowrite", "webfetch", "websearch", "question", "doom_loop")
)
_PERMISSION = any_of(_ACTION, table_of(_BY_PATTERN, fields=_WITHOUT_PATTERNS))
_COLOR = matching(
    "#[0-9a-fA-F]{6}|primary|secondary|accent|success|warning|error|info",
    "a color such as `#ff8800`, or a theme color: `primary`, `secondary`, `accent`, `success`, `warning`, `error`, "
    "`info`",
)

_READ = {"*": "allow", "*.env": "ask", "*.env.*": "ask", "*.env.example": "allow"}

USUAL_PERMISSION: Mapping[str, Value] = {
    "*": "allow",
    "doom_loop": "ask",
    "external_directory": "ask",
    "question": "deny",
    "plan_enter": "deny",
    "plan_exit": "deny",
    "read": _READ,
}
"""What OpenCode allows to an agent whose file has no permissions."""


def _exceeds(own: Value, usual: Value | None) -> bool:
    from kei_assembler.targets.opencode_permission import excess  # most manifests set no permissions

    return excess(own, USUAL_PERMISSION, {} if usual is None else usual) is not None


_GRANTS = "do without asking what its `tools` or OpenCode's defaults do not allow"

OPENCODE = Target(
    name="opencode",
    label="OpenCode",
    verified=(Verified("OpenCode", "1.18.33", "2026-11-29", ("run", "code"), Executable(("opencode",))),),
    output=".opencode/agents/{name}.md",
    keys=words("name description mode model temperature top_p steps hidden disable color permission"),
    table=(
        Key(
            Field("mode", one_of("subagent", "primary", "all"), "Who starts the agent: other agents, people, or both."),
            fields.NOTHING,
        ),
        Key(
            Field("model", matching(r"[^/\s]+/\S+", "a model as `provider/id`"), "The model, as `provider/id`."),
            "grants nothing: the client knows only providers that the user has set up",
        ),
        Key(Field("temperature", NUMBER, "The sampling temperature of the model."), fields.NOTHING),
        Key(Field("top_p", NUMBER, "The nucleus sampling threshold of the model."), fields.NOTHING),
        Key(Field("steps", POSITIVE, "The number of steps after which the agent stops."), fields.NOTHING),
        Key(Field("hidden", BOOLEAN, "Whether to hide the agent in lists."), fields.NOTHING),
        Key(Field("disable", BOOLEAN, "Whether the agent is turned off."), fields.NOTHING),
        Key(Field("color", _COLOR, fields.COLOR_DOC), fields.NOTHING),
        Key(
            Field(
                "permission",
                _PERMISSION,
                "What the agent can do, instead of the manifest's `tools`. The last matching pattern wins.",
                kind="permissions",
            ),
            "`ask` and `deny` grant nothing; `allow` needs an allowance where it goes beyond the manifest's `tools` or,"
            " without `tools`, beyond the client's defaults, by the client's own matching: for example, by default the "
            "client asks before it reads `.env` files or leaves the project's folder",
            (Right("opencode", "permission", "allow", _GRANTS, exceeds=_exceeds),),
        ),
    ),
    refused={
        "disabled": "is a key of the format V2, in which the client ignores `permission`",
        "maxSteps": "is an older name of `steps`",
        "name": "is the manifest's `display-name`",
        "options": "goes to the model's provider as it is",
        "permissions": "is a key of the format V2: the client ignores it here, and the agent keeps all permissions",
        "prompt": "replaces the body",
        "request": "goes to the model's provider as it is",
        "system": "replaces the body",
        "tools": "is an older form of `permission`",
        "variant": "is not supported yet",
    },
    tools=Tools(
        "permissions",
        names=names_by_tool(
            "Read: read, Edit Write NotebookEdit: edit, Glob: glob, Grep: grep, Bash: bash, Agent: task, "
            "LSP: lsp, Skill: skill, TodoWrite: todowrite, WebFetch: webfetch, WebSearch: websearch"
        ),
        mcp_tool="{server}_{tool}",
        mcp_server="{server}_*",
        # not the client's own permissions, whose names a server's pattern could match too
        mcp_pattern=(
            r"(?!(?i:apply|background|doom|external|lsp|plan|repo)_)"
            r"[\w.-](?:[^\W_]|[.-])*_(?:\*|[\w.-]+(?:(?<=_)\*)?)"
        ),
        scoped=("Bash", "Agent", "Skill"),
        scope_pattern=r"(?!.*\*:\*\Z)[^\\?]*",
        own_names=words("doom_loop external_directory list plan_enter plan_exit question"),
        key="permission",
        legacy_names=names_by_tool("apply_patch multiedit patch write: edit"),
        switches_key="tools",
        default_permissions={"read": _READ},
    ),
    defaults={"mode": "subagent"},
    shows_one_skill=True,
    skill_folders=(".agents/skills", ".claude/skills", ".opencode/skills"),
    display_name=DisplayName(pattern=r"[^*?/\\]+", expects="free of `*`, `?`, `/` and backslashes", is_only_name=True),
    built_in=(
        BuiltIn(
            words("build compaction plan summary title"),
            "which this one replaces with a subagent, so the client no longer works as usual",
            is_harmful=True,
            unless=("mode", ("primary", "all")),
            remedy='to replace it, set `mode = "primary"` in `[target.opencode]`',
        ),
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
    loader=Loader(
        has_optional_front_matter=True,
        named_by_file=True,
        folders_in_name=True,
        legacy_keys={"maxSteps": "steps"},
        assumed_values={"mode": "all"},
    ),
    searches_subfolders=True,
    unsupported=(
        "The file name, with the folders in the client's own, is the agent's name. The front matter has a name only if "
        "the manifest has a `display-name`, or if that of the file would be another one.",
        "Scopes with `?` or a backslash: the client reads `?` as any character, and a backslash as `/`.",
        "`SERVER_*` also matches the tools of a server whose name starts with `SERVER_`.",
    ),
)
