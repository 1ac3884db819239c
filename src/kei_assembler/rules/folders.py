"""Rules about the folders that a kit's settings name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from kei_assembler.diagnostics import KeyPath
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import LoadedKit
from kei_assembler.paths import is_in_git_folder, is_inside, normalize, upwards
from kei_assembler.rules.definition import Violation, rule


@rule("C705")
def folder_out_of_place(kit: LoadedKit) -> Iterable[Violation]:
    """A folder in the settings does not exist, or is outside the kit's root.

    `root` itself must contain the kit, and must be in the git work tree, if there is one. If kits share blocks, set
    `root` to a folder that contains all of them.

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
        yield Violation(kit.settings_path("root"), "`root` must be the kit's folder, or a folder that contains it")
    elif top and not is_inside(kit.root, kit.files.resolve(top)):
        yield Violation(kit.settings_path("root"), "`root` is outside the git work tree")
    else:
        yield from _misplaced_folders(kit)


@rule("C730")
def plain_without_git(kit: LoadedKit) -> Iterable[Violation]:
    """The setting `stamp` is `"plain"`, and the kit is not in a git work tree.

    A plain stamp has no digest. Whether somebody has edited a generated file is then up to what git knows: what
    `assemble` last wrote, which is recorded in git's own folder, and what the sources of the last commit generate.

    Fails::

        # assemble.toml
        stamp = "plain"

    Passes::

        # assemble.toml
        stamp = "digest"
    """
    if kit.settings.has_plain_stamps and git_top(kit.folder, kit.files) is None:
        hint = 'run `git init` in the folder of the project, or set `stamp = "digest"`'
        yield Violation(kit.settings_path("stamp"), "plain stamps need a git work tree, and the kit is in none", hint)


def _misplaced_folders(kit: LoadedKit) -> Iterator[Violation]:
    for path, folder in _named_folders(kit):
        if reason := kit.tree.refusal(kit.files.resolve(kit.path(folder))):
            yield Violation(path, f"the folder `{folder}` {reason}", _root_for(kit, folder))
        elif path[-1] != "templates" and not kit.files.is_folder(kit.path(folder)):
            yield Violation(path, f"the folder `{folder}` does not exist", _FOLDER_HELP["blocks" in path])


_FOLDER_HELP = {
    False: "folders are relative to the kit",
    True: "folders are relative to the kit; to name blocks that all manifests must list, use `obligatory`",
}


def _root_for(kit: LoadedKit, folder: str) -> str:
    """Return the hint for a folder outside the root: it suggests the nearest root that contains the folder."""
    start, wanted = kit.files.resolve(kit.folder), kit.files.resolve(kit.path(folder))
    if is_in_git_folder(wanted):
        return "choose another folder"
    top = kit.files.resolve(git_top(start, kit.files) or os.sep)
    root = next((above for above in upwards(start, top) if is_inside(wanted, above)), None)
    if root is None:
        return "move it into the git work tree: `root` must be in there"
    return f'set `root` to a folder that contains it, such as `root = "{normalize(os.path.relpath(root, start))}"`'


def _named_folders(kit: LoadedKit) -> Iterator[tuple[KeyPath, str]]:
    # only folders that the settings name have to exist; a default folder that does not is treated as empty
    table = kit.settings_table
    for key in ("manifests", "blocks", "templates"):
        if isinstance(table.get(key), list):
            yield from ((kit.settings_path(key, index), folder) for index, folder in enumerate(table[key]))
        elif key in table:
            yield kit.settings_path(key), table[key]
