"""The row of Kimi Code."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.facts import Executable, Verified
from kei_assembler.targets.instructions import Instructions
from kei_assembler.targets.target import BuiltIn, DisplayName, Key, Limit, Loader, Placeholder, Plugin, Right, Target
from kei_assembler.targets.tools import Tools, names_by_tool, words
from kei_assembler.validation import BOOLEAN, FILLED, STRINGS, Field, list_of, matching

_TOOL = matching(r"\*|mcp__[^,\s]+|[A-Za-z]\w*", "a tool name, or `mcp__` and a pattern")
_VARIABLES = (
    "additional_dirs_info additional_dirs_section agents_md base_prompt cwd cwd_listing notify_user_guidance os "
    "plugin_sections product_name reply_style_guide role_additional shell skills skills_section windows_notes"
)

KIMI = Target(
    name="kimi",
    label="Kimi Code",
    verified=(Verified("Kimi Code", "2.1.0", "2026-11-30", ("run", "code"), Executable(("kimi",))),),
    output=".kimi-code/agents/{name}.md",
    keys=words("name description whenToUse override tools disallowedTools subagents"),
    table=(
        Key(Field("whenToUse", FILLED, "When to use the agent, beside the description."), fields.NOTHING),
        Key(
            Field("override", BOOLEAN, "Whether the agent replaces a built-in agent of its name."),
            "grants nothing: the agent has its own tools",
        ),
        fields.tools_or_all("kimi", list_of(_TOOL, "a list of names")),
        fields.DISALLOWED_TOOLS,
        Key(
            Field("subagents", STRINGS, "The agents that this agent can start.", kind="agents"),
            fields.NAMES_AGENTS,
            (Right("kimi", "subagents", "*", "start any agent", ("Agent",)),),
        ),
    ),
    tools=Tools(
        "comma",
        names=names_by_tool(
            "Read: Read, Edit: Edit, Write: Write, Bash: Bash, Glob: Glob, Grep: Grep, WebFetch: FetchURL, "
            "WebSearch: WebSearch, Agent: Agent, Skill: Skill, TodoWrite: TodoList, AskUserQuestion: AskUserQuestion, "
            "CronCreate: CronCreate, CronDelete: CronDelete, CronList: CronList, EnterPlanMode: EnterPlanMode, "
            "ExitPlanMode: ExitPlanMode, TaskStop: TaskStop"
        ),
        mcp_tool="mcp__{server}__{tool}",
        mcp_server="mcp__{server}__*",
        # without the characters of patterns
        mcp_pattern=r"mcp__(?:[^\W_]|[.-]|_(?!_))+__(?:\*|[\w.-]+)",
        agents_key="subagents",
        any_agent="*",
        own_names=words(
            "AgentSwarm CreateGoal GetGoal NotifyUser ReadMediaFile SetGoalBudget TaskList TaskOutput UpdateGoal "
            "WaitFor select_tools"
        ),
    ),
    loader=Loader(
        named_by_file=True,
        ignored_prefix=".",
        skipped_folders=(".*", "node_modules"),
        maximum_depth=8,
        assumed_values={"subagents": ("coder", "explore", "plan")},
    ),
    other_folders=(".agents/agents",),
    searches_subfolders=True,
    other_names=words("kimicode moonshot"),
    plugin=Plugin(("kimi.plugin.json", ".kimi-plugin/plugin.json")),
    instructions=Instructions(also=(".kimi-code/AGENTS.md",), program="Kimi Code"),
    skill_folders=(".agents/skills", ".kimi-code/skills"),
    display_name=DisplayName(),
    built_in=(
        BuiltIn(
            words("agent coder explore plan"),
            "so this one is never started",
            is_harmful=True,
            unless=("override", (True,)),
            remedy="to replace it, set `override = true` in `[target.kimi]`",
        ),
    ),
    limits=(
        fields.NON_EMPTY_DESCRIPTION,
        Limit("name", pattern="[a-z0-9]+(?:-[a-z0-9]+)*", expects="lower-case letters and digits, with single hyphens"),
        Limit("body", minimum=1),
    ),
    placeholder=Placeholder(
        rf"\$\{{(?:{'|'.join(words(_VARIABLES))})\}}",
        ("${cwd}", "${base_prompt}", "${skills}"),
        "and writes its own text in its place",
    ),
    unsupported=(
        "A model. The client ignores `model`, and the agent uses the caller's.",
        "Images. `Read` reads only text; `[target.kimi] tools` can list `ReadMediaFile`.",
    ),
)
