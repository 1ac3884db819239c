"""`assemble init`: a new kit."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import click

from kei_assembler import scaffold, schema
from kei_assembler.commands import completing, tell
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files import DISK
from kei_assembler.kit import Kit, discovery, naming
from kei_assembler.loader import load_kit
from kei_assembler.manifest import decode
from kei_assembler.paths import as_seen, normal, way_down
from kei_assembler.plan import disk
from kei_assembler.plan.build import Mode, run
from kei_assembler.plan.renewing import MANIFEST_SCHEMA, SETTINGS_SCHEMA
from kei_assembler.report import as_text
from kei_assembler.scaffold import Piece
from kei_assembler.selection import named, working_directory
from kei_assembler.text.hidden import shown

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
    path = os.path.normpath(os.path.join(working_directory(), folder or ""))
    _refuse_others(path, is_named=folder is not None)
    path = DISK.resolve(path)
    top = discovery.git_top(path) or path
    way = way_down(path, top)
    return _add(load_kit(path), top, way) if discovery.is_kit(path) else _start(path, top, way)


def _start(path: str, top: str, way: str) -> int:
    for base, piece in _pieces(path, top, way):
        tell(sys.stdout, _begin(os.path.join(base, piece.path), piece))
    kit = load_kit(path)
    tell(sys.stdout, _begin(kit.path(MANIFEST_SCHEMA), _schema_of(kit)))
    return _assemble(kit)


def _add(kit: Kit, top: str, way: str) -> int:
    for piece in scaffold.for_repository(way, _outputs(kit, way)):
        tell(sys.stdout, _begin(os.path.join(top, piece.path), piece))
    tell(sys.stderr, _NEXT_IN_KIT.format(kit=naming(named(kit.folder))))
    return 0


def _outputs(kit: Kit, way: str) -> list[str]:
    """The patterns of the kit's agent files, from where `way` leads down to it.

    Of files at the very top there is none: it would be one of all others there, too.
    """
    found = {kit.output(target, _ANY, kit.manifest_file(_ANY)) for target in kit.settings.targets}
    for file in kit.manifests:
        manifest = decode(kit.read_manifest(file).data, kit.settings.extra_keys)
        found |= {kit.output(target, _ANY, file) for target in kit.targets_of(manifest)}
    patterns = {scaffold.pattern(normal(f"{way or '.'}/{path}")).replace(_ANY, "*") for path in found}
    return sorted(pattern for pattern in patterns if "/" in pattern and not pattern.startswith("../"))


_ANY = "\ue000"
"""Stands for any agent's name; in no path is there such a character."""


def _refuse_others(folder: str, is_named: bool) -> None:
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise AssembleError(f"{folder} is no folder")
    if not folder.isprintable():
        raise AssembleError(f"{shown(folder)} has a name that hooks and workflows cannot be told")
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
    tell(sys.stderr, err + ("" if outcome.status else _NEXT.format(kit=naming(named(kit.folder)))))
    return outcome.status
