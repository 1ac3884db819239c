"""The row of Codex CLI."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.facts import AgentSettings, Executable, Verified
from kei_assembler.targets.forms import toml
from kei_assembler.targets.instructions import Instructions
from kei_assembler.targets.prose import IN_WORDS, NOT_ENFORCED
from kei_assembler.targets.servers import OF_CODEX, servers
from kei_assembler.targets.target import DisplayName, Key, Right, Target
from kei_assembler.targets.tools import words
from kei_assembler.validation import LINE, Field, list_of, matching, one_of

_SANDBOX_MODE = one_of("read-only", "workspace-write", "danger-full-access")
_APPROVAL = one_of("untrusted", "on-failure", "on-request", "never")
_WEB_SEARCH = one_of("disabled", "cached", "indexed", "live")
_SEARCHES = "search the web"
_NICKNAME = matching("[A-Za-z0-9_-]+(?: +[A-Za-z0-9_-]+)*", "a nickname of ASCII letters, digits, spaces, `-` and `_`")
_NICKNAMES = list_of(_NICKNAME, "a list of nicknames", minimum=1)

CODEX = Target(
    name="codex",
    label="Codex CLI",
    verified=(Verified("Codex CLI", "0.171.0", "2026-11-29", ("run",), Executable(("codex",))),),
    output=".codex/agents/{name}.toml",
    keys=words(
        "name description model model_reasoning_effort model_verbosity sandbox_mode approval_policy web_search "
        "nickname_candidates mcp_servers"
    ),
    table=(
        fields.MODEL,
        Key(Field("model_reasoning_effort", LINE, "How much the model thinks before it answers."), fields.NOTHING),
        Key(Field("model_verbosity", one_of("low", "medium", "high"), "How long the answers are."), fields.NOTHING),
        Key(
            Field(
                "sandbox_mode",
                _SANDBOX_MODE,
                "What commands can change. The caller's mode applies when the agent runs.",
            ),
            "`read-only` takes permissions away",
            (
                Right("codex", "sandbox_mode", "danger-full-access", "run commands outside any sandbox"),
                Right("codex", "sandbox_mode", "workspace-write", fields.EDITS, ("Edit", "Write")),
            ),
        ),
        Key(
            Field("approval_policy", _APPROVAL, "When the client asks a person."),
            "`untrusted` asks about everything that is not known to only read",
            (
                Right("codex", "approval_policy", "never", "run commands without asking"),
                Right("codex", "approval_policy", "on-failure", "run commands in the sandbox without asking"),
                Right("codex", "approval_policy", "on-request", "decide when to ask a person"),
            ),
        ),
        Key(
            Field("web_search", _WEB_SEARCH, "Whether the agent can search the web."),
            "`disabled` takes a tool away",
            (
                Right("codex", "web_search", "live", _SEARCHES, ("WebSearch",)),
                Right("codex", "web_search", "indexed", _SEARCHES, ("WebSearch",)),
                Right("codex", "web_search", "cached", _SEARCHES, ("WebSearch",)),
            ),
        ),
        Key(Field("nickname_candidates", _NICKNAMES, "Names for running copies of this agent."), fields.NOTHING),
        fields.mcp_servers("codex", "mcp_servers", servers(OF_CODEX)),
    ),
    refused={
        "developer_instructions": "is the body of the file",
        "features": "turns on tools and permissions",
        "model_provider": "sends the work to another host",
        "model_providers": "sends the work, and keys, to any host",
        "notify": "runs a command",
        "sandbox_workspace_write": "opens the sandbox to other folders and the network",
        "shell_environment_policy": "passes environment variables on to commands",
        "skills": "loads instructions and scripts from other folders",
        "tools": "turns on tools; an agent cannot have a list of its own",
    },
    tools=IN_WORDS,
    instructions=Instructions(hidden_by=("AGENTS.override.md",), maximum=32 * 1024),
    skill_folders=(".agents/skills", ".codex/skills"),
    form=toml("developer_instructions"),
    agent_settings=AgentSettings((".codex/config.toml",), (("agents",),), "prefers these keys to", "config_file"),
    searches_subfolders=True,
    other_names=("openai",),
    display_name=DisplayName(),
    built_in=(fields.replaceable("default explorer worker"),),
    limits=fields.NON_EMPTY_TEXTS,
    unsupported=(NOT_ENFORCED,),
)
