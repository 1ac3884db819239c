"""Front matter that several AI tools have in common."""

from __future__ import annotations

from kei_assembler.source.shapes import BOOLEAN, LINE, POSITIVE, STRINGS, TABLE_OF_ANYTHING, Field, table_of
from kei_assembler.targets.target import Limit

MODEL = Field("model", LINE, "The model for this target, in place of the manifest's `model`.")
OWN_TOOLS = Field("tools", STRINGS, "The tools by the client's own names, in place of the manifest's `tools`.")
COLORS = ("red", "blue", "green", "yellow", "purple", "orange", "pink", "cyan")
COLOR_DOC = "The agent's colour in the user interface."
SERVER_TABLE = table_of(TABLE_OF_ANYTHING, "a table of servers")
MAX_TURNS = Field("maxTurns", POSITIVE, "After how many turns the agent stops.")
BACKGROUND = Field("background", BOOLEAN, "Whether the agent always runs in the background.")
HOOKS_FIELD = Field("hooks", TABLE_OF_ANYTHING, "Commands that run at events of the agent's life.")
SERVERS = "start and use servers of its own"
HOOKS = "run commands at events, without asking"
DESCRIBED = Limit("description", least=1, is_advisory=True)
