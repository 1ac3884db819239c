"""Find which imported files were imported before, also those that have another name or another place since."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain

from kei_assembler.build.classify import text_of
from kei_assembler.build.writer import OutputFiles
from kei_assembler.files import DISK
from kei_assembler.importing.agent_file import AgentFile, read_agent
from kei_assembler.importing.likeness import MIN_LIKENESS, likeness
from kei_assembler.importing.names import wanted_name
from kei_assembler.importing.paths import target_by_folder, target_by_path
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.markdown import stamp
from kei_assembler.records import NamedTuple
from kei_assembler.repair.import_record import Imported, imported_text
from kei_assembler.targets import TARGETS

_MAX_COMPARED = 8
_MAX_SHARING = 20
"""How many files can have a line that tells them apart from others at most."""


class Pair(NamedTuple):
    """A file that was imported before, and the same file now."""

    recorded: Imported
    agent: AgentFile

    @property
    def is_changed(self) -> bool:
        """Whether the text is another one since."""
        return imported_text(self.agent.raw) != self.recorded.text


class Matched(NamedTuple):
    """The files that were imported before, by their manifests, the other ones, and what was imported but is gone."""

    known: dict[str, list[Pair]]
    new: list[AgentFile]
    gone: list[Imported]


def recorded_file(agent: AgentFile) -> tuple[str, bool]:
    """Return the path of a file as a record has it, and whether it is outside the kit's root."""
    if agent.kit_path:
        return agent.kit_path, False
    return "/".join(os.path.abspath(agent.source.file).replace(os.sep, "/").split("/")[-2:]), True


@cache
def as_imported(entry: Imported) -> AgentFile | None:
    """Return the agent file that was imported, or None if it cannot be imported any more."""
    is_in_place = target_by_path(entry.file) == entry.target
    agent, _ = read_agent(entry.file, entry.text.encode(), entry.target, is_in_place=is_in_place)
    return agent._replace(kit_path="" if entry.is_outside else entry.file) if agent else None


def located(kit: LoadedKit, record: Iterable[Imported]) -> list[Imported]:
    """Return the entries whose manifests are in the kit, also those that people moved: with the same name or text."""
    entries, present = [*record], {*kit.files_by_agent.values()}
    free = sorted(present.difference(entry.manifest for entry in entries))
    moved: dict[str, str] = {}
    for entry in entries:
        if entry.manifest not in present and entry.manifest not in moved:
            named = (each for each in free if stem(each) == stem(entry.manifest))
            alike = (each for each in free if _is_of(kit, each, entry))
            if manifest := next(chain(named, alike), ""):
                moved[entry.manifest] = manifest
                free.remove(manifest)
    there = (entry._replace(manifest=moved.get(entry.manifest, entry.manifest)) for entry in entries)
    return [entry for entry in there if entry.manifest in present]


def _is_of(kit: LoadedKit, manifest: str, entry: Imported) -> bool:
    """Whether a manifest has most of the text of an imported file as its role."""
    agent, data = as_imported(entry), kit.role_files.with_text(kit.read_manifest(manifest).data)[0]
    return agent is not None and likeness(agent.body, str(data.get("role", ""))) >= MIN_LIKENESS


def matched(kit: LoadedKit, record: Iterable[Imported], agents: Sequence[AgentFile]) -> Matched:
    """Return which of the files to import were imported before. `record` has the entries with a manifest.

    It is the same file if it has the same path. Otherwise the old path must be free, and the name or most of the text
    must be the same.
    """
    matching = _Matching(kit, record, agents)
    matching.match_paths()
    matching.match_names()
    matching.match_texts()
    return matching.result()


class _Matching:
    def __init__(self, kit: LoadedKit, record: Iterable[Imported], agents: Sequence[AgentFile]) -> None:
        self.kit = kit
        self.agents = agents
        self.left = [*record]
        self.found: dict[int, Imported] = {}

    def match_paths(self) -> None:
        """Match the files at the same paths. Of several outside the root, the name decides."""
        by_path: defaultdict[tuple[str, str, bool], list[Imported]] = defaultdict(list)
        for entry in self.left:
            by_path[entry.target, entry.file, entry.is_outside].append(entry)
        for at, agent in enumerate(self.agents):
            some = by_path[agent.target, *recorded_file(agent)]
            named = [entry for entry in some if len(some) > 1 and _name(entry) == wanted_name(agent).name]
            self._take(at, next(iter([*named, *some]), None), some)

    def match_names(self) -> None:
        """Match the files that moved, and kept their names."""
        by_name: defaultdict[tuple[str, str], list[Imported]] = defaultdict(list)
        for entry in self.left:
            by_name[entry.target, _name(entry)].append(entry)
        for at, agent in self._rest():
            some = by_name[agent.target, wanted_name(agent).name]
            self._take(at, next((each for each in some if self._is_free(each, agent)), None), some)

    def match_texts(self) -> None:
        """Match the files that have another name, but most of the same text: those with most lines in common."""
        by_line: defaultdict[tuple[str, str], list[Imported]] = defaultdict(list)
        for entry in self.left:
            for line in {*entry.text.split("\n")}:
                by_line[entry.target, line].append(entry)
        for at, agent in self._rest():
            lines = (by_line.get((agent.target, line), ()) for line in {*agent.source.text.split("\n")})
            counts = Counter(entry for entries in lines if len(entries) <= _MAX_SHARING for entry in entries)
            likely = (entry for entry, _ in counts.most_common(_MAX_COMPARED) if entry in self.left)
            alike = (entry for entry in likely if self._is_gone(entry, agent) and _is_like(entry, agent))
            self._take(at, next(alike, None), [])

    def _rest(self) -> list[tuple[int, AgentFile]]:
        return [(at, agent) for at, agent in enumerate(self.agents) if at not in self.found]

    def _take(self, at: int, entry: Imported | None, some: list[Imported]) -> None:
        if entry:
            self.found[at] = entry
            self.left.remove(entry)
            if entry in some:
                some.remove(entry)

    def _is_free(self, entry: Imported, agent: AgentFile) -> bool:
        """Whether the file that was imported is gone, or was replaced with a generated one."""
        if self._is_gone(entry, agent):
            return True
        content = None if entry.is_outside else OutputFiles(self.kit).peek(entry.file)
        comment = TARGETS[entry.target].form.comment
        return content is not None and stamp.find(stamp.settled(text_of(content), comment), comment) is not None

    def _is_gone(self, entry: Imported, agent: AgentFile) -> bool:
        path = self.kit.path(entry.file)
        if entry.is_outside:
            path = os.path.join(os.path.dirname(os.path.abspath(agent.source.file)), os.path.basename(entry.file))
        return path == os.path.abspath(agent.source.file) or not DISK.exists(path)

    def result(self) -> Matched:
        """Return the matches. A copy of a file belongs to the same manifest."""
        known: dict[str, list[Pair]] = {}
        for at, entry in self.found.items():
            known.setdefault(entry.manifest, []).append(Pair(entry, self.agents[at]))
        texts = {(each.target, imported_text(self.agents[at].raw)): each for at, each in self.found.items()}
        new = []
        for _, agent in self._rest():
            copied = texts.get((agent.target, imported_text(agent.raw)))
            if copied:
                known[copied.manifest].append(Pair(copied, agent))
            else:
                new.append(agent)
        return Matched(known, new, [entry for entry in self.left if self._was_deleted(entry)])

    def _was_deleted(self, entry: Imported) -> bool:
        """Whether a file is gone, although its folder was looked at, and not because a generated one took its place."""
        folder = os.path.dirname(entry.file)
        beside = [agent for agent in self.agents if os.path.dirname(recorded_file(agent)[0]) == folder]
        is_own = not entry.is_outside and target_by_folder(entry.file) is not None
        return not is_own and any(self._is_gone(entry, agent) for agent in beside)


def _name(entry: Imported) -> str:
    agent = as_imported(entry)
    return wanted_name(agent).name if agent else ""


def _is_like(entry: Imported, agent: AgentFile) -> bool:
    before = as_imported(entry)
    return before is not None and likeness(before.body, agent.body) >= MIN_LIKENESS
