"""Compare files, blocks and descriptions with the budgets of a kit."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kei_assembler.build.changes import MAX_OUTPUT_BYTES
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import Block
from kei_assembler.markdown.structure import trimmed
from kei_assembler.markdown.tokens import tokens
from kei_assembler.model.manifest import Manifest
from kei_assembler.model.settings import Maximum
from kei_assembler.records import NamedTuple
from kei_assembler.rules import budgets
from kei_assembler.rules.kit_usage import KitUsage
from kei_assembler.rules.runner import run_rule

if TYPE_CHECKING:
    from kei_assembler.render.renderer import Artifact

_NAMED = 3
"""How many of the largest parts a warning names."""


class Excess(NamedTuple):
    """A file with more tokens than its budget allows."""

    path: str
    tokens: int
    maximum: Maximum
    target: str


def excess_of(kit: LoadedKit, artifact: Artifact) -> Iterator[Excess]:
    """Yield the excess of an artifact, if its target has a budget for agents and the artifact is above it."""
    maximum = kit.settings.budgets["agent"].get(artifact.target)
    if maximum and len(artifact.content) <= MAX_OUTPUT_BYTES:  # a larger file is an error
        count = tokens(artifact.content.decode())
        if count > maximum.tokens:
            yield Excess(artifact.path, count, maximum, artifact.target)


def check_agent(kit: LoadedKit, manifest: Manifest, file: str, found: Sequence[Excess]) -> list[Diagnostic]:
    """Return the warning about the files of a manifest that are above their budgets, which are at least one."""
    worst = max(found, key=lambda one: one.tokens / one.maximum.tokens)
    parts = [(kit.blocks.tokens(entry, worst.target), f"`{entry}`") for entry in dict.fromkeys(manifest.blocks)]
    rest = worst.tokens - sum(size for size, _ in parts)
    parts.append((rest, "everything else" if parts else "the manifest's own text"))
    source = kit.read_manifest(file)
    where = next(key for key in ("blocks", "extends", "name") if key in source.data)
    largest = heapq.nlargest(_NAMED, parts)
    about = budgets.LargeFile(worst.path, worst.tokens, worst.maximum, largest, len(found) - 1, (where,))
    return run_rule(budgets.agent_above_budget, source, about)


def check_block(usage: KitUsage, block: Block) -> list[Diagnostic]:
    """Return the warning about a block that is above the budget for blocks. `usage` has the agents that list it."""
    all_ = usage.kit.settings.budgets["block"]
    targets = set().union(*usage.targets_with(block).values()) or {""}
    maximum = min((all_[target] for target in targets if target in all_), default=None)
    if maximum is None or block.source.error:
        return []
    count = tokens(trimmed(block.source.text))
    if count <= maximum.tokens:
        return []
    return run_rule(budgets.block_above_budget, block.source, count, maximum)


def check_descriptions(usage: KitUsage) -> list[Diagnostic]:
    """Return a warning for each setting whose budget for descriptions is too small for the agents of a target.

    `usage` has all manifests of the kit.
    """
    kit, worst = usage.kit, dict[Maximum, budgets.AllDescriptions]()
    for target, entries in usage.descriptions.items():
        maximum, count = kit.settings.budgets["descriptions"][target], sum(size for size, _ in entries)
        if count > max(maximum.tokens, worst[maximum].tokens if maximum in worst else 0):
            longest = [(size, f"`{name}`") for size, name in heapq.nlargest(_NAMED, entries)]
            worst[maximum] = budgets.AllDescriptions(target, count, maximum, len(entries), longest)
    if kit.settings_source is None:
        return []
    return [
        diagnostic
        for about in worst.values()
        for diagnostic in run_rule(budgets.descriptions_above_budget, kit.settings_source, kit, about)
    ]
