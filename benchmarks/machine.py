"""Describe the machine that runs the benchmark."""

from __future__ import annotations

import os
import platform
import re
import shutil
from contextlib import suppress
from pathlib import Path

_MEMORY_DISK = "/dev/shm"  # on Linux
_MIN_FREE_BYTES = 2 << 30


def machine() -> str:
    """Return the processor, the number of cores, the memory and the operating system, if known."""
    system = f"{platform.system()} {platform.release()}"
    return ", ".join(filter(None, (_processor(), f"{os.cpu_count()} cores", _memory(), system)))


def load() -> str:
    """Return the average load of the last minute, or `unknown`."""
    with suppress(OSError, AttributeError):
        return f"{os.getloadavg()[0]:.1f}"
    return "unknown"


def memory_disk() -> str | None:
    """Return a folder in memory that has space for the largest kits, or None."""
    if not os.access(_MEMORY_DISK, os.W_OK):
        return None
    return _MEMORY_DISK if shutil.disk_usage(_MEMORY_DISK).free >= _MIN_FREE_BYTES else None


def _processor() -> str:
    with suppress(OSError):
        model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if model:
            return model[1]
    return platform.processor() or platform.machine()


def _memory() -> str:
    with suppress(OSError, ValueError):
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB memory"
    return ""
