"""What a run left in order, kept in the user's cache folder, so that the same run again costs little but `stat` calls.

A record holds the paths that a run accessed, with their signatures, and what a run has to say that finds them so. It
is used again when the same command line, in the same folder, finds every signature as it was. It can only save work:
whatever is odd about a record, about where it lies, or about the clock, and there is none.

Where a signature is too young to be trusted (see `signatures`), as of what the run itself wrote, a digest of the
content stands beside it, and is compared as well. Nothing is trusted where the time of the inode means something else,
as on Windows, FAT and what other machines serve. With the signatures stand the folders' resolved paths, for the links
on the way to them.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from zlib import adler32, crc32

from kei_assembler import __version__
from kei_assembler.files import signatures
from kei_assembler.files.atomic import is_temporary, new_file, remove_stale_temp_files
from kei_assembler.files.recorder import RECORDER, Accesses
from kei_assembler.files.signatures import Signature
from kei_assembler.paths import upwards

_RECORDS_MOST = 64
_OF_CI = ("CI", "GITHUB_ACTIONS", "JENKINS_URL", "TEAMCITY_VERSION", "TF_BUILD")
_OF_PROJECTS = (".git", ".hg", ".jj", ".svn", "assemble.toml", "pyproject.toml", "_blocks", "agents")


class _Run:
    """The run in hand: the arguments of its command line; None before there is one."""

    args: tuple[str, ...] | None = None


def recall(args: Iterable[str]) -> tuple[str, str] | None:
    """Return what a run with these arguments has to say, if all is as when a record of it was kept."""
    import time

    RECORDER.stop()
    _Run.args, RECORDER.since = tuple(args), time.time_ns()
    folder = _folder()
    try:
        record = _read(folder, _name()) if folder else None
        if record is None or not _holds_true(record):
            return None
        _mature(record)
        return str(record["out"]), str(record["err"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):  # it is damaged
        return None


def _holds_true(record: dict[str, Any]) -> bool:
    paths, folders = record["paths"], record["folders"]
    return bool(
        paths
        and record["signatures"] == list(map(_spelled, map(signatures.signature, paths)))
        and all(os.path.realpath(folder) == real for folder, real in folders.items())
        and all(signatures.digest_of(path) == digest for path, digest in record["digests"].items())
    )


def _mature(record: dict[str, Any]) -> None:
    """Do without digests from now on, once all signatures have come of age, and are still those in the record."""
    folder = _folder() if record["digests"] else None
    found = list(map(signatures.signature, record["paths"])) if folder else []
    are_told = record["signatures"] == list(map(_spelled, found))
    if folder and are_told and all(signatures.is_settled(one, RECORDER.since) for one in found):
        _write(folder, {**record, "digests": {}})


def start_recording() -> None:
    """Record from now on what the run accesses, if a record may be kept of it.

    The file system's own clock says what is too new, by a file that is made now.
    """
    folder = _folder()
    if folder is None:
        return
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if not _is_private(os.stat(folder)):
            return
        with new_file(os.path.join(folder, "clock"), 0o600) as file:
            now = os.fstat(file.fileno()).st_ctime_ns
    except OSError:
        return
    RECORDER.start(min(now, RECORDER.since))
    here = os.getcwd()
    for argument in _Run.args or ():  # any of them may be a link to what the run is about
        RECORDER.record_lookup(os.path.join(here, argument))


def is_recording() -> bool:
    """Tell whether accesses are recorded, so that a record may come of them."""
    return RECORDER.accesses is not None


def keep(out: str, err: str) -> None:
    """Keep a record of the run, which left everything in order, unless something is too new for it.

    `out` and `err` are what a run says that finds it so.
    """
    folder, seen = _folder(), RECORDER.all_accesses()
    if folder is None or seen is None or _has_written_sources(seen):
        return
    changed = _add_changes(seen)
    young = [
        path
        for path, found in seen.paths.items()
        if path in changed or not signatures.is_settled(found, RECORDER.since)
    ]
    digests = {path: _digest(seen, path) for path in young}
    devices = signatures.late_or_untimed_devices()
    if "" in digests.values() or any(signatures.is_on(signature, devices) for signature in seen.paths.values()):
        return
    told = list(map(_spelled, seen.paths.values()))
    said = {"key": _key(), "out": out, "err": err, "digests": digests}
    _write(folder, {**said, "paths": list(seen.paths), "signatures": told, "folders": seen.places})


def _has_written_sources(seen: Accesses) -> bool:
    """Tell whether the run has written a file that the next one may read as a source, or take for a sign of a kit."""
    return any(
        path.endswith(tuple(seen.sources[above]))
        for path in seen.written
        for above in upwards(path)
        if above in seen.sources
    )


def _add_changes(seen: Accesses) -> set[str]:
    """What the run has written, and the folders where it did, are others now; return all of them.

    Their signatures were taken after that: whatever their times are, somebody else may have been there in between.
    """
    for path, (signature_now, digest_now) in seen.written.items():
        seen.paths[path], seen.digests[path] = signature_now, digest_now
        folder, name = os.path.split(path)
        if folder in seen.entries:
            seen.entries[folder].add(f"{name}/file")
    folders = set(map(os.path.dirname, seen.written)) & seen.paths.keys()
    seen.paths.update({folder: signatures.signature(folder) for folder in folders})
    return folders.union(seen.written)


def _digest(seen: Accesses, path: str) -> str:
    """The digest of what the run knows of a path; empty if it does not know enough."""
    entries = seen.entries.get(path)
    return seen.digests.get(path, "") if entries is None else signatures.digest(signatures.listed(entries))


def _folder() -> str | None:
    """The user's cache folder for this tool, or None where none is to be used.

    It is never one that a repository could bring along (but for a home that is one), nor the folder at work.
    """
    if _Run.args is None or "--no-cache" in _Run.args or os.name == "nt" or any(map(os.environ.get, _OF_CI)):
        return None
    home = os.path.expanduser("~")
    base = os.environ.get("XDG_CACHE_HOME", "")
    base = base if os.path.isabs(base) else os.path.join(home, ".cache")
    if None in (sys.stdout, sys.stderr) or not os.path.isabs(base):
        return None
    folder = os.path.realpath(os.path.join(base, "kei-assembler"))
    return None if _is_exposed(folder, os.path.realpath(home)) else folder


def _is_exposed(folder: str, home: str) -> bool:
    try:
        here = os.getcwd()
    except OSError:
        return True
    while folder != home:
        if folder == here or any(os.path.lexists(os.path.join(folder, mark)) for mark in _OF_PROJECTS):
            return True
        if folder == os.path.dirname(folder):
            return False
        folder = os.path.dirname(folder)
    return False


def _key() -> list[object]:
    """All that a run depends on besides files."""
    streams = [
        (stream.isatty(), stat.S_ISREG(os.fstat(stream.fileno()).st_mode)) for stream in (sys.stdout, sys.stderr)
    ]
    user = [os.geteuid(), os.getegid(), sorted(os.getgroups())]
    program = [__version__, sys.version, sys.path, __file__]
    settings = list(map(os.environ.get, ("NO_COLOR", "_ASSEMBLE_COMPLETE")))
    key = [program, os.getcwd(), user, _Run.args, settings, streams]
    return json.loads(json.dumps(key))  # type: ignore[no-any-return]


def _name() -> str:
    raw = json.dumps(_key()).encode()
    return f"{crc32(raw):08x}{adler32(raw):08x}.json"


def _spelled(signature: Signature) -> str:
    return " ".join(map(str, signature))


def _is_private(status: os.stat_result) -> bool:
    """Whether this is the user's own, and nobody else can write to it."""
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _identity(status: os.stat_result) -> list[int]:
    """What the record says of its own file: nobody can know it who brings a record along, or copies one."""
    return [status.st_dev, status.st_ino]


def _read(folder: str, name: str) -> dict[str, Any] | None:
    """The record in a private file, if it is whole, where it was written, and meant for this run."""
    with open(os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as opened:
        status = os.fstat(opened.fileno())
        is_safe = stat.S_ISREG(status.st_mode) and _is_private(status) and _is_private(os.stat(folder))
        check, _, text = opened.read().partition(b"\n") if is_safe else (b"", b"", b"")
    record: dict[str, Any] = json.loads(text) if int(check, base=16) == crc32(text) else {}
    return record if record["key"] == _key() and record["self"] == _identity(status) else None


def _write(folder: str, record: dict[str, Any]) -> None:
    """Put the record in its place as a whole, or not at all."""
    path = os.path.join(folder, _name())
    with suppress(OSError):
        with new_file(path, 0o600) as file:
            text = json.dumps({**record, "self": _identity(os.fstat(file.fileno()))}).encode()
            file.write(b"%08x\n" % crc32(text) + text)
            file.close()
            os.replace(file.name, path)
        remove_stale_temp_files(folder)
        _drop_old_records(folder)


def _drop_old_records(folder: str) -> None:
    """Keep the newest records; those of command lines that are not used any more are not worth their room."""
    with os.scandir(folder) as entries:
        records = [entry for entry in entries if entry.name.endswith(".json") and not is_temporary(entry.name)]
    records.sort(key=lambda entry: entry.stat(follow_symlinks=False).st_mtime_ns, reverse=True)
    for entry in records[_RECORDS_MOST:]:
        os.unlink(entry.path)
