"""A new kit, and what checks one that is there already."""

from __future__ import annotations

import os
from collections.abc import Iterator

from kei_assembler import scaffold, schema
from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import Kit, discovery
from kei_assembler.kit.selection import as_seen, way_down, working_directory
from kei_assembler.kit.settings import normal
from kei_assembler.manifest import decode
from kei_assembler.plan import disk
from kei_assembler.plan.renewing import MANIFEST_SCHEMA, SETTINGS_SCHEMA
from kei_assembler.scaffold import Piece
from kei_assembler.text.hidden import shown


def folder_for(named: str | None) -> str:
    """Return the resolved folder that a command line means for a kit: the one that it names, or the working directory.

    Raises AssembleError where no kit can be, or where one that is not named would lie in another kit.
    """
    path = os.path.normpath(os.path.join(working_directory(), named or ""))
    _refuse_others(path, is_named=named is not None)
    return discovery.resolved(path)


def begin(folder: str) -> Iterator[str]:
    """Write the files of a kit that are not there; of a kit that is, only what checks it.

    Yields for each file a line that says what became of it, once that is so.
    Raises AssembleError when the machine does not let it write, or the settings of the kit are wrong.
    """
    top = discovery.git_top(folder) or folder
    way = way_down(folder, top)
    kit = discovery.load(folder) if discovery.is_kit(folder) else None
    for base, piece in _pieces(folder, top, way) if kit is None else _checks(kit, top, way):
        yield _begin(os.path.join(base, piece.path), piece)
    if kit is None:
        kit = discovery.load(folder)
        yield _begin(kit.path(MANIFEST_SCHEMA), Piece(MANIFEST_SCHEMA, schema.as_text(schema.manifest_schema(kit))))


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


def _checks(kit: Kit, top: str, way: str) -> Iterator[tuple[str, Piece]]:
    return ((top, piece) for piece in scaffold.for_repository(way, _outputs(kit, way)))


def _outputs(kit: Kit, way: str) -> list[str]:
    """The patterns of the kit's agent files, from where `way` leads down to it.

    Of files at the very top there is none: it would be one of all others there, too.
    """
    found = {kit.output(target, _ANY, kit.manifest_file(_ANY)) for target in kit.settings.targets}
    for file in kit.manifests:
        manifest = decode(kit.read_manifest(file)[0].data, kit.settings.extra_keys)
        found |= {kit.output(target, _ANY, file) for target in kit.targets_of(manifest)}
    patterns = {scaffold.pattern(normal(f"{way or '.'}/{path}")).replace(_ANY, "*") for path in found}
    return sorted(pattern for pattern in patterns if "/" in pattern and not pattern.startswith("../"))


_ANY = "\ue000"
"""Stands for any agent's name; in no path is there such a character."""


def _begin(path: str, piece: Piece) -> str:
    """Write one file, if it is not there, or add to it, and return the line that says what became of it."""
    file = shown(as_seen(path))
    if disk.create(path, piece.text.encode()):
        return f"created {file}\n"
    if piece.is_lines and disk.replace(path, lambda content: scaffold.with_lines(content, piece.text)):
        return f"extended {file}\n"
    return f"kept {file}{piece.if_kept}\n"
