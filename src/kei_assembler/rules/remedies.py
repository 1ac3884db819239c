"""What corrects findings about keys, entries and names in TOML, and whether that is safe.

A correction that can add a tool, a right or a handoff is not safe, nor is one that takes them away: people decide what
an agent can do, and a misspelled name does not say that for sure. Nor is a correction safe if the right name only has a
part in common with the wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from kei_assembler.diagnostics import KeyPath
from kei_assembler.kit import LoadedKit
from kei_assembler.model.kinds import Kind
from kei_assembler.rules.definition import Remedy
from kei_assembler.rules.hints import SUFFIXES, current_key
from kei_assembler.suggestions import Certainty, certainty
from kei_assembler.targets import TARGETS
from kei_assembler.targets.fields import NOTHING
from kei_assembler.validation import ValidationError
from kei_assembler.whitespace import SPACES

_DECIDING = frozenset(("tools", "handoff", "extends", "unset"))
"""The keys of a manifest, outside `[target.NAME]`, on which it depends what the agent can do."""

_DECIDING_SETTINGS = frozenset(("allow-rights", "external-agents", "known-tools", "root", "ignore"))
_TARGET_PATH = 3  # `target`, its name, and a key in its table


@cache
def _harmless(target: str) -> frozenset[str]:
    """The keys of a target's table that do not concern what the agent can do."""
    keys = (key for key in TARGETS[target].table if key.permissions.startswith(NOTHING))
    return frozenset(key.field.key for key in keys if key.field.kind in ("", "model")) | {"values"}


def decides(path: KeyPath) -> bool:
    """Return whether it depends on the value at a path of a manifest, or on its key, what the agent can do."""
    if path[0] != "target":
        return path[0] in _DECIDING
    is_harmless = len(path) >= _TARGET_PATH and path[1] in TARGETS and path[2] in _harmless(str(path[1]))
    return not is_harmless


def _setting_decides(path: KeyPath) -> bool:
    """Return whether it depends on a setting what an agent can do. The path starts at the table of the settings."""
    if path[0] == "kind":
        path = path[2:] or ("defaults",)
    if path[0] == "defaults":
        return len(path) == 1 or decides(path[1:])
    return path[0] in _DECIDING_SETTINGS


def renaming(path: KeyPath, key: str | None, known: Iterable[str]) -> Remedy | None:
    """Return the remedy that renames a key of a manifest to one of the known keys."""
    return _renaming(path, key, known, decides((*path[:-1], key))) if key else None


def renaming_to_current(path: KeyPath) -> Remedy | None:
    """Return the remedy that replaces a client's older name of a key with the current one."""
    key = current_key(path)
    return Remedy("renamed", path, (key,), not decides((*path[-_TARGET_PATH:-1], key))) if key else None


def replacing(path: KeyPath, old: str, new: str | None, known: Iterable[str]) -> Remedy | None:
    """Return the remedy that replaces a name in a string of a manifest with one of the known names."""
    return _replacing(path, old, new, known, decides(path)) if new else None


def moving(path: KeyPath, table: KeyPath, key: str) -> Remedy:
    """Return the remedy that moves a key of a manifest to a table, under a name."""
    return _moving(path, table, key, decides((*table, key)))


def removing(path: KeyPath) -> Remedy:
    """Return the remedy that removes an entry of a list that has the same effect without it."""
    return Remedy("removed", path)


def adding_blocks(kit: LoadedKit, kind: Kind, key: str) -> Remedy | None:
    """Return the remedy that adds the key `blocks` with the obligatory blocks, if that is the missing key."""
    entries = kit.settings.of_kind(kind).obligatory if key == "blocks" else ()
    return Remedy("added", (), ("blocks", entries)) if entries and kit.obligatory(kind) else None


def listing(path: KeyPath, error: ValidationError) -> Remedy | None:
    """Return the remedy that makes a list of a string where a manifest needs a list of strings."""
    return _listing(path, error, decides(path))


def renaming_setting(kit: LoadedKit, path: KeyPath, key: str | None, known: Iterable[str]) -> Remedy | None:
    """Return the remedy that renames a setting to one of the known keys."""
    return _renaming(path, key, known, _setting_decides((*_in_settings(kit, path)[:-1], key))) if key else None


def replacing_setting(kit: LoadedKit, path: KeyPath, old: str, new: str | None, known: Iterable[str]) -> Remedy | None:
    """Return the remedy that replaces a name in a string of the settings with one of the known names."""
    return _replacing(path, old, new, known, _setting_decides(_in_settings(kit, path))) if new else None


def moving_setting(kit: LoadedKit, path: KeyPath, table: KeyPath, key: str) -> Remedy:
    """Return the remedy that moves a setting to a table of the settings, under a name."""
    return _moving(path, kit.settings_path(*table), key, _setting_decides((*table, key)))


def listing_setting(kit: LoadedKit, path: KeyPath, error: ValidationError) -> Remedy | None:
    """Return the remedy that makes a list of a string where a setting needs a list of strings."""
    return _listing(path, error, _setting_decides(_in_settings(kit, path)))


def _in_settings(kit: LoadedKit, path: KeyPath) -> KeyPath:
    return path[len(kit.settings_at) :]


def _renaming(path: KeyPath, key: str, known: Iterable[str], decides: bool) -> Remedy | None:
    certain = certainty(str(path[-1]), key, known)
    return Remedy("renamed", path, (key,), not decides and certain is Certainty.CLEAR) if certain else None


def _replacing(path: KeyPath, old: str, new: str, known: Iterable[str], decides: bool) -> Remedy | None:
    # nobody can add a target, so one that is similar is the one that is meant
    certain = Certainty.CLEAR if new in TARGETS or _leads_to(old, new) else certainty(old, new, known)
    return Remedy("replaced", path, (old, new), not decides and certain is Certainty.CLEAR) if certain else None


def _moving(path: KeyPath, table: KeyPath, key: str, decides: bool) -> Remedy:
    is_clear = certainty(str(path[-1]), key, ()) is Certainty.CLEAR
    return Remedy("moved", path, (table, key), not decides and is_clear)


def _leads_to(path: str, name: str) -> bool:
    """Return whether a path, such as `_blocks/testing.md`, leads to the file of a name, such as `testing`."""
    plain = path.replace("\\", "/").casefold()
    plain = next((plain.removesuffix(suffix) for suffix in SUFFIXES if plain.endswith(suffix)), plain)
    return plain == name or plain.endswith(f"/{name}")


_LISTS_OF_NAMES = frozenset(("tools", "blocks", "targets", "unset", "paths", "obligatory", "required", "known-tools"))


def _listing(path: KeyPath, error: ValidationError, decides: bool) -> Remedy | None:
    text, item = error.value, error.shape.item
    is_list_of_strings = error.kind == "type" and error.shape.type is list and item is not None and item.type is str
    if not is_list_of_strings or not isinstance(text, str) or "\n" in text:
        return None
    entries = [text]
    if path[-1] in _LISTS_OF_NAMES:
        entries = [entry.strip(SPACES) for entry in text.split(",")]
        if any(not entry or len(entry.split(" ")) > 1 for entry in entries):
            return None
    return Remedy("listed", path, (text, entries), not decides)
