"""The Python API: `from kei_assembler import Kit`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import filterfalse
from typing import TYPE_CHECKING

from kei_assembler import kit
from kei_assembler.build.changes import Change, WritePolicy
from kei_assembler.build.kit_plan import Plan, plan_kit, preview
from kei_assembler.build.result import RunResult
from kei_assembler.build.run import Policy, RunOptions, run, write
from kei_assembler.diagnostics import AssembleError, Diagnostic, has_errors
from kei_assembler.files import DISK
from kei_assembler.loader import load_kit, refuse_home
from kei_assembler.paths import normalize
from kei_assembler.selection import nearest_kit
from kei_assembler.targets import TARGETS, did_you_mean_target
from kei_assembler.targets.groups import GROUPS

if TYPE_CHECKING:
    from kei_assembler.render.renderer import Artifact


File = str | os.PathLike[str]


class Kit:
    """A folder with manifests, blocks, templates and settings.

    Methods take manifests as paths relative to the kit, with `/`; no path means all manifests. Each call reads the
    files again. Problems in the sources are returned as diagnostics. All methods and properties raise AssembleError if
    the settings are invalid or a manifest does not exist.
    """

    def __init__(self, folder: str, targets: tuple[str, ...] = (), for_user: bool = False) -> None:
        self._folder = folder
        self._targets = targets
        self._for_user = for_user

    @classmethod
    def load(cls, folder: str | os.PathLike[str] = ".", targets: Iterable[str] = (), *, for_user: bool = False) -> Kit:
        """Return the kit in a folder, or in the nearest folder above it. `targets` limits it to some targets or groups.

        `for_user` is the option `--user`: the kit's settings may use the home folder. Without it, the methods that
        build or compare such files raise AssembleError.

        Raises:
            AssembleError: the folder, kit or target does not exist, or the settings are invalid.
        """
        if not DISK.is_folder(os.fspath(folder)):
            raise AssembleError(f"the folder `{os.fspath(folder)}` does not exist")
        chosen = tuple(targets)
        for target in chosen:
            if target not in TARGETS and target not in GROUPS:
                known = (*TARGETS, *GROUPS)
                hint = did_you_mean_target(target, known, f"the targets are {', '.join(known)}")
                raise AssembleError(f"the target `{target}` does not exist", hint)
        own = load_kit(nearest_kit(os.path.abspath(folder)), chosen, for_user=for_user)
        return cls(own.folder, chosen, for_user)

    @property
    def folder(self) -> str:
        """The kit's folder, an absolute path."""
        return self._folder

    @property
    def manifests(self) -> tuple[str, ...]:
        """The paths of the manifests, relative to the kit, sorted."""
        return self._load().manifests

    @property
    def agents(self) -> tuple[str, ...]:
        """The names of the agents, sorted, without manifests that are only bases."""
        own = self._load()
        return tuple(sorted(filterfalse(own.names.is_abstract, own.agents)))

    def check(self, *manifests: File) -> tuple[Diagnostic, ...]:
        """Return the findings of `--check`: problems in the sources, and outputs that are out of date.

        Raises:
            AssembleError: the settings are invalid, or a manifest does not exist.
        """
        return tuple(self._run(manifests, RunOptions(check=True)).findings)

    def render(self, manifest: File) -> tuple[Artifact, ...]:
        """Return the generated files of one manifest, one per target, without writing them.

        Those of instructions are sections of files, which several targets share.

        Raises:
            AssembleError: the sources have errors, which are in its `diagnostics`, or the manifest does not exist.
        """
        own = self._load()
        policy, (file,) = Policy.of(own), _files(own, (manifest,))
        found, artifacts = preview(own, file, policy.ignore)
        counted = policy.weigh(found)
        if has_errors(counted):
            raise AssembleError(f"{manifest} has errors", diagnostics=counted)
        return tuple(artifacts)

    def plan(self, *manifests: File) -> Plan:
        """Return the diagnostics, sorted by location, and the changes that a build would make, with their bytes.

        Raises:
            AssembleError: the settings are invalid, or a manifest does not exist.
        """
        own = self._load()
        refuse_home(own)
        policy = Policy.of(own)
        plan = plan_kit(own, _files(own, manifests), not manifests, policy.ignore)
        found = policy.weigh((*plan.diagnostics, *plan.about_files))
        return plan._replace(diagnostics=tuple(found), about_files=())

    def apply(self, changes: Iterable[Change], force: bool = False, prune: bool = False) -> tuple[Change, ...]:
        """Make the changes that are allowed, and return those with their new status.

        `force` allows overwriting edited and foreign files, `prune` allows deleting orphans. A file that somebody else
        changed after it was planned is kept and returned as edited, without `applied`. Check the diagnostics of the
        plan first: unlike `build`, this method also applies a plan with errors.

        Raises:
            AssembleError: a file cannot be written, or the settings are invalid.
        """
        policy = WritePolicy(force, prune)
        return tuple(write(self._load(), list(filter(policy.covers, changes)), policy))

    def build(self, *manifests: File, force: bool = False, prune: bool = False) -> RunResult:
        """Build these manifests as the command does: plan, write unless there is an error, and return the result.

        Raises:
            AssembleError: the settings are invalid, a manifest does not exist, or a file cannot be written.
        """
        return self._run(manifests, RunOptions(write_policy=WritePolicy(force, prune)))

    def _run(self, manifests: Sequence[File], options: RunOptions) -> RunResult:
        own = self._load()
        options = options._replace(policy=Policy.of(own))
        return run(own, _files(own, manifests), not manifests, options)

    def _load(self) -> kit.LoadedKit:
        return load_kit(self._folder, self._targets, for_user=self._for_user)


def _files(own: kit.LoadedKit, manifests: Sequence[File]) -> list[str]:
    named = {normalize(os.fspath(file)) for file in manifests}
    for file in sorted(named.difference(own.manifests)):
        raise AssembleError(f"`{file}` is not a manifest of the kit in `{own.folder}`")
    return sorted(named or own.manifests)
