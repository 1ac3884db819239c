"""Run programs that are installed on this machine, and read what they print.

No program of a project is run, a program does not learn which project it is run for, and none can wait for input or
hold up the run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from threading import Thread
from typing import IO

from kei_assembler.files.home import lies_in
from kei_assembler.records import NamedTuple

SECONDS = 15.0
"""How long to wait for all programs together. A large client for which nothing is cached starts in some seconds."""

_MAX_OUTPUT, _CHUNK = 64 * 1024, 4096
_GRACE = 0.5
"""How many seconds to wait for the rest of the output after a program has ended."""

_PLAIN = {"NO_COLOR": "1", "TERM": "dumb"}


class Program(NamedTuple):
    """A program on PATH, by its absolute path. `is_in_project` says that it lies in a project, so it is not run."""

    path: str
    is_in_project: bool = False


class Answer(NamedTuple):
    """What a program printed to standard output, or `problem`, why that does not count.

    `problem` completes the sentence "the program …".
    """

    output: str
    problem: str = ""


class Programs:
    """The programs on PATH, except for those in some projects, which are given by their resolved folders."""

    def __init__(self, projects: Iterable[str]) -> None:
        self._projects = tuple(dict.fromkeys(projects))
        path = os.environ.get("PATH", os.defpath).split(os.pathsep)
        self._folders = [each for each in dict.fromkeys(path) if os.path.isabs(each)]

    def find(self, names: Iterable[str]) -> Program | None:
        """Return the first program of these names outside of projects, or else the first one in a project, or None.

        Entries of PATH that are not absolute, such as `.`, are skipped: they depend on the working directory.
        """
        found = [Program(path, self._is_in_project(path)) for name in names for path in self._files(name)]
        return next((one for one in found if not one.is_in_project), found[0] if found else None)

    def _files(self, name: str) -> Iterator[str]:
        """The executable files of this name."""
        suffixes = os.environ.get("PATHEXT", ".COM;.EXE;.BAT;.CMD").split(";") if os.name == "nt" else [""]
        for folder in self._folders:
            paths = (os.path.join(folder, f"{name}{suffix}") for suffix in suffixes)
            yield from (path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK))

    def _is_in_project(self, path: str) -> bool:
        """Whether a path lies in a project, or leads to a file there."""
        places = {os.path.realpath(path), os.path.realpath(os.path.dirname(path))}
        return any(lies_in(place, project) for place in places for project in self._projects)

    def ask(self, commands: Sequence[Sequence[str]], seconds: float = 0) -> list[Answer]:
        """Run commands, all at the same time, and return what each prints.

        A command is the path of a program, as `find` returns it, and its arguments. It has no input and no terminal,
        and starts at the top of the file system. Those that have not ended after some seconds are killed, `SECONDS`
        unless another number is given, together with the programs that they have started.
        """
        end = time.monotonic() + (seconds or SECONDS)
        environment = self._environment_outside() if commands else {}
        running: list[_Running] = []
        try:
            running.extend(_Running(command, environment) for command in commands)
            return [one.answer(end) for one in running]
        finally:
            for one in running:
                one.kill()

    def _environment_outside(self) -> dict[str, str]:
        """The environment without what leads to a project: variables of git, those with a path in it, parts of PATH.

        Some name code to load, as PYTHONPATH does.
        """
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GIT_") and not self._names_project(value)
        }
        path = os.pathsep.join(each for each in self._folders if not self._is_in_project(each))
        return {**kept, **_PLAIN, "PATH": path}

    def _names_project(self, value: str) -> bool:
        """Whether the value of a variable has a path in a project."""
        paths = (part for part in value.split(os.pathsep) if os.path.isabs(part))
        return any(project in value for project in self._projects) or any(map(self._is_in_project, paths))


def _top(program: str) -> str:
    """The top folder of the file system that a program is in. No client looks for a project there."""
    return os.path.splitdrive(program)[0] + os.sep


class _Running:
    """A program that runs. A thread reads its output, since it may never end."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._output = bytearray()
        self._process: subprocess.Popen[bytes] | None = None
        self._problem = ""
        top = _top(command[0])
        try:
            self._process = subprocess.Popen(
                command,
                cwd=top,
                env={**environment, "PWD": top},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # without a terminal, and with a group of processes that can be killed
            )
        except OSError as error:
            self._problem = f"cannot be run: {error.strerror}"
            return
        # a daemon cannot hold up the end of this process
        self._reader = Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stdout: IO[bytes]) -> None:
        """Read the start of the output. After that, the program cannot write any more."""
        with suppress(OSError), stdout as stream:
            while len(self._output) < _MAX_OUTPUT and (piece := os.read(stream.fileno(), _CHUNK)):
                self._output += piece

    def answer(self, end: float) -> Answer:
        """Return the program's answer, at the latest at a time of the monotonic clock."""
        if self._process is None:
            return Answer("", self._problem)
        try:
            status = self._process.wait(max(0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            return Answer("", "did not end in time")
        self._reader.join(_GRACE)  # a program in the background can keep the output open
        if len(self._output) >= _MAX_OUTPUT:
            return Answer("", "printed too much")
        output = bytes(self._output).decode(errors="replace")
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return Answer(output, f"ended with {how}" if status else "")

    def kill(self) -> None:
        """Kill the program and those that it has started, unless it has ended: then it may leave some running."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:  # on Windows
                process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        self._reader.join(_GRACE)
