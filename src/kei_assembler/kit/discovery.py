"""Finding the kit that a path belongs to, and reading its settings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from kei_assembler.diagnostics import AssembleError, KeyPath
from kei_assembler.kit import PROJECT_FILE, SETTINGS_FILE, Kit, read_regular
from kei_assembler.kit.settings import decode_settings, table_at
from kei_assembler.memo import note, note_place, note_source
from kei_assembler.source import Source, read_toml

PROJECT_TABLE: KeyPath = ("tool", "assemble")
_DEFAULT_BLOCKS, _DEFAULT_MANIFESTS = "_blocks", "agents"


def find(start: str) -> str | None:
    """Return the nearest folder from `start` upwards that is a kit, no further than the git work tree.

    A kit has an `assemble.toml`, a `pyproject.toml` with `[tool.assemble]`, or a `_blocks` folder. Where there is
    none of these, a folder with an `agents` folder will do. Links on the way to it are resolved.
    """
    folders = list(upwards(start, git_top(start)))
    marked = (folder for folder in folders if _is_marked(folder))
    bare = (folder for folder in folders if is_folder(os.path.join(folder, _DEFAULT_MANIFESTS)))
    found = next(marked, None) or next(bare, None)
    return found and resolved(found)


def resolved(folder: str) -> str:
    """Return where a folder really is: ways out of it, as to its outputs, are others through a link."""
    note_place(folder)
    return os.path.realpath(folder)


def upwards(start: str, last: str | None) -> Iterator[str]:
    """Yield a folder and those above it, up to `last` or the top of the file system."""
    folder = start
    while True:
        yield folder
        above = os.path.dirname(folder)
        if folder in (last, above):
            return
        folder = above


def _is_marked(folder: str) -> bool:
    if _exists(os.path.join(folder, SETTINGS_FILE)) or is_folder(os.path.join(folder, _DEFAULT_BLOCKS)):
        return True
    return project_settings(folder) is not None


def is_kit(folder: str) -> bool:
    """Tell whether a folder is a kit by more than the name of a folder in it: by a mark, or by a manifest."""
    return _is_marked(folder) or bool(read_kit(folder).manifests)


def _exists(path: str) -> bool:
    note_source(path)
    return os.path.lexists(path)


def is_folder(path: str) -> bool:
    """Tell whether there is a folder at a path."""
    note(path)
    if os.path.isdir(path):
        return True
    note_source(path)
    return False


def git_top(folder: str) -> str | None:
    """Return the top of the git work tree that the folder lies in, or None."""
    return next((path for path in upwards(folder, None) if _exists(os.path.join(path, ".git"))), None)


def read_kit(folder: str) -> Kit:
    """Return the kit in a folder (an absolute path), with what can be read of its settings, be they right or wrong.

    Raises AssembleError when the disk does not let it read the settings.
    """
    own = _settings_source(folder, SETTINGS_FILE)
    source, at = (own, ()) if own else (project_settings(folder), PROJECT_TABLE)
    if source is None:
        return Kit(folder, decode_settings({}), None)
    table = table_at(source.data, at)
    return Kit(folder, decode_settings(table if isinstance(table, Mapping) else {}), source, at)


def project_settings(folder: str) -> Source | None:
    """Return the folder's `pyproject.toml` if it has settings, or may have some but cannot be parsed.

    Raises AssembleError when the disk does not let it read the file.
    """
    source = _settings_source(folder, PROJECT_FILE, b"assemble")
    return source if source and (source.error or table_at(source.data, PROJECT_TABLE) is not None) else None


def _settings_source(folder: str, file: str, needle: bytes = b"") -> Source | None:
    """Return the parsed file if it exists and holds the needle; a file without it is none of our business."""
    path = os.path.join(folder, file)
    if not _exists(path):
        return None
    try:
        raw = read_regular(path)
    except OSError as error:
        raise AssembleError(f"{file} cannot be read: {error.strerror}") from error
    return read_toml(file, raw) if needle in raw else None
