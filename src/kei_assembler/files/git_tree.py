"""The committed state of a work tree: the files that a commit has, read from git's objects.

Neither the index nor the work tree is read or written. One process of git answers with a folder or a file when it is
asked for, so that the size of the repository does not matter. Contents are as git stores them:

- Line endings and encodings are not converted, and keywords are not expanded, whatever `.gitattributes` says.
- A file in Git LFS cannot be read, since git only has a pointer to it.
- A submodule has the content of its commit if the work tree has the submodule and its repository has the commit.
  Otherwise, it is an empty folder. Its `.git` does not exist.
- Names are compared exactly, also where the file system ignores case.
- Names that git refuses to check out, such as `.git`, are left out.
- Where git checks out links as files (`core.symlinks`), they are files.

Outside of the work tree, and in its `.git`, the files are those on disk.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from itertools import takewhile

from kei_assembler import lazy_re
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK, Entry
from kei_assembler.files.folder import Root
from kei_assembler.files.git_index import Git
from kei_assembler.files.git_objects import Objects
from kei_assembler.files.recorder import RECORDER
from kei_assembler.files.revisions import work_tree
from kei_assembler.paths import is_in_git_folder, is_inside, normalize, upwards
from kei_assembler.records import NamedTuple

MAX_FOLDER_BYTES = 64 * 1024 * 1024
"""The maximum size of a tree object: more than a million entries."""

_MAX_LINKS = 40
_MAX_PATH = 4096
_LINK, _SUBMODULE = 0o120000, 0o160000
_LFS_POINTER = lazy_re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:[a-z0-9.-]+ [^\n]*\n)*size \d+\n")
"""See docs/spec.md of Git LFS."""


def tree_at(folder: str, commit: str) -> GitTree:
    """Return the files of the work tree around a folder as a commit has them. Paths are those of the work tree.

    `folder` is an absolute path, and need not exist in the commit. `commit` is the full id of a commit, as `revision`
    returns it.

    Raises:
        AssembleError: the folder is not in a git work tree.
    """
    return GitTree(work_tree(folder), folder, commit)


class _Node(NamedTuple):
    """An entry of a folder: the type bits of its mode, the id of its object, and the repository that has the object."""

    kind: int
    id: str
    objects: Objects

    @property
    def is_link(self) -> bool:
        return self.kind == _LINK

    @property
    def is_folder(self) -> bool:
        return self.kind in (stat.S_IFDIR, _SUBMODULE)


class GitTree:
    """The files that a commit has; see `Files`. Close it after use, which ends the processes of git.

    All methods raise AssembleError if git cannot read an object, for example because a partial clone lacks it.
    """

    def __init__(self, git: Git, folder: str, commit: str) -> None:
        self._git = git
        self._folder = folder
        self._commit = commit
        self._top = _Node(stat.S_IFDIR, f"{commit}^{{tree}}", Objects(git))
        self._submodules: list[Objects] = []
        self._folders: dict[str, dict[str, _Node]] = {}
        """The entries of the folders that are known so far, by their resolved paths."""
        self._makes_links: bool | None = None
        RECORDER.stop()  # the next run can depend on another commit, whatever is on disk

    def close(self) -> None:
        """End the processes of git."""
        for objects in (self._top.objects, *self._submodules):
            objects.close()

    def read(self, path: str, max_bytes: int, root: Root | None = None) -> bytes:
        """See `Files.read`. A pointer of Git LFS cannot be read."""
        real = path if root else self.resolve(path)
        if not self._holds(real):
            return DISK.read(real, max_bytes, root)
        if root and not is_inside(os.path.dirname(real), root.path):
            raise OSError(errno.EXDEV, "it is outside the folder to read from")
        node = self._node(real)
        if node is None or node.kind != stat.S_IFREG:
            raise self._unreadable(real)
        content = self._content(real, node, max_bytes)
        if _LFS_POINTER.fullmatch(content):
            raise OSError(errno.ENODATA, "its content is in Git LFS, which a commit only points to")
        return content

    def list(self, folder: str, source_suffix: str | None = None) -> list[Entry]:
        """See `Files.list`."""
        real = self.resolve(folder)
        if not self._holds(real):
            return DISK.list(real, source_suffix)
        if not self.is_folder(real) and (error := self._unreadable(real)).errno == errno.ELOOP:
            raise error
        own = [
            Entry(name, node.is_link, self.is_folder(os.path.join(real, name)) if node.is_link else node.is_folder)
            for name, node in self._entries(real).items()
        ]
        return own if real != self._git.top else [*own, Entry(".git", *self._git_folder())]

    def _git_folder(self) -> tuple[bool, bool]:
        path = os.path.join(self._git.top, ".git")
        return DISK.is_link(path), DISK.is_folder(path)

    def resolve(self, path: str) -> str:
        """See `Files.resolve`."""
        inside = is_inside(path, self._git.top)
        drive, rest = os.path.splitdrive(path if os.path.isabs(path) else os.path.join(os.getcwd(), path))
        real = self._git.top if inside else drive + os.sep
        parts = (path[len(self._git.top) :] if inside else rest).split(os.sep)[::-1]
        links = 0
        while parts:
            part = parts.pop()
            if part in ("", os.curdir):
                continue
            if part == os.pardir:
                real = os.path.dirname(real)
                continue
            link = os.path.join(real, part)
            target = self._target(link)
            if target is None:
                real = link
                is_missing = self._holds(link) and self._node(link) is None
                if is_missing and os.pardir not in parts:  # nothing below it exists
                    return os.path.normpath(os.path.join(link, *parts[::-1]))
                continue
            links += 1
            if links > _MAX_LINKS:  # most likely, they lead to each other
                return os.path.normpath(os.path.join(link, *parts[::-1]))
            drive, rest = os.path.splitdrive(target)
            real = (drive or os.path.splitdrive(real)[0]) + os.sep if os.path.isabs(target) else real
            parts += rest.split(os.sep)[::-1]
        return real

    def exists(self, path: str) -> bool:
        """See `Files.exists`."""
        real = self._located(path)
        if real is None:
            return self.is_folder(path)
        if not self._holds(real):
            return DISK.exists(real)
        return self._node(real) is not None

    def is_folder(self, path: str) -> bool:
        """See `Files.is_folder`."""
        real = self.resolve(path)
        if not self._holds(real):
            return DISK.is_folder(real)
        node = self._node(real)
        return node is not None and node.is_folder

    def is_link(self, path: str) -> bool:
        """See `Files.is_link`."""
        real = self._located(path)
        if real is None:
            return False
        if not self._holds(real):
            return DISK.is_link(real)
        node = self._node(real)
        return node is not None and node.is_link

    def _located(self, path: str) -> str | None:
        """The path with the links to its folder resolved, or None if it has no name at its end."""
        folder, name = os.path.split(path)
        return None if name in ("", os.curdir, os.pardir) else os.path.join(self.resolve(folder), name)

    def _holds(self, real: str) -> bool:
        top = self._git.top
        return is_inside(real, top) and not is_inside(real, os.path.join(top, ".git"))

    def _node(self, real: str) -> _Node | None:
        if real == self._git.top:
            return self._top
        folder, name = os.path.split(real)
        return self._entries(folder).get(name)

    def _entries(self, real: str) -> dict[str, _Node]:
        """The entries of a folder; none for what is not a folder."""
        if real in self._folders or len(real) > _MAX_PATH:
            return self._folders.get(real, {})
        unknown = list(takewhile(lambda above: above not in self._folders, upwards(real, self._git.top)))
        for folder in reversed(unknown):
            node = self._node(folder)
            if node is None or not node.is_folder:
                return {}
            self._folders[folder] = self._loaded(folder, node)
        return self._folders[real]

    def _loaded(self, real: str, node: _Node) -> dict[str, _Node]:
        if node.kind == _SUBMODULE:
            found = self._commit_of_submodule(real, node)
            return self._loaded(real, found) if found else {}
        raw = self._content(real, node, MAX_FOLDER_BYTES)
        if len(raw) > MAX_FOLDER_BYTES:
            raise AssembleError(f"{self._named(real)} has too many entries")
        try:
            nodes = _parsed(raw, len(self._commit) // 2, node.objects)
            return {name: self._as_checked_out(found) for name, found in nodes}
        except (ValueError, OverflowError):
            raise self._damaged(real) from None

    def _commit_of_submodule(self, real: str, node: _Node) -> _Node | None:
        """The top folder of a submodule's commit, or None if it is not here."""
        if DISK.resolve(real) != real or not DISK.exists(os.path.join(real, ".git")):
            return None
        objects = Objects(Git.of(real, is_here=False))
        self._submodules.append(objects)
        found = _Node(stat.S_IFDIR, f"{node.id}^{{tree}}", objects)
        return found if objects.read(found.id, MAX_FOLDER_BYTES) is not None else None

    def _as_checked_out(self, node: _Node) -> _Node:
        if not node.is_link:
            return node
        if self._makes_links is None:
            args = ("config", "--type=bool", "--default=true", "--get", "core.symlinks")
            self._makes_links = self._git.run(*args, purpose="read its settings") != b"false\n"
        return node if self._makes_links else node._replace(kind=stat.S_IFREG)

    def _target(self, path: str) -> str | None:
        """The target of a link, or None if there is no link, or if its target cannot be a path."""
        if not self._holds(path):
            return os.readlink(path) if os.path.islink(path) else None
        node = self._node(path)
        if node is None or not node.is_link:
            return None
        raw = self._content(path, node, _MAX_PATH)
        is_path = 0 < len(raw) <= _MAX_PATH and b"\0" not in raw
        return os.fsdecode(raw).replace("/", os.sep) if is_path else None

    def _content(self, real: str, node: _Node, max_bytes: int) -> bytes:
        content = node.objects.read(node.id, max_bytes)
        if content is None:
            raise self._damaged(real)
        return content

    def _unreadable(self, real: str) -> OSError:
        """The error to report for a path that is not a file."""
        if len(real) > _MAX_PATH:
            return _error(errno.ENAMETOOLONG)
        nearest = next(node for above in upwards(real, self._git.top) if (node := self._node(above)))
        if nearest.is_link:
            return _error(errno.ELOOP)
        if not nearest.is_folder:
            return _error(errno.ENOTDIR)
        return OSError(errno.EISDIR, "it is a folder") if self._node(real) else _error(errno.ENOENT)

    def _damaged(self, real: str) -> AssembleError:
        """The error to report for an object that git cannot read."""
        what = self._named(real)
        args = ("config", "--get-regexp", r"^(remote\..*\.promisor|extensions\.partialclone)$")
        if not self._git.run(*args, may_fail=True, purpose="read its settings"):
            return AssembleError(f"git cannot read {what}", "run `git fsck` to see if the repository is damaged")
        folder = self._folder if is_inside(real, self._folder) else self._git.top
        hint = f"to fetch it, run `git archive --output=/dev/null {self._commit}` in {folder}"
        return AssembleError(f"this partial clone lacks {what}", hint)

    def _named(self, real: str) -> str:
        return f"`{normalize(os.path.relpath(real, self._git.top))}` of the commit {self._commit[:12]}"


def _parsed(raw: bytes, id_length: int, objects: Objects) -> Iterator[tuple[str, _Node]]:
    """Yield the names and entries of a tree object, except names that git refuses to check out.

    Each entry is the octal mode, a space, the name, a null byte and the bytes of the id; see "Tree Objects" in the book
    "Pro Git", and `verify_path` in git's read-cache.c.

    Raises:
        ValueError, OverflowError: this is not a tree object.
    """
    start = 0
    while start < len(raw):
        space = raw.index(b" ", start)
        end = raw.index(b"\0", space)
        name = os.fsdecode(raw[space + 1 : end])
        kind = stat.S_IFMT(int(raw[start:space], 8))
        kind = kind if kind in (stat.S_IFREG, stat.S_IFDIR, _LINK) else _SUBMODULE  # as git does
        start = end + 1 + id_length
        is_refused = name in ("", os.curdir, os.pardir) or "/" in name or os.sep in name or is_in_git_folder(name)
        if not is_refused:
            yield name, _Node(kind, raw[end + 1 : start].hex(), objects)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
