"""Import: which agent files a command line means, of which AI tool each is, and how its path names the agent."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import cache

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK, Entry
from kei_assembler.files.walk import walk
from kei_assembler.paths import is_inside
from kei_assembler.targets import DEFAULT_TARGET, TARGETS
from kei_assembler.targets.target import Target

_PASSED_OVER = frozenset((".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__"))


def agent_files(sources: Sequence[str], target: str | None) -> list[tuple[str, str]]:
    """Return the agent files that are named, or lie in folders that are, each with its target.

    `target` is that of all of them; None leaves it to their paths.
    Raises AssembleError when a source is not there, a folder cannot be read, or there are no agent files.
    """
    files = [(path, target or target_by_path(path) or DEFAULT_TARGET) for path in _files(sources, target)]
    if not files:
        raise AssembleError("there are no agent files", "name the files, or the folder that holds them")
    return files


def target_by_path(path: str) -> str | None:
    """Return the target that a file is for by its whole path, however it is named; None where that does not tell."""
    return target_of(_full(path))


def _full(path: str) -> str:
    return os.path.abspath(path).replace(os.sep, "/")


def _files(sources: Sequence[str], target: str | None) -> list[str]:
    found: dict[str, str] = {}
    for source in sources:
        if not DISK.exists(source):
            raise AssembleError(f"there is no file or folder {source}")
        for path in _inside(source, target) if DISK.is_folder(source) else [source]:
            found.setdefault(DISK.resolve(path), path)
    return list(found.values())


def _inside(folder: str, target: str | None) -> list[str]:
    """The agent files of a folder: those in folders of AI tools, or else in folders of agents, or else all Markdown."""
    every = sorted(_walk(folder), key=lambda path: (path.count(os.sep), path))
    if target is not None:
        return [path for path in every if path.endswith(TARGETS[target].form.suffix)]
    known = {path: target_by_path(path) for path in every}
    told = [path for path, of in known.items() if of is not None and path.endswith(TARGETS[of].form.suffix)]
    pages = [path for path in every if path.endswith(".md")]
    return told or [path for path in pages if is_among_agents(path)] or pages


def _walk(folder: str) -> Iterator[str]:
    """The files in a folder and below; what several links lead to counts anew where an AI tool looks."""
    real = DISK.resolve(folder)

    def enters(path: str, entry: Entry) -> bool:
        is_upwards = entry.is_link and is_inside(real, DISK.resolve(os.path.join(folder, path)))
        return entry.name not in _PASSED_OVER and not is_upwards

    def is_seen(path: str) -> bool:
        return seen_by(f"{_full(os.path.join(folder, path))}/x") is not None

    for path, entry in walk(DISK, folder, enters, once_per=is_seen):
        if not entry.is_folder:
            yield os.path.join(folder, path)


def target_of(path: str) -> str | None:
    """Return the AI tool that a file is for, by its path with `/`; None where that does not tell."""
    own = ((row.name, suffix) for row, _, suffix in _homes() if suffix != row.form.suffix)
    return seen_by(path) or next((target for target, suffix in own if path.endswith(suffix)), None)


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
        for home in row.search_paths or (row.output,):
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
