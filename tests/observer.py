"""Observe with strace what a command does to the file system: which real paths it reads, changes and executes.

The kernel says which file a call has opened, so links and races cannot deceive the observer.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from forkserver import COMMAND, ForkServer

# Every call that opens, lists or changes something by its path, or starts or reaches another program. The question mark
# lets strace ignore a call that this machine does not have.
_FOLLOWING = frozenset(
    "chmod chown fchmodat fchmodat2 fchownat futimesat setxattr truncate utime utimensat utimes".split()
)
_NOT_FOLLOWING = frozenset(
    "lchown link linkat lsetxattr mkdir mkdirat mknod mknodat rename renameat renameat2 rmdir symlink symlinkat unlink "
    "unlinkat".split()
)
_OF_DESCRIPTORS = frozenset("fchmod fchown fsetxattr ftruncate".split())
_OPENING = frozenset("creat open openat openat2".split())
_LISTING = frozenset("getdents getdents64".split())
_WATCHING = frozenset("fanotify_mark inotify_add_watch".split())
_RUNNING = frozenset("execve execveat".split())
_CONNECTING = frozenset("bind connect".split())
_FORKING = frozenset("clone clone3 fork vfork".split())
_MOVING = frozenset("chdir fchdir".split())
_CALLS = frozenset().union(
    *(
        _FOLLOWING,
        _NOT_FOLLOWING,
        _OF_DESCRIPTORS,
        _OPENING,
        _LISTING,
        _WATCHING,
        _RUNNING,
        _CONNECTING,
        _FORKING,
        _MOVING,
    )
)
STRACE = ("strace", "-f", "--seccomp-bpf", "-y", "-qq", "-e", "signal=none")
_TRACED = ",".join(f"?{name}" for name in sorted(_CALLS))

_START = "/start of command {}"
_MARK = """\
import os, sys
sys.dont_write_bytecode = True
try:
    os.chdir({!r})
except OSError:
    pass
"""

_LINE = re.compile(r"(?P<process>\d+) +(?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>-?\w+)(?:<(?P<path>[^>]*)>)?.*")
_UNFINISHED = re.compile(r"(\d+) +(.*) <unfinished \.\.\.>")
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
_ARGUMENT = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"|(?:AT_FDCWD|\d+)<(?P<folder>[^>]*)>(?:\(deleted\))?(?P<rest>, *)?')
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}


class Access(NamedTuple):
    """Something that a process did.

    `kind` is `read` (a file or a listing), `write` (any change), `run` (a program) or `connect` (to a socket). `path`
    is the real path. `program` is the program that the process runs, or "" for the command itself.
    """

    kind: str
    path: str
    program: str
    call: str
    line: str

    @property
    def is_device(self) -> bool:
        """Whether the path is a device, FIFO or socket that was opened."""
        if self.kind not in ("read", "write") or self.call not in _OPENING:
            return False
        try:
            mode = os.lstat(self.path).st_mode
        except OSError:
            return False
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))


class Observed(NamedTuple):
    """What a command returned and printed, and what it did."""

    status: int
    stdout: bytes
    stderr: bytes
    accesses: Sequence[Access]


class Observer:
    """Runs command lines, each in a fork of one process, under the observation of strace."""

    def __init__(self, log: Path) -> None:
        self._server = ForkServer(tracer=[*STRACE, "-e", f"trace={_TRACED}", "-o", str(log)])
        log.touch()
        self._log = log.open(encoding="ascii", errors="surrogateescape", newline="\n")
        self._runs = 0

    def run(
        self, folder: Path, args: Sequence[str], environment: Mapping[str, str] = os.environ, code: str = COMMAND
    ) -> Observed:
        """Run a command line, or another piece of code, in a folder."""
        self._runs += 1
        start = _START.format(self._runs)
        run = self._server.run(folder, args, _MARK.format(start) + code, environment)
        lines = list(_whole_lines(self._log))
        first = next(number for number, line in enumerate(lines) if start in line)
        process = lines[first].split()[0]
        return Observed(run.returncode, run.stdout, run.stderr, list(_accesses(lines[first:], process, str(folder))))

    def close(self) -> None:
        self._server.close()
        self._log.close()


def problem() -> str:
    """Return why this machine cannot observe a process, or "" if it can."""
    try:
        run = subprocess.run([*STRACE, "-o", os.devnull, "true"], capture_output=True, check=False)
    except OSError:
        return "strace is not installed"
    return f"strace does not work here: {run.stderr.decode(errors='replace').strip()}" if run.returncode else ""


def _whole_lines(log: Iterable[str]) -> Iterator[str]:
    """The lines of a log, with the two parts put together of a call that another process's line interrupts."""
    begun: dict[str, str] = {}
    for line in log:
        if match := _UNFINISHED.match(line):
            begun[match[1]] = match[2]
        elif match := _RESUMED.match(line):
            yield f"{match[1]} {begun.pop(match[1], '')}{match[2]}"
        else:
            yield line.removesuffix("\n")


def _accesses(lines: Sequence[str], process: str, folder: str) -> Iterator[Access]:
    """What a process and its children did, given their lines of the log and the process's first working directory."""
    calls = [match for match in map(_LINE.fullmatch, lines) if match and not match["result"].startswith(("-", "?"))]
    # A child can do something before the call returns that started it.
    parents = {match["result"]: match["process"] for match in calls if match["call"] in _FORKING}
    folders, programs = {process: folder}, {process: ""}
    for match in calls:
        current, call = match["process"], match["call"]
        if current not in folders:
            if parents.get(current) not in folders:
                continue
            folders[current], programs[current] = folders[parents[current]], programs[parents[current]]
        for kind, path in _effects(match, folders[current]):
            if kind == "run":
                programs[current] = path
            if kind == "move":
                folders[current] = path
            else:
                yield Access(kind, path, programs[current], call, match[0])


def _effects(match: re.Match[str], here: str) -> Iterator[tuple[str, str]]:
    """The kind and the real path of everything that a call did."""
    call, paths = match["call"], list(_paths(match["arguments"], here))
    if call in _OPENING:
        flags = match["arguments"]
        if call == "creat" or re.search(r"\b(?:O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_TMPFILE)\b", flags):
            yield "write", _decoded(match["path"])
        if "O_PATH" not in flags and "O_DIRECTORY" not in flags and "O_WRONLY" not in flags:
            yield "read", _decoded(match["path"])
    elif call in _LISTING:
        yield "read", paths[0]
    elif call in _WATCHING:
        yield "read", os.path.realpath(os.path.join(here, _decoded(_texts(match["arguments"])[0])))
    elif call in _RUNNING:
        yield "run", os.path.realpath(paths[0])
    elif call in _CONNECTING:
        yield "connect", match["arguments"]
    elif call in _MOVING:
        yield "move", os.path.realpath(paths[0])
    elif call in _FOLLOWING or call in _OF_DESCRIPTORS:
        yield "write", os.path.realpath(paths[0])
    elif call in _NOT_FOLLOWING:
        for path in paths[-1:] if call.startswith("symlink") else paths[:2]:
            above, name = os.path.split(path)
            yield "write", os.path.join(os.path.realpath(above), name)


def _paths(arguments: str, here: str) -> Iterator[str]:
    """The absolute paths in the arguments of a call: a text after a descriptor is relative to it."""
    found = [*_ARGUMENT.finditer(arguments), None]
    base = here
    for match, following in pairwise(found):
        assert match
        if match["text"] is not None:
            yield os.path.join(base, _decoded(match["text"]))
            base = here
        elif match["rest"] and following and following["text"] is not None and following.start() == match.end():
            base = _decoded(match["folder"])
        else:
            yield _decoded(match["folder"])


def _texts(arguments: str) -> list[str]:
    return [match["text"] for match in _ARGUMENT.finditer(arguments) if match["text"] is not None]


def _decoded(text: str) -> str:
    """The path that strace prints with escapes."""

    def character(match: re.Match[bytes]) -> bytes:
        escape = match[1]
        return bytes([int(escape, base=8)]) if escape.isdigit() else _ESCAPED.get(escape, escape)

    return os.fsdecode(_ESCAPE.sub(character, text.encode("ascii", "surrogateescape")))
