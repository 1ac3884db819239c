"""The AI tools that agent files are written for: one row of data per target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kei_assembler.shapes import (
    BOOLEAN,
    FILLED,
    LINE,
    POSITIVE,
    STRINGS,
    TABLE_OF_ANYTHING,
    Field,
    Shape,
    one_of,
)


class Right(NamedTuple):
    """What an agent may do by a key of its front matter, if that has `value`, or whatever it has.

    `grants` completes the sentence "it lets the agent …".
    """

    target: str
    key: str
    value: str
    grants: str

    @property
    def name(self) -> str:
        """How the setting `allow-rights` names it."""
        return f"{self.target}.{self.key}={self.value}" if self.value else f"{self.target}.{self.key}"

    def is_given(self, table: Mapping[str, object]) -> bool:
        """Tell whether a target's table of a manifest gives this right."""
        held = table.get(self.key)
        return held == self.value if self.value else bool(held)


class Target(NamedTuple):
    """What one AI tool reads: where, which front matter in which order, and which tools it knows.

    `output` is a path pattern relative to the kit, with `{name}` and `{dir}`, the manifest's folder.
    `keys` is the order of the front matter; `fields` are those of its keys that a manifest's `[target.NAME]` may set;
    `rights` are what among that a review must not overlook.
    """

    name: str
    label: str
    output: str
    keys: tuple[str, ...]
    fields: tuple[Field, ...]
    tools: tuple[str, ...]
    rights: tuple[Right, ...]


_EFFORT = Shape(
    object,
    "`low`, `medium`, `high`, `xhigh`, `max`, or a whole number",
    either=(one_of("low", "medium", "high", "xhigh", "max"), Shape(int, "a whole number")),
)
_MCP_SERVERS = Shape(
    object,
    "a table of servers, or a list of server names and such tables",
    either=(TABLE_OF_ANYTHING, Shape(list, "a list", item=Shape(object, "", either=(FILLED, TABLE_OF_ANYTHING)))),
)

CLAUDE_CODE = Target(
    name="claude-code",
    label="Claude Code",
    output="{dir}/{name}.md",
    keys=(
        "name",
        "description",
        "tools",
        "disallowedTools",
        "model",
        "effort",
        "permissionMode",
        "maxTurns",
        "skills",
        "mcpServers",
        "hooks",
        "memory",
        "background",
        "isolation",
        "color",
        "initialPrompt",
        "omitClaudeMd",
    ),
    fields=(
        Field(
            "disallowedTools", STRINGS, "Tools that the agent may not use, though `tools` or the default allow them."
        ),
        Field("model", LINE, "The model for this target, in place of the manifest's `model`."),
        Field("effort", _EFFORT, "How much the model thinks before it answers."),
        Field(
            "permissionMode",
            one_of("acceptEdits", "auto", "bypassPermissions", "default", "dontAsk", "plan"),
            "What the agent may do without asking.",
        ),
        Field("maxTurns", POSITIVE, "After how many turns the agent stops."),
        Field("skills", STRINGS, "Skills that are loaded when the agent starts."),
        Field("mcpServers", _MCP_SERVERS, "MCP servers that the agent can use."),
        Field("hooks", TABLE_OF_ANYTHING, "Commands that run at events of the agent's life."),
        Field("memory", one_of("user", "project", "local"), "Where the agent keeps a memory of its own."),
        Field("background", BOOLEAN, "Whether the agent always runs in the background."),
        Field("isolation", one_of("worktree", "remote"), "Where the agent works, instead of in the checkout."),
        Field(
            "color",
            one_of("red", "blue", "green", "yellow", "purple", "orange", "pink", "cyan"),
            "The agent's colour in the user interface.",
        ),
        Field("initialPrompt", FILLED, "The first message, when the agent runs as the main one."),
        Field("omitClaudeMd", BOOLEAN, "Whether the project's memory files are left out."),
    ),
    tools=tuple(
        "Agent AskUserQuestion Bash CronCreate CronDelete CronList Edit EnterPlanMode EnterWorktree ExitPlanMode "
        "ExitWorktree Glob Grep ListMcpResourcesTool LSP Monitor NotebookEdit PowerShell Read ReadMcpResourceTool "
        "SendMessage Skill Task TaskCreate TaskGet TaskList TaskStop TaskUpdate TodoWrite ToolSearch WebFetch "
        "WebSearch Workflow Write".split()
    ),
    rights=(
        Right("claude-code", "permissionMode", "bypassPermissions", "do everything without asking"),
        Right("claude-code", "permissionMode", "auto", "act without asking a person"),
        Right("claude-code", "hooks", "", "run commands at events, without asking"),
        Right("claude-code", "mcpServers", "", "start and use servers of its own"),
    ),
)

TARGETS = {target.name: target for target in (CLAUDE_CODE,)}

RIGHTS = {right.name: right for target in TARGETS.values() for right in target.rights}
"""What a kit must allow its agents one by one, by name."""
