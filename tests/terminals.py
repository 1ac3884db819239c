"""Runs of the command on a pseudo-terminal, which Windows does not have."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def on_terminal(folder: Path, *args: str, columns: int = 100, environment: Mapping[str, str] | None = None) -> str:
    """Return what the command prints to a terminal of this width."""
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    command = [sys.executable, "-m", "kei_assembler", *args]
    variables = {**inherited, "TERM": "xterm", **(environment or {})}
    printed = b""
    with subprocess.Popen(command, cwd=folder, stdout=theirs, stderr=theirs, env=variables):
        os.close(theirs)
        while chunk := _read(ours):
            printed += chunk
    os.close(ours)
    return printed.decode(errors="replace").replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how a terminal says that the other side has gone
        return b""
