"""Write the files and run the commands of a documentation page, from top to bottom.

A fence with a path after its language is a file to write. In a `console` fence, a line with `$ ` starts a command, one
with `> ` continues it, and the other lines are its output. Digests appear as `sha256:0`.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from conftest import Workbench

FENCE = re.compile(
    r"^(?P<fence>`{3,})(?P<language>\w+)(?: (?P<path>\S+))?\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(r"^\$ .*\n(?:^>(?: .*)?\n)*", re.MULTILINE)
_FOR_A_SHELL = re.compile(r"[|&;<>()$`*?\n]")
_DIGEST = re.compile(r"(?<=sha256:)\w+")
_GIT = "[user]\nname = You\nemail = you@example.org\n[init]\ndefaultBranch = main\n[commit]\ngpgsign = false\n"


class Walk:
    """One run through a page, in a folder that is empty at first; `status` is the last command's."""

    def __init__(self, bench: Workbench, home: Path) -> None:
        (bench.folder / ".git").rmdir()
        (home / "gitconfig").write_text(_GIT)
        self.bench, self.folder, self.status = bench, ".", 0
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GITHUB_"))},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
            "PRE_COMMIT_HOME": str(home),
        }

    def through(self, page: str) -> str:
        """Return the page with the output that its commands have now."""
        assert not re.search("^ +`{3,}console", page, re.MULTILINE), "an indented fence would not be run"
        return FENCE.sub(self._fence, page)

    def _fence(self, fence: re.Match[str]) -> str:
        if fence["path"]:
            self.bench.write({f"{self.folder}/{fence['path']}": fence["text"]})
        if fence["language"] != "console":
            return fence[0]
        start, end = (at - fence.start() for at in fence.span("text"))
        return fence[0][:start] + "".join(self._said(fence["text"])) + fence[0][end:]

    def _said(self, text: str) -> Iterator[str]:
        assert text.startswith("$ "), f"a console fence starts with a command, not with\n{text}"
        for command in COMMAND.findall(text):
            said = self._run(re.sub(r"^[$>] ?", "", command, flags=re.MULTILINE).rstrip("\n"))
            yield command + _DIGEST.sub("0", said.replace(str(self.bench.folder), "/home/you"))

    def _run(self, command: str) -> str:
        if command.startswith("cd "):
            self.folder = os.path.normpath(f"{self.folder}/{command.removeprefix('cd ')}")
            return ""
        is_plain = command.startswith("assemble ") and not _FOR_A_SHELL.search(command)
        return self._run_here(shlex.split(command)[1:]) if is_plain else self._run_in_a_shell(command)

    def _run_here(self, args: list[str]) -> str:
        run = self.bench.run(*args, cwd=self.folder)
        self.status = run.status
        return run.stdout + run.stderr

    def _run_in_a_shell(self, command: str) -> str:
        """Run a command that needs a shell; `$?` is the status of the command before it."""
        run = subprocess.run(
            ["bash", "-c", f"(exit {self.status}); {command}"],
            cwd=self.bench.folder / self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.status = run.returncode
        return run.stdout
