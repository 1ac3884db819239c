"""Role files of imported agents: the text of a long role gets a file of its own."""

from __future__ import annotations

from kei_assembler.build.writer import OutputFiles
from kei_assembler.importing.convert import Conversion
from kei_assembler.importing.subfolders import manifest_of
from kei_assembler.kit import LoadedKit
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import read_text, with_lf
from kei_assembler.whitespace import has_text

MAX_LINES = 40
"""The maximum number of lines of a role in a manifest."""

_FOLDER = "roles"


def role_file(name: str) -> str:
    """Return the path of the role file of a new agent."""
    return f"{_FOLDER}/{name}.md"


def file_text(role: str) -> str:
    """Return the content of a role file. Like a manifest's role, it ends with a newline."""
    return f"{role}\n"


def is_for_file(role: str) -> bool:
    """Return whether a role gets a file: it is long, and it is the same text when it is read from a file.

    A carriage return stays in TOML, where it is an escape. In a file, git and editors change it.
    """
    if role.count("\n") < MAX_LINES or "\r" in role or not has_text(role):
        return False
    source = read_text("", file_text(role).encode())
    return source.error is None and source.text == file_text(role)


def obstacle(kit: LoadedKit, conversion: Conversion) -> str:
    """Return why the role of a new agent cannot be in its file, as the end of a sentence about the file, or ""."""
    file = role_file(conversion.name)
    manifest = manifest_of(kit, conversion.agent, conversion.name, conversion.kind)
    if owner := kit.role_files.owner(file):
        return f"would be {owner}"
    if any(kit.output(target, conversion.name, manifest) == file for target in TARGETS):
        return "would be a generated file"
    try:
        present = OutputFiles(kit).read(file)
    except OSError as error:
        return f"cannot be written: {error.strerror or error}"
    is_other = present is not None and with_lf(present) != file_text(conversion.data["role"]).encode()
    return "exists with different content" if is_other else ""
