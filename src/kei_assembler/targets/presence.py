"""The files and folders of a project that show which clients people use there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache

from kei_assembler.paths import is_hidden
from kei_assembler.targets import TARGETS
from kei_assembler.targets.instructions import SHARED_FILE, SHARED_SKILLS
from kei_assembler.targets.target import Target

_OF_MANY = frozenset((SHARED_FILE, SHARED_SKILLS.partition("/")[0]))
"""What many clients read. It shows none of them, and neither does anything in it."""

_OF_OTHERS = frozenset((".github", ".vscode", ".config"))
"""Folders that other programs use, too. What a client alone has in them shows that client."""


@cache
def signs() -> Mapping[str, str]:
    """Return the paths, relative to a project, of what only one client has, with the names of the targets.

    These are its hidden folder, such as `.claude`, with everything in it, its own folders elsewhere, and its files for
    instructions and settings. What several clients have is left out. A folder is a sign if there is a file in it.
    """
    claims = [(path, row.name) for row in TARGETS.values() for path in dict.fromkeys(_claims(row))]
    claimants = Counter(path for path, _ in claims)
    return {path: name for path, name in claims if claimants[path] == 1}


def _claims(row: Target) -> Iterator[str]:
    for path in (*_folders(row), *_files(row)):
        top = path.partition("/")[0]
        if top not in _OF_MANY and "{" not in path:
            is_whole = is_hidden(top) and top != path and top not in _OF_OTHERS
            yield top if is_whole else path


def _folders(row: Target) -> Iterator[str]:
    """Yield the folders with what is for this client: its agents, its scoped rules and its skills."""
    yield from row.own_folders
    if row.instructions.rules:
        yield row.instructions.rules.output.partition("/{name}")[0]
    # the others are those of other clients
    around = {folder.rpartition("/")[0] for folder in row.own_folders}
    yield from (folder for folder in row.skill_folders if folder.rpartition("/")[0] in around)


def _files(row: Target) -> Iterator[str]:
    """Yield the client's own files for instructions and settings."""
    yield from row.instructions.own_files
    if other := row.instructions.other:
        yield from filter(None, (other.name, other.settings_file))
    if row.agent_settings:
        yield from (file for file in row.agent_settings.files if file not in row.agent_settings.foreign_files)
