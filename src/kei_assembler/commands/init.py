"""`assemble init`: a new kit."""

from __future__ import annotations

import sys

import click

from kei_assembler import scaffold
from kei_assembler.commands import completing, tell
from kei_assembler.kit import Kit, discovery, kit_option
from kei_assembler.loader import load_kit
from kei_assembler.paths import as_seen
from kei_assembler.plan.options import RunOptions
from kei_assembler.plan.run import run
from kei_assembler.report import as_text
from kei_assembler.selection import named

_NEXT = "next: edit the manifest, or begin another with `assemble new NAME{kit}`; then run: assemble --all{kit}\n"

_NEXT_IN_KIT = """\
this is a kit already, and gets only what checks it
next: begin a further agent with `assemble new NAME{kit}`; then run: assemble --all{kit}
"""


@click.command("init")
@click.argument("folder", metavar="[DIR]", required=False, shell_complete=completing.folders)
def command(folder: str | None) -> int:
    """Begin a kit: settings, an agent, a shared rule, and what checks them. Nothing that is there is overwritten.

    A folder that is a kit already, as after an import, gets what checks it: a hook, a workflow, and lines for git and
    Prettier.
    """
    path = scaffold.folder_for(folder)
    is_kit = discovery.is_kit(path)
    for line in scaffold.begin(path):
        tell(sys.stdout, line)
    if is_kit:
        tell(sys.stderr, _NEXT_IN_KIT.format(kit=kit_option(named(path))))
        return 0
    return _assemble(load_kit(path))


def _assemble(kit: Kit) -> int:
    result = run(kit, kit.manifests, True, RunOptions())
    changes = tuple(change._replace(path=as_seen(kit.path(change.path))) for change in result.changes)
    out, err = as_text.render(result._replace(changes=changes))
    tell(sys.stdout, out)
    tell(sys.stderr, err + ("" if result.status else _NEXT.format(kit=kit_option(named(kit.folder)))))
    return result.status
