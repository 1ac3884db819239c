"""The row of Cline."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.facts import Executable, Verified
from kei_assembler.targets.forms import MARKDOWN
from kei_assembler.targets.target import Key, Loader, Right, Target
from kei_assembler.targets.tools import Tools, names_by_tool, words
from kei_assembler.validation import LINE, POSITIVE, STRINGS, Field

CLINE = Target(
    name="cline",
    label="Cline",
    verified=(
        Verified("Cline's core", "0.0.86", "2026-11-30", ("run", "code"), Executable(("cline",), program="Cline CLI")),
    ),
    output=".cline/agents/{name}.yaml",
    form=MARKDOWN._replace(label="YAML front matter and body", suffix=".yaml"),
    keys=words("name description tools skills modelId maxIterations"),
    table=(
        Key(
            fields.own_tools(fields.TOOL_NAMES),
            "names the tools; no entry stands for many",
        ),
        Key(
            Field("skills", STRINGS, "The only skills that the agent can use.", kind="skills"),
            "the client adds the tool `skills`, even if `tools` do not list it",
            (Right("cline", "skills", "", "use skills", ("Skill",)),),
        ),
        Key(
            Field("modelId", LINE, "The model for this target, as its provider calls it.", kind="model"),
            "grants nothing: the session's provider stays the same",
        ),
        Key(Field("maxIterations", POSITIVE, "The number of turns after which the agent stops."), fields.NOTHING),
    ),
    refused={"providerId": "sends the work, and the key of the session's provider, to another provider"},
    tools=Tools(
        "list",
        names=names_by_tool(
            "Read: read_files, Edit Write: editor, Bash: run_commands, Grep: search_codebase, "
            "WebFetch: fetch_web_content, Skill: skills, AskUserQuestion: ask_question"
        ),
        companions={"editor": ("apply_patch",)},
        substitutes={"Glob": ("Bash",)},
        own_names=("submit_and_exit",),
        legacy_names=names_by_tool(
            "apply_diff replace_in_file write_to_file: editor, attempt_completion: submit_and_exit, "
            "bash execute_command list_files: run_commands, list_code_definition_names search_files: search_codebase, "
            "read_file: read_files, use_skill: skills"
        ),
    ),
    model_key="modelId",
    skill_folders=(".agents/skills", ".cline/skills", ".clinerules/skills"),
    loader=Loader(folds_case=True, suffixes=(".yaml", ".yml")),
    limits=fields.NON_EMPTY_TEXTS,
    unsupported=(
        fields.STARTS_NO_AGENTS,
        "Tools of MCP servers. An agent has only the client's own tools.",
        "A limit on what plugins add. An agent also has the tools of the session's plugins, and the tool `skills` if "
        "the session has skills, whatever its `tools` say.",
        "The extension for VS Code, which does not look for agents in a project, and has other names for tools.",
        "A list of paths for scoped rules. The client reads every file in `.clinerules` and `.cline/rules` in all "
        "sessions.",
    ),
)
