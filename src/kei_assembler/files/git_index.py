"""Asking git: which files of a work tree its index has, and as what."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kei_assembler.diagnostics import AssembleError
from kei_assembler.paths import is_inside

_OF_ONE_WORK_TREE = (
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)


class Git(NamedTuple):
    """A git work tree: its top, and the environment to ask in."""

    top: str
    environment: Mapping[str, str]

    @classmethod
    def of(cls, top: str, is_here: bool) -> Git:
        """Return the work tree with this top, a resolved path; `is_here` if the working directory lies in it.

        The variables that a hook gets are about the work tree of its working directory, which can be another one.
        """
        return cls(top, {name: value for name, value in os.environ.items() if is_here or name not in _OF_ONE_WORK_TREE})

    def told(self, *args: str) -> bytes:
        """Return what git says at the top, where relative paths in its environment start from.

        Raises AssembleError if there is no git, or it fails.
        """
        command = ["git", "--literal-pathspecs", *args]
        try:
            return subprocess.run(command, cwd=self.top, env=self.environment, capture_output=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            told = getattr(error, "stderr", b"") or str(error).encode()
            raise AssembleError(f"git cannot tell what is staged: {told.decode(errors='replace').strip()}") from error

    def listed(self, paths: Iterable[str], *args: str) -> list[str]:
        """Return the files that git lists at these absolute paths, which are absolute as well."""
        inside = [os.path.relpath(path, self.top) for path in paths if is_inside(path, self.top)]
        names = self.told("ls-files", "-z", *args, "--", *inside).split(b"\0")[:-1]
        return [os.path.join(self.top, os.fsdecode(name)) for name in dict.fromkeys(names)]
