"""Which keys in the tables of targets a manifest does not inherit, because a general key of its own comes first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kei_assembler.records import NamedTuple
from kei_assembler.targets import TARGETS

INHERITED = "..."
"""The entry of a list that stands for the entries of the next layer."""

_GENERAL = {
    name: {
        row.tools.key: "tools",
        row.display_name.key: "display-name",
        **({row.handoffs.key: "handoff"} if row.handoffs else {}),
        row.model_key: "model",
    }
    for name, row in TARGETS.items()
}
"""The keys in a target's table that replace a key of the manifest for this target, with that key."""


class Outranked(NamedTuple):
    """A key in the inherited table of a target, and the general key of the nearer layer that replaces it."""

    target: str
    key: str
    general: str


def without_outranked(inherited: dict[str, Any], own: Mapping[str, Any]) -> tuple[dict[str, Any], list[Outranked]]:
    """Return what is inherited without the keys of targets that a general key of the nearer layer outranks.

    The second value lists these keys, except those that the nearer layer sets for the target, too.
    """
    tables, own_tables = inherited.get("target"), own.get("target")
    if not isinstance(tables, dict):
        return inherited, []
    kept, outranked = {}, list[Outranked]()
    for name, table in tables.items():
        own_table = own_tables.get(name) if isinstance(own_tables, dict) else None
        own_table = own_table if isinstance(own_table, dict) else {}
        kept[name] = _kept(name, table, own, own_table)
        if isinstance(table, dict):
            dropped = [key for key in table if key not in kept[name] and key not in own_table]
            outranked += [Outranked(name, key, _GENERAL[name][key]) for key in dropped]
    return inherited | {"target": kept}, outranked


def _kept(target: str, table: Any, own: Mapping[str, Any], own_table: Mapping[str, Any]) -> Any:
    """Return an inherited table of a target without what is outranked. A list of its own can still extend it."""
    if not isinstance(table, dict):
        return table
    general = _GENERAL.get(target, {})
    kept = {key: value for key, value in table.items() if general.get(key) not in own or _extends(own_table, key)}
    values, own_values = kept.get("values"), own.get("values")
    if isinstance(values, dict) and isinstance(own_values, dict):
        near = own_table.get("values")
        near = near if isinstance(near, dict) else {}
        kept["values"] = {key: value for key, value in values.items() if key not in own_values or _extends(near, key)}
    return kept


def _extends(table: Mapping[str, Any], key: str) -> bool:
    value = table.get(key)
    return isinstance(value, list) and INHERITED in value
