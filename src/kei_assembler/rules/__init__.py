"""The checks across fields and files: each one small function with its documentation, in explicit tuples."""

from __future__ import annotations

from collections.abc import Iterable

from kei_assembler.diagnostics import Diagnostic, Rule
from kei_assembler.kit import Block, Kit, stem
from kei_assembler.manifest import Manifest, decode
from kei_assembler.rules import blocks, drift, handoffs, hiding, keys, limits, names, outputs, rights, text, tools
from kei_assembler.rules.subject import ManifestUse, Subject, Usage, use_of
from kei_assembler.source import Source, first_findings

__all__ = [
    "RULES",
    "ManifestUse",
    "Usage",
    "check_block",
    "check_defaults",
    "check_kit",
    "check_limits",
    "check_manifest",
    "drift",
    "outputs",
    "text",
    "use_of",
]

OF_MANIFEST = (
    *keys.OF_MANIFEST,
    *names.OF_MANIFEST,
    *tools.OF_MANIFEST,
    *blocks.OF_MANIFEST,
    *handoffs.OF_MANIFEST,
    *text.OF_MANIFEST,
    *rights.OF_MANIFEST,
)
OF_BLOCK = (*blocks.OF_BLOCK, *text.OF_BLOCK)
OF_KIT = (*blocks.OF_KIT, *handoffs.OF_KIT, *rights.OF_KIT)
OF_DEFAULTS = (keys.repeated_entry, tools.unknown_tool, tools.several_tools, text.placeholder_in_manifest)
RULES = (
    *keys.OF_MISFITS,
    *OF_MANIFEST,
    *OF_BLOCK,
    *OF_KIT,
    text.unfinished_merge,
    text.filled_in_file,
    *limits.RULES,
    *hiding.RULES,
    *outputs.RULES,
    *drift.RULES,
)


def check_manifest(kit: Kit, source: Source) -> tuple[Manifest, list[Diagnostic]]:
    """Return the manifest, and what the rules have to say about it.

    The manifest is worth rendering only without an error among the findings.
    """
    subject = Subject(kit, source)
    rules = OF_MANIFEST if source.data else (keys.empty_manifest,)
    found = _checked(subject, (*keys.OF_MISFITS, *rules) if subject.misfits else rules)
    given = {key: getattr(subject.manifest, key) for key in ("name", "description") if _is_there(subject, key)}
    found += check_limits(source, given, kit.targets_of(subject.manifest))
    found += source.run(text.unfinished_merge, source)
    return subject.manifest, found + source.run(hiding.hidden_text, source, kit.allowed_characters)


def check_defaults(kit: Kit) -> list[Diagnostic]:
    """Return what is wrong with what the kit's settings say for all manifests, beyond its form."""
    return _checked(Subject.of_defaults(kit), OF_DEFAULTS) if kit.defaults else []


def _checked(subject: Subject, rules: Iterable[Rule]) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    if not any(True for rule in rules for _ in rule.check(subject)):  # as of most: to ask all at once is faster
        return found
    for rule in rules:
        if findings := first_findings(rule, subject):
            found += subject.source.diagnose(rule, map(subject.placed, findings))
    return found


def _is_there(subject: Subject, key: str) -> bool:
    return subject.fits(key) and not keys.is_missing(subject, key)


def check_limits(source: Source, given: limits.Given, targets: Iterable[str]) -> list[Diagnostic]:
    """Return what AI tools would not take of what they are given: texts by what they are (see `target.Limit`)."""
    if not any(limits.excesses(given, targets)):
        return []
    return [found for rule in limits.RULES for found in source.run(rule, given, targets)]


def check_block(usage: Usage, block: Block) -> list[Diagnostic]:
    """Return what is wrong with a block's file, including that it could not be read."""
    if block.problems:
        return list(block.problems)
    found = [diagnostic for rule in OF_BLOCK for diagnostic in block.source.run(rule, block)]
    found += block.source.run(text.unfinished_merge, block.source)
    found += block.source.run(text.filled_in_file, block.source, usage.fillers.get(block.name, ()))
    return found + block.source.run(hiding.hidden_text, block.source, usage.kit.allowed_characters)


def check_kit(usage: Usage) -> list[Diagnostic]:
    """Return what stands out when all manifests of a kit are looked at together."""
    kit = usage.kit
    found = _check_handoffs(usage)
    for name in kit.block_names:
        if block := kit.block(name):
            found += block.source.run(blocks.unused_block, usage, name)
    if kit.settings_source:
        found += kit.settings_source.run(rights.allowance_unused, usage, kit.settings_at)
    return found


def _check_handoffs(usage: Usage) -> list[Diagnostic]:
    kit, reached, found = usage.kit, usage.handoffs, []
    if len(reached & kit.agents) * 2 > len(kit.agents):
        for file in kit.manifests:
            if stem(file) not in reached:
                found += kit.read_manifest(file)[0].run(handoffs.unreached_agent, reached, stem(file))
    for file in usage.may_lack():
        source = kit.read_manifest(file)[0]
        found += source.run(handoffs.unreachable_agent, usage, decode(source.data, kit.settings.extra_keys))
    return found
