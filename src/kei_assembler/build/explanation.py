"""Explain a generated file: find its manifest, and where each of the lines on disk comes from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kei_assembler.build.changes import MAX_OUTPUT_BYTES, FileStatus
from kei_assembler.build.classify import classify, text_of
from kei_assembler.build.diff import matched_lines
from kei_assembler.build.kit_plan import preview
from kei_assembler.build.run import Policy
from kei_assembler.diagnostics import AssembleError, has_errors
from kei_assembler.files import DISK
from kei_assembler.files.git_blame import Commit, blame, committed
from kei_assembler.files.work_tree import git_at, git_top
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.markdown import shell, stamp
from kei_assembler.render.origins import origins
from kei_assembler.render.places import Line, Part
from kei_assembler.render.templates import PACKAGE_FILES, package_text
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import MAX_BYTES


class Explanation(NamedTuple):
    """A generated file as it is on disk. Lines without parts are not generated from the sources as they are now."""

    path: str
    manifest: str
    status: FileStatus
    lines: list[Line]


def outputs(kit: LoadedKit) -> Iterator[tuple[str, str, str]]:
    """Yield the path of each file that a kit may generate, with its manifest and its target."""
    for file in kit.manifests:
        for target in TARGETS:
            yield kit.output(target, stem(file), file), file, target


def generated_by(kit: LoadedKit, paths: Iterable[str]) -> tuple[str, str, str] | None:
    """Return the path, the manifest and the target of the first of these files that the kit generates, or None."""
    wanted = frozenset(paths)
    for path, file, target in outputs(kit):
        if path in wanted and target in kit.targets_of(kit.decoded(file)[0]):
            return path, file, target
    return None


def explain(kit: LoadedKit, path: str, file: str, target: str) -> Explanation:
    """Return the explanation of the file at a path that the kit generates from a manifest for a target.

    Raises:
        AssembleError: the manifest has errors, or the file does not exist, cannot be read, or belongs to somebody else.
    """
    policy = Policy.of(kit)
    found, artifacts = preview(kit, file, policy.ignore)
    counted = policy.weigh(found)
    artifact = next((one for one in artifacts if one.target == target), None)
    if has_errors(counted) or artifact is None:
        raise AssembleError(f"`{file}` has errors, so nothing is generated from it", diagnostics=counted)
    try:
        content = kit.tree_of(path).read(kit.path(path), MAX_OUTPUT_BYTES)
    except FileNotFoundError as error:
        command = f"assemble{kit.command_options} {shell.word(file)}"
        raise AssembleError(f"`{path}` has not been generated yet", f"run: {command}") from error
    except OSError as error:
        raise AssembleError(f"`{path}` cannot be read: {error.strerror}") from error
    status = classify(kit, artifact, content).status
    if status is FileStatus.FOREIGN:
        raise AssembleError(
            f"`{path}` was not generated from `{file}`",
            f"to see what would be generated instead, run: assemble{kit.command_options} --diff {shell.word(file)}",
        )
    return Explanation(path, file, status, _explained(text_of(content), origins(kit, file, target), target))


def _explained(text: str, lines: list[Line], target: str) -> list[Line]:
    """The lines of a text, with the parts of the generated lines that are the same."""
    present = text.removesuffix("\n").split("\n")
    own_stamp = stamp.split(text, TARGETS[target].form.comment)[0]
    of_stamp = next(line.parts for line in lines if line.parts[0].kind == "stamp")
    matches = matched_lines(present, [line.text for line in lines])
    return [
        Line(line, lines[index].parts if index is not None else of_stamp if line == own_stamp else ())
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
