"""Select the kit and the manifests that a command line names."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.files.sparse_checkout import files_at
from kei_assembler.kit import LoadedKit, discovery, stem
from kei_assembler.loader import load_kit
from kei_assembler.model.kinds import AGENT, KINDS
from kei_assembler.model.manifest import is_abstract
from kei_assembler.paths import display_path, display_path_from, normalize, path_below, upwards
from kei_assembler.suggestions import counted, did_you_mean, listed, nearest

if TYPE_CHECKING:
    from kei_assembler.kit.search import Found


def locate_kits(manifests: Sequence[str], folder: str | None, commands: Iterable[str]) -> dict[str, list[str]]:
    """Return the folders of the kits that a command line means, in the order of their paths, with their manifests.

    This is `folder`, or the nearest kit upwards from each manifest, or from the working directory. The kit around the
    working directory also counts for a manifest of it that lies outside any kit.

    Raises:
        AssembleError: there is no kit, or a manifest does not exist.
    """
    if folder is not None or not manifests:
        return {folder_of(folder): list(manifests)}
    working_directory()  # fail early: without it, relative paths have no meaning
    for manifest in manifests:
        if not _exists(manifest):
            raise _missing(manifest, commands)
    return _kits_of_manifests(manifests)


def kits_below(folder: str | None, exclude: Iterable[str]) -> tuple[list[Found], dict[str, list[int]]]:
    """Return the kits in a folder, or in the working directory, and in its subfolders; see `Search`.

    The second value says which patterns matched nothing, see `Search.unused`.

    Raises:
        AssembleError: there are none, or the folder does not exist.
    """
    from kei_assembler.kit.search import Search

    here = working_directory()
    if folder is not None and not DISK.is_folder(folder):
        raise AssembleError(f"the folder `{folder}` does not exist", "--kit takes the folder to search for kits")
    start = discovery.resolved(os.path.abspath(folder or here))
    search = Search(start, DISK.resolve(here), exclude)
    kits = list(search.kits())
    if not kits:
        raise AssembleError(f"no kit was found in `{start}` or below it", _why_no_kit(start, len(search.excluded)))
    return kits, search.unused()


def _why_no_kit(start: str, excluded: int) -> str:
    if excluded:
        return f"{counted(excluded, 'folder')} below it {'is' if excluded == 1 else 'are'} excluded"
    if around := discovery.find(start):
        return f"it lies in the kit {around}; run the command there, or without --recursive"
    return f"{_WHAT_IS_A_KIT}, also in a hidden or ignored folder, which is not searched"


def kit_if_any(folder: str | None) -> LoadedKit | None:
    """Return the kit in `folder`, or the nearest one upwards from the working directory, or None.

    Raises:
        AssembleError: there is no kit in `folder`, or the settings are invalid.
    """
    found = discovery.find(working_directory()) if folder is None else folder_of(folder)
    return load_kit(found) if found else None


def working_directory() -> str:
    """Return the working directory.

    Raises:
        AssembleError: it was deleted.
    """
    try:
        return os.getcwd()
    except FileNotFoundError as error:
        raise AssembleError("the working directory does not exist any more") from error


def folder_of(folder: str | None) -> str:
    """Return the folder of the kit in `folder`, or of the nearest one upwards. Its settings are not read.

    Raises:
        AssembleError: there is no kit, a link leads to it out of the work tree, or the working directory was deleted.
    """
    here = working_directory()
    if folder is None:
        return nearest_kit(here)
    if not DISK.is_folder(folder):
        raise AssembleError(
            f"the folder `{folder}` does not exist", "--kit takes the folder that contains the manifests' folder"
        )
    real = discovery.resolved(os.path.abspath(folder))
    require_kit(folder)
    return real


def require_kit(folder: str) -> None:
    """Check that a folder is a kit.

    Raises:
        AssembleError: it is not a kit, or does not exist.
    """
    if not discovery.is_kit(os.path.abspath(folder)):
        raise AssembleError(f"`{folder}` is not a kit", _WHAT_IS_A_KIT)


def nearest_kit(start: str) -> str:
    """Return the folder of the nearest kit from a folder upwards.

    Raises:
        AssembleError: there is none.
    """
    found = discovery.find(start)
    if found is None:
        raise _no_kit(start)
    return found


def _no_kit(start: str) -> AssembleError:
    return AssembleError(
        f"no kit was found in `{start}` or above it", f"{_WHAT_IS_A_KIT}; to create one, run: assemble init"
    )


def _kits_of_manifests(manifests: Iterable[str]) -> dict[str, list[str]]:
    find, around_here = cache(discovery.find), cache(kit_if_any)  # most manifests share a folder
    found: dict[str, list[str]] = {}
    for manifest in manifests:
        kit = find(os.path.dirname(os.path.abspath(manifest))) or _kit_here_with(around_here(None), manifest)
        found.setdefault(kit, []).append(manifest)
    return dict(sorted(found.items(), key=lambda item: item[0].split(os.sep)))


def _kit_here_with(kit: LoadedKit | None, manifest: str) -> str:
    """The folder of the kit around the working directory, if it has this manifest, perhaps outside its own folder."""
    if kit and _named_in(kit.folder, kit.manifests, manifest):
        return kit.folder
    raise _no_kit(os.path.dirname(os.path.abspath(manifest)))


_WHAT_IS_A_KIT = (
    "a kit is a folder with `assemble.toml`, a `pyproject.toml` with [tool.assemble], `_blocks`, or manifests in "
    "`agents`, `instructions` or `skills`; use --kit DIR for one elsewhere"
)


def _exists(argument: str) -> bool:
    """Whether a file exists, or is only left out of a sparse checkout."""
    path = os.path.abspath(argument)
    return DISK.exists(argument) or files_at(path).exists(path)


def _missing(argument: str, commands: Iterable[str]) -> AssembleError:
    """The error for an argument that is neither a file nor a command, with the nearest one as a hint."""
    known = {command: f"assemble {command}" for command in commands}
    if argument in known:
        return AssembleError(
            f"`{argument}` is a command, and cannot follow a manifest", f"run: assemble {argument} --help"
        )
    manifests = _manifests_around(argument)
    for path in manifests:
        known |= {path: path, stem(path): path}
    name = os.path.basename(argument)
    of_that_name = [path for path in manifests if stem(path) in (name, os.path.splitext(name)[0])]
    match = of_that_name[0] if len(of_that_name) == 1 else nearest(argument, known)
    is_path = "/" in argument or "." in argument
    message = f"`{argument}` does not exist" if is_path else f"`{argument}` is neither a file nor a command"
    otherwise = "" if is_path else "to list the commands, run: assemble --help"
    return AssembleError(message, f"did you mean `{known[match]}`?" if match else otherwise)


def _manifests_around(argument: str) -> list[str]:
    """The display paths of the manifests of the kit that a path would lie in."""
    folder = os.path.dirname(os.path.abspath(argument))
    while not DISK.is_folder(folder):
        folder = os.path.dirname(folder)
    found = discovery.find(folder)
    kit = load_kit(found) if found else None
    return [display_path(kit.path(file)) for file in kit.manifests] if kit else []


def prefix_to(folder: str) -> str:
    """Return the path of a folder below the working directory with a `/` at its end, or "" if it lies elsewhere."""
    path = path_below(DISK.resolve(folder), os.curdir)
    return f"{path}/" if path else ""


def kit_option_value(folder: str) -> str:
    """Return the display path of a kit's folder for `--kit`, or "" if the command finds the kit without it."""
    path = display_path(folder)
    return "" if path == "." and discovery.find(os.getcwd()) == folder else path


def files_of(kit: LoadedKit, manifests: Sequence[str], commands: Iterable[str]) -> list[str]:
    """Return the manifests that a command line names, relative to the kit's folder, sorted and without duplicates.

    Raises:
        AssembleError: one of them is not a manifest of the kit.
    """
    known, found = frozenset(kit.manifests), set()
    for argument in manifests:
        file = _named_in(kit.folder, known, argument)
        if file is None:
            raise _not_a_manifest(kit, argument, commands)
        found.add(file)
    return sorted(found)


def file_of_item(kit: LoadedKit, argument: str) -> str:
    """Return the manifest of the agent or instructions that an argument names.

    This is the name, perhaps with the kind, as in `instructions/house`, the manifest, or a generated file.

    Raises:
        AssembleError: it names none, or several, or only a base of others.
    """
    named = files_named(kit, argument)
    files = named or [*_files_of_output(kit, argument)]
    concrete = [file for file in files if not is_abstract(kit.read_manifest(file).data)]
    if len(concrete) == 1:
        return concrete[0]
    if concrete:
        what = "several manifests have the name" if named else "several manifests generate sections of"
        names = (file.removesuffix(".toml") for file in concrete)
        raise AssembleError(f"{what} `{argument}`", f"write {listed(names, joint='or')}")
    if files:
        hint = f"`assemble list --uses base:{stem(files[0])}` lists the agents that extend it"
        raise AssembleError(f"`{argument}` is only a base of others", hint)
    raise _unknown_item(kit, argument)


def _unknown_item(kit: LoadedKit, argument: str) -> AssembleError:
    names = frozenset(stem(file) for file in kit.manifests if not is_abstract(kit.read_manifest(file).data))
    kinds = [kind for kind in KINDS.values() if kind is AGENT or kit.manifest_files.named(kind)]
    hint = f"`assemble list` lists the {listed((kind.folder for kind in kinds), str)}"
    what = listed((kind.name for kind in kinds), str, "or")
    return AssembleError(f"unknown {what} `{argument}`", did_you_mean(argument, names, hint))


def files_named(kit: LoadedKit, argument: str) -> list[str]:
    """Return the manifests that an argument names: by their name, or as a path, perhaps without the suffix."""
    files, known = kit.manifest_files, frozenset(kit.manifests)
    folder, _, name = argument.rpartition("/")
    found = [files.named(kind).get(name) for kind in KINDS.values() if folder in ("", kind.folder)]
    if any(found):
        return list(dict.fromkeys(filter(None, found)))
    paths = (_named_in(kit.folder, known, each) for each in (argument, f"{argument}.toml"))
    return [*filter(None, paths)][:1]


def _named_in(folder: str, manifests: Container[str], argument: str) -> str | None:
    """The manifest that an argument names, as the kit in the folder lists it."""
    return next((path for path in candidates(folder, argument) if path in manifests), None)


def candidates(folder: str, argument: str) -> Iterator[str]:
    """Yield the paths relative to a kit's folder that an argument can mean.

    These are the argument as written, with links above it followed, and with all links followed. The last one is the
    path as the kit's reports show it, which users copy into any working directory.
    """
    full = os.path.abspath(argument)
    yield display_path_from(folder, full)
    yield from (display_path_from(above, full) for above in upwards(full) if DISK.resolve(above) == folder)
    yield display_path_from(folder, DISK.resolve(argument))
    yield normalize(argument)


def _not_a_manifest(kit: LoadedKit, argument: str, commands: Iterable[str]) -> AssembleError:
    if not _exists(argument):
        return _missing(argument, commands)
    if DISK.is_folder(argument):
        return AssembleError(f"`{argument}` is a folder", "name manifests, or build all of them with --all")
    if sources := [display_path(kit.path(file)) for file in _files_of_output(kit, argument)]:
        what = "a generated file" if len(sources) == 1 else "a file with generated sections"
        return AssembleError(f"`{argument}` is {what}, not a manifest", f"did you mean {listed(sources, joint='or')}?")
    folders = listed((f"{folder}/" for folder in kit.settings.manifests if kit.files.exists(kit.path(folder))), str)
    return AssembleError(
        f"`{argument}` is not a manifest of the kit in {kit.folder}",
        f"its manifests are the .toml files in {folders}; --all builds all of them",
    )


def _files_of_output(kit: LoadedKit, argument: str) -> Iterable[str]:
    """The manifests whose output an argument names: several ones if the file has sections."""
    from kei_assembler.kit.owners import possible_outputs  # rarely needed

    paths = {*candidates(kit.folder, argument)}
    return dict.fromkeys(one.manifest for one in possible_outputs(kit) if one.output.path in paths)
