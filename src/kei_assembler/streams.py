"""Standard output and error: set up for any text, and written to without failing those who read only its beginning."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def set_up() -> None:
    """Let the streams, either of which may have been closed, take any text.

    What is no terminal gets UTF-8 with plain line ends, and bytes that are none as they are: files and diffs go out
    exactly. A terminal keeps its encoding; characters that this lacks are spelled out.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):
        if stream.isatty():
            is_utf8 = stream.encoding.lower().replace("-", "") == "utf8"
            stream.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")
        else:
            stream.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")


def write(stream: TextIO | None, text: str) -> None:
    """Write at once; a reader that has gone, such as `head`, has had what it wanted. Raises OSError else."""
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
    """Let the interpreter, which flushes at its end, write to where it cannot fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
