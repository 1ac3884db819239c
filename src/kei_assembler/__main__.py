"""Run the command `assemble`, also as `python -m kei_assembler`.

If nothing changed since the last run with the same arguments, the command prints that run's output again. This module
therefore imports little: the import of `cli` would take longer than the whole run.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress

from kei_assembler import TYPE_CHECKING, __version__
from kei_assembler.cli import console
from kei_assembler.files import run_cache

if TYPE_CHECKING:
    from typing import NoReturn

# Almost all objects live until the process ends or are freed at once, so that most collections would find nothing.
_OBJECTS_PER_COLLECTION = 50_000

_OUT_OF_MEMORY = ("failed to map", "cannot map", "cannot allocate memory")
"""What the dynamic linker says if there is not enough memory for a module. Python can also raise a SystemError then."""


def command() -> NoReturn:
    """Run the command, then end the process at once: the interpreter's clean-up would take longer than some runs."""
    gc.set_threshold(_OBJECTS_PER_COLLECTION)
    try:
        main()
    except SystemExit as ended:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(int(ended.code or 0))


def main(prog_name: str = "assemble") -> NoReturn:
    """Run the command with the arguments of this process.

    Raises:
        SystemExit: always, with the exit status.
    """
    try:
        # scripts ask for the version before other runs, so that must not load the command line either
        asks_version = sys.argv[1:] == ["--version"]
        output = (f"assemble {__version__}\n", "") if asks_version else run_cache.recall(sys.argv[1:])
        if output is None:
            from kei_assembler.cli import app

            app.main(prog_name=prog_name)
        sys.exit(_print(output))
    except KeyboardInterrupt:
        sys.exit(130)
    except (MemoryError, SystemError, ImportError) as error:
        if isinstance(error, ImportError) and not any(sign in str(error).lower() for sign in _OUT_OF_MEMORY):
            raise
        from kei_assembler.diagnostics import OUT_OF_MEMORY

        console.write("", f"error: {OUT_OF_MEMORY.message}\n  help: {OUT_OF_MEMORY.hint}\n")
        sys.exit(2)


def _print(output: tuple[str, str]) -> int:
    """Write what a run printed to stdout and stderr, and return the exit status that `cli` would return."""
    console.set_up()
    try:
        console.write(*output)
    except OSError as error:
        with suppress(OSError):
            console.write("", f"error: the report cannot be written: {error.strerror}\n")
        return 2
    return 0


if __name__ == "__main__":
    command()
