"""The one command that makes all the changes that a check or a diff has found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kei_assembler.build.changes import DRIFT, PROTECTED, Change, FileStatus
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit import LoadedKit, kit_option
from kei_assembler.markdown import shell
from kei_assembler.paths import display_path
from kei_assembler.rules import drift


class Repair(NamedTuple):
    """The command, and what it does beyond writing files that are missing or out of date: to which files each."""

    command: str
    effects: tuple[tuple[str, Sequence[str]], ...] = ()


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
        f"assemble {' '.join(words)}{kit_option(kit.display_folder)}",
        tuple((effect, paths) for effect, paths in effects if paths),
    )


def with_staging(
    kit: LoadedKit, repair: Repair | None, changes: Iterable[Change], found: Iterable[Diagnostic]
) -> Repair | None:
    """Return the repair after `--staged`, which also stages the files that it changes, and those that `found` reports.

    Raises:
        AssembleError: git is not installed, or it fails.
    """
    unstaged = [each.location.file for each in found if each.code == drift.file_unstaged.code]
    written = [path for path in unstaged if kit.files.exists(kit.path(path))]
    deleted = [path for path in unstaged if not kit.files.exists(kit.path(path))]
    if repair:
        pending = [change for change in changes if change.status in DRIFT and not change.applied]
        written += [change.path for change in pending if change.after is not None]
        deleted += [change.path for change in pending if change.after is None and change.intact]
    if not written and not deleted:
        return repair
    from kei_assembler.build.staged_files import stageable

    added, removed = stageable(kit, written, deleted)
    commands = [repair.command] if repair else []
    commands += [_git("rm --cached --quiet --ignore-unmatch", removed)] if removed else []
    commands += [_git("add", added)] if added else []
    return Repair(" && ".join(commands), repair.effects if repair else ()) if commands else None


def _git(command: str, files: Iterable[str]) -> str:
    paths = list(map(display_path, files))
    literal = " --literal-pathspecs" if any(character in path for path in paths for character in "*?[\\") else ""
    return f"git{literal} {command} {' '.join(map(shell.word, paths))}"
