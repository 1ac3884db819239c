"""What the rows of OpenCode and of a client that is built on it share: the keys of an agent file, and permissions.

What decides about a permission is in `opencode_permission.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from kei_assembler.markdown.front_matter import Value
from kei_assembler.targets import fields
from kei_assembler.targets.target import BuiltIn, Key, Loader, Right
from kei_assembler.targets.tools import names_by_tool, words
from kei_assembler.validation import BOOLEAN, NUMBER, POSITIVE, Field, any_of, matching, one_of, table_of

_ACTION = one_of("ask", "allow", "deny")
_BY_PATTERN = any_of(_ACTION, table_of(_ACTION, "a table of patterns"))
_WITHOUT_PATTERNS = tuple(
    Field(tool, _ACTION, "An action for the whole tool. Patterns are not possible.")
    for tool in ("todowrite", "webfetch", "websearch", "question", "doom_loop")
)
_PERMISSION = any_of(_ACTION, table_of(_BY_PATTERN, fields=_WITHOUT_PATTERNS))
_COLOR = matching(
    "#[0-9a-fA-F]{6}|primary|secondary|accent|success|warning|error|info",
    "a color such as `#ff8800`, or a theme color: `primary`, `secondary`, `accent`, `success`, `warning`, `error`, "
    "`info`",
)

KEYS = (
    Key(
        Field("mode", one_of("subagent", "primary", "all"), "Who starts the agent: other agents, people, or both."),
        fields.NOTHING,
    ),
    Key(
        Field("model", matching(r"[^/\s]+/\S+", "a model as `provider/id`"), "The model, as `provider/id`."),
        "grants nothing: the client knows only providers that the user has set up",
    ),
    fields.TEMPERATURE,
    Key(Field("top_p", NUMBER, "The nucleus sampling threshold of the model."), fields.NOTHING),
    Key(Field("steps", POSITIVE, "The number of steps after which the agent stops."), fields.NOTHING),
    Key(Field("hidden", BOOLEAN, "Whether to hide the agent in lists."), fields.NOTHING),
    Key(Field("disable", BOOLEAN, "Whether the agent is turned off."), fields.NOTHING),
    Key(Field("color", _COLOR, fields.COLOR_DOC), fields.NOTHING),
)
"""The keys of an agent file, except for `permission`."""

REFUSED = {
    "disabled": "is a key of the format V2, in which the client ignores `permission`",
    "maxSteps": "is an older name of `steps`",
    "options": "goes to the model's provider as it is",
    "permissions": "is a key of the format V2: the client ignores it here, and the agent keeps all permissions",
    "prompt": "replaces the body",
    "request": "goes to the model's provider as it is",
    "system": "replaces the body",
    "tools": "is an older form of `permission`",
    "variant": "is not supported yet",
}
"""The keys that are never written."""

TOOLS = names_by_tool(
    "Read: read, Edit Write NotebookEdit: edit, Glob: glob, Grep: grep, Bash: bash, Agent: task, LSP: lsp, "
    "Skill: skill, TodoWrite: todowrite, WebFetch: webfetch, WebSearch: websearch"
)
FORMER_TOOLS = names_by_tool("apply_patch multiedit patch write: edit")
SCOPED = ("Bash", "Agent", "Skill")
SCOPE_PATTERN = r"(?!.*\*:\*\Z)[^\\?]*"
OWN_TOOLS = words("doom_loop external_directory list plan_enter plan_exit question")

READ = {"*": "allow", "*.env": "ask", "*.env.*": "ask", "*.env.example": "allow"}
"""The default permission to read. A plain `allow` would undo it."""

USUAL_PERMISSIONS: Mapping[str, Value] = {
    "*": "allow",
    "doom_loop": "ask",
    "external_directory": "ask",
    "question": "deny",
    "plan_enter": "deny",
    "plan_exit": "deny",
    "read": READ,
}
"""What the client allows to an agent whose file has no permissions."""

LOADER = Loader(
    has_optional_front_matter=True,
    named_by_file=True,
    folders_in_name=True,
    legacy_keys={"maxSteps": "steps"},
    assumed_values={"mode": "all"},
)

UNSUPPORTED = (
    "Scopes with `?` or a backslash: the client reads `?` as any character, and a backslash as `/`.",
    "`SERVER_*` also matches the tools of a server whose name starts with `SERVER_`.",
)


def built_in(target: str, names: str) -> BuiltIn:
    """Return the row for agents of the client that have to stay primary agents."""
    return BuiltIn(
        words(names),
        "which this one replaces with a subagent, so the client no longer works as usual",
        is_harmful=True,
        unless=("mode", ("primary", "all")),
        remedy=f'to replace it, set `mode = "primary"` in `[target.{target}]`',
    )


def permission(target: str, label: str, usual: Mapping[str, Value], examples: str) -> Key:
    """Return the key `permission` of a client.

    `usual` is what the client allows to an agent whose file has no permissions, and `examples` names what it does not.
    """

    def exceeds(own: Value, of_tools: Value | None) -> bool:
        from kei_assembler.targets.opencode_permission import excess  # most manifests set no permissions

        return excess(own, usual, {} if of_tools is None else of_tools) is not None

    grants = f"do without asking what its `tools` or {label}'s defaults do not allow"
    return Key(
        Field(
            "permission",
            _PERMISSION,
            "What the agent can do, instead of the manifest's `tools`. The last matching pattern wins.",
            kind="permissions",
        ),
        "`ask` and `deny` grant nothing; `allow` needs an allowance where it goes beyond the manifest's `tools` or,"
        " without `tools`, beyond the client's defaults, by the client's own matching: for example, by default the "
        f"client asks before it {examples}",
        (Right(target, "permission", "allow", grants, exceeds=exceeds),),
    )


def server_pattern(groups: str) -> str:
    """Return the pattern for names of the tools of MCP servers.

    `groups` are the starts of the names of the client's own permissions, which a server's pattern could match too.
    """
    return rf"(?!(?i:{groups})_)[\w.-](?:[^\W_]|[.-])*_(?:\*|[\w.-]+(?:(?<=_)\*)?)"
