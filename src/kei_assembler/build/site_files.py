"""Write a site to a folder: its own files are created, updated and deleted, and nothing else is touched.

A file in the folder lists the paths and the digests of what was written, in the format of `sha256sum`. A file of the
site is its own as long as it has a digest from there. While the site is written, the list has the old digests and the
new ones, so that an interrupted run can be repeated.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

from kei_assembler import lazy_re
from kei_assembler.build.changes import MAX_OUTPUT_BYTES
from kei_assembler.build.writer import replace_planned
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.files.atomic import is_temporary
from kei_assembler.files.tree import Tree
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.discovery import resolved
from kei_assembler.paths import display_path, is_inside
from kei_assembler.records import NamedTuple

LIST = "assemble-catalog.sha256"
"""The file that lists what was written."""

_LINE = lazy_re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<path>(?:[a-z]+/)?[a-z0-9][a-z0-9._-]*\.(?:html|css|js|svg))")

Digests = dict[str, frozenset[str]]
"""The digests that each file may have, by its path."""


class Site(NamedTuple):
    """What a run did: the number of all files of the site, and of those that it created, updated and deleted.

    `edited` are the paths of files that the site no longer has, and that were kept because somebody has edited them.
    """

    total: int
    created: int
    updated: int
    deleted: int
    edited: tuple[str, ...]


class _Change(NamedTuple):
    path: str
    before: bytes | None
    after: bytes | None


def site_folder(kit: LoadedKit, folder: str) -> str:
    """Return the resolved path of a folder for a site, given by its absolute path.

    Raises:
        AssembleError: it is a file, has other files than those of a site, lies in a folder of the kit's sources, or a
            link to it leads out of the git work tree.
    """
    real, name = resolved(folder), display_path(folder)
    if DISK.exists(real) and not DISK.is_folder(real):
        raise AssembleError(f"`{name}` is not a folder", "name a new or an empty folder")
    settings = kit.settings
    for source in (*settings.manifests, *settings.blocks, settings.templates):
        above = DISK.resolve(kit.path(source))
        if above != DISK.resolve(kit.folder) and is_inside(real, above):
            raise AssembleError(f"`{name}` lies in the kit's own folder `{source}`", "name a folder outside it")
    try:
        names = {entry.name for entry in DISK.list(real) if not is_temporary(entry.name)}
    except OSError as error:
        raise AssembleError(f"the folder `{name}` cannot be read: {error.strerror}") from error
    if names and LIST not in names:
        raise AssembleError(
            f"`{name}` has files that are not a catalog",
            "name a new or an empty folder, or one with a catalog that this command wrote",
        )
    return real


def write_site(folder: str, files: Mapping[str, bytes]) -> Site:
    """Write the files of a site to a folder, given by its resolved path, and return what was done.

    If one of its paths has a file that the command did not write or that somebody has edited, nothing is written.

    Raises:
        AssembleError: a file is somebody else's, or cannot be read or written.
    """
    tree = Tree(folder, name="the folder of the catalog")
    listed = _current(tree, LIST)
    known = _parsed(listed or b"")
    changes, edited = _planned(tree, known, files)
    after = _as_text(
        {path: frozenset([_digest(content)]) for path, content in files.items()}
        | {path: known[path] for path in edited}
    )
    if changes or listed != after:
        for name in sorted({os.path.dirname(path) for path in (*files, *known)}):
            tree.remove_stale_temp_files(os.path.join(tree.folder, name))
        during = {change.path: frozenset([_digest(change.after)]) for change in changes if change.after is not None}
        both = _as_text(
            {path: known.get(path, frozenset()) | during.get(path, frozenset()) for path in {*known, *during}}
        )
        first = _Change(LIST, listed, both)
        for change in (first, *changes, _Change(LIST, both, after)):
            replace_planned(tree, os.path.join(tree.folder, change.path), change.before, change.after)
    created = sum(change.before is None for change in changes)
    deleted = sum(change.after is None for change in changes)
    return Site(len(files), created, len(changes) - created - deleted, deleted, edited)


def _planned(tree: Tree, known: Digests, files: Mapping[str, bytes]) -> tuple[list[_Change], tuple[str, ...]]:
    """The changes to make, with deletions at the end, and the files that stay because somebody has edited them."""
    changes, edited = [], []
    for path, content in files.items():
        before = _current(tree, path)
        if before not in (None, content) and _digest(before or b"") not in known.get(path, ()):
            what = "was edited since it was written" if path in known else "was not written by this command"
            raise AssembleError(f"`{_shown(tree, path)}` {what}", _WAY_OUT)
        if before != content:
            changes.append(_Change(path, before, content))
    for path in sorted(known.keys() - files.keys()):
        before = _current(tree, path)
        if before is not None and _digest(before) in known[path]:
            changes.append(_Change(path, before, None))
        elif before is not None:
            edited.append(path)
    return changes, tuple(edited)


def _current(tree: Tree, path: str) -> bytes | None:
    """The content of a file of the site, or None if it does not exist."""
    try:
        return tree.read(os.path.join(tree.folder, path), _MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise AssembleError(f"`{_shown(tree, path)}` cannot be read: {error.strerror}", _WAY_OUT) from error


def _shown(tree: Tree, path: str) -> str:
    return display_path(os.path.join(tree.folder, path))


_WAY_OUT = "move or delete it, or name another folder"

_MAX_BYTES = 16 * MAX_OUTPUT_BYTES
"""The largest file that is read. What is longer has another digest than any file of a site."""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _as_text(digests: Digests) -> bytes:
    return "".join(f"{digest}  {path}\n" for path in sorted(digests) for digest in sorted(digests[path])).encode()


def _parsed(content: bytes) -> Digests:
    """The digests in a list, without lines that a site cannot have: the list can come from a stranger."""
    found: Digests = {}
    for line in content.decode(errors="replace").split("\n"):
        if match := _LINE.fullmatch(line):
            found[match["path"]] = found.get(match["path"], frozenset()) | {match["digest"]}
    return found
