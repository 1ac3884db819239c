"""The variables of a template with marks around their texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

from kei_assembler.diagnostics import KeyPath
from kei_assembler.render.marks import Marks, Value
from kei_assembler.render.views import AgentView

_KEYS = {"display_name": "display-name"}
"""The manifest's keys of the fields that are not named like them."""


class MarkedValues:
    """The values that a template can print, in groups that can be marked one by one."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        agent = variables["agent"]
        self._fields = {name: getattr(agent, name) for name in AgentView._fields}
        self._values: dict[str, tuple[KeyPath, Any]] = {
            **{f"agent.{name}": (_path(name), value) for name, value in self._fields.items()},
            **{f"extra.{key}": ((key,), value) for key, value in vars(variables["extra"]).items()},
            "blocks": (("blocks",), variables["blocks"]),
            "allowed": (("tools",), variables["allowed"]),
        }

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups that have texts."""
        return tuple(name for name, (_, value) in self._values.items() if any(_texts(value)))

    @property
    def texts(self) -> str:
        """All texts."""
        return "".join(text for _, value in self._values.values() for text in _texts(value))

    def marked(self, marks: Marks, groups: frozenset[str]) -> dict[str, Any]:
        """Return the variables with marks around the texts of these groups."""
        made = {
            name: _marked(value, name, path, marks) if name in groups else value
            for name, (path, value) in self._values.items()
        }
        agent = _Agent()
        for name in self._fields:
            setattr(agent, name, made[f"agent.{name}"])
        extra = SimpleNamespace(**{key: made[f"extra.{key}"] for key in vars(self._variables["extra"])})
        return {
            **self._variables,
            "agent": agent,
            "extra": extra,
            "blocks": made["blocks"],
            "allowed": made["allowed"],
        }


class _Agent(SimpleNamespace):
    """Stands for an `AgentView`. The sandbox allows what is in `_fields`."""

    _fields = AgentView._fields


def _path(field: str) -> KeyPath:
    return () if field == "extra" else (_KEYS.get(field, field),)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)


def _marked(value: Any, variable: str, path: KeyPath, marks: Marks) -> Any:
    """Return a value with marks around its texts."""
    if isinstance(value, str):
        return marks.value(Value(variable, path, value))
    if isinstance(value, Mapping):
        return MappingProxyType({key: _marked(each, variable, (*path, key), marks) for key, each in value.items()})
    if fields := getattr(value, "_fields", ()):
        return type(value)(*(_marked(getattr(value, name), variable, (*path, name), marks) for name in fields))
    if isinstance(value, list | tuple):
        return tuple(_marked(each, variable, (*path, index), marks) for index, each in enumerate(value))
    return value
