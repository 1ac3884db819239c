"""Find the kit that a path belongs to, and read its settings."""

from __future__ import annotations

import os
from collections.abc import Mapping

from kei_assembler.diagnostics import AssembleError, KeyPath
from kei_assembler.files import DISK, Files
from kei_assembler.files.sparse_checkout import files_at
from kei_assembler.files.tree import Tree
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import PROJECT_FILE, SETTINGS_FILE, LoadedKit
from kei_assembler.model.kinds import AGENT, KINDS
from kei_assembler.model.settings import decode_settings, value_at
from kei_assembler.paths import is_in_git_folder, is_inside, upwards
from kei_assembler.toml.source import MAX_BYTES, Source, read_toml

PROJECT_TABLE: KeyPath = ("tool", "assemble")
DEFAULT_BLOCKS = "_blocks"
DEFAULT_MANIFESTS = frozenset(kind.folder for kind in KINDS.values())
"""The folders of manifests in a kit whose settings name none."""


def find(start: str, files: Files | None = None) -> str | None:
    """Return the resolved path of the nearest kit from the folder `start` upwards, within its git work tree.

    A kit has an `assemble.toml`, a `pyproject.toml` with `[tool.assemble]`, or a `_blocks` folder. If no folder has any
    of them, the nearest one with an `agents` folder counts, or with a manifest in the default folder of another kind.

    Raises:
        AssembleError: settings in one of these folders cannot be read, or the kit is in git's own folder, or behind a
            link that leads out of the work tree.
    """
    files = files or files_at(start)
    folders = list(upwards(start, git_top(start, files)))
    marked = (folder for folder in folders if is_marked(folder, files))
    bare = (folder for folder in folders if _has_manifests(folder, files))
    found = next(marked, None) or next(bare, None)
    return found and resolved(found, files)


def _has_manifests(folder: str, files: Files) -> bool:
    """Whether a folder has an `agents` folder, or a folder of manifests of another kind with a file for one."""
    if files.is_folder(os.path.join(folder, AGENT.folder)):
        return True
    others = (os.path.join(folder, name) for name in sorted(DEFAULT_MANIFESTS - {AGENT.folder}))
    entries = (entry for path in others if files.is_folder(path) for entry in files.list(path))
    return any(entry.name.endswith(".toml") for entry in entries)


def resolved(folder: str, files: Files = DISK) -> str:
    """Return the resolved path of a kit's absolute folder. Relative paths from a linked folder would lead elsewhere.

    Raises:
        AssembleError: a link in a git work tree leads out of it, or the folder is in git's own.
    """
    real = files.resolve(folder)
    if is_in_git_folder(real):
        raise AssembleError(f"`{folder}` is in git's own folder")
    if found := outward_link(folder, files):
        link, top = found
        message = f"`{link}` is a link that leads outside the git work tree {top}"
        raise AssembleError(message, "run the command in the folder that it leads to")
    return real


def outward_link(folder: str, files: Files = DISK, root: str = "") -> tuple[str, str] | None:
    """Return a link on the way to an absolute folder that leads it out of a git work tree, and the top of that.

    Also look for links that lead out of `root`, a resolved path.
    """
    real = files.resolve(folder)
    for link in upwards(folder) if real != folder else ():
        above, name = os.path.split(link)
        around = files.resolve(above)
        if files.resolve(link) == os.path.join(around, name):
            continue
        tops = (git_top(above, files), root if root and is_inside(around, root) else None)
        if top := next((top for top in tops if top and not is_inside(real, files.resolve(top))), None):
            return link, top
    return None


def is_marked(folder: str, files: Files) -> bool:
    """Return whether a folder has settings or a `_blocks` folder.

    Raises:
        AssembleError: the settings cannot be read.
    """
    if files.exists(os.path.join(folder, SETTINGS_FILE)) or files.is_folder(os.path.join(folder, DEFAULT_BLOCKS)):
        return True
    return project_settings(folder, files) is not None


def is_kit(folder: str, files: Files | None = None) -> bool:
    """Return whether a folder has settings, a `_blocks` folder or a manifest.

    A folder such as `agents` without a manifest does not count: other tools use these names, too.

    Raises:
        AssembleError: the settings cannot be read.
    """
    files = files or files_at(folder)
    return is_marked(folder, files) or bool(LoadedKit(folder, decode_settings({}), None, files=files).manifests)


def read_kit(folder: str, files: Files = DISK) -> LoadedKit:
    """Return the kit in a folder, given by its absolute path. Invalid settings are replaced by their defaults.

    Raises:
        AssembleError: the settings file cannot be read.
    """
    own = _settings_source(folder, files, SETTINGS_FILE)
    source, at = (own, ()) if own else (project_settings(folder, files), PROJECT_TABLE)
    if source is None:
        if _leads_outside(folder, files, PROJECT_FILE):
            raise _outside(PROJECT_FILE)
        return LoadedKit(folder, decode_settings({}), None, files=files)
    table = value_at(source.data, at)
    return LoadedKit(folder, decode_settings(table if isinstance(table, Mapping) else {}), source, at, files)


def project_settings(folder: str, files: Files) -> Source | None:
    """Return the folder's `pyproject.toml` if it has settings, or if it mentions them but cannot be parsed.

    A link that leads outside the folder is ignored.

    Raises:
        AssembleError: the file cannot be read.
    """
    if _leads_outside(folder, files, PROJECT_FILE):
        return None
    source = _settings_source(folder, files, PROJECT_FILE, b"assemble")
    return source if source and (source.error or value_at(source.data, PROJECT_TABLE) is not None) else None


def _settings_source(folder: str, files: Files, file: str, needle: bytes = b"") -> Source | None:
    """Return the parsed file if it exists and contains the needle.

    Until the settings are read, the root is not known, so they must lie in the kit's folder.
    """
    path = os.path.join(folder, file)
    if not files.exists(path):
        return None
    if _leads_outside(folder, files, file):
        raise _outside(file)
    try:
        raw = Tree(folder, files).read(path, MAX_BYTES)
    except OSError as error:
        raise AssembleError(f"{file} cannot be read: {error.strerror}") from error
    return read_toml(file, raw) if needle in raw else None


def _leads_outside(folder: str, files: Files, file: str) -> bool:
    path = os.path.join(folder, file)
    return files.is_link(path) and not Tree(folder, files).holds(path)


def _outside(file: str) -> AssembleError:
    return AssembleError(f"{file} is a link that leads outside the kit's folder", "replace it with a file")
