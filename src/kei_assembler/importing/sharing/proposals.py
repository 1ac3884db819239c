"""Propose bases and bundles for imported agents that share tools, a model and blocks. People decide about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kei_assembler.importing.block_names import words_in_all
from kei_assembler.importing.convert import Conversion
from kei_assembler.kit import SETTINGS_FILE, LoadedKit
from kei_assembler.model.manifest import slug
from kei_assembler.records import NamedTuple
from kei_assembler.repair.names import unused_name
from kei_assembler.suggestions import counted, listed
from kei_assembler.toml.writer import document

_INHERITED = ("tools", "model", "blocks")
_MAX_PROPOSALS = 3
_MAX_NAMED = 3
_BUNDLE_SIZES = range(2, 9)


class _Group(NamedTuple):
    """Manifests with the same keys, by the names of their agents."""

    keys: Mapping[str, Any]
    agents: Sequence[str]

    @property
    def saved(self) -> int:
        """How many characters the manifests have of these keys."""
        return len(self.agents) * len(document(self.keys))


def proposals(kit: LoadedKit, conversions: Sequence[Conversion], min_users: int) -> Iterator[str]:
    """Yield what to write for the bases and bundles that save most: for at least `min_users` agents each."""
    taken = {*kit.names.agents, *(conversion.name for conversion in conversions)}
    bases = _best(_bases(conversions), min_users)
    for keys, agents in bases:
        name = _name("base", keys, agents, taken)
        yield f"proposal: {counted(len(agents), 'agent')} have the same {listed(keys)}, and can have one base\n"
        yield f"in {kit.manifest_file(name)}:\n{_indented({'name': name, 'abstract': True, **keys})}"
        yield f"in the manifests of {_named(agents)}, instead of these keys:\n{_indented({'extends': name})}"
    with_base = {agent for group in bases for agent in group.agents}
    taken = {*kit.settings.bundles}
    for keys, agents in _best(_bundles(conversions), min_users):
        if not with_base.issuperset(agents):
            name = _name("", keys, agents, taken)
            size = counted(len(keys["blocks"]), "block")
            yield f"proposal: {counted(len(agents), 'agent')} list the same {size}, which can be a bundle\n"
            yield f"in {SETTINGS_FILE}:\n{_indented({'bundles': {name: keys['blocks']}})}"
            yield f'in `blocks` of {_named(agents)}, instead of these blocks:\n    "@{name}"\n'


def _bases(conversions: Sequence[Conversion]) -> Iterator[_Group]:
    groups: defaultdict[str, list[Conversion]] = defaultdict(list)
    for conversion in conversions:
        keys = {key: conversion.data[key] for key in _INHERITED if key in conversion.data}
        if "blocks" in keys and len(keys) > 1:
            groups[document(keys)].append(conversion)
    for group in groups.values():
        data = group[0].data
        yield _Group({key: data[key] for key in _INHERITED if key in data}, [each.name for each in group])


def _bundles(conversions: Sequence[Conversion]) -> Iterator[_Group]:
    """The runs of blocks in the manifests' lists."""
    users: defaultdict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
    for conversion in conversions:
        blocks = conversion.data.get("blocks", [])
        for size in _BUNDLE_SIZES:
            for start in range(len(blocks) - size + 1):
                users[tuple(blocks[start : start + size])][conversion.name] = None
    for run, agents in users.items():
        yield _Group({"blocks": [*run]}, [*agents])


def _best(groups: Iterator[_Group], min_users: int) -> list[_Group]:
    """The groups that save most. No two of them have the same block for the same agent."""
    found: list[_Group] = []
    taken: set[tuple[str, str]] = set()
    for group in sorted((each for each in groups if len(each.agents) >= min_users), key=lambda each: -each.saved):
        pairs = {(agent, block) for agent in group.agents for block in group.keys["blocks"]}
        if len(found) < _MAX_PROPOSALS and taken.isdisjoint(pairs):
            found.append(group)
            taken |= pairs
    return found


def _name(start: str, keys: Mapping[str, Any], agents: Sequence[str], taken: set[str]) -> str:
    """A name for what agents have in common, after what they are or after its first block. It is taken then."""
    words = words_in_all(sorted(agents)) or keys["blocks"][0].rpartition("/")[2]
    wanted = slug("-".join(filter(None, (start, words))))[:56]
    name = unused_name(wanted, taken)
    taken.add(name)
    return name


def _indented(data: Mapping[str, Any]) -> str:
    return "".join(f"    {line}\n" for line in document(data).rstrip("\n").split("\n"))


def _named(agents: Sequence[str]) -> str:
    is_one_more = len(agents) == _MAX_NAMED + 1  # naming it is as short as counting it
    return listed(agents, str, most=None if is_one_more else _MAX_NAMED)
