"""The row of Goose."""

from __future__ import annotations

from kei_assembler.targets import fields
from kei_assembler.targets.facts import Verified
from kei_assembler.targets.prose import IN_WORDS, NOT_ENFORCED
from kei_assembler.targets.target import Loader, Target
from kei_assembler.targets.tools import words

GOOSE = Target(
    name="goose",
    label="Goose",
    verified=(Verified("Goose", "", "2026-11-28", ("docs",)),),
    output=".goose/agents/{name}.md",
    keys=words("name description model"),
    table=(fields.MODEL,),
    tools=IN_WORDS,
    loader=Loader(ends_at_any_dashes=True, finds_late_front_matter=True),
    user_folders=(".config/goose/agents",),
    foreign=(fields.CLAUDE_FOLDER,),
    settings=(fields.USE_FILES_OF,),
    other_folders=(".agents/agents",),
    other_names=words("codenamegoose"),
    skill_folders=(".agents/skills", ".claude/skills"),
    limits=fields.NON_EMPTY_TEXTS,
    unsupported=(NOT_ENFORCED, "Any other key. The client reads only the name, the description and the model."),
)
