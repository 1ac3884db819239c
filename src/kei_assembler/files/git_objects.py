"""Read git's objects, one after the other, from a process that stays alive."""

from __future__ import annotations

import os
import subprocess
import weakref
from contextlib import suppress

from kei_assembler.files.git_index import Git

_STREAMED = "1m"
"""From this size on, git does not have to load a whole file before it writes the first bytes."""


class Objects:
    """The objects of a repository, read by a process that lives until `close`, or as long as this value.

    The format is "BATCH OUTPUT" in git-cat-file(1).
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        """The process of git for each process of this program: a fork cannot share one."""
        weakref.finalize(self, _end, self._processes)

    def read(self, name: str, max_bytes: int) -> bytes | None:
        """Return the content of an object, cut off after `max_bytes` + 1 bytes, or None if git cannot read it.

        Raises:
            AssembleError: git is not installed.
        """
        process = self._processes.get(os.getpid()) or self._started()
        content = None
        try:
            content = _answer(process, name, max_bytes)
        except OSError:  # git has ended
            pass
        finally:
            if content is None or len(content) > max_bytes:  # the rest of the answer must not be read as another one
                self.close()
        return content

    def _started(self) -> subprocess.Popen[bytes]:
        started = self._git.start("-c", f"core.bigFileThreshold={_STREAMED}", "cat-file", "--batch")
        self._processes[os.getpid()] = started
        return started

    def close(self) -> None:
        """End the process. The next `read` starts another one."""
        _end(self._processes)


def _answer(process: subprocess.Popen[bytes], name: str, max_bytes: int) -> bytes | None:
    requests, answers = process.stdin, process.stdout
    if not requests or not answers:
        return None
    requests.write(f"{name}\n".encode())
    requests.flush()
    match answers.readline().split(b" "):
        case [_, _, size]:
            wanted = min(int(size), max_bytes + 1)
            content = answers.read(wanted)
            answers.read(1)
            return content if len(content) == wanted else None
    return None


def _end(processes: dict[int, subprocess.Popen[bytes]]) -> None:
    process = processes.pop(os.getpid(), None)
    if process:
        process.kill()
        with suppress(OSError), process:  # closes the pipes
            pass
