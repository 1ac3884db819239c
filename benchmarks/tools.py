"""Installations of the tool, each with kits and cache folders of its own to work on."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import kits
from processes import Place, seconds

_UNSET = ("CI", "PYTHONDONTWRITEBYTECODE")
"""With the first the tool keeps no records, with the second each run would compile the modules anew."""

_PAUSES = (0.3, 3)
"""Seconds until a new file is old enough for a record, on file systems with fine and with coarse times."""


class Tool:
    """The tool as it is installed for one interpreter, and a folder to measure it in."""

    def __init__(self, label: str, python: str, folder: Path) -> None:
        self.label = label
        self.bare = [python, "-I", "-c", "pass"]
        """The bare interpreter, which everything is compared with."""
        script = Path(python).parent / "assemble"
        self.command = [str(script)] if script.exists() else [python, "-m", "kei_assembler"]
        self._folder = folder
        self._caches = count()
        folder.mkdir()

    def version(self) -> str:
        """Return the tool's and the interpreter's versions, as they tell them."""
        commands = ([*self.command, "--version"], [*self.bare[:2], "--version"])
        return ", ".join(subprocess.check_output(command, text=True).strip() for command in commands)

    def kit(self, agents: int) -> Path:
        """Return the kit with that many agents, which is made at first need."""
        folder = self._folder / f"kit-{agents}"
        if not folder.exists():
            kits.make(folder, agents)
        return folder

    def built(self, agents: int) -> Path:
        """Return the kit with that many agents and all outputs as a build makes them."""
        folder = self.kit(agents)
        seconds([*self.command, "--all"], self.cold(folder))
        return folder

    def cold(self, folder: Path) -> Place:
        """Return the folder as a place without any record of an earlier run."""
        return Place(folder, _environment(self._folder / f"cache-{next(self._caches)}"))

    def warm(self, folder: Path, *args: str) -> Place:
        """Return the folder as a place where the run with these arguments has left its record, if it leaves one."""
        for pause in _PAUSES:
            place = self.cold(folder)
            time.sleep(pause)
            seconds([*self.command, *args], place)
            if any(Path(place.environment["XDG_CACHE_HOME"]).rglob("*.json")):
                break
        return place


def _environment(cache: Path) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _UNSET}
    return kept | {"XDG_CACHE_HOME": str(cache)}
