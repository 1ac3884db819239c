"""Find the keys that clients' settings have for generated agents."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from kei_assembler import lazy_re
from kei_assembler.build.namesakes import Named, Namesakes
from kei_assembler.diagnostics import Diagnostic, KeyPath, Span
from kei_assembler.model.settings import value_at
from kei_assembler.paths import normalize
from kei_assembler.rules.runner import run_rule
from kei_assembler.targets import TARGETS
from kei_assembler.targets.facts import AgentSettings
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import MAX_BYTES, START, Source, read_text, read_toml, span_of


def check_client_settings(namesakes: Namesakes) -> Iterator[Diagnostic]:
    """Yield a finding for each entry about one of the generated agents in the settings of its client."""
    for target, agents in namesakes.by_name.items():
        row = TARGETS[target]
        if row.agent_settings:
            folders = {os.path.dirname(agent.path) for agent in agents.values()}
            for path in _files(namesakes, row, row.agent_settings, folders):
                content = namesakes.disk.peek(path)
                if content and len(content) <= MAX_BYTES:
                    shown = namesakes.kit.shown_output
                    yield from _in_file(row, row.agent_settings, agents, _source(path, content), shown)


def _files(namesakes: Namesakes, row: Target, settings: AgentSettings, folders: Iterable[str]) -> list[str]:
    placement = namesakes.kit.placement
    projects = {project for folder in folders for project in placement.projects(row.name, folder or ".")}
    return [normalize(f"{project}/{file}") for project in sorted(projects) for file in settings.files]


def _in_file(
    row: Target, settings: AgentSettings, agents: Mapping[str, Named], source: Source, shown: Callable[[str], str]
) -> Iterator[Diagnostic]:
    for table in settings.tables:
        entries = value_at(source.data, table)
        for name, keys in entries.items() if isinstance(entries, dict) else ():
            agent = agents.get(row.identity(name))
            if agent and isinstance(keys, dict) and keys and not _is_same_file(settings, keys, source.file, agent):
                from kei_assembler.rules.client_settings import Entry, changed_by_settings  # rarely needed

                where = _locate(source, (*table, name))
                entry = Entry(where, row.name, tuple(keys), shown(agent.path), agent.manifest)
                yield from run_rule(changed_by_settings, source, entry)


def _is_same_file(settings: AgentSettings, keys: Mapping[str, Any], file: str, agent: Named) -> bool:
    named = keys.get(settings.file_key)
    return isinstance(named, str) and normalize(f"{os.path.dirname(file)}/{named}") == agent.path


def _source(path: str, content: bytes) -> Source:
    """Read settings as TOML or as JSON. They have no data if the client cannot read them either."""
    from kei_assembler.kit.client_json import read_table  # few projects have such settings

    if path.endswith(".toml"):
        return read_toml(path, content)
    source = read_text(path, content)
    source.data = read_table(source.text)
    return source


_COLON = lazy_re.compile(r"[ \t\r\n]*+:")


def _locate(source: Source, path: KeyPath) -> KeyPath | Span:
    """Return where a key is: in JSON, at its first mention after those of the keys around it."""
    if source.file.endswith(".toml"):
        return path
    from kei_assembler.kit.client_json import plain_json  # rarely needed

    text, start, end = plain_json(source.text), 0, 0
    for key in path:
        quoted = json.dumps(key, ensure_ascii=False)
        start = text.find(quoted, end)
        while start >= 0 and not _COLON.match(text, start + len(quoted)):
            start = text.find(quoted, start + len(quoted))
        if start < 0:
            return START
        end = start + len(quoted)
    return span_of(text, start, end)
