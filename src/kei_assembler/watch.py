"""Watch a kit, and build it again after each change of its sources."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from time import sleep

from kei_assembler.build.result import RunResult, failed
from kei_assembler.build.run import Policy, RunOptions, run
from kei_assembler.diagnostics import OUT_OF_MEMORY, AssembleError
from kei_assembler.files import DISK
from kei_assembler.files.signatures import Signature, signature
from kei_assembler.kit import PROJECT_FILE, SETTINGS_FILE, LoadedKit
from kei_assembler.loader import load_kit
from kei_assembler.selection import kit_option_value, prefix_to, require_kit

POLL_MS = 1000
"""How often to compare signatures without an event, which new folders and the settings do not cause."""

_STEP_MS = 50
"""How long to wait for further events before building, to build once after several changes."""

Signatures = dict[str, Signature]


def builds(folder: str, targets: tuple[str, ...] = (), for_user: bool = False) -> Iterator[RunResult]:
    """Build a kit, given by its resolved path, now and after each change, and yield the results, without end.

    Invalid settings and other errors are returned as the result's failure. `for_user` is as in `load_kit`.
    """
    seen: Signatures | None = None
    for now in _snapshots(folder):
        if now != seen:
            seen = now
            yield _built(folder, targets, for_user)


def _built(folder: str, targets: tuple[str, ...], for_user: bool) -> RunResult:
    try:
        kit = _loaded(folder, targets, for_user)
        require_kit(folder)
        kit.display_folder = kit_option_value(folder)
        result = run(kit, kit.manifests, True, RunOptions(policy=Policy.of(kit)))
    except AssembleError as error:
        return failed(error)
    except MemoryError:
        return failed(OUT_OF_MEMORY)
    return result.seen_from(prefix_to(folder))


def _loaded(folder: str, targets: tuple[str, ...] = (), for_user: bool = False) -> LoadedKit:
    """Load the kit, unless a checkout, for example, has replaced its folder with a link to something else."""
    if DISK.resolve(folder) != folder:
        raise AssembleError(f"`{folder}` or a folder above it was replaced with a link")
    return load_kit(folder, targets, for_user=for_user)


def _snapshots(folder: str) -> Iterator[Signatures]:
    """Yield the signatures of the kit's sources, now and after each event."""
    role_files = _RoleFiles()
    while True:
        folders, signatures = _snapshot(folder, role_files)
        yield signatures
        for _ in _events(folders):
            current_folders, signatures = _snapshot(folder, role_files)
            yield signatures
            if current_folders != folders:
                break


def _events(folders: list[str]) -> Iterator[object]:
    """Yield at each change in these folders, and from time to time. End if the folders cannot be watched."""
    from watchfiles import watch

    try:
        yield from watch(
            *folders,
            recursive=False,
            step=_STEP_MS,
            debounce=4 * _STEP_MS,
            rust_timeout=POLL_MS,
            yield_on_timeout=True,
        )
    except (OSError, UnicodeError, RuntimeError):
        # They were deleted or are unreadable, perhaps only for a moment, or a name is not UTF-8.
        sleep(POLL_MS / 1000)


class _RoleFiles:
    """The role files that manifests name. A manifest is read again only if its signature changes."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Signature, str]] = {}

    def of(self, kit: LoadedKit) -> list[str]:
        """Return the role files that the kit's manifests name."""
        before, self._known = self._known, {}
        for file in kit.manifests:
            now = signature(kit.path(file))
            is_same = file in before and before[file][0] == now
            self._known[file] = before[file] if is_same else (now, kit.role_files.named_in(file))
        return [name for _, name in self._known.values() if name]


def _snapshot(folder: str, role_files: _RoleFiles) -> tuple[list[str], Signatures]:
    """Return the folders to watch for a kit, and the signatures of its sources."""
    folders: set[str] = set()
    sources: list[str] = []
    with suppress(AssembleError):  # the build reports it
        kit = _loaded(folder)
        sources = [*kit.sources_in_folders(), *role_files.of(kit)]
        names = (*kit.settings.manifests, *kit.settings.blocks, kit.settings.templates, *map(os.path.dirname, sources))
        # Not their subfolders, which can be links that lead outside, or `.git`: an empty subfolder is found by polling.
        folders = {
            DISK.resolve(path) for path in map(kit.path, names) if DISK.is_folder(path) and kit.holds_folder(path)
        }
    files = {SETTINGS_FILE, PROJECT_FILE, *sources}
    return sorted(folders) or [folder], {file: signature(os.path.join(folder, file)) for file in files}
