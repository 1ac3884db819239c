"""The row of Auggie, the agent of Augment for the command line."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.facts import Executable, Verified
from kei_assembler.targets.target import Foreign, Key, Limit, Loader, Right, Target
from kei_assembler.targets.tools import Tools, names_by_tool, words
from kei_assembler.validation import BOOLEAN, LINE, Field

_PROVIDER = "sends the work, and a key, to any host"
_GUARDS = "takes away rules that the project or the client sets"

AUGGIE = Target(
    name="auggie",
    label="Auggie",
    verified=(Verified("Auggie", "0.36.0", "2026-11-30", ("code",), Executable(("auggie",))),),
    output=".augment/agents/{name}.md",
    keys=words(
        "name description model color tools disabled_tools hidden disable_skills tool_description "
        "instruction_description"
    ),
    table=(
        fields.MODEL,
        fields.COLOR,
        Key(
            fields.own_tools(fields.TOOL_NAMES),
            "names the tools; there is no entry that stands for many",
        ),
        Key(
            Field(
                "disabled_tools",
                fields.TOOL_NAMES,
                "Tools that the agent can't use. The client then ignores `tools`.",
                kind="denied",
            ),
            "takes tools away, but gives all others to an agent with `tools`",
            (
                Right(
                    "auggie",
                    "disabled_tools",
                    "",
                    "use all other tools, because the client then ignores `tools`",
                    ("*",),
                    beside="tools",
                ),
            ),
        ),
        Key(Field("hidden", BOOLEAN, "Whether to hide the agent."), fields.NOTHING),
        Key(Field("disable_skills", BOOLEAN, "Whether to leave out the skills."), "takes skills away"),
        Key(
            Field("tool_description", LINE, "What other agents read about the agent, instead of the description."),
            fields.NOTHING,
        ),
        Key(
            Field("instruction_description", LINE, "What other agents read about the task to write for the agent."),
            fields.NOTHING,
        ),
    ),
    refused={
        "disable_rules": _GUARDS,
        "disable_workspace_guidelines": _GUARDS,
        "finish_tool": "changes how the agent ends its work",
        "provider_api_key": _PROVIDER,
        "provider_base_url": _PROVIDER,
        "provider_model": _PROVIDER,
        "replace_system_prompt": _GUARDS,
    },
    tools=Tools(
        "list",
        names=names_by_tool(
            "Read: view, Edit: str-replace-editor, Write: save-file, Bash: launch-process, Grep: grep-search, "
            "WebFetch: web-fetch, WebSearch: web-search, TodoWrite: view_tasklist"
        ),
        companions={
            "launch-process": words("read-process write-process kill-process list-processes"),
            "str-replace-editor": ("apply_patch",),
            "view_tasklist": words("add_tasks update_tasks"),
        },
        substitutes={"Glob": ("Read",)},
        own_names=words(
            "ask-user codebase-retrieval remove-files render-mermaid reorganize_tasklist search-untruncated "
            "view-range-untruncated"
        ),
        empty_means_all=True,
    ),
    foreign=(fields.CLAUDE_FOLDER._replace(has_tool_names=False, is_known_by_file=True), Foreign(".agents/agents")),
    settings=(fields.USE_FILES_OF,),
    searches_subfolders=True,
    skill_folders=(".agents/skills", ".augment/skills", ".claude/skills"),
    loader=Loader(
        has_optional_front_matter=True,
        named_by_file=True,
        folders_in_name=True,
        hyphens_for=" ./:",
        ignored_prefix=".",
        skipped_folders=(".*",),
        suffixes=(".md", ".txt"),
    ),
    built_in=(fields.replaceable("code context-gathering general-purpose plan research validate"),),
    limits=(
        fields.NON_EMPTY_DESCRIPTION,
        Limit(
            "name",
            pattern="(?!.*--)[A-Za-z0-9_-]+",
            expects="letters, digits, `_` and single `-`",
            is_advisory=True,
        ),
    ),
    other_names=("augment", "augmentcode"),
    unsupported=(
        "Other characters in names than letters, digits, `_` and single `-`: the client replaces them by `-`.",
        "`apply_patch`, with which some models edit, can also create and delete files.",
        "Agents of the project whose name a file in `~/.augment/agents` has: that file wins.",
        "Two files of one agent whose names differ, its own and one in `.claude/agents`: the client loads both.",
    ),
)
