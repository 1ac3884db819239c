"""Walkthroughs: the files and commands of a page of the documentation, gone through from top to bottom.

A fence that names a path after its language is a file to write. In a fence `console`, `$ ` begins a command, `> ` goes
on with it, and what follows is what the command says. Digests stand as `sha256:0`.
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
    """One way through a page, in a folder that begins empty; `status` is that of the last command."""

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
        """Return the page with what its commands say now."""
        assert not re.search("^ +`{3,}console", page, re.MULTILINE), "a fence that is indented would not be run"
        return FENCE.sub(self._fence, page)

    def _fence(self, fence: re.Match[str]) -> str:
        if fence["path"]:
            self.bench.write({f"{self.folder}/{fence['path']}": fence["text"]})
        if fence["language"] != "console":
            return fence[0]
        start, end = (at - fence.start() for at in fence.span("text"))
        return fence[0][:start] + "".join(self._said(fence["text"])) + fence[0][end:]

    def _said(self, text: str) -> Iterator[str]:
        assert text.startswith("$ "), f"what does a command say here?\n{text}"
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
        """Run what needs one, after a command with the status of the last, for `$?`."""
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
