"""Signatures detect changes of a path without reading its content.

A signature is the result of `lstat`: device, inode, mode, size, mtime and ctime (POSIX, <sys/stat.h>). No program can
set the ctime. The signature of a link also contains the `stat` of its target and the resolved path.

A signature is "settled" if every later change is sure to alter it. If a path changed so recently that another change
could get the same times, its signature is not settled, and a digest of the content has to be compared as well. Git
calls such index entries "racily clean".

A program that has mapped a file into its memory changes the file without changing its times, once the first change has
set them, until the kernel writes the page to the disk: Linux does so within about 35 seconds, by default. A file that
changed within the last minute is therefore "recent". In memory file systems such as tmpfs, nothing is written back, and
a mapping can change a file at any time without a trace.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping

from kei_assembler import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

Signature = tuple["Any", ...]

_FINE, _COARSE, _WRITE_BACK = 100_000_000, 2_500_000_000, 60_000_000_000
MAX_RECENT, _MAX_RECENT_IN_FOLDER = 64, 16
"""How many recent files to compare by content. If more changed at once, a program wrote them, not through mappings."""

_LINK_FIELDS = 13
_PATTERNS = ("info", "sparse-checkout")
_OLD_INDEX = b"DIRC\0\0\0\2"
_MAX_GIT_FILE = 8192
_MOUNTS = "/proc/self/mountinfo"
_LATE_OR_UNTIMED = frozenset(
    "9p afs ceph cifs exfat fuse fuseblk gpfs hfs lustre msdos ncpfs nfs nfs4 smb3 smbfs vboxsf vfat virtiofs".split()
)


def signature(path: str) -> Signature:
    """Return the signature of a path, or an empty tuple if the path does not exist."""
    try:
        found = os.lstat(path)
        if path.endswith("/.git"):  # git changes it all the time, and only this matters
            return stat.S_IFMT(found.st_mode), may_skip_entries(path)
        if not stat.S_ISLNK(found.st_mode):
            return _fields(found)
        try:
            target: Signature = _fields(os.stat(path))
        except OSError:  # a broken link
            target = ()
        return (*_fields(found), *target, os.path.realpath(path))
    except (OSError, ValueError):
        return ()


def may_skip_entries(dot_git: str) -> bool:
    """Return whether entries of a work tree's index can have the skip-worktree flag. `dot_git` is its `.git`.

    This does not start git, and reads only the start of the index: up to version 2, there is no such flag.
    """
    folder = _git_folder(dot_git)
    try:
        os.lstat(os.path.join(folder, *_PATTERNS))
        return True
    except OSError:
        pass
    try:
        with open(_opened(os.path.join(folder, "index")), "rb", buffering=0) as file:
            start = file.read(len(_OLD_INDEX)) or b""
        return start > _OLD_INDEX or any(name.startswith("sharedindex.") for name in os.listdir(folder))
    except OSError:
        return False


def is_sparse(dot_git: str) -> bool:
    """Return whether a work tree is a sparse checkout, or has been one. `dot_git` is its `.git`."""
    return os.path.lexists(os.path.join(_git_folder(dot_git), *_PATTERNS))


def _git_folder(dot_git: str) -> str:
    """The folder of git's own files: `.git` itself, or the folder that the file `.git` names."""
    if os.path.isdir(dot_git):
        return dot_git
    try:
        with open(_opened(dot_git), "rb") as file:
            named = os.fsdecode(file.read(_MAX_GIT_FILE)).rstrip("\r\n").removeprefix("gitdir: ")
    except OSError:
        return dot_git
    return os.path.join(os.path.dirname(dot_git), named)


def _opened(path: str) -> int:
    """Open a file of git's for reading, without waiting for a FIFO's other end, and return its descriptor."""
    return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))


def _fields(found: os.stat_result) -> Signature:
    return found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def is_settled(signature: Signature, since: int) -> bool:
    """Return whether every later change is sure to alter a signature.

    `since` is a time before the signature was taken, in nanoseconds since the epoch. Some file systems store times in
    clock ticks, others in units of one or two seconds.
    """
    times = (*signature[4::6], *signature[5::6])
    if not times or max(times) < since - _COARSE:
        return True
    is_coarse = any(time % 1_000_000 == 0 for time in times)
    return not is_coarse and max(times) < since - _FINE


def is_recent(signature: Signature, since: int) -> bool:
    """Return whether the regular file with this signature can still be changed without altering the signature."""
    changed = _last_change(signature)
    return bool(changed) and changed >= since - _WRITE_BACK and not stat.S_ISDIR(signature[2])


def most_recent(found: Mapping[str, Signature], since: int) -> list[str]:
    """Return the paths of the recent files, the newest first, and not too many, neither in all nor of one folder."""
    recent = [path for path, signature in found.items() if is_recent(signature, since)]
    folders: dict[str, list[str]] = {}
    for path in sorted(recent, key=lambda path: _last_change(found[path]), reverse=True):
        folders.setdefault(os.path.dirname(path), []).append(path)
    return [path for paths in folders.values() for path in paths[:_MAX_RECENT_IN_FOLDER]][:MAX_RECENT]


def _last_change(signature: Signature) -> int:
    return max((*signature[4::6], *signature[5::6]), default=0)


def is_on(signature: Signature, devices: frozenset[int]) -> bool:
    """Return whether a path or the target of its link is on one of these devices."""
    return not devices.isdisjoint(signature[0:12:6])


def digest(content: bytes) -> str:
    """Return the SHA-256 digest of a content, in hexadecimal."""
    from hashlib import sha256

    return sha256(content).hexdigest()


def checksum(content: bytes) -> str:
    """Return a CRC-32 of a content: much faster than a digest, and enough to notice an accidental change."""
    from zlib import crc32

    return f"{crc32(content):08x}"


def digest_of(path: str, known: Signature, summary: Callable[[bytes], str] = digest) -> str:
    """Return the digest of a file's bytes, or of a folder's entries as `joined_entries` returns them.

    `summary` makes the digest. `known` is the signature of the path. If it is the signature of a link, open what it led
    to. Never follow another link: the path could have been replaced.

    Raises:
        OSError: the path cannot be read, is neither a file nor a folder, or is a link by now.
    """
    real, mode = (known[-1], known[8]) if len(known) == _LINK_FIELDS else (path, known[2])
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(f"{path} is neither a file nor a folder")
    descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISDIR(status.st_mode):
            return summary(os.read(descriptor, status.st_size + 1))
        with os.scandir(descriptor) as entries:
            return summary(joined_entries(map(entry_line, entries)))
    finally:
        os.close(descriptor)


def entry_line(entry: os.DirEntry[str]) -> str:
    """Return the line for an entry of a folder: its name and its kind, without following a link."""
    kind = "link" if entry.is_symlink() else "folder" if entry.is_dir(follow_symlinks=False) else "file"
    return f"{entry.name}/{kind}"


def joined_entries(lines: Iterable[str]) -> bytes:
    """Return the entry lines of a folder, sorted and joined, so that their order does not matter."""
    return "\n".join(sorted(lines)).encode(errors="surrogateescape")


def late_or_untimed_devices() -> frozenset[int]:
    """Return the devices whose files other machines or programs serve, or that store no real ctime."""
    try:
        with open(_MOUNTS, encoding="utf-8", errors="replace", newline="\n") as file:
            mounts = [line.split(" ") for line in file]  # only a space and a newline are escaped in a folder's name
    except OSError:
        return frozenset()
    kinds = ((mount[2], mount[mount.index("-") + 1].partition(".")[0]) for mount in mounts)
    numbers = (device.split(":") for device, kind in kinds if kind in _LATE_OR_UNTIMED)
    return frozenset(os.makedev(int(major), int(minor)) for major, minor in numbers)
