"""What a run left in order, kept in the user's cache folder, so that the same run again costs little but `stat` calls.

A record holds the paths that a run looked at, with their signatures, and what a run has to say that finds them so. It
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
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, BinaryIO, ClassVar, NamedTuple
from zlib import adler32, crc32

from kei_assembler import __version__
from kei_assembler.memo.signatures import (
    Signature,
    digest,
    digest_of,
    entry_line,
    is_on,
    is_settled,
    late_or_untimed_devices,
    listed,
    signature,
)

_RECORDS_MOST = 64
_PASSING = (".probe-", ".new-")
_OF_CI = ("CI", "GITHUB_ACTIONS", "JENKINS_URL", "TEAMCITY_VERSION", "TF_BUILD")
_OF_PROJECTS = (".git", ".hg", ".jj", ".svn", "assemble.toml", "pyproject.toml", "_blocks", "agents")

Written = tuple[Signature, str]


class Notes(NamedTuple):
    """The paths that were looked at, with their signatures before; and where the folders that hold them really are.

    `entries` are the lines of the folders that were listed, `digests` those of contents whose signatures are young.
    `sources` are the places where something that comes about leads a run elsewhere.
    """

    paths: dict[str, Signature]
    folders: dict[str, str]
    entries: dict[str, set[str]]
    digests: dict[str, str]
    sources: set[str]


class _Trail:
    """The notes of the present run, if anybody wants to know; and since when what changes counts as new."""

    notes: Notes | None = None
    args: tuple[str, ...] | None = None
    since: int = 0
    written: ClassVar[dict[str, Written]] = {}


def recall(args: Iterable[str]) -> tuple[str, str] | None:
    """Return what a run with these arguments has to say, if all is as when a record of it was kept."""
    import time

    _Trail.args, _Trail.since = tuple(args), time.time_ns()
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
        and record["signatures"] == list(map(_spelled, map(signature, paths)))
        and all(os.path.realpath(folder) == real for folder, real in folders.items())
        and all(digest_of(path) == digest for path, digest in record["digests"].items())
    )


def _mature(record: dict[str, Any]) -> None:
    """Do without digests from now on, once all signatures have come of age, and are still those in the record."""
    folder = _folder() if record["digests"] else None
    found = list(map(signature, record["paths"])) if folder else []
    are_told = record["signatures"] == list(map(_spelled, found))
    if folder and are_told and all(is_settled(one, _Trail.since) for one in found):
        _write(folder, {**record, "digests": {}})


def watch() -> None:
    """Begin to take notes; the file system's own clock says what is too new, by a file that is made now."""
    folder = _folder()
    if folder is None:
        return
    probe = os.path.join(folder, f"{_PASSING[0]}{os.getpid()}")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if not _is_private(os.stat(folder)):
            return
        with _new_file(probe) as file:
            now = os.fstat(file.fileno()).st_ctime_ns
        os.unlink(probe)
    except OSError:
        return
    _Trail.notes, _Trail.since = Notes({}, {}, {}, {}, set()), min(now, _Trail.since)
    _note_arguments()


def takes_notes() -> bool:
    """Tell whether notes are taken, so that a record may come of them."""
    return _Trail.notes is not None


def _note_arguments() -> None:
    """Any of them may be a link to what the run is about."""
    here = os.getcwd()
    for argument in _Trail.args or ():
        note(os.path.join(here, argument))


def note(path: str) -> None:
    """Take note of a path that the run is about to look at; it may be missing."""
    if _Trail.notes is None:
        return
    before = _Trail.notes.paths.get(path)
    if before is None:
        _Trail.notes.paths[path] = signature(path)
        note_place(os.path.dirname(path))
    elif not before and signature(path):
        _Trail.notes = None  # it came about since: what the run sees is not what was noted


def note_content(path: str, content: bytes) -> None:
    """Take note of what was read at a path that is noted already; if that is not always the same, of nothing more."""
    if _Trail.notes is not None and not is_settled(_Trail.notes.paths.get(path, ()), _Trail.since):
        now = digest(content)
        if _Trail.notes.digests.setdefault(path, now) != now:
            _Trail.notes = None


def note_source(path: str) -> None:
    """Take note of a place where a source is looked for: what the run itself writes there, the next one may read."""
    note(path)
    if _Trail.notes is not None:
        _Trail.notes.sources.add(path)


def note_entries(folder: str, entries: Iterable[os.DirEntry[str]]) -> None:
    """Take note of what was found in a folder that is noted already."""
    if _Trail.notes is not None and folder not in _Trail.notes.entries:
        _Trail.notes.entries[folder] = set(map(entry_line, entries))


def note_written(path: str, content: bytes) -> None:
    """Take note of a file that the run has put in its place itself."""
    if _Trail.notes is not None:
        _Trail.written[path] = signature(path), digest(content)


def written() -> dict[str, Written]:
    """Return all that was noted of files that the run has written: their signatures and digests."""
    return _Trail.written


def add_written(others: dict[str, Written]) -> None:
    """Take note of what another process has written."""
    _Trail.written |= others


def note_place(folder: str) -> None:
    """Take note of where a folder really is."""
    if _Trail.notes is not None and folder not in _Trail.notes.folders:
        _Trail.notes.folders[folder] = os.path.realpath(folder)


def noted() -> Notes | None:
    """Return everything that was noted so far, and the program's own files."""
    for module in tuple(sys.modules.values()):
        note(getattr(module, "__file__", None) or "")
    for folder in sys.path:
        note(folder)
    return _Trail.notes


def add(notes: Notes | None) -> None:
    """Take note of what another process looked at; where it saw something else than this one, nothing is certain."""
    own = _Trail.notes
    if own is None or notes is None or _are_at_odds(own, notes):
        _Trail.notes = None
    else:
        own.paths.update(notes.paths)
        own.folders.update(notes.folders)
        own.entries.update(notes.entries)
        own.digests.update(notes.digests)
        own.sources.update(notes.sources)


def _are_at_odds(some: Notes, others: Notes) -> bool:
    """Tell whether of anything that both noted they noted not the same; but for the sources, which are a set."""
    seen: tuple[Mapping[str, Any], ...] = some[:4]
    seen_there: tuple[Mapping[str, Any], ...] = others[:4]
    both = zip(seen, seen_there, strict=True)
    return any(there.get(path, value) != value for here, there in both for path, value in here.items())


def keep(out: str, err: str) -> None:
    """Keep a record of the run, which left everything in order, unless something is too new for it.

    `out` and `err` are what a run says that finds it so.
    """
    folder, notes = _folder(), noted()
    if folder is None or notes is None or not notes.sources.isdisjoint(_written_and_above()):
        return
    changed = _note_changes(notes)
    young = [path for path, found in notes.paths.items() if path in changed or not is_settled(found, _Trail.since)]
    digests = {path: _digest(notes, path) for path in young}
    devices = late_or_untimed_devices()
    if "" in digests.values() or any(is_on(signature, devices) for signature in notes.paths.values()):
        return
    signatures = list(map(_spelled, notes.paths.values()))
    said = {"key": _key(), "out": out, "err": err, "digests": digests}
    _write(folder, {**said, "paths": list(notes.paths), "signatures": signatures, "folders": notes.folders})


def _written_and_above() -> set[str]:
    above = set(_Trail.written)
    paths = set(map(os.path.dirname, above))
    while not paths <= above:
        above |= paths
        paths = set(map(os.path.dirname, paths))
    return above


def _note_changes(notes: Notes) -> set[str]:
    """What the run has written, and the folders where it did, are others now; return all of them.

    Their signatures were taken after that: whatever their times are, somebody else may have been there in between.
    """
    for path, (signature_now, digest_now) in _Trail.written.items():
        notes.paths[path], notes.digests[path] = signature_now, digest_now
        folder, name = os.path.split(path)
        if folder in notes.entries:
            notes.entries[folder].add(f"{name}/file")
    folders = set(map(os.path.dirname, _Trail.written)) & notes.paths.keys()
    notes.paths.update({folder: signature(folder) for folder in folders})
    return folders.union(_Trail.written)


def _digest(notes: Notes, path: str) -> str:
    """The digest of what the run knows of a path; empty if it does not know enough."""
    entries = notes.entries.get(path)
    return notes.digests.get(path, "") if entries is None else digest(listed(entries))


def _folder() -> str | None:
    """The user's cache folder for this tool, or None where none is to be used.

    It is never one that a repository could bring along (but for a home that is one), nor the folder at work.
    """
    if _Trail.args is None or "--no-cache" in _Trail.args or os.name == "nt" or any(map(os.environ.get, _OF_CI)):
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
    key = [program, os.getcwd(), user, _Trail.args, settings, streams]
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
    temporary = os.path.join(folder, f"{_PASSING[1]}{os.getpid()}")
    try:
        with _new_file(temporary) as file:
            text = json.dumps({**record, "self": _identity(os.fstat(file.fileno()))}).encode()
            file.write(b"%08x\n" % crc32(text) + text)
        os.replace(temporary, os.path.join(folder, _name()))
        _sweep(folder)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)


def _new_file(path: str) -> BinaryIO:
    """A file of nobody else's, in the place of what a killed run with this process number left."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")


def _sweep(folder: str) -> None:
    """Keep the newest records; those of command lines that are not used any more are not worth their room."""
    with os.scandir(folder) as entries:
        ours = [entry for entry in entries if entry.name.endswith(".json") or entry.name.startswith(_PASSING)]
    ours.sort(key=lambda entry: entry.stat(follow_symlinks=False).st_mtime_ns, reverse=True)
    for entry in ours[_RECORDS_MOST:]:
        os.unlink(entry.path)
