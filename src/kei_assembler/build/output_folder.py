"""Build into another folder than the kit: which folders can be used for that."""

from __future__ import annotations

import os
from collections.abc import Iterator

from kei_assembler.build.output_patterns import Reach, deepened, reach_in
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files.home import home_if_known, lies_in
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.discovery import is_marked, outward_link
from kei_assembler.markdown import shell
from kei_assembler.paths import display_path, display_path_from, is_hidden, is_in_git_folder, normalize, path_below
from kei_assembler.rules.home import reached
from kei_assembler.targets import TARGETS

OPTION = "--output-dir"


def redirect(kit: LoadedKit, folder: str) -> None:
    """Make a kit build into a folder, given as the user wrote it. The folder need not exist.

    Raises:
        AssembleError: the folder cannot be used.
    """
    path = os.path.abspath(folder)
    real = kit.files.resolve(path)
    if not folder:
        raise AssembleError(f"{OPTION} is empty", _HINT)
    if reason := _refusal(kit, path, real):
        raise AssembleError(f"cannot build into `{folder}`: it {reason}", _HINT)
    shown = path if os.path.isabs(folder) else display_path_from(kit.folder, path)
    options = f"{kit.variant.options} {OPTION} {shell.word(folder)}"
    kit.variant = kit.variant._replace(output_dir=real, shown_dir=shown, options=options)
    kit.home = ""


_HINT = "name another folder, such as `build/preview`, or one outside the kit"


def _refusal(kit: LoadedKit, path: str, real: str) -> str:
    """Why a folder, given by its absolute and its resolved path, cannot be used, as the end of a sentence about it."""
    if kit.files.exists(path) and not kit.files.is_folder(path):
        return "is not a folder"
    if found := outward_link(path, kit.files, kit.root):  # it can come from somebody else, as all that is in the kit
        return f"is behind the link `{display_path(found[0])}`, which leads outside {display_path(found[1])}"
    if is_in_git_folder(real):
        return "is in git's own folder"
    if lies_in(kit.folder, real):
        return "is the kit's own folder" if lies_in(real, kit.folder) else "contains the kit"
    home = home_if_known()
    return (
        (reached(real, home, kit.files) if home else "")
        or next(_uses(kit, real), "")
        or ("is a kit of its own" if is_marked(real, kit.files) else "")
    )


def _uses(kit: LoadedKit, real: str) -> Iterator[str]:
    """What a folder is already used for by the kit, each as the end of a sentence."""
    settings = kit.settings
    by_kind = {"manifests": settings.manifests, "templates": (settings.templates,), "blocks": settings.blocks}
    for kind, folder in ((kind, folder) for kind, folders in by_kind.items() for folder in folders):
        top = kit.files.resolve(kit.path(folder))
        # hidden folders are not searched for sources, and in the kit's own folder, only some files are templates
        is_searched = not is_hidden(path_below(real, top)) and not (kind == "templates" and folder == ".")
        if lies_in(real, top) and is_searched:
            yield f"is in the folder of the {kind}, `{folder}`"
    for row in TARGETS.values():
        for pattern in dict.fromkeys((settings.output(row.name), row.output, f"{settings.root}/{row.default_path}")):
            where = reach_in(kit, deepened(pattern) if row.searches_subfolders else pattern)
            if where and _is_shared(kit, real, where):
                yield f"is where the kit has its own files for {row.label}"


def _is_shared(kit: LoadedKit, real: str, where: Reach) -> bool:
    """Whether the files of an output pattern can lie in a folder, or in its subfolders."""
    top = kit.files.resolve(kit.path(where.folder))
    if lies_in(top, real):
        return True
    below = path_below(real, top)
    return bool(below) and where.enters(normalize(os.path.join(where.folder, below)))
