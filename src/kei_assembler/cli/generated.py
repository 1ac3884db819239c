"""Find the kit that generates a file named on the command line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.kit import LoadedKit, discovery
from kei_assembler.kit.owners import Owned, generated_at, possible_outputs
from kei_assembler.loader import load_kit
from kei_assembler.paths import display_path
from kei_assembler.selection import candidates, folder_of, nearest_kit, working_directory
from kei_assembler.suggestions import nearest


def at(path: str, folder: str | None, for_user: bool) -> tuple[LoadedKit, list[Owned]]:
    """Return the kit that generates a file, and what it generates there: several outputs if they are sections.

    `folder` is that of the kit, if the user names it.

    Raises:
        AssembleError: no kit generates the file, or its settings are invalid.
    """
    kits = [load_kit(each, for_user=for_user) for each in _folders(path, folder)]
    if found := _among(kits, path):
        return found
    raise _not_generated(next((kit for kit in kits if kit.manifests), kits[0]), path)


def at_if_any(path: str, folder: str | None) -> tuple[LoadedKit, list[Owned]] | None:
    """Return what `at` returns, or None if no kit generates the file.

    Raises:
        AssembleError: there is no kit, or its settings are invalid.
    """
    return _among((load_kit(each) for each in _folders(path, folder)), path)


def _among(kits: Iterable[LoadedKit], path: str) -> tuple[LoadedKit, list[Owned]] | None:
    for kit in kits:
        in_home = os.path.join(DISK.resolve(os.path.dirname(os.path.abspath(path))), os.path.basename(path))
        if found := generated_at(kit, (*candidates(kit.folder, path), in_home)):
            return kit, found
    return None


def _folders(path: str, folder: str | None) -> Iterator[str]:
    """Yield the folders of the kits that may generate a file: those around it and around the working directory."""
    if folder is not None:
        yield folder_of(folder)
        return
    start = os.path.dirname(os.path.abspath(path))
    while not DISK.is_folder(start):
        start = os.path.dirname(start)
    around, here = discovery.find(start), discovery.find(working_directory())
    yield around or here or nearest_kit(start)
    if around and here and around != here:
        yield here


def _not_generated(kit: LoadedKit, path: str) -> AssembleError:
    wanted = frozenset(candidates(kit.folder, path))
    usual = [one for one in possible_outputs(kit) if one.output.target in kit.settings.targets]
    of_manifest = [one.output.path for one in usual if one.manifest in wanted]
    known = {display_path(kit.path(one.output.path)): one.output.path for one in usual}
    match = display_path(kit.path(of_manifest[0])) if of_manifest else nearest(path, known)
    hint = f"did you mean `{match}`?" if match else "name a file that `assemble --all` writes"
    if kit.settings.is_user_level and not kit.for_user and not of_manifest:
        hint = "for a file in your home folder, use --user"
    if not DISK.exists(path):
        return AssembleError(f"`{path}` does not exist", hint)
    return AssembleError(f"`{path}` is not a file that the kit in {kit.folder} generates", hint)
