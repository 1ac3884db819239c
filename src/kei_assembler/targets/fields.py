"""Fields, limits and texts that the rows of several clients share."""

from __future__ import annotations

from kei_assembler.targets.target import BuiltIn, Foreign, Key, Limit
from kei_assembler.targets.tools import words
from kei_assembler.validation import BOOLEAN, LINE, POSITIVE, STRINGS, Field, one_of

NOTHING = "grants nothing"
MODEL = Key(
    Field("model", LINE, "The model for this target, instead of the manifest's `model`.", kind="model"), NOTHING
)
OWN_TOOLS = Field(
    "tools", STRINGS, "The tools by the client's own names, instead of the manifest's `tools`.", kind="tools"
)
COLORS = ("red", "blue", "green", "yellow", "purple", "orange", "pink", "cyan")
COLOR_DOC = "The agent's color in the user interface."
MAX_TURNS = Key(Field("maxTurns", POSITIVE, "The number of turns after which the agent stops."), NOTHING)
BACKGROUND = Key(
    Field("background", BOOLEAN, "Whether the agent always runs in the background."),
    "grants nothing: the tools and the approvals stay the same",
)
HOOKS_DOC = "What runs at certain events."
SERVERS_DOC = "MCP servers that the agent can use."
ALL_TOOLS = "use tools that its `tools` do not list"
ALLOWS_MORE = "names the tools; an entry for many, such as `*`, needs an allowance if the manifest lists `tools`"
EDITS = "change files without asking"
STARTS_SERVERS = "start and use MCP servers of its own"
RUNS_HOOKS = "run commands at events without asking"
NON_EMPTY_DESCRIPTION = Limit("description", minimum=1, is_advisory=True)
CLAUDE_FOLDER = Foreign(
    ".claude/agents",
    "claude-code",
    ignored={
        "disallowedTools": "the agent has these tools",
        "hooks": "they never run",
        "permissionMode": "the agent asks as the session does",
    },
)
USE_FILES_OF = Field(
    "use-files-of",
    one_of(CLAUDE_FOLDER.target),
    "The target whose files this client uses. An agent of both targets then gets only the file of that one.",
)


def replaceable(names: str) -> BuiltIn:
    """Return the row for agents of the client that an agent file of the same name replaces."""
    return BuiltIn(words(names), "which this one replaces")
