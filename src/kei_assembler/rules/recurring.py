"""Rules about what recurs: many manifests of a kit have the same tools, model or blocks.

A kit only has to be checked once for which of the rules about such a value (see `Rule.about`) have findings.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping

from kei_assembler.model.kinds import AGENT
from kei_assembler.rules.definition import Rule
from kei_assembler.rules.manifest_context import ManifestContext

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

    def with_findings(self, context: ManifestContext) -> list[Rule]:
        """Return the rules that have findings about the manifest of an agent."""
        if context.validation_errors or "target" in context.data or context.kind is not AGENT:
            return list(with_findings(self.rules, context))
        found, known = list(with_findings(self._others, context)), context.kit.broken_rules
        for about, rules in self._groups.items():
            value = about, _VALUES[about](context)
            if value not in known and len(known) < _MAX_KNOWN:
                known[value] = tuple(with_findings(rules, context))
            found += known[value] if value in known else with_findings(rules, context)
        return sorted(found, key=self.rules.index)


def _tools(context: ManifestContext) -> Hashable:
    manifest, settings = context.manifest, context.kit.settings
    # only the setting `limit-agents` makes it matter which agents they are
    is_limited = any(each.get("limit-agents") for each in settings.target.values())
    receivers = tuple([each.target for each in manifest.handoff]) if is_limited else bool(manifest.handoff)
    return manifest.tools, manifest.targets, receivers


_VALUES: Mapping[str, Callable[[ManifestContext], Hashable]] = {
    "tools": _tools,
    "model": lambda context: (context.manifest.model, context.manifest.targets),
    "display-name": lambda context: (context.manifest.display_name, context.manifest.targets),
    "blocks": lambda context: context.manifest.blocks,
    "target": lambda _: (),  # manifests with these tables are not remembered
}
"""What decides, with the kit, whether rules about a key have findings in a valid manifest without tables of targets."""
