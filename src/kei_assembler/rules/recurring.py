"""Rules about what recurs: many manifests of a kit have the same tools, model or blocks.

A rule about such a value (see `Rule.about`) only has to check it once in a kit if it finds nothing wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from weakref import WeakKeyDictionary

from kei_assembler.kit import LoadedKit
from kei_assembler.model.kinds import AGENT
from kei_assembler.rules.definition import Rule
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.targets import TARGETS

_MAX_KNOWN = 10_000
"""How many values are remembered for a kit."""


def with_findings(rules: Iterable[Rule], context: ManifestContext) -> Iterator[Rule]:
    """Yield the rules that have findings about a manifest."""
    for rule in rules:
        for _ in rule.check(context):  # faster than a call for each rule: most have no findings
            yield rule
            break


class RulesForAgents:
    """Rules for the manifests of agents."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._others = tuple(rule for rule in self.rules if not rule.about)
        self._groups = {about: tuple(rule for rule in self.rules if rule.about == about) for about in _VALUES}
        self._known: WeakKeyDictionary[LoadedKit, _Known] = WeakKeyDictionary()

    def with_findings(self, context: ManifestContext) -> list[Rule]:
        """Return the rules that have findings about the manifest of an agent."""
        if context.validation_errors or "target" in context.data or context.kind is not AGENT:
            return list(with_findings(self.rules, context))
        if (known := self._known.get(context.kit)) is None:
            known = self._known[context.kit] = _Known(context.kit)
        found = list(with_findings(self._others, context))
        for about, rules in self._groups.items():
            value = about, _VALUES[about](context, known)
            if value not in known.harmless:
                broken = list(with_findings(rules, context))
                found += broken
                if not broken and len(known.harmless) < _MAX_KNOWN:
                    known.harmless.add(value)
        return sorted(found, key=self.rules.index)


class _Known:
    """What is known of a kit: the values that its manifests can have, as the rules about them have no findings."""

    def __init__(self, kit: LoadedKit) -> None:
        self.harmless: set[tuple[str, Hashable]] = set()
        self.limits_agents = any(kit.settings.of(target).get("limit-agents") for target in TARGETS)


def _tools(context: ManifestContext, known: _Known) -> Hashable:
    manifest = context.manifest
    # only the setting `limit-agents` makes it matter which agents they are
    receivers = tuple([each.target for each in manifest.handoff]) if known.limits_agents else bool(manifest.handoff)
    return manifest.tools, manifest.targets, receivers


def _model(context: ManifestContext, _: _Known) -> Hashable:
    return context.manifest.model, context.manifest.targets


def _display_name(context: ManifestContext, _: _Known) -> Hashable:
    return context.manifest.display_name, context.manifest.targets


def _blocks(context: ManifestContext, _: _Known) -> Hashable:
    return context.manifest.blocks


def _target(*_: object) -> Hashable:
    return ()  # manifests with these tables are not remembered


_VALUES: Mapping[str, Callable[[ManifestContext, _Known], Hashable]] = {
    "tools": _tools,
    "model": _model,
    "display-name": _display_name,
    "blocks": _blocks,
    "target": _target,
}
"""What decides, with the kit, whether rules about a key have findings in a valid manifest without tables of targets."""
