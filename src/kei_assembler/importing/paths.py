"""What the path of an agent file tells: of which AI tool it is, and how that names the agent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Target


def target_of(path: str) -> str | None:
    """Return the AI tool that a file is for, by its path with `/`; None where that does not tell."""
    return seen_by(path) or next((row.name for row, _, suffix in _homes() if _tells(row, suffix, path)), None)


def _tells(row: Target, suffix: str, path: str) -> bool:
    return suffix != row.form.suffix and path.endswith(suffix)


def seen_by(path: str) -> str | None:
    """Return the AI tool that looks for agents in the folder that a file lies in, if any does."""
    match = _in_home().fullmatch(path)
    return next((row.name for row, folder, _ in _homes() if match and match["folder"] == folder), None)


@cache
def _in_home() -> re.Pattern[str]:
    folders = "|".join(re.escape(folder) for _, folder, _ in _homes())
    return re.compile(rf"(?:.*/)?(?P<folder>{folders})/(?P<below>.+)")


def _homes() -> Iterator[tuple[Target, str, str]]:
    """Where each AI tool looks for agent files: the folder, and how their names end there."""
    for row in TARGETS.values():
        for home in row.homes or (row.output,):
            folder, _, suffix = home.partition("/{name}")
            yield row, folder, suffix


def is_among_agents(path: str) -> bool:
    """Tell whether a file lies in a folder that is named after agents, as in plugins."""
    return re.search(r"(?:\A|/)agents?/", path) is not None


def name_of(path: str, target: str) -> str:
    """Return the name that an AI tool gives to an agent of whose name its file says nothing."""
    match = _in_home().fullmatch(path) if TARGETS[target].loader.folders_in_name else None
    inner = match["below"] if match else path.rpartition("/")[2]
    suffixes = {each for row, _, suffix in _homes() for each in (suffix, row.form.suffix)}
    return inner.removesuffix(max(filter(inner.endswith, suffixes), key=len, default=""))
