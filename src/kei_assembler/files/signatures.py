"""Signatures detect changes of a path without reading its content.

A signature is the result of `lstat`: device, inode, mode, size, mtime and ctime (POSIX, <sys/stat.h>). No program can
set the ctime. The signature of a link also contains the `stat` of its target and the resolved path.

A signature is "settled" if every later change is sure to alter it. If a path changed so recently that another change
could get the same times, its signature is not settled, and a digest of the content has to be compared as well. Git
calls such index entries "racily clean".
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import Any

Signature = tuple[Any, ...]

_FINE, _COARSE = 100_000_000, 2_500_000_000
_MOUNTS = "/proc/self/mountinfo"
_LATE_OR_UNTIMED = frozenset(
    "9p afs ceph cifs exfat fuse fuseblk gpfs hfs lustre msdos ncpfs nfs nfs4 smb3 smbfs vboxsf vfat virtiofs".split()
)


def signature(path: str) -> Signature:
    """Return the signature of a path, or an empty tuple if the path does not exist."""
    try:
        found = os.lstat(path)
        if path.endswith("/.git"):
            return (stat.S_IFMT(found.st_mode),)  # only its existence matters, and git changes it all the time
        if not stat.S_ISLNK(found.st_mode):
            return _fields(found)
        try:
            target: Signature = _fields(os.stat(path))
        except OSError:  # a broken link
            target = ()
        return (*_fields(found), *target, os.path.realpath(path))
    except (OSError, ValueError):
        return ()


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


def is_on(signature: Signature, devices: frozenset[int]) -> bool:
    """Return whether a path or the target of its link is on one of these devices."""
    return not devices.isdisjoint(signature[0:12:6])


def digest(content: bytes) -> str:
    """Return the SHA-256 digest of a content, in hexadecimal."""
    from hashlib import sha256

    return sha256(content).hexdigest()


def digest_of(path: str) -> str:
    """Return the digest of a file's bytes, or of a folder's entries as `joined_entries` returns them. Follow links.

    Raises:
        OSError: the path cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISDIR(status.st_mode):
            return digest(os.read(descriptor, status.st_size + 1))
    finally:
        os.close(descriptor)
    with os.scandir(path) as entries:
        return digest(joined_entries(map(entry_line, entries)))


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
