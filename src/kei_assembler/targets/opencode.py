"""OpenCode, as of 1.18."""

from __future__ import annotations

from kei_assembler.source.shapes import BOOLEAN, NUMBER, POSITIVE, Field, any_of, matching, one_of, table_of
from kei_assembler.targets import fields
from kei_assembler.targets.target import Loader, Right, Target, Tools, names_by_tool, words

_ACTION = one_of("ask", "allow", "deny")

_BY_PATTERN = any_of(_ACTION, table_of(_ACTION, "a table of patterns"))

OPENCODE = Target(
    name="opencode",
    label="OpenCode",
    output=".opencode/agents/{name}.md",
    keys=words("description mode model temperature top_p steps hidden disable color permission"),
    fields=(
        Field("mode", one_of("subagent", "primary", "all"), "Whether other agents start it, or people, or both."),
        Field("model", matching(r"[^/\s]+/\S+", "a model as `provider/id`"), "The model, as `provider/id`."),
        Field("temperature", NUMBER, "How freely the model chooses its words."),
        Field("top_p", NUMBER, "How freely, in the other way to say it."),
        Field("steps", POSITIVE, "After how many steps the agent stops."),
        Field("hidden", BOOLEAN, "Whether it is left out of the lists."),
        Field("disable", BOOLEAN, "Whether it is switched off."),
        Field(
            "color",
            matching(
                "#[0-9a-fA-F]{6}|primary|secondary|accent|success|warning|error|info",
                "a colour as `#ff8800`, or one of the theme's: `primary`, `secondary`, `accent`, `success`, `warning`, "
                "`error`, `info`",
            ),
            fields.COLOR_DOC,
        ),
        Field(
            "permission",
            any_of(
                _ACTION,
                table_of(
                    _BY_PATTERN,
                    fields=tuple(
                        Field(tool, _ACTION, "Without patterns.")
                        for tool in ("todowrite", "webfetch", "websearch", "question", "doom_loop")
                    ),
                ),
            ),
            "What the agent may do, in place of the manifest's `tools`; of patterns the last that matches holds.",
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
        mcp_pattern=r"(?!(?:external_directory|doom_loop)\Z)[\w.-]+_(?:[\w.-]+|\*)",
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
    rights=(Right("opencode", "permission", "allow", "do everything without asking"),),
    unsupported=("The name is that of the file; there is none in the front matter.",),
)
