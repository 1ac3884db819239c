"""The sections that a kit generates in files that people also write: their status, their changes, and the files."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from kei_assembler.build.changes import MAX_OUTPUT_BYTES, WRITABLE, Change, FileStatus, joined
from kei_assembler.build.classify import is_manifest_path, owner_of_source, text_of, with_digest
from kei_assembler.build.cost import ENTRY_BYTES, Cost
from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import Diagnostic, has_errors
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.outputs import SECTION_FILES
from kei_assembler.kit.search import NEVER_ENTERED
from kei_assembler.markdown.stamp import find_conflict
from kei_assembler.markdown.stamped_sections import (
    MARK,
    Layout,
    Section,
    edited,
    insertion,
    is_text,
    layout,
    removal,
)
from kei_assembler.model.kinds import INSTRUCTIONS
from kei_assembler.paths import normalize
from kei_assembler.rules import outputs, section_files
from kei_assembler.rules.runner import run_rule
from kei_assembler.targets.instructions import SHARED_FILE
from kei_assembler.toml.source import Source

if TYPE_CHECKING:  # `render` imports the template engine
    from kei_assembler.render.renderer import Artifact


def classify_section(kit: LoadedKit, artifact: Artifact, present: bytes | None) -> tuple[Change, list[Diagnostic]]:
    """Return the change of an artifact's section, given the current bytes of its file, or None if it does not exist.

    The findings are about the file. With an error, it must not be written.
    """
    content = present or b""
    file = layout(content)
    problems = _problems(artifact, file)
    chosen = bool(kit.selected_targets)
    status = _status(kit, artifact, file.sections.get(artifact.section))
    change = Change(status, artifact.path, artifact.manifest, artifact.target, chosen=chosen)
    change = with_digest(kit, artifact, change._replace(kind=artifact.kind, section=artifact.section))
    if status is FileStatus.UNCHANGED or has_errors(problems):
        return change, problems
    edit = insertion(file, artifact.section, artifact.content)
    return change._replace(before=present, after=edited(content, [edit]), edit=edit), problems


def _problems(artifact: Artifact, file: Layout) -> list[Diagnostic]:
    source = Source(artifact.path, text_of(file.content))
    if not is_text(file.content):
        return run_rule(section_files.unusable_file, Source(artifact.path, ""), artifact.path, None)
    found = _damages(artifact.path, file)
    is_appended = artifact.section not in file.sections and artifact.section not in file.places
    if not found and is_appended and file.unclosed:
        found = run_rule(section_files.unusable_file, source, artifact.path, file.unclosed)
    return found


def _damages(path: str, file: Layout) -> list[Diagnostic]:
    if not file.faults:
        return []
    source = Source(path, text_of(file.content))
    is_merge = find_conflict(source.text) is not None
    return [one for fault in file.faults for one in run_rule(section_files.damaged_section, source, fault, is_merge)]


def _status(kit: LoadedKit, artifact: Artifact, section: Section | None) -> FileStatus:
    if section is None:
        return FileStatus.CREATE
    wanted = layout(artifact.content).sections[artifact.section]
    if section.begin == wanted.begin and section.text == wanted.text:
        return FileStatus.UNCHANGED
    # If only the begin line differs, overwriting the section cannot lose anybody's work.
    named = owner_of_source(kit, artifact.path, section.source) if section.source else ""
    if not (section.text == wanted.text or is_intact(kit, artifact.path, named, section)):
        return FileStatus.EDITED
    owner = named or artifact.manifest
    is_foreign = owner != artifact.manifest and kit.files.exists(kit.path(owner))
    return FileStatus.FOREIGN if is_foreign else FileStatus.UPDATE


def is_intact(kit: LoadedKit, path: str, manifest: str, section: Section) -> bool:
    """Return whether nobody has edited a section of a file since it was generated.

    It names its manifest, or is an import of the shared file if that is empty.

    Raises:
        AssembleError: the begin line is plain, and git fails.
    """
    if not section.is_plain:
        return section.intact
    from kei_assembler.build.ownership import owns  # only needed for plain stamps

    return owns(kit, (path, section.name), manifest, section.digest)


def find_orphaned_sections(
    kit: LoadedKit, known: Mapping[str, Container[str]], cost: Cost
) -> tuple[list[Change], list[Diagnostic]]:
    """Return the changes that remove the orphans among a kit's sections, and the findings about damaged files.

    `known` contains the sections that the kit generates, by the resolved, case-folded paths of their files. If the kit
    has no instructions, only the files in the root are looked at.

    Raises:
        AssembleError: a folder cannot be read, or the cost is too high.
    """
    disk, found, problems, seen = OutputFiles(kit), list[Change](), list[Diagnostic](), set[str]()
    for path in sorted(_candidates(kit), key=disk.is_link):  # a link can lead to another one of them
        content = b"" if disk.is_left_out(path) else disk.peek(path) or b""
        if MARK not in content or (real := disk.real(path).casefold()) in seen:
            continue
        seen.add(real)
        cost.add(handled=len(content))
        file, generated = layout(content), known.get(real, ())
        sources = [each.source for each in file.sections.values()] + [each.source for each in file.faults]
        named = {owner_of_source(kit, path, source) for source in sources if source}
        if file.faults:
            is_own = any(is_manifest_path(kit, manifest) for manifest in named)
            is_import = any(fault.name == SHARED_FILE for fault in file.faults)
            is_own = is_own or (is_import and not _is_imported(kit, disk, path))
            problems += _damages(path, file) if is_own and not generated else []
            continue
        for section in file.sections.values():
            manifest = owner_of_source(kit, path, section.source) if section.source else ""
            is_orphan = is_manifest_path(kit, manifest) if manifest else not _is_imported(kit, disk, path)
            if section.name not in generated and is_orphan:
                found.append(_orphaned(kit, path, section, file, manifest))
                cost.add(kept=ENTRY_BYTES + 2 * len(content))
    return found, problems


def _candidates(kit: LoadedKit) -> Iterator[str]:
    """Yield the paths of the files that can have sections of a kit, sorted."""
    root = kit.settings.root
    if not kit.manifest_files.has_others:
        yield from (normalize(f"{root}/{name}") for name in SECTION_FILES)
        return

    def enters(folder: str) -> bool:
        name = os.path.basename(folder)
        return not name.startswith(".") and name not in NEVER_ENTERED

    found = kit.files_in(normalize(root), ".md", enters=enters, of_outputs=True)
    yield from sorted(path for path in found if os.path.basename(path) in SECTION_FILES)


def _is_imported(kit: LoadedKit, disk: OutputFiles, path: str) -> bool:
    """Whether another kit may need a section that imports the shared file."""
    shared = normalize(f"{os.path.dirname(path) or '.'}/{SHARED_FILE}")
    sections = layout(disk.peek(shared) or b"").sections.values()
    return any(not is_manifest_path(kit, owner_of_source(kit, shared, each.source)) for each in sections)


def _orphaned(kit: LoadedKit, path: str, section: Section, file: Layout, manifest: str) -> Change:
    """Return the change that removes a section, whose manifest does not generate it any more, from its file."""
    edit = removal(file, section.name)
    after = edited(file.content, [edit])
    return Change(
        FileStatus.ORPHAN,
        path,
        manifest,
        "",
        file.content,
        after,
        is_intact(kit, path, manifest, section),
        kind=INSTRUCTIONS.name,
        section=section.name,
        edit=edit,
    )


def check_sizes(changes: Iterable[Change]) -> Iterator[Diagnostic]:
    """Yield the findings about files that new and updated sections together make too large."""
    for change in joined(each for each in changes if each.section and each.status in WRITABLE):
        size = len(change.after or b"")
        if not change.section and size > MAX_OUTPUT_BYTES:
            yield from run_rule(
                outputs.output_too_large, Source(change.manifest, ""), change.path, size, MAX_OUTPUT_BYTES
            )
