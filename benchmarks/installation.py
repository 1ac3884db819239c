"""Installations of `assemble` to measure. Each has its own kits and cache folders."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

import kits
from kits import Form
from processes import Context, seconds

_UNSET = ("CI", "PYTHONDONTWRITEBYTECODE")
"""`CI` turns off the run cache. Without byte code, each run would compile the modules again."""

_PAUSES = (0.3, 3)
"""Seconds until a new file is old enough for the run cache, on file systems with fine and coarse timestamps."""


class Installation:
    """One interpreter's installation of `assemble`, and a folder for its kits."""

    def __init__(self, label: str, python: str, folder: Path) -> None:
        self.label = label
        self.bare = [python, "-I", "-c", "pass"]
        """The command of a bare interpreter, which everything is compared with."""
        script = Path(python).parent / "assemble"
        self.command = [str(script)] if script.exists() else [python, "-m", "kei_assembler"]
        self._folder = folder
        self._caches = count()
        folder.mkdir()

    def version(self) -> str:
        """Return the tool's and the interpreter's versions."""
        commands = ([*self.command, "--version"], [*self.bare[:2], "--version"])
        return ", ".join(subprocess.check_output(command, text=True).strip() for command in commands)

    def kit(self, agents: int, form: Form = Form.FLAT, targets: Sequence[str] = ()) -> Path:
        """Return the kit with that many manifests for these targets, and create it if necessary."""
        folder = self._folder / "-".join(("kit", str(agents), form, *targets))
        if not folder.exists():
            kits.make(folder, agents, form, targets)
        return folder

    def built(self, agents: int, form: Form = Form.FLAT, targets: Sequence[str] = ()) -> Path:
        """Return the kit with that many manifests and with all generated files up to date."""
        folder = self.kit(agents, form, targets)
        seconds([*self.command, "--all"], self.cold(folder))
        return folder

    def edited(self, agents: int) -> Path:
        """Return a committed kit with that many agents for two clients, and with a change of a block that all have."""
        folder = self._folder / f"kit-{agents}-edited"
        if not folder.exists():
            kits.make(folder, agents, targets=("claude-code", "copilot"))
            kits.commit(folder)
            kits.edit(folder)
        return folder

    def cold(self, folder: Path) -> Context:
        """Return a context in the folder with an empty cache."""
        return Context(folder, _environment(self._folder / f"cache-{next(self._caches)}"))

    def warm(self, folder: Path, *args: str) -> Context:
        """Return a context in the folder whose cache has the record of a run with these arguments, if it leaves one."""
        for pause in _PAUSES:
            context = self.cold(folder)
            time.sleep(pause)
            seconds([*self.command, *args], context)
            if any(Path(context.environment["XDG_CACHE_HOME"]).rglob("*.json")):
                break
        return context


def _environment(cache: Path) -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _UNSET}
    return kept | {"XDG_CACHE_HOME": str(cache)}
