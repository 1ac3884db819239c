"""The commands beside the build, one module each with its `command`; a module is imported when it is asked for."""

from __future__ import annotations

from typing import TextIO

from kei_assembler import streams
from kei_assembler.diagnostics import AssembleError

COMMANDS = {
    "init": "Begin a kit: settings, an agent, a shared rule, and what checks them",
    "new": "Begin the manifest of an agent",
    "import": "Make manifests of agent files that are there already",
    "explain": "Explain the code of a finding",
    "targets": "List the AI tools to write for",
    "schema": "Print the JSON Schema of this kit's manifests, for editors",
    "watch": "Build all manifests, and again after each change of a source",
}
"""The commands in the order of the help, and what it says of them: each one's own help begins so."""

NAMES = tuple(COMMANDS)

MODULES = {"import": "import_"}
"""The modules of those commands of which the name is a word of Python."""


def tell(stream: TextIO | None, text: str) -> None:
    """Write a result at once. Raises AssembleError when the machine does not let it."""
    try:
        streams.write(stream, text)
    except OSError as error:
        raise AssembleError(f"the report cannot be written: {error.strerror}") from error
