"""`assemble init`: a new kit."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import click

from kei_assembler import scaffold, schema
from kei_assembler.commands import completing, tell
from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import Kit, discovery
from kei_assembler.kit.selection import as_seen, working_directory
from kei_assembler.plan import disk
from kei_assembler.plan.build import Mode, run
from kei_assembler.plan.renewing import MANIFEST_SCHEMA, SETTINGS_SCHEMA
from kei_assembler.report import as_text
from kei_assembler.scaffold import Piece
from kei_assembler.text.hidden import shown

_NEXT = "next: edit the manifest, or begin another with `assemble new NAME`; then run: assemble --all\n"


@click.command("init")
@click.argument("folder", metavar="[DIR]", required=False, shell_complete=completing.folders)
def command(folder: str | None) -> int:
    """Begin a kit: settings, an agent, a shared rule, and what checks them. Nothing that is there is overwritten."""
    path = os.path.normpath(os.path.join(working_directory(), folder or ""))
    _refuse_kits(path, is_named=folder is not None)
    top = discovery.git_top(path) or path
    way = os.path.relpath(path, top).replace(os.sep, "/")
    for base, piece in _pieces(path, top, "" if way == "." else way):
        tell(sys.stdout, _begin(os.path.join(base, piece.path), piece))
    kit = discovery.load(path)
    tell(sys.stdout, _begin(kit.path(MANIFEST_SCHEMA), _schema_of(kit)))
    return _assemble(kit)


def _refuse_kits(folder: str, is_named: bool) -> None:
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise AssembleError(f"{folder} is no folder")
    if discovery.is_kit(folder):
        raise AssembleError(f"{folder} is a kit already", "`assemble new NAME` begins a further agent in it")
    outer = discovery.find(folder)
    if not is_named and outer not in (None, folder):
        raise AssembleError(f"this folder lies in the kit {outer}", "to begin a kit inside of it: assemble init .")


def _pieces(folder: str, top: str, way: str) -> Iterator[tuple[str, Piece]]:
    """The files to begin with, each with the folder that its path is relative to; what makes it a kit comes last."""
    yield from ((top, piece) for piece in scaffold.for_repository(way))
    settings = schema.as_text(schema.settings_schema())
    yield folder, Piece(SETTINGS_SCHEMA, settings)
    yield from ((folder, piece) for piece in scaffold.for_kit(way))


def _schema_of(kit: Kit) -> Piece:
    return Piece(MANIFEST_SCHEMA, schema.as_text(schema.manifest_schema(kit)))


def _begin(path: str, piece: Piece) -> str:
    """Write one file, if it is not there, or add to it, and return the line that says what became of it."""
    file = shown(as_seen(path))
    if disk.create(path, piece.text.encode()):
        return f"created {file}\n"
    if piece.is_lines and disk.replace(path, lambda content: scaffold.with_lines(content, piece.text)):
        return f"extended {file}\n"
    return f"kept {file}{piece.if_kept}\n"


def _assemble(kit: Kit) -> int:
    outcome = run(kit, kit.manifests, True, Mode())
    changes = tuple(change._replace(path=as_seen(kit.path(change.path))) for change in outcome.changes)
    applied = frozenset(as_seen(kit.path(path)) for path in outcome.applied)
    out, err = as_text.render(outcome._replace(changes=changes, applied=applied))
    tell(sys.stdout, out)
    tell(sys.stderr, err + ("" if outcome.status else _NEXT))
    return outcome.status
