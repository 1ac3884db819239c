"""The clients that agent files are generated for. Each has a module with one row, which holds everything about it.

Each row says which version of the client it describes, and how that is known.
"""

from __future__ import annotations

from kei_assembler.targets.claude_code import ALIASES, CLAUDE_CODE, CLAUDE_TOOLS, FORMER_TOOLS
from kei_assembler.targets.codex import CODEX
from kei_assembler.targets.copilot import COPILOT
from kei_assembler.targets.cursor import CURSOR
from kei_assembler.targets.gemini import GEMINI
from kei_assembler.targets.opencode import OPENCODE
from kei_assembler.targets.qwen import QWEN

__all__ = ["ALIASES", "CLAUDE_TOOLS", "CODEX", "COPILOT", "DEFAULT_TARGET", "FORMER_TOOLS", "TARGETS"]

TARGETS = {row.name: row for row in (CLAUDE_CODE, COPILOT, CURSOR, OPENCODE, GEMINI, CODEX, QWEN)}
"""All rows by their names."""

DEFAULT_TARGET = CLAUDE_CODE.name
"""The target of a kit whose settings name none, and of agent files whose path does not reveal one."""
