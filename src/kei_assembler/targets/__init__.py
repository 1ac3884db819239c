"""The clients that agent files are generated for. Each has a module with one row, which holds everything about it.

Each row says which version of the client it describes, and how that is known.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from kei_assembler.suggestions import did_you_mean
from kei_assembler.targets.claude_code import ALIASES, CLAUDE_CODE, CLAUDE_TOOLS, FORMER_TOOLS
from kei_assembler.targets.cline import CLINE
from kei_assembler.targets.codex import CODEX
from kei_assembler.targets.copilot import COPILOT
from kei_assembler.targets.cursor import CURSOR
from kei_assembler.targets.gemini import GEMINI
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
]

TARGETS = {row.name: row for row in (CLAUDE_CODE, COPILOT, CURSOR, OPENCODE, GEMINI, CODEX, QWEN, CLINE, PI, VIBE)}
"""All rows by their names."""


def named_by_others(word: str) -> str | None:
    """Return the target that people also call by this word, or None. Capitals and separators do not matter."""
    plain = re.sub("[ _-]", "", word.casefold())
    return next((row.name for row in TARGETS.values() if plain in row.other_names), None)


def did_you_mean_target(word: str, known: Collection[str], otherwise: str = "") -> str:
    """Return the help for an unknown word that may stand for a target, as `did_you_mean` does for any word."""
    target = named_by_others(word)
    return f"did you mean `{target}`?" if target in known else did_you_mean(word, known, otherwise)


DEFAULT_TARGET = CLAUDE_CODE.name
"""The target of a kit whose settings name none, and of agent files whose path does not reveal one."""
