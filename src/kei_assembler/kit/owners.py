"""Which manifests generate which files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from kei_assembler.kit.manifest_files import stem
from kei_assembler.kit.outputs import Output, outputs_of
from kei_assembler.model.kinds import AGENT
from kei_assembler.model.manifest import is_abstract
from kei_assembler.targets import TARGETS

if TYPE_CHECKING:
    from kei_assembler.kit import LoadedKit


class Owned(NamedTuple):
    """An output, and the manifest that it belongs to."""

    manifest: str
    output: Output


def possible_outputs(kit: LoadedKit) -> Iterator[Owned]:
    """Yield what a kit may generate: for agents, for all clients. Only manifests of other kinds are read for that."""
    for file in kit.manifests:
        if kit.manifest_files.kind_of(file) is AGENT:
            yield from (Owned(file, Output(kit.output(target, stem(file), file), (target,))) for target in TARGETS)
        elif not is_abstract(kit.read_manifest(file).data):
            yield from (Owned(file, output) for output in outputs_of(kit, kit.decoded(file)[0], file))


def generated_at(kit: LoadedKit, paths: Iterable[str]) -> list[Owned]:
    """Return what the kit generates at the first of these paths with an output: several ones if they are sections."""
    wanted = frozenset(paths)
    found: dict[str, Owned] = {}
    for one in possible_outputs(kit):
        is_wanted = one.output.path in ({each.output.path for each in found.values()} or wanted)
        if is_wanted and one.output.target in kit.targets_of(kit.decoded(one.manifest)[0]):
            found.setdefault(one.output.section, one)
    return [*found.values()]
