"""The names that a kit's agents have in a client."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from kei_assembler.model.adaptation import client_name
from kei_assembler.model.manifest import DISPLAY_NAME
from kei_assembler.targets import TARGETS
from kei_assembler.targets.target import Target
from kei_assembler.toml.source import MAX_BYTES
from kei_assembler.validation import fits

if TYPE_CHECKING:
    from kei_assembler.kit import LoadedKit


class AgentNames:
    """The display names of a kit's agents, each read from its manifest when it is needed."""

    def __init__(self, kit: LoadedKit) -> None:
        self.kit = kit
        self.full_in_client = cache(self._full_in_client)
        self._display_names: dict[str, str] = {}

    def add(self, agent: str, data: Mapping[str, Any]) -> None:
        """Remember the name in the data of an agent's manifest."""
        display_name = data.get("display-name", "")
        self._display_names[agent] = display_name if display_name and fits(DISPLAY_NAME, display_name) else ""

    def display_name(self, agent: str) -> str:
        """Return the `display-name` of an agent of the kit, or "" if it has none or there is no such agent."""
        if agent not in self._display_names:
            self._display_names[agent] = ""
            file = self.kit.files_by_agent.get(agent)
            # most manifests have no such key, and a search is faster than parsing
            if file and b"display-name" in self._content(file):
                self.kit.read_manifest(file)
        return self._display_names[agent]

    def _content(self, file: str) -> bytes:
        try:
            return self.kit.tree.read(self.kit.path(file), MAX_BYTES)
        except OSError:
            return b""

    def in_client(self, target: Target, agent: str) -> str:
        """Return the name by which other agents call an agent in a target's client."""
        return client_name(agent, self.display_name(agent), target)

    def _full_in_client(self, target: str, agent: str) -> str:
        """Return the name of an agent that a target's client compares. In a plugin, it begins with the plugin's."""
        row = TARGETS[target]
        name, file = self.in_client(row, agent), self.kit.files_by_agent.get(agent)
        if file is None or not row.plugin.is_in_names:
            return name
        return self.kit.placement.name_prefix(target, self.kit.output(target, agent, file)) + name
