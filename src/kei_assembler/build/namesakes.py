"""Find namesakes: agents that a client takes for one that a run generates, because it knows both by the same name.

The client then loads one of the two files, and says nothing about the other. The name is what the client goes by: that
of the front matter, of the file, or of the path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from typing import NamedTuple

from kei_assembler.build.changes import FileStatus
from kei_assembler.build.classify import classify_leftover, text_of
from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import Diagnostic, Span
from kei_assembler.files import Entry
from kei_assembler.files.sparse_checkout import is_left_out
from kei_assembler.files.walk import walk
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.markdown import stamp
from kei_assembler.rules import placement
from kei_assembler.rules.runner import run_rule
from kei_assembler.targets import TARGETS
from kei_assembler.targets.forms import BODY_KEY, TOML
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import START, Source, read_toml


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
        self._outputs = cache(self._find_outputs)

    def add(self, generated: Iterable[Named]) -> Iterator[Diagnostic]:
        """Add generated files, and yield a finding for each that has the name of another."""
        for one in generated:
            names = self.by_name.setdefault(one.target, {})
            for name in self._names(TARGETS[one.target], one.path, one.name):
                other = names.setdefault(name, one)
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
            row, filter_ = TARGETS[target], _Filter(names)
            paths = {one.path for one in names.values()}
            for path in self._files(row, {os.path.dirname(path) for path in paths}):
                if path in paths or path in orphans or path in self._outputs(target):
                    continue
                if self.disk.real(path).casefold() in known or is_left_out(self.kit.files, self.kit.path(path)):
                    continue
                content = self.disk.peek(path)
                if content and filter_.may_match(content, row, self.kit.placement.name_by_file(target, path)):
                    yield from self._finding(row, path, content)

    def _finding(self, row: Target, path: str, content: bytes) -> Iterator[Diagnostic]:
        text = text_of(content)
        name, where = _name_in(row, path, text, content)
        found = (self.by_name[row.name].get(each) for each in self._names(row, path, name))
        other = next(filter(None, found), None)
        leftover = classify_leftover(self.kit, path, row.name, content)
        if other and not (leftover and leftover.status is FileStatus.ORPHAN):  # an orphan is reported as such
            mark = stamp.find(stamp.settled(text, row.form.comment), row.form.comment)
            called = name or self.kit.placement.name_by_file(row.name, path)
            origin = mark.source if mark else ""
            clash = placement.Clash(where, row.name, called, other.path, other.manifest, origin)
            yield from run_rule(placement.namesake, Source(path, text), clash)

    def _files(self, row: Target, outputs: Iterable[str]) -> Iterator[str]:
        """The files that a client can load as agents of the projects that these folders of outputs belong to."""
        folders: dict[str, None] = {}
        for output in sorted(outputs):
            found = self.kit.placement.folders(row.name, output or ".", row.own_folders)
            folders |= dict.fromkeys(found or filter(None, [output]))
        seen: set[str] = set()
        for folder in folders:
            if self.kit.tree_of(folder).holds_folder(self.kit.path(folder)):
                found = [path for path in self._in_folder(row, folder) if path not in seen]
                seen.update(found)
                yield from sorted(found)

    def _in_folder(self, row: Target, folder: str) -> Iterator[str]:
        def enters(path: str, entry: Entry) -> bool:
            is_held = not entry.is_link or self.kit.tree_of(folder).holds(self.kit.path(f"{folder}/{path}"))
            return row.searches_subfolders and entry.name != ".git" and is_held

        prefix = row.loader.ignored_prefix
        for path, entry in walk(self.kit.files, self.kit.path(folder), enters):
            is_ignored = bool(prefix) and entry.name.startswith(prefix)
            if not entry.is_folder and not is_ignored and entry.name.casefold().endswith(row.suffixes):
                yield f"{folder}/{path}"

    def _find_outputs(self, target: str) -> frozenset[str]:
        """The outputs of all manifests of the kit for a target. Only a run of some manifests does not know them."""
        return frozenset(self.kit.output(target, stem(file), file) for file in self.kit.manifests)


class _Filter:
    """Finds out quickly that a file has none of these names."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        self._plain = frozenset(name.encode() for name in self.names if _WORD.fullmatch(name.encode()))
        self._others = [name.encode() for name in self.names if not _WORD.fullmatch(name.encode())]

    def may_match(self, content: bytes, row: Target, by_file: str) -> bool:
        """Return whether a file with this content, and with this name by its file, can have one of the names."""
        if by_file in self.names and (row.loader.named_by_file or row.loader.is_known_by_file):
            return True
        if b"\\" in content or any(name in content for name in self._others):  # an escape can hide a name
            return True
        return not self._plain.isdisjoint(_WORD.findall(content))


_WORD = re.compile(rb"[\w.-]+")
_OPENING = re.compile(r"(?:[ \t]*\n)*---[ \t]*\n")
_LATE_OPENING = re.compile(r"^---[ \t]*\n", re.MULTILINE)
_CLOSING = re.compile(r"^---", re.MULTILINE)


def _name_in(row: Target, path: str, text: str, content: bytes) -> tuple[str, Span]:
    """The name in the front matter of a file that a client can load, or nothing, and where it is."""
    if row.form is TOML:
        source = read_toml(path, content)
        name = source.data.get("name") if BODY_KEY in source.data else None
        return (name, source.locate(("name",))) if isinstance(name, str) else ("", START)
    opening = _LATE_OPENING.search(text) if row.loader.finds_late_front_matter else _OPENING.match(text)
    if opening is None:
        return "", START
    closing = _CLOSING.search(text, opening.end())
    front = text[opening.end() : closing.start() if closing else len(text)]
    return _front_name(row, front, text.count("\n", 0, opening.end()))


def _front_name(row: Target, front: str, lines: int) -> tuple[str, Span]:
    from kei_assembler.markdown.lenient_yaml import RefusedYamlError, as_text, by_lines, read  # rarely needed

    try:
        entries = (by_lines(front, row.label) if row.form.keeps_quotes else read(front, row.keys)).entries
    except RefusedYamlError:
        return "", START
    if "name" not in entries:
        return "", START
    span = entries["name"].span
    where = Span(span.line + lines, span.column, span.end_line + lines, span.end_column)
    return as_text(entries["name"].value), where
