"""The row of Kiro."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.facts import Verified
from kei_assembler.targets.target import DisplayName, Loader, Target
from kei_assembler.targets.tools import Tools, names_by_tool, words
from kei_assembler.validation import list_of, matching

_TAGS = words("read write shell web subagent context knowledge todo_list")
_TOOL = matching(rf"\*|{'|'.join(_TAGS)}|@[\w./-]+", "a tag of Kiro, such as `read`, or `@SERVER`")

KIRO = Target(
    name="kiro",
    label="Kiro",
    verified=(Verified("Kiro", "", "2026-11-28", ("docs",)),),
    output=".kiro/agents/{name}.md",
    keys=words("description model tools"),
    table=(
        fields.MODEL,
        fields.tools_or_all("kiro", list_of(_TOOL, "a list of tags", minimum=1)),
    ),
    refused={
        "includeMcpJson": "adds servers that are not in `tools`",
        "includePowers": "adds tools that are not in `tools`",
        "mcpServers": "gives the agent servers of its own",
        "permissions": "lets the agent act without asking, by rules that nobody verified",
        "resources": "is not known well enough",
        "welcomeMessage": "is not known well enough",
    },
    tools=Tools(
        "list",
        names=names_by_tool(
            "Read Grep Glob: read, Edit Write: write, Bash: shell, WebFetch WebSearch: web, Agent: subagent, "
            "TodoWrite: todo_list"
        ),
        mcp_tool="@{server}/{tool}",
        mcp_server="@{server}",
        # not the client's own groups
        mcp_pattern=r"@(?!builtin(?:/|\Z)|mcp(?:/|\Z))[\w.-]+(?:/[\w.-]+)?",
        # what an empty list means is not known
        empty_means_all=True,
        own_names=("context", "knowledge"),
    ),
    loader=Loader(named_by_file=True, folders_in_name=True),
    searches_subfolders=True,
    other_names=("kirocli",),
    skill_folders=(".kiro/skills",),
    display_name=DisplayName(pattern="(?!)", expects="that of the file"),
    limits=fields.NON_EMPTY_TEXTS,
    unsupported=(
        "The file name, with the folders in the client's own, is the agent's name.",
        "How the client reads an empty list of tools, or a tag that it does not know, is not documented.",
    ),
)
