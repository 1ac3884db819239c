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
from kei_assembler.plan.changes import Change, WritePolicy
from kei_assembler.plan.kit_plan import plan_kit, preview
from kei_assembler.plan.options import Policy, RunOptions
from kei_assembler.plan.result import RunResult
from kei_assembler.plan.run import run, write
from kei_assembler.selection import found_from
from kei_assembler.suggestions import did_you_mean
from kei_assembler.targets import TARGETS

if TYPE_CHECKING:
    from kei_assembler.render import Artifact


File = str | os.PathLike[str]

_CAUTIOUS = WritePolicy()


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

    def __init__(self, folder: str, targets: tuple[str, ...] = ()) -> None:
        self._folder = folder
        self._targets = targets

    @classmethod
    def load(cls, folder: str | os.PathLike[str] = ".", targets: Iterable[str] = ()) -> Kit:
        """Return the kit in a folder, or in the nearest folder above it; `targets` limits it to some clients.

        Raises: AssembleError if there is no such folder, kit or target, or the kit's settings are wrong.
        """
        if not DISK.is_folder(os.fspath(folder)):
            raise AssembleError(f"there is no folder {os.fspath(folder)}")
        chosen = tuple(targets)
        for target in chosen:
            if target not in TARGETS:
                hint = did_you_mean(target, TARGETS, f"the targets are {', '.join(TARGETS)}")
                raise AssembleError(f"there is no target {target}", hint)
        return cls(load_kit(found_from(os.path.abspath(folder)), chosen).folder, chosen)

    @property
    def folder(self) -> str:
        """The kit's folder, an absolute path."""
        return self._folder

    @property
    def manifests(self) -> tuple[str, ...]:
        """The files of its manifests, sorted."""
        return self._fresh().manifests

    @property
    def agents(self) -> tuple[str, ...]:
        """The names of its agents, sorted."""
        return tuple(sorted(self._fresh().agents))

    def check(self, *manifests: File) -> tuple[Diagnostic, ...]:
        """Return everything that `--check` finds: mistakes in the sources, and outputs that are out of date.

        Raises: AssembleError if the settings are wrong or a manifest is not there.
        """
        return tuple(self._run(manifests, check=True).findings)

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
        plan = plan_kit(own, _files(own, manifests), not manifests, policy.ignore)
        return Plan(tuple(policy.weigh(plan.found)), tuple(plan.changes))

    def apply(self, changes: Iterable[Change], force: bool = False, prune: bool = False) -> tuple[Change, ...]:
        """Carry out the changes that are allowed, and return these as they came about.

        `force` allows overwriting files that were edited or not generated, `prune` deleting orphans. A file that
        somebody else changed since the plan was made is left alone, and comes back as edited, not as `applied`.
        Whether a plan with errors among its diagnostics is applied is up to the caller; a build does not.

        Raises: AssembleError if a file cannot be written.
        """
        policy = WritePolicy(force, prune)
        return tuple(write(self._fresh(), list(filter(policy.covers, changes)), policy))

    def build(self, *manifests: File, force: bool = False, prune: bool = False) -> RunResult:
        """Do what `assemble` does with these manifests: plan, write unless there is an error, and report.

        Raises: AssembleError if the settings are wrong, a manifest is not there, or a file cannot be written.
        """
        return self._run(manifests, write_policy=WritePolicy(force, prune))

    def _run(self, manifests: Sequence[File], check: bool = False, write_policy: WritePolicy = _CAUTIOUS) -> RunResult:
        own = self._fresh()
        options = RunOptions(check, write_policy=write_policy, policy=Policy.of(own))
        return run(own, _files(own, manifests), not manifests, options)

    def _fresh(self) -> kit.Kit:
        """The kit as its files are now."""
        return load_kit(self._folder, self._targets)


def _files(own: kit.Kit, manifests: Sequence[File]) -> list[str]:
    named = {normal(os.fspath(file)) for file in manifests}
    for file in sorted(named.difference(own.manifests)):
        raise AssembleError(f"{file} is no manifest of the kit in {own.folder}")
    return sorted(named or own.manifests)
