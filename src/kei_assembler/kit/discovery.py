"""Finding the kit that a path belongs to, and loading its settings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kei_assembler.diagnostics import AssembleError, Diagnostic, Finding, KeyPath, did_you_mean, rule
from kei_assembler.files import DISK, Files
from kei_assembler.kit import PROJECT_FILE, SETTINGS_FILE, Kit
from kei_assembler.kit.settings import check_settings, decode_settings
from kei_assembler.paths import is_inside, normal, upwards
from kei_assembler.rules.hiding import hidden_text
from kei_assembler.source import BYTES_MOST, Source, read_toml

_PROJECT_TABLE: KeyPath = ("tool", "assemble")
_DEFAULT_BLOCKS, _DEFAULT_MANIFESTS = "_blocks", "agents"


def find(start: str, files: Files = DISK) -> str | None:
    """Return the nearest folder from `start` upwards that is a kit, no further than the git work tree.

    A kit has an `assemble.toml`, a `pyproject.toml` with `[tool.assemble]`, or a `_blocks` folder. Where there is
    none of these, a folder with an `agents` folder will do. Links on the way to it are resolved.

    Raises AssembleError if settings on the way cannot be read.
    """
    folders = list(_upwards(start, git_top(start, files)))
    marked = (folder for folder in folders if _is_marked(folder, files))
    bare = (folder for folder in folders if files.is_folder(os.path.join(folder, _DEFAULT_MANIFESTS)))
    found = next(marked, None) or next(bare, None)
    return found and files.resolve(found)  # ways out of it, as to its outputs, are others through a link


def _upwards(start: str, last: str | None) -> Iterator[str]:
    for folder in upwards(start):
        yield folder
        if folder == last:
            return


def _is_marked(folder: str, files: Files) -> bool:
    if files.exists(os.path.join(folder, SETTINGS_FILE)) or files.is_folder(os.path.join(folder, _DEFAULT_BLOCKS)):
        return True
    return _project_settings(folder, files) is not None


def is_kit(folder: str, files: Files = DISK) -> bool:
    """Tell whether a folder is a kit by more than the name of a folder in it: by a mark, or by a manifest.

    Raises AssembleError if its settings are wrong.
    """
    return _is_marked(folder, files) or bool(load(folder, files=files).manifests)


def git_top(folder: str, files: Files = DISK) -> str | None:
    """Return the top of the git work tree that the folder lies in, or None."""
    return next((path for path in upwards(folder) if files.exists(os.path.join(path, ".git"))), None)


def load(folder: str, chosen: Iterable[str] = (), files: Files = DISK) -> Kit:
    """Return the kit of a folder (an absolute path), for a run that keeps to the chosen targets, if any.

    Raises AssembleError, with diagnostics, when the settings are wrong.
    """
    kit = _load(folder, files)
    kit.chosen = tuple(dict.fromkeys(chosen))
    return kit


def _load(folder: str, files: Files) -> Kit:
    source, at = _settings_of(folder, files)
    if source is None:
        return Kit(folder, decode_settings({}), None, files=files)
    data = _table_at(source.data, at)
    refuse(check_settings(source, at, data))
    kit = Kit(folder, decode_settings(data), source, at, files)
    refuse(source.run(hidden_text, source, kit.allowed_characters))
    refuse(source.run(folder_out_of_place, kit) or source.run(obligatory_block_unknown, kit))
    return kit


def _settings_of(folder: str, files: Files) -> tuple[Source | None, KeyPath]:
    own = _settings_source(folder, files, SETTINGS_FILE)
    project = _project_settings(folder, files)
    if own and project:
        refuse(project.run(two_settings, _PROJECT_TABLE))
    return (own, ()) if own else (project, _PROJECT_TABLE)


@rule("C706")
def two_settings(at: KeyPath) -> Iterable[Finding]:
    """There are settings in `assemble.toml` and in `pyproject.toml`.

    Neither is merged into the other: whoever reads one of the two must be able to rely on it.

    Fails::

        # assemble.toml
        obligatory = []

        # pyproject.toml
        [tool.assemble]
        obligatory = ["baseline"]

    Passes::

        # assemble.toml
        obligatory = []
    """
    yield Finding(at, f"`{SETTINGS_FILE}` beside this holds settings too", "keep the settings in one of the two files")


def _project_settings(folder: str, files: Files) -> Source | None:
    source = _settings_source(folder, files, PROJECT_FILE, b"assemble")
    return source if source and _table_at(source.data, _PROJECT_TABLE) is not None else None


def _settings_source(folder: str, files: Files, file: str, needle: bytes = b"") -> Source | None:
    """Return the parsed file if it exists and holds the needle; a file without it is none of our business."""
    path = os.path.join(folder, file)
    if not files.exists(path):
        return None
    try:
        raw = files.read(path, BYTES_MOST)
    except OSError as error:
        raise AssembleError(f"{file} cannot be read: {error.strerror}") from error
    if needle not in raw:
        return None
    source, problems = read_toml(file, raw)
    refuse(problems)
    return source


def _table_at(data: Mapping[str, Any], at: KeyPath) -> Any:
    table: Any = data
    for key in at:
        table = table.get(key) if isinstance(table, Mapping) else None
    return table


def refuse(problems: Iterable[Diagnostic]) -> None:
    """Raise AssembleError when there are problems with the settings."""
    if diagnostics := tuple(problems):
        raise AssembleError("the settings have errors; nothing was done", diagnostics=diagnostics)


@rule("C705")
def folder_out_of_place(kit: Kit) -> Iterable[Finding]:
    """A folder that the settings name does not exist, or lies outside the kit's root.

    `root` itself must hold the kit, and lie in the git work tree if there is one. A kit that shares its blocks
    with others sets `root` to the folder that holds them all.

    Fails::

        # assemble.toml
        blocks = ["rules"]

    Passes::

        # assemble.toml
        blocks = ["rules"]

        # rules/baseline.md.txt
        A folder that exists.
    """
    top = git_top(kit.folder, kit.files)
    if not is_inside(kit.files.resolve(kit.folder), kit.root):
        yield Finding((*kit.settings_at, "root"), "`root` must be the kit's folder or one that holds it")
    elif top and not is_inside(kit.root, kit.files.resolve(top)):
        yield Finding((*kit.settings_at, "root"), "`root` lies outside the git work tree")
    else:
        yield from _misplaced_folders(kit)


def _misplaced_folders(kit: Kit) -> Iterator[Finding]:
    for path, folder in _named_folders(kit):
        if not kit.holds(kit.path(folder)):
            yield Finding(path, f"the folder `{folder}` lies outside the kit's root", _root_for(kit, folder))
        elif path[-1] != "templates" and not kit.files.is_folder(kit.path(folder)):
            yield Finding(path, f"there is no folder `{folder}`", "folders are relative to the kit")


def _root_for(kit: Kit, folder: str) -> str:
    """The hint that names the nearest root, as `root` may be, that would hold a folder besides the kit."""
    start, wanted = kit.files.resolve(kit.folder), kit.files.resolve(kit.path(folder))
    top = kit.files.resolve(git_top(start, kit.files) or os.sep)
    roots = (above for above in _upwards(start, top) if is_inside(wanted, above))
    root = next(roots, None)
    if root is None:
        return "it lies outside the git work tree too: move it there"
    return f'set `root` to a folder that holds it, such as `root = "{normal(os.path.relpath(root, start))}"`'


def _named_folders(kit: Kit) -> Iterator[tuple[KeyPath, str]]:
    """Only what is written in the settings: a default folder that does not exist is just empty."""
    assert kit.settings_source
    table = _table_at(kit.settings_source.data, kit.settings_at) or {}
    for key in ("manifests", "templates"):
        if key in table:
            yield (*kit.settings_at, key), table[key]
    for index, folder in enumerate(table.get("blocks", ())):
        yield (*kit.settings_at, "blocks", index), folder


@rule("C708")
def obligatory_block_unknown(kit: Kit) -> Iterable[Finding]:
    """The setting `obligatory` names a block that is in none of the block folders.

    No manifest could follow it, and so none would be held to it.

    Fails::

        # assemble.toml
        obligatory = ["baseline"]

    Passes::

        # assemble.toml
        obligatory = ["baseline"]

        # _blocks/baseline.md
        Be honest.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]
    """
    for index, name in enumerate(kit.settings.obligatory):
        if kit.block(name) is None:
            where = (*kit.settings_at, "obligatory", index)
            yield Finding(where, f"unknown block `{name}`", did_you_mean(name, kit.block_names))


RULES = (folder_out_of_place, two_settings, obligatory_block_unknown)
