"""Find namesakes: agents that a client takes for one that a run generates, because it knows both by the same name.

The client then loads one of the two files, and says nothing about the other. The name is what the client goes by: that
of the front matter, of the file, or of the path.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from kei_assembler import lazy_re
from kei_assembler.build.changes import FileStatus
from kei_assembler.build.classify import classify_leftover, text_of
from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import Diagnostic, Span
from kei_assembler.files import Entry
from kei_assembler.files.walk import walk
from kei_assembler.kit import LoadedKit
from kei_assembler.markdown import stamp
from kei_assembler.paths import is_in_git_folder, normalize
from kei_assembler.records import NamedTuple
from kei_assembler.rules import placement, shared_files
from kei_assembler.rules.runner import run_rule
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Foreign, Target
from kei_assembler.toml.source import START, Source


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
        """The generated files by target and what the client compares of the name."""
        self.others: dict[str, list[tuple[str, int]]] = {}
        """The other files that a client can load as agents, each with a bound for the size of its front matter. Only
        for clients with a budget for descriptions."""

    def add(self, generated: Iterable[Named]) -> Iterator[Diagnostic]:
        """Add generated files, and yield a finding for each that has the name of another."""
        for one in generated:
            names, row = self.by_name.setdefault(one.target, {}), TARGETS[one.target]
            for name in self._names(row, one.path, one.name):
                other = names.setdefault(row.identity(name), one)
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

    def on_disk(
        self, known: Mapping[str, str], orphans: Collection[str], abstract: Collection[str]
    ) -> Iterator[Diagnostic]:
        """Yield a finding for each file with the name of a generated one, except for outputs and orphans.

        `known` contains the outputs of the kit by their resolved, case-folded paths. `abstract` are the names of
        manifests without outputs. It is too slow to look for more of them: that would read all manifests.

        Raises:
            AssembleError: a folder cannot be read.
        """
        for target, names in self.by_name.items():
            row, filter_ = TARGETS[target], _Filter(names, TARGETS[target])
            paths = {one.path for one in names.values()}
            files = self._files(row, paths, row.own_folders)

            def is_skipped(path: str, target: str = target) -> bool:
                agent = self.kit.placement.agent_at(target, path)
                return path in orphans or (bool(agent) and agent not in abstract)

            for path, content in self._others(files, known, is_skipped):
                if row.budget:
                    end = content.find(b"\n---", 3)
                    self.others.setdefault(target, []).append((path, len(content) if end < 0 else end))
                if filter_.may_match(content, self.kit.placement.name_by_file(target, path)):
                    yield from self._finding(row, path, content)

    def shown_twice(self, known: Mapping[str, str], orphans: Collection[str]) -> Iterator[Diagnostic]:
        """Yield a note for each file in another client's folder that a program shows beside a generated one.

        The first arguments and the exceptions are those of `on_disk`.
        """
        for target, names in self.by_name.items():
            row = TARGETS[target]
            for foreign in row.foreign:
                if foreign.shows_both and not shared_files.is_turned_off(self.kit, foreign):
                    files = self._files(row, {one.path for one in names.values()}, (foreign.folder,))
                    for path, content in self._others(files, known, orphans.__contains__):
                        yield from self._foreign_finding(row, foreign, path, content)

    def _foreign_finding(self, row: Target, foreign: Foreign, path: str, content: bytes) -> Iterator[Diagnostic]:
        text, other_row = text_of(content), TARGETS[foreign.target]
        by_file = (self.kit.placement.name_by_file(foreign.target, path), START)
        name, where = next(iter(_names_in(other_row, path, text, content)), by_file)
        other = self.by_name[row.name].get(row.identity(name))
        if other and shared_files.is_shown(self.kit, other.manifest, row, foreign):
            source, generated = Source(path, text), self.kit.shown_output(other.path)
            yield from run_rule(shared_files.shown_beside_another, source, foreign, where, name, generated)

    def _others(
        self, paths: Iterable[str], known: Mapping[str, str], is_skipped: Callable[[str], bool]
    ) -> Iterator[tuple[str, bytes]]:
        """The files, with their content, that are not outputs and not skipped."""
        files = list(paths)
        found = frozenset(files)
        for path in files:
            is_known = is_skipped(path) or self._is_output(path, known, found)
            if not is_known and not self.disk.is_left_out(path):
                content = self.disk.peek(path)
                if content:
                    yield path, content

    def _is_output(self, path: str, known: Mapping[str, str], found: Collection[str]) -> bool:
        """Whether a file is one of the outputs, by another path or, in a file system that ignores case, by its name."""
        real = self.disk.real(path)
        output = known.get(real.casefold())
        if output is None or self.disk.real(output) == real:
            return output is not None
        return output not in found and self.kit.files.exists(self.kit.output_path(output))

    def _finding(self, row: Target, path: str, content: bytes) -> Iterator[Diagnostic]:
        text = text_of(content)
        pairs = (
            (name, front, where)
            for front, where in _names_in(row, path, text, content) or [("", START)]
            for name in self._names(row, path, front)
        )
        clashes = ((pair, self.by_name[row.name].get(row.identity(pair[0]))) for pair in pairs)
        (name, front, where), other = next((clash for clash in clashes if clash[1]), (("", "", START), None))
        leftover = classify_leftover(self.kit, path, row.name, content)
        if other and not (leftover and leftover.status is FileStatus.ORPHAN):  # an orphan is reported as such
            mark = stamp.find_settled(text, row.form.comment)
            origin = normalize(f"{os.path.dirname(path)}/{mark.source}") if mark else ""
            is_by_file = name != front
            where = START if is_by_file else where
            generated = self.kit.shown_output(other.path)
            clash = placement.Clash(where, row.name, name, generated, other.manifest, origin, is_by_file)
            yield from run_rule(placement.namesake, Source(path, text), clash)

    def _files(self, row: Target, outputs: Iterable[str], own: Iterable[str]) -> Iterator[str]:
        """The files in some folders of the outputs' projects. Outputs without a project have only those beside them."""
        folders: dict[str, None] = {}
        for output in sorted({os.path.dirname(path) for path in outputs}):
            found = self.kit.placement.folders(row.name, output or ".", own)
            beside = [output] if output and not found and own == row.own_folders else []
            folders |= dict.fromkeys([*found, *beside])
        seen: set[str] = set()
        for folder in folders:
            if self.kit.tree_of(folder).holds_folder(self.kit.output_path(folder)):
                found = [path for path in self._in_folder(row, folder) if path not in seen]
                seen.update(found)
                yield from sorted(found)

    def _in_folder(self, row: Target, folder: str) -> Iterator[str]:
        def enters(path: str, entry: Entry) -> bool:
            is_held = not entry.is_link or self.kit.tree_of(folder).holds(self.kit.output_path(f"{folder}/{path}"))
            return not is_in_git_folder(entry.name) and is_held and self.kit.placement.enters(row, path)

        for path, entry in walk(self.kit.files, self.kit.output_path(folder), enters):
            full = f"{folder}/{path}"
            if not entry.is_folder and entry.name.casefold().endswith(row.suffixes) and not row.loader.skips(full):
                yield full


class _Filter:
    """Finds out quickly that a file has none of these names."""

    def __init__(self, names: Iterable[str], row: Target) -> None:
        self.row = row
        self.names = frozenset(names)
        self._plain = frozenset(name.encode() for name in self.names if _WORD.fullmatch(name.encode()))
        self._others = [name.encode() for name in self.names if not _WORD.fullmatch(name.encode())]

    def may_match(self, content: bytes, by_file: str) -> bool:
        """Return whether a file with this content, and with this name by its file, can have one of the names."""
        loader = self.row.loader
        if self.row.identity(by_file) in self.names and (loader.named_by_file or loader.is_known_by_file):
            return True
        if loader.folds_case:
            content = content.decode("utf-8", "replace").lower().encode()
        if b"\\" in content or any(name in content for name in self._others):  # an escape can hide a name
            return True
        return not self._plain.isdisjoint(_WORD.findall(content))


_WORD = lazy_re.compile(rb"[\w.-]+")


def _names_in(row: Target, path: str, text: str, content: bytes) -> list[tuple[str, Span]]:
    """The names in the front matter of a file that a client can load, and where they are."""
    from kei_assembler.build.front_entries import front_entries  # rarely needed

    found = (entries.get("name", ("", START)) for entries in front_entries(row, path, text, content))
    return [(name, where) for name, where in found if name]
