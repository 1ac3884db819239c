"""Measure what a record of a check by content would need at least: to read and hash all files of a kit.

`python benchmarks/content.py` prints the result as a multiple of the bare interpreter, like the rows of `run.py`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from statistics import median

import kits
from processes import Context, seconds

_BARE = (sys.executable, "-I", "-c", "pass")
_HASH = """
import hashlib, os
for folder, _, names in os.walk("."):
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            hashlib.sha256(file.read()).digest()
"""


def main() -> None:
    """Measure, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--agents", type=int, default=1_000, help="number of manifests")
    parser.add_argument("--runs", type=int, default=9, help="number of runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kit = Path(folder) / "kit"
        kits.make(kit, options.agents)
        context = Context(kit, os.environ | {"CI": "1"})
        assemble = (sys.executable, "-m", "kei_assembler", "--all")
        seconds(assemble, context)
        commands = {"bare interpreter": _BARE, "check": (*assemble, "--check"), "hash": (*_BARE[:3], _HASH)}
        times = {name: [seconds(command, context) for _ in range(options.runs)] for name, command in commands.items()}
    bare = median(times.pop("bare interpreter"))
    for name, found in times.items():
        sys.stdout.write(f"{name}: {median(found) / bare:.1f} times the bare interpreter\n")


if __name__ == "__main__":
    main()
