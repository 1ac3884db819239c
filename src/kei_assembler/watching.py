"""Watching: a kit is built again whenever something changes that its outputs are made from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from time import sleep

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.files.signatures import Signature, signature
from kei_assembler.kit import PROJECT_FILE, SETTINGS_FILE
from kei_assembler.loader import load_kit
from kei_assembler.plan.changes import FileStatus
from kei_assembler.plan.options import Policy, RunOptions
from kei_assembler.plan.result import RunResult, failed
from kei_assembler.plan.run import run
from kei_assembler.selection import named, refuse_no_kit, way_to

_LOOK_EVERY = 1000
"""Milliseconds after which to look also when nothing was heard: of folders that came into being, and of settings."""

_SETTLED_AFTER = 50
"""Milliseconds without a change after which several are taken for one."""

Signatures = dict[str, Signature]


def builds(folder: str, targets: tuple[str, ...] = ()) -> Iterator[RunResult]:
    """Yield the result of building the kit in a folder, now and after each change of its sources, without end.

    What is wrong with the kit, its settings too, is in the result; what was unchanged before is left out of it.
    """
    seen: Signatures | None = None
    for now in _looks(folder):
        if now != seen:
            seen = now
            yield _built(folder, targets)


def _built(folder: str, targets: tuple[str, ...]) -> RunResult:
    try:
        refuse_no_kit(folder)
        kit = load_kit(folder, targets)
        kit.display_folder = named(folder)
        result = run(kit, kit.manifests, True, RunOptions(policy=Policy.of(kit)))
    except AssembleError as error:
        return failed(error)
    changes = tuple(change for change in result.changes if change.kind is not FileStatus.UNCHANGED)
    return result._replace(changes=changes).seen_from(way_to(folder))


def _looks(folder: str) -> Iterator[Signatures]:
    """Yield the signatures of the kit's sources, now, and whenever there may be others."""
    while True:
        folders = _folders(folder)
        yield _signatures(folder)
        for _ in _heard(folders):
            yield _signatures(folder)
            if _folders(folder) != folders:
                break


def _heard(folders: list[str]) -> Iterator[object]:
    """Yield whenever something was heard of these folders, and from time to time; end where they cannot be watched."""
    from watchfiles import watch

    watched = partial(watch, step=_SETTLED_AFTER, debounce=4 * _SETTLED_AFTER, yield_on_timeout=True)
    try:
        yield from watched(*folders, rust_timeout=_LOOK_EVERY)
    except OSError:  # they are gone, or not to be read: perhaps not for long
        sleep(_LOOK_EVERY / 1000)


def _folders(folder: str) -> list[str]:
    try:
        settings = load_kit(folder).settings
    except AssembleError:
        return [folder]
    folders = (settings.manifests, *settings.blocks, settings.templates)
    return [path for path in (os.path.join(folder, name) for name in folders) if DISK.is_folder(path)] or [folder]


def _signatures(folder: str) -> Signatures:
    files = {SETTINGS_FILE, PROJECT_FILE, *_sources(folder)}
    return {file: signature(os.path.join(folder, file)) for file in files}


def _sources(folder: str) -> list[str]:
    """The kit's sources; none where they cannot be told, as a build then tells."""
    try:
        return load_kit(folder).sources()
    except AssembleError:
        return []
