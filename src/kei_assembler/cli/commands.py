"""The commands other than the build, one module each with its `command`. A module is imported when it is needed."""

from __future__ import annotations

from importlib import import_module

import click

from kei_assembler.cli import console
from kei_assembler.diagnostics import AssembleError

COMMANDS = {
    "init": "Create a kit: settings, an agent, a shared block, and checks for git and CI",
    "new": "Create the manifest of an agent, of instructions or of a skill",
    "import": "Convert existing agent files to manifests",
    "list": "List the agents, instructions and skills, with what they use, their tokens and their state",
    "show": "Show what an agent is made of, and what it may do in each client",
    "impact": "Show which agents a change affects, and why",
    "graph": "Draw the handoffs between the agents, or what they are made of",
    "catalog": "Write a site with the agents, blocks and handoffs of the kit",
    "flatten": "Print manifests with all that they inherit",
    "rename": "Give an agent, a block, a bundle or a value another name",
    "remove": "Remove an agent, a block, a bundle or a value that nothing uses",
    "why": "Show where the lines of a generated file come from",
    "adopt": "Take hand edits of generated files back into their sources",
    "guard": "Answer a client's hook: name the sources of a generated file that an agent is about to edit",
    "explain": "Explain a diagnostic code",
    "targets": "List the supported clients",
    "doctor": "Report which clients are installed, and which files of the kit they read",
    "schema": "Print the JSON Schema of the kit's manifests, for editors",
    "lsp": "Run the language server, which an editor starts and talks to on stdin and stdout",
    "gitignore": "Print the lines for `.gitignore` that match the generated files",
    "watch": "Build all manifests, and rebuild them when a source changes",
}
"""The commands in the order of the help, with their summaries. Each command's own help starts with its summary."""

MODULES = {"import": "import_"}
"""The modules of the commands whose name is a Python keyword."""


def command_named(name: str) -> click.Command:
    """Return the command with this name, which is one of `COMMANDS`."""
    command: click.Command = import_module(f"kei_assembler.cli.{MODULES.get(name, name)}").command
    return command


def write(out: str, err: str = "") -> None:
    """Write to stdout, then to stderr.

    Raises:
        AssembleError: one of them cannot be written to.
    """
    try:
        console.write(out, err)
    except OSError as error:
        raise AssembleError(f"the report cannot be written: {error.strerror}") from error
