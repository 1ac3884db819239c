"""What a run found in order, kept in the user's cache folder, so that the same run again costs little but `stat` calls.

A record holds the paths that a run looked at, with their signatures, and what the run had to say. It is used again when
the same command line, in the same folder, finds every signature as it was. It can only save work: whatever is odd about
a record, about where it lies, or about the clock, and there is none.

A signature is what `stat` says of a path: device, inode, mode, size, and the times of the last change of content and
of the inode (POSIX, <sys/stat.h>). The last of them no program can set. What changed so shortly before a run that a
further change could bear the same times is not trusted, as git does it (its "racy" entries); nor is anything where the
time of the inode means something else, as on Windows.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterable, Mapping
from typing import Any
from zlib import adler32, crc32

from kei_assembler import __version__

_RECORDS_MOST = 64
_FINE, _COARSE = 100_000_000, 2_500_000_000
_ASKED_OF_ENVIRONMENT = ("NO_COLOR", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")


class _Trail:
    """The paths that the present run looked at, with their signatures before it did, if anybody wants to know."""

    seen: dict[str, tuple[int, ...]] | None = None
    args: tuple[str, ...] | None = None
    since: int = 0


def recall(args: Iterable[str]) -> tuple[str, str] | None:
    """Return what a run with these arguments has to say, if all is as when a record of it was kept."""
    _Trail.args = tuple(args)
    folder = _folder()
    record = _read(os.path.join(folder, _name())) if folder else None
    if record and record["signatures"] == list(map(_spelled, map(_signature, record["paths"]))):
        return str(record["out"]), str(record["err"])
    return None


def watch() -> None:
    """Begin to take notes; the file system's own clock says what is too new, by a file that is made now."""
    folder = _folder()
    if folder is None:
        return
    probe = os.path.join(folder, f".probe-{os.getpid()}")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(probe, "wb") as file:
            now = os.fstat(file.fileno()).st_ctime_ns
        os.unlink(probe)
    except OSError:
        return
    import time

    _Trail.seen, _Trail.since = {}, min(now, time.time_ns())


def note(path: str) -> None:
    """Take note of a path that the run is about to look at; it may be missing."""
    if _Trail.seen is not None and path not in _Trail.seen:
        _Trail.seen[path] = _signature(path)


def noted() -> Mapping[str, tuple[int, ...]]:
    """Return everything that was noted so far, with the signatures."""
    return _Trail.seen or {}


def add(seen: Mapping[str, tuple[int, ...]]) -> None:
    """Take note of what another process looked at."""
    if _Trail.seen is not None:
        _Trail.seen = {**seen, **_Trail.seen}


def keep(out: str, err: str) -> None:
    """Keep a record of the run, which found everything in order and said this, unless something is too new for it."""
    folder = _folder()
    if folder is None or _Trail.seen is None:
        return
    for module in tuple(sys.modules.values()):
        note(getattr(module, "__file__", None) or "")
    if all(_is_settled(signature, _Trail.since) for signature in _Trail.seen.values()):
        paths = list(_Trail.seen)
        signatures = [_spelled(_Trail.seen[path]) for path in paths]
        _write(folder, {"key": _key(), "out": out, "err": err, "paths": paths, "signatures": signatures})


def _folder() -> str | None:
    """The user's cache folder for this tool, or None where none is to be used.

    It is never one that a repository could bring along (but for a home that is one), nor the folder at work.
    """
    if _Trail.args is None or "--no-cache" in _Trail.args or os.environ.get("CI") or os.name == "nt":
        return None
    home = os.path.expanduser("~")
    base = os.environ.get("XDG_CACHE_HOME", "")
    base = base if os.path.isabs(base) else os.path.join(home, ".cache")
    if None in (sys.stdout, sys.stderr) or not os.path.isabs(base):
        return None
    folder = os.path.join(os.path.realpath(base), "kei-assembler")
    return None if _is_exposed(folder, os.path.realpath(home)) else folder


def _is_exposed(folder: str, home: str) -> bool:
    try:
        here = os.getcwd()
    except OSError:
        return True
    above = folder
    while above not in (home, os.path.dirname(above)):
        if above == here or os.path.lexists(os.path.join(above, ".git")):
            return True
        above = os.path.dirname(above)
    return False


def _key() -> list[object]:
    """All that a run depends on besides files."""
    streams = [
        (stream.isatty(), stat.S_ISREG(os.fstat(stream.fileno()).st_mode)) for stream in (sys.stdout, sys.stderr)
    ]
    environment = [os.environ.get(name) for name in _ASKED_OF_ENVIRONMENT]
    key = [__version__, sys.version, sys.path, __file__, os.getcwd(), os.geteuid(), _Trail.args, environment, streams]
    return json.loads(json.dumps(key))  # type: ignore[no-any-return]


def _name() -> str:
    raw = json.dumps(_key()).encode()
    return f"{crc32(raw):08x}{adler32(raw):08x}.json"


def _signature(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _spelled(signature: tuple[int, ...]) -> str:
    return " ".join(map(str, signature))


def _is_settled(signature: tuple[int, ...], since: int) -> bool:
    """Whether any later change is bound to show: some file systems count in ticks, some in seconds or two."""
    if not signature:
        return True
    latest = max(signature[-2:])
    is_coarse = any(time % 1_000_000 == 0 for time in signature[-2:])
    return latest < since - (_COARSE if is_coarse else _FINE)


def _read(file: str) -> dict[str, Any] | None:
    """The record in a file of the user's own that nobody else can write, if it is whole and meant for this run."""
    try:
        with open(file, "rb") as opened:
            status = os.fstat(opened.fileno())
            raw = opened.read()
        check, _, text = raw.partition(b"\n")
        is_whole = int(check, base=16) == crc32(text) and status.st_uid == os.geteuid() and not status.st_mode & 0o022
        record: dict[str, Any] = json.loads(text) if is_whole else {}
    except (OSError, ValueError):
        return None
    return record if record.get("key") == _key() else None


def _write(folder: str, record: object) -> None:
    """Put the record in its place as a whole, or not at all."""
    text = json.dumps(record).encode()
    temporary = os.path.join(folder, f".new-{os.getpid()}")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(b"%08x\n" % crc32(text) + text)
        os.replace(temporary, os.path.join(folder, _name()))
        _sweep(folder)
    except OSError:
        return


def _sweep(folder: str) -> None:
    """Keep the newest records; those of command lines that are not used any more are not worth their room."""
    with os.scandir(folder) as entries:
        by_age = sorted(entries, key=lambda entry: entry.stat(follow_symlinks=False).st_mtime_ns, reverse=True)
    for entry in by_age[_RECORDS_MOST:]:
        os.unlink(entry.path)
