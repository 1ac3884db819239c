"""Read files with instructions, such as `AGENTS.md`: the text that people wrote, without generated sections."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import takewhile

from kei_assembler import lazy_re
from kei_assembler.build.classify import is_manifest_path, owner_of_source
from kei_assembler.build.section_files import is_intact
from kei_assembler.diagnostics import Diagnostic, Span
from kei_assembler.files import DISK
from kei_assembler.files.tree import Tree
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.importing.paths import FoundFile
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.outputs import IMPORT, SECTION_FILES, imports_shared_file
from kei_assembler.markdown.stamped_sections import Layout, layout
from kei_assembler.markdown.structure import trimmed
from kei_assembler.paths import normalize, path_below
from kei_assembler.records import NamedTuple
from kei_assembler.rules import imported_instructions, imports, section_files
from kei_assembler.rules.runner import run_rule
from kei_assembler.rules.sources import check_source
from kei_assembler.targets import TARGETS
from kei_assembler.targets.instructions import SHARED_FILE
from kei_assembler.toml.source import MAX_BYTES, START, Source, read_text
from kei_assembler.whitespace import WHITESPACE

_LINE_END = lazy_re.compile(r"\r+\n?")
_ONLY_IMPORT = lazy_re.compile(rf"[ \t\n]*{IMPORT[0]}(?:\./)?{re.escape(IMPORT[1:])}[ \t\n]*")


class InstructionFile(NamedTuple):
    """A file with instructions, the folder below the kit's root that they are for, and what is in the file.

    The body of `agent` is the text that people wrote. `tree` is what the file has to be in. `copies` are the files of
    the same folder with the same text.
    """

    agent: AgentFile
    folder: str
    layout: Layout
    tree: Tree
    copies: tuple[AgentFile, ...] = ()

    @property
    def name(self) -> str:
        """The name of the file."""
        return os.path.basename(self.agent.source.file)


def read_instructions(found: FoundFile, raw: bytes, root: str) -> tuple[InstructionFile | None, list[Diagnostic]]:
    """Return what is in a file with instructions, or None and why it cannot be read."""
    file, content = normalize(found.path), layout(raw)
    source = read_text(file, raw)
    if source.error:
        return None, check_source(source)
    source = Source(file, _with_lf(raw))
    if content.faults:
        faults = (run_rule(section_files.damaged_section, source, fault, False) for fault in content.faults)
        return None, [one for each in faults for one in each]
    body, numbers = _text_of_people(content)
    agent = AgentFile(source, found.target, {}, body, 1, raw=raw, numbers=numbers)
    return InstructionFile(agent, _folder(found.path, root), content, found.tree), []


def _with_lf(raw: bytes) -> str:
    return _LINE_END.sub("\n", read_text("", raw).text)


def _text_of_people(content: Layout) -> tuple[str, tuple[int, ...]]:
    """The text outside of sections and places, with a blank line instead of each, and the numbers of its lines."""
    lines: list[str] = []
    numbers: list[int] = []
    number, done = 1, 0
    for start, end in pieces(content):
        number += _with_lf(content.content[done:start]).count("\n")
        piece = _with_lf(content.content[start:end]).split("\n")
        lines += piece
        numbers += range(number, number + len(piece))
        number, done = number + len(piece) - 1, end
    return "\n".join(lines), tuple(numbers)


def pieces(content: Layout) -> list[tuple[int, int]]:
    """Return the spans of the text that people wrote: what is outside of sections and places."""
    marked = [(section.start, section.end) for section in content.sections.values()]
    marked = sorted([*marked, *((place.start, place.end) for place in content.places.values())])
    ends = [0, *(end for _, end in marked)]
    starts = [*(start for start, _ in marked), len(content.content)]
    return [span for span in zip(ends, starts, strict=True) if span[0] < span[1]]


def _folder(path: str, root: str) -> str:
    """The folder that a file is for, relative to the root. `.claude/CLAUDE.md` is for the folder around `.claude`."""
    below = path_below(os.path.abspath(path), root) or path_below(DISK.resolve(path), DISK.resolve(root))
    return "/".join(takewhile(lambda part: not part.startswith("."), below.split("/")[:-1]))


def generated_sections(kit: LoadedKit, file: InstructionFile) -> tuple[list[str], list[Diagnostic]]:
    """Return the kit's manifests that have sections in a file, and a diagnostic for each section that was edited."""
    manifests, found = [], []
    for section in file.layout.sections.values():
        manifest = owner_of_source(kit, file.agent.kit_path, section.source) if section.source else ""
        if not manifest or not is_manifest_path(kit, manifest) or not kit.files.exists(kit.path(manifest)):
            continue
        manifests.append(manifest)
        if not is_intact(kit, file.agent.kit_path, manifest, section):
            message = f"the section was generated from {manifest} and then edited; the edit was not imported"
            where = Span(section.line, 1, section.line, 1)
            hint = f"move the change to {manifest} or one of its blocks"
            found += file.agent.report(imports.edit_not_imported, where, message, hint)
    return manifests, found


class Sorted(NamedTuple):
    """The files to import, and notes about those that need no manifest."""

    files: list[InstructionFile]
    found: list[Diagnostic]


def sort_out(files: Sequence[InstructionFile]) -> Sorted:
    """Leave out files without a text of their own, and join those of a folder that have the same text.

    A file with the text of an `AGENTS.md` beside it is imported as that file, so that the text is not there twice.
    """
    kept: dict[tuple[str, str], InstructionFile] = {}
    found: list[Diagnostic] = []
    for file in sorted(files, key=lambda each: each.name != SHARED_FILE):
        if note := _needless(file):
            found += file.agent.report(imported_instructions.no_instructions, START, *note)
            continue
        if not trimmed(file.agent.body):
            continue
        folder = os.path.dirname(os.path.abspath(file.agent.source.file))
        first = kept.get((folder, trimmed(file.agent.body))) or _beside(file)
        if first:
            message = f"the file has the same text as `{first.agent.source.file}`, so both become one manifest"
            found += file.agent.report(imported_instructions.no_instructions, START, message)
        joined = first._replace(copies=(*first.copies, file.agent)) if first else file
        kept[folder, trimmed(file.agent.body)] = joined
    order = {each.agent.source.file: index for index, each in enumerate(files)}
    return Sorted(sorted(kept.values(), key=lambda each: order.get(each.agent.source.file, -1)), found)


def _needless(file: InstructionFile) -> tuple[str, str] | None:
    """Why a file needs no manifest, and what to do, or None."""
    text, path = file.agent.body, file.agent.source.file
    if link := _linked_sibling(path):
        return f"the file is a link to `{link}`, so it has the same text", f"import `{link}`"
    if not text.strip(WHITESPACE):
        return None if file.layout.sections else ("the file has no text", "")
    if file.name == SHARED_FILE or not imports_shared_file(text):
        return None
    shared = normalize(os.path.join(os.path.dirname(path), SHARED_FILE))
    if _ONLY_IMPORT.fullmatch(text):
        return f"the file only imports `{shared}`, and can stay as it is", ""
    label = TARGETS[file.agent.target].label if file.agent.target else "its client"
    message = f"the file imports `{shared}`, and the rest is only for {label}; it was not imported"
    return message, f"what is for all clients can move to `{shared}`; then import that file"


def _linked_sibling(path: str) -> str:
    """The file of instructions beside a path that the path is a link to, or ""."""
    if not DISK.is_link(os.path.abspath(path)):
        return ""
    folder, real = os.path.dirname(path), DISK.resolve(path)
    others = (name for name in SECTION_FILES if name != os.path.basename(path))
    siblings = (normalize(os.path.join(folder, name)) for name in others)
    return next((each for each in siblings if DISK.resolve(each) == real), "")


def _beside(file: InstructionFile) -> InstructionFile | None:
    """The `AGENTS.md` beside a file if it has the same text."""
    path = os.path.join(os.path.dirname(file.agent.source.file), SHARED_FILE)
    raw = b""
    with suppress(OSError):
        raw = file.tree.read(os.path.abspath(path), MAX_BYTES)
    if not raw or file.name == SHARED_FILE or not file.agent.kit_path:
        return None
    source, content = Source(normalize(path), _with_lf(raw)), layout(raw)
    body, numbers = _text_of_people(content)
    if content.faults or trimmed(body) != trimmed(file.agent.body):
        return None
    kit_path = normalize(os.path.join(os.path.dirname(file.agent.kit_path), SHARED_FILE))
    agent = AgentFile(source, "", {}, body, 1, kit_path, raw, numbers=numbers)
    return InstructionFile(agent, file.folder, content, file.tree)


def all_of(files: Iterable[InstructionFile]) -> list[AgentFile]:
    """Return all files, also those with the text of another one."""
    return [agent for file in files for agent in (file.agent, *file.copies)]
