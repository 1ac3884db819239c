"""What corrects findings about keys, entries and names in TOML, and whether that is safe.

A correction that can add a tool, a right or a handoff is not safe, nor is one that takes them away: people decide what
an agent can do, and a misspelled name does not say that for sure. Nor is a correction safe if the right name only has a
part in common with the wrong one.
"""

from __future__ import annotations

from functools import cache

from kei_assembler.diagnostics import KeyPath
from kei_assembler.kit import LoadedKit
from kei_assembler.rules.definition import Remedy
from kei_assembler.suggestions import is_close
from kei_assembler.targets import TARGETS

_DECIDING = frozenset(("tools", "handoff", "extends", "unset"))
"""The keys of a manifest, outside `[target.NAME]`, on which it depends what the agent can do."""

_DECIDING_SETTINGS = frozenset(("allow-rights", "external-agents", "known-tools", "root", "ignore"))
_TARGET_PATH = 3  # `target`, its name, and a key in its table


@cache
def _harmless(target: str) -> frozenset[str]:
    """The keys of a target's table that do not concern what the agent can do."""
    row = TARGETS[target]
    granting = {right.key for right in row.rights}
    harmless = (field.key for field in row.fields if field.kind in ("", "model") and not field.is_table)
    return frozenset(harmless) - granting | {"values"}


def decides(path: KeyPath) -> bool:
    """Return whether it depends on the value at a path of a manifest, or on its key, what the agent can do."""
    if path[0] != "target":
        return path[0] in _DECIDING
    is_harmless = len(path) >= _TARGET_PATH and path[1] in TARGETS and path[2] in _harmless(str(path[1]))
    return not is_harmless


def _setting_decides(path: KeyPath) -> bool:
    """Return whether it depends on a setting what an agent can do. The path starts at the table of the settings."""
    if path[0] == "defaults":
        return len(path) == 1 or decides(path[1:])
    return path[0] in _DECIDING_SETTINGS


def renaming(path: KeyPath, key: str | None) -> Remedy | None:
    """Return the remedy that renames a key of a manifest, if there is a name for it."""
    return _renaming(path, key, decides((*path[:-1], key))) if key else None


def replacing(path: KeyPath, old: str, new: str | None) -> Remedy | None:
    """Return the remedy that replaces a name in a string of a manifest, if there is another one."""
    return _replacing(path, old, new, decides(path)) if new else None


def moving(path: KeyPath, table: KeyPath, key: str) -> Remedy:
    """Return the remedy that moves a key of a manifest to a table, under a name."""
    return _moving(path, table, key, decides((*table, key)))


def removing(path: KeyPath) -> Remedy:
    """Return the remedy that removes an entry of a list that has the same effect without it."""
    return Remedy("removed", path)


def renaming_setting(kit: LoadedKit, path: KeyPath, key: str | None) -> Remedy | None:
    """Return the remedy that renames a setting, if there is a name for it."""
    return _renaming(path, key, _setting_decides((*_in_settings(kit, path)[:-1], key))) if key else None


def replacing_setting(kit: LoadedKit, path: KeyPath, old: str, new: str | None) -> Remedy | None:
    """Return the remedy that replaces a name in a string of the settings, if there is another one."""
    return _replacing(path, old, new, _setting_decides(_in_settings(kit, path))) if new else None


def moving_setting(kit: LoadedKit, path: KeyPath, table: KeyPath, key: str) -> Remedy:
    """Return the remedy that moves a setting to a table of the settings, under a name."""
    return _moving(path, kit.settings_path(*table), key, _setting_decides((*table, key)))


def _in_settings(kit: LoadedKit, path: KeyPath) -> KeyPath:
    return path[len(kit.settings_at) :]


def _renaming(path: KeyPath, key: str, decides: bool) -> Remedy:
    return Remedy("renamed", path, (key,), not decides and is_close(str(path[-1]), key))


def _replacing(path: KeyPath, old: str, new: str, decides: bool) -> Remedy:
    # the set of targets is small, and nobody can add to it
    is_clear = new in TARGETS or is_close(_name_in(old), _name_in(new))
    return Remedy("replaced", path, (old, new), not decides and is_clear)


def _moving(path: KeyPath, table: KeyPath, key: str, decides: bool) -> Remedy:
    return Remedy("moved", path, (table, key), not decides and is_close(str(path[-1]), key))


def _name_in(path: str) -> str:
    """Return the name in what may be a path, such as `_blocks/testing.md`."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return name.partition(".")[0] or name
