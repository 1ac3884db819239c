"""Fields, limits and texts that the rows of several clients share."""

from __future__ import annotations

from kei_assembler.targets.target import BuiltIn, DisplayName, Foreign, Key, Limit, Right
from kei_assembler.targets.tools import words
from kei_assembler.validation import (
    BOOLEAN,
    FILLED,
    LINE,
    NUMBER,
    POSITIVE,
    STRINGS,
    Field,
    Shape,
    list_of,
    matching,
    one_of,
)

NOTHING = "grants nothing"
MODEL = Key(
    Field("model", LINE, "The model for this target, instead of the manifest's `model`.", kind="model"), NOTHING
)
TOOL_NAMES = list_of(matching(r"[^,\s]+", "a tool name without commas and spaces"), "a list of names")
DISALLOWED_TOOLS = Key(
    Field("disallowedTools", STRINGS, "Tools that the agent can't use, by the client's own names.", kind="denied"),
    "takes tools away",
)
UNVERIFIED_TOOLS = "lists tools by names that nobody verified: with wrong ones, the agent has none, or all"
NAMES_AGENTS = "names the agents; `*` needs an allowance unless `tools` lists `Agent` without names"
STARTS_NO_AGENTS = (
    "Agents can't start other agents. `Agent` has no counterpart, and the caller must carry out the handoffs."
)
DISPLAY_NAME = Key(Field("display_name", LINE, "The name that people see."), NOTHING)
LOWER_CASE_NAME = DisplayName(pattern="[a-z0-9-]+", expects="lower-case letters, digits and `-`")
COLORS = ("red", "blue", "green", "yellow", "purple", "orange", "pink", "cyan")
COLOR_DOC = "The agent's color in the user interface."
COLOR = Key(Field("color", one_of(*COLORS), COLOR_DOC), NOTHING)
TEMPERATURE = Key(Field("temperature", NUMBER, "The sampling temperature of the model."), NOTHING)
MAX_TURNS = Key(Field("maxTurns", POSITIVE, "The number of turns after which the agent stops."), NOTHING)
BACKGROUND = Key(
    Field("background", BOOLEAN, "Whether the agent always runs in the background."),
    "grants nothing: the tools and the approvals stay the same",
)
TRUSTED_SERVERS = "and `trust` lets its tools run without asking"
INITIAL_PROMPT = Key(
    Field("initialPrompt", FILLED, "The first message if the agent runs as the main agent."),
    "grants nothing: it is text like the body, and only a person can start an agent as the main one",
)
ALL_TOOLS = "use tools that its `tools` do not list"
ALLOWS_MORE = "names the tools; an entry for many, such as `*`, needs an allowance if the manifest lists `tools`"
EDITS = "change files without asking"
ONE_LINE = "A description of several lines is written as one line."
NON_EMPTY_DESCRIPTION = Limit("description", minimum=1, is_advisory=True)
NON_EMPTY_TEXTS = (NON_EMPTY_DESCRIPTION, Limit("body", minimum=1))
CLAUDE_FOLDER = Foreign(
    ".claude/agents",
    "claude-code",
    ignored={
        "disallowedTools": "the agent has these tools",
        "hooks": "they never run",
        "permissionMode": "the agent asks as the session does",
    },
)
CLAUDE_FOLDER_WITH_MCP = CLAUDE_FOLDER._replace(has_mcp_names=True)
USE_FILES_OF = Field(
    "use-files-of",
    one_of(CLAUDE_FOLDER.target),
    "The target whose files this client uses. An agent of both targets then gets only the file of that one.",
)


def replaceable(names: str) -> BuiltIn:
    """Return the row for agents of the client that an agent file of the same name replaces."""
    return BuiltIn(words(names), "which this one replaces")


def own_tools(shape: Shape = STRINGS, key: str = "tools") -> Field:
    """Return the field for a list of tools that replaces the manifest's."""
    doc = "The tools by the client's own names, instead of the manifest's `tools`."
    return Field(key, shape, doc, kind="tools")


def tools_or_all(target: str, shape: Shape = STRINGS) -> Key:
    """Return the key `tools` of a client with an entry that stands for many tools."""
    return Key(own_tools(shape), ALLOWS_MORE, (Right(target, "tools", "*", ALL_TOOLS, ("*",)),))


def mcp_servers(target: str, key: str, shape: Shape, effect: str = "with tools that are not in `tools`") -> Key:
    """Return the key for MCP servers of the agent's own. `effect` completes the sentence "a server is a program …"."""
    return Key(
        Field(key, shape, "MCP servers that the agent can use."),
        f"a server is a program or a remote service, {effect}",
        (Right(target, key, "", "start and use MCP servers of its own"),),
    )


def hooks(target: str, shape: Shape) -> Key:
    """Return the key for hooks of the agent's own."""
    return Key(
        Field("hooks", shape, "What runs at certain events."),
        "a hook runs a command, asks a model, or sends data to a server",
        (Right(target, "hooks", "", "run commands at events without asking"),),
    )


def permission_mode(target: str) -> Key:
    """Return the key `permissionMode` of a client that has the modes of Claude Code."""
    modes = one_of("acceptEdits", "auto", "bypassPermissions", "default", "dontAsk", "plan")
    return Key(
        Field("permissionMode", modes, "What the agent can do without asking."),
        "`default`, `plan` and `dontAsk` grant nothing; `acceptEdits` does not ask about edits, which git shows",
        (
            Right(target, "permissionMode", "bypassPermissions", "do anything without asking"),
            Right(target, "permissionMode", "auto", "act without asking a person"),
            Right(target, "permissionMode", "acceptEdits", EDITS, ("Edit", "Write")),
        ),
    )


def skills(target: str) -> Key:
    """Return the key `skills` of a client whose agents get the texts of skills when they start."""
    return Key(
        Field("skills", STRINGS, "Skills to load when the agent starts.", kind="skills"),
        "a skill can allow tools and run commands when it is loaded",
        (Right(target, "skills", "", "load skills, which can allow tools", ("Skill",)),),
    )
