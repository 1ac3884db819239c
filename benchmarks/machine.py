"""The machine that is measured on."""

from __future__ import annotations

import os
import platform
import re
from contextlib import suppress
from pathlib import Path


def machine() -> str:
    """Return what machine this is: processor, how many cores, memory, system."""
    system = f"{platform.system()} {platform.release()}"
    return ", ".join(filter(None, (_processor(), f"{os.cpu_count()} cores", _memory(), system)))


def load() -> str:
    """Return how much else the machine has to do: the load of the last minute, where it is known."""
    with suppress(OSError, AttributeError):
        return f"{os.getloadavg()[0]:.1f}"
    return "unknown"


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
