"""The row of Factory Droid."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.facts import Executable, Verified
from kei_assembler.targets.target import BuiltIn, Key, Limit, Loader, Plugin, Right, Target
from kei_assembler.targets.tools import Tools, names_by_tool, words
from kei_assembler.validation import LINE, TEXT, Field, any_of, list_of, matching, one_of

_CATEGORIES = words("read-only edit execute execution web")
_TOOL = matching(
    rf"(?!(?:all|mcp|{'|'.join(_CATEGORIES)})\Z)[A-Za-z][\w.-]*",
    "a tool of Factory Droid or `SERVER___TOOL`; a group such as `read-only` stands alone, without a list",
)
_TOOLS = any_of(list_of(_TOOL, "a list of tools"), one_of(*_CATEGORIES))
_SERVERS = list_of(matching(r"[^\S\n]*[^,\s][^,\n]*", "the name of a server"), "a list of servers")
_TEXT_OR_LIST = any_of(TEXT, list_of(TEXT, "a list of strings"))
_WRITTEN_BY_CLIENT = "is written by the client's own editor"

DROID = Target(
    name="droid",
    label="Factory Droid",
    verified=(Verified("Factory Droid CLI", "0.225.2", "2026-11-30", ("code",), Executable(("droid",))),),
    output=".factory/droids/{name}.md",
    keys=words("name description model reasoningEffort tools mcpServers"),
    table=(
        fields.MODEL,
        Key(
            Field("reasoningEffort", LINE, "How much the model thinks. Without `model`, it has no effect."),
            fields.NOTHING,
        ),
        Key(
            Field(
                "tools",
                _TOOLS,
                "The tools by the client's own names, or a group, instead of the manifest's `tools`.",
                kind="tools",
            ),
            "names the tools; a group needs an allowance if the manifest lists `tools` without what it stands for, and "
            "`read-only` stands for all tools but those that change files, `Execute` included",
            (
                Right("droid", "tools", "read-only", fields.ALL_TOOLS, ("*",)),
                Right("droid", "tools", "edit", fields.ALL_TOOLS, ("Edit", "Write")),
                Right("droid", "tools", "execute", fields.ALL_TOOLS, ("Bash",)),
                Right("droid", "tools", "execution", fields.ALL_TOOLS, ("Bash",)),
                Right("droid", "tools", "web", fields.ALL_TOOLS, ("WebFetch", "WebSearch")),
            ),
        ),
        Key(
            Field("mcpServers", _SERVERS, "The only MCP servers whose tools the agent can use, all of them."),
            "adds all tools of these servers to the manifest's `tools`",
            (Right("droid", "mcpServers", "", "use all tools of these MCP servers", ("*",)),),
        ),
    ),
    refused={
        "createdAt": _WRITTEN_BY_CLIENT,
        "updatedAt": _WRITTEN_BY_CLIENT,
        "version": _WRITTEN_BY_CLIENT,
    },
    tools=Tools(
        "list",
        names=names_by_tool(
            "Read: Read, Edit: Edit, Write: Create, Bash: Execute, Glob: Glob, Grep: Grep, WebFetch: FetchUrl, "
            "WebSearch: WebSearch, Agent: Task, AskUserQuestion: AskUser, TodoWrite: TodoWrite, Skill: Skill"
        ),
        companions={"Glob": ("LS",)},
        mcp_tool="{server}___{tool}",
        own_names=("ApplyPatch",),
        legacy_names={"MultiEdit": "Edit"},
        categories=_CATEGORIES,
    ),
    models=("inherit",),
    model_names=("inherit",),
    skill_folders=(".agents/skills", ".factory/skills"),
    plugin=Plugin((".factory-plugin/plugin.json", ".claude-plugin/plugin.json"), folder="droids"),
    loader=Loader(
        has_optional_front_matter=True,
        named_by_file=True,
        types={
            "name": TEXT,
            "description": TEXT,
            "model": TEXT,
            "reasoningEffort": TEXT,
            "tools": _TEXT_OR_LIST,
            "mcpServers": _TEXT_OR_LIST,
        },
    ),
    built_in=(
        fields.replaceable("explorer worker"),
        BuiltIn(
            words("scrutiny-feature-reviewer user-testing-flow-validator"),
            "which only missions can start, and so this one",
            is_harmful=True,
        ),
    ),
    limits=(
        fields.NON_EMPTY_DESCRIPTION,
        Limit("description", maximum=500, is_advisory=True),
        Limit("name", pattern="[a-z0-9_-]+", expects="lower-case letters, digits, `_` and `-`", is_advisory=True),
        Limit("body", minimum=1, is_advisory=True),
    ),
    other_names=("factory", "factorydroid"),
    unsupported=(
        "All tools of one MCP server in `tools`. `mcpServers` can name the server.",
        "Agents without `TodoWrite` and `Skill`: the client adds them to every list of tools.",
        "`Edit` without `Write`, and the other way round: the client adds `ApplyPatch`, which changes and creates "
        "files.",
        "Files that stay as they are: if somebody edits an agent in the client's own menu, the client writes all files "
        "of the folder, each as `NAME.md`, and deletes the others.",
    ),
)
