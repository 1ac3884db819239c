"""Standard output and error: their encoding, and writes that tolerate a closed pipe."""

from __future__ import annotations

import os
import stat
import sys

from kei_assembler import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


def set_up() -> None:
    """Make stdout and stderr accept any text.

    Files and pipes get UTF-8 with LF line ends, and undecodable bytes unchanged, so that files and diffs are exact. A
    terminal keeps its encoding, and characters that the encoding lacks are escaped.
    """
    if os.name == "nt":
        from colorama import just_fix_windows_console  # click requires it there

        just_fix_windows_console()
    for stream in filter(None, (sys.stdout, sys.stderr)):  # Python sets a stream to None if it starts with it closed
        if stream.isatty():
            is_utf8 = stream.encoding.lower().replace("-", "") == "utf8"
            stream.reconfigure(errors="surrogateescape" if is_utf8 else "backslashreplace")
        else:
            stream.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")


def colours() -> tuple[bool, bool]:
    """Return whether to print colours to stdout and to stderr.

    By default, terminals get them, except dumb ones. NO_COLOR (no-color.org) and FORCE_COLOR (force-color.org) decide
    otherwise unless they are empty, and the first of these two wins.
    """
    if os.environ.get("NO_COLOR"):
        return False, False
    if os.environ.get("FORCE_COLOR"):
        return True, True
    is_dumb = os.environ.get("TERM") == "dumb"
    on_out, on_err = (stream is not None and stream.isatty() and not is_dumb for stream in (sys.stdout, sys.stderr))
    return on_out, on_err


def acts_on_text() -> bool:
    """Return whether stdout is a terminal or the log of a CI service, which act on control characters and commands."""
    return bool(sys.stdout) and (sys.stdout.isatty() or _is_log(sys.stdout))


def _is_log(stream: TextIO) -> bool:
    """Return whether a CI service reads the stream, in which it looks for commands."""
    takes_commands = any(os.environ.get(name) for name in ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"))
    return takes_commands and not stat.S_ISREG(os.fstat(stream.fileno()).st_mode)


def columns() -> int:
    """Return how many columns a text for people may have: those of the terminal, but not too many to read well.

    Where the width is unknown, as in a pipe, it is that of a narrow terminal.
    """
    from shutil import get_terminal_size

    return min(max(get_terminal_size((_NARROW, 24)).columns, _MIN_COLUMNS), _MAX_COLUMNS)


def line_columns() -> int | None:
    """Return how many columns a line of a table may have: those of the terminal, or None if stdout is not a terminal.

    Programs get each row of a table as one line.
    """
    from shutil import get_terminal_size

    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return max(get_terminal_size((_NARROW, 24)).columns, _MIN_COLUMNS) if is_terminal else None


_MIN_COLUMNS, _NARROW, _MAX_COLUMNS = 40, 60, 100


def write(out: str, err: str) -> None:
    """Write to stdout, then to stderr. A closed pipe is not an error: a reader such as `head` has all that it wants.

    Raises:
        OSError: the write failed for another reason, for example because the disk is full.
    """
    for stream, text in ((sys.stdout, out), (sys.stderr, err)):
        if stream is None or not text:
            continue
        try:
            stream.write(text)
            stream.flush()
        except OSError as error:
            # The interpreter flushes at exit and would fail again, so redirect the stream to the null device.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if not isinstance(error, BrokenPipeError):
                raise
