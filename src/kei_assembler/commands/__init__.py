"""The commands beside the build, one module each with its `command`; a module is imported when it is asked for."""

from __future__ import annotations

from typing import TextIO

from kei_assembler import streams
from kei_assembler.diagnostics import AssembleError

NAMES = ("explain", "targets")
"""The commands in the order of the help."""


def tell(stream: TextIO | None, text: str) -> None:
    """Write a result at once. Raises AssembleError when the machine does not let it."""
    try:
        streams.write(stream, text)
    except OSError as error:
        raise AssembleError(f"the report cannot be written: {error.strerror}") from error
