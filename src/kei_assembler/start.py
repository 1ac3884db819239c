"""Where the command starts: with what the last run like this had to say, if nothing changed since."""

from __future__ import annotations

import sys
from typing import NoReturn

from kei_assembler import memo, streams


def main(prog_name: str = "assemble") -> NoReturn:
    """Run the command that this process was started with, and exit with its status."""
    said = memo.recall(sys.argv[1:])
    if said is None:
        from kei_assembler import cli

        cli.main(prog_name=prog_name)
    streams.set_up()
    for stream, text in zip((sys.stdout, sys.stderr), said, strict=True):
        streams.write(stream, text)
    sys.exit(0)
