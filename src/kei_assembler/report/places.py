"""The paths in reports that a service reads: relative to the top of the repository, where it looks for them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from kei_assembler.build.result import RunResult
from kei_assembler.files import DISK
from kei_assembler.files.work_tree import git_top
from kei_assembler.paths import display_path_from, is_inside, normalize

_WORKSPACES = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""The variables in which GitHub and GitLab name the folder that they check a repository out to."""


class Places:
    """The folder that all paths of a report are relative to, `base`, and the paths of the files in the report.

    `base` is the folder that the environment variable `first` names, if the kits lie in it. Otherwise, it is the top of
    their git work tree. Without a work tree, or with several, it is the folder that the CI service works in, if it
    names one. Otherwise it is the working directory, or the folder of a kit that lies elsewhere.
    """

    def __init__(self, results: Sequence[RunResult], first: str = "") -> None:
        here = _working_directory()
        folders = [result.request.folder or here for result in results] or [here]
        tops = {git_top(folder) for folder in folders}
        candidates = [os.environ.get(first) if first else None]
        candidates += tops if len(tops) == 1 else []
        candidates += map(os.environ.get, _WORKSPACES)
        bases = [DISK.resolve(candidate) for candidate in candidates if candidate]
        bases += [here] if len(folders) == 1 else []
        fallback = folders[0] if len(folders) == 1 else here
        self.base = next((base for base in bases if all(is_inside(folder, base) for folder in folders)), fallback)

    def path(self, result: RunResult, file: str) -> str:
        """Return the path of a file of a kit, relative to the base, with `/`. It starts with `../` outside the base."""
        if os.path.isabs(file):
            return display_path_from(self.base, file)
        folder = display_path_from(self.base, result.request.folder or self.base)
        return normalize(f"{folder}/{file}")


def _working_directory() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was deleted; the report says so
        return os.sep
