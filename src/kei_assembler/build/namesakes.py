"""Find namesakes: agents that a client takes for one that a run generates, because it knows both by the same name.

The client then loads one of the two files, and says nothing about the other. The name is what the client goes by: that
of the front matter, of the file, or of the path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from kei_assembler.build.changes import FileStatus
from kei_assembler.build.classify import classify_leftover, text_of
from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import Diagnostic, Span
from kei_assembler.files import Entry
from kei_assembler.files.sparse_checkout import is_left_out
from kei_assembler.files.walk import walk
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown import stamp
from kei_assembler.paths import normalize
from kei_assembler.rules import placement, shared_files
from kei_assembler.rules.runner import run_rule
from kei_assembler.targets import TARGETS
from kei_assembler.targets.forms import BODY_KEY, TOML
from kei_assembler.targets.target import Foreign, Target
from kei_assembler.toml.source import START, Source, read_toml
from kei_assembler.whitespace import WHITESPACE


class Named(NamedTuple):
    """A generated file: its target, its path, its manifest, and the name in its front matter, if there is one."""

    target: str
    path: str
    manifest: str
    name: str


class Namesakes:
    """The generated files of a run by their names, and the files that have the same names."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self.disk = OutputFiles(kit)
        self.by_name: dict[str, dict[str, Named]] = {}
        """The generated files by target and name."""

    def add(self, generated: Iterable[Named]) -> Iterator[Diagnostic]:
        """Add generated files, and yield a finding for each that has the name of another."""
        for one in generated:
            names, row = self.by_name.setdefault(one.target, {}), TARGETS[one.target]
            for name in self._names(row, one.path, one.name):
                other = names.setdefault(row.loader.identity(name), one)
                if other is not one:
                    yield from run_rule(placement.same_name, Source(one.manifest, ""), one.target, name, other.manifest)

    def _names(self, row: Target, path: str, name: str) -> Iterator[str]:
        """The names by which a client knows an agent."""
        if name:
            yield name
        if (row.loader.named_by_file and not name) or row.loader.is_known_by_file:
            by_file = self.kit.placement.name_by_file(row.name, path)
            if by_file != name:
                yield by_file

    def on_disk(self, known: Collection[str], orphans: Collection[str]) -> Iterator[Diagnostic]:
        """Yield a finding for each file with the name of a generated one, except for outputs and orphans.

        `known` contains the outputs of the kit, as resolved, case-folded paths.

        Raises:
            AssembleError: a folder cannot be read.
        """
        for target, names in self.by_name.items():
            row, filter_ = TARGETS[target], _Filter(names, TARGETS[target])
            paths = {one.path for one in names.values()}
            others = (
                path for path in self._files(row, paths, row.own_folders) if path not in self.kit.outputs_for(target)
            )
            for path, content in self._others(others, known, orphans):
                if filter_.may_match(content, self.kit.placement.name_by_file(target, path)):
                    yield from self._finding(row, path, content)

    def shown_twice(self, known: Collection[str], orphans: Collection[str]) -> Iterator[Diagnostic]:
        """Yield a note for each file in another client's folder that a program shows beside a generated one.

        The arguments and exceptions are those of `on_disk`.
        """
        for target, names in self.by_name.items():
            row = TARGETS[target]
            for foreign in row.foreign:
                if foreign.shows_both and not shared_files.is_turned_off(self.kit, foreign):
                    files = self._files(row, {one.path for one in names.values()}, (foreign.folder,))
                    for path, content in self._others(files, known, orphans):
                        yield from self._foreign_finding(row, foreign, path, content)

    def _foreign_finding(self, row: Target, foreign: Foreign, path: str, content: bytes) -> Iterator[Diagnostic]:
        text, other_row = text_of(content), TARGETS[foreign.target]
        by_file = (self.kit.placement.name_by_file(foreign.target, path), START)
        name, where = next(iter(_names_in(other_row, path, text, content)), by_file)
        other = self.by_name[row.name].get(row.loader.identity(name))
        if other and shared_files.is_shown(self.kit, other.manifest, row, foreign):
            yield from run_rule(shared_files.shown_beside_another, Source(path, text), foreign, where, name, other.path)

    def _others(
        self, paths: Iterable[str], known: Collection[str], orphans: Collection[str]
    ) -> Iterator[tuple[str, bytes]]:
        """The files, with their content, that are no outputs and no orphans."""
        for path in paths:
            is_known = path in orphans or self.disk.real(path).casefold() in known
            if not is_known and not is_left_out(self.kit.files, self.kit.path(path)):
                content = self.disk.peek(path)
                if content:
                    yield path, content

    def _finding(self, row: Target, path: str, content: bytes) -> Iterator[Diagnostic]:
        text = text_of(content)
        pairs = (
            (name, front, where)
            for front, where in _names_in(row, path, text, content) or [("", START)]
            for name in self._names(row, path, front)
        )
        clashes = ((pair, self.by_name[row.name].get(row.loader.identity(pair[0]))) for pair in pairs)
        (name, front, where), other = next((clash for clash in clashes if clash[1]), (("", "", START), None))
        leftover = classify_leftover(self.kit, path, row.name, content)
        if other and not (leftover and leftover.status is FileStatus.ORPHAN):  # an orphan is reported as such
            mark = stamp.find(stamp.settled(text, row.form.comment), row.form.comment)
            origin = normalize(f"{os.path.dirname(path)}/{mark.source}") if mark else ""
            is_by_file = name != front
            where = START if is_by_file else where
            clash = placement.Clash(where, row.name, name, other.path, other.manifest, origin, is_by_file)
            yield from run_rule(placement.namesake, Source(path, text), clash)

    def _files(self, row: Target, outputs: Iterable[str], own: Iterable[str]) -> Iterator[str]:
        """The files in some folders of the outputs' projects. Outputs without a project have only those beside them."""
        folders: dict[str, None] = {}
        for output in sorted({os.path.dirname(path) for path in outputs}):
            projects = list(self.kit.placement.projects(row.name, output or "."))
            beside = [output] if output and not projects and own == row.own_folders else []
            own_folders = (normalize(f"{project}/{folder}") for project in projects for folder in own)
            folders |= dict.fromkeys([*own_folders, *beside])
        seen: set[str] = set()
        for folder in folders:
            if self.kit.holds_folder(self.kit.path(folder)):
                found = [path for path in self._in_folder(row, folder) if path not in seen]
                seen.update(found)
                yield from sorted(found)

    def _in_folder(self, row: Target, folder: str) -> Iterator[str]:
        def enters(path: str, entry: Entry) -> bool:
            is_held = not entry.is_link or self.kit.holds(self.kit.path(f"{folder}/{path}"))
            return row.searches_subfolders and entry.name != ".git" and is_held

        prefix = row.loader.ignored_prefix
        for path, entry in walk(self.kit.files, self.kit.path(folder), enters):
            is_ignored = bool(prefix) and entry.name.startswith(prefix)
            if not entry.is_folder and not is_ignored and entry.name.casefold().endswith(row.suffixes):
                yield f"{folder}/{path}"


class _Filter:
    """Finds out quickly that a file has none of these names."""

    def __init__(self, names: Iterable[str], row: Target) -> None:
        self.names = frozenset(names)
        self.loader = row.loader
        self._plain = frozenset(name.encode() for name in self.names if _WORD.fullmatch(name.encode()))
        self._others = [name.encode() for name in self.names if not _WORD.fullmatch(name.encode())]

    def may_match(self, content: bytes, by_file: str) -> bool:
        """Return whether a file with this content, and with this name by its file, can have one of the names."""
        is_by_file = self.loader.named_by_file or self.loader.is_known_by_file
        if is_by_file and self.loader.identity(by_file) in self.names:
            return True
        if self.loader.ignores_case:
            content = content.lower()
        if b"\\" in content or any(name in content for name in self._others):  # an escape can hide a name
            return True
        return not self._plain.isdisjoint(_WORD.findall(content))


_WORD = re.compile(rb"[\w.-]+")
_OPENING = re.compile(r"(?:[ \t]*\n)*---[ \t]*\n")
_LATE_OPENING = re.compile(r"^---[ \t]*\n", re.MULTILINE)
_CLOSING = re.compile(r"^---", re.MULTILINE)


def _names_in(row: Target, path: str, text: str, content: bytes) -> list[tuple[str, Span]]:
    """The names in the front matter of a file that a client can load, and where they are."""
    if row.form is TOML:
        source = read_toml(path, content)
        name = source.data.get("name") if BODY_KEY in source.data else None
        return [(name, source.locate(("name",)))] if isinstance(name, str) else []
    opening = _LATE_OPENING.search(text) if row.loader.finds_late_front_matter else _OPENING.match(text)
    if opening is None:
        return []
    closing = _CLOSING.search(text, opening.end())
    front = text[opening.end() : closing.start() if closing else len(text)]
    above = text.count("\n", 0, opening.end())
    starts = [item.start() for item in _ITEM.finditer(front)] if row.loader.reads_lists else []
    if not starts or front[: starts[0]].strip(WHITESPACE):
        return _front_name(row, front, above)
    # each item of a list is front matter of its own
    items = ((start, _ITEM.sub("  ", front[start:end])) for start, end in pairwise([*starts, len(front)]))
    return [name for start, item in items for name in _front_name(row, item, above + front.count("\n", 0, start))]


_ITEM = re.compile(r"^-[ \t]", re.MULTILINE)


def _front_name(row: Target, front: str, lines: int) -> list[tuple[str, Span]]:
    from kei_assembler.markdown.lenient_yaml import RefusedYamlError, as_text, by_lines, read  # rarely needed

    try:
        entries = (by_lines(front, row.label) if row.form.keeps_quotes else read(front, row.keys)).entries
    except RefusedYamlError:
        return []
    if "name" not in entries:
        return []
    span = entries["name"].span
    where = Span(span.line + lines, span.column, span.end_line + lines, span.end_column)
    name = as_text(entries["name"].value)
    return [(name, where)] if name else []
