"""Explain a generated file: find its manifest, and where each of the lines on disk comes from."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence

from kei_assembler.build.changes import MAX_OUTPUT_BYTES, FileStatus
from kei_assembler.build.classify import classify, comment_of, text_of
from kei_assembler.build.diff import matched_lines
from kei_assembler.build.kit_plan import preview
from kei_assembler.build.run import Policy
from kei_assembler.build.section_files import classify_section
from kei_assembler.diagnostics import AssembleError, has_errors
from kei_assembler.files import DISK
from kei_assembler.files.git_blame import Commit, blame, committed
from kei_assembler.files.work_tree import git_at, git_top
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.owners import Owned
from kei_assembler.markdown import shell, stamp
from kei_assembler.markdown.stamped_sections import Section, layout
from kei_assembler.records import NamedTuple
from kei_assembler.render.origins import Origins
from kei_assembler.render.places import Line, Part
from kei_assembler.render.renderer import Artifact
from kei_assembler.render.templates import PACKAGE_FILES, package_text
from kei_assembler.toml.source import MAX_BYTES


class Piece(NamedTuple):
    """What one manifest generates of a file: a section, or, if `section` is empty, all of it."""

    manifest: str
    section: str
    status: FileStatus


class Explanation(NamedTuple):
    """A generated file as it is on disk, or one with generated sections, and where each of its lines comes from."""

    path: str
    pieces: tuple[Piece, ...]
    lines: list[Line]


def explain(kit: LoadedKit, made: Sequence[Owned]) -> Explanation:
    """Return the explanation of the file that `generated_at` has found.

    Raises:
        AssembleError: a manifest has errors, or the file does not exist, cannot be read, or belongs to somebody else.
    """
    path = made[0].output.path
    artifacts = [_artifact(kit, one) for one in made]
    try:
        content = kit.tree_of(path).read(kit.path(path), MAX_OUTPUT_BYTES)
    except FileNotFoundError as error:
        manifests = {one.manifest for one in made}
        what = shell.word(made[0].manifest) if len(manifests) == 1 else "--all"
        command = f"assemble{kit.command_options} {what}"
        raise AssembleError(f"`{path}` has not been generated yet", f"run: {command}") from error
    except OSError as error:
        raise AssembleError(f"`{path}` cannot be read: {error.strerror}") from error
    if made[0].output.section:
        return _of_sections(kit, made, artifacts, content)
    file, target = made[0].manifest, made[0].output.target
    status = classify(kit, artifacts[0], content).status
    if status is FileStatus.FOREIGN:
        raise AssembleError(
            f"`{path}` was not generated from `{file}`",
            f"to see what would be generated instead, run: assemble{kit.command_options} --diff {shell.word(file)}",
        )
    text = text_of(content)
    own_stamp = stamp.split(text, comment_of(made[0].output.kind, target))[0]
    present = text.removesuffix("\n").split("\n")
    lines = _explained(present, Origins(kit).of_output(file, made[0].output), status, {own_stamp or ""})
    return Explanation(path, (Piece(file, "", status),), lines)


def _artifact(kit: LoadedKit, one: Owned) -> Artifact:
    policy = Policy.of(kit)
    found, artifacts = preview(kit, one.manifest, policy.ignore)
    counted, output = policy.weigh(found), one.output
    artifact = next((each for each in artifacts if (each.path, each.section) == (output.path, output.section)), None)
    if has_errors(counted) or artifact is None:
        raise AssembleError(f"`{one.manifest}` has errors, so nothing is generated from it", diagnostics=counted)
    return artifact


def _of_sections(kit: LoadedKit, made: Sequence[Owned], artifacts: Sequence[Artifact], content: bytes) -> Explanation:
    """Return the explanation of a file with sections. All other lines of it belong to the people who write them."""
    path, file, present = made[0].output.path, layout(content), text_of(content).removesuffix("\n").split("\n")
    lines = [Line(line, (Part("handwritten"),)) for line in present]
    for name, section in file.sections.items():
        at, parts = _span(section, content), (Part("foreign", key=name),)
        lines[at] = [Line(line, parts) for line in present[at]]
    pieces = []
    for one, artifact in zip(made, artifacts, strict=True):
        change, problems = classify_section(kit, artifact, content)
        if has_errors(problems):
            raise AssembleError(f"`{path}` cannot have generated sections as it is", diagnostics=problems)
        pieces.append(Piece(artifact.manifest, artifact.section, change.status))
        known = file.sections.get(artifact.section)
        if known and change.status is not FileStatus.FOREIGN:
            own = present[_span(known, content)]
            generated = Origins(kit).of_output(one.manifest, one.output)
            lines[_span(known, content)] = _explained(own, generated, change.status, {own[0], own[-1]})
    return Explanation(path, tuple(pieces), lines)


def _span(section: Section, content: bytes) -> slice:
    """The lines of a section, from 0."""
    count = content[section.start : section.end].removesuffix(b"\n").count(b"\n") + 1
    return slice(section.line - 1, section.line - 1 + count)


_UNKNOWN = {FileStatus.EDITED: (Part("edit"),), FileStatus.UPDATE: (Part("outdated"),)}


def _explained(
    present: list[str], generated: Sequence[Line], status: FileStatus, stamps: Collection[str]
) -> list[Line]:
    """The lines that are present, with the parts of the generated lines that are the same. `stamps` are the stamps."""
    of_stamp = next(line.parts for line in generated if line.parts[0].kind == "stamp")
    unknown = _UNKNOWN.get(status, _UNKNOWN[FileStatus.UPDATE])
    matches = matched_lines(present, [line.text for line in generated])
    return [
        Line(line, generated[index].parts if index is not None else of_stamp if line in stamps else unknown)
        for line, index in zip(present, matches, strict=True)
    ]


class Excerpts:
    """The lines of sources, and the commits that they come from."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self._lines: dict[str, list[str]] = {}

    def line(self, file: str, number: int) -> str:
        """Return a line of a source, or "" if there is none. Lines count from 1."""
        if file not in self._lines:
            text = package_text(file) if file in PACKAGE_FILES else self.kit.read_text(file).text
            self._lines[file] = text.split("\n")
        lines = self._lines[file]
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def commits(self, parts: Iterable[Part]) -> dict[tuple[str, int], Commit | None]:
        """Return the commits of parts by file and line, or None for lines that are not committed.

        The package's own template, and what has no file, is left out.

        Raises:
            AssembleError: git is not installed, or it fails, or the kit is not in a git work tree.
        """
        numbers: dict[str, set[int]] = {}
        for part in parts:
            if part.line and part.file not in PACKAGE_FILES:
                numbers.setdefault(part.file, set()).add(part.line)
        return {
            (file, number): commit
            for file, wanted in numbers.items()
            for number, commit in self._blamed(file, wanted).items()
        }

    def _blamed(self, file: str, numbers: set[int]) -> dict[int, Commit | None]:
        path = self.kit.path(file)
        top = git_top(os.path.dirname(DISK.resolve(path)))
        if top is None:
            raise AssembleError(f"`{file}` is not in a git work tree", "leave out --git")
        git = git_at(top)
        before = committed(git, path, MAX_BYTES)
        if before is None:
            return dict.fromkeys(numbers)
        self.line(file, 1)
        matches = matched_lines(self._lines[file], text_of(before).split("\n"))
        then = {number: matches[number - 1] for number in numbers if number <= len(matches)}
        found = blame(git, path, (index + 1 for index in then.values() if index is not None))
        return {number: None if index is None else found.get(index + 1) for number, index in then.items()}
