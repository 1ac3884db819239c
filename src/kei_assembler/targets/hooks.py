"""What each client accepts as hooks."""

from __future__ import annotations

from kei_assembler.targets.servers import ARGUMENTS, TEXTS, URL
from kei_assembler.targets.tools import words
from kei_assembler.validation import (
    ABOVE_ZERO,
    BOOLEAN,
    FILLED,
    TABLE_OF_ANYTHING,
    TEXT,
    Field,
    Shape,
    list_of,
    one_of,
    open_table,
    table_of,
    variants,
)

_COMMAND = Field("command", FILLED, "The command to run.", required=True)
_PROMPT = Field("prompt", FILLED, "What the model decides or checks.", required=True)
_ADDRESS = Field("url", URL, "The address to send the event to.", required=True)
_HEADERS = Field("headers", TEXTS, "Headers of the request.")
_VARIABLES = Field("allowedEnvVars", ARGUMENTS, "The environment variables that the headers can contain.")
_MODEL = Field("model", TEXT, "The model to use.")
_SHELL = Field("shell", one_of("bash", "powershell"), "The shell for the command.")
_ON_FAILURE = Field("onFailure", one_of("continue", "block"), "What happens if the hook fails.")
_ASYNC = Field("async", BOOLEAN, "Whether the client goes on without waiting.")
_TIMEOUT = Field("timeout", ABOVE_ZERO, "The time limit in seconds.")
_STATUS = Field("statusMessage", TEXT, "What people see while the hook runs.")
_ONCE = Field("once", BOOLEAN, "Whether the hook runs only once.")


def _handler(kind: str, *fields: Field) -> Shape:
    return open_table(Field("type", one_of(kind), "What the hook is.", required=True), *fields)


def _hooks(client: str, events: str, handler: Shape, *fields: Field) -> Shape:
    """Return the shape of a table of events, each with a list of matchers, which hold lists of handlers."""
    matcher = open_table(
        Field("matcher", TEXT, "A pattern for what the event is about, such as the name of a tool."),
        Field("hooks", list_of(handler, "a list of tables"), "The hooks to run.", required=True),
        *fields,
    )
    matchers = list_of(matcher, "a list of tables")._replace(name=f"hooks-of-{client}")
    known = tuple(Field(event, matchers, "What runs at this event.") for event in words(events))
    return table_of(matchers, "a table of events", known)._replace(unlisted="event")


_IF = Field("if", TEXT, "A tool with a scope, as in `Bash(git:*)`: otherwise the hook does not run.")
_OF_ALL = (_IF, _TIMEOUT, _STATUS, _ONCE)

# A faulty entry of an event that guards something, such as `PreToolUse`, loses the agent. Other entries are dropped.
OF_CLAUDE_CODE = _hooks(
    "claude-code",
    "PreToolUse PostToolUse PostToolUseFailure PostToolBatch Notification UserPromptSubmit UserPromptExpansion "
    "SessionStart SessionEnd Stop StopFailure SubagentStart SubagentStop PreCompact PostCompact PreModelSwitch "
    "PostModelSwitch PermissionRequest PermissionDenied Setup TeammateIdle TaskCreated TaskCompleted Elicitation "
    "ElicitationResult ConfigChange WorktreeCreate WorktreeRemove InstructionsLoaded CwdChanged FileChanged "
    "DirectoryAdded MessageDisplay PreSkillShellCommand",
    variants(
        "type",
        _handler(
            "command",
            *(_COMMAND, Field("args", ARGUMENTS, "The command's arguments, if no shell runs it."), _SHELL),
            *(_ON_FAILURE, _ASYNC, Field("asyncRewake", BOOLEAN, "Whether a failure wakes the model later.")),
            *_OF_ALL,
        ),
        _handler(
            "prompt",
            *(_PROMPT, _MODEL, Field("continueOnBlock", BOOLEAN, "Whether the turn goes on after a refusal.")),
            *_OF_ALL,
        ),
        _handler("agent", _PROMPT, _MODEL, *_OF_ALL),
        _handler("http", _ADDRESS, _HEADERS, _VARIABLES, _ON_FAILURE, *_OF_ALL),
        _handler(
            "mcp_tool",
            Field("server", FILLED, "The MCP server.", required=True),
            Field("tool", FILLED, "The server's tool.", required=True),
            Field("input", TABLE_OF_ANYTHING, "What the tool gets."),
            *(_ON_FAILURE, *_OF_ALL),
        ),
    ),
)

_NAME = Field("name", TEXT, "The name of the hook.")
_DESCRIPTION = Field("description", TEXT, "What the hook is for.")

OF_QWEN = _hooks(
    "qwen",
    "PreToolUse PostToolUse PostToolUseFailure PostToolBatch Notification UserPromptSubmit UserPromptExpansion "
    "SessionStart SessionEnd SessionDelete Stop StopFailure SubagentStart SubagentStop PreCompact PostCompact "
    "PermissionRequest PermissionDenied TodoCreated TodoCompleted InstructionsLoaded MessageDisplay",
    variants(
        "type",
        _handler(
            "command",
            *(_COMMAND, _SHELL, Field("env", TEXTS, "Environment variables."), _ASYNC),
            *(_NAME, _DESCRIPTION, _TIMEOUT, _STATUS),
        ),
        _handler("http", _ADDRESS, _HEADERS, _VARIABLES, _NAME, _DESCRIPTION, _TIMEOUT, _STATUS, _ONCE),
        _handler("prompt", _PROMPT, _MODEL, _NAME, _DESCRIPTION, _TIMEOUT, _STATUS),
    ),
    Field("sequential", BOOLEAN, "Whether the hooks run one after the other."),
)
