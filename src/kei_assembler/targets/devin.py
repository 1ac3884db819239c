"""The row of Devin CLI."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.facts import Verified
from kei_assembler.targets.prose import IN_WORDS, NOT_KNOWN
from kei_assembler.targets.target import BuiltIn, Loader, Target
from kei_assembler.targets.tools import words

DEVIN = Target(
    name="devin",
    label="Devin CLI",
    verified=(Verified("Devin CLI", "", "2026-11-28", ("docs",)),),
    output=".devin/agents/{name}/AGENT.md",
    keys=words("name description model"),
    table=(fields.MODEL,),
    refused={
        "allowed-tools": fields.UNVERIFIED_TOOLS,
        "max-nesting": "lets the agents that this one starts start others",
        "permissions": "lets the agent act without asking, by rules that nobody verified",
    },
    tools=IN_WORDS,
    search_paths=(".devin/agents/{name}/AGENT.md",),
    loader=Loader(named_by_file=True, folders_in_name=True, suffixes=("agent.md",)),
    searches_subfolders=True,
    other_names=words("devincli cognition"),
    user_folders=(".config/devin/agents",),
    display_name=fields.LOWER_CASE_NAME,
    built_in=(BuiltIn(words("subagent_explore subagent_general"), "which this one may replace"),),
    limits=fields.NON_EMPTY_TEXTS,
    unsupported=(NOT_KNOWN,),
)
