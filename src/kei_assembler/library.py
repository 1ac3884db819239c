"""The tool as a library, for programs and for its own commands: `from kei_assembler import Kit`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kei_assembler import kit
from kei_assembler.diagnostics import AssembleError, Diagnostic, has_errors
from kei_assembler.files import DISK
from kei_assembler.loader import load_kit
from kei_assembler.paths import normal
from kei_assembler.plan import Change, Licence
from kei_assembler.plan.build import Mode, Policy, run
from kei_assembler.plan.disk import Disk
from kei_assembler.plan.outcome import Outcome
from kei_assembler.plan.planning import planned, preview
from kei_assembler.selection import found_from
from kei_assembler.suggestions import did_you_mean
from kei_assembler.targets import TARGETS

if TYPE_CHECKING:
    from kei_assembler.render import Artifact


File = str | os.PathLike[str]


class Plan(NamedTuple):
    """What there is to say about manifests, sorted by file and place, and what a build would change."""

    diagnostics: tuple[Diagnostic, ...]
    changes: tuple[Change, ...]


class Kit:
    """A folder with manifests, blocks, perhaps templates, and settings.

    Manifests are named by their files relative to the kit, with `/`; no names mean all. Every method reads the files
    as they are then. What is wrong with a user's files comes back as diagnostics; AssembleError means that the work
    cannot go on: the settings are wrong, a file is not there or cannot be written.
    """

    def __init__(self, own: kit.Kit) -> None:
        self._kit = own
        self._is_fresh = True

    @classmethod
    def load(cls, folder: str | os.PathLike[str] = ".", targets: Iterable[str] = ()) -> Kit:
        """Return the kit in a folder, or in the nearest one upwards; `targets` keeps to some AI tools.

        Raises AssembleError when there is no such folder or no kit, when its settings are wrong, or a target is none.
        """
        if not DISK.is_folder(os.fspath(folder)):
            raise AssembleError(f"there is no folder {os.fspath(folder)}")
        chosen = tuple(targets)
        for target in chosen:
            if target not in TARGETS:
                hint = did_you_mean(target, TARGETS, f"the targets are {', '.join(TARGETS)}")
                raise AssembleError(f"there is no target {target}", hint)
        loaded = cls(load_kit(found_from(os.path.abspath(folder)), chosen))
        loaded._is_fresh = False
        return loaded

    @property
    def folder(self) -> str:
        """The kit's folder, an absolute path."""
        return self._kit.folder

    @property
    def manifests(self) -> tuple[str, ...]:
        """The files of its manifests, sorted."""
        return self._fresh().manifests

    @property
    def agents(self) -> tuple[str, ...]:
        """The names of its agents, sorted."""
        return tuple(sorted(self._fresh().agents))

    def check(self, *manifests: File) -> tuple[Diagnostic, ...]:
        """Return everything that `--check` finds: mistakes in the sources, and outputs that are not as they give."""
        own = self._fresh()
        return tuple(_run(own, manifests, Mode(check=True, policy=Policy.of(own))).findings)

    def render(self, manifest: File) -> tuple[Artifact, ...]:
        """Return the agent files of one manifest, one for each target, without writing them.

        Raises AssembleError, with the diagnostics, when there is an error in what they are made from.
        """
        own = self._fresh()
        policy, (file,) = Policy.of(own), _files(own, (manifest,))
        found, artifacts = preview(own, file, policy.ignore)
        counted = policy.weigh(found)
        if has_errors(counted):
            raise AssembleError(f"{manifest} has errors", diagnostics=counted)
        return tuple(artifacts)

    def plan(self, *manifests: File) -> Plan:
        """Return what a build of these manifests would change, with all bytes, and what there is to say."""
        own = self._fresh()
        policy = Policy.of(own)
        with planned(own, _files(own, manifests), not manifests, policy.ignore) as plan:
            return Plan(tuple(policy.weigh(plan.found)), tuple(plan.changes))

    def apply(self, changes: Iterable[Change], force: bool = False, prune: bool = False) -> tuple[Change, ...]:
        """Carry out those changes that may be, and return them as they came about; see `Licence` and `Disk.apply`.

        Whether a plan with errors among its diagnostics is applied is up to the caller; a build does not.
        """
        licence = Licence(force, prune)
        return tuple(Disk(self._fresh()).apply(change for change in changes if licence.covers(change)))

    def build(self, *manifests: File, force: bool = False, prune: bool = False) -> Outcome:
        """Do what `assemble` does with these manifests: plan, write unless there is an error, and tell of it."""
        own = self._fresh()
        return _run(own, manifests, Mode(licence=Licence(force, prune), policy=Policy.of(own)))

    def run(self, *manifests: File, mode: Mode) -> Outcome:
        """Do what the command does with these manifests in this mode, and tell of it."""
        return _run(self._fresh(), manifests, mode)

    def _fresh(self) -> kit.Kit:
        """The kit, read anew, but where its caller has read it for this call."""
        if not self._is_fresh:
            self._kit = load_kit(self._kit.folder, self._kit.chosen)
        self._is_fresh = False
        return self._kit


def _run(own: kit.Kit, manifests: Sequence[File], mode: Mode) -> Outcome:
    return run(own, _files(own, manifests), not manifests, mode)


def _files(own: kit.Kit, manifests: Sequence[File]) -> list[str]:
    named = {normal(os.fspath(file)) for file in manifests}
    for file in sorted(named.difference(own.manifests)):
        raise AssembleError(f"{file} is no manifest of the kit in {own.folder}")
    return sorted(named or own.manifests)
