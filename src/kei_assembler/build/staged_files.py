"""The files of a kit that differ between git's index and the disk, so that a commit would contain a different kit."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from enum import Enum
from itertools import chain

from kei_assembler.build.changes import MAX_OUTPUT_BYTES, FileStatus
from kei_assembler.build.classify import classify_leftover
from kei_assembler.build.schema_files import SCHEMA_FILES
from kei_assembler.files.git_index import Entry, Git
from kei_assembler.files.work_tree import git_at, git_top
from kei_assembler.kit import PROJECT_FILE, SETTINGS_FILE, LoadedKit
from kei_assembler.kit.role_files import role_file_in
from kei_assembler.kit.template_files import BODY_TEMPLATES
from kei_assembler.paths import is_hidden, is_inside, normalize, upwards
from kei_assembler.records import NamedTuple
from kei_assembler.targets import TARGETS


class Unstaged(NamedTuple):
    """Why a file is not staged: git ignores it, or it lies in another repository, whose folder is given."""

    is_ignored: bool = False
    repository: str = ""
    is_output: bool = False


class Staging(NamedTuple):
    """How the files of a kit differ from what its settings say about git. Paths are relative to the kit, and sorted.

    `unstaged` contains the files that differ between the index and the disk. If outputs are not committed, `tracked`
    contains those that git tracks, each with the folder of its repository if that is not the kit's own, and `visible`
    those that git does not ignore.
    """

    unstaged: dict[str, Unstaged]
    tracked: dict[str, str]
    visible: tuple[str, ...]


def compare(kit: LoadedKit, outputs: Iterable[str], schemas: Iterable[str]) -> Staging:
    """Compare the files of a kit with git's index.

    These are the given outputs and schema files, the sources, and deleted files that were a source or an output. A
    `pyproject.toml` is left out, since it is not only about the kit, and so are ignored files next to templates and
    files outside the work tree. In the result, links are resolved.

    Raises:
        AssembleError: git is not installed, or the kit is not in a work tree, or a file cannot be read.
    """
    index = _Index(kit)
    wanted = {*schemas, *kit.sources(), SETTINGS_FILE, *SCHEMA_FILES} - {PROJECT_FILE}
    real_outputs, others = (
        {real for path in paths for real in _real_paths(kit, path) if is_inside(real, index.git.top)}
        for paths in (outputs, wanted)
    )
    index.load(real_outputs | others)
    gone = {path: was for path in index.entries.keys() - real_outputs - others if (was := _was(kit, index, path))}
    own, tracked = real_outputs | others, set[str]()
    if not kit.settings.commit_outputs:
        own = others
        tracked = (real_outputs - others) & index.entries.keys()
        tracked |= {path for path, was in gone.items() if was is _Was.OUTPUT}
    differing = {path for path in own if index.differs(path)} | (gone.keys() - tracked)
    differing |= set(_deleted_role_files(kit, index, differing))
    untracked = real_outputs - own - index.entries.keys()
    ignored = index.git.ignored(sorted((differing | untracked) - index.entries.keys()))
    beside_templates = {real for path in kit.templates() for real in _real_paths(kit, path)} & ignored
    return Staging(
        {
            _relative(kit, path): Unstaged(path in ignored, index.repository(path), path in real_outputs - others)
            for path in sorted(differing - beside_templates)
        },
        {_relative(kit, path): index.repository(path) for path in sorted(tracked)},
        tuple(_relative(kit, path) for path in sorted(untracked - ignored) if not index.repository(path)),
    )


def stageable(kit: LoadedKit, written: Iterable[str], deleted: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return which of these files of the kit git can add and remove once they are written or deleted.

    The paths are absolute. Ignored files, files in other repositories and deleted files that git does not track are
    left out.

    Raises:
        AssembleError: git is not installed, or it fails.
    """
    index = _Index(kit)
    real = {kit.files.resolve(kit.path(path)) for path in written}
    gone = {_real_paths(kit, path)[0] for path in deleted}
    index.load({path for path in real | gone if is_inside(path, index.git.top)})
    untracked = {path for path in real - index.entries.keys() if is_inside(path, index.git.top)}
    new = untracked - index.git.excluded(untracked)
    added, removed = (real & index.entries.keys()) | new, gone & index.entries.keys()
    own = [sorted(path for path in paths if not index.repository(path)) for paths in (added, removed)]
    return own[0], own[1]


class _Index:
    """What git would commit of a kit: the entries of the index, and of the commits of submodules, with their `Git`."""

    def __init__(self, kit: LoadedKit) -> None:
        self._kit = kit
        self.git = git_at(git_top(kit.folder) or kit.folder)
        self.entries: dict[str, tuple[Git, Entry]] = {}

    def load(self, files: Collection[str]) -> None:
        """Load the entries of these files, and of everything else in their folders and in those of sources."""
        folders = {self._kit.files.resolve(self._kit.path(folder)) for folder, _ in _source_folders(self._kit)}
        # Only at the top, ask for the files themselves, not for everything in their folder.
        folders |= {file if os.path.dirname(file) == self.git.top else os.path.dirname(file) for file in files}
        paths = sorted({*folders, *self._tops_above(folders)})
        pending = [(self.git, path, entry) for path, entry in self.git.entries(paths).items()]
        while pending:
            git, path, entry = pending.pop()
            if not entry.is_submodule:
                self.entries[path] = git, entry
            elif any(is_inside(file, path) for file in files) and self._is_top(path):
                inner = Git.of(path, is_here=False)
                pending += [(inner, *found) for found in inner.entries_of_commit(entry.blob).items()]

    def _tops_above(self, folders: Iterable[str]) -> set[str]:
        """The top folders of other repositories around these folders, in this work tree."""
        inside = {
            above for folder in folders if is_inside(folder, self.git.top) for above in upwards(folder, self.git.top)
        }
        return {folder for folder in inside if folder != self.git.top and self._is_top(folder)}

    def _is_top(self, folder: str) -> bool:
        dot_git = os.path.join(folder, ".git")
        return self._kit.files.exists(dot_git) and (
            not self._kit.files.is_folder(dot_git) or self._kit.files.exists(os.path.join(dot_git, "HEAD"))
        )

    def differs(self, path: str) -> bool:
        """Return whether a file on disk differs from its entry, or has none."""
        found = self.entries.get(path)
        return not found[0].has(path, found[1]) if found else self._kit.files.exists(path)

    def repository(self, path: str) -> str:
        """Return the folder of the repository that a file is in, relative to the kit, or "" for the kit's own."""
        tops = self._tops_above([os.path.dirname(path)])
        return _relative(self._kit, max(tops, key=len)) if tops else ""


def _real_paths(kit: LoadedKit, file: str) -> tuple[str, str]:
    """The paths of a file, and of its target if it is a link, since git tracks both."""
    folder, name = os.path.split(kit.path(file))
    return os.path.join(kit.files.resolve(folder), name), kit.files.resolve(kit.path(file))


def _relative(kit: LoadedKit, path: str) -> str:
    return normalize(os.path.relpath(path, kit.files.resolve(kit.folder)))


def _source_folders(kit: LoadedKit) -> Iterator[tuple[str, str]]:
    """The folders of sources, with the suffix of the sources' names."""
    settings = kit.settings
    yield from ((folder, ".toml") for folder in settings.manifests)
    yield from ((folder, ".md") for folder in settings.blocks)
    is_own = any(os.path.basename(file) in BODY_TEMPLATES.values() for file in kit.templates())
    yield settings.templates, "" if is_own else ".j2"


_MAX_STAGED_BYTES = 64 * 1024 * 1024


def _deleted_role_files(kit: LoadedKit, index: _Index, differing: Iterable[str]) -> Iterator[str]:
    """Yield the deleted files that git tracks and that staged versions of these manifests name as the role's file."""
    folder, suffix = next(_source_folders(kit))
    manifests = [path for path in differing if _was_source(kit, path, folder, suffix)]
    entries = [index.entries[path] for path in manifests if path in index.entries]
    tops = {git.top: git for git, _ in entries}
    blobs = {top: [entry.blob for git, entry in entries if git.top == top] for top in tops}
    contents = (tops[top].blobs(ids, _MAX_STAGED_BYTES).values() for top, ids in blobs.items())
    files = {file for content in chain.from_iterable(contents) if (file := role_file_in(content))}
    real = [path for file in files if is_inside(path := _real_paths(kit, file)[0], index.git.top)]
    if real:
        index.load(real)
    for path in real:
        if path in index.entries and not index.entries[path][1].is_skipped and not kit.files.exists(path):
            yield path


class _Was(Enum):
    """What a deleted file was."""

    SOURCE = "source"
    OUTPUT = "output"


def _was(kit: LoadedKit, index: _Index, path: str) -> _Was | None:
    """What a deleted file was to this kit, or None if it did not belong to it."""
    if index.entries[path][1].is_skipped or kit.files.exists(path):
        return None
    if any(_was_source(kit, path, *source) for source in _source_folders(kit)):
        return _Was.SOURCE
    return _Was.OUTPUT if _was_generated(kit, index, path) else None


def _was_source(kit: LoadedKit, path: str, folder: str, suffix: str) -> bool:
    real = kit.files.resolve(kit.path(folder))
    return path.endswith(suffix) and is_inside(path, real) and not is_hidden(normalize(os.path.relpath(path, real)))


def _was_generated(kit: LoadedKit, index: _Index, path: str) -> bool:
    git, entry = index.entries[path]
    if entry.stages != "0":  # during a merge, the index has several versions of a conflicting file
        return True
    content = git.blobs([entry.blob], MAX_OUTPUT_BYTES).get(entry.blob, b"")
    leftovers = (classify_leftover(kit, _relative(kit, path), target, content) for target in TARGETS)
    return any(leftover and leftover.status is FileStatus.ORPHAN for leftover in leftovers)
