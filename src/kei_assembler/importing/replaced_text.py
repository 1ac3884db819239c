"""Replace the text of imported instructions, which people wrote, by the generated section, so that it is there once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kei_assembler.diagnostics import AssembleError
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.instruction_files import pieces
from kei_assembler.importing.instructions import outputs
from kei_assembler.importing.pending_kit import PendingFile
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown.stamped_sections import Edit, edited, layout, place_for
from kei_assembler.model.kinds import INSTRUCTIONS
from kei_assembler.records import NamedTuple
from kei_assembler.toml.source import MAX_BYTES


class Replacement(NamedTuple):
    """The new content of an imported file: a place for the section instead of the text.

    `after` is None if nothing is left, because the file gets no section.
    """

    manifest: PendingFile
    agent: AgentFile
    after: bytes | None


def replacements(kit: LoadedKit, files: Iterable[PendingFile]) -> list[Replacement]:
    """Return the replacements in the files of imported instructions."""
    found = []
    for file in files:
        if file.conversion.kind is INSTRUCTIONS:
            sections = {output.path: output.section for output in outputs(kit, file.conversion, file.path)}
            for agent in imported_files(file):
                after = _with_place(agent.raw, sections.get(agent.kit_path, ""))
                found.append(Replacement(file, agent, after))
    return found


def imported_files(file: PendingFile) -> list[AgentFile]:
    """Return the imported files of a manifest."""
    return [file.conversion.agent, *file.conversion.copies]


def _with_place(raw: bytes, section: str) -> bytes | None:
    content = layout(raw)
    spans = pieces(content)
    edits = [Edit(start, end, b"") for start, end in spans]
    has_place = not section or section in content.places or section in content.sections
    if not has_place and edits:
        edits[0] = edits[0]._replace(text=place_for(section).replace(b"\n", content.line_end))
    return edited(raw, edits)


def apply(kit: LoadedKit, made: Sequence[Replacement]) -> Replacement | None:
    """Make replacements: all of them, or none. Return the one whose file has changed, or None.

    Files that get no section are left for `finish`.
    """
    for index, each in enumerate(made):
        if each.after is not None and not _replace(kit, each, each.agent.raw, each.after):
            undo(kit, made[:index])
            return each
        if each.after is None and kit.tree.read(kit.path(each.agent.kit_path), MAX_BYTES) != each.agent.raw:
            undo(kit, made[:index])
            return each
    return None


def undo(kit: LoadedKit, made: Iterable[Replacement]) -> None:
    """Restore the text of files whose sections could not be generated."""
    for each in made:
        if each.after is not None:
            _replace(kit, each, each.after, each.agent.raw)


def finish(kit: LoadedKit, made: Iterable[Replacement]) -> list[tuple[str, str]]:
    """Delete the files that get no section. Return a status and a path for each file."""
    written = []
    for each in made:
        if each.after is None and not _replace(kit, each, each.agent.raw, None):
            raise AssembleError(f"{each.agent.kit_path} cannot be deleted: another program is changing it")
        written.append(("deleted" if each.after is None else "updated", each.agent.kit_path))
    return written


def _replace(kit: LoadedKit, each: Replacement, before: bytes, after: bytes | None) -> bool:
    path = each.agent.kit_path
    try:
        return kit.tree.replace(kit.path(path), before, after)
    except OSError as error:
        raise AssembleError(f"{path} cannot be written: {error.strerror}") from error
