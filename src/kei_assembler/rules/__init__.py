"""The rules: each is a small documented function. This module runs them on a manifest, a block, and a whole kit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from operator import itemgetter

from kei_assembler.diagnostics import Diagnostic, KeyPath
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import Block
from kei_assembler.markdown.placeholders import may_have_placeholders
from kei_assembler.model.inheritance import Resolved
from kei_assembler.model.kinds import AGENT
from kei_assembler.model.manifest import Manifest, is_abstract
from kei_assembler.model.values import filled_description
from kei_assembler.rules import (
    bases,
    block_files,
    blocks,
    bundles,
    exclusion,
    handoffs,
    hidden_text,
    keys,
    limits,
    links,
    mentions,
    names,
    permissions,
    placement,
    role_files,
    sections,
    set_values,
    shared_files,
    tables,
    text,
    tool_conflicts,
    tools,
    value_places,
    values,
    variants,
)
from kei_assembler.rules.definition import Rule
from kei_assembler.rules.inheritance import check_inheritance
from kei_assembler.rules.kit_usage import KitUsage
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.rules.recurring import RulesForAgents, with_findings
from kei_assembler.rules.runner import diagnose, first_findings, run_rule
from kei_assembler.rules.sources import check_source
from kei_assembler.targets import TARGETS
from kei_assembler.toml.source import Source

_FAMILIES = (
    keys,
    bases,
    role_files,
    tables,
    names,
    tools,
    tool_conflicts,
    values,
    blocks,
    sections,
    handoffs,
    set_values,
    value_places,
    text,
    permissions,
    placement,
    shared_files,
)
OF_MANIFEST: tuple[Rule, ...] = tuple(chain.from_iterable(family.OF_MANIFEST for family in _FAMILIES))
_OF_SOME = (*sections.OF_MANIFEST, *set_values.OF_MANIFEST, *value_places.OF_MANIFEST)
_ALL_FOR_AGENTS = RulesForAgents(OF_MANIFEST)
_PLAIN_FOR_AGENTS = RulesForAgents(rule for rule in OF_MANIFEST if rule not in _OF_SOME)
"""The rules for a manifest without sections and values. Most manifests have none, and many rules are about them."""

OF_BASE = (
    *keys.OF_MANIFEST,
    *bases.OF_MANIFEST,
    *role_files.OF_MANIFEST,
    *tables.OF_MANIFEST,
    names.name_differs_from_file,
    names.duplicate_name,
    tools.unknown_tool,
    tools.several_tools,
    tools.misspelled_denial,
    *values.OF_MANIFEST,
    blocks.unknown_block,
    blocks.repeated_block,
    blocks.invalid_block_name,
    *sections.OF_MANIFEST,
    handoffs.unknown_handoff_target,
    handoffs.repeated_handoff,
    *set_values.OF_BASE,
    *text.OF_MANIFEST,
)
"""The rules for a manifest that is only a base of others."""

OF_VALUES = frozenset(rule.code for rule in keys.OF_VALIDATION)
"""The codes of findings about single values, which hold whatever else is found."""

OF_KEYS = frozenset(rule.code for rule in (keys.unknown_key, keys.misplaced_key))
"""The codes of findings about keys that a manifest does not have at this place."""

OF_BLOCK = (*blocks.OF_BLOCK, block_files.front_matter_in_block, *text.OF_BLOCK)
_FILLING = frozenset(name for name, row in TARGETS.items() if row.placeholder.pattern)
OF_DEFAULTS = (
    keys.repeated_entry,
    tools.unknown_tool,
    tools.several_tools,
    tools.misspelled_denial,
    *tables.OF_MANIFEST,
    *tool_conflicts.OF_MANIFEST,
    *values.OF_MANIFEST,
    text.placeholder_in_manifest,
)


def check_manifest(
    kit: LoadedKit, source: Source, resolved: Resolved | None = None
) -> tuple[Manifest, list[Diagnostic]]:
    """Return a manifest and its diagnostics. Don't render the manifest if one of them is an error.

    `resolved` is what the kit's composition makes of the source. The bases are not checked for themselves, but the
    diagnostics about what the manifest inherits are located there.
    """
    context = context_of(kit, source, resolved)
    kit.names.add(source.file, context.data)
    return context.manifest, check_context(context)


def context_of(kit: LoadedKit, source: Source, resolved: Resolved | None = None) -> ManifestContext:
    """Return the context to check a manifest in. `resolved` is what the kit's composition makes of the source."""
    return ManifestContext(kit, source, resolved, is_base=is_abstract(source.data))


def check_context(context: ManifestContext) -> list[Diagnostic]:
    """Return the diagnostics of `check_manifest`. The names of the kit know the manifest already."""
    kit, source = context.kit, context.source
    # without what is inherited, most of what else is found may be wrong
    if found := _check_extends(context):
        return found
    if found := check_inheritance(kit, context.resolved):
        return found + _check_own_values(context) + _check_text(context)
    context.is_base = context.is_base or bool(keys.about(context, "abstract"))  # also if it is misspelled
    if context.is_base:
        return _check_as_base(context)
    found = _diagnosed(context, _broken_rules(context))
    found += _check_limited(context) if context.kind is AGENT else []
    if context.kind is not AGENT or context.manifest.also_skill:
        from kei_assembler.rules import other_kinds

        found += _checked(context, other_kinds.ALSO_SKILL) if context.kind is AGENT else []
        found += other_kinds.check_outputs(context)
    for writing in links.of_manifest(context):
        found += run_rule(links.unresolved_link, source, writing)
    for naming in mentions.of_manifest(context):
        found += _check_naming(source, naming)
    return found + _check_text(context)


def _check_naming(source: Source, naming: mentions.Naming) -> list[Diagnostic]:
    from kei_assembler.rules import path_mentions  # most texts name only what exists

    return [each for rule in (*mentions.RULES, path_mentions.unknown_path) for each in run_rule(rule, source, naming)]


def _check_limited(context: ManifestContext) -> list[Diagnostic]:
    """Return the diagnostics for a name and a description that exceed the limits of clients."""
    kit, source, found = context.kit, context.source, list[Diagnostic]()
    keys_to_limit = (key for key in ("name", "description") if context.fits(key) and not keys.is_missing(context, key))
    given = {key: getattr(context.manifest, key) for key in keys_to_limit}
    targets = kit.targets_of(context.manifest)
    if context.manifest.display_name:  # only what the client calls the agent is limited
        renamed = [target for target in targets if names.is_renamed(context.manifest, target)]
        found += check_limits(source, {key: given[key] for key in given if key != "name"}, renamed)
        targets = tuple(target for target in targets if target not in renamed)
    return found + _check_given(context, given, targets)


def _broken_rules(context: ManifestContext) -> list[Rule]:
    """Return the rules that have findings about the values of a manifest that is not only a base."""
    of_validation = list(with_findings(keys.OF_VALIDATION, context)) if context.validation_errors else []
    if not context.source.data:
        return [*of_validation, *with_findings((keys.empty_manifest,), context)]
    if context.kind is not AGENT:
        from kei_assembler.rules import other_kinds  # most kits have only agents

        return [*of_validation, *with_findings(other_kinds.RULES[context.kind.name], context)]
    data = context.data
    is_using_values = context.kit.settings.values or "values" in data or "target" in data or context.filled_texts.texts
    rules = _ALL_FOR_AGENTS if is_using_values or context.sections else _PLAIN_FOR_AGENTS
    return of_validation + rules.with_findings(context)


def _check_given(context: ManifestContext, given: dict[str, str], targets: Iterable[str]) -> list[Diagnostic]:
    """Return the diagnostics for a name and a description. Values can differ by target, and so the description."""
    if not may_have_placeholders(given.get("description", "")):
        return check_limits(context.source, given, targets)
    found: list[Diagnostic] = []
    for target in targets:
        description = filled_description(context.manifest, target)
        found += check_limits(context.source, given | {"description": description}, (target,))
    return found


def check_readable(source: Source) -> list[Diagnostic]:
    """Return the diagnostic that says why a manifest cannot be read, if any."""
    found = check_source(source)
    return (run_rule(text.unfinished_merge, source, source) or found) if found else []


def check_base(kit: LoadedKit, file: str) -> list[Diagnostic]:
    """Return the diagnostics for a manifest that others extend, apart from what only counts for an agent."""
    source = kit.composition.source(file)
    if found := check_readable(source):
        return found
    context = ManifestContext(kit, source, is_base=True)
    return _check_extends(context) or check_inheritance(kit, context.resolved) or _check_as_base(context)


def _check_own_values(context: ManifestContext) -> list[Diagnostic]:
    """Return the diagnostics for single values of the manifest itself, apart from those that inheritance is about."""
    elsewhere = {fault.origin.path[0] for fault in context.resolved.faults}
    own = [each for each in context.validation_errors if each.path[0] not in elsewhere and context.is_own(each.path)]
    return _checked(context.with_errors(own), keys.OF_VALIDATION) if own else []


def _check_as_base(context: ManifestContext) -> list[Diagnostic]:
    rules = OF_BASE if context.own else (keys.empty_manifest,)
    rules = (*keys.OF_VALIDATION, *rules) if context.validation_errors else rules
    return _checked(context, rules) + _check_text(context)


def _check_extends(context: ManifestContext) -> list[Diagnostic]:
    """Return the diagnostics for `extends`: one that is not a name, or is misspelled or misplaced."""
    if not context.validation_errors:
        return []
    errors = keys.about(context, "extends")
    narrowed = context.with_errors(errors)
    return _checked(narrowed, (*keys.OF_VALIDATION, keys.misplaced_key)) if errors else []


def _check_text(context: ManifestContext) -> list[Diagnostic]:
    kit, source = context.kit, context.source
    found = run_rule(text.unfinished_merge, source, source)
    found += run_rule(hidden_text.hidden_text, source, source, kit.allowed_characters)
    if context.role and context.is_own(("role", "file")):
        found += role_files.check_role_file(kit, context.role)
    return found


def check_defaults(kit: LoadedKit) -> list[Diagnostic]:
    """Return the diagnostics for the settings' `[defaults]`, which the validation of the settings found valid."""
    return _checked(ManifestContext.of_defaults(kit), OF_DEFAULTS) if kit.defaults else []


def _checked(context: ManifestContext, rules: Iterable[Rule]) -> list[Diagnostic]:
    return _diagnosed(context, list(with_findings(rules, context)))


def _diagnosed(context: ManifestContext, broken: list[Rule]) -> list[Diagnostic]:
    """Return the diagnostics of the rules that have findings about a manifest."""
    found: list[Diagnostic] = []
    unfilled = _names_to_fill(context) if broken else frozenset()
    for rule in broken:
        findings = first_findings(rule, context)
        if unfilled and rule is not text.placeholder_in_manifest:
            findings = [each for each in findings if each.where not in unfilled]
        found += diagnose(rule, context.source, map(context.placed, findings))
    return found


def _names_to_fill(context: ManifestContext) -> frozenset[KeyPath]:
    """Return the paths of names with placeholders. Nothing else about them is reported, unless that is ignored."""
    is_ignored = text.placeholder_in_manifest.code in context.kit.settings.ignore
    if is_ignored or not value_places.may_have_braces(context):
        return frozenset()
    return frozenset(path for path, _, _ in value_places.outside_of_texts(context))


def check_limits(source: Source, given: limits.Given, targets: Iterable[str]) -> list[Diagnostic]:
    """Return the diagnostics for texts that exceed the limits of these targets (see `target.Limit`)."""
    if not any(limits.excesses(given, targets)):
        return []
    return [found for rule in limits.RULES for found in run_rule(rule, source, given, targets)]


def check_block(usage: KitUsage, block: Block) -> list[Diagnostic]:
    """Return the diagnostics for a block or a variant, including why its file could not be read."""
    if problems := check_source(block.source):
        return problems
    found = [diagnostic for rule in OF_BLOCK for diagnostic in run_rule(rule, block.source, block)]
    for rule in (text.placeholder_in_block, value_places.misspelled_in_block):
        found += run_rule(rule, block.source, block, usage.unfilled.get(block.source.file, {}))
    found += block_files.check_ambiguity(usage.kit, block)
    found += variants.check_clients(usage.kit, block)
    found += run_rule(sections.missing_in_variant, block.source, usage, block)
    found += run_rule(sections.definition_elsewhere, block.source, usage, block)
    found += run_rule(links.unresolved_link, block.source, links.of_block(usage, block))
    for naming in mentions.of_block(usage, block):
        found += _check_naming(block.source, naming)
    found += run_rule(text.unfinished_merge, block.source, block.source)
    filling: frozenset[str] = _FILLING.intersection(usage.agents_targets.get(block.name, ()))
    is_printed = partial(usage.is_printed, block)
    found += run_rule(text.client_variable_in_file, block.source, block.source, filling, is_printed)
    return found + run_rule(hidden_text.hidden_text, block.source, block.source, usage.kit.allowed_characters)


def check_models(usage: KitUsage) -> list[Diagnostic]:
    """Return the note about clients that do not get the models of some manifests."""
    kit = usage.kit
    # a manifest without a valid name is reported for that
    agents = set[str]().union(*usage.without_model.values()) & kit.files_by_agent.keys() if usage.without_model else ()
    if not agents:
        return []
    first = min(agents)
    context = ManifestContext(kit, kit.read_manifest(kit.files_by_agent[first]))
    found = first_findings(values.model_left_out, usage)
    return diagnose(values.model_left_out, context.source, map(context.placed, found))


def check_templates(kit: LoadedKit) -> Iterator[list[Diagnostic]]:
    """Yield for each of a kit's templates the findings about hidden text, whether a target uses it or not."""
    # The kit's own folder also has other files, so a file there without this suffix is only checked if it is used.
    suffix = ".j2" if kit.settings.templates == "." else ""
    sources = (kit.read_text(file) for file in sorted(kit.templates()) if file.endswith(suffix))
    texts = (source for source in sources if source.error is None)  # a target cannot use the others
    return (run_rule(hidden_text.hidden_text, one, one, kit.allowed_characters) for one in texts)


def check_kit(usage: KitUsage) -> list[Diagnostic]:
    """Return the diagnostics that need all manifests of a kit, such as for blocks that none of them uses."""
    kit = usage.kit
    for name in kit.variant.without:
        usage.add_values(kit.texts.of_blocks((name,), tuple(TARGETS)).names)
    found = [*_check_handoffs(usage), *block_files.check_names(kit), *variants.check_use(usage)]
    found += set_values.check_use(usage)
    # only in the kit's own folder can a file be both
    role_files_here = kit.role_files.named if "." in kit.settings.blocks else ()
    for name in kit.block_names:
        if (block := kit.block(name)) and block.source.file not in role_files_here:
            found += run_rule(blocks.unused_block, block.source, usage, name)
    if kit.settings_source:
        found += run_rule(permissions.unused_allowance, kit.settings_source, usage)
        found += run_rule(exclusion.unused_exclude, kit.settings_source, kit)
        found += run_rule(set_values.unused_value_in_settings, kit.settings_source, usage)
        used = bundles.used_bundles(kit, usage.bundles)
        found += run_rule(bundles.unused_bundle, kit.settings_source, kit, used)
    for file, name in usage.abstract.items():
        found += run_rule(bases.unused_base, kit.composition.source(file), name, file in usage.bases)
    return found


def _check_handoffs(usage: KitUsage) -> list[Diagnostic]:
    kit, found = usage.kit, []
    reached: set[str] = set().union(*usage.handoffs_for.values())
    agents = kit.agents - usage.abstract_agents
    # an agent that no other hands off to only stands out if most of the others are handed off to
    if len(reached & agents) * 2 > len(agents):
        for name, file in sorted(kit.files_by_agent.items(), key=itemgetter(1)):
            if name in agents and name not in reached:
                found += run_rule(handoffs.unreached_agent, kit.read_manifest(file), name)
    for file in usage.may_lack():
        context = ManifestContext(kit, kit.read_manifest(file))
        unreachable = first_findings(handoffs.unreachable_agent, usage, context.manifest)
        found += diagnose(handoffs.unreachable_agent, context.source, map(context.placed, unreachable))
    return found
