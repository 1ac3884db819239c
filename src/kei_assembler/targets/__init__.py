"""The clients that agent files are generated for. Each has a module with one row, which holds everything about it.

Each row says which version of the client it describes, and how that is known.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from kei_assembler.suggestions import nearest
from kei_assembler.targets.auggie import AUGGIE
from kei_assembler.targets.claude_code import ALIASES, CLAUDE_CODE, CLAUDE_TOOLS, FORMER_TOOLS
from kei_assembler.targets.cline import CLINE
from kei_assembler.targets.codex import CODEX
from kei_assembler.targets.copilot import COPILOT
from kei_assembler.targets.cursor import CURSOR
from kei_assembler.targets.devin import DEVIN
from kei_assembler.targets.droid import DROID
from kei_assembler.targets.gemini import GEMINI
from kei_assembler.targets.goose import GOOSE
from kei_assembler.targets.grok import GROK
from kei_assembler.targets.junie import JUNIE
from kei_assembler.targets.kilo import KILO
from kei_assembler.targets.kimi import KIMI
from kei_assembler.targets.kiro import KIRO
from kei_assembler.targets.opencode import OPENCODE
from kei_assembler.targets.pi import PI
from kei_assembler.targets.qwen import QWEN
from kei_assembler.targets.vibe import VIBE

__all__ = [
    "ALIASES",
    "CLAUDE_TOOLS",
    "CODEX",
    "COPILOT",
    "DEFAULT_TARGET",
    "FORMER_TOOLS",
    "TARGETS",
    "did_you_mean_target",
    "named_by_others",
    "nearest_target",
]

_ROWS = (
    *(CLAUDE_CODE, COPILOT, CURSOR, OPENCODE, GEMINI, CODEX, QWEN),
    *(KILO, DROID, AUGGIE, KIMI, GROK, CLINE, PI, VIBE),
    *(KIRO, GOOSE, JUNIE, DEVIN),  # known from documentation only
)
TARGETS = {row.name: row for row in _ROWS}
"""All rows by their names."""


def named_by_others(word: str) -> str | None:
    """Return the target or group that people also call by this word, or None. Capitals and separators do not matter."""
    if word == "*":
        return "@all"
    plain = re.sub("[ _-]", "", word.casefold())
    return next((row.name for row in TARGETS.values() if plain in row.other_names), None)


def nearest_target(word: str, known: Collection[str]) -> str | None:
    """Return the known word that an unknown one stands for, which may be the name of a target, or None."""
    target = named_by_others(word)
    return target if target in known else nearest(word, known)


def did_you_mean_target(word: str, known: Collection[str], otherwise: str = "") -> str:
    """Return the help for an unknown word that may mean a target or group, as `did_you_mean` does for any word."""
    match = nearest_target(word, known)
    return f"did you mean `{match}`?" if match else otherwise


DEFAULT_TARGET = CLAUDE_CODE.name
"""The target of a kit whose settings name none, and of agent files whose path does not reveal one."""
