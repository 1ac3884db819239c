"""Watch a kit, and build it again after each change of its sources."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from time import sleep

from kei_assembler.build.changes import FileStatus
from kei_assembler.build.options import Policy, RunOptions
from kei_assembler.build.result import RunResult, failed
from kei_assembler.build.run import run
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.files.signatures import Signature, signature
from kei_assembler.kit import PROJECT_FILE, SETTINGS_FILE
from kei_assembler.loader import load_kit
from kei_assembler.selection import named, prefix_to, refuse_no_kit

_POLL_MS = 1000
"""How often to compare signatures without an event, which new folders and the settings do not cause."""

_STEP_MS = 50
"""How long to wait for further events before building, to build once after several changes."""

Signatures = dict[str, Signature]


def builds(folder: str, targets: tuple[str, ...] = ()) -> Iterator[RunResult]:
    """Build the kit in a folder now and after each change of its sources, and yield the results, without end.

    A result contains no unchanged files. Invalid settings and other errors are returned as the result's failure.
    """
    seen: Signatures | None = None
    for now in _snapshots(folder):
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
    changes = tuple(change for change in result.changes if change.status is not FileStatus.UNCHANGED)
    return result._replace(changes=changes).seen_from(prefix_to(folder))


def _snapshots(folder: str) -> Iterator[Signatures]:
    """Yield the signatures of the kit's sources, now and after each event."""
    while True:
        folders = _folders(folder)
        yield _signatures(folder)
        for _ in _events(folders):
            yield _signatures(folder)
            if _folders(folder) != folders:
                break


def _events(folders: list[str]) -> Iterator[object]:
    """Yield at each change in these folders, and from time to time. End if the folders cannot be watched."""
    from watchfiles import watch

    watched = partial(watch, step=_STEP_MS, debounce=4 * _STEP_MS, yield_on_timeout=True)
    try:
        yield from watched(*folders, rust_timeout=_POLL_MS)
    except OSError:  # they were deleted or are unreadable, perhaps only for a moment
        sleep(_POLL_MS / 1000)


def _folders(folder: str) -> list[str]:
    try:
        settings = load_kit(folder).settings
    except AssembleError:
        return [folder]
    folders = (settings.manifests, *settings.blocks, settings.templates)
    return [path for path in (os.path.join(folder, name) for name in folders) if DISK.is_folder(path)] or [folder]


def _signatures(folder: str) -> Signatures:
    try:
        sources = load_kit(folder).sources()
    except AssembleError:  # the build reports it
        sources = []
    files = {SETTINGS_FILE, PROJECT_FILE, *sources}
    return {file: signature(os.path.join(folder, file)) for file in files}
