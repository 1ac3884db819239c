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
from kei_assembler.targets import TARGETS

FENCE = re.compile(
    r"^(?P<fence>`{3,})(?P<language>\w+)(?: (?P<path>\S+))?\n(?P<text>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(r"^\$ .*\n(?:^>(?: .*)?\n)*", re.MULTILINE)
_SHELL_SYNTAX = re.compile(r"[|&;<>()$`*?\n]")
_DIGEST = re.compile(r"(?<=sha256:)\w+")
_GIT = "[user]\nname = You\nemail = you@example.org\n[init]\ndefaultBranch = main\n[commit]\ngpgsign = false\n"


_CLIENTS = frozenset(
    name for row in TARGETS.values() for one in row.verified if one.executable for name in one.executable.names
)


def path_without_clients(home: Path, links: Path) -> str:
    """Return a PATH with a user's own programs, and with those of this machine except for clients.

    A folder with clients is replaced by one, in `links`, with links to its other programs.
    """
    folders = [home / ".local/bin"]
    for number, folder in enumerate(map(Path, os.environ["PATH"].split(os.pathsep))):
        has_clients = any((folder / name).exists() for name in _CLIENTS)
        folders.append(links / str(number) if has_clients else folder)
        if has_clients:
            folders[-1].mkdir(parents=True)
            for program in folder.iterdir():
                if program.name not in _CLIENTS:
                    (folders[-1] / program.name).symlink_to(program)
    return os.pathsep.join(map(str, folders))


class Walk:
    """One run through a page, in an initially empty folder. `status` is the exit status of the last command."""

    def __init__(self, bench: Workbench, config: Path) -> None:
        (bench.folder / ".git").rmdir()
        (config / "gitconfig").write_text(_GIT)
        self.bench, self.folder, self.status = bench, ".", 0
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GITHUB_"))},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": str(config / "gitconfig"),
            "PRE_COMMIT_HOME": str(config),
        }

    def rerun(self, page: str) -> str:
        """Return the page with the current output of its commands."""
        assert not re.search("^ +`{3,}console", page, re.MULTILINE), "an indented fence would not be run"
        return FENCE.sub(self._fence, page)

    def _fence(self, fence: re.Match[str]) -> str:
        if fence["path"]:
            self.bench.write({f"{self.folder}/{fence['path']}": fence["text"]})
        if fence["language"] != "console":
            return fence[0]
        start, end = (at - fence.start() for at in fence.span("text"))
        return fence[0][:start] + "".join(self._with_output(fence["text"])) + fence[0][end:]

    def _with_output(self, text: str) -> Iterator[str]:
        assert text.startswith("$ "), f"a console fence starts with a command, not with\n{text}"
        for command in COMMAND.findall(text):
            output = self._run(re.sub(r"^[$>] ?", "", command, flags=re.MULTILINE).rstrip("\n"))
            yield command + _DIGEST.sub("0", output.replace(str(self.bench.folder), "/home/you"))

    def _run(self, command: str) -> str:
        if command.startswith("cd "):
            self.folder = os.path.normpath(f"{self.folder}/{command.removeprefix('cd ')}")
            return ""
        is_plain = command.startswith("assemble ") and not _SHELL_SYNTAX.search(command)
        return self._run_in_process(shlex.split(command)[1:]) if is_plain else self._run_in_a_shell(command)

    def _run_in_process(self, args: list[str]) -> str:
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
