"""`assemble guard`: answer the hook of a client that is about to edit a file."""

from __future__ import annotations

import sys

import click

from kei_assembler.analysis import guard
from kei_assembler.build.result import CLEAN
from kei_assembler.cli import generated
from kei_assembler.cli.commands import write
from kei_assembler.cli.options import kit_option
from kei_assembler.diagnostics import AssembleError
from kei_assembler.report.text_report import escaped
from kei_assembler.selection import kit_option_value

BLOCKED = 2
"""The status by which a hook stops a tool. Its stderr is what the agent reads."""

_MAX_BYTES = 64 * 1024 * 1024


@click.command("guard")
@kit_option
def command(folder: str | None) -> int:
    """Answer a client's hook: name the sources of a generated file that an agent is about to edit.

    Claude Code and others run it before each edit, and send a JSON object on stdin. If the edit would change a
    generated file, or a generated section of a file such as AGENTS.md, the status is 2, and stderr says which sources
    to edit instead. For all other files, and if no kit is found or its settings are broken, the status is 0, and
    nothing is printed.

    `assemble init --guard` adds the hook.

    \b
    Example:
      echo '{"tool_input": {"file_path": "AGENTS.md",
        "content": ""}}' | assemble guard
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise click.UsageError("this command is for hooks, which send JSON on stdin; to add one: assemble init --guard")
    try:
        message = _answer(folder)
    except (AssembleError, OSError, ValueError, MemoryError):  # of a path that is no path, for example
        return CLEAN  # a broken kit must not keep anybody from editing files, such as its sources
    write("", escaped(message))
    return BLOCKED if message else CLEAN


def _answer(folder: str | None) -> str:
    edit = guard.read(sys.stdin.buffer.read(_MAX_BYTES))
    found = generated.at_if_any(edit.path, folder) if edit else None
    if edit is None or found is None:
        return ""
    kit, made = found
    kit.display_folder = kit_option_value(kit.folder)
    return guard.answer(kit, made, edit)
