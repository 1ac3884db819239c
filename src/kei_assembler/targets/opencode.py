"""OpenCode, version 1.18."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.target import Loader, Right, Target, Tools, names_by_tool, words
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

OPENCODE = Target(
    name="opencode",
    label="OpenCode",
    output=".opencode/agents/{name}.md",
    keys=words("description mode model temperature top_p steps hidden disable color permission"),
    fields=(
        Field("mode", one_of("subagent", "primary", "all"), "Who starts the agent: other agents, people, or both."),
        Field("model", matching(r"[^/\s]+/\S+", "a model as `provider/id`"), "The model, as `provider/id`."),
        Field("temperature", NUMBER, "The sampling temperature of the model."),
        Field("top_p", NUMBER, "The nucleus sampling threshold of the model."),
        Field("steps", POSITIVE, "The number of steps after which the agent stops."),
        Field("hidden", BOOLEAN, "Whether to hide the agent in lists."),
        Field("disable", BOOLEAN, "Whether the agent is turned off."),
        Field("color", _COLOR, fields.COLOR_DOC),
        Field(
            "permission",
            _PERMISSION,
            "What the agent can do, instead of the manifest's `tools`. The last matching pattern wins.",
        ),
    ),
    tools=Tools(
        "permissions",
        names=names_by_tool(
            "Read: read, Edit Write NotebookEdit: edit, Glob: glob, Grep: grep, Bash: bash, Agent: task, "
            "LSP: lsp, Skill: skill, TodoWrite: todowrite, WebFetch: webfetch, WebSearch: websearch"
        ),
        mcp_tool="{server}_{tool}",
        mcp_server="{server}_*",
        mcp_pattern=r"(?!(?:external_directory|doom_loop)\Z)[\w.-](?:[^\W_]|[.-])*_(?:\*|[\w.-]+(?:(?<=_)\*)?)",
        scoped=("Bash", "Agent", "Skill"),
        key="permission",
        legacy_names=names_by_tool("write patch multiedit: edit"),
        switches_key="tools",
        default_permissions={"read": {"*": "allow", "*.env": "ask", "*.env.*": "ask", "*.env.example": "allow"}},
    ),
    defaults={"mode": "subagent"},
    search_paths=(".opencode/agents/{name}.md", ".opencode/agent/{name}.md"),
    loader=Loader(
        has_optional_front_matter=True,
        named_by_file=True,
        folders_in_name=True,
        legacy_keys={"maxSteps": "steps"},
        assumed_values={"mode": "all"},
    ),
    searches_subfolders=True,
    rights=(Right("opencode", "permission", "allow", "do anything without asking"),),
    unsupported=("The file name is the agent's name. The front matter has no name.",),
)
