"""The names that a kit's agents have in a client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, cached_property
from itertools import filterfalse
from typing import TYPE_CHECKING, Any

from kei_assembler import lazy_re
from kei_assembler.kit.manifest_files import stem
from kei_assembler.model.adaptation import client_name
from kei_assembler.model.inheritance import MAX_LEVELS
from kei_assembler.model.kinds import AGENT
from kei_assembler.model.manifest import DISPLAY_NAME
from kei_assembler.targets import TARGETS
from kei_assembler.validation import fits

if TYPE_CHECKING:
    from kei_assembler.kit import LoadedKit


_KEYS = (b"display-name", b"abstract", b"kind")
"""The keys that decide what other agents have to know of an agent."""

_ESCAPES = (rb"\u", rb"\U", rb"\x")
"""What a quoted key can have in place of letters."""

_EXTENDS = b"extends"
_BASE = lazy_re.compile(rb"""^extends = ["']([a-z0-9._-]+)["']$""", re.MULTILINE)


class AgentNames:
    """What other agents have to know of a kit's agents. It is read from a manifest when it is needed."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self.in_client = cache(self._in_client)
        self.full_in_client = cache(self._full_in_client)
        self._display_names: dict[str, str] = {}
        self._abstract: set[str] = set()

    def add(self, file: str, data: Mapping[str, Any]) -> None:
        """Remember what is in the data of a manifest, merged with what it inherits, if it is that of an agent."""
        agent, files = stem(file), self.kit.manifest_files
        kind = files.kind_in(file, data)
        if AGENT not in (kind, files.usual_kind(file)):
            return
        display_name = data.get("display-name", "")
        self._display_names[agent] = display_name if display_name and fits(DISPLAY_NAME, display_name) else ""
        if data.get("abstract") is True or kind is not AGENT:
            self._abstract.add(agent)

    def display_name(self, agent: str) -> str:
        """Return the `display-name` of an agent of the kit, or "" if it has none or there is no such agent."""
        if agent not in self._display_names:
            self._read(agent)
        return self._display_names[agent]

    def is_abstract(self, agent: str) -> bool:
        """Return whether the manifest of this name is only a base of others, or of another kind."""
        if agent not in self._display_names:
            self._read(agent)
        return agent in self._abstract

    def is_only_base(self, agent: str) -> bool:
        """Return whether an abstract manifest has this name, and no agent outside the kit has it too."""
        kit = self.kit
        return agent in kit.agents and self.is_abstract(agent) and agent not in kit.settings.external_agents

    @cached_property
    def agents(self) -> frozenset[str]:
        """The agents that can be handed work: `known_agents` of the kit, without those that are only bases."""
        return frozenset(filterfalse(self.is_only_base, self.kit.known_agents))

    def _read(self, agent: str, level: int = 0) -> None:
        self._display_names[agent] = ""
        file = self.kit.files_by_agent.get(agent)
        content = self.kit.content_of(file) if file else b""
        # most manifests have no such key, and a search is faster than parsing, most of all one from the end
        may_have = any(content.rfind(sign) >= 0 for sign in (*_KEYS, *_ESCAPES)) or self._may_inherit(content, level)
        if file and may_have:
            self.add(file, self.kit.composition.resolve(self.kit.read_manifest(file)).data)

    def _may_inherit(self, content: bytes, level: int) -> bool:
        """Return whether a manifest with this content may inherit a display name. It has so many heirs on the way."""
        if content.rfind(_EXTENDS) < 0:
            return False
        bases = _BASE.findall(content)
        is_clear = len(bases) == content.count(_EXTENDS) == 1
        if not is_clear or level > MAX_LEVELS:
            return True
        base = bases[0].decode()
        if base not in self._display_names:
            self._read(base, level + 1)
        return bool(self._display_names[base])

    def _in_client(self, target: str, agent: str) -> str:
        """Return the name by which other agents call an agent in a target's client."""
        return client_name(agent, self.display_name(agent), TARGETS[target])

    def _full_in_client(self, target: str, agent: str) -> str:
        """Return the name of an agent that a target's client compares. In a plugin, it begins with the plugin's."""
        row = TARGETS[target]
        name, file = self.in_client(target, agent), self.kit.files_by_agent.get(agent)
        if file is None or not row.plugin.is_in_names:
            return name
        return self.kit.placement.name_prefix(target, self.kit.output(target, agent, file)) + name
