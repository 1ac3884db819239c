"""Standard output and error: their encoding, and writes that tolerate a closed pipe."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def set_up() -> None:
    """Make stdout and stderr accept any text.

    Files and pipes get UTF-8 with LF line ends, and undecodable bytes unchanged, so that files and diffs are exact. A
    terminal keeps its encoding, and characters that the encoding lacks are escaped.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):  # Python sets a stream to None if it starts with it closed
        if stream.isatty():
            is_utf8 = stream.encoding.lower().replace("-", "") == "utf8"
            stream.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")
        else:
            stream.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")


def write(stream: TextIO | None, text: str) -> None:
    """Write text and flush it. A closed pipe is not an error: a reader such as `head` has all that it wants.

    Raises:
        OSError: the write failed for another reason, for example because the disk is full.
    """
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _silence(stream)
    except OSError:
        _silence(stream)
        raise


def _silence(stream: TextIO) -> None:
    """Redirect a stream to the null device, because the interpreter flushes at exit and would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
