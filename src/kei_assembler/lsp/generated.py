"""Generated files that are open: what they are generated from, and where their lines come from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from lsprotocol import types

from kei_assembler.analysis.guard import is_generated
from kei_assembler.build.explanation import explain
from kei_assembler.diagnostics import AssembleError, Span
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.owners import Owned, generated_at
from kei_assembler.lsp.snapshot import Snapshot, path_of
from kei_assembler.markdown.stamped_sections import layout
from kei_assembler.paths import display_path_from
from kei_assembler.render.places import Part
from kei_assembler.render.templates import PACKAGE_FILES


def notes(snapshot: Snapshot, kit: LoadedKit, path: str) -> Iterator[types.Diagnostic]:
    """Yield what to know about a generated file, or about each generated section of a file."""
    text = snapshot.text(path)
    for one in generated_at(kit, [display_path_from(kit.folder, path)]):
        line = _line(one, text.text)
        if line is None:
            continue
        what = f"the section `{one.output.section}`" if one.output.section else "this file"
        manifest = types.Location(snapshot.uri(kit.path(one.manifest)), types.Range(_START, _START))
        related = types.DiagnosticRelatedInformation(manifest, "it is generated from this manifest")
        end = len(text.text.split("\n")[line]) + 1
        yield types.Diagnostic(
            text.of_span(Span(line + 1, 1, line + 1, end)),
            f"{what} is generated from {one.manifest}\n{_HELP}",
            types.DiagnosticSeverity.Information,
            source="assemble",
            related_information=[related],
        )


_HELP = "edit its sources instead: to open that of a line, go to its definition"
_START = types.Position(0, 0)


def _line(one: Owned, text: str) -> int | None:
    """The first line of an output, from 0, or None if the text does not have it."""
    if not one.output.section:
        return 0 if is_generated(one, text) else None
    section = layout(text.encode(errors="surrogatepass")).sections.get(one.output.section)
    return section.line - 1 if section else None


def origins(snapshot: Snapshot, uri: str, position: types.Position) -> list[types.Location]:
    """Return the places of the sources that a line of a generated file comes from, the main one only.

    Raises:
        AssembleError: the file cannot be explained, for example since a manifest has errors.
    """
    path = path_of(uri)
    for kit in snapshot.usable_kits(path) if path else ():
        made = generated_at(kit, [display_path_from(kit.folder, path or "")])
        if made:
            return [*_origins(snapshot, kit, made, position.line)]
    return []


def _origins(snapshot: Snapshot, kit: LoadedKit, made: list[Owned], line: int) -> Iterator[types.Location]:
    parts: tuple[Part, ...] = ()
    with suppress(IndexError):
        parts = explain(kit, made).lines[line].parts
    places = [(part.file, part.line) for part in parts if part.file and part.file not in PACKAGE_FILES]
    if not places and parts and parts[0].kind != "handwritten":
        places = [(one.manifest, 1) for one in made]
    for file, number in places[:1]:
        source = kit.path(file)
        yield types.Location(snapshot.uri(source), snapshot.text(source).of_span(Span(number, 1, number, 1)))


def notes_of(snapshot: Snapshot, folder: str) -> Iterator[tuple[str, types.Diagnostic]]:
    """Yield the notes about the open files that the kit in a folder generates, each with the URI of the file."""
    with suppress(AssembleError, OSError):
        kit = snapshot.usable(folder)
        for path, document in snapshot.documents.items():
            if kit.holds(path):
                yield from ((document.uri, note) for note in notes(snapshot, kit, path))
