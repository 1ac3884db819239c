"""The row of Junie."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.facts import Verified
from kei_assembler.targets.prose import IN_WORDS, NOT_KNOWN
from kei_assembler.targets.target import Loader, Target
from kei_assembler.targets.tools import words

_UNVERIFIED = fields.UNVERIFIED_TOOLS

JUNIE = Target(
    name="junie",
    label="Junie",
    verified=(Verified("Junie", "", "2026-11-28", ("docs",)),),
    output=".junie/agents/{name}.md",
    keys=words("name description model"),
    table=(fields.MODEL,),
    refused={
        "allowPromptArgument": "is not known well enough",
        "disallowedTools": "lists tools by names that nobody verified, so it would deny nothing",
        "maxTurns": "is not known well enough",
        "mcpServers": "gives the agent servers of its own",
        "reasoningLevel": "is not known well enough",
        "skills": "loads skills, which can allow tools",
        "tools": _UNVERIFIED,
    },
    tools=IN_WORDS,
    loader=Loader(named_by_file=True),
    other_folders=(".agents/agents",),
    other_names=words("jetbrains jetbrainsjunie"),
    skill_folders=(".junie/skills",),
    display_name=fields.LOWER_CASE_NAME,
    limits=fields.NON_EMPTY_TEXTS,
    unsupported=(NOT_KNOWN,),
)
