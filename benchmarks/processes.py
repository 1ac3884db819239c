"""Measure the time and memory of whole processes from outside."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_SAMPLE_INTERVAL = 0.005
_PAGE = os.sysconf("SC_PAGE_SIZE")


class RunFailedError(Exception):
    """A measured command failed."""


class Context(NamedTuple):
    """The working directory and the environment of a process."""

    folder: Path
    environment: Mapping[str, str]


class Memory(NamedTuple):
    """The memory of a process and its children in bytes: resident, and with shared pages counted once."""

    resident: int = 0
    proportional: int = 0


def seconds(command: Sequence[str], context: Context) -> float:
    """Run a command and return how many seconds it took.

    Raises:
        RunFailedError: the exit status is not 0.
    """
    start = time.perf_counter()
    run = subprocess.run(
        command,
        cwd=context.folder,
        env=context.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    taken = time.perf_counter() - start
    if run.returncode:
        raise RunFailedError(f"{' '.join(command)} exited with {run.returncode}: {run.stderr.decode()[-2000:]}")
    return taken


def can_see_memory() -> bool:
    """Return whether the system reports the memory of each process, as Linux does."""
    return (_PROC / "self" / "smaps_rollup").exists()


def peak(command: Sequence[str], context: Context) -> Memory:
    """Run a command and return the highest sampled memory of it and its children."""
    maximum = Memory()
    with subprocess.Popen(
        command, cwd=context.folder, env=context.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            maximum = Memory(*map(max, maximum, _current(process.pid)))
            time.sleep(_SAMPLE_INTERVAL)
    return maximum


def _current(process: int) -> Memory:
    processes = list(_descendants(process))
    return Memory(sum(map(_resident, processes)), sum(map(_proportional, processes)))


def _descendants(process: int) -> Iterator[int]:
    """Yield a process and its descendants. A process that has ended has none."""
    yield process
    with suppress(OSError):
        for child in (_PROC / f"{process}/task/{process}/children").read_text().split():
            yield from _descendants(int(child))


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
