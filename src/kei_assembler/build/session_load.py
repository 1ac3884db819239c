"""What a session in a folder loads: the instructions of that folder and of those around it, and their sizes."""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterable, Iterator, Mapping

from kei_assembler.build.changes import Change, joined
from kei_assembler.build.classify import text_of
from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.outputs import up_to_root
from kei_assembler.markdown.stamped_sections import layout, text_outside
from kei_assembler.paths import normalize
from kei_assembler.rules import session_load
from kei_assembler.rules.runner import run_rule
from kei_assembler.targets import TARGETS
from kei_assembler.targets.instructions import SHARED_FILE
from kei_assembler.toml.source import Source

_NAMED = 3
"""How many of the largest parts a finding names."""


def check_sessions(kit: LoadedKit, changes: Iterable[Change], targets: Iterable[str]) -> Iterator[Diagnostic]:
    """Yield a finding for each folder in which a client loads more than it reads, or more than a budget allows.

    `changes` are those of a run, and `targets` the clients that its instructions are for. A folder below one with such
    a finding is left out.
    """
    of_sections = [change for change in changes if change.section]
    planned = {change.path: change.after for change in joined(of_sections) if change.edit}
    folders = sorted({os.path.dirname(change.path) or "." for change in of_sections})
    sessions = _Sessions(kit, planned)
    for target in sorted(targets):
        above: list[str] = []
        for folder in folders:
            chain = up_to_root(kit, folder)[::-1]
            if not any(each in above for each in chain):
                found = [*_about(kit, target, folder, sessions.loaded(chain, target))]
                above += [folder] if found else []
                yield from found


def _about(kit: LoadedKit, target: str, folder: str, files: Mapping[str, bytes]) -> Iterator[Diagnostic]:
    source = Source(next(reversed([*files]), normalize(f"{folder}/{SHARED_FILE}")), "")
    maximum, size = TARGETS[target].instructions.maximum, sum(map(len, files.values()))
    if maximum and size > maximum:
        yield from run_rule(session_load.instructions_cut_off, source, target, size, maximum, _largest(files, len))
    budget = kit.settings.budgets["instructions"].get(target)
    if budget:
        from kei_assembler.markdown.tokens import tokens  # rarely needed

        def tokens_of(content: bytes) -> int:
            return tokens(text_of(content))

        count = sum(map(tokens_of, files.values()))
        if count > budget.tokens:
            largest = _largest(files, tokens_of)
            yield from run_rule(session_load.instructions_above_budget, source, target, count, budget, largest)


def _largest(files: Mapping[str, bytes], size_of: Callable[[bytes], int]) -> list[session_load.Part]:
    parts: list[session_load.Part] = []
    for path, content in files.items():
        file = layout(content)
        parts += [(size_of(each.text), f"the section `{each.name}` of `{path}`") for each in file.sections.values()]
        parts.append((size_of(text_outside(file)), f"the text in `{path}` by hand" if file.sections else f"`{path}`"))
    return [part for part in heapq.nlargest(_NAMED, parts) if part[0]]


class _Sessions:
    """The files that sessions load. `planned` has the contents of those that the run changes."""

    def __init__(self, kit: LoadedKit, planned: Mapping[str, bytes | None]) -> None:
        self.planned = planned
        self.disk = OutputFiles(kit)

    def loaded(self, chain: Iterable[str], target: str) -> dict[str, bytes]:
        """Return the files that a client loads in the last of these folders, with their contents, in order."""
        row = TARGETS[target].instructions
        names = dict.fromkeys((SHARED_FILE, *([row.other.name] if row.other else []), *row.also))
        paths = [normalize(f"{folder}/{name}") for folder in chain for name in names]
        contents: dict[str, bytes] = {}
        seen: set[str] = set()
        for path in paths:
            real = self.disk.real(path)
            content = self.planned[path] if path in self.planned else self.disk.peek(path)
            if content and real not in seen:
                contents[path] = content
                seen.add(real)
        return contents
