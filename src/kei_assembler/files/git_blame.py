"""Ask git which commits the lines of a file come from, without running anything that a repository configures.

Git itself would compare the file on disk with the last commit, and run filters for that. So git is only asked about the
commit, and the caller compares.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta, timezone

from kei_assembler import lazy_re
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.files.git_index import Git
from kei_assembler.records import NamedTuple

_HEADER = lazy_re.compile(rb"([0-9a-f]{40,64}) [0-9]+ (?P<line>[0-9]+)(?: [0-9]+)?")
_OPTIONS = ("blame", "-w", "--no-textconv", "--porcelain")
_FULL = 200
"""From this many lines on, all lines are asked for, because a command line is limited."""


class Commit(NamedTuple):
    """A commit: its id, its author, the author's date, and the first line of its message."""

    id: str
    author: str
    date: str
    subject: str


def committed(git: Git, path: str, max_bytes: int) -> bytes | None:
    """Return what the last commit has at an absolute path, or None if there is nothing, or it is too large.

    Raises:
        AssembleError: git is not installed, or it fails.
    """
    name = os.path.relpath(DISK.resolve(path), git.top)
    command = ("rev-parse", "--verify", "--quiet", f"HEAD:{name}")
    found = git.run(*command, may_fail=True, purpose="read the last commit").decode().rstrip("\n")
    return git.blobs([found], max_bytes).get(found) if found else None


def blame(git: Git, path: str, numbers: Iterable[int]) -> dict[int, Commit]:
    """Return the commits that the lines with these numbers, from 1, come from, as the last commit has the file.

    The format is "THE PORCELAIN FORMAT" in git-blame(1).

    Raises:
        AssembleError: git is not installed, or it fails.
    """
    wanted = sorted(set(numbers))
    if not wanted:
        return {}
    _check_ignored(git)
    ranges = [f"-L{number},{number}" for number in wanted] if len(wanted) < _FULL else []
    name = os.path.relpath(DISK.resolve(path), git.top)
    raw = git.run(*_OPTIONS, *ranges, "HEAD", "--", name, purpose="tell who changed a line")
    commits: dict[str, dict[str, str]] = {}
    lines: dict[int, str] = {}
    fields: dict[str, str] = {}
    for line in raw.split(b"\n"):
        if line.startswith(b"\t"):
            continue
        if header := _HEADER.fullmatch(line):
            commit = header[1].decode()
            lines[int(header["line"])] = commit
            fields = commits.setdefault(commit, {})
        else:
            key, _, value = line.decode(errors="replace").partition(" ")
            fields[key] = value
    return {number: _commit(lines[number], commits[lines[number]]) for number in wanted if number in lines}


def _check_ignored(git: Git) -> None:
    """Refuse to let git read a device or a pipe as the list of commits to ignore."""
    raw = git.run("config", "-z", "--type=path", "--get-all", "blame.ignoreRevsFile", may_fail=True)
    for name in filter(None, raw.decode(errors="surrogateescape").split("\0")):
        if not os.path.isfile(os.path.join(git.top, name)):
            raise AssembleError(f"git cannot tell who changed a line: `blame.ignoreRevsFile` names no file: `{name}`")


def _commit(name: str, fields: dict[str, str]) -> Commit:
    date = ""
    with suppress(ValueError, OverflowError, OSError):
        zone = fields.get("author-tz", "+0000")
        minutes = (int(zone[1:3]) * 60 + int(zone[3:5])) * (-1 if zone[0] == "-" else 1)
        date = f"{datetime.fromtimestamp(int(fields['author-time']), timezone(timedelta(minutes=minutes))):%Y-%m-%d}"
    return Commit(name, fields.get("author", ""), date, fields.get("summary", ""))
