"""Where the command starts: with what the last run like this had to say, if nothing changed since."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

from kei_assembler import streams
from kei_assembler.files import run_cache


def command() -> NoReturn:
    """Be the process of the command: as `main`, but end at once.

    To take a process apart that ends anyway would take longer than some runs.
    """
    try:
        main()
    except SystemExit as ended:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(int(ended.code or 0))


def main(prog_name: str = "assemble") -> NoReturn:
    """Run the command that this process was started with, and exit with its status."""
    try:
        said = run_cache.recall(sys.argv[1:])
        if said is None:
            from kei_assembler import cli

            cli.main(prog_name=prog_name)
        sys.exit(_repeat(said))
    except KeyboardInterrupt:
        sys.exit(130)


def _repeat(said: tuple[str, str]) -> int:
    """Say it again, and return the status of that: where it cannot be written, it is that of the run itself."""
    streams.set_up()
    try:
        for stream, text in zip((sys.stdout, sys.stderr), said, strict=True):
            streams.write(stream, text)
    except OSError as error:
        with suppress(OSError):
            streams.write(sys.stderr, f"error: the report cannot be written: {error.strerror}\n")
        return 2
    return 0
