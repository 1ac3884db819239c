"""The row of Qwen Code."""

from __future__ import annotations

from kei_assembler.targets import fields, hooks
from kei_assembler.targets.facts import Executable, Verified
from kei_assembler.targets.instructions import Instructions, Rules
from kei_assembler.targets.servers import ARGUMENTS, OF_QWEN, servers
from kei_assembler.targets.target import BuiltIn, Key, Limit, Loader, Plugin, Right, Target
from kei_assembler.targets.tools import Tools, names_by_tool, words
from kei_assembler.validation import FILLED, Field, one_of, open_table

_APPROVAL_MODE = one_of("plan", "default", "auto-edit", "auto", "yolo", "bubble")
_BRIDGED_MODES = {
    "acceptEdits": "auto-edit",
    "auto": "auto-edit",
    "bypassPermissions": "yolo",
    "default": "default",
    "dontAsk": "default",
    "plan": "plan",
}
_EXECUTOR = open_table(
    Field("kind", one_of("acp", "codex"), "How to talk to the program.", required=True),
    Field("command", FILLED, "The program to start.", required=True),
    Field("args", ARGUMENTS, "The program's arguments."),
)

QWEN = Target(
    name="qwen",
    label="Qwen Code",
    verified=(Verified("Qwen Code", "0.24.4", "2026-11-29", ("code",), Executable(("qwen",))),),
    output=".qwen/agents/{name}.md",
    keys=words(
        "name description tools disallowedTools model approvalMode maxTurns color background mcpServers hooks "
        "executor executionBackend"
    ),
    table=(
        fields.tools_or_all("qwen", fields.TOOL_NAMES),
        fields.DISALLOWED_TOOLS,
        fields.MODEL,
        Key(
            Field("approvalMode", _APPROVAL_MODE, "What the agent can do without asking."),
            "`default` and `plan` ask, and `bubble` leaves it to the caller; `auto-edit` does not ask about edits, "
            "which git shows",
            (
                Right("qwen", "approvalMode", "yolo", "do anything without asking"),
                Right("qwen", "approvalMode", "auto", "act without asking a person"),
                Right("qwen", "approvalMode", "auto-edit", fields.EDITS, ("Edit", "Write")),
            ),
        ),
        fields.MAX_TURNS,
        Key(Field("color", one_of("auto", *fields.COLORS), fields.COLOR_DOC), fields.NOTHING),
        fields.BACKGROUND,
        fields.mcp_servers("qwen", "mcpServers", servers(OF_QWEN), fields.TRUSTED_SERVERS),
        fields.hooks("qwen", hooks.OF_QWEN),
        Key(
            Field("executor", _EXECUTOR, "A program that works instead of the agent."),
            "the program has its own tools and permissions",
            (Right("qwen", "executor", "", "start another program, which does the work"),),
        ),
        Key(
            Field("executionBackend", one_of("container"), "Where the agent runs."),
            "`container` takes permissions away",
        ),
    ),
    refused={
        "modelConfig": "is an older form of `model`",
        "permissionMode": "is Claude Code's spelling of `approvalMode`",
        "runConfig": "is an older form of `maxTurns`",
    },
    tools=Tools(
        "list",
        names=names_by_tool(
            "Read: read_file, Edit: edit, Write: write_file, Bash: run_shell_command, Glob: glob, "
            "Grep: grep_search, WebFetch: web_fetch, WebSearch: web_search, NotebookEdit: notebook_edit, "
            "Agent: agent, TodoWrite: todo_write, Skill: skill"
        ),
        mcp_tool="mcp__{server}__{tool}",
        mcp_server="mcp__{server}__*",
        empty_means_all=True,
        input_format="words",
        own_names=words(
            "artifact ask_user_question create_sub_session cron_create cron_delete cron_list enter_plan_mode "
            "enter_worktree exec exit_plan_mode exit_worktree get_goal image_gen list_agents list_directory "
            "loop_wakeup lsp monitor propose_goal read_mcp_resource record_artifact record_source report_findings "
            "request_shutdown save_memory send_message structured_output task_create task_list task_stop task_update "
            "team_create team_delete team_plan_approval tool_call tool_search update_goal workflow zoom_image"
        ),
        legacy_names=names_by_tool("search_file_content: grep_search, replace: edit, task: agent"),
        is_lenient=True,
    ),
    plugin=Plugin(("qwen-extension.json", "gemini-extension.json", ".claude-plugin/plugin.json")),
    model_names=("fast", "inherit"),
    instructions=Instructions(
        own_files=("QWEN.md",), expands_imports=True, rules=Rules(".qwen/rules/{name}.md", "paths")
    ),
    skill_folders=(".agents/skills", ".qwen/skills"),
    loader=Loader(folds_case=True, foreign_keys={"permissionMode": ("approvalMode", _BRIDGED_MODES)}),
    built_in=(
        fields.replaceable("claude-code codex Explore general-purpose review-agent statusline-setup"),
        BuiltIn(("fork",), "a copy of the session, so this one is never started", is_harmful=True),
    ),
    limits=(
        fields.NON_EMPTY_DESCRIPTION,
        Limit("description", maximum=1000, is_advisory=True),
        Limit("name", minimum=2, maximum=50),
        Limit("name", pattern=r"[^\W_](?:[\w-]*[^\W_])?", expects="letters and digits, with `_` and `-` inside"),
        Limit("name", reserved=("self", "system", "user", "model", "tool", "config", "default", "main")),
        Limit("body", minimum=10),
        Limit("prompt", maximum=10_000, is_advisory=True),
    ),
)
