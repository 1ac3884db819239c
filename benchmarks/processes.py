"""Whole processes, measured from outside: how long they take, and how much memory all of them together have."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_PAUSE = 0.005
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Failed(Exception):
    """A run that was to be measured did not end with 0."""


class Place(NamedTuple):
    """Where a process runs: its working directory and its environment."""

    folder: Path
    environment: Mapping[str, str]


class Memory(NamedTuple):
    """Bytes of a process and its children: resident, and with shared pages counted once."""

    resident: int = 0
    proportional: int = 0


def seconds(command: Sequence[str], place: Place) -> float:
    """Run a command, which must end with 0, and return how long it took."""
    start = time.perf_counter()
    run = subprocess.run(
        command, cwd=place.folder, env=place.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    taken = time.perf_counter() - start
    if run.returncode:
        raise Failed(f"{' '.join(command)} ended with {run.returncode}: {run.stderr.decode()[-2000:]}")
    return taken


def can_see_memory() -> bool:
    """Tell whether the system shows what each process has: Linux does."""
    return (_PROC / "self" / "smaps_rollup").exists()


def peak(command: Sequence[str], place: Place) -> Memory:
    """Run a command, and return the most that it and its children had at one time, as samples show it."""
    most = Memory()
    with subprocess.Popen(
        command, cwd=place.folder, env=place.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            most = Memory(*map(max, most, _now(process.pid)))
            time.sleep(_PAUSE)
    return most


def _now(process: int) -> Memory:
    family = list(_family(process))
    return Memory(sum(map(_resident, family)), sum(map(_proportional, family)))


def _family(process: int) -> Iterator[int]:
    """Yield a process and all that come from it; one that has ended has none."""
    yield process
    with suppress(OSError):
        for child in (_PROC / f"{process}/task/{process}/children").read_text().split():
            yield from _family(int(child))


def _resident(process: int) -> int:
    with suppress(OSError):
        return int((_PROC / f"{process}/statm").read_text().split()[1]) * _PAGE
    return 0


def _proportional(process: int) -> int:
    with suppress(OSError):
        for line in (_PROC / f"{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
