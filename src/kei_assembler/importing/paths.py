"""What the path of an agent file tells: of which AI tool it is, and how that names the agent."""

from __future__ import annotations

import re

from kei_assembler.targets import TARGETS
from kei_assembler.targets.forms import TOML

FOLDERS = {
    ".claude": "claude-code",
    ".github": "copilot",
    ".cursor": "cursor",
    ".opencode": "opencode",
    ".gemini": "gemini",
    ".codex": "codex",
    ".qwen": "qwen",
}
"""The AI tools by the folders that hold their `agents`."""

_IN_FOLDER = re.compile(r"(?:.*/)?(?P<folder>\.[a-z]+)/(?:agents?|chatmodes)/(?P<below>.+)")
_OF_COPILOT = (".agent.md", ".chatmode.md")


def target_of(path: str) -> str | None:
    """Return the AI tool that a file is for, by its path with `/`; None where that does not tell."""
    return seen_by(path) or ("copilot" if path.endswith(_OF_COPILOT) else None)


def seen_by(path: str) -> str | None:
    """Return the AI tool that looks for agents in the folder that a file lies in, if any does."""
    match = _IN_FOLDER.fullmatch(path)
    return FOLDERS.get(match["folder"]) if match else None


def suffix_of(target: str) -> str:
    """Return how the names of a tool's agent files end."""
    return ".toml" if TARGETS[target].form is TOML else ".md"


def is_among_agents(path: str) -> bool:
    """Tell whether a file lies in a folder that is named after agents, as in plugins."""
    return re.search(r"(?:\A|/)agents?/", path) is not None


def name_of(path: str, target: str) -> str:
    """Return the name that an AI tool gives to an agent of whose name its file says nothing.

    OpenCode takes the inner folders into the name.
    """
    match = _IN_FOLDER.fullmatch(path) if target == "opencode" else None
    inner = match["below"] if match else path.rpartition("/")[2]
    return re.sub(r"(?:\.(?:agent|chatmode))?\.(?:md|toml)\Z", "", inner)
