"""The one command that makes all the changes that a check or a diff has found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kei_assembler.build.changes import DRIFT, PROTECTED, Change, FileStatus
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown import shell

_MAX_PATHS = 3


class Repair(NamedTuple):
    """The command, and what it does beyond writing files that are missing or out of date."""

    command: str
    effects: tuple[str, ...] = ()


def repair_of(kit: LoadedKit, changes: Iterable[Change], named: Sequence[str], ignored: Iterable[str]) -> Repair | None:
    """Return the repair for these changes, or None if there are none, or none that a build can make.

    `named` contains the manifests that the run was about, or nothing if it was about the whole kit. `ignored` contains
    the codes that its command line ignores.
    """
    pending = [change for change in changes if change.status in DRIFT and (change.intact or change.after)]
    if not pending:
        return None
    overwritten = [change.path for change in pending if change.status in PROTECTED]
    deleted = [change.path for change in pending if change.status is FileStatus.ORPHAN]
    changed = {change.manifest for change in pending}
    manifests = [file for file in named if file in changed] or named[:1]
    words = [
        *(map(shell.word, manifests) if named else ["--all"]),
        *(["--force"] if overwritten else []),
        *(["--prune"] if deleted else []),
        *(f"--target {target}" for target in kit.selected_targets),
        *(f"--ignore {code}" for code in sorted(ignored)),
    ]
    effects = (("--force overwrites", overwritten), ("--prune deletes", deleted))
    return Repair(
        f"assemble {' '.join(words)}{kit.command_options}",
        tuple(f"{effect} {_listed(paths)}" for effect, paths in effects if paths),
    )


def _listed(paths: Sequence[str]) -> str:
    shown, others = paths[:_MAX_PATHS], len(paths) - _MAX_PATHS
    return f"{', '.join(shown)}{f' and {others:,} more' if others > 0 else ''}"
