"""Signatures: by what `stat` says of a path, whether anything that was seen there changed since.

A signature is what `lstat` says of a path: device, inode, mode, size, and the times of the last change of content and
of the inode (POSIX, <sys/stat.h>). The last of them no program can set. Of a link, it is besides what `stat` says, and
where it leads. What changed so shortly before a run that a further change could bear the same times is not settled, as
git has it (its "racy" entries): what is to be known of it is a digest of its content.
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
    """Return by what it shows that a path, or what it leads to, changed; nothing where there is none."""
    try:
        found = os.lstat(path)
        if path.endswith("/.git"):
            return (stat.S_IFMT(found.st_mode),)  # all that anybody asks is whether it is there
        return _fields(found) if not stat.S_ISLNK(found.st_mode) else (*_fields(found), *_target(path))
    except (OSError, ValueError):
        return ()


def _target(link: str) -> Signature:
    real = os.path.realpath(link)
    try:
        return (*_fields(os.stat(link)), real)
    except OSError:
        return (real,)


def _fields(found: os.stat_result) -> Signature:
    return found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def is_settled(signature: Signature, since: int) -> bool:
    """Tell whether any later change is bound to show: some file systems count in ticks, some in seconds or two.

    `since` are the nanoseconds from the epoch to before anybody looked.
    """
    times = (*signature[4::6], *signature[5::6])
    if not times or max(times) < since - _COARSE:
        return True
    is_coarse = any(time % 1_000_000 == 0 for time in times)
    return not is_coarse and max(times) < since - _FINE


def is_on(signature: Signature, devices: frozenset[int]) -> bool:
    """Tell whether a path, or what it leads to, is on one of these devices."""
    return not devices.isdisjoint(signature[0:12:6])


def digest(content: bytes) -> str:
    """Return what tells a content from any other."""
    from hashlib import sha256

    return sha256(content).hexdigest()


def digest_of(path: str) -> str:
    """Return the digest of what a path leads to: of a file its bytes, of a folder what `listed` makes of its entries.

    Raises OSError where it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISDIR(status.st_mode):
            return digest(os.read(descriptor, status.st_size + 1))
    finally:
        os.close(descriptor)
    with os.scandir(path) as entries:
        return digest(listed(map(entry_line, entries)))


def entry_line(entry: os.DirEntry[str]) -> str:
    """Return the line that stands for an entry of a folder: its name, and what kind of thing it is itself."""
    kind = "link" if entry.is_symlink() else "folder" if entry.is_dir(follow_symlinks=False) else "file"
    return f"{entry.name}/{kind}"


def listed(lines: Iterable[str]) -> bytes:
    """Return the lines of a folder's entries as one content, whatever their order."""
    return "\n".join(sorted(lines)).encode(errors="surrogateescape")


def late_or_untimed_devices() -> frozenset[int]:
    """The devices whose files other machines or programs serve, or whose times of the inode can be set."""
    try:
        with open(_MOUNTS, encoding="utf-8", errors="replace") as file:
            mounts = [line.split() for line in file]
    except OSError:
        return frozenset()
    kinds = ((mount[2], mount[mount.index("-") + 1].partition(".")[0]) for mount in mounts)
    numbers = (device.split(":") for device, kind in kinds if kind in _LATE_OR_UNTIMED)
    return frozenset(os.makedev(int(major), int(minor)) for major, minor in numbers)
