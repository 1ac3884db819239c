"""Where the entries of the front matter come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from kei_assembler.diagnostics import KeyPath
from kei_assembler.model.adaptation import refusal_of_name, starts_agents
from kei_assembler.model.manifest import Manifest
from kei_assembler.render.places import Part, Places
from kei_assembler.targets.target import Target

CLIENT = (Part("client"),)
"""The parts of what a client needs, such as the lines around the front matter."""

TextParts = Callable[[KeyPath], tuple[Part, ...]]


class FrontOrigins:
    """The origins of a manifest's front matter for a client.

    `text` returns the parts for the text at a path: where it is written, and the values in it.
    """

    def __init__(self, places: Places, manifest: Manifest, row: Target, text: TextParts) -> None:
        self.kit = places.kit
        self.places = places
        self.manifest = manifest
        self.row = row
        self.text = text

    def of(self, key: str) -> tuple[Part, ...]:
        """Return the parts for an entry, given by its key. The order is the one in which `adapt` decides."""
        row, own = self.row, self.manifest.target.get(self.row.name, {})
        parts: Iterable[Part] = (Part("client", key=key),)
        if key in own:
            parts = self._all(("target", row.name, key), own[key])
        elif row.handoffs and key == row.handoffs.key:
            parts = self._handoffs()
        elif key in (row.tools.key, row.tools.agents_key, row.tools.servers_key):
            parts = self.tools(only_agents=key == row.tools.agents_key) or parts
        elif key == row.display_name.key and self._has_display_name():
            parts = self.text(("display-name",))
        elif key == "description":
            parts = (*self.text(("description",)), *self._setting("plain-descriptions"))
        elif key == row.model_key:
            parts = self.text(("model",))
        elif key == "name" and key not in row.defaults:
            parts = self.text((key,))
        return tuple(parts)

    def _has_display_name(self) -> bool:
        name = self.manifest.display_name
        return bool(name) and not refusal_of_name(name, self.row.name)

    def _all(self, path: KeyPath, value: object) -> Iterator[Part]:
        """Yield the parts of a value and of all that is in it."""
        if isinstance(value, str):
            yield from self.places.at(path)
            return
        yield self.places.at(path)[0]
        inner = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
        )
        for key, each in inner:
            yield from self._all((*path, key), each)

    def _handoffs(self) -> Iterator[Part]:
        for index in range(len(self.manifest.handoff)):
            yield from self.text(("handoff", index, "target"))
            yield from self.text(("handoff", index, "trigger"))

    def tools(self, only_agents: bool = False) -> tuple[Part, ...]:
        """Return the parts for the list of tools, or for the agents that it lets the agent start."""
        return (*self._tools(only_agents), *self._setting("limit-agents"))

    def _tools(self, only_agents: bool) -> Iterator[Part]:
        entries = [*enumerate(self.manifest.tools or ())]
        if not only_agents:
            yield self.places.at(("tools",))[0]
        for index, entry in entries:
            if not only_agents or starts_agents(entry):
                yield from self.places.at(("tools", index))
        is_limited = self.kit.settings.of(self.row.name).get("limit-agents")
        if is_limited and any(starts_agents(entry) for _, entry in entries):
            for index in range(len(self.manifest.handoff)):
                yield from self.places.at(("handoff", index, "target"))

    def _setting(self, key: str) -> Iterator[Part]:
        """Yield the part for a setting of the client, if it is used."""
        source = self.kit.settings_source
        if source and self.kit.settings.of(self.row.name).get(key):
            path = self.kit.settings_path("target", self.row.name, key)
            yield Part("setting", source.file, source.locate(path).line, f"target.{self.row.name}.{key}")
