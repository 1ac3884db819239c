"""Run the whole command without starting an interpreter, by forking a process that has loaded it already.

Each run has its own process, streams, folder and environment. Start a real interpreter to test what a process loads,
how the interpreter reads its environment, or how it shuts down: a fork can't show any of these. Where the system cannot
fork, as on Windows, each run starts an interpreter.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryDirectory
from typing import Any, TextIO

COMMAND = "from kei_assembler.__main__ import command\ncommand()\n"


class ForkServer:
    """A process that runs some preparatory code once and then forks for each further piece of code to run.

    `tracer` is the command line of a program that starts the process and observes it, such as strace.
    """

    def __init__(self, preparation: str = "", tracer: Sequence[str] = ()) -> None:
        self._preparation = preparation
        self._tracer = tracer
        self._can_fork = hasattr(os, "fork")
        if self._can_fork:
            self._start()

    def _start(self) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            command = [*self._tracer, sys.executable, __file__, str(number), self._preparation]
            self._process = subprocess.Popen(command, pass_fds=[number], stdin=subprocess.DEVNULL)
        self._answers = self._line.makefile("r")

    def run(
        self, folder: Path, args: Sequence[str], code: str = COMMAND, environment: Mapping[str, str] = os.environ
    ) -> subprocess.CompletedProcess[bytes]:
        """Run code with these arguments, by default the command, and return its status and what it wrote."""
        if not self._can_fork:
            program = f"import sys\nsys.argv[0] = 'assemble'\n{self._preparation}\n{code}"
            command = [sys.executable, "-c", program, *args]
            return subprocess.run(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
        request = {"folder": str(folder), "args": args, "code": code, "environment": dict(environment)}
        readers = self._send(request)
        with ThreadPoolExecutor(len(readers)) as pool:
            out, err = pool.map(_drained, readers)
        return subprocess.CompletedProcess(args, int(self._answers.readline()), out, err)

    def close(self) -> None:
        if self._can_fork:
            self._answers.close()
            self._line.close()
            assert self._process.wait() == 0

    def _send(self, request: Mapping[str, Any]) -> list[int]:
        """Send a request, and return the pipes to read its output and its errors from."""
        pipes = [os.pipe(), os.pipe()]
        writers = [writer for _, writer in pipes]
        socket.send_fds(self._line, [b"."], writers)
        self._line.sendall(f"{json.dumps(request)}\n".encode())
        _close(writers)
        return [reader for reader, _ in pipes]


def _drained(reader: int) -> bytes:
    with open(reader, "rb") as file:
        return file.read()


def _serve(line: socket.socket) -> dict[str, Any]:
    """Fork for each request and send back how the fork ended; only the fork returns, with its request."""
    with line, line.makefile("r") as requests:
        while streams := socket.recv_fds(line, 1, 2)[1]:
            request: dict[str, Any] = json.loads(requests.readline())
            process = os.fork()
            if process == 0:
                _settle(request, streams)
                return request
            _close(streams)
            _, status = os.waitpid(process, 0)
            line.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
    sys.exit()


def _settle(request: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Use the streams, folder, environment and arguments of the request."""
    for number, stream in enumerate(streams, start=1):
        os.dup2(stream, number)
    _close(streams)
    sys.stdout, sys.stderr = _opened_again(sys.stdout, -1), _opened_again(sys.stderr, 1)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["assemble", *request["args"]]


def _opened_again(stream: TextIO, buffering: int) -> TextIO:
    """Reopen a stream as the interpreter does, which depends on what the descriptor leads to."""
    return os.fdopen(stream.fileno(), "w", buffering, stream.encoding, stream.errors, closefd=False)


def _close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _main() -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(sys.argv[2], names)
    _load()
    gc.freeze()  # so that collecting garbage does not copy the pages that all forks share
    _live(_serve(socket.socket(fileno=int(sys.argv[1])))["code"], names)


def _load() -> None:
    """Load all modules of the command and read its template; the preparatory code has already run."""
    import kei_assembler

    for module in walk_packages(kei_assembler.__path__, "kei_assembler."):
        import_module(module.name)
    from kei_assembler import Kit

    del sys.path[0]  # the tests' own folder
    with TemporaryDirectory() as folder:
        agents = Path(folder, "agents")
        agents.mkdir()
        (agents / "any.toml").write_text('name = "any"\ndescription = "Any."\n')
        Kit.load(folder).render("agents/any.toml")


def _live(code: str, names: dict[str, Any]) -> None:
    """Run the code, and skip the shutdown of the interpreter, which takes longer than most runs."""
    try:
        exec(code, names)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            raise
        sys.stdout.flush()
        os._exit(ended.code or 0)


if __name__ == "__main__":
    _main()
