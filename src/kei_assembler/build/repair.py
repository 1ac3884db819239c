"""The one command that makes all the changes that a check or a diff has found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kei_assembler.build.changes import PROTECTED, Change, FileStatus, joined
from kei_assembler.diagnostics import Diagnostic, Severity
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown import shell
from kei_assembler.paths import display_path
from kei_assembler.records import NamedTuple
from kei_assembler.rules import drift


class Repair(NamedTuple):
    """A command in two parts: the build, and what stages its files. Either can be empty.

    `effects` is what the build does beyond writing files that are missing or out of date: to which files each.
    `left` is the number of errors that the command does not repair.
    """

    build: str
    effects: tuple[tuple[str, Sequence[str]], ...] = ()
    stage: str = ""
    left: int = 0

    @property
    def command(self) -> str:
        """The command as a whole."""
        return " && ".join(filter(None, (self.build, self.stage)))

    def after(self, found: Iterable[Diagnostic]) -> Repair:
        """Return the repair with the number of errors in `found` that are left after it."""
        paths = {path for _, some in self.effects for path in some}
        done = sum(
            (one.code in _OF_FILES and one.location.file in paths) or (one.code in _OF_STAGING and bool(self.stage))
            for one in found
            if one.severity is Severity.ERROR
        )
        return self._replace(left=sum(one.severity is Severity.ERROR for one in found) - done)


_FORCE, _PRUNE = "--force", "--prune"
_OF_FILES = {rule.code for rule in (drift.output_edited, drift.output_foreign, drift.output_orphaned)}
_UNSTAGED, _TRACKED = _OF_STAGING = (drift.file_unstaged.code, drift.output_tracked.code)


def repair_of(kit: LoadedKit, changes: Iterable[Change], named: Sequence[str], ignored: Iterable[str]) -> Repair | None:
    """Return the repair for these changes, or None if there are none, or none that a build can make.

    `named` contains the manifests that the run was about, or nothing if it was about the whole kit. `ignored` contains
    the codes that its command line ignores.
    """
    pending = [change for change in changes if change.can_be_made]
    if not pending:
        return None
    overwritten = [change for change in pending if change.status in PROTECTED]
    deleted = [change for change in pending if change.status is FileStatus.ORPHAN]
    changed = {change.manifest for change in pending}
    manifests = [file for file in named if file in changed] or named[:1]
    words = [
        *(map(shell.word, manifests) if named else ["--all"]),
        *([_FORCE] if overwritten else []),
        *([_PRUNE] if deleted else []),
        *(f"--target {target}" for target in kit.selected_targets),
        *(f"--ignore {code}" for code in sorted(ignored)),
    ]
    effects = (*_effects(f"{_FORCE} overwrites", overwritten), *_effects(f"{_PRUNE} deletes", deleted))
    return Repair(f"assemble {' '.join(words)}{kit.command_options}", effects)


def _effects(effect: str, changes: Sequence[Change]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield an effect on whole files, and one on files of which only sections change."""
    files = [change.path for change in changes if not change.section]
    with_sections = [*dict.fromkeys(change.path for change in changes if change.section)]
    yield from [(effect, files)] if files else []
    yield from [(f"{effect} sections of", with_sections)] if with_sections else []


def with_staging(
    kit: LoadedKit, repair: Repair | None, changes: Iterable[Change], found: Iterable[Diagnostic]
) -> Repair | None:
    """Return the repair after `--staged`, which also stages the files that it changes, and those that `found` reports.

    If outputs are not committed, it lets git forget those that it tracks.

    Raises:
        AssembleError: git is not installed, or it fails.
    """
    unstaged = [each.location.file for each in found if each.code == _UNSTAGED]
    written = [path for path in unstaged if kit.files.exists(kit.path(path))]
    deleted = [path for path in unstaged if not kit.files.exists(kit.path(path))]
    deleted += [each.location.file for each in found if each.code == _TRACKED]
    if repair:
        committed = (change for change in changes if kit.settings.commit_outputs or change.is_schema)
        files = [*joined(change for change in committed if change.can_be_made and not change.applied)]
        written += [change.path for change in files if change.after is not None]
        deleted += [change.path for change in files if change.after is None]
    if not written and not deleted:
        return repair
    from kei_assembler.build.staged_files import stageable

    added, removed = stageable(kit, written, deleted)
    commands = [shell.git("rm --cached --quiet --ignore-unmatch", map(display_path, removed))] if removed else []
    commands += [shell.git("add", map(display_path, added))] if added else []
    return (repair or Repair(""))._replace(stage=" && ".join(commands)) if repair or commands else None


def joint_repair(repairs: Sequence[Repair], selection: Sequence[str]) -> Repair | None:
    """Return the one repair of several kits. `selection` contains the words that select the kits and their files."""
    if len(repairs) <= 1:
        return repairs[0] if repairs else None
    effects = [effect for repair in repairs for effect, _ in repair.effects]
    flags = [flag for flag in (_FORCE, _PRUNE) if any(effect.startswith(flag) for effect in effects)]
    build = " ".join(("assemble", *selection, *flags)) if any(repair.build for repair in repairs) else ""
    return Repair(build, (), " && ".join(filter(None, (repair.stage for repair in repairs))))
