"""Keep what people wrote into agent files for themselves, such as `category`, in extra keys of the manifests."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from kei_assembler import lazy_re
from kei_assembler.importing.agent_file import AgentFile
from kei_assembler.markdown.lenient_yaml import as_text
from kei_assembler.markdown.placeholders import may_have_placeholders
from kei_assembler.model.manifest import EXTRA_SHAPES
from kei_assembler.model.settings import MANIFEST_KEYS
from kei_assembler.suggestions import misspelled
from kei_assembler.targets import TARGETS
from kei_assembler.toml.writer import document
from kei_assembler.validation import fits

_KEY = lazy_re.compile(r"[a-z][a-z0-9_]*")
_MAX_KEYS = 1000
_KNOWN = frozenset((*MANIFEST_KEYS, *(key for row in TARGETS.values() for key in (*row.keys, *row.loader.legacy_keys))))


def is_metadata(key: str, target: str) -> bool:
    """Return whether no client knows a key, it is not a misspelled one of this client, and templates can name it."""
    row = TARGETS[target]
    is_free = bool(_KEY.fullmatch(key)) and key not in _KNOWN and key not in row.refused
    return is_free and not misspelled(key, row.keys)


def extra_keys_of(agents: Iterable[AgentFile]) -> dict[str, str]:
    """Return the free metadata of agent files as the setting `extra-keys` declares it: the most common keys, sorted."""
    kinds: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for agent in agents:
        for key in agent.entries:
            if is_metadata(key, agent.target):
                kinds[key][_kind(agent, key)] += 1
    common = {key: kind for key, counts in kinds.items() if (kind := _common_kind(counts.keys() - {""}))}
    most = sorted(common, key=lambda key: (-kinds[key].total(), key))[:_MAX_KEYS]
    return {key: common[key] for key in sorted(most)}


def declaration(extra_keys: Mapping[str, str]) -> str:
    """Return the setting `extra-keys` as TOML, or "" without keys."""
    return document({"extra-keys": extra_keys}) if extra_keys else ""


def metadata_value(agent: AgentFile, key: str, kind: str) -> Any:
    """Return the value of a key for a manifest whose kit declares it with this kind, or None if it has none."""
    value, own = agent.value(key), _kind(agent, key)
    if kind == own == "string" or (kind in ("string", "strings") and own in ("string", "integer", "boolean")):
        kept: Any = _text(agent, key) if kind == "string" else [_text(agent, key)]
    elif kind == own == "strings":
        kept = list(map(as_text, value)) if isinstance(value, list) else None
    else:
        kept = value if kind == own else None
    return kept if kept is not None and fits(EXTRA_SHAPES[kind], kept) else None


def _common_kind(kinds: Iterable[str]) -> str:
    """The kind that values of all these kinds can have, or ""."""
    found = {*kinds}
    if len(found) == 1:
        return found.pop()
    is_text = found and found <= {"string", "strings", "integer", "boolean"}
    return ("strings" if "strings" in found else "string") if is_text else ""


def _kind(agent: AgentFile, key: str) -> str:
    """The kind of a value, by its name in `extra-keys`. It is "" if a manifest cannot have exactly this value."""
    value = agent.value(key)
    if value is None or value in ("", [], {}) or not _is_exact(value) or may_have_placeholders(as_text(value)):
        return "string" if isinstance(value, float) and _written(agent, key) else ""
    if isinstance(value, dict):
        return "table"
    if isinstance(value, list):
        return "strings" if all(isinstance(one, str | int) and not isinstance(one, bool) for one in value) else ""
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) and as_text(value) == _written(agent, key) else "string"


def _is_exact(value: Any) -> bool:
    """Whether TOML can have a value, and the value says how it was written: 1.10 does not, because it is 1.1."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_exact(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(map(_is_exact, value))
    return isinstance(value, str) or (isinstance(value, int) and -(2**63) <= value < 2**63)


_NUMBER = lazy_re.compile(r"[^:=]*[:=][ \t]*(?P<number>[-+.\w]+)[ \t]*(?:#.*)?")


def _text(agent: AgentFile, key: str) -> str:
    """A single value as text: a number as the file has it."""
    value = agent.value(key)
    return value if isinstance(value, str) else _written(agent, key) or as_text(value)


def _written(agent: AgentFile, key: str) -> str:
    """A number or a word as the file has it, or "" if it is not on the line of its key."""
    line = agent.source.text.split("\n")[agent.entries[key].span.line - 1]
    match = _NUMBER.fullmatch(line)
    return match["number"] if match else ""
