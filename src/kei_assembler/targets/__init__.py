"""The AI tools that agent files are written for: one file per target, with a row of everything about it.

The facts were read in the clients that are shipped, or tried in them, in November 2026.
"""

from __future__ import annotations

from kei_assembler.targets.claude_code import ALIASES, CLAUDE_CODE, CLAUDE_TOOLS
from kei_assembler.targets.codex import CODEX
from kei_assembler.targets.copilot import COPILOT
from kei_assembler.targets.cursor import CURSOR
from kei_assembler.targets.gemini import GEMINI
from kei_assembler.targets.opencode import OPENCODE
from kei_assembler.targets.qwen import QWEN

__all__ = ["ALIASES", "CLAUDE_TOOLS", "CODEX", "COPILOT", "DEFAULT_TARGET", "TARGETS"]

TARGETS = {row.name: row for row in (CLAUDE_CODE, COPILOT, CURSOR, OPENCODE, GEMINI, CODEX, QWEN)}
"""Every row by its name."""

DEFAULT_TARGET = CLAUDE_CODE.name
"""The target of a kit whose settings name none, and of agent files whose path does not tell."""
