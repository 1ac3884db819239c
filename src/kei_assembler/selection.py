"""Which kit and which of its manifests a command line means."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import cache

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.kit import Kit, discovery, stem
from kei_assembler.loader import load_kit
from kei_assembler.paths import as_seen, as_seen_from, normal, upwards, way_down
from kei_assembler.suggestions import nearest


def home_of(manifests: Sequence[str], folder: str | None, commands: Iterable[str]) -> str:
    """Return the kit's folder that a command line means: `folder`, that of its manifests, or the one around here.

    Where there is none around a manifest, it is the one around here, if that has the manifest.
    Raises AssembleError when there is none, or several, and when a manifest is not there.
    """
    if folder is not None or not manifests:
        return folder_of(folder)
    working_directory()  # without it no path says where it leads
    for manifest in manifests:
        if not DISK.exists(manifest):
            raise _not_there(manifest, commands)
    return _home_around(manifests)


def kit_if_any(folder: str | None) -> Kit | None:
    """Return the kit in `folder`, or else the one around here, or None when there is none."""
    if folder is not None:
        return load_kit(_existing(folder))
    found = discovery.find(working_directory())
    return load_kit(found) if found else None


def working_directory() -> str:
    """Return the working directory. Raises AssembleError when it is no more."""
    try:
        return os.getcwd()
    except FileNotFoundError as error:
        raise AssembleError("the working directory is no more") from error


def folder_of(folder: str | None) -> str:
    """Return the folder of the kit that is meant, be its settings right or wrong: `folder`, or the one around here.

    Raises AssembleError when there is none, and when the working directory is no more.
    """
    here = working_directory()
    return _existing(folder) if folder is not None else found_from(here)


def _existing(folder: str) -> str:
    if not DISK.is_folder(folder):
        raise AssembleError(f"there is no folder {folder}", "--kit takes the folder that holds the manifests' folder")
    refuse_no_kit(folder)
    return DISK.resolve(os.path.abspath(folder))


def refuse_no_kit(folder: str) -> None:
    """Raise AssembleError when there is no kit in a folder, or no folder at all."""
    if not discovery.is_kit(os.path.abspath(folder)):
        raise AssembleError(f"there is no kit in {folder}", _WHAT_IS_A_KIT)


def found_from(start: str) -> str:
    """Return the folder of the nearest kit from a folder upwards. Raises AssembleError when there is none."""
    found = discovery.find(start)
    if found is None:
        raise _no_kit(start)
    return found


def _no_kit(start: str) -> AssembleError:
    return AssembleError(f"no kit was found from {start} upwards", _WHAT_IS_A_KIT)


def _home_around(manifests: Iterable[str]) -> str:
    find, around_here = cache(discovery.find), cache(kit_if_any)  # of many manifests most lie in one folder
    found = {
        find(os.path.dirname(os.path.abspath(manifest))) or _home_here(around_here(None), manifest)
        for manifest in manifests
    }
    if len(found) > 1:
        kits = ", ".join(sorted(map(str, found)))
        raise AssembleError(f"these manifests are of several kits: {kits}", "take one kit at a time")
    return found.pop()


def _home_here(kit: Kit | None, manifest: str) -> str:
    """The folder of the kit around here, if it has this manifest: its manifests may lie outside of it."""
    if kit and _named_in(kit.folder, kit.manifests, manifest):
        return kit.folder
    raise _no_kit(os.path.dirname(os.path.abspath(manifest)))


_WHAT_IS_A_KIT = (
    "a kit is a folder with `assemble.toml`, a `pyproject.toml` with [tool.assemble], `_blocks`, or manifests in "
    "`agents`; --kit DIR names one elsewhere"
)


def _not_there(argument: str, commands: Iterable[str]) -> AssembleError:
    """The error for an argument that is neither a file nor a command: likely one of them, misspelt."""
    known = {command: f"assemble {command}" for command in commands}
    for path in _manifests_around(argument):
        known |= {path: path, stem(path): path}
    match = nearest(argument, known)
    kind = "file" if "/" in argument or "." in argument else "file or command"
    return AssembleError(f"there is no {kind} {argument}", f"did you mean `{known[match]}`?" if match else "")


def _manifests_around(argument: str) -> list[str]:
    """The manifests of the kit that a path would lie in, as seen from here."""
    folder = os.path.dirname(os.path.abspath(argument))
    while not DISK.is_folder(folder):
        folder = os.path.dirname(folder)
    found = discovery.find(folder)
    kit = load_kit(found) if found else None
    return [as_seen(kit.path(file)) for file in kit.manifests] if kit else []


def way_to(folder: str) -> str:
    """Return the way from the working directory down to a folder, with a `/` at its end; empty where there is none."""
    way = way_down(DISK.resolve(folder), os.curdir)
    return f"{way}/" if way else ""


def named(folder: str) -> str:
    """Return the way from the working directory to a kit's folder; empty in that folder, if the command finds it."""
    way = as_seen(folder)
    return "" if way == "." and discovery.find(os.getcwd()) == folder else way


def files_of(kit: Kit, manifests: Sequence[str], commands: Iterable[str]) -> list[str]:
    """Return the kit's own names of the manifests that a command line names, sorted, each once.

    Raises AssembleError when one is none of the kit's.
    """
    own, found = frozenset(kit.manifests), set()
    for argument in manifests:
        file = _named_in(kit.folder, own, argument)
        if file is None:
            raise _no_manifest(kit, argument, commands)
        found.add(file)
    return sorted(found)


def _named_in(folder: str, manifests: Container[str], argument: str) -> str | None:
    """The name by which the kit in a folder, with these manifests, has the one that a command line names."""
    return next((way for way in _ways_from(folder, argument) if way in manifests), None)


def _ways_from(folder: str, argument: str) -> Iterator[str]:
    """What an argument may mean, seen from a kit's folder: as it is written, be links in it or on the way, or resolved.

    And as the kit's own reports name it, wherever they are read.
    """
    full = os.path.abspath(argument)
    yield as_seen_from(folder, full)
    yield from (as_seen_from(above, full) for above in upwards(full) if DISK.resolve(above) == folder)
    yield as_seen_from(folder, DISK.resolve(argument))
    yield normal(argument)


def _no_manifest(kit: Kit, argument: str, commands: Iterable[str]) -> AssembleError:
    if not DISK.exists(argument):
        return _not_there(argument, commands)
    if DISK.is_folder(argument):
        return AssembleError(f"{argument} is a folder", "name manifests, or take all of the kit's with --all")
    sibling = f"{os.path.splitext(argument)[0]}.toml"
    if argument.endswith(".md") and DISK.exists(sibling):
        return AssembleError(f"{argument} is no manifest, but what is made from one", f"did you mean `{sibling}`?")
    return AssembleError(
        f"{argument} is no manifest of the kit in {kit.folder}",
        f"its manifests are the .toml files in {kit.settings.manifests}/",
    )
