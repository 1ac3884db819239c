"""`assemble lsp`: the language server for editors."""

from __future__ import annotations

import os
import sys

import click

from kei_assembler.cli.options import home_option
from kei_assembler.diagnostics import AssembleError


@click.command("lsp")
@home_option
def command(for_user: bool) -> None:
    """Run the language server, which an editor starts and talks to on stdin and stdout.

    It shows findings while you type, corrects them, completes and explains names and keys, leads to where they are
    defined and used, and renames them. It needs the package `pygls`, which is the extra `lsp` of this package.
    """
    try:
        from kei_assembler.lsp.server import serve
    except ModuleNotFoundError as error:
        hint = "install it where `assemble` is installed, with: python -m pip install 'pygls>=2,<3'"
        raise AssembleError("the language server needs the package `pygls`", hint) from error
    if sys.stdin is None or sys.stdout is None or sys.stdin.isatty():
        raise click.UsageError("this command is for editors, which talk to it on stdin and stdout")
    protocol = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno() if sys.stderr else os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # anything else that is printed goes to the editor's log
    serve(sys.stdin.buffer, protocol, for_user)
