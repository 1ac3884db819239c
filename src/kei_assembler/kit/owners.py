"""Which manifests generate which files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kei_assembler.kit.manifest_files import stem
from kei_assembler.kit.outputs import Output, outputs_of
from kei_assembler.model.kinds import AGENT
from kei_assembler.model.manifest import is_abstract
from kei_assembler.records import NamedTuple
from kei_assembler.targets import TARGETS

if TYPE_CHECKING:
    from kei_assembler.kit import LoadedKit


class Owned(NamedTuple):
    """An output, and the manifest that it belongs to."""

    manifest: str
    output: Output


def possible_outputs(kit: LoadedKit) -> Iterator[Owned]:
    """Yield what a kit may generate: for agents, for all clients. Few manifests of agents are parsed for that."""
    for file in kit.manifests:
        is_agent = kit.manifest_files.kind_of(file) is AGENT
        if is_agent:
            yield from (Owned(file, Output(kit.output(target, stem(file), file), (target,))) for target in TARGETS)
        has_others = not is_agent or any(key in kit.content_of(file) for key in _KEYS)
        if has_others and not is_abstract(kit.read_manifest(file).data):
            outputs = outputs_of(kit, kit.decoded(file)[0], file)
            yield from (Owned(file, output) for output in outputs if output.kind != AGENT.name)


_KEYS = (b"also-skill", b"extends")
"""A manifest of an agent with one of these can have outputs of other kinds."""


def generated_at(kit: LoadedKit, paths: Iterable[str]) -> list[Owned]:
    """Return what the kit generates at the first of these paths with an output: several ones if they are sections."""
    wanted = frozenset(paths)
    found: dict[str, Owned] = {}
    for one in possible_outputs(kit):
        is_wanted = one.output.path in ({each.output.path for each in found.values()} or wanted)
        if is_wanted and one.output.target in kit.targets_of(kit.decoded(one.manifest)[0]):
            found.setdefault(one.output.section, one)
    return [*found.values()]
