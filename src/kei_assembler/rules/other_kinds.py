"""The rules for manifests of other kinds than agents. Most kits have only agents, and do not need this module."""

from __future__ import annotations

from collections.abc import Mapping

from kei_assembler.model.kinds import INSTRUCTIONS, SKILL
from kei_assembler.rules import (
    bases,
    blocks,
    keys,
    names,
    readers,
    role_files,
    sections,
    set_values,
    skills,
    text,
    tools,
    value_places,
)
from kei_assembler.rules.definition import Rule
from kei_assembler.rules.readers import check_outputs as check_outputs

_OF_OTHERS = (
    *keys.OF_MANIFEST,
    *bases.OF_MANIFEST,
    *role_files.OF_MANIFEST,
    names.name_differs_from_file,
    names.duplicate_name,
    blocks.unknown_block,
    blocks.repeated_block,
    blocks.obligatory_blocks,
    blocks.invalid_block_name,
    *sections.OF_MANIFEST,
    *set_values.OF_MANIFEST,
    *value_places.OF_MANIFEST,
    text.placeholder_in_manifest,
    text.unclosed_in_role,
)

_OF_TOOLS = (tools.unknown_tool, tools.several_tools, tools.misspelled_denial)

RULES: Mapping[str, tuple[Rule, ...]] = {
    INSTRUCTIONS.name: (*_OF_OTHERS, *readers.OF_MANIFEST),
    SKILL.name: (*_OF_OTHERS, *_OF_TOOLS, *skills.OF_MANIFEST),
}
"""The rules for a manifest, by its kind."""

ALSO_SKILL: tuple[Rule, ...] = (skills.unusable_skill_name, skills.long_skill_description)
"""More rules for an agent that is also a skill."""
