"""The record of the last writes: what the tool last wrote to the outputs of a kit, in git's own folder.

There, neither a commit nor a pull request can contain it, and each linked work tree has its own. The record of a kit is
a file with a line for each output or section: the SHA-256 of its text without the stamp, the name of the section, and
the path. While outputs are written, they have two lines: for the old text and for the new one. What is not such a line
counts as missing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import closing
from functools import cached_property
from hashlib import sha256

from kei_assembler import lazy_re
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK, atomic
from kei_assembler.files.folder import Folder, Root
from kei_assembler.files.recorder import RECORDER
from kei_assembler.files.work_tree import git_folder, git_top

Part = tuple[str, str]
"""An output, or a section of one: the path relative to the kit, and the name of the section, or ""."""

Digests = Mapping[Part, frozenset[str]]
"""The digests that a part may have."""

MAX_BYTES = 32 * 1024 * 1024
"""The maximum size of a record: what some 300,000 outputs need. Beyond that, a record starts again."""

_FOLDER, _LOCK = "assemble", "lock"
_HEAD = "# What `assemble` last wrote, for the setting `stamp`. Nothing is lost if this file is deleted.\n"
_LINE = lazy_re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<section>[^\t]*)\t(?P<path>[^\t]+)")


class WriteRecord:
    """The record of a kit. `folder` is the kit's, and `variant` tells other outputs of the same kit apart."""

    def __init__(self, folder: str, variant: str = "") -> None:
        self._folder = folder
        self._variant = variant

    @cached_property
    def _path(self) -> str:
        """The path of the file, or "" outside of work trees."""
        if (top := git_top(self._folder)) is None:
            return ""
        kit = os.path.relpath(DISK.resolve(self._folder), DISK.resolve(top))
        name = sha256(os.fsencode(f"{kit}\0{self._variant}")).hexdigest()[:16]
        return os.path.join(git_folder(top), _FOLDER, name)

    @cached_property
    def digests(self) -> Digests:
        """What the tool last wrote. Without a readable record, it is unknown.

        Raises:
            AssembleError: git cannot tell where its folder is.
        """
        return _parsed(self._content())

    def update(self, digests: Mapping[Part, str], *, keeps: bool = False) -> None:
        """Record the digest of what each of some parts has, or "" if it is gone.

        If it `keeps` the former digests, they count as well: the parts are about to be written.

        Raises:
            AssembleError: the record cannot be written, or git cannot tell where its folder is.
        """
        if not (self._path and digests):
            return
        try:
            if _changed(self._content(), digests, keeps):
                self._write(digests, keeps)
        except OSError as error:
            message = f"{self._path}, the record of the last writes, cannot be written: {error.strerror or error}"
            raise AssembleError(message, 'allow it, or set `stamp = "digest"`, which needs no record') from error
        self.__dict__.pop("digests", None)

    def _write(self, digests: Mapping[Part, str], keeps: bool) -> None:
        folder, name = os.path.split(self._path)
        with (
            closing(Folder(folder, Root.at(os.path.dirname(folder)), create=0o777)) as opened,
            atomic.locked(opened, _LOCK),
        ):
            atomic.remove_stale_temp_files(opened)
            before = self._content()
            after = _changed(before, digests, keeps)
            if after is None:  # another run has just written the same
                return
            if (before is None or len(before) > MAX_BYTES) and opened.exists(name):  # no run wrote that
                opened.delete(name)
                before = None
            if not atomic.replace(opened, name, before, after):
                raise OSError(errno.EBUSY, "another program is changing it")
            RECORDER.record_written(self._path, after)

    def _content(self) -> bytes | None:
        """The bytes of the file, or None if it does not exist or cannot be read."""
        try:
            folder = os.path.dirname(os.path.dirname(self._path))
            return DISK.read(self._path, MAX_BYTES, Root(folder)) if self._path else None
        except OSError:
            return None


def _parsed(content: bytes | None) -> Digests:
    found: dict[Part, frozenset[str]] = {}
    for line in (content or b"").decode(errors="surrogateescape").split("\n"):
        if match := _LINE.fullmatch(line):
            part = match["path"], match["section"]
            found[part] = found.get(part, frozenset()) | {match["digest"]}
    return found


def _changed(content: bytes | None, digests: Mapping[Part, str], keeps: bool) -> bytes | None:
    """Return the content of a record with these digests, or None if it has them already."""
    known = _parsed(content)
    former = known if keeps else {}
    new = {part: former.get(part, frozenset()).union([digest] if digest else []) for part, digest in digests.items()}
    after = _as_bytes({**known, **new})
    if len(after) > MAX_BYTES:  # with what was written long ago
        after = _as_bytes(new)
    return None if after == (content or _as_bytes({})) else after


def _as_bytes(digests: Digests) -> bytes:
    lines = (
        f"{digest}  {section}\t{path}\n"
        for (path, section), some in sorted(digests.items())
        for digest in sorted(some)
        if "\n" not in path
    )
    return f"{_HEAD}{''.join(lines)}".encode(errors="surrogateescape")
