"""The row of pi with the extension pi-subagents."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.facts import AgentSettings, Executable, Verified
from kei_assembler.targets.forms import RAW
from kei_assembler.targets.instructions import Instructions
from kei_assembler.targets.target import BuiltIn, Foreign, Key, Limit, Loader, Right, Target
from kei_assembler.targets.tools import Tools, names_by_tool, words
from kei_assembler.validation import BOOLEAN, POSITIVE, Field, Shape, list_of, matching, one_of

_TOOL = matching(
    r"[A-Za-z][\w-]*|mcp:[\w.-]+(?:/[\w.-]+)?",
    "a tool name, `mcp:SERVER` or `mcp:SERVER/TOOL`; the client takes a path for a program, and loads it",
)
_WITHOUT_COMMA = matching("[^,\n]+", "a string of one line without commas")
_NAMES = list_of(_WITHOUT_COMMA, "a list of strings without commas")
_DEPTH = Shape(int, "a whole number, at least 0", minimum=0, maximum=2**31 - 1)
_MILLISECONDS = Shape(int, "a whole number above 0", minimum=1, maximum=2**31 - 1)
_REPLACES = "which this one replaces"

PI = Target(
    name="pi",
    label="pi-subagents",
    verified=(Verified("pi-subagents", "0.67.0", "2026-11-30", ("run", "code"), Executable(("pi",), program="pi")),),
    output=".pi/agents/{name}.md",
    form=RAW,
    keys=words(
        "name description advertise tools excludeTools allowNestedSubagents model fallbackModels fast thinking "
        "systemPromptMode inheritProjectContext inheritGlobalContext inheritSkills defaultContext async timeoutMs "
        "toolTimeoutMs acceptanceRole skills maxSubagentDepth completionGuard"
    ),
    table=(
        Key(Field("advertise", BOOLEAN, "Whether the session's prompt names the agent."), fields.NOTHING),
        Key(
            fields.own_tools(list_of(_TOOL, "a list of tools")),
            "names the tools; `mcp:SERVER` stands for all of one server",
        ),
        Key(
            Field("excludeTools", _NAMES, "Tools that the agent can't use, by the client's own names.", kind="denied"),
            "takes tools away",
        ),
        Key(
            Field("allowNestedSubagents", BOOLEAN, "Whether the agent can start others."),
            "the client adds the tool `subagent`, even if `tools` do not list it",
            (Right("pi", "allowNestedSubagents", "", "start other agents", ("Agent",)),),
        ),
        fields.MODEL,
        Key(Field("fallbackModels", _NAMES, "Models to try after that, in this order."), fields.NOTHING),
        Key(Field("fast", BOOLEAN, "Whether to use the provider's fast mode."), fields.NOTHING),
        Key(
            Field(
                "thinking",
                one_of("off", "minimal", "low", "medium", "high", "xhigh", "max"),
                "How much the model thinks before it answers.",
            ),
            fields.NOTHING,
        ),
        Key(
            Field("systemPromptMode", one_of("replace", "append"), "What happens to the client's own prompt."),
            fields.NOTHING,
        ),
        Key(
            Field("inheritProjectContext", BOOLEAN, "Whether the agent reads the project's instructions."),
            fields.NOTHING,
        ),
        Key(
            Field("inheritGlobalContext", BOOLEAN, "Whether the agent reads the user's instructions, too."),
            fields.NOTHING,
        ),
        Key(
            Field("inheritSkills", BOOLEAN, "Whether the agent sees the session's skills."),
            "grants nothing: it reads them with its own tools",
        ),
        Key(
            Field("defaultContext", one_of("fresh", "fork"), "Whether the agent starts with the conversation so far."),
            fields.NOTHING,
        ),
        Key(Field("async", BOOLEAN, "Whether the agent runs in the background."), fields.NOTHING),
        Key(Field("timeoutMs", POSITIVE, "The number of milliseconds after which the agent stops."), fields.NOTHING),
        Key(
            Field("toolTimeoutMs", _MILLISECONDS, "The number of milliseconds after which a tool call stops."),
            fields.NOTHING,
        ),
        Key(
            Field(
                "acceptanceRole", one_of("read-only", "writer"), "Whether the client expects changes from the agent."
            ),
            fields.NOTHING,
        ),
        Key(
            Field("skills", _NAMES, "Skills that the agent gets when it starts.", kind="skills"),
            "the client adds the tool `read`, so that the agent can read the skills",
            (Right("pi", "skills", "", "read files", ("Read",)),),
        ),
        Key(Field("maxSubagentDepth", _DEPTH, "How deep agents can start others."), "takes permissions away"),
        Key(
            Field("completionGuard", BOOLEAN, "Whether the client insists on changes that a task asks for."),
            fields.NOTHING,
        ),
    ),
    refused={
        "acceptance": "is not supported yet",
        "alias": "gives the agent more names, which checks of names do not see",
        "aliases": "gives the agent more names, which checks of names do not see",
        "defaultProgress": "makes the agent write a file",
        "defaultReads": "makes the agent read other files first",
        "extensions": "loads programs",
        "interactive": "has no effect",
        "memory": "adds notes of earlier runs to the instructions, and lets the agent write them",
        "mutationTools": "is not supported yet",
        "output": "makes the agent write a file",
        "outputMode": "makes the agent write a file",
        "package": "changes the agent's name",
        "permission": "is not supported yet",
        "permissions": "is not supported yet",
        "runner": "starts another program, which does the work",
        "skill": "is another spelling of `skills`",
        "skillPath": "loads skills from other folders",
        "subagentOnlyExtensions": "loads programs",
        "toolBudget": "is not supported yet",
    },
    tools=Tools(
        "comma",
        names=names_by_tool(
            "Read: read, Edit: edit, Write: write, Bash: bash, Grep: grep, Glob: find, Agent: subagent"
        ),
        mcp_tool="mcp:{server}/{tool}",
        mcp_server="mcp:{server}",
        mcp_pattern=r"mcp:[\w.-]+(?:/[\w.-]+)?",
        input_format="words",
        own_names=words("bg_wait contact_supervisor intercom ls structured_output"),
    ),
    instructions=Instructions(hidden_by=("AGENTS.override.md",)),
    skill_folders=(".agents/skills", ".pi/skills"),
    foreign=(Foreign(".agents"),),
    user_folders=(".pi/agent/agents", ".agents"),
    searches_subfolders=True,
    other_names=("pisubagents",),
    loader=Loader(
        skipped_folders=(".git", ".pi", "node_modules", "sync-backups"),
        other_files=(".agents/skills/*", "*.chain.md"),
    ),
    agent_settings=AgentSettings((".pi/settings.json",), (("subagents", "agentOverrides"),), "prefers these keys to"),
    built_in=(
        fields.replaceable(
            "advisor claude-code-writer codex-exec-writer cursor-agent-writer evidence-auditor oracle researcher "
            "reviewer scout worker"
        ),
        BuiltIn(("delegate",), f"{_REPLACES}, and it reads the project's instructions and the client's own prompt"),
    ),
    limits=(
        fields.NON_EMPTY_DESCRIPTION,
        Limit("name", reserved=("claude-code", "codex-exec", "cursor-agent")),
    ),
    unsupported=(
        fields.ONE_LINE,
        "YAML for every text. The client cuts the quotes around a value and has no escapes, so a text that needs "
        "quotes in YAML and has both kinds of them is not YAML.",
        "The tools of MCP servers in the foreground. They need the extension pi-mcp-adapter, and `async = true`.",
        "The project's instructions, unless `inheritProjectContext` is true.",
        "A list of tools with an unknown name. The client then refuses to run the agent.",
    ),
)
