"""Watching: a kit is built again whenever something changes that its outputs are made from."""

from __future__ import annotations

import os
from collections.abc import Iterator

from kei_assembler import kit as kits
from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import PROJECT_FILE, SETTINGS_FILE, discovery
from kei_assembler.kit.selection import named, way_to
from kei_assembler.library import Kit
from kei_assembler.memo.signatures import Signature, signature
from kei_assembler.plan import Kind
from kei_assembler.report.outcome import Outcome, failed

_LOOK_EVERY = 1000
"""Milliseconds after which to look also when nothing was heard: of folders that came into being, and of settings."""

_SETTLED_AFTER = 50
"""Milliseconds without a change after which several are taken for one."""

Signatures = dict[str, Signature]


def builds(folder: str, targets: tuple[str, ...] = ()) -> Iterator[Outcome]:
    """Yield the outcome of building the kit in a folder, now and after each change of its sources, without end.

    What is wrong with the kit, its settings too, is in the outcome; what was unchanged before is left out of it.
    """
    seen: Signatures | None = None
    for now in _looks(folder):
        if now != seen:
            seen = now
            yield _built(folder, targets)


def _built(folder: str, targets: tuple[str, ...]) -> Outcome:
    try:
        kit = discovery.load(folder, targets)
        kit.named = named(folder)
        outcome = Kit(kit).build()
    except AssembleError as error:
        return failed(error)
    changes = tuple(change for change in outcome.changes if change.kind is not Kind.UNCHANGED)
    return outcome._replace(changes=changes, way=way_to(folder))


def _looks(folder: str) -> Iterator[Signatures]:
    """Yield the signatures of the kit's sources, now, and whenever there may be others."""
    from watchfiles import watch

    while True:
        kit = _kit(folder)
        yield _signatures(folder, kit)
        heard = watch(
            *_folders(folder, kit),
            step=_SETTLED_AFTER,
            debounce=4 * _SETTLED_AFTER,
            rust_timeout=_LOOK_EVERY,
            yield_on_timeout=True,
        )
        for _ in heard:
            yield _signatures(folder, _kit(folder))
            if _folders(folder, _kit(folder)) != _folders(folder, kit):
                break


def _kit(folder: str) -> kits.Kit | None:
    try:
        return discovery.load(folder)
    except AssembleError:
        return None


def _folders(folder: str, kit: kits.Kit | None) -> list[str]:
    named = (kit.settings.manifests, *kit.settings.blocks, kit.settings.templates) if kit else ()
    return [path for path in (os.path.join(folder, name) for name in named) if os.path.isdir(path)] or [folder]


def _signatures(folder: str, kit: kits.Kit | None) -> Signatures:
    files = {SETTINGS_FILE, PROJECT_FILE, *(kit.sources() if kit else ())}
    return {file: signature(os.path.join(folder, file)) for file in files}
