"""The run cache: the output of a run that left everything up to date, to save the work if the run is repeated.

A record in the user's cache folder contains the paths that a run accessed, their signatures, and the output of a run
that finds them unchanged. It applies if the command line and the working directory are the same and every signature
still matches. The cache may only save work: if anything about a record, its folder or the clock is odd, it is ignored.

Where a signature is not settled (see `signatures`), as for files that the run itself wrote, the record also contains a
digest of the content. So it does for the newest of the files that changed within the minute before the run, which a
program that has mapped them can change without a trace. There are no records where the ctime has another meaning: on
Windows, on FAT, and on network file systems. The record also contains the resolved paths of the folders, since a link
on the way to a file could change.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from zlib import adler32, crc32

from kei_assembler import TYPE_CHECKING, __version__
from kei_assembler.files import signatures
from kei_assembler.files.atomic import is_temporary, new_file, remove_stale_temp_files
from kei_assembler.files.folder import Folder, Root
from kei_assembler.files.recorder import RECORDER, Accesses
from kei_assembler.files.signatures import Signature
from kei_assembler.paths import upwards

if TYPE_CHECKING:
    from typing import Any

_MAX_RECORDS = 64
_CI_VARIABLES = ("CI", "GITHUB_ACTIONS", "JENKINS_URL", "TEAMCITY_VERSION", "TF_BUILD")
_PROJECT_MARKERS = (".git", ".hg", ".jj", ".svn", "assemble.toml", "pyproject.toml", "_blocks", "agents")


class _Run:
    """The current run, as `recall` sets it: the arguments of its command line, and the folder of the records.

    The folder is "" if the cache is not to be used.
    """

    args: tuple[str, ...] = ()
    folder: str = ""


def recall(args: Iterable[str]) -> tuple[str, str] | None:
    """Return stdout and stderr of a run with these arguments, or None if it has no record that still applies."""
    import time

    RECORDER.stop()
    _Run.args, RECORDER.since = tuple(args), time.time_ns()
    _Run.folder = _folder()
    try:
        record = _read_record() if _Run.folder else None
        if record is None or not _applies(record):
            return None
        _mature(record)
        return str(record["out"]), str(record["err"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):  # the record is damaged
        return None


def _applies(record: dict[str, Any]) -> bool:
    paths, folders = record["paths"], record["folders"]
    found = {path: signatures.signature(path) for path in paths}
    return bool(
        paths
        and record["signatures"] == [str(found[path]) for path in paths]
        and all(os.path.realpath(folder) == real for folder, real in folders.items())
        and all(
            signatures.digest_of(path, found[path], summary) == recorded
            for kind, summary in (("digests", signatures.digest), ("recent", signatures.checksum))
            for path, recorded in record[kind].items()
        )
    )


def _mature(record: dict[str, Any]) -> None:
    """Drop digests from a record once the signatures alone show every change: the next run then compares less."""
    matured: dict[str, Any] = {}
    recorded = dict(zip(record["paths"], record["signatures"], strict=True))
    for kind, paths in (("digests", record["paths"]), ("recent", record["recent"])):
        if record[kind]:
            found = {path: signatures.signature(path) for path in paths}
            # The signatures are still the recorded ones, also after the digests were compared.
            is_current = all(recorded[path] == str(signature) for path, signature in found.items())
            if is_current and not any(_needs_digest[kind](signature, RECORDER.since) for signature in found.values()):
                matured[kind] = {}
    if matured:
        _write(record | matured)


_needs_digest: dict[str, Callable[[Signature, int], bool]] = {
    "digests": lambda signature, since: not signatures.is_settled(signature, since),
    "recent": signatures.is_recent,
}


def start_recording() -> None:
    """Start recording what the run accesses, if the cache is usable.

    The time of a new file shows the clock of the file system, by which later signatures count as settled or not.
    """
    if not _Run.folder:
        return
    try:
        os.makedirs(_Run.folder, mode=0o700, exist_ok=True)
        if not _is_private(os.stat(_Run.folder)):
            return
        with closing(Folder(_Run.folder, Root(_Run.folder))) as folder, new_file(folder, 0o600) as (_, file):
            now = os.fstat(file.fileno()).st_ctime_ns
    except OSError:
        return
    RECORDER.start(min(now, RECORDER.since))
    here = os.getcwd()
    for argument in _Run.args:  # an argument can be a link to a manifest
        RECORDER.record_lookup(os.path.join(here, argument))


def is_recording() -> bool:
    """Return whether accesses are recorded."""
    return RECORDER.accesses is not None


def keep(out: str, err: str) -> None:
    """Store a record of the run, which left everything up to date, if its accesses allow one.

    `out` and `err` are the output of a run that finds everything unchanged.
    """
    seen = RECORDER.all_accesses()
    if not _Run.folder or seen is None or _has_written_sources(seen):
        return
    changed = _add_changes(seen)
    digests = {
        path: _digest(seen, path)
        for path, found in seen.paths.items()
        if path in changed or not signatures.is_settled(found, RECORDER.since)
    }
    devices = signatures.late_or_untimed_devices()
    if "" in digests.values() or any(signatures.is_on(signature, devices) for signature in seen.paths.values()):
        return
    read = {path: seen.paths[path] for path in seen.digests.keys() - digests.keys()}
    recent = {path: seen.digests[path] for path in signatures.most_recent(read, RECORDER.since)}
    states = {"paths": list(seen.paths), "signatures": list(map(str, seen.paths.values())), "digests": digests}
    _write({"key": _key(), "out": out, "err": err, "folders": seen.resolved, "recent": recent, **states})


def _has_written_sources(seen: Accesses) -> bool:
    """Return whether the run wrote a file that the next run could read as a source, or that marks a kit."""
    return any(
        path.endswith(tuple(seen.sources[above]))
        for path in seen.written
        for above in upwards(path)
        if above in seen.sources
    )


def _add_changes(seen: Accesses) -> set[str]:
    """Update the signatures of the files that the run wrote and of their folders, and return their paths.

    They need digests whatever their times are: somebody else can have changed them before the signature was taken.
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
    """The digest of the content or entries that the run saw at a path, or "" if it saw neither."""
    entries = seen.entries.get(path)
    return seen.digests.get(path, "") if entries is None else signatures.digest(signatures.joined_entries(entries))


def _folder() -> str:
    """The user's cache folder for this tool, or "" if the cache is not to be used.

    The folder must not lie in a project, where a repository could contain prepared records, except that the home
    folder itself can be a project. It must not lie in the working directory either.
    """
    if "--no-cache" in _Run.args or os.name == "nt" or any(map(os.environ.get, _CI_VARIABLES)):
        return ""
    home = os.path.expanduser("~")
    base = os.environ.get("XDG_CACHE_HOME", "")
    base = base if os.path.isabs(base) else os.path.join(home, ".cache")
    if None in (sys.stdout, sys.stderr) or not os.path.isabs(base):
        return ""
    folder = os.path.realpath(os.path.join(base, "kei-assembler"))
    return "" if _is_exposed(folder, os.path.realpath(home)) else folder


def _is_exposed(folder: str, home: str) -> bool:
    try:
        here = os.getcwd()
    except OSError:
        return True
    return any(
        above == here or any(os.path.lexists(os.path.join(above, mark)) for mark in _PROJECT_MARKERS)
        for above in upwards(folder, home)
        if above != home
    )


def _key() -> list[object]:
    """Everything except files that the output of a run depends on."""
    streams = [
        (stream.isatty(), stat.S_ISREG(os.fstat(stream.fileno()).st_mode)) for stream in (sys.stdout, sys.stderr)
    ]
    user = [os.geteuid(), os.getegid(), sorted(os.getgroups())]
    program = [__version__, sys.version, sys.path, __file__]
    of_folders = ("HOME", "GIT_DIR", "GIT_WORK_TREE", "GITHUB_WORKSPACE", "CI_PROJECT_DIR")
    variables = (*of_folders, "NO_COLOR", "FORCE_COLOR", "TERM", "_ASSEMBLE_COMPLETE")
    settings = list(map(os.environ.get, variables))
    key = [program, os.getcwd(), user, _Run.args, settings, streams]
    return json.loads(json.dumps(key))  # type: ignore[no-any-return]


def _path() -> str:
    """The path of the record for this run."""
    raw = json.dumps(_key()).encode()
    return os.path.join(_Run.folder, f"{crc32(raw):08x}{adler32(raw):08x}.json")


def _is_private(status: os.stat_result) -> bool:
    """Return whether only the user can write to a file or folder."""
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _identity(status: os.stat_result) -> list[int]:
    """The device and inode of the record's file. A record that was copied here from elsewhere has others."""
    return [status.st_dev, status.st_ino]


def _read_record() -> dict[str, Any] | None:
    """Return the record in a file that only the user can write, if it is intact and belongs to this run."""
    with open(os.open(_path(), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as opened:
        status = os.fstat(opened.fileno())
        is_safe = stat.S_ISREG(status.st_mode) and _is_private(status) and _is_private(os.stat(_Run.folder))
        check, _, text = opened.read().partition(b"\n") if is_safe else (b"", b"", b"")
    record: dict[str, Any] = json.loads(text) if int(check, base=16) == crc32(text) else {}
    return record if record["key"] == _key() and record["self"] == _identity(status) else None


def _write(record: dict[str, Any]) -> None:
    """Write the record atomically. Without a record, the next run does all the work, so ignore errors."""
    with suppress(OSError), closing(Folder(_Run.folder, Root(_Run.folder))) as folder:
        with new_file(folder, 0o600) as (temporary, file):
            text = json.dumps({**record, "self": _identity(os.fstat(file.fileno()))}).encode()
            file.write(b"%08x\n" % crc32(text) + text)
            file.flush()
            folder.replace(temporary, os.path.basename(_path()))
        remove_stale_temp_files(folder)
        _drop_old_records()


def _drop_old_records() -> None:
    with os.scandir(_Run.folder) as entries:
        records = [entry for entry in entries if entry.name.endswith(".json") and not is_temporary(entry.name)]
    records.sort(key=lambda entry: entry.stat(follow_symlinks=False).st_mtime_ns, reverse=True)
    for entry in records[_MAX_RECORDS:]:
        os.unlink(entry.path)
