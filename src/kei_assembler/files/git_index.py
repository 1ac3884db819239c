"""Ask git about the index of a work tree."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kei_assembler.diagnostics import AssembleError
from kei_assembler.paths import is_inside

_OF_ONE_WORK_TREE = frozenset(
    "GIT_COMMON_DIR GIT_DIR GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_PREFIX GIT_WORK_TREE".split()
)


class Git(NamedTuple):
    """A git work tree: its top folder, and the environment in which to run git."""

    top: str
    environment: Mapping[str, str]

    @classmethod
    def of(cls, top: str, is_here: bool) -> Git:
        """Return the work tree with this top folder, a resolved path.

        `is_here` says that the working directory is in this work tree. Otherwise, variables such as `GIT_DIR`, which
        git sets for hooks, are dropped: they describe the work tree of the working directory.
        """
        return cls(top, {name: value for name, value in os.environ.items() if is_here or name not in _OF_ONE_WORK_TREE})

    def run(self, *args: str) -> bytes:
        """Run git in the top folder, to which the relative paths in its variables refer, and return its output.

        Raises:
            AssembleError: git is not installed, or it fails.
        """
        command = ["git", "--literal-pathspecs", *args]
        try:
            return subprocess.run(command, cwd=self.top, env=self.environment, capture_output=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            reason = getattr(error, "stderr", b"") or str(error).encode()
            raise AssembleError(f"git cannot read the index: {reason.decode(errors='replace').strip()}") from error

    def listed(self, paths: Iterable[str], *args: str) -> list[str]:
        """Return the absolute paths of the files that `git ls-files` lists at these absolute paths.

        Raises:
            AssembleError: git is not installed, or it fails.
        """
        inside = [os.path.relpath(path, self.top) for path in paths if is_inside(path, self.top)]
        names = self.run("ls-files", "-z", *args, "--", *inside).split(b"\0")[:-1]
        return [os.path.join(self.top, os.fsdecode(name)) for name in dict.fromkeys(names)]
